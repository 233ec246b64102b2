import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const ROOT = new URL('../../', import.meta.url).pathname

interface Run {
  readonly code: unknown
  readonly output: string
  readonly complaint: string
}

/** Runs a program as a user would. */
function run(program: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', ...program], { cwd: ROOT }, (error, output, complaint) => {
      resolve({ code: error ? error.code : 0, output, complaint })
    })
  })
}

/** How long something took, and what it cost, may differ from run to run. */
const withoutFigures = (text: string): string => text.replaceAll(/\d+(\.\d+)?/g, '0')

/** What the README of a story promises. */
function promised(story: string): string {
  const readme = readFileSync(`${ROOT}examples/${story}/README.md`, 'utf8')
  return /What you should see:\n\n```text\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
}

test.each([
  ['outbound-lead', 'express'],
  ['outbound-lead', 'fastify'],
  ['message-and-menu', 'express'],
  ['message-and-menu', 'fastify'],
  ['agent-studio', ''],
  ['route-handlers', ''],
  ['receptionist', ''],
])(
  'the story of %s %s finds everything as it should be, and prints what its README shows',
  async (story, host) => {
    const { code, output, complaint } = await run([`examples/${story}/try.ts`, ...(host === '' ? [] : [host])])
    expect(complaint).toBe('')
    expect(code).toBe(0)
    expect(output).toMatch(/as it should be\n$/)
    expect(withoutFigures(output)).toBe(withoutFigures(promised(story)))
  },
  300_000,
)

test('what is not as it should be is a plain sentence and the exit code 1, whatever is still open', async () => {
  const story = `
    import assert from 'node:assert/strict'
    import { createServer } from 'node:http'
    import { play } from './examples/play.ts'
    await play(async () => {
      createServer().listen(0, '127.0.0.1')
      assert.equal(1 + 1, 3, 'the sum is wrong')
    })
    console.log('as it should be')`
  const { code, output, complaint } = await run(['--input-type=module', '--eval', story])
  expect(complaint.split('\n', 1)).toEqual(['Not as it should be: the sum is wrong'])
  expect(output).toBe('')
  expect(code).toBe(1)
}, 120_000)

test('a host that is not there is told', async () => {
  const { code, complaint } = await run(['examples/message-and-menu/try.ts', 'koa'])
  expect([code, complaint]).toEqual([1, 'Not as it should be: There is no host "koa": express and fastify are there\n'])
}, 120_000)
