import { describe, expect, test } from 'vitest'
import { VoiceError } from '../../src/core/errors.js'
import type { ServerMessage } from '../../src/elevenlabs/messages.js'
import { MAX_TOOL_RESULT_CHARS, type ToolCallHandler } from '../../src/elevenlabs/tool-calls.js'
import { activeTalk, settle, type Talk } from './scripted-agent.js'

const call = (toolCallId = 'c1', parameters: Record<string, unknown> = {}): ServerMessage => ({
  type: 'toolCall',
  toolName: 'lookup_order',
  toolCallId,
  parameters,
  eventId: 3,
})

async function answered(onToolCall: ToolCallHandler | undefined): Promise<Talk> {
  const talk = activeTalk({ onToolCall })
  talk.say(call())
  await settle()
  return talk
}

describe('a tool call', () => {
  test('runs the handler with what the agent asked, and answers with what it gives', async () => {
    const calls: unknown[] = []
    const talk = activeTalk({
      onToolCall: async (toolCall, { signal }) => {
        calls.push(toolCall, signal.aborted)
        return 'shipped'
      },
    })
    talk.say(call('c1', { order_id: 'A-17' }))
    talk.clock.advance(30)
    await settle()
    const asked = { toolName: 'lookup_order', toolCallId: 'c1', parameters: { order_id: 'A-17' }, eventId: 3 }
    expect(calls).toEqual([asked, false])
    expect(talk.sent('toolResult')).toEqual([
      { type: 'toolResult', toolCallId: 'c1', result: 'shipped', isError: false },
    ])
    expect(talk.events.slice(1)).toEqual([
      ['toolCall', asked],
      ['toolResult', { toolName: 'lookup_order', toolCallId: 'c1', isError: false, error: undefined, durationMs: 30 }],
    ])
    expect(talk.clock.pendingTimers).toBe(0)
  })

  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  test.each<[string, unknown, string | RegExp, boolean]>([
    ['undefined', undefined, 'Done.', false],
    ['null', null, 'Done.', false],
    ['an empty string', '', '', false],
    ['a number', 42, '42', false],
    ['false', false, 'false', false],
    ['an object', { status: 'shipped', n: [1] }, '{"status":"shipped","n":[1]}', false],
    ['a date', new Date(0), '"1970-01-01T00:00:00.000Z"', false],
    ['a bigint', 10n ** 20n, '100000000000000000000', false],
    ['a symbol', Symbol('x'), 'Symbol(x)', false],
    ['a function', () => 1, 'Done.', false],
    ['a cyclic object', cyclic, /cannot be written as JSON/, true],
    ['an object with a bigint', { n: 1n }, /cannot be written as JSON/, true],
    ['the longest text', 'x'.repeat(MAX_TOOL_RESULT_CHARS), /^x+$/, false],
    ['a text of 1 MB', 'x'.repeat(1024 * 1024), /too long/, true],
    ['an object whose JSON throws', { toJSON: () => { throw new Error('no') } }, /cannot be written as JSON/, true], // prettier-ignore
    ['a thenable that throws', { get then() { throw new Error('no') } }, 'The tool failed', true], // prettier-ignore
  ])('that returns %s gets one answer', async (_name, value, result, isError) => {
    const { sent, conversation } = await answered(() => value)
    expect(sent('toolResult')).toHaveLength(1)
    const [answer] = sent('toolResult')
    expect(answer!.isError).toBe(isError)
    if (typeof result === 'string') expect(answer!.result).toBe(result)
    else expect(answer!.result).toMatch(result)
    expect(conversation.state).toBe('active')
  })

  test('that throws answers that it failed, and keeps the text of the exception to itself', async () => {
    const boom = new Error('password of the database is hunter2')
    for (const handler of [
      () => {
        throw boom
      },
      () => Promise.reject(boom),
    ]) {
      const { sent, events } = await answered(handler)
      expect(sent('toolResult')).toEqual([
        { type: 'toolResult', toolCallId: 'c1', result: 'The tool failed', isError: true },
      ])
      const [, result] = events.at(-1) as [string, { error: VoiceError }]
      expect(result.error.code).toBe('agent_tool_failed')
      expect(result.error.cause).toBe(boom)
    }
  })

  test('that throws one of our errors tells the agent its message', async () => {
    const { sent, events } = await answered(() => {
      throw new VoiceError('agent_tool_unknown', 'There is no tool of that name')
    })
    expect(sent('toolResult')[0]).toMatchObject({ result: 'There is no tool of that name', isError: true })
    expect(events.at(-1)).toMatchObject(['toolResult', { isError: true, error: { code: 'agent_tool_unknown' } }])
  })

  test.each([undefined, 'text', 7, null])('that throws %j is answered like any other', async (thrown) => {
    const { sent } = await answered(async () => {
      throw thrown // eslint-disable-line @typescript-eslint/only-throw-error -- other people's code does
    })
    expect(sent('toolResult')).toMatchObject([{ result: 'The tool failed', isError: true }])
  })

  test('that never ends is answered at its limit, its signal aborts, and what comes later is not sent', async () => {
    let finish: (value: string) => void = () => undefined
    let signal: AbortSignal | undefined
    const talk = activeTalk({
      toolTimeoutMs: 1000,
      onToolCall: (_call, context) => {
        signal = context.signal
        return new Promise<string>((resolve) => (finish = resolve))
      },
    })
    talk.say(call())
    talk.clock.advance(999)
    expect(talk.sent('toolResult')).toEqual([])
    talk.clock.advance(1)
    expect(talk.sent('toolResult')).toMatchObject(
      [{ toolCallId: 'c1', isError: true, result: /./ }].map(() => ({ isError: true })),
    )
    expect(signal?.aborted).toBe(true)
    finish('too late')
    await settle()
    expect(talk.sent('toolResult')).toHaveLength(1)
    expect(talk.events.at(-1)).toMatchObject([
      'toolResult',
      { error: { code: 'agent_tool_timeout' }, durationMs: 1000 },
    ])
  })

  test('without a handler is refused at once, since silence would block the agent', async () => {
    const { sent } = await answered(undefined)
    expect(sent('toolResult')).toMatchObject([{ toolCallId: 'c1', isError: true }])
  })

  test('a handler that is set later serves the calls from then on', async () => {
    const talk = activeTalk()
    talk.conversation.setHandlers({ onToolCall: () => 'here' })
    talk.say(call())
    await settle()
    expect(talk.sent('toolResult')).toMatchObject([{ result: 'here', isError: false }])
    talk.conversation.setHandlers({ onAudio: () => undefined }) // leaves the other handler alone
    talk.say(call('c2'))
    await settle()
    expect(talk.sent('toolResult')).toMatchObject([{}, { result: 'here' }])
  })

  test('that comes twice is run once and answered once, while it runs and after', async () => {
    let runs = 0
    let finish: () => void = () => undefined
    const talk = activeTalk({
      onToolCall: () => {
        runs++
        return new Promise<void>((resolve) => (finish = resolve))
      },
    })
    talk.say(call(), call())
    finish()
    await settle()
    talk.say(call())
    await settle()
    expect(runs).toBe(1)
    expect(talk.sent('toolResult')).toHaveLength(1)
    expect(talk.events.filter(([name]) => name === 'toolCall')).toHaveLength(1)
  })

  test('several at once are each answered in the order in which they end', async () => {
    const finish = new Map<string, (value: string) => void>()
    const talk = activeTalk({
      onToolCall: ({ toolCallId }) => new Promise((resolve) => void finish.set(toolCallId, resolve)),
    })
    talk.say(call('a'), call('b'), call('c'))
    for (const id of ['c', 'a', 'b']) {
      finish.get(id)?.(id)
      await settle()
    }
    expect(talk.sent('toolResult').map(({ toolCallId, result }) => [toolCallId, result])).toEqual([
      ['c', 'c'],
      ['a', 'a'],
      ['b', 'b'],
    ])
  })

  test('beyond the number that any agent makes is refused', async () => {
    const talk = activeTalk({ onToolCall: () => new Promise(() => undefined) })
    for (let i = 0; i < 40; i++) talk.say(call(`c${i}`))
    expect(talk.sent('toolResult')).toHaveLength(8)
    expect(talk.sent('toolResult')[0]).toMatchObject({ toolCallId: 'c32', isError: true })
    talk.conversation.close()
    expect(talk.clock.pendingTimers).toBe(0)
  })

  test.each(['close-by-us', 'close-by-agent'])(
    'that outlives the conversation is aborted and not answered (%s)',
    async (how) => {
      let finish: (value: string) => void = () => undefined
      let signal: AbortSignal | undefined
      const talk = activeTalk({
        onToolCall: (_call, context) => {
          signal = context.signal
          return new Promise<string>((resolve) => (finish = resolve))
        },
      })
      talk.say(call())
      if (how === 'close-by-us') talk.conversation.close()
      else talk.agent.close(1000)
      expect(signal?.aborted).toBe(true)
      expect(signal?.reason).toMatchObject({ code: 'elevenlabs_closed' })
      finish('nobody listens')
      await settle()
      expect(talk.sent('toolResult')).toEqual([])
      expect(talk.clock.pendingTimers).toBe(0)
    },
  )

  test('a handler that ends the conversation is not answered either', async () => {
    const talk: Talk = activeTalk({
      onToolCall: () => {
        talk.conversation.close()
        return 'hung up'
      },
    })
    talk.say(call())
    await settle()
    expect(talk.sent('toolResult')).toEqual([])
    expect(await talk.conversation.ended).toMatchObject({ reason: 'closed-by-us' })
  })

  test('a listener that throws does not keep the call from its answer', async () => {
    const talk = activeTalk({ onToolCall: () => 'ok' })
    talk.conversation.on('toolCall', () => {
      throw new Error('listener')
    })
    talk.say(call())
    await settle()
    expect(talk.sent('toolResult')).toHaveLength(1)
  })
})
