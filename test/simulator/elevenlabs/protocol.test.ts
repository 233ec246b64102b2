import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ConversationFault } from '../../../src/simulator/elevenlabs/faults.js'
import { loadSpeech } from '../../support/speech.js'
import { connect, INITIATION } from './raw-client.js'

const speech = loadSpeech()

describe('what no client may do closes 1008, and is noted', () => {
  const before: [string, unknown, string][] = [
    ['audio before the initiation', { user_audio_chunk: '//8=' }, 'initiation_not_first'],
    ['a pong before the initiation', { type: 'pong', event_id: 0 }, 'initiation_not_first'],
    ['an override that does not exist', { ...INITIATION, conversation_config_override: { agent: { agent_output_audio_format: 'ulaw_8000' } } }, 'message_invalid'],
    ['a field that does not exist', { ...INITIATION, agent: {} }, 'message_invalid'],
    ['a dynamic variable that is an object', { ...INITIATION, dynamic_variables: { a: {} } }, 'message_invalid'],
    ['a voice faster than any', { ...INITIATION, conversation_config_override: { tts: { speed: 5 } } }, 'message_invalid'],
  ] // prettier-ignore
  test.each(before)('%s', (_, message, kind) => {
    const call = connect()
    call.send(message)
    expect(call.violations.map((violation) => violation.kind)).toEqual([kind])
    expect(call.closed()?.code).toBe(1008)
    expect(call.of('error')[0]?.['error_event']).toMatchObject({ code: 1008, error_type: 'invalid_message' })
  })

  const after: [string, unknown, string][] = [
    ['a second initiation', INITIATION, 'initiation_repeated'],
    ['text that is not JSON', '{"type":', 'message_invalid'],
    ['JSON that is no object', '[]', 'message_invalid'],
    ['an unknown type', { type: 'hang_up' }, 'message_invalid'],
    ['a message without a type', { text: 'hi' }, 'message_invalid'],
    ['audio that is not base64', { user_audio_chunk: '????' }, 'message_invalid'],
    ['audio with a type', { type: 'user_audio_chunk', user_audio_chunk: '//8=' }, 'message_invalid'],
    ['audio that is no string', { user_audio_chunk: [1] }, 'message_invalid'],
    ['a tool result without is_error', { type: 'client_tool_result', tool_call_id: 'x', result: 'ok' }, 'message_invalid'],
    ['a tool result that is no string', { type: 'client_tool_result', tool_call_id: 'x', result: {}, is_error: false }, 'message_invalid'],
    ['a tool result for no call', { type: 'client_tool_result', tool_call_id: 'x', result: 'ok', is_error: false }, 'tool_call_unknown'],
    ['a pong with a name', { type: 'pong', event_id: '0' }, 'message_invalid'],
    ['a contextual update without text', { type: 'contextual_update' }, 'message_invalid'],
  ] // prettier-ignore
  test.each(after)('%s', async (_, message, kind) => {
    const call = connect()
    await call.begin()
    call.send(message)
    expect(call.violations.map((violation) => violation.kind)).toEqual([kind])
    expect(call.closed()?.code).toBe(1008)
  })

  test('PCM that ends in the middle of a sample', async () => {
    const call = connect({ userInputAudioFormat: 'pcm_16000' })
    await call.begin()
    call.send({ user_audio_chunk: Buffer.alloc(3).toString('base64') })
    expect(call.violations[0]?.kind).toBe('audio_invalid')
  })

  test('a ping that is never answered', async () => {
    const call = connect({ ignoresPings: true, pongTimeoutMs: 5000 })
    await call.begin()
    await call.silence(5200)
    expect(call.violations.map(({ kind }) => kind)).toEqual(['pong_missing'])
    expect(call.closed()?.code).toBe(1008)
  })

  test('an initiation that never comes', async () => {
    const call = connect({ pongTimeoutMs: 5000 })
    await call.clock.advanceAsync(5100, 100)
    expect(call.violations.map(({ kind }) => kind)).toEqual(['initiation_missing'])
  })

  test('audio before the metadata is lost and noted, but closes nothing', async () => {
    const call = connect({ faults: [{ at: 'metadata', afterMs: 500 }] })
    await call.begin()
    await call.silence(100)
    expect(call.violations[0]?.kind).toBe('audio_before_metadata')
    expect(call.conversation.audioReceivedMs).toBe(0)
    await call.silence(500)
    expect(call.closed()).toBeUndefined()
    expect(call.conversation.audioReceivedMs).toBeGreaterThan(0)
  })

  test('no violation repeats a value that was sent', async () => {
    const call = connect()
    await call.begin()
    call.send({ type: 'user_message', text: 17, secret: 'hunter2' })
    expect(JSON.stringify([call.violations, call.closed()])).not.toMatch(/17|hunter2/)
  })

  test('whatever is sent, in whatever order, the answer is ordered: nothing, or metadata first, and at most one close', async () => {
    const message = fc.oneof(
      fc.constantFrom<unknown>(
        INITIATION,
        { user_audio_chunk: '/////w==' },
        { type: 'user_message', text: 'hi' },
        { type: 'contextual_update', text: 'hi' },
        { type: 'user_activity' },
        { type: 'pong', event_id: 0 },
        { type: 'feedback', event_id: 1, score: null },
      ),
      fc.json(),
      fc.string(),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
        const call = connect({ firstMessage: 'Hello.', script: (heard) => heard.text })
        for (const one of messages) {
          call.send(one)
          await call.clock.advanceAsync(200, 20)
        }
        if (messages[0] !== INITIATION) expect(call.of('conversation_initiation_metadata')).toEqual([])
        else expect(call.types()[0]).toBe('conversation_initiation_metadata')
        if (call.violations.length === 0) expect(call.closed()).toBeUndefined()
        call.socket.close(1000)
        expect(call.clock.pendingTimers).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})

describe('overrides and variables', () => {
  const allowed = { agent: { first_message: true, prompt: { prompt: true } }, conversation: { text_only: true } }

  test('a field that is not allowed closes 1008, after the metadata, and names the field', async () => {
    const call = connect({ firstMessage: 'Hello.' })
    await call.begin({ conversation_config_override: { agent: { first_message: 'Hi.' } } })
    expect(call.types()).toEqual(['conversation_initiation_metadata'])
    expect(call.closed()).toBeUndefined()
    await call.clock.advanceAsync(200)
    expect(call.of('error')[0]?.['error_event'].error_type).toBe('override_error')
    expect(call.closed()).toEqual({
      code: 1008,
      reason: "Override for field 'first_message' is not allowed by config.",
    })
    expect(call.violations).toEqual([])
  })

  test.each([
    ['prompt', { agent: { prompt: { prompt: 'x' } } }],
    ['llm', { agent: { prompt: { llm: 'gemini-2.5-flash' } } }],
    ['voice_id', { tts: { voice_id: 'v' } }],
    ['text_only', { conversation: { text_only: true } }],
    ['message', { turn: { soft_timeout_config: { message: 'x' } } }],
  ])('so does %s', async (field, conversation_config_override) => {
    const call = connect()
    await call.begin({ conversation_config_override })
    await call.clock.advanceAsync(200)
    expect(call.closed()?.reason).toBe(`Override for field '${field}' is not allowed by config.`)
  })

  test('what is allowed takes effect', async () => {
    const call = connect({ firstMessage: 'Hello.', allowedOverrides: allowed })
    const override = {
      agent: { first_message: 'Hi {{name}}.', prompt: { prompt: 'x' } },
      conversation: { text_only: true },
    }
    await call.begin({
      conversation_config_override: override,
      dynamic_variables: { name: 'Ada', vip: true, n: 2, x: null },
    })
    await call.clock.advanceAsync(500)
    expect(call.of('agent_response')[0]?.['agent_response_event'].agent_response).toBe('Hi Ada.')
    expect(call.of('agent_chat_response_part').length).toBeGreaterThan(0)
    expect(call.conversation.dynamicVariables).toEqual({ name: 'Ada', vip: true, n: 2, x: null })
  })

  test('null is no override, an empty first message is one, and keywords are never refused', async () => {
    const call = connect({ firstMessage: 'Hello.', allowedOverrides: allowed })
    const override = {
      agent: { first_message: '', language: null },
      tts: { voice_id: null },
      asr: { keywords: ['Acme'] },
    }
    await call.begin({ conversation_config_override: override })
    await call.silence(1000)
    expect(call.closed()).toBeUndefined()
    expect(call.of('agent_response')).toEqual([])
  })

  test('a language that the agent does not have closes 1008', async () => {
    const agent = { languagePresets: ['de'], allowedOverrides: { agent: { language: true } } }
    const german = connect(agent)
    await german.begin({ conversation_config_override: { agent: { language: 'de' } } })
    await german.clock.advanceAsync(200)
    expect(german.closed()).toBeUndefined()
    const french = connect(agent)
    await french.begin({ conversation_config_override: { agent: { language: 'fr' } } })
    await french.clock.advanceAsync(200)
    expect(french.closed()?.code).toBe(1008)
  })

  test.each([
    ['first message', { firstMessage: 'Hi {{name}}, {{ system__conversation_id }}' }],
    ['prompt', { prompt: 'You talk to {{name}}.' }],
    ['tools', { tools: [{ name: 'find', url: 'https://example.com/{{name}}' }] }],
  ])('a variable that is missing in the %s closes 1008 and is named', async (place, agent) => {
    const call = connect(agent)
    await call.begin()
    await call.clock.advanceAsync(200)
    expect(call.closed()).toEqual({
      code: 1008,
      reason: `Missing required dynamic variables in ${place}: {'name'}`,
    })
    const complete = connect(agent)
    await complete.begin({ dynamic_variables: { name: 'Ada' } })
    await complete.clock.advanceAsync(200)
    expect(complete.closed()).toBeUndefined()
  })

  test('system variables cannot be set, and those of native calls are missing on a socket', async () => {
    const setting = connect()
    await setting.begin({ dynamic_variables: { system__caller_id: '+15550100' } })
    await setting.clock.advanceAsync(200)
    expect(setting.closed()?.code).toBe(1008)
    const using = connect({ prompt: 'Caller {{system__caller_id}}' })
    await using.begin()
    await using.clock.advanceAsync(200)
    expect(using.closed()?.reason).toContain("'system__caller_id'")
  })
})

describe('faults on demand', () => {
  const scenario = async (fault: ConversationFault) => {
    const call = connect({
      speech: Object.values(speech),
      firstMessage: speech['one-moment'],
      nextFaults: [fault],
      script: () => ({ callTool: { name: 'find' } }),
    })
    await call.begin()
    await call.silence(2500)
    await call.talk(speech.accept.audio)
    await call.silence(1500)
    return call
  }
  const moments = ['open', 'metadata', 'started', 'speaking', 'listening', 'heard', 'tool'] as const
  /** The last event that came before the fault, other than pings and guesses. */
  const lastBefore: Record<(typeof moments)[number], string | undefined> = {
    open: undefined,
    metadata: undefined,
    started: 'conversation_initiation_metadata',
    speaking: 'audio',
    listening: 'agent_response_complete',
    heard: 'user_transcript',
    tool: 'client_tool_call',
  }

  test.each(moments)('at %s: a close with any code and reason, after an error frame', async (at) => {
    const call = await scenario({
      at,
      action: { close: { code: 1002, reason: 'This request exceeds your quota limit.', errorType: 'llm_error' } },
    })
    expect(call.closed()).toEqual({ code: 1002, reason: 'This request exceeds your quota limit.' })
    const types = call.types().filter((type) => type !== 'ping' && type !== 'tentative_user_transcript')
    expect(types.pop()).toBe('error')
    expect(types.at(-1)).toBe(lastBefore[at])
  })

  test.each(moments)('at %s: a lost connection', async (at) => {
    const call = await scenario({ at, action: { terminate: true } })
    expect(call.closed()?.code).toBe(1006)
  })

  test.each(moments)('at %s: silence with the socket open', async (at) => {
    const call = await scenario({ at, action: { hang: true } })
    const count = call.frames.length
    await call.silence(5000)
    expect(call.frames.length).toBe(count)
    expect(call.closed()).toBeUndefined()
  })

  test.each(moments)('at %s: a frame that is not JSON, and the conversation goes on', async (at) => {
    const call = await scenario({ at, action: { send: '{"type":"audio","audio_ev' } })
    expect(call.raw).toContain('{"type":"audio","audio_ev')
    expect(call.of('client_tool_call')).toHaveLength(1)
  })

  test('a fault can come some time after its moment, and an unknown event is sent like any other', async () => {
    const call = await scenario({ at: 'started', afterMs: 1000, action: { send: { type: 'brand_new', x: 1 } } })
    const event = call.of('brand_new')[0]
    expect(event?.['atMs'] - call.frames[0]?.['atMs']).toBeGreaterThanOrEqual(1000)
    expect(event?.['x']).toBe(1)
  })

  test('a long reason is cut to what a close frame carries', async () => {
    const call = await scenario({ at: 'started', action: { close: { code: 1008, reason: 'ü'.repeat(200) } } })
    expect(Buffer.byteLength(call.closed()?.reason ?? '')).toBeLessThanOrEqual(123)
    expect(call.closed()?.reason).toMatch(/^ü+$/)
  })
})
