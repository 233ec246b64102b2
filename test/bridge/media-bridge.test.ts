import { describe, expect, test } from 'vitest'
import { VendorError, VoiceError } from '../../src/core/errors.js'
import { MediaStreamBridge } from '../../src/bridge/media-bridge.js'
import { METADATA, settle, startTalk } from '../elevenlabs/scripted-agent.js'
import { MediaStreamSession } from '../../src/media-stream/session.js'
import { deafSocket } from '../media-stream/deaf-socket.js'
import { audio, joinLegs, SILENCE, SPEECH, startMessage, twilioLeg } from './joined-legs.js'

/** Both legs, joined, and the agent under way. */
async function joined(options: Parameters<typeof joinLegs>[0] = {}) {
  const legs = joinLegs(options)
  legs.talk.say(METADATA)
  await legs.attach()
  await settle()
  return legs
}

type Legs = Awaited<ReturnType<typeof joined>>

const sayTurn = ({ talk }: Legs, text: string, ms: number, eventId: number): void => {
  talk.say({ type: 'audio', payload: audio(ms), eventId }, { type: 'agentResponse', text, eventId })
  talk.say({ type: 'agentResponseComplete', eventId })
}

/** Both legs are closed, nothing runs on. */
function expectNothingLeft({ clock, talk, twilio, bridge }: Pick<Legs, 'clock' | 'talk' | 'twilio' | 'bridge'>): void {
  expect(talk.conversation.state).toBe('closed')
  expect(talk.closes).toHaveLength(1)
  if (bridge.stream) expect(twilio.closes).toHaveLength(1)
  else twilio.session.close()
  expect(clock.pendingTimers).toBe(0)
  const { sent } = twilio
  const count = sent.length
  clock.advance(600_000)
  expect(sent.length).toBe(count)
}

describe('audio', () => {
  test('the caller\u2019s frames reach the agent byte for byte, in order', async () => {
    const { twilio, talk } = await joined()
    const frames = Array.from({ length: 50 }, (_, i) => Buffer.alloc(160, i).toString('base64'))
    for (const frame of frames) twilio.frame(frame)
    expect(talk.sent('userAudio').map(({ payload }) => payload)).toEqual(frames)
  })

  test('what the caller says before the agent is there is kept and flushed, five seconds of it, the oldest dropped', async () => {
    const { twilio, talk, attach, connectAgent, pass } = joinLegs({ isLate: true })
    await attach()
    for (let i = 0; i < 300; i++) twilio.frame(Buffer.alloc(160, i % 250).toString('base64'))
    await connectAgent()
    talk.say(METADATA)
    const kept = talk.sent('userAudio').map(({ payload }) => Buffer.from(payload, 'base64')[0])
    expect(kept).toHaveLength(250)
    expect(kept[0]).toBe(50)
    await pass(20)
    expect(talk.sent('userAudio')).toHaveLength(251)
  })

  test('long frames are kept by what they play, not by their number', async () => {
    const { twilio, talk, attach, connectAgent } = joinLegs({ isLate: true })
    await attach()
    for (let i = 0; i < 30; i++) twilio.frame(audio(1000, i))
    await connectAgent()
    talk.say(METADATA)
    expect(talk.sent('userAudio').length).toBeLessThanOrEqual(5)
  })

  test('what the agent says before the stream is there waits for it, and then nobody waits', async () => {
    const legs = joinLegs()
    legs.talk.say(METADATA, { type: 'audio', payload: audio(500), eventId: 1 })
    await legs.pass(1000, null)
    expect(legs.twilio.sent).toEqual([])
    await legs.attach()
    expect(legs.twilio.mediaMs()).toBe(500)
    expect(legs.names()).toContain('joined')
  })

  test('joined is told once, whichever leg is last', async () => {
    const first = await joined()
    expect(first.events[0]).toEqual(['joined', { callSid: 'CA1', streamSid: 'MZ1', conversationId: 'conv_1' }])
    const second = joinLegs({ isLate: true })
    await second.attach()
    await second.connectAgent()
    expect(second.names()).toEqual([])
    second.talk.say(METADATA)
    expect(second.names()).toEqual(['joined'])
    const third = joinLegs({ isLate: true })
    third.talk.say(METADATA)
    await third.connectAgent()
    await third.attach()
    expect(third.names()).toEqual(['joined'])
  })
})

describe('barge-in', () => {
  test('clear is on the wire before anything else, and what is queued is dropped', async () => {
    const legs = await joined()
    const { talk, twilio, pass, bridge, events } = legs
    talk.say({ type: 'audio', payload: audio(5000), eventId: 1 }, { type: 'agentResponse', text: 'A long story that nobody wants', eventId: 1 }) // prettier-ignore
    await pass(1000)
    const before = twilio.mediaMs()
    let sentWhenTold: string | undefined
    bridge.on('bargedIn', () => (sentWhenTold = twilio.sent.at(-1)?.event))
    talk.say({ type: 'interruption', eventId: 1 })
    expect(sentWhenTold).toBe('clear')
    await pass(3000)
    expect(twilio.mediaMs()).toBe(before)
    expect(events.find(([name]) => name === 'bargedIn')![1]).toMatchObject({ turnId: 'agent-1' })
    expect(bridge.stats.interruptions).toBe(1)
  })

  test('late audio of the interrupted turn is never played; that of the next one is', async () => {
    const { talk, twilio, pass } = await joined()
    talk.say({ type: 'audio', payload: audio(2000), eventId: 7 })
    await pass(500)
    talk.say({ type: 'interruption', eventId: 7 })
    const before = twilio.mediaMs()
    talk.say({ type: 'audio', payload: audio(400), eventId: 6 }, { type: 'audio', payload: audio(400), eventId: 7 })
    await pass(500)
    expect(twilio.mediaMs()).toBe(before)
    talk.say({ type: 'audio', payload: audio(400), eventId: 8 })
    expect(twilio.mediaMs()).toBe(before + 400)
  })

  test('the transcript is corrected to what was heard, by the ledger and not by the agent\u2019s estimate', async () => {
    const legs = await joined()
    const { talk, pass, turns } = legs
    const text = 'one two three four five six seven eight nine ten'
    const chars = [...text]
    talk.say({ type: 'audio', payload: audio(4800), eventId: 1, alignment: { chars, charStartTimesMs: chars.map((_, i) => i * 100), charDurationsMs: chars.map(() => 100) } }) // prettier-ignore
    talk.say({ type: 'agentResponse', text, eventId: 1 })
    await pass(1500)
    talk.say({ type: 'interruption', eventId: 1 })
    talk.say({ type: 'agentResponseCorrection', original: text, corrected: 'one two three four five six', eventId: 1 })
    const [turn] = turns()
    expect(turn).toMatchObject({ text, interrupted: true, totalMs: 4800 })
    expect(turn!.heardMs).toBeGreaterThan(1500 - 200)
    expect(turn!.heardMs).toBeLessThanOrEqual(1500)
    expect(turn!.heardText).toBe('one two three')
  })

  test('a turn of which the text had not come takes the agent\u2019s correction', async () => {
    const { talk, pass, turns } = await joined()
    talk.say({ type: 'audio', payload: audio(3000), eventId: 1 })
    await pass(1000)
    talk.say({ type: 'interruption', eventId: 1 })
    expect(turns()).toEqual([])
    talk.say({ type: 'agentResponseCorrection', original: 'We are open until six', corrected: 'We are open', eventId: 1 }) // prettier-ignore
    expect(turns()).toMatchObject([{ heardText: 'We are open', interrupted: true }])
  })

  test('an echo that the clear threw back is not taken for hearing', async () => {
    const { talk, pass, bridge } = await joined()
    talk.say({ type: 'audio', payload: audio(3000), eventId: 1 })
    await pass(1000)
    talk.say({ type: 'interruption', eventId: 1 })
    await pass(200)
    expect(bridge.playback.markCounts.stale).toBeGreaterThan(0)
    bridge.close()
    expect(bridge.stats.agentHeardMs).toBeLessThanOrEqual(1000)
  })
})

describe('turns', () => {
  test('latency is from the caller\u2019s last speech to the first audio that was played', async () => {
    const legs = await joined()
    const { pass, events, talk } = legs
    await pass(400, SPEECH)
    await pass(700)
    talk.say({ type: 'userTranscript', text: 'Hello?', eventId: 1 })
    sayTurn(legs, 'Hi.', 400, 2)
    await pass(1000)
    const started = events.find(([name]) => name === 'agentTurnStarted')![1] as { latencyMs: number }
    expect(started.latencyMs).toBeGreaterThanOrEqual(700)
    expect(started.latencyMs).toBeLessThanOrEqual(760)
    expect(events.find(([name]) => name === 'callerTurn')![1]).toMatchObject({ text: 'Hello?', turnId: 'caller-1' })
    expect(legs.turns()).toMatchObject([{ latencyMs: started.latencyMs, interrupted: false, heardMs: 400 }])
  })

  test('without marks no turn is claimed as heard', async () => {
    const legs = await joined({ isMarkless: true })
    sayTurn(legs, 'Is anybody there?', 2000, 1)
    await legs.pass(5000)
    expect(legs.names()).not.toContain('agentTurnStarted')
    legs.bridge.close()
    expect(legs.turns()[0]!.heardMs).toBeLessThanOrEqual(300)
    expect(legs.turns()[0]!.interrupted).toBe(true)
  })

  test('tools are told with their names and never with what is in them', async () => {
    const { talk, events } = await joined()
    talk.conversation.setHandlers({ onToolCall: () => 'secret result' })
    talk.say({ type: 'toolCall', toolName: 'look_up', toolCallId: 'tool-1', parameters: { card: '4071' } })
    await settle()
    const told = events.filter(([name]) => name.startsWith('tool'))
    expect(told.map(([name, value]) => [name, Object.keys(value as object).sort()])).toEqual([
      ['toolCalled', ['at', 'toolCallId', 'toolName']],
      ['toolAnswered', ['at', 'isError', 'toolCallId', 'toolName']],
    ])
    expect(JSON.stringify(told)).not.toMatch(/4071|secret/)
  })

  test('audio that cannot be queued is said to be lost, and its turn ends all the same', async () => {
    const legs = await joined()
    const { talk, pass, turns } = legs
    for (let i = 0; i < 32; i++) talk.say({ type: 'audio', payload: audio(10_000), eventId: 1 })
    talk.say({ type: 'agentResponse', text: 'An endless story', eventId: 1 }, { type: 'agentResponseComplete', eventId: 1 }) // prettier-ignore
    await pass(305_000)
    expect(turns()).toHaveLength(1)
    expect(turns()[0]).toMatchObject({ interrupted: true, totalMs: 320_000 })
    expect(turns()[0]!.heardMs).toBeLessThan(320_000)
  })

  test('a turn of a single millisecond is heard when it was heard, and not before', async () => {
    const { talk, attach, bridge } = joinLegs()
    talk.say(METADATA, { type: 'audio', payload: audio(1), eventId: 1 }, { type: 'agentResponseComplete', eventId: 1 })
    expect(bridge.stats.agentHeardMs).toBe(0)
    await attach()
    bridge.close()
    expect(bridge.stats.agentHeardMs).toBe(0)
  })

  test('texts without audio do not pile up', async () => {
    const { talk, turns } = await joined()
    for (let i = 0; i < 100; i++) talk.say({ type: 'agentResponse', text: `turn ${i}`, eventId: i })
    expect(turns().length).toBeGreaterThanOrEqual(98)
  })
})

describe('keys', () => {
  const press = async ({ twilio, pass }: Legs, digits: string): Promise<void> => {
    for (const digit of digits) {
      twilio.digit(digit)
      await pass(200)
    }
  }

  test('are told to the agent as context, one row, and each as an event', async () => {
    const legs = await joined()
    await press(legs, '12')
    await legs.pass(1600)
    await press(legs, '3#')
    expect(legs.talk.sent('contextualUpdate').map(({ text }) => text)).toEqual([
      'The caller pressed 1 2 on the telephone keypad.',
      'The caller pressed 3 # on the telephone keypad.',
    ])
    expect(legs.events.filter(([name]) => name === 'digit').map(([, digit]) => digit)).toEqual(['1', '2', '3', '#'])
  })

  test('are said as the caller, or kept from the agent, where the host says so', async () => {
    const spoken = await joined({ digits: 'user-message' })
    await press(spoken, '9#')
    expect(spoken.talk.sent('userMessage')).toHaveLength(1)
    expect(spoken.talk.sent('contextualUpdate')).toHaveLength(0)
    const off = await joined({ digits: 'off' })
    await press(off, '9#')
    expect(off.talk.received.filter(({ type }) => type === 'userMessage' || type === 'contextualUpdate')).toEqual([])
    expect(off.names()).toContain('digit')
  })

  test('that were pressed before the agent is there are told once it is', async () => {
    const legs = joinLegs({ isLate: true })
    await legs.attach()
    legs.twilio.digit('4')
    await legs.pass(2000)
    await legs.connectAgent()
    legs.talk.say(METADATA)
    expect(legs.talk.sent('contextualUpdate')).toHaveLength(1)
  })
})

describe('the end', () => {
  test.each(['before the metadata', 'while it speaks', 'after'] as const)('the caller hangs up %s', async (when) => {
    const legs = joinLegs()
    if (when !== 'before the metadata') legs.talk.say(METADATA)
    await legs.attach()
    if (when !== 'before the metadata') sayTurn(legs, 'Good morning', 2000, 1)
    await legs.pass(when === 'after' ? 3000 : 500)
    legs.twilio.stop()
    expect(await legs.bridge.ended).toMatchObject({ reason: 'caller-hung-up', error: undefined })
    expect(legs.talk.closes).toEqual([[1000, 'call ended']])
    expectNothingLeft(legs)
  })

  test('the line is lost without a word', async () => {
    const legs = await joined()
    legs.twilio.peer.terminate()
    expect(await legs.bridge.ended).toMatchObject({ reason: 'caller-hung-up' })
    expectNothingLeft(legs)
  })

  test('the agent ends: what it said is heard to its end before the stream is closed', async () => {
    const legs = await joined()
    sayTurn(legs, 'Goodbye, and thank you for calling', 3000, 1)
    legs.talk.agent.close(1000, '')
    await legs.pass(2900)
    expect(legs.twilio.closes).toEqual([])
    await legs.pass(200)
    expect(legs.twilio.closes).toEqual([1000])
    expect(await legs.bridge.ended).toMatchObject({ reason: 'agent-ended', stats: { agentHeardMs: 3000 } })
    expect(legs.turns()).toMatchObject([{ interrupted: false, heardText: 'Goodbye, and thank you for calling' }])
    expectNothingLeft(legs)
  })

  test('a goodbye whose marks are lost is waited for as long as it lasts, and two seconds', async () => {
    const legs = await joined({ isMarkless: true })
    sayTurn(legs, 'Goodbye', 1000, 1)
    legs.talk.agent.close(1000, '')
    await legs.pass(900)
    expect(legs.bridge.end).toBeUndefined()
    await legs.pass(2300)
    expect(await legs.bridge.ended).toMatchObject({ reason: 'agent-ended' })
    expectNothingLeft(legs)
  })

  test('a goodbye is waited for no longer than goodbyeTimeoutMs', async () => {
    const legs = await joined({ goodbyeTimeoutMs: 1000 })
    sayTurn(legs, 'A very long goodbye', 9000, 1)
    legs.talk.agent.close(1000, '')
    await legs.pass(1100)
    expect(await legs.bridge.ended).toMatchObject({ reason: 'agent-ended' })
    expect(legs.turns()).toMatchObject([{ interrupted: true }])
    expectNothingLeft(legs)
  })

  test('the caller hangs up in the middle of the goodbye: it was the agent that ended', async () => {
    const legs = await joined()
    sayTurn(legs, 'Goodbye', 3000, 1)
    legs.talk.agent.close(1000, '')
    await legs.pass(500)
    legs.twilio.stop()
    expect(await legs.bridge.ended).toMatchObject({ reason: 'agent-ended' })
    expectNothingLeft(legs)
  })

  test('the agent says its piece and leaves before the stream is there: the piece is heard', async () => {
    const legs = joinLegs()
    legs.talk.say(METADATA)
    sayTurn(legs, 'We are closed', 1000, 1)
    legs.talk.agent.close(1000, '')
    await legs.pass(300, null)
    await legs.attach()
    await legs.pass(900)
    expect(legs.bridge.end).toBeUndefined()
    await legs.pass(300)
    expect(await legs.bridge.ended).toMatchObject({ reason: 'agent-ended', stats: { agentHeardMs: 1000 } })
    expectNothingLeft(legs)
  })

  test('an agent that has used end_call and does not close is closed once its goodbye was heard', async () => {
    for (const type of ['agentToolResponse', 'agentToolResult'] as const) {
      const legs = await joined()
      legs.talk.say({ type, toolName: 'end_call', toolCallId: 't', isError: false, isCalled: true })
      sayTurn(legs, 'Goodbye then', 4000, 1)
      await legs.pass(3900)
      expect(legs.talk.closes).toEqual([])
      await legs.pass(300)
      expect(await legs.bridge.ended).toMatchObject({ reason: 'agent-ended', stats: { agentHeardMs: 4000 } })
      expectNothingLeft(legs)
    }
  })

  test('an end_call that failed, or was not made, ends nothing', async () => {
    const legs = await joined()
    for (const outcome of [
      { isError: true, isCalled: true },
      { isError: false, isCalled: false },
    ])
      legs.talk.say({ type: 'agentToolResponse', toolName: 'end_call', toolCallId: 't', ...outcome } as never)
    await legs.pass(10_000, SPEECH)
    expect(legs.bridge.end).toBeUndefined()
    legs.bridge.close()
  })

  test('the agent is lost in the middle of a word: what had come is heard, and the reason has its error', async () => {
    const legs = await joined()
    legs.talk.say({ type: 'audio', payload: audio(1000), eventId: 1 })
    legs.talk.agent.terminate()
    await legs.pass(500)
    expect(legs.bridge.end).toBeUndefined()
    await legs.pass(600)
    const end = await legs.bridge.ended
    expect(end).toMatchObject({ reason: 'agent-failed', stats: { agentHeardMs: 1000 } })
    expect(end.error!.code).toBe('elevenlabs_connection_lost')
    expectNothingLeft(legs)
  })

  test.each([
    [new VendorError('elevenlabs_quota_exceeded', 'Out of credits'), 'elevenlabs_quota_exceeded'],
    [new Error('boom'), 'elevenlabs_connect_failed'],
    ['a string', 'elevenlabs_connect_failed'],
  ])('the agent cannot be had (%s)', async (error, code) => {
    const legs = joinLegs({ isLate: true })
    await legs.attach()
    await legs.failAgent(error)
    expect(await legs.bridge.ended).toMatchObject({ reason: 'agent-failed', error: { code } })
    expect(legs.twilio.closes).toEqual([1000])
    legs.talk.conversation.close()
    expect(legs.clock.pendingTimers).toBe(0)
  })

  test('an agent that arrives after the call is over is closed at once', async () => {
    const legs = joinLegs({ isLate: true })
    await legs.attach()
    legs.twilio.stop()
    await legs.bridge.ended
    expect(legs.talk.closes).toEqual([])
    await legs.connectAgent()
    expectNothingLeft(legs)
  })

  test('nobody speaks: idle; either of them speaks: not', async () => {
    const legs = await joined({ idleTimeoutMs: 10_000 })
    await legs.pass(9000)
    await legs.pass(100, SPEECH)
    await legs.pass(9000)
    sayTurn(legs, 'Are you there?', 1000, 1)
    await legs.pass(9500)
    expect(legs.bridge.end).toBeUndefined()
    await legs.pass(2000)
    expect(await legs.bridge.ended).toMatchObject({ reason: 'idle' })
    expectNothingLeft(legs)
  })

  test('a call is ended after its longest time, whoever speaks', async () => {
    const legs = await joined({ maxDurationMs: 20_000 })
    await legs.pass(19_900, SPEECH)
    expect(legs.bridge.end).toBeUndefined()
    await legs.pass(700, SPEECH)
    expect(await legs.bridge.ended).toMatchObject({ reason: 'max-duration' })
    expectNothingLeft(legs)
  })

  test('a stream that never comes: the agent is closed, and nothing is billed on', async () => {
    const legs = joinLegs({ attachTimeoutMs: 5000 })
    legs.talk.say(METADATA)
    await legs.pass(4900, null)
    expect(legs.talk.closes).toEqual([])
    await legs.pass(200, null)
    expect(await legs.bridge.ended).toMatchObject({ reason: 'stream-not-attached', durationMs: 0, callSid: undefined })
    expectNothingLeft(legs)
  })

  test('the stream breaks the protocol', async () => {
    const legs = await joined()
    for (let i = 0; i < 10; i++) legs.twilio.send('{')
    expect(await legs.bridge.ended).toMatchObject({
      reason: 'stream-failed',
      error: { code: 'media_stream_message_invalid' },
    })
    expectNothingLeft(legs)
  })

  test('closing twice, and disposing of it, is fine', async () => {
    const legs = await joined()
    legs.bridge.close()
    legs.bridge.close()
    await legs.bridge[Symbol.asyncDispose]()
    expect(await legs.bridge.ended).toMatchObject({ reason: 'closed' })
    expect(legs.names().filter((name) => name === 'ended')).toHaveLength(1)
    expect(legs.names().at(-1)).toBe('ended')
    expectNothingLeft(legs)
  })

  test('the reason is known at once; the promise waits until both legs are closed, two seconds at most', async () => {
    for (const answers of [true, false]) {
      const talk = startTalk()
      talk.say(METADATA)
      const { clock } = talk
      const bridge = new MediaStreamBridge({ conversation: talk.conversation, clock })
      const socket = deafSocket({ answersClose: answers })
      const session = new MediaStreamSession({ socket, clock })
      socket.say(startMessage)
      await settle()
      bridge.attach(session)
      let isTold = false
      void bridge.ended.then(() => (isTold = true))
      bridge.close()
      expect(bridge.end).toMatchObject({ reason: 'closed' })
      clock.advance(1900)
      await settle()
      expect(isTold).toBe(answers)
      clock.advance(200)
      await settle()
      expect(isTold).toBe(true)
      expect(socket.isTerminated).toBe(!answers)
      expect(clock.pendingTimers).toBe(0)
    }
  })
})

describe('mistakes', () => {
  test('a stream is attached once, started, and while the call lasts', async () => {
    const legs = joinLegs()
    expect(() => legs.bridge.attach(legs.twilio.session)).toThrow(TypeError) // not started
    await legs.attach()
    const other = twilioLeg(legs.clock)
    await other.start()
    expect(() => legs.bridge.attach(other.session)).toThrow(TypeError)
    legs.bridge.close()
    expect(() => legs.bridge.attach(other.session)).toThrow(expect.objectContaining({ code: 'bridge_closed' }))
    expect(() => legs.bridge.attach(other.session)).toThrow(VoiceError)
  })

  test.each(['attachTimeoutMs', 'idleTimeoutMs', 'maxDurationMs', 'goodbyeTimeoutMs'])(
    '%s must be positive',
    (name) => {
      const { conversation } = startTalk()
      for (const value of [0, -1, Number.NaN])
        expect(() => new MediaStreamBridge({ conversation, [name]: value })).toThrow(RangeError)
    },
  )

  test('digits must be one of three words', () => {
    const { conversation } = startTalk()
    expect(() => new MediaStreamBridge({ conversation, digits: 'yes' as never })).toThrow(TypeError)
  })

  test('a call of five seconds without audio from one side is logged, for it is a set-up that is wrong', async () => {
    const warned: string[] = []
    const logger = { debug: () => undefined, info: () => undefined, error: () => undefined, warn: (message: string) => void warned.push(message) } // prettier-ignore
    const legs = await joined({ logger })
    await legs.pass(6000, null)
    legs.bridge.close()
    expect(warned).toEqual(['No audio came from the caller', 'No audio came from the agent'])
    const fine = await joined({ logger })
    sayTurn(fine, 'Hello', 1000, 1)
    await fine.pass(6000, SILENCE)
    fine.bridge.close()
    expect(warned).toHaveLength(2)
  })
})
