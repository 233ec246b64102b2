import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createOneTimeTokens } from '../../src/core/one-time-tokens.js'
import { signTwilioRequest } from '../../src/webhooks/twilio-signing.js'
import type { LiveRelayCall, RelayOutcome } from '../../src/index.js'
import type { ConversationRelayEnd } from '../../src/conversation-relay/session-options.js'
import { ACCOUNT_SID, AUTH_TOKEN, HOST, heard, line, listen, speak } from './relay-line.js'

describe('via conversation-relay, with a function of the host', () => {
  test('the caller is heard and answered, interrupts, and is put through with what the brain knows', async () => {
    const outcomes: RelayOutcome[] = []
    const calls: LiveRelayCall[] = []
    const ends: ConversationRelayEnd[] = []
    const { voice, call } = await line({
      answer: () => ({
        via: 'conversation-relay',
        relay: { welcomeGreeting: 'Riverside Dental, how can I help you today?', language: 'en-US' },
        brain: async function* (turn) {
          if (turn.text === 'a person please') {
            yield 'I put you through.'
            yield { end: { reasonCode: 'live-agent', said: turn.history.length } }
          } else yield 'We are open from nine to five on weekdays, and on Saturdays from ten until two.'
        },
        afterwards: (outcome) => {
          outcomes.push(outcome)
          return '<Response><Dial>+12025550111</Dial></Response>'
        },
      }),
    })
    voice.on('relayCall', (live) => calls.push(live))
    voice.on('relayCallEnded', (_, end) => ends.push(end))
    const placed = call(
      [
        listen,
        speak('when are you open'),
        { step: 'wait-for-agent-speech', forMs: 1500 },
        speak('a person please'),
        { step: 'expect-hang-up' },
      ],
      { dials: [{ status: 'completed', talkMs: 500 }] },
    )
    await placed.verify()
    expect(heard(placed)[0]).toBe('Riverside Dental, how can I help you today?')
    expect(heard(placed)[1]).toMatch(/^We are open/)
    expect(heard(placed)[1]).not.toMatch(/two\.$/)
    expect(heard(placed)[2]).toBe('I put you through.')
    expect(outcomes).toMatchObject([
      { status: 'ended', handoffData: { reasonCode: 'live-agent' }, errorCode: undefined, callSid: placed.sid },
    ])
    const transcript = calls[0]!.session.transcript
    expect(transcript.map((turn) => (turn.speaker === 'agent' ? turn.heardText.trim() : turn.text))).toEqual([
      heard(placed)[0],
      'when are you open',
      heard(placed)[1],
      'a person please',
      'I put you through.',
    ])
    expect(transcript.every((turn) => turn.speaker === 'caller' || turn.isHeardExact)).toBe(true)
    expect(ends).toMatchObject([{ reason: 'ended' }])
    expect(voice.calls.size).toBe(0)
  })

  test('a session that breaks while the call lives on takes the declared fallback, another way', async () => {
    const { clock, voice, call, elevenlabs } = await line(
      {
        answer: () => ({
          via: 'conversation-relay',
          brain: async function* () {},
          relay: { welcomeGreeting: 'Hello.' },
          fallback: { via: 'register-call' },
        }),
      },
      { firstMessage: 'This is the other way.', script: () => undefined },
    )
    voice.on('relayCall', ({ session }) => clock.setTimeout(() => session.close(1011), 600))
    const placed = call([{ step: 'pause', ms: 6000 }, { step: 'hang-up' }], { expectViolations: [64105] })
    await placed.verify()
    expect(placed.webhooks.map(({ purpose }) => purpose)).toContain('connect-action')
    expect(placed.webhooks.find(({ purpose }) => purpose === 'connect-action')?.params).toMatchObject({ SessionStatus: 'failed', ErrorCode: '64105', CallStatus: 'in-progress' }) // prettier-ignore
    expect(placed.streams).toHaveLength(1)
    expect(elevenlabs.conversations).toHaveLength(1)
  })

  test('a session that breaks and has no fallback: the caller hears a sentence, and a polite end', async () => {
    const { voice, call } = await line({
      fallbackMessage: 'We are sorry. Goodbye.',
      answer: () => ({ via: 'conversation-relay', brain: async function* () {} }),
    })
    voice.on('relayCall', ({ session }) => session.close(1011))
    const placed = call([{ step: 'expect-hang-up' }], { expectViolations: [64105] })
    await placed.verify()
    expect(placed.timeline.filter(({ kind }) => kind === 'verb').map(({ details }) => details.name)).toEqual(['Connect', 'Say', 'Hangup']) // prettier-ignore
  })

  test('a greeting with mark-up, quotes and an emoji is spoken as text', async () => {
    const welcomeGreeting = 'Hi <b>Ada</b> & "Bo" \u{1f600}, it\u2019s us.'
    const { call } = await line({ answer: () => ({ via: 'conversation-relay', relay: { welcomeGreeting }, brain: async function* () {} }) }) // prettier-ignore
    const placed = call([listen, { step: 'hang-up' }])
    await placed.verify()
    expect(heard(placed)).toEqual([welcomeGreeting])
  })

  test('attributes that Twilio would refuse: the fallback is answered instead, and the log says why', async () => {
    const logged: unknown[] = []
    const log = (message: string) => void logged.push(message)
    const { call } = await line({
      logger: { debug: log, info: log, warn: log, error: log },
      answer: () => ({
        via: 'conversation-relay',
        relay: { interruptible: 'loudly' as never },
        brain: async function* () {},
      }),
    })
    const placed = call([{ step: 'expect-hang-up' }])
    await placed.verify()
    expect(placed.timeline.filter(({ kind }) => kind === 'verb').map(({ details }) => details.name)).toEqual(['Say', 'Hangup']) // prettier-ignore
    expect(logged).toContain('The TwiML of a relay call cannot be written')
  })

  test('keys choose from a menu, and the opt-out ends the call', async () => {
    const { menuBrain } = await import('../../src/conversation-relay/menu.js')
    const { call } = await line({
      answer: () => ({
        via: 'conversation-relay',
        relay: { welcomeGreeting: 'Press 1 for hours. Press 3 to be removed from our list.' },
        brain: menuBrain({
          prompt: 'Press 1 for hours. Press 3 to be removed from our list.',
          choices: { 1: ['Nine to five.'], 3: ['You are off the list.', { end: { reasonCode: 'opt-out' } }] },
        }),
      }),
    })
    const placed = call([
      { step: 'wait-for-agent-speech', forMs: 800 },
      { step: 'press', digits: '1' },
      listen,
      { step: 'press', digits: '3' },
      { step: 'expect-hang-up' },
    ])
    await placed.verify()
    expect(heard(placed).slice(1)).toEqual(['Nine to five.', 'You are off the list.'])
    expect(placed.webhooks.find(({ purpose }) => purpose === 'connect-action')?.params.HandoffData).toBe('{"reasonCode":"opt-out"}') // prettier-ignore
  })
})

describe('via conversation-relay, with an ElevenLabs agent by text', () => {
  test('the agent greets, uses a tool, is interrupted and told so, and says goodbye to its end', async () => {
    const { call, elevenlabs, voice } = await line(
      {
        tools: { find_appointment: ({ name }) => ({ name, day: 'Thursday' }) },
        answer: () => ({ via: 'conversation-relay', relay: { language: 'en-US' } }),
      },
      {
        firstMessage: 'Riverside Dental, this is the assistant.',
        script: [
          {
            after: 'move my appointment',
            reply: [
              'One moment.',
              { callTool: { name: 'find_appointment', parameters: { name: 'Ada' } }, onResult: ({ result }) => `I found ${(JSON.parse(result) as { day: string }).day} and I can offer you another day in the week after that one.` }, // prettier-ignore
            ],
          },
          { after: 'thanks bye', reply: { endCall: { message: 'Thank you for calling. Goodbye.' } } },
        ],
      },
    )
    const stats: unknown[] = []
    voice.on('relayCall', ({ bridge }) => void bridge?.ended.then((end) => stats.push(end)))
    const placed = call([
      listen,
      speak('move my appointment'),
      { step: 'wait-for-agent-speech', forMs: 3000 },
      speak('thanks bye'),
      { step: 'expect-hang-up', withinMs: 20_000 },
    ])
    await placed.verify()
    elevenlabs.verify()
    const texts = heard(placed)
    expect(texts[0]).toBe('Riverside Dental, this is the assistant.')
    expect(texts.join(' ')).toContain('I found Thursday')
    expect(texts.at(-1)).toBe('Thank you for calling. Goodbye.')
    const [conversation] = elevenlabs.conversations
    expect(conversation?.heard.map(({ source, text }) => [source, text])).toEqual([
      ['text', 'move my appointment'],
      ['text', 'thanks bye'],
    ])
    expect(conversation?.contextualUpdates[0]?.text).toMatch(/^The caller interrupted you and heard of your last message only: "I found [^"]*"$/) // prettier-ignore
    expect(conversation?.record.textOnly).toBe(true)
    expect(await conversation?.ended).toMatchObject({ code: 1000, by: 'agent' })
    expect(stats).toMatchObject([{ reason: 'agent-ended', stats: { toolCalls: 1, interruptions: 1, userMessages: 2 } }])
  })

  test('an agent that cannot be had: the caller hears the fallback', async () => {
    const { call, elevenlabs } = await line({
      answer: () => ({ via: 'conversation-relay', fallback: { via: 'say', text: 'Please call back.' } }),
    })
    elevenlabs.failNextRequest({ path: 'signed-url', status: 401, code: 'quota_exceeded' })
    const placed = call([{ step: 'expect-hang-up' }], { expectViolations: [64105] })
    await placed.verify()
    expect(placed.timeline.filter(({ kind }) => kind === 'verb').map(({ details }) => details.name)).toEqual(['Connect', 'Say', 'Hangup']) // prettier-ignore
  })

  test('an agent that fails in mid-call: what it wrote is heard, then the fallback', async () => {
    const { call } = await line(
      { answer: () => ({ via: 'conversation-relay', fallback: { via: 'say', text: 'Please call back.' } }) },
      { firstMessage: 'Hello there.', script: [{ reply: { close: { code: 1011, reason: 'crash' } } }] },
    )
    const placed = call([listen, speak('hi'), { step: 'expect-hang-up' }])
    await placed.verify()
    expect(heard(placed)).toEqual(['Hello there.'])
    expect(placed.timeline.filter(({ kind }) => kind === 'verb').map(({ details }) => details.name)).toContain('Say')
  })
})

describe('who may open a relay socket', () => {
  /** Opens a relay socket as somebody who knows the protocol, and says `setup`. */
  function open(port: number, setup: object, signature?: string): Promise<number> {
    return new Promise((resolve) => {
      const headers = signature === undefined ? {} : { 'x-twilio-signature': signature }
      const socket = new WebSocket(`ws://127.0.0.1:${port}/voice/relay`, { headers })
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
      socket.on('open', () => socket.send(JSON.stringify({ type: 'setup', sessionId: 'VX1', ...setup })))
      socket.on('close', (code) => resolve(code))
      socket.on('error', () => {})
    })
  }

  test('an upgrade without a right signature is refused, and a session without a fresh token of its own call is closed', async () => {
    const turns: string[] = []
    const tokens: string[] = []
    const issuer = createOneTimeTokens()
    const { call, voice, port } = await line({
      tokens: {
        issue: async (subject) => {
          const token = await issuer.issue(subject)
          tokens.push(token)
          return token
        },
        redeem: (token, subject) => issuer.redeem(token, subject),
      },
      answer: () => ({ via: 'conversation-relay', brain: async function* (turn) { turns.push(turn.text) } }), // prettier-ignore
    })
    const placed = call([{ step: 'wait-for-stream' }, { step: 'pause', ms: 3000 }, { step: 'hang-up' }])
    await placed.waitUntil(() => placed.relays.length > 0)
    const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url: `wss://${HOST}/voice/relay` })
    const mine = { callSid: placed.sid, accountSid: ACCOUNT_SID }
    const fresh = await issuer.issue(placed.sid)
    const others = await issuer.issue('CA-another')
    expect(await open(port, mine)).toBe(403)
    expect(await open(port, mine, 'AAAA')).toBe(403)
    expect(await open(port, mine, signature)).toBe(1008) // no token
    expect(await open(port, { ...mine, customParameters: { token: tokens[0] } }, signature)).toBe(1008) // spent
    expect(await open(port, { ...mine, customParameters: { token: others } }, signature)).toBe(1008)
    expect(await open(port, { ...mine, accountSid: 'AC1', customParameters: { token: fresh } }, signature)).toBe(1008)
    const unsigned = await voice.handle({ method: 'POST', target: '/relay-ended', header: () => undefined, readBody: () => Promise.resolve({ bytes: `CallSid=${placed.sid}` }) }) // prettier-ignore
    expect(unsigned?.status).toBe(403)
    await placed.verify()
    expect(turns).toEqual([])
  })
})

describe('via register-call', () => {
  const spoken = (name: string, call: { timeline: readonly { kind: string; details: { name?: unknown } }[] }) =>
    call.timeline.some(({ kind, details }) => kind === 'verb' && details.name === name)

  test('ElevenLabs carries the sound; the conversation is known before it starts', async () => {
    const { call, voice, elevenlabs } = await line(
      { answer: () => ({ via: 'register-call' }) },
      { firstMessage: 'Hello from the agent.', script: () => undefined },
    )
    const registered: (string | undefined)[] = []
    voice.on('callRegistered', ({ conversationId }) => registered.push(conversationId))
    const placed = call([listen, { step: 'hang-up' }])
    await placed.verify()
    expect(registered).toEqual([elevenlabs.conversations[0]?.conversationId])
    expect(registered[0]).toMatch(/^conv_/)
    expect(elevenlabs.conversations[0]?.dynamicVariables.call_sid).toBe(placed.sid)
  })

  test.each([
    [429, 'Service is busy. Please call back in a few minutes.'],
    [401, 'Configuration error. Please contact support.'],
    [500, 'Technical difficulties. Please try again later.'],
  ])('a %i is answered with: %s', async (status, text) => {
    const said: string[] = []
    const { call, elevenlabs } = await line({ answer: () => ({ via: 'register-call' }) }, {}, (words) =>
      said.push(words),
    )
    elevenlabs.failNextRequest({ path: 'register-call', status })
    const placed = call([{ step: 'expect-hang-up' }])
    await placed.verify()
    expect([said, spoken('Hangup', placed)]).toEqual([[text], true])
    expect(elevenlabs.requests.at(-1)).toMatchObject({ path: '/v1/convai/twilio/register-call', status })
  })

  test('ElevenLabs that takes too long is not waited for, and the declared fallback answers', async () => {
    const { call, elevenlabs } = await line({
      answer: () => ({ via: 'register-call', timeoutMs: 1000, fallback: { via: 'say', text: 'Another time.' } }),
    })
    elevenlabs.failNextRequest({ path: 'register-call', delayMs: 8000 })
    const placed = call([{ step: 'expect-hang-up' }])
    await placed.verify()
    const voiceRequest = placed.timeline.find(({ kind }) => kind === 'webhook')
    expect(voiceRequest?.details.tookMs).toBeLessThan(5000)
    expect(spoken('Say', placed)).toBe(true)
  })
})

test('via say: a sentence, and the hang-up', async () => {
  const { call } = await line({
    answer: () => ({ via: 'say', text: 'We are closed <today> & tomorrow.', language: 'en-US' }),
  })
  const placed = call([{ step: 'expect-hang-up' }])
  await placed.verify()
  expect(placed.timeline.filter(({ kind }) => kind === 'verb').map(({ details }) => details.name)).toEqual(['Say', 'Hangup']) // prettier-ignore
})
