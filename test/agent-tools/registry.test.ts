import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ManualClock } from '../../src/core/clock.js'
import type { LogFields, Logger } from '../../src/core/logger.js'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import { defineTool, refuse, type AgentTool } from '../../src/agent-tools/tool.js'

const context = { call: { callSid: 'CA1' }, tenantId: 'acme' }

function setup(tools: readonly AgentTool[], maxResultChars?: number) {
  const clock = new ManualClock()
  const lines: [string, LogFields | undefined][] = []
  const log = (message: string, fields?: LogFields): void => void lines.push([message, fields])
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const registry = new ToolRegistry(tools, {
    clock,
    logger,
    ...(maxResultChars === undefined ? {} : { maxResultChars }),
  })
  const run = (toolName: string, parameters: unknown = {}) => registry.run({ toolName, parameters, context })
  return { clock, registry, run, lines }
}

const echo = defineTool({
  name: 'echo',
  aliases: ['repeat'],
  description: 'Says it again',
  parameters: z.object({
    text: z.string(),
    times: z.number().int().optional(),
    loud: z.boolean().optional(),
    tags: z.array(z.number()).optional(),
    inner: z.object({ n: z.number() }).optional(),
  }),
  handler: (parameters) => parameters,
})

describe('what a model sends', () => {
  test.each<[string, unknown, unknown]>([
    ['as it should be', { text: 'a', times: 2 }, { text: 'a', times: 2 }],
    ['as text', '{"text":"a"}', { text: 'a' }],
    ['numbers and truth as text', { text: 'a', times: '2', loud: 'true' }, { text: 'a', times: 2, loud: true }],
    ['a number for text', { text: 5551234 }, { text: '5551234' }],
    ['nothing in optional places', { text: 'a', times: null, loud: '' }, { text: 'a' }],
    ['text within lists and objects', { text: 'a', tags: ['1', 2], inner: { n: '-3.5' } }, { text: 'a', tags: [1, 2], inner: { n: -3.5 } }],
    ['names that reach into prototypes', JSON.parse('{"text":"a","__proto__":{"x":1},"constructor":1}'), { text: 'a' }],
  ])('%s is understood', async (_name, parameters, data) => {
    expect(await setup([echo]).run('echo', parameters)).toEqual({ success: true, data })
  }) // prettier-ignore

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'text is required'],
    ['an array', [{ text: 'a' }], 'The parameters must be one JSON object with named values.'],
    ['text that is no JSON', 'text: a', 'The parameters must be a JSON object.'],
    ['JSON that is no object', '"a"', 'The parameters must be one JSON object with named values.'],
    ['a word for a number', { text: 'a', times: 'two' }, 'times: Invalid input: expected number, received string'],
    ['ten megabytes', { text: 'x'.repeat(10_000_000) }, 'The parameters are too long.'],
    ['ten megabytes as text', `{"text":"${'x'.repeat(10_000_000)}"}`, 'The parameters are too long.'],
    ['a hundred thousand names', Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 1])), 'The parameters are too long.'],
    ['a pit', JSON.parse('{"text":'.repeat(60) + '1' + '}'.repeat(60)), 'The parameters are too long.'],
  ])('%s is refused in words', async (_name, parameters, error) => {
    expect(await setup([echo]).run('echo', parameters)).toEqual({ success: false, error, code: 'VALIDATION_ERROR' })
  }) // prettier-ignore

  test('what was sent does not come back in the refusal, nor in the log', async () => {
    const { run, lines } = setup([echo])
    const answer = await run('echo', { text: { secret: 'hunter2' }, times: 'hunter3' })
    expect(JSON.stringify([answer, lines])).not.toMatch(/hunter/)
  })

  test('nothing reaches the prototype of objects', async () => {
    await setup([echo]).run('echo', '{"text":"a","__proto__":{"polluted":true}}')
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })
})

describe('names', () => {
  test('an alias is the same tool', async () => {
    expect(await setup([echo]).run('repeat', { text: 'a' })).toEqual({ success: true, data: { text: 'a' } })
  })

  test.each(['Echo', 'toString', '__proto__', ''])('«%s» is not a tool', async (name) => {
    expect(await setup([echo]).run(name)).toMatchObject({ success: false, code: 'UNKNOWN_TOOL' })
  })

  test('two tools with one name, a bad name and an empty description are mistakes at once', () => {
    expect(() => setup([echo, defineTool({ name: 'repeat', description: 'x', handler: () => 1 })])).toThrow(TypeError)
    expect(() => defineTool({ name: 'a b', description: 'x', handler: () => 1 })).toThrow(TypeError)
    expect(() => defineTool({ name: 'a', description: ' ', handler: () => 1 })).toThrow(TypeError)
    expect(() => defineTool({ name: 'a', description: 'x', timeoutMs: 0, handler: () => 1 })).toThrow(RangeError)
    expect(() => defineTool({ name: 'a', description: 'x', parameters: z.string() as never, handler: () => 1 })).toThrow(/JSON Schema/) // prettier-ignore
  })
})

describe('a handler that', () => {
  const tool = (handler: () => unknown, once = false) => defineTool({ name: 't', description: 't', timeoutMs: 100, once, handler }) // prettier-ignore

  test('gives nothing is a plain success', async () => {
    expect(await setup([tool(() => undefined)]).run('t')).toEqual({ success: true, data: null })
  })

  test('refuses says its code and its sentence', async () => {
    expect(await setup([tool(() => refuse('SLOT_TAKEN', 'That is taken.'))]).run('t')).toEqual({
      success: false,
      error: 'That is taken.',
      code: 'SLOT_TAKEN',
    })
  })

  test('throws tells the agent nothing of what was thrown', async () => {
    const failing = tool(() => {
      throw new Error('password=hunter2 at db.internal')
    })
    const { run, lines } = setup([failing])
    expect(await run('t')).toMatchObject({ success: false, code: 'TOOL_FAILED' })
    expect(JSON.stringify([await run('t'), lines])).not.toMatch(/hunter2|internal/)
  })

  test.each<[string, unknown]>([['is circular', (() => { const o: Record<string, unknown> = {}; o.o = o; return o })()], ['holds a big integer', { n: 1n }]])('answers with what %s fails', async (_name, value) => {
    expect(await setup([tool(() => value)]).run('t')).toMatchObject({ success: false, code: 'TOOL_FAILED' })
  }) // prettier-ignore

  test('answers with 5 MB is cut short', async () => {
    expect(await setup([tool(() => 'x'.repeat(5_000_000))]).run('t')).toMatchObject({ code: 'RESULT_TOO_LARGE' })
  })

  test('never ends is answered in time, and its signal is aborted', async () => {
    let signal: AbortSignal | undefined
    const hanging = defineTool({ name: 't', description: 't', timeoutMs: 100, handler: (_p, c) => new Promise(() => (signal = c.signal)) }) // prettier-ignore
    const { clock, run } = setup([hanging])
    const answer = run('t')
    await new Promise(setImmediate)
    await clock.advanceAsync(99)
    expect(signal?.aborted).toBe(false)
    await clock.advanceAsync(1)
    expect(await answer).toMatchObject({ success: false, code: 'TOOL_TIMEOUT' })
    expect(signal?.aborted).toBe(true)
    expect(clock.pendingTimers).toBe(0)
  })

  test.each([true, false])('never ends is answered in time on a call that nobody can tell (once: %s)', async (once) => {
    const { clock, registry } = setup([tool(() => new Promise(() => undefined), once)])
    const answer = registry.run({ toolName: 't', parameters: {}, context: { call: {}, tenantId: 'acme' } })
    await new Promise(setImmediate)
    await clock.advanceAsync(100)
    expect(await answer).toMatchObject({ success: false, code: 'TOOL_TIMEOUT' })
    expect(clock.pendingTimers).toBe(0)
  })

  test('hears when the call ends', async () => {
    const abort = new AbortController()
    const seen: boolean[] = []
    const asks = defineTool({ name: 't', description: 't', handler: (_p, { signal }) => { abort.abort(); seen.push(signal.aborted) } }) // prettier-ignore
    await setup([asks]).registry.run({ toolName: 't', parameters: {}, context: { ...context, signal: abort.signal } })
    expect(seen).toEqual([true])
  })

  test('changes its answer afterwards changes nothing', async () => {
    const shared = { n: 1 }
    const answer = await setup([tool(() => shared)]).run('t')
    shared.n = 2
    expect(answer).toEqual({ success: true, data: { n: 1 } })
  })
})

describe('what must not happen twice', () => {
  function booking() {
    const booked: unknown[] = []
    let finish: (value: unknown) => void = () => undefined
    let isSlow = false
    let outcome: unknown = 'ok'
    const tool = defineTool({
      name: 'book',
      description: 'b',
      timeoutMs: 100,
      once: true,
      parameters: z.object({ at: z.string(), who: z.string().optional() }),
      handler: (parameters) => {
        booked.push(parameters)
        return isSlow ? new Promise((resolve) => (finish = resolve)) : outcome
      },
    })
    return {
      tool,
      booked,
      slow: () => (isSlow = true),
      finish: (value: unknown) => finish(value),
      gives: (value: unknown) => (outcome = value),
    }
  }

  test('happens once for the same request on the same call, in whatever order its values come', async () => {
    const { tool, booked } = booking()
    const { run } = setup([tool])
    const answers = await Promise.all([run('book', { at: '9', who: 'A' }), run('book', { who: 'A', at: '9' })])
    answers.push(await run('book', '{"at":9,"who":"A"}'))
    expect(booked).toHaveLength(1)
    expect(answers).toEqual(Array.from({ length: 3 }, () => ({ success: true, data: 'ok' })))
  })

  test.each([
    ['another call', { ...context, call: { callSid: 'CA2' } }, { at: '9' }],
    ['another tenant', { ...context, tenantId: 'other' }, { at: '9' }],
    ['another request', context, { at: '10' }],
    ['a call that nobody can tell', { ...context, call: {} }, { at: '9' }],
  ])('happens again for %s', async (_name, other, parameters) => {
    const { tool, booked } = booking()
    const { registry } = setup([tool])
    await registry.run({ toolName: 'book', parameters: { at: '9' }, context })
    await registry.run({ toolName: 'book', parameters, context: other })
    expect(booked).toHaveLength(2)
  })

  test('may be tried again after a refusal', async () => {
    const { tool, booked, gives } = booking()
    const { run } = setup([tool])
    gives(refuse('CLOSED', 'Closed.'))
    expect(await run('book', { at: '9' })).toMatchObject({ code: 'CLOSED' })
    gives('ok')
    expect(await run('book', { at: '9' })).toMatchObject({ success: true })
    expect(booked).toHaveLength(2)
  })

  test('is not done again while the first, which took too long, is still at it', async () => {
    const { tool, booked, slow, finish } = booking()
    const { clock, run } = setup([tool])
    slow()
    const first = run('book', { at: '9' })
    await clock.advanceAsync(150)
    expect(await first).toMatchObject({ code: 'TOOL_TIMEOUT' })
    const second = run('book', { at: '9' })
    await clock.advanceAsync(10)
    finish('late')
    expect(await second).toEqual({ success: true, data: 'late' })
    expect(booked).toHaveLength(1)
  })
})
