/**
 * Bad input, from either side, and what it gets: a typed error or nothing, both legs closed, the process alive.
 */
import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import type { BridgeEnd } from '../../src/bridge/bridge-end.js'
import { signTwilioRequest } from '../../src/webhooks/twilio-signing.js'
import type {
  CallerStep,
  SimulatedCall,
  SimulatedConversation,
  SimulatedToolResult,
} from '../../src/simulator/index.js'
import {
  ACCOUNT_SID,
  agentTurns,
  AUTH_TOKEN,
  dentalAgent,
  dentalCaller,
  dentalTools,
  phoneLine,
  PUBLIC_URL,
  speech,
  type PhoneLine,
} from './phone-line.js'

const endOf = (line: PhoneLine, index = 0): BridgeEnd | undefined => line.seen[index]?.live.bridge.end
const raw = (text: string): CallerStep<SimulatedCall> => ({ step: 'send-raw', text })

describe('frames of the caller\u2019s side', () => {
  const sid = 'MZ0'
  const media = (fields: object): string =>
    JSON.stringify({ event: 'media', sequenceNumber: '9', streamSid: sid, media: { track: 'inbound', chunk: '1', timestamp: '0', ...fields } }) // prettier-ignore
  test.each([
    ['no JSON', '{"event":"media",'],
    ['nothing', ''],
    ['null', 'null'],
    ['an unknown type', '{"event":"telepathy","streamSid":"MZ0"}'],
    ['a second connected', '{"event":"connected","protocol":"Call","version":"1.0.0"}'],
    ['a second start', JSON.stringify({ event: 'start', sequenceNumber: '1', streamSid: sid, start: { accountSid: ACCOUNT_SID, streamSid: sid, callSid: 'CA0', tracks: ['inbound'], mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 }, customParameters: { token: 'x' } } })], // prettier-ignore
    ['audio that is no base64', media({ payload: '*not base64*' })],
    ['audio that is a number', media({ payload: 7 })],
    ['audio of another stream', media({ payload: 'AAAA' })],
    [
      'a mark that was never sent',
      '{"event":"mark","sequenceNumber":"4","streamSid":"MZ0","mark":{"name":"g0-99999"}}',
    ],
    ['a stop of another stream', '{"event":"stop","sequenceNumber":"4","streamSid":"MZ0","stop":{}}'],
    ['a key that no telephone has', '{"event":"dtmf","streamSid":"MZ0","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"seven"}}'], // prettier-ignore
    ['a prototype', '{"event":"__proto__"}'],
    ['a constructor', '{"event":"constructor","streamSid":"MZ0"}'],
  ])('%s is dropped, and the call goes on as scripted', async (_, text) => {
    const line = await phoneLine({ agent: dentalAgent, voice: { tools: dentalTools } })
    const call = line.dial({
      script: [
        { step: 'wait-for-stream' },
        raw(text),
        ...dentalCaller.slice(0, 2),
        raw(text),
        raw(text),
        ...dentalCaller.slice(2),
      ],
    })
    await call.verify()
    line.elevenlabs.verify()
    expect(endOf(line)).toMatchObject({ reason: 'agent-ended', stats: { callerTurns: 3, agentTurns: 5 } })
    await line.expectNothingLeft()
  })

  test('ten of them in a row end the call', async () => {
    const line = await phoneLine()
    const call = line.dial({
      script: [
        { step: 'wait-for-agent-speech' },
        { step: 'run', name: 'nonsense', run: (on) => { for (let i = 0; i < 10; i++) on.streams[0]!.sendRaw('{') } }, // prettier-ignore
        { step: 'expect-hang-up', heardOut: false },
      ],
      expectViolations: [31921],
    })
    await call.verify()
    expect(endOf(line)).toMatchObject({ reason: 'stream-failed', error: { code: 'media_stream_message_invalid' } })
    await line.expectNothingLeft()
  })

  test('one that is larger than we take ends the call with its own error', async () => {
    const line = await phoneLine()
    const call = line.dial({
      script: [
        { step: 'wait-for-agent-speech' },
        raw(`{"event":"media","pad":"${'x'.repeat(100_000)}"}`),
        { step: 'expect-hang-up', heardOut: false },
      ],
      expectViolations: [31921],
    })
    await call.verify()
    expect(endOf(line)).toMatchObject({ reason: 'stream-failed', error: { code: 'media_stream_message_too_large' } })
    await line.expectNothingLeft()
  })
})

describe('a stream that is not what it says', () => {
  /** A socket like Twilio's, to say anything on. */
  async function stranger(line: PhoneLine, { signed = true, signature = '' } = {}): Promise<Stranger> {
    const url = `${PUBLIC_URL.replace(/^https/, 'wss')}/stream`
    const header = signature || (signed ? signTwilioRequest({ authToken: AUTH_TOKEN, url }) : '')
    const ws = new WebSocket(`${line.origin.replace(/^http/, 'ws')}/voice/stream`, {
      headers: header ? { 'x-twilio-signature': header } : {},
    })
    ws.on('error', () => undefined)
    const closed = new Promise<number>((resolve) => ws.on('close', resolve))
    const refused = new Promise<number>((resolve) => {
      ws.on('unexpected-response', (request, answer) => {
        request.destroy()
        resolve(answer.statusCode ?? 0)
      })
    })
    const opened = new Promise<'open'>((resolve) => ws.on('open', () => resolve('open')))
    return { ws, closed, outcome: await Promise.race([refused, opened]) }
  }
  interface Stranger {
    readonly ws: WebSocket
    readonly closed: Promise<number>
    readonly outcome: number | 'open'
  }
  const start = (callSid: string, token?: string, accountSid = ACCOUNT_SID): string =>
    JSON.stringify({
      event: 'start',
      sequenceNumber: '1',
      streamSid: 'MZ1',
      start: { accountSid, streamSid: 'MZ1', callSid, tracks: ['inbound'], mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 }, customParameters: token === undefined ? {} : { token } }, // prettier-ignore
    })
  const frame = JSON.stringify({ event: 'media', sequenceNumber: '2', streamSid: 'MZ1', media: { track: 'inbound', chunk: '1', timestamp: '0', payload: 'AAAA' } }) // prettier-ignore

  /** The token in the TwiML that answers a call. */
  async function tokenFor(line: PhoneLine, callSid: string): Promise<string> {
    const url = `${PUBLIC_URL}/inbound`
    const params = { CallSid: callSid, From: '+12025550143', To: '+12025550199' }
    const answer = await fetch(`${line.origin}/voice/inbound`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url, params }),
      },
      body: new URLSearchParams(params).toString(),
    })
    return /name="token" value="([^"]+)"/.exec(await answer.text())![1]!
  }

  test('a signature that is there and wrong is refused with 403, before the upgrade', async () => {
    const line = await phoneLine()
    expect((await stranger(line, { signature: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' })).outcome).toBe(403)
    expect(line.logged.join()).toMatch(/webhook_signature_mismatch/)
  })

  test('no signature is refused with 403 where the host asks for one', async () => {
    const line = await phoneLine({ voice: { upgrades: { unsigned: 'refuse' } } })
    expect((await stranger(line, { signed: false })).outcome).toBe(403)
  })

  test.each([
    ['no token', 'CA1', () => undefined],
    ['a made-up token', 'CA1', () => 'bWFkZS11cC10b2tlbi13aXRoLWxlbmd0aA'],
    ['the token of another call', 'CA2', (token: string) => token],
    ['an empty token', 'CA1', () => ''],
  ])('%s: closed at start, and not one byte reaches the agent', async (_, callSid, shown) => {
    const line = await phoneLine()
    const token = await tokenFor(line, 'CA1')
    if (callSid === 'CA2') await tokenFor(line, 'CA2')
    const conversation = await line.elevenlabs.nextConversation()
    const { ws, closed } = await stranger(line)
    ws.send(start(callSid, shown(token)))
    for (let i = 0; i < 20; i++) ws.send(frame)
    expect(await closed).toBe(1008)
    await line.clock.sleep(500)
    expect(conversation.audioReceivedMs).toBe(0)
    expect(line.voice.calls.get('CA1')!.bridge.stream).toBeUndefined()
  })

  test('a token serves once: whoever shows it again is refused, and the call is unharmed', async () => {
    const line = await phoneLine()
    const token = await tokenFor(line, 'CA1')
    const first = await stranger(line)
    first.ws.send(start('CA1', token))
    await line.clock.until(() => line.voice.calls.get('CA1')?.bridge.stream !== undefined)
    const second = await stranger(line)
    second.ws.send(start('CA1', token))
    expect(await second.closed).toBe(1008)
    expect(line.voice.calls.get('CA1')!.bridge.stream!.state).toBe('streaming')
    first.ws.close()
    await line.expectNothingLeft()
  })

  test('a token is worth nothing after a minute', async () => {
    const line = await phoneLine({ voice: { bridge: { attachTimeoutMs: 120_000 } } })
    const token = await tokenFor(line, 'CA1')
    await line.clock.sleep(61_000)
    const { ws, closed } = await stranger(line)
    ws.send(start('CA1', token))
    expect(await closed).toBe(1008)
  })

  test('a stream of another account is refused though its token is right', async () => {
    const line = await phoneLine()
    const token = await tokenFor(line, 'CA1')
    const { ws, closed } = await stranger(line)
    ws.send(start('CA1', token, `AC${'f'.repeat(32)}`))
    expect(await closed).toBe(1008)
  })

  test('a second stream of the same call is closed, with a token of its own as well', async () => {
    const line = await phoneLine()
    const token = await tokenFor(line, 'CA1')
    const again = await tokenFor(line, 'CA1') // Twilio asked twice: the same call
    expect(line.seen).toHaveLength(1)
    const first = await stranger(line)
    first.ws.send(start('CA1', token))
    await line.clock.until(() => line.voice.calls.get('CA1')?.bridge.stream !== undefined)
    const second = await stranger(line)
    second.ws.send(start('CA1', again))
    expect(await second.closed).toBe(1000)
    expect(line.voice.calls.get('CA1')!.bridge.end).toBeUndefined()
  })

  test('a stream that comes in the moment in which its call ends is closed', async () => {
    const tokens = {
      issue: () => 'the-token',
      redeem: () => {
        line.voice.calls.get('CA1')!.bridge.close() // decided, and its agent's leg not closed yet
        return true
      },
    }
    const line: PhoneLine = await phoneLine({ voice: { tokens } })
    await tokenFor(line, 'CA1')
    await line.clock.until(() => line.voice.calls.get('CA1')!.bridge.conversation?.state === 'active')
    const { ws, closed } = await stranger(line)
    ws.send(start('CA1', 'the-token'))
    expect(await closed).toBe(1000)
    expect(line.logged.filter((one) => !one.startsWith('info'))).toEqual([])
    await line.expectNothingLeft()
  })

  test('audio before the start is dropped; a start that never comes is waited for ten seconds', async () => {
    const line = await phoneLine()
    const { ws, closed } = await stranger(line)
    const before = line.clock.monotonicMs()
    for (let i = 0; i < 20; i++) ws.send(frame)
    expect(await closed).toBe(1008)
    expect(line.clock.monotonicMs() - before).toBeGreaterThan(9000)
    expect(line.clock.monotonicMs() - before).toBeLessThan(11_000)
  })

  test('sockets that have shown no token are counted, in all and by address, and let go when they close', async () => {
    const line = await phoneLine({ voice: { upgrades: { maxUnauthenticated: 4, maxUnauthenticatedPerAddress: 2 } } })
    const unsigned = [await stranger(line, { signed: false }), await stranger(line, { signed: false })]
    expect(unsigned.map(({ outcome }) => outcome)).toEqual(['open', 'open'])
    expect((await stranger(line, { signed: false })).outcome).toBe(429)
    const signed = [await stranger(line), await stranger(line)] // these are not held against the address
    expect(signed.map(({ outcome }) => outcome)).toEqual(['open', 'open'])
    expect((await stranger(line)).outcome).toBe(503)
    unsigned[0]!.ws.close()
    await unsigned[0]!.closed
    await line.clock.sleep(50)
    expect((await stranger(line, { signed: false })).outcome).toBe('open')
  })

  test('a socket that has shown its token is counted no more', async () => {
    const line = await phoneLine({ voice: { upgrades: { maxUnauthenticated: 1 } } })
    const token = await tokenFor(line, 'CA1')
    const { ws } = await stranger(line)
    expect((await stranger(line)).outcome).toBe(503)
    ws.send(start('CA1', token))
    await line.clock.until(() => line.voice.calls.get('CA1')?.bridge.stream !== undefined)
    expect((await stranger(line)).outcome).toBe('open')
    ws.close()
    await line.expectNothingLeft()
  })
})

describe('frames of the agent\u2019s side', () => {
  const sends = (conversation: SimulatedConversation, value: unknown): void =>
    void conversation.perform({ send: value })
  test.each([
    ['no JSON', '{"type":'],
    ['no object', '[]'],
    ['no type', '{}'],
    ['an unknown type', { type: 'hologram', hologram_event: {} }],
    ['audio that is no base64', { type: 'audio', audio_event: { audio_base_64: '*no base64*', event_id: 500 } }],
    ['audio without an id', { type: 'audio', audio_event: { audio_base_64: 'AAAA' } }],
    ['a correction of nothing', { type: 'agent_response_correction', agent_response_correction_event: { original_agent_response: 'a', corrected_agent_response: 'b', event_id: 1 } }], // prettier-ignore
    ['an interruption of nothing', { type: 'interruption', interruption_event: { event_id: 0 } }],
    ['a second metadata', { type: 'conversation_initiation_metadata', conversation_initiation_metadata_event: { conversation_id: 'conv_other', agent_output_audio_format: 'pcm_16000', user_input_audio_format: 'pcm_16000' } }], // prettier-ignore
    ['an error that is none', { type: 'error', error_event: { code: 'x' } }],
  ])('%s changes nothing', async (_, value) => {
    const line = await phoneLine({ agent: { firstMessage: 'Hi.', script: (heard) => heard.text } })
    const call = line.dial({
      script: [
        { step: 'wait-for-agent-speech' },
        { step: 'wait-for-agent-quiet', quietMs: 400 },
        { step: 'run', name: 'nonsense', run: () => sends(line.elevenlabs.conversations[0]!, value) },
        { step: 'pause', ms: 200 },
        { step: 'speak', utterance: speech.accept },
        { step: 'wait-for-agent-quiet', quietMs: 500, afterSpeech: true, withinMs: 20_000 },
        { step: 'hang-up' },
      ],
    })
    await call.verify()
    expect(endOf(line)).toMatchObject({ reason: 'caller-hung-up' })
    expect(agentTurns(line.seen[0]!.turns).at(-1)!.heardText).toBe(speech.accept.text)
    await line.expectNothingLeft()
  })

  test('the agent speaks and hears a format that nobody knows: the dashboard setting is named, the caller hears why', async () => {
    const line = await phoneLine({
      agent: { faults: [{ at: 'metadata', action: { send: { type: 'conversation_initiation_metadata', conversation_initiation_metadata_event: { conversation_id: 'conv_1', agent_output_audio_format: 'opus_48000', user_input_audio_format: 'ulaw_8000' } } } }] }, // prettier-ignore
    })
    const call = line.dial({ script: [{ step: 'wait-for-agent-speech' }, { step: 'expect-hang-up' }] })
    await call.verify()
    const { reason, error } = endOf(line)!
    expect([reason, error!.code]).toEqual(['agent-failed', 'elevenlabs_audio_format_unsupported'])
    expect(error!.remedy).toMatch(/ulaw_8000/)
    await line.expectNothingLeft()
  })

  test('an override that the agent does not allow: the dashboard setting is named', async () => {
    const line = await phoneLine({
      voice: { answer: () => ({ initiation: { overrides: { agent: { firstMessage: 'Hello there' } } } }) },
    })
    const call = line.dial({ script: [{ step: 'wait-for-agent-speech' }, { step: 'expect-hang-up' }] })
    await call.verify()
    const { error } = endOf(line)!
    expect(error!.code).toBe('elevenlabs_override_not_allowed')
    expect(error!.remedy).toMatch(/First message/)
    await line.expectNothingLeft()
  })

  test('a wrong API key, and an agent that does not exist', async () => {
    const wrongKey = await phoneLine({ elevenlabs: { apiKey: 'another-key' } })
    await wrongKey.dial({ script: [{ step: 'wait-for-agent-speech' }, { step: 'expect-hang-up' }] }).verify()
    expect(endOf(wrongKey)!.error!.code).toBe('elevenlabs_unauthorized')
    await wrongKey.expectNothingLeft()
    const noAgent = await phoneLine({ voice: { answer: () => ({ agentId: 'agent_nobody' }) } })
    await noAgent.dial({ script: [{ step: 'wait-for-agent-speech' }, { step: 'expect-hang-up' }] }).verify()
    expect(endOf(noAgent)!.error!.code).toBe('elevenlabs_agent_not_found')
    await noAgent.expectNothingLeft()
  })
})

describe('tools', () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  test.each<[string, () => unknown, string]>([
    ['throws', () => { throw new Error('the card number is 4071') }, 'The tool failed'], // prettier-ignore
    ['rejects', () => Promise.reject(new Error('the card number is 4071')), 'The tool failed'],
    ['never ends', () => new Promise(() => undefined), 'The tool did not answer within 1500 ms'],
    ['returns something circular', () => circular, 'The tool\u2019s result cannot be written as JSON'],
    ['returns something huge', () => 'x'.repeat(1_000_000), 'The tool\u2019s result is too long (1000000 characters)'],
    ['returns a bigint in an object', () => ({ n: 1n }), 'The tool\u2019s result cannot be written as JSON'],
  ])('one that %s: the agent is told, and the call goes on', async (_, tool, told) => {
    const results: [boolean, string][] = []
    const line = await phoneLine({
      agent: {
        firstMessage: 'Hi.',
        script: () => ({
          callTool: { name: 'look_up', parameters: { secret: 'the-parameter' } },
          onResult: ({ isError, result }) => {
            results.push([isError, result])
            return speech.apology
          },
        }),
      },
      voice: { tools: { look_up: tool }, toolTimeoutMs: 1500 },
    })
    const call = line.dial({
      script: [
        { step: 'wait-for-agent-speech' },
        { step: 'wait-for-agent-quiet', quietMs: 300 },
        { step: 'speak', utterance: speech.accept },
        { step: 'wait-for-agent-speech', withinMs: 20_000 },
        { step: 'wait-for-agent-quiet', quietMs: 400, withinMs: 20_000 },
        { step: 'hang-up' },
      ],
    })
    await call.verify()
    expect(results).toEqual([[true, told]])
    expect(line.seen[0]!.events).toContain('toolAnswered look_up true')
    expect(line.logged.join()).not.toMatch(/4071|the-parameter/)
    await line.expectNothingLeft()
  })

  test('one that is not registered, or is a word of JavaScript', async () => {
    for (const name of ['unheard_of', 'constructor', '__proto__']) {
      const results: string[] = []
      const line = await phoneLine({
        elevenlabs: {
          onConversation: (conversation) =>
            void conversation.on('started', () => {
              const ask = {
                callTool: { name },
                onResult: ({ result }: SimulatedToolResult) => void results.push(result),
              }
              setImmediate(() => void conversation.perform(ask))
            }),
        },
      })
      const call = line.dial({ script: [{ step: 'wait-for-stream' }, { step: 'pause', ms: 800 }, { step: 'hang-up' }] })
      await call.verify()
      expect(results[0]).toMatch(/not registered/)
      await line.expectNothingLeft()
    }
  })

  test('a call that ends while a tool runs aborts it', async () => {
    let signal: AbortSignal | undefined
    const line = await phoneLine({
      agent: { firstMessage: 'Hi.', script: () => ({ callTool: { name: 'slow' } }) },
      voice: { tools: { slow: (_parameters, context) => new Promise(() => (signal = context.signal)) } },
    })
    const call = line.dial({
      script: [
        { step: 'wait-for-agent-speech' },
        { step: 'wait-for-agent-quiet', quietMs: 300 },
        { step: 'speak', utterance: speech.accept },
        { step: 'pause', ms: 1500 },
        { step: 'hang-up' },
      ],
    })
    await call.verify()
    expect(signal!.aborted).toBe(true)
    await line.expectNothingLeft()
  })
})

describe('what the host hands in', () => {
  test.each([
    ['throws', () => { throw new Error('no database: +12025550143') }], // prettier-ignore
    ['rejects', () => Promise.reject(new Error('no database'))],
    ['never ends', () => new Promise<never>(() => undefined)],
  ])('an answer function that %s: the caller hears the fallback message', async (_, answer) => {
    const line = await phoneLine({ voice: { answer, fallbackMessage: 'Please call again.' } })
    const call = line.dial({
      script: [{ step: 'wait-for-agent-speech', withinMs: 15_000 }, { step: 'expect-hang-up' }],
    })
    await call.verify()
    expect(line.seen).toEqual([])
    expect(line.logged.join()).toMatch(/The answer function failed/)
    await line.expectNothingLeft()
  })

  test('listeners that throw, at every event, harm neither the call nor the process', async () => {
    const line = await phoneLine({ agent: dentalAgent, voice: { tools: dentalTools } })
    const fail = (): never => {
      throw new Error('a listener of the host')
    }
    line.voice.on('call', ({ bridge }) => {
      for (const event of ['joined', 'callerTurn', 'agentTurnStarted', 'agentTurnEnded', 'bargedIn', 'toolCalled', 'toolAnswered', 'ended'] as const) bridge.on(event, fail) // prettier-ignore
      for (const event of ['started', 'played', 'cleared'] as const) bridge.playback.on(event, fail)
      bridge.on('joined', () => void bridge.stream!.on('ended', fail))
      fail()
    })
    for (const event of ['callEnded', 'callStatus'] as const) line.voice.on(event, fail)
    const call = line.dial({ script: dentalCaller })
    await call.verify()
    expect(endOf(line)).toMatchObject({ reason: 'agent-ended', stats: { agentTurns: 5 } })
    expect(line.logged.filter((text) => text.includes('A listener threw')).length).toBeGreaterThan(20)
    await line.expectNothingLeft()
  })

  test('an initiation that cannot be sent ends the call with what was wrong', async () => {
    const line = await phoneLine({ voice: { answer: () => ({ initiation: { dynamicVariables: { system__x: 1 } } }) } })
    await line.dial({ script: [{ step: 'wait-for-agent-speech' }, { step: 'expect-hang-up' }] }).verify()
    expect(endOf(line)!.error!.cause).toBeInstanceOf(TypeError)
    expect(line.logged.join()).toMatch(/TypeError/)
    await line.expectNothingLeft()
  })
})
