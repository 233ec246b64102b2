/**
 * Tools over the agent's socket: what a model makes of arguments, what handlers do, what comes twice. Each call gets exactly one answer.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import { defineTool, refuse } from '../../src/agent-tools/tool.js'
import type { Clock } from '../../src/core/clock.js'
import { ClientTools, type VoiceTools } from '../../src/front/client-tools.js'
import { activeTalk, settle } from '../elevenlabs/scripted-agent.js'

/** Longer than any limit. */
const LONG_MS = 60_000

/** A conversation whose tools are those of the front door, and what the agent is answered. */
function setup(makeTools: (clock: Clock) => VoiceTools) {
  const own: { tools?: ClientTools } = {}
  const caller = { call: { callSid: 'CA1', remoteNumber: '+12025550143' }, tenantId: 'acme' }
  const talk = activeTalk({ onToolCall: (call, { signal }) => own.tools?.run(call, caller, signal) })
  own.tools = new ClientTools(makeTools(talk.clock))
  const passing = async (ms: number): Promise<void> => {
    for (let i = 0; i < 5; i++) await turn()
    await talk.clock.advanceAsync(ms)
    await settle()
  }
  return {
    ...talk,
    passing,
    /** Asks as it stands on the wire: nothing of ours has looked at it. */
    ask: (toolName: string, parameters: unknown, id = 'call_1') => {
      const call = { tool_name: toolName, tool_call_id: id, parameters, event_id: 3 }
      talk.agent.send(JSON.stringify({ type: 'client_tool_call', client_tool_call: call }))
    },
    answers: () => talk.sent('toolResult').map((answer) => ({ ...answer, result: asJson(answer.result) })),
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const refused = (error: string) => ({ isError: true, result: { success: false, code: 'VALIDATION_ERROR', error } })
const tooLong = refused('The parameters are too long.')
const misses = refused('at is required')

test.each<[string, unknown, object]>([
  ['as they should be', { at: 'nine' }, { isError: false, result: { success: true, data: { at: 'nine' } } }],
  ['as text', '{"at":"nine","seats":"2"}', { isError: false, result: { success: true, data: { at: 'nine', seats: 2 } } }],
  ['as words', 'at nine', misses],
  ['as a list', [{ name: 'at', value: 'nine' }], misses],
  ['as a list in a text', '[1]', misses],
  ['as a number', 9, misses],
  ['as null', null, misses],
  ['with prototype keys', JSON.parse('{"at":"nine","__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}'), { isError: false, result: { success: true, data: { at: 'nine' } } }],
  ['of ten megabytes', { at: 'x'.repeat(10_000_000) }, tooLong],
  ['of ten megabytes as text', JSON.stringify({ at: 'x'.repeat(10_000_000) }), tooLong],
  ['a thousand deep', JSON.parse('{"at":'.repeat(1000) + '1' + '}'.repeat(1000)), tooLong],
])('arguments %s get one answer that the agent can speak', async (_name, parameters, answer) => {
  const book = defineTool({ name: 'book', description: 'Books', parameters: z.object({ at: z.string(), seats: z.number().optional() }), handler: (given) => given })
  const { ask, answers, passing, conversation } = setup((clock) => new ToolRegistry([book], { clock }))
  ask('book', parameters)
  await passing(0)
  expect(answers()).toMatchObject([{ toolCallId: 'call_1', ...answer }])
  await passing(LONG_MS)
  expect(answers()).toHaveLength(1)
  expect(conversation.state).toBe('active')
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
}) // prettier-ignore

interface Ending {
  readonly handler: () => unknown
  /** What the agent is told: by a registry, and by a bare handler. */
  readonly registry: unknown
  readonly bare: unknown
}
const failed = { registry: { success: false, code: 'TOOL_FAILED' }, bare: 'The tool failed' }
const throws = (value: unknown) => () => {
  throw value
}
const circular: Record<string, unknown> = {}
circular.self = circular

const endings: [string, Ending][] = [
  ['throws', { handler: throws(new Error('password=hunter2')), ...failed }],
  ['rejects', { handler: () => Promise.reject(new Error('password=hunter2')), ...failed }],
  ['throws what is no error', { handler: throws('hunter2'), ...failed }],
  ['hangs', { handler: () => new Promise(() => undefined), registry: { code: 'TOOL_TIMEOUT' }, bare: 'The tool did not answer within 10000 ms' }],
  ['answers 5 MB', { handler: () => 'x'.repeat(5_000_000), registry: { code: 'RESULT_TOO_LARGE' }, bare: 'The tool’s result is too long (5000000 characters)' }],
  ['answers in a circle', { handler: () => circular, registry: { code: 'TOOL_FAILED' }, bare: 'The tool’s result cannot be written as JSON' }],
] // prettier-ignore

describe.each(endings)('a handler that %s', (_name, { handler, registry, bare }) => {
  test.each<[string, (clock: Clock) => VoiceTools, unknown]>([
    ['of a registry', (clock) => new ToolRegistry([defineTool({ name: 't', description: 't', handler })], { clock }), registry],
    ['of a registry, and must not run twice', (clock) => new ToolRegistry([defineTool({ name: 't', description: 't', once: true, handler })], { clock }), registry],
    ['by itself', () => ({ t: handler }), bare],
  ])('%s, gets one answer in time, and tells nothing of the inside', async (_kind, makeTools, result) => {
    const { ask, answers, passing, logged } = setup(makeTools)
    ask('t', {})
    await passing(10_000)
    expect(answers()).toMatchObject([{ toolCallId: 'call_1', isError: true, result }])
    await passing(LONG_MS)
    expect(answers()).toHaveLength(1)
    expect(JSON.stringify([answers(), logged])).not.toContain('hunter2')
  }) // prettier-ignore
})

test('a refusal reaches the agent with its code and its sentence', async () => {
  const full = defineTool({ name: 't', description: 't', handler: () => refuse('SLOT_TAKEN', 'That time is taken.') })
  const { ask, answers, passing } = setup((clock) => new ToolRegistry([full], { clock }))
  ask('t', {})
  await passing(0)
  expect(answers()).toEqual([{ type: 'toolResult', toolCallId: 'call_1', isError: true, result: { success: false, code: 'SLOT_TAKEN', error: 'That time is taken.' } }]) // prettier-ignore
})

test.each(['toString', '__proto__', 'constructor', 'nothing', ''])('a tool called «%s» is answered once, as unknown', async (toolName) => {
  const { ask, answers, passing } = setup(() => ({ real: () => 1 }))
  ask(toolName, {})
  await passing(LONG_MS)
  expect(answers()).toEqual([{ type: 'toolResult', toolCallId: 'call_1', isError: true, result: expect.stringMatching(/not registered/) }]) // prettier-ignore
}) // prettier-ignore

describe('a call id that comes again', () => {
  function counting(isSlow: boolean) {
    let runs = 0
    const tool = (clock: Clock) => ({
      t: async () => {
        runs++
        if (isSlow) await new Promise<void>((resolve) => clock.setTimeout(resolve, 500))
        return { runs }
      },
    })
    return { ...setup(tool), runs: () => runs }
  }

  test.each([false, true])('runs its tool once and is answered once, with whatever arguments it repeats (slow: %s)', async (isSlow) => {
    const { ask, answers, passing, runs } = counting(isSlow)
    ask('t', { at: 'nine' })
    ask('t', { at: 'nine' })
    ask('t', 'garbled')
    await passing(1000)
    ask('t', { at: 'ten' })
    await passing(LONG_MS)
    expect(answers()).toMatchObject([{ toolCallId: 'call_1', isError: false, result: { runs: 1 } }])
    expect(runs()).toBe(1)
  }) // prettier-ignore

  test('is another call than one of another id, which has its own answer', async () => {
    const { ask, answers, passing } = counting(true)
    for (let i = 0; i < 20; i++) for (const id of ['a', 'b', 'c']) ask('t', {}, id)
    await passing(LONG_MS)
    expect(answers().map(({ toolCallId }) => toolCallId).sort()).toEqual(['a', 'b', 'c']) // prettier-ignore
  })
})
