/**
 * The front door, over a real Express and the simulators on loopback.
 */
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.js'
import type { OneTimeTokens } from '../../src/core/one-time-tokens.js'
import type { CallerStep, SimulatedCall } from '../../src/simulator/index.js'
import { signTwilioRequest } from '../../src/webhooks/twilio-signing.js'
import { createVoice, type IncomingCall, type VoiceOptions } from '../../src/voice.js'
import {
  ACCOUNT_SID,
  API_KEY,
  AUTH_TOKEN,
  CALLED,
  CALLER,
  dentalAgent,
  dentalCaller,
  dentalTools,
  phoneLine,
  PUBLIC_HOST,
  PUBLIC_URL,
  speech,
  type PhoneLine,
} from '../scenarios/phone-line.js'

type Step = CallerStep<SimulatedCall>

const heardThenHangsUp: readonly Step[] = [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }]
const hearsThenIsHungUpOn: readonly Step[] = [
  { step: 'wait-for-agent-speech', withinMs: 15_000 },
  { step: 'expect-hang-up', withinMs: 15_000 },
]

/** Posts a signed webhook by hand. */
async function post(
  line: PhoneLine,
  path: string,
  params: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const url = PUBLIC_URL + path
  const answer = await fetch(`${line.origin}/voice${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url, params }),
    },
    body: new URLSearchParams(params).toString(),
  })
  return { status: answer.status, text: await answer.text() }
}

const inboundParams = (callSid: string): Record<string, string> => ({ CallSid: callSid, From: CALLER, To: CALLED })
const verbsOf = (call: SimulatedCall): unknown[] =>
  call.timeline.filter(({ kind }) => kind === 'verb').map(({ details }) => details.name)

describe('the answer to a call', () => {
  test('is TwiML that connects a stream with a token, an action, and nothing secret', async () => {
    const line = await phoneLine()
    const { status, text } = await post(line, '/inbound', inboundParams('CA1'))
    expect(status).toBe(200)
    expect(text).toMatch(
      new RegExp(
        `^<\\?xml version="1\\.0" encoding="UTF-8"\\?>\\s*<Response>\\s*<Connect action="${PUBLIC_URL}/stream-ended">\\s*<Stream url="wss://${PUBLIC_HOST}/voice/stream">\\s*<Parameter name="token" value="[0-9a-f]{48}"`,
      ),
    )
    for (const secret of [AUTH_TOKEN, API_KEY, CALLER, CALLED, 'agent_riverside']) expect(text).not.toContain(secret)
  })

  test('asked twice, it is the same call with another token, and one agent', async () => {
    const line = await phoneLine()
    const [first, second] = [await post(line, '/inbound', inboundParams('CA1')), await post(line, '/inbound', inboundParams('CA1'))] // prettier-ignore
    expect(first.text).not.toBe(second.text)
    await line.clock.sleep(500)
    expect(line.elevenlabs.conversations).toHaveLength(1)
    expect(line.seen).toHaveLength(1)
  })

  test('asked twice at once, while the host still decides, it is one call as well', async () => {
    const line = await phoneLine({ voice: { answer: async () => Promise.resolve({}) } })
    await Promise.all([1, 2, 3].map(() => post(line, '/inbound', inboundParams('CA1'))))
    await line.clock.sleep(500)
    expect(line.seen).toHaveLength(1)
    expect(line.elevenlabs.conversations).toHaveLength(1)
  })

  test('the host is told who calls, by parameters that were proven, and chooses the agent and what it is told', async () => {
    const asked: IncomingCall[] = []
    const line = await phoneLine({
      agent: { agentId: 'agent_other', isPrivate: false },
      voice: {
        answer: (call) => {
          asked.push(call)
          return { agentId: 'agent_other', initiation: { dynamicVariables: { customer: 'A17' }, userId: 'crm-4711' } }
        },
      },
    })
    const call = line.dial({ parameters: { FromCity: 'SPRINGFIELD' }, script: heardThenHangsUp })
    await call.verify()
    expect(asked).toMatchObject([{ callSid: call.sid, from: CALLER, to: CALLED, params: { FromCity: 'SPRINGFIELD' } }])
    const [conversation] = line.elevenlabs.conversations
    expect(conversation!.agentId).toBe('agent_other')
    expect(conversation!.dynamicVariables).toEqual({ customer: 'A17', call_sid: call.sid })
    expect(conversation!.record.initiation).toMatchObject({ user_id: 'crm-4711' })
    await line.expectNothingLeft()
  })

  test('the configured voice overrides the agent\u2019s, unless the host named one', async () => {
    for (const [initiation, expected] of [
      [{}, 'voice_configured'],
      [{ overrides: { tts: { voiceId: 'voice_named' }, agent: { language: 'en' } } }, 'voice_named'],
    ] as const) {
      const line = await phoneLine({
        agent: { allowedOverrides: { tts: { voice_id: true }, agent: { language: true } } },
        voice: { answer: () => ({ initiation }) },
      })
      const options: VoiceOptions = { ...baseOptions(line), elevenlabs: { ...baseOptions(line).elevenlabs, voiceId: 'voice_configured' }, answer: () => ({ initiation }) } // prettier-ignore
      const voice = createVoice(options)
      const params = inboundParams('CA7')
      await voice.handle({
        method: 'POST',
        target: '/inbound',
        header: (name) =>
          ({ 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url: `${PUBLIC_URL}/inbound`, params }) })[name], // prettier-ignore
        readBody: () => Promise.resolve({ bytes: new URLSearchParams(params).toString() }),
      })
      const conversation = await line.elevenlabs.nextConversation()
      await line.clock.until(() => conversation.record.initiation !== undefined)
      expect(conversation.record.initiation).toMatchObject({
        conversation_config_override: { tts: { voice_id: expected } },
      })
      await voice.close({ drainMs: 0 })
    }
  })

  test.each([
    [{ reject: 'busy' } as const, 'busy', ['Reject']],
    [{ reject: 'rejected' } as const, 'no-answer', ['Reject']],
    [{ twiml: '<?xml version="1.0" encoding="UTF-8"?><Response><Say>Closed</Say></Response>' }, 'completed', ['Say']],
  ])('%j opens no agent', async (plan, status, verbs) => {
    const line = await phoneLine({ voice: { answer: () => plan } })
    const call = line.dial()
    expect((await call.ended).status).toBe(status)
    expect(verbsOf(call)).toEqual(verbs)
    expect(line.elevenlabs.requests).toEqual([])
    await line.expectNothingLeft()
  })

  test('without an agent anywhere the caller hears the fallback message, and the log says why', async () => {
    const line = await phoneLine()
    const { agentId: _, ...elevenlabs } = baseOptions(line).elevenlabs
    const other = await phoneLine({ voice: { elevenlabs } })
    const call = other.dial({ script: hearsThenIsHungUpOn })
    await call.verify()
    expect(verbsOf(call)).toEqual(['Say', 'Hangup'])
    expect(other.logged.join()).toMatch(/No agent is configured/)
  })

  test('a webhook without a CallSid is refused; one that is not signed as well', async () => {
    const line = await phoneLine()
    expect((await post(line, '/inbound', { From: CALLER })).status).toBe(400)
    const bare = await fetch(`${line.origin}/voice/inbound`, { method: 'POST', body: new URLSearchParams({ CallSid: 'CA1' }) }) // prettier-ignore
    expect(bare.status).toBe(403)
    expect(line.seen).toEqual([])
  })
})

const baseOptions = (line: PhoneLine) => ({
  publicUrl: PUBLIC_URL,
  twilio: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN },
  elevenlabs: { apiKey: API_KEY, agentId: 'agent_riverside', baseUrl: line.elevenlabs.baseUrl },
  allowInsecure: true,
  clock: line.clock,
})

describe('how many calls', () => {
  test('one more than maxCalls hears the fallback message; the others are unharmed', async () => {
    const line = await phoneLine({ voice: { maxCalls: 1 } })
    const first = line.dial()
    await first.waitUntil(() => first.streams.length > 0)
    const second = line.dial({ script: hearsThenIsHungUpOn })
    await second.verify()
    expect(verbsOf(second)).toEqual(['Say', 'Hangup'])
    expect(first.isLive).toBe(true)
    first.hangUp()
    await first.ended
    await line.clock.sleep(100)
    await line.dial({ script: heardThenHangsUp }).verify()
    await line.expectNothingLeft()
  })

  test('calls that are decided at the same time do not get past the limit together', async () => {
    const go: (() => void)[] = []
    const line = await phoneLine({
      voice: { maxCalls: 2, answer: () => new Promise((resolve) => go.push(() => resolve({}))) },
    })
    const answers = Promise.all(['CA1', 'CA2', 'CA3', 'CA4'].map((sid) => post(line, '/inbound', inboundParams(sid))))
    await line.clock.until(() => go.length === 4)
    for (const decide of go) decide()
    const texts = (await answers).map(({ text }) => text)
    expect(texts.filter((text) => text.includes('<Stream'))).toHaveLength(2)
    expect(texts.filter((text) => text.includes('<Say'))).toHaveLength(2)
    expect(line.voice.calls.size).toBe(2)
  })
})

describe('close', () => {
  test('drains: no new call from now on, and the live one goes to its end', async () => {
    const line = await phoneLine({ agent: dentalAgent, voice: { tools: dentalTools } })
    let closing: Promise<void> | undefined
    let isClosed = false
    const call = line.dial({
      script: [
        { step: 'wait-for-agent-speech' },
        {
          step: 'run',
          name: 'close',
          run: () => {
            closing = line.voice.close({ drainMs: 120_000 }).then(() => void (isClosed = true))
          },
        },
        ...dentalCaller,
      ],
    })
    await call.waitUntil(() => closing !== undefined)
    const late = line.dial({ script: hearsThenIsHungUpOn })
    await late.verify()
    expect(verbsOf(late)).toEqual(['Say', 'Hangup'])
    expect(isClosed).toBe(false)
    await call.verify()
    await closing
    expect(line.seen[0]!.live.bridge.end).toMatchObject({ reason: 'agent-ended', stats: { agentTurns: 5 } })
    expect(line.seen).toHaveLength(1)
    await line.expectNothingLeft()
  })

  test('a call that was answered just before may still connect its stream', async () => {
    const line = await phoneLine()
    const call = line.dial({ script: heardThenHangsUp })
    await call.waitUntil(() => line.seen.length > 0)
    const closing = line.voice.close({ drainMs: 60_000 })
    await call.verify()
    await closing
    expect(line.seen[0]!.live.bridge.end).toMatchObject({ reason: 'caller-hung-up' })
  })

  test('ends what is still live when the limit is over, and closes sockets that have shown no token', async () => {
    const line = await phoneLine()
    const call = line.dial()
    await call.waitUntil(() => line.seen[0]?.live.bridge.stream !== undefined)
    const before = line.clock.monotonicMs()
    await line.voice.close({ drainMs: 1500 })
    expect(line.clock.monotonicMs() - before).toBeGreaterThanOrEqual(1500)
    expect(line.clock.monotonicMs() - before).toBeLessThan(2500)
    expect(line.seen[0]!.live.bridge.end).toMatchObject({ reason: 'closed' })
    call.hangUp()
    await line.expectNothingLeft()
  })

  test('is safe twice, at once and later, and after it a call hears the fallback message', async () => {
    const line = await phoneLine()
    await Promise.all([line.voice.close(), line.voice.close()])
    await line.voice[Symbol.asyncDispose]()
    const call = line.dial({ script: hearsThenIsHungUpOn })
    await call.verify()
    expect(verbsOf(call)).toEqual(['Say', 'Hangup'])
    expect(line.elevenlabs.requests).toEqual([])
  })
})

describe('after the stream', () => {
  test('a call that was served is hung up; one whose agent was lost hears the fallback message', async () => {
    const served = await phoneLine({ agent: { firstMessage: speech.goodbye, faults: [] }, voice: { bridge: { maxDurationMs: 2000 } } }) // prettier-ignore
    const first = served.dial({
      script: [{ step: 'wait-for-agent-speech' }, { step: 'expect-hang-up', heardOut: false }],
    })
    await first.verify()
    expect(verbsOf(first)).toEqual(['Connect', 'Hangup'])

    const lost = await phoneLine({ voice: { fallbackMessage: 'Ampersand & <angle>' } })
    lost.elevenlabs.failNextConversation({ at: 'speaking', action: { terminate: true } })
    const second = lost.dial({ script: hearsThenIsHungUpOn })
    await second.verify()
    expect(verbsOf(second)).toEqual(['Connect', 'Say', 'Hangup'])
    await lost.expectNothingLeft()
  })

  test('a stream that was refused: the caller hears the fallback message, and the agent is closed', async () => {
    const line = await phoneLine({ voice: { upgrades: { maxUnauthenticated: 0 } } })
    const call = line.dial({ script: hearsThenIsHungUpOn, expectViolations: [31920] })
    await call.verify()
    expect(line.seen[0]!.live.bridge.end).toMatchObject({ reason: 'stream-not-attached' })
    await line.expectNothingLeft()
  })

  test('Twilio may ask before our closing handshake is over, or for a call that nobody knows', async () => {
    const line = await phoneLine()
    expect((await post(line, '/stream-ended', { CallSid: 'CA404' })).text).toMatch(/<Say>/)
    expect((await post(line, '/stream-ended', {})).text).toMatch(/<Say>/)
  })

  test('a terminal status of a call whose stream never came closes its agent at once, as a hang-up', async () => {
    for (const status of ['completed', 'busy', 'failed', 'no-answer', 'canceled']) {
      const line = await phoneLine()
      await post(line, '/inbound', inboundParams('CA1'))
      await post(line, '/status', { CallSid: 'CA1', CallStatus: 'ringing' })
      expect(line.voice.calls.size).toBe(1)
      await post(line, '/status', { CallSid: 'CA1', CallStatus: status })
      expect(await line.seen[0]!.live.bridge.ended).toMatchObject({ reason: 'caller-hung-up' })
      await line.expectNothingLeft()
    }
  })

  test('a number may be answered again with the same CallSid once its call is over', async () => {
    const line = await phoneLine()
    await post(line, '/inbound', inboundParams('CA1'))
    line.voice.calls.get('CA1')!.bridge.close()
    expect((await post(line, '/inbound', inboundParams('CA1'))).text).toMatch(/<Stream/)
    await line.clock.sleep(300)
    expect(line.seen).toHaveLength(2)
    expect(line.voice.calls.get('CA1')!.bridge.end).toBeUndefined()
    await line.voice.close({ drainMs: 0 })
    await line.expectNothingLeft()
  })
})

describe('createVoice', () => {
  const options = {
    publicUrl: PUBLIC_URL,
    twilio: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN },
    elevenlabs: { apiKey: API_KEY },
  }

  test('opens and starts nothing', () => {
    const timers: number[] = []
    const clock = {
      ...systemClock,
      setTimeout: () => timers.push(1) as never,
      setInterval: () => timers.push(1) as never,
    }
    createVoice({ ...options, clock })
    expect(timers).toEqual([])
  })

  test.each([
    [{ maxCalls: 0 }, RangeError],
    [{ toolTimeoutMs: Number.NaN }, RangeError],
    [{ bridge: { idleTimeoutMs: -1 } }, RangeError],
    [{ bridge: { digits: 'loud' } }, TypeError],
  ])('%j is refused at once, and not with the first call', (wrong, error) => {
    expect(() => createVoice({ ...options, ...(wrong as object) })).toThrow(error)
  })

  test('settings that are missing or wrong are listed all at once, and never by value', () => {
    const wrong = { publicUrl: 'http://localhost', twilio: { accountSid: 'SK-secret', authToken: '' }, elevenlabs: { apiKey: '' } } // prettier-ignore
    const thrown = (() => {
      try {
        return createVoice(wrong)
      } catch (error) {
        return error as { code: string; problems: string[]; message: string }
      }
    })() as { code: string; problems: string[]; message: string }
    expect(thrown.code).toBe('config_invalid')
    expect(thrown.problems.join()).toMatch(/publicUrl.*accountSid|accountSid.*publicUrl/s)
    expect(thrown.problems.length).toBeGreaterThanOrEqual(4)
    expect(thrown.message).not.toContain('SK-secret')
  })

  test('tokens may be kept elsewhere; a store that fails lets nobody in, and is no crash', async () => {
    const issued: string[] = []
    const tokens: OneTimeTokens = {
      issue: (subject) => {
        issued.push(subject)
        return Promise.resolve('token-from-elsewhere')
      },
      redeem: () => Promise.reject(new Error('the store is down: token-from-elsewhere')),
    }
    const line = await phoneLine({ voice: { tokens } })
    const call = line.dial({ script: hearsThenIsHungUpOn, expectViolations: [31921] })
    await call.verify()
    expect(issued).toEqual([call.sid])
    expect(line.logged.join()).not.toMatch(/token-from-elsewhere/)
    expect(line.elevenlabs.conversations[0]?.audioReceivedMs ?? 0).toBe(0)
    await line.expectNothingLeft()
  })

  test('a store that cannot issue a token: 500, the agent is closed when its time is over', async () => {
    const tokens: OneTimeTokens = { issue: () => Promise.reject(new Error('down')), redeem: () => false }
    const line = await phoneLine({ voice: { tokens, bridge: { attachTimeoutMs: 1000 } } })
    expect((await post(line, '/inbound', inboundParams('CA1'))).status).toBe(500)
    await line.clock.sleep(1200)
    expect(await line.seen[0]!.live.bridge.ended).toMatchObject({ reason: 'stream-not-attached' })
    await line.expectNothingLeft()
  })
})
