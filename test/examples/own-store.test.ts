import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('the example of a store of one\u2019s own passes the suite', { timeout: 120_000 }, () => {
  const script = new URL('../../examples/own-store/try.ts', import.meta.url).pathname
  const output = execFileSync(process.execPath, ['--import', 'tsx', script], { encoding: 'utf8' })
  expect(output).toMatch(/all \d+ cases hold, and what was kept outlives a restart/)
  expect(output).not.toContain('FAIL')
})
