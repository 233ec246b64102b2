import { afterEach, describe, expect, test } from 'vitest'
import { RelayBridge, type RelayBridgeEnd, type RelayBridgeOptions } from '../../src/bridge/relay-bridge.js'
import { ManualClock } from '../../src/core/clock.js'
import { VendorError } from '../../src/core/errors.js'
import { socketPair } from '../../src/core/socket.js'
import { ConversationRelaySession } from '../../src/conversation-relay/session.js'
import type { Conversation } from '../../src/elevenlabs/conversation.js'
import type { ServerMessage } from '../../src/elevenlabs/messages.js'
import { SETUP, info, interrupt, prompt, settled, type Sent } from '../conversation-relay/relay-set-up.js'
import { startTalk, type Talk } from '../elevenlabs/scripted-agent.js'

const METADATA = { type: 'metadata', conversationId: 'conv_1' } as const satisfies ServerMessage
const part = (eventId: number, kind: 'start' | 'delta' | 'stop', text = ''): ServerMessage => ({
  type: 'agentResponsePart',
  part: kind,
  text,
  eventId,
})
const response = (eventId: number, text: string): ServerMessage => ({ type: 'agentResponse', text, eventId })

const clocks: ManualClock[] = []
afterEach(() => {
  clocks.length = 0
})

function setup(options: Partial<RelayBridgeOptions> = {}, talkOptions: Parameters<typeof startTalk>[0] = {}) {
  const clock = new ManualClock()
  clocks.push(clock)
  const talk: Talk = startTalk({ clock, textOnly: true, ...talkOptions })
  const bridge = new RelayBridge({ conversation: talk.conversation, clock, ...options })
  let end: RelayBridgeEnd | undefined
  void bridge.ended.then((how) => (end = how))
  const [socket, twilio] = socketPair()
  const sent: Sent[] = []
  const closes: number[] = []
  twilio.listen({
    message: (text) => sent.push(JSON.parse(text) as Sent),
    binary: () => {},
    close: (code) => closes.push(code),
  })
  const session = new ConversationRelaySession({ socket, clock, brain: bridge.brain, onSilence: 'off' })
  session.on('setup', () => bridge.attach(session))
  const send = async (...messages: object[]) => {
    for (const message of messages) twilio.send(JSON.stringify(message))
    await settled()
  }
  const agent = async (...messages: ServerMessage[]) => {
    talk.say(...messages)
    await settled()
  }
  return {
    clock,
    talk,
    bridge,
    session,
    twilio,
    sent,
    closes,
    send,
    agent,
    started: async () => {
      await agent(METADATA)
      await send(SETUP)
    },
    spoken: () => sent.map(({ token = '' }) => token).join(''),
    messages: () => talk.sent('userMessage').map(({ text }) => text),
    updates: () => talk.sent('contextualUpdate').map(({ text }) => text),
    end: () => end,
  }
}

describe('a relay session joined to an agent that writes', () => {
  test('prompts become user messages, and the agent\u2019s parts are spoken as they come', async () => {
    const call = setup()
    const joined: unknown[] = []
    call.bridge.on('joined', (who) => joined.push(who))
    await call.started()
    expect(joined).toEqual([{ callSid: 'CA1', sessionId: 'VX1', conversationId: 'conv_1' }])
    await call.send(prompt('I want to move my appointment'))
    expect(call.messages()).toEqual(['I want to move my appointment'])
    await call.agent(part(3, 'start'), part(3, 'delta', 'Which '))
    expect(call.sent).toEqual([{ type: 'text', token: 'Which ', last: false }])
    await call.agent(part(3, 'delta', 'day?'), part(3, 'stop'), response(3, 'Which day?'))
    expect(call.spoken()).toBe('Which day?') // once, although the whole came as well
    expect(call.sent.at(-1)).toMatchObject({ last: true })
    expect(call.bridge.stats).toMatchObject({ userMessages: 1, agentResponses: 1 })
  })

  test('an agent that sends no parts is spoken whole', async () => {
    const call = setup()
    await call.started()
    await call.agent(response(1, 'Hello, this is Riverside.'))
    await call.send(prompt('Hi'))
    await call.agent(response(4, 'How can I help?'))
    expect(call.spoken()).toBe('Hello, this is Riverside.How can I help?')
  })

  test('the first message is spoken, also when it was written before the session was there', async () => {
    const call = setup()
    await call.agent(METADATA, part(1, 'start'), part(1, 'delta', 'Good '))
    await call.send(SETUP)
    await call.agent(part(1, 'delta', 'morning.'), part(1, 'stop'))
    expect(call.spoken()).toBe('Good morning.')
  })

  test('what the caller says before the agent is there reaches it once it is', async () => {
    let open: (conversation: Conversation) => void = () => undefined
    const call = setup({ conversation: new Promise((resolve) => (open = resolve)) })
    await call.send(SETUP, prompt('Hello?'))
    open(call.talk.conversation)
    await settled()
    await call.agent(METADATA)
    expect(call.messages()).toEqual(['Hello?'])
    await call.agent(part(1, 'start'), part(1, 'delta', 'Yes.'), part(1, 'stop'))
    expect(call.spoken()).toBe('Yes.')
  })

  test('an interruption is corrected on both sides: nothing stale is spoken, and the agent learns what was heard', async () => {
    const call = setup()
    await call.started()
    await call.send(prompt('Tell me the prices'))
    await call.agent(part(2, 'start'), part(2, 'delta', 'A cleaning is ninety '))
    await call.send(interrupt('A cleaning is'))
    const before = call.sent.length
    await call.agent(
      part(2, 'delta', 'dollars, a crown '),
      part(2, 'stop'),
      response(2, 'A cleaning is ninety dollars, a crown'),
    )
    expect(call.sent.length).toBe(before)
    expect(call.updates()).toEqual(['The caller interrupted you and heard of your last message only: "A cleaning is"'])
    expect(call.session.transcript.at(-1)).toMatchObject({ heardText: 'A cleaning is', interrupted: true })
    await call.send(prompt('Just the cleaning'))
    await call.agent(
      { type: 'interruption', eventId: 2 },
      part(5, 'start'),
      part(5, 'delta', 'Ninety.'),
      part(5, 'stop'),
    )
    expect(call.sent.slice(before).map(({ token }) => token)).toEqual(['Ninety.', ''])
    expect(call.bridge.stats).toMatchObject({ interruptions: 1, staleParts: 2 })
  })

  test('the caller who goes on is told to the agent in pieces, none of them twice', async () => {
    const call = setup()
    await call.started()
    await call.send(prompt('My name is'), prompt('Ada'))
    expect(call.messages()).toEqual(['My name is', 'Ada'])
    await call.agent(part(2, 'start'), part(2, 'delta', 'Hello Ada.'), part(2, 'stop'))
    expect(call.spoken()).toBe('Hello Ada.')
  })

  test('tools work, and what is written after them is spoken', async () => {
    const call = setup({}, { onToolCall: ({ parameters }) => ({ free: 'Thursday', asked: parameters.day }) })
    const told: unknown[] = []
    call.bridge.on('toolCalled', ({ toolName }) => told.push(toolName))
    call.bridge.on('toolAnswered', ({ isError }) => told.push(isError))
    await call.started()
    await call.send(prompt('Anything on Monday?'))
    await call.agent(part(2, 'start'), part(2, 'delta', 'Let me look. '), part(2, 'stop'))
    await call.agent({ type: 'toolCall', toolName: 'find', toolCallId: 't1', parameters: { day: 'Monday' } })
    expect(call.talk.sent('toolResult')).toMatchObject([
      { result: '{"free":"Thursday","asked":"Monday"}', isError: false },
    ])
    await call.agent(part(6, 'start'), part(6, 'delta', 'Thursday is free.'), part(6, 'stop'))
    expect(call.spoken()).toBe('Let me look. Thursday is free.')
    expect(told).toEqual(['find', false])
    expect(call.bridge.stats.toolCalls).toBe(1)
  })

  test('end_call: the goodbye is heard, then the session ends, then the agent is closed', async () => {
    const call = setup()
    await call.started()
    await call.send(prompt('Bye'), info('agentSpeaking', 'off'))
    await call.agent(part(2, 'start'), part(2, 'delta', 'Goodbye.'), part(2, 'stop'))
    await call.agent({ type: 'agentToolResponse', toolName: 'end_call', toolCallId: 'e', isError: false })
    await call.send(info('agentSpeaking', 'on'))
    call.talk.agent.close(1000)
    await settled()
    expect(call.sent.some(({ type }) => type === 'end')).toBe(false)
    await call.send(info('agentSpeaking', 'off'))
    call.clock.advance(200)
    expect(call.sent.at(-1)).toEqual({ type: 'end', handoffData: '{"reasonCode":"agent-ended"}' })
    call.twilio.close(1000)
    await settled()
    expect(call.end()).toMatchObject({
      reason: 'agent-ended',
      error: undefined,
      callSid: 'CA1',
      conversationId: 'conv_1',
    })
    expect(call.clock.pendingTimers).toBe(0)
  })

  test('an agent that says end_call and does not close is closed', async () => {
    const call = setup()
    await call.started()
    await call.agent({ type: 'agentToolResponse', toolName: 'end_call', toolCallId: 'e' })
    call.clock.advance(3000)
    await settled()
    expect(call.talk.closes).toEqual([[1000, 'call ended']])
  })

  test('an agent that fails: what it wrote is heard, and whoever takes over learns why', async () => {
    const call = setup()
    await call.started()
    await call.send(prompt('Hello'))
    await call.agent(part(2, 'start'), part(2, 'delta', 'Well, '))
    call.talk.agent.close(1011, 'crash')
    await settled()
    call.clock.advance(5000)
    expect(call.spoken()).toBe('Well, ')
    expect(call.sent.at(-1)).toEqual({ type: 'end', handoffData: '{"reasonCode":"agent-failed"}' })
    call.twilio.close(1000)
    await settled()
    expect(call.end()).toMatchObject({ reason: 'agent-failed', error: { code: 'elevenlabs_server_error' } })
  })

  test('an agent that cannot be had ends the call before its session came', async () => {
    const error = new VendorError('elevenlabs_quota_exceeded', 'No credits')
    const call = setup({ conversation: Promise.reject(error) })
    await settled()
    expect(call.end()).toMatchObject({
      reason: 'agent-failed',
      error: { code: 'elevenlabs_quota_exceeded' },
      durationMs: 0,
    })
    expect(() => call.bridge.attach(call.session)).toThrow(/over before/)
  })

  test('an agent that says its piece and leaves before the session is there is still heard', async () => {
    const call = setup()
    await call.agent(METADATA, part(1, 'start'), part(1, 'delta', 'We are closed today.'), part(1, 'stop'))
    call.talk.agent.close(1000)
    await settled()
    await call.send(SETUP)
    call.clock.advance(10_000)
    expect(call.spoken()).toBe('We are closed today.')
    expect(call.sent.at(-1)).toMatchObject({ type: 'end' })
  })

  test('the caller hangs up: the agent is closed at once, and nothing is left running', async () => {
    const call = setup()
    await call.started()
    await call.send(prompt('Hello'))
    call.twilio.close(1000)
    await settled()
    expect(call.talk.closes).toEqual([[1000, 'call ended']])
    expect(call.end()).toMatchObject({ reason: 'caller-hung-up' })
    call.talk.agent.close(1000)
    await settled()
    expect(call.clock.pendingTimers).toBe(0)
  })

  test('a session that never comes: the agent is closed after attachTimeoutMs', async () => {
    const call = setup()
    await call.agent(METADATA)
    call.clock.advance(30_000)
    await settled()
    expect(call.end()).toMatchObject({ reason: 'session-not-attached' })
    expect(call.talk.closes).toHaveLength(1)
  })

  test('a quiet caller does not end the conversation: activity is told every 25 seconds', async () => {
    const call = setup()
    await call.started()
    call.clock.advance(60_000)
    expect(call.talk.sent('userActivity')).toHaveLength(2)
  })

  test.each([
    ['context', [], ['The caller pressed 4 2 on the telephone keypad.']],
    ['user-message', ['The caller pressed 4 2 on the telephone keypad.'], []],
    ['off', [], []],
  ] as const)('keys reach the agent as %s', async (digits, messages, updates) => {
    const call = setup({ digits })
    await call.started()
    await call.send({ type: 'dtmf', digit: '4' }, { type: 'dtmf', digit: '2' })
    call.clock.advance(1600)
    await settled()
    expect([call.messages(), call.updates()]).toEqual([messages, updates])
    call.clock.advance(20_000)
    if (digits !== 'user-message') expect(call.spoken()).toBe('') // no answer is due, so none is missed
  })

  test('an agent that skips its turn is not taken for one that failed', async () => {
    const call = setup()
    await call.started()
    await call.send(prompt('Hm'))
    await call.agent({ type: 'agentToolResponse', toolName: 'skip_turn', toolCallId: 's' })
    call.clock.advance(20_000)
    expect(call.sent).toEqual([])
  })

  test('a session of somebody else\u2019s is not taken twice, nor before it has begun', async () => {
    const call = setup()
    expect(() => call.bridge.attach(call.session)).toThrow(TypeError)
    await call.started()
    expect(() => call.bridge.attach(call.session)).toThrow(TypeError)
  })
})
