import { execFile } from 'node:child_process'
import { expect, test } from 'vitest'

test('the example of the simulator guide plays its call and finds nothing wrong', async () => {
  const cwd = new URL('../../', import.meta.url).pathname
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', 'examples/simulator/try.ts'], { cwd }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, output: stdout + stderr })
    })
  })
  expect(output).toBe('The call went as scripted.\n')
  expect(code).toBe(0)
}, 60_000)
