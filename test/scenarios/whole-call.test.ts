import { describe, expect, test } from 'vitest'
import {
  agentTurns,
  CALLED,
  CALLER,
  dentalAgent,
  dentalCaller,
  dentalTools,
  phoneLine,
  PUBLIC_URL,
  speech,
} from './phone-line.js'

describe('the call of the dental practice', () => {
  test('barge-in, two tools, a goodbye: it goes as scripted, and the transcript is what was heard', async () => {
    const line = await phoneLine({ agent: dentalAgent, voice: { tools: dentalTools } })
    const call = line.dial({ script: dentalCaller })
    expect(await call.verify()).toMatchObject({ by: 'twiml', status: 'completed' })
    line.elevenlabs.verify()
    const { live, turns, events } = line.seen[0]!
    const end = await live.bridge.ended
    expect(end).toMatchObject({
      reason: 'agent-ended',
      error: undefined,
      callSid: call.sid,
      streamSid: call.streams[0]!.streamSid,
      conversationId: line.elevenlabs.conversations[0]!.conversationId,
      stats: { callerTurns: 3, agentTurns: 5, interruptions: 1, toolCalls: 2 },
    })

    const [greeting, ...answers] = agentTurns(turns)
    expect(greeting).toMatchObject({ interrupted: true, text: speech.greeting.text })
    // The agent is talked down over a second after the caller heard two seconds of it, and knows the rest of its greeting.
    expect(greeting!.heardMs).toBeGreaterThan(2000)
    expect(greeting!.heardMs).toBeLessThan(4000)
    expect(greeting!.text.startsWith(greeting!.heardText)).toBe(true)
    expect(greeting!.heardText.length).toBeLessThan(greeting!.text.length)
    for (const turn of answers) {
      expect(turn).toMatchObject({ interrupted: false, heardText: turn.text, heardMs: turn.totalMs })
    }
    expect(answers.map(({ text }) => text)).toEqual([
      speech['ask-confirmation'].text,
      speech['one-moment'].text,
      speech.offer.text,
      speech.goodbye.text,
    ])
    expect(turns.filter(({ speaker }) => speaker === 'caller').map(({ text }) => text)).toEqual([
      speech['move-request'].text,
      speech['confirmation-number'].text,
      speech.accept.text,
    ])
    expect(events.at(-1)).toBe('ended')
    expect(events.filter((event) => event.startsWith('tool'))).toEqual([
      'toolCalled find_appointment',
      'toolAnswered find_appointment false',
      'toolCalled move_appointment',
      'toolAnswered move_appointment false',
    ])
    await line.expectNothingLeft()
  })

  test('what the bridge says was heard is what the caller\u2019s ear heard', async () => {
    const line = await phoneLine({ agent: dentalAgent, voice: { tools: dentalTools } })
    const call = line.dial({ script: dentalCaller })
    await call.verify()
    const { agent } = call.recording()
    const [greeting] = agentTurns(line.seen[0]!.turns)
    const first = agent.findIndex((byte) => byte !== 0xff && byte !== 0x7f) / 8
    const clear = call.timeline.find(({ kind }) => kind === 'clear')!.atMs
    // From the first sound of the greeting to the clear: the ledger is right within one slice and one packet.
    expect(Math.abs(clear - first - greeting!.heardMs)).toBeLessThan(200)
    const end = await line.seen[0]!.live.bridge.ended
    const heard = agentTurns(line.seen[0]!.turns).reduce((sum, { heardMs }) => sum + heardMs, 0)
    expect(end.stats.agentHeardMs).toBeCloseTo(heard, 6)
  })

  test('latency is from the caller\u2019s last word to the first audio that was played', async () => {
    const line = await phoneLine({ agent: dentalAgent, voice: { tools: dentalTools } })
    const call = line.dial({ script: dentalCaller })
    await call.verify()
    const [, asked] = agentTurns(line.seen[0]!.turns)
    const quiet = call.timeline.filter(({ kind }) => kind === 'caller-quiet')[0]!.atMs
    const spoke = call.timeline.filter(({ kind, atMs }) => kind === 'agent-speech' && atMs > quiet)[0]!.atMs
    // The end of the utterance's file is a little silence; the bridge hears the last loud frame.
    expect(asked!.latencyMs).toBeGreaterThan(spoke - quiet - 100)
    expect(asked!.latencyMs).toBeLessThan(spoke - quiet + 700)
  })

  test('the same call with an agent that hears and speaks PCM', async () => {
    for (const format of ['pcm_16000', 'pcm_8000'] as const) {
      const line = await phoneLine({
        agent: { ...dentalAgent, userInputAudioFormat: format, agentOutputAudioFormat: format },
        voice: { tools: dentalTools },
      })
      await line.dial({ script: dentalCaller }).verify()
      line.elevenlabs.verify() // the agent knew every sentence by its sound
      expect(line.seen[0]!.live.bridge.end).toMatchObject({ reason: 'agent-ended', stats: { toolCalls: 2 } })
      await line.expectNothingLeft()
    }
  })
})

test('the agent is opened at the voice webhook, before the stream is there, and its greeting waits for nobody', async () => {
  const line = await phoneLine()
  let wasOpenedBefore: boolean | undefined
  line.voice.on('call', ({ bridge }) => {
    bridge.on('joined', () => (wasOpenedBefore = bridge.conversation !== undefined))
  })
  const order: string[] = []
  line.twilio.on('call', (call) => void call.waitUntil(() => call.streams.length > 0).then(() => order.push('stream')))
  void line.elevenlabs.nextConversation().then(() => order.push('agent'))
  const call = line.dial({ script: [{ step: 'wait-for-agent-speech', forMs: 500 }, { step: 'hang-up' }] })
  await call.verify()
  expect(order).toEqual(['agent', 'stream'])
  expect(wasOpenedBefore).toBe(true)
  const stream = call.timeline.find(({ kind }) => kind === 'stream-open')!.atMs
  const speech = call.timeline.find(({ kind }) => kind === 'agent-speech')!.atMs
  expect(speech - stream).toBeLessThan(150)
  await line.expectNothingLeft()
})

test('late audio of an interrupted turn is never played', async () => {
  const line = await phoneLine({
    agent: { lateChunks: 5, script: [{ reply: speech['ask-confirmation'] }] },
  })
  const call = line.dial({
    script: [
      { step: 'barge-in', afterMs: 1000, utterance: speech['move-request'] },
      { step: 'wait-for-agent-quiet', quietMs: 800, afterSpeech: true },
      { step: 'hang-up' },
    ],
  })
  await call.verify()
  const { bridge } = line.seen[0]!.live
  expect(bridge.conversation!.counters.lateAudioMessages).toBeGreaterThan(0)
  // Between the clear and the answer the caller hears nothing.
  const clear = call.timeline.find(({ kind }) => kind === 'clear')!.atMs
  const { agent } = call.recording()
  const after = [...agent.subarray(Math.ceil(clear + 40) * 8)]
  const firstSound = after.findIndex((byte) => byte !== 0xff && byte !== 0x7f) / 8
  const caller = call.timeline.filter(({ kind }) => kind === 'caller-quiet').at(-1)!.atMs
  expect(firstSound + clear + 40).toBeGreaterThan(caller)
  await line.expectNothingLeft()
})

test('a goodbye is heard to its end although the agent closes its socket at once', async () => {
  const line = await phoneLine({
    agent: { firstMessage: 'Hi.', pace: 50, script: [{ reply: { endCall: { message: speech.goodbye } } }] },
  })
  const call = line.dial({
    script: [
      { step: 'wait-for-agent-speech' },
      { step: 'wait-for-agent-quiet', quietMs: 300 },
      { step: 'speak', utterance: speech.accept },
      { step: 'expect-hang-up', withinMs: 20_000 },
    ],
  })
  await call.verify() // fails when speech was cut off
  const goodbye = agentTurns(line.seen[0]!.turns).at(-1)!
  expect(goodbye).toMatchObject({ interrupted: false, heardText: speech.goodbye.text, heardMs: goodbye.totalMs })
  const closedAgent = line.elevenlabs.conversations[0]!
  expect((await closedAgent.ended).by).toBe('agent')
  await line.expectNothingLeft()
})

test('keys are told to the agent as one row, and never logged', async () => {
  const line = await phoneLine({ agent: { firstMessage: 'Hi.' } })
  const call = line.dial({
    script: [
      { step: 'wait-for-agent-speech' },
      { step: 'press', digits: '4071' },
      { step: 'pause', ms: 2000 },
      { step: 'press', digits: '55#' },
      { step: 'pause', ms: 300 },
      { step: 'hang-up' },
    ],
  })
  await call.verify()
  const [conversation] = line.elevenlabs.conversations
  expect(conversation!.contextualUpdates.map(({ text }) => text)).toEqual([
    'The caller pressed 4 0 7 1 on the telephone keypad.',
    'The caller pressed 5 5 # on the telephone keypad.',
  ])
  expect(line.seen[0]!.events.filter((event) => event === 'digit')).toHaveLength(7)
  expect(line.logged.join('\n')).not.toMatch(/4 0 7 1|4071|55#/)
  await line.expectNothingLeft()
})

test('two callers at once hear and are heard each by their own agent', async () => {
  const line = await phoneLine({ agent: { firstMessage: 'Hi.', script: (heard) => heard.text } })
  const calls = (['move-request', 'accept'] as const).map((name) =>
    line.dial({
      script: [
        { step: 'wait-for-agent-speech' },
        { step: 'wait-for-agent-quiet', quietMs: 300 },
        { step: 'speak', utterance: speech[name] },
        { step: 'wait-for-agent-quiet', quietMs: 400, afterSpeech: true, withinMs: 20_000 },
        { step: 'hang-up' },
      ],
    }),
  )
  await Promise.all(calls.map((call) => call.verify()))
  for (const [i, name] of (['move-request', 'accept'] as const).entries()) {
    const { turns } = line.seen.find(({ live }) => live.callSid === calls[i]!.sid)!
    expect(turns.find(({ speaker }) => speaker === 'caller')!.text).toBe(speech[name].text)
    expect(agentTurns(turns).at(-1)!.heardText).toBe(speech[name].text)
  }
  await line.expectNothingLeft()
})

test('a call in which neither speaks is ended, and one that lasts too long', async () => {
  const silent = await phoneLine({
    agent: { firstMessage: 'Hi.' },
    voice: { bridge: { idleTimeoutMs: 8000 } },
  })
  const call = silent.dial({ script: [{ step: 'expect-hang-up', withinMs: 15_000 }] })
  await call.verify()
  expect(silent.seen[0]!.live.bridge.end).toMatchObject({ reason: 'idle' })
  await silent.expectNothingLeft()

  const long = await phoneLine({ voice: { bridge: { maxDurationMs: 3000 } } })
  const other = long.dial({ script: [{ step: 'expect-hang-up', withinMs: 15_000, heardOut: false }] })
  await other.verify()
  expect(long.seen[0]!.live.bridge.end).toMatchObject({ reason: 'max-duration' })
  expect(long.seen[0]!.live.bridge.end!.durationMs).toBeLessThan(3600)
  await long.expectNothingLeft()
})

test('the line can be called by hand: numbers, parameters and status reach the host proven', async () => {
  const statuses: string[] = []
  const line = await phoneLine()
  line.voice.on('callStatus', ({ CallStatus = '' }) => statuses.push(CallStatus))
  const call = line.dial({
    parameters: { StirVerstat: 'TN-Validation-Passed-A' },
    statusCallback: { url: `${PUBLIC_URL}/status`, events: ['completed'] },
    script: [{ step: 'wait-for-agent-speech' }, { step: 'hang-up' }],
  })
  await call.verify()
  expect(line.seen[0]!.live).toMatchObject({
    callSid: call.sid,
    from: CALLER,
    to: CALLED,
    params: { StirVerstat: 'TN-Validation-Passed-A' },
  })
  expect(statuses).toEqual(['completed'])
  await line.expectNothingLeft()
})
