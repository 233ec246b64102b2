import { execFile } from 'node:child_process'
import { expect, test } from 'vitest'

test('the receptionist books once, on the day that was meant, and keeps the transcript next to what was heard', async () => {
  const cwd = new URL('../../', import.meta.url).pathname
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    const run = ['--import', 'tsx', 'examples/receptionist/try.ts']
    execFile(process.execPath, run, { cwd, timeout: 100_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, output: stdout + stderr })
    })
  })
  expect(output).toBe('The booking went as scripted.\n')
  expect(code).toBe(0)
}, 110_000)
