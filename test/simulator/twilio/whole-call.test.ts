import { expect, test } from 'vitest'
import twilio from 'twilio'
import { AUTH_TOKEN, at, connect, inbound, setUp } from './call-set-up.js'
import { PUBLIC_HOST, tone, xml, type SmallHostOptions } from './small-host.js'
import type { CallerStep, SimulatedCall } from '../../../src/simulator/index.js'

const hello = { text: 'hello', audio: tone(400) }

/** Greets, says back what is loud, hangs up on the key 7. */
const echo: Pick<SmallHostOptions, 'onStart' | 'onMessage'> = {
  onStart: (stream) => {
    stream.media(tone(500))
    stream.mark('greeting')
  },
  onMessage: (message, stream) => {
    if (message.media?.payload.startsWith('EB')) stream.media(Buffer.from(message.media.payload, 'base64'))
    if (message.dtmf?.digit === '7') stream.ws.close(1000)
  },
}

const conversation: readonly CallerStep<SimulatedCall>[] = [
  { step: 'wait-for-agent-speech' },
  { step: 'wait-for-agent-quiet', quietMs: 300 },
  { step: 'speak', utterance: hello },
  { step: 'wait-for-agent-quiet', quietMs: 300, afterSpeech: true },
  { step: 'press', digits: '7' },
  { step: 'expect-hang-up' },
]

test('an inbound call connects a stream, carries both voices, and ends as scripted; everything is signed', async () => {
  const { app, simulator } = await setUp({
    ...echo,
    routes: {
      '/voice': () =>
        xml(`<Connect action="/after"><Stream url="wss://user:pw@${PUBLIC_HOST}/media?lost=1" name="agent" statusCallback="/stream-status">
          <Parameter name="token" value="one-time"/></Stream></Connect>`),
      '/after': () => xml('<Hangup/>'),
      '/stream-status': () => ({ status: 204 }),
    },
  })
  const call = simulator.placeCall(
    inbound({
      statusCallback: { url: at('/status') },
      script: conversation,
      parameters: { StirVerstat: 'TN-Validation-Passed-A' },
    }),
  )
  expect(await call.verify()).toMatchObject({ status: 'completed', by: 'twiml' })

  expect(app.requests.map(({ path, isSigned }) => [path, isSigned])).toEqual([
    ['/voice', true],
    ['/stream-status', true],
    ['/stream-status', true],
    ['/after', true],
    ['/status', true],
  ])
  expect(app.requests[0]!.params).toMatchObject({
    CallSid: call.sid,
    CallStatus: 'ringing',
    Direction: 'inbound',
    StirVerstat: 'TN-Validation-Passed-A',
  })
  expect(
    app
      .to('/stream-status')
      .map(({ params }) => [params.StreamEvent, params.StreamName, params.Timestamp?.slice(10, 11)]),
  ).toEqual([
    ['stream-started', 'agent', 'T'],
    ['stream-stopped', 'agent', 'T'],
  ])
  expect(app.to('/after')[0]!.params.CallStatus).toBe('in-progress')
  expect(app.to('/status')[0]!.params).toMatchObject({
    CallStatus: 'completed',
    SequenceNumber: '0',
    CallbackSource: 'call-progress-events',
    Duration: '1',
  })

  const stream = app.streams[0]!
  expect(stream.path).toBe('/media') // without its query
  expect(
    twilio.validateRequest(AUTH_TOKEN, String(stream.headers['x-twilio-signature']), `wss://${PUBLIC_HOST}/media`, {}),
  ).toBe(true)
  expect(stream.messages[1]!.start).toMatchObject({ callSid: call.sid, customParameters: { token: 'one-time' } })
  const sequence = stream.messages.slice(1).map((message) => Number(message.sequenceNumber))
  expect(sequence).toEqual(sequence.map((_, index) => index + 1))

  const recording = call.recording()
  const loudMs = (side: Uint8Array): number => side.filter((byte) => byte !== 0xff).byteLength / 8
  expect(loudMs(recording.caller)).toBe(400)
  expect(loudMs(recording.agent)).toBe(900)
  expect(call.timeline.map((entry) => entry.kind)).toEqual(
    expect.arrayContaining([
      'status',
      'webhook',
      'verb',
      'stream-open',
      'agent-speech',
      'mark-queued',
      'mark-echoed',
      'agent-quiet',
      'caller-speech',
      'caller-quiet',
      'dtmf',
      'stream-stop',
      'hang-up',
    ]),
  )
})

test('the timeline agrees with the recording to the packet', async () => {
  const { simulator } = await setUp({ ...echo, routes: { '/voice': () => connect() } })
  const call = simulator.placeCall(inbound({ script: conversation }))
  await call.verify()
  const { agent, caller } = call.recording()
  const first = (side: Uint8Array): number => side.findIndex((byte) => byte !== 0xff) / 8
  const atMs = (kind: string): number => call.timeline.find((entry) => entry.kind === kind)!.atMs
  expect(Math.abs(first(agent) - atMs('agent-speech'))).toBeLessThan(1)
  expect(Math.abs(first(caller) - atMs('caller-speech'))).toBeLessThan(1)
})

test('a caller talks over the other side, which clears and is cut off there', async () => {
  const { app, simulator } = await setUp({
    routes: { '/voice': () => connect() },
    onStart: (stream) => {
      stream.media(tone(5000))
      stream.mark('never-heard')
    },
    onMessage: (message, stream) => {
      if (
        message.media?.payload.startsWith('EB') &&
        stream.messages.filter((m) => m.media?.payload.startsWith('EB')).length === 5
      )
        stream.clear()
    },
  })
  const call = simulator.placeCall(
    inbound({
      script: [
        { step: 'barge-in', afterMs: 500, utterance: hello },
        { step: 'wait-for-agent-quiet', quietMs: 300 },
      ],
    }),
  )
  await call.verify()
  const heardMs = call.recording().agent.filter((byte) => byte !== 0xff).byteLength / 8
  expect(heardMs).toBeGreaterThan(500)
  expect(heardMs).toBeLessThan(1500)
  expect(app.streams[0]!.messages.filter((message) => message.event === 'mark')).toHaveLength(1)
  expect(call.timeline.find((entry) => entry.kind === 'mark-echoed')?.details).toEqual({
    name: 'never-heard',
    cleared: true,
  })
})

test('speech that a hang-up cuts off fails the scenario, unless that was allowed', async () => {
  const host: Omit<SmallHostOptions, 'authToken'> = {
    routes: { '/voice': () => connect() },
    onStart: (stream) => {
      stream.media(tone(2000))
    },
    onMessage: (message, stream) => {
      if (message.media?.chunk === '10') stream.ws.close(1000)
    },
  }
  const { simulator } = await setUp(host)
  const strict = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }] }))
  await expect(strict.verify()).rejects.toMatchObject({
    code: 'simulator_scenario_failed',
    message: expect.stringMatching(/\d+ ms of speech were sent and cut off/) as string,
  })
  const lenient = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up', heardOut: false }] }))
  await lenient.verify()
})

test('after the stream comes the next verb, and its own words are heard', async () => {
  const { app, simulator } = await setUp({
    routes: {
      '/voice': () => connect('<Say>good bye</Say><Redirect method="GET">/end?x=1</Redirect><Say>never</Say>'),
      '/end': () => xml('<Pause length="1"/>'),
    },
    onStart: (stream) => stream.ws.close(1000),
  })
  const call = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }] }))
  await call.verify()
  expect(call.timeline.filter((entry) => entry.kind === 'verb').map((entry) => entry.details.name)).toEqual([
    'Connect',
    'Say',
    'Redirect',
    'skipped',
    'Pause',
  ])
  expect(app.to('/end')[0]).toMatchObject({ method: 'GET', isSigned: true, params: { x: '1', CallSid: call.sid } })
  expect(call.recording().agent.some((byte) => byte !== 0xff)).toBe(true)
})

test.each([1, 2, 3, 4, 5, 6])(
  'a caller who is gone after step %i of the conversation leaves nothing behind',
  async (steps) => {
    for (const last of ['hang-up', 'drop-socket'] as const) {
      const { app, simulator } = await setUp({
        ...echo,
        routes: { '/voice': () => connect('', ' action="/after"'), '/after': () => xml('<Hangup/>') },
      })
      const call = simulator.placeCall(
        inbound({
          script: [...conversation.slice(0, steps - 1), { step: last }],
          expectViolations: [],
          statusCallback: { url: at('/status') },
        }),
      )
      const end = await call.ended
      expect(end.status).toMatch(/completed|canceled/)
      expect(app.to('/status')).toHaveLength(1)
      for (const leg of call.streams) await leg.ended
      await simulator.close()
      expect(app.streams.every(({ ws }) => ws.readyState >= 2)).toBe(true)
    }
  },
)

test('a caller who hangs up while streaming: stop, close, the connect action with the final status, then the callback', async () => {
  const { app, simulator } = await setUp({
    ...echo,
    routes: { '/voice': () => connect('', ' action="/after"'), '/after': () => xml('<Say>nobody hears this</Say>') },
  })
  const call = simulator.placeCall(
    inbound({
      statusCallback: { url: at('/status') },
      script: [{ step: 'wait-for-agent-speech' }, { step: 'hang-up' }],
    }),
  )
  expect(await call.verify()).toMatchObject({ status: 'completed', by: 'caller' })
  expect(app.streams[0]!.messages.at(-1)!.event).toBe('stop')
  expect(app.to('/after').map(({ params }) => params.CallStatus)).toEqual(['completed'])
  expect(app.to('/status')).toHaveLength(1)
  expect(call.timeline.filter((entry) => entry.kind === 'verb').map((entry) => entry.details.name)).toEqual(['Connect'])
})

test('malformed and oversized messages reach the host among good ones', async () => {
  const { app, simulator } = await setUp({ routes: { '/voice': () => connect() } })
  const call = simulator.placeCall(
    inbound({
      streamFaults: { malformedFrames: 0.5, oversizedFrames: { chance: 0.2, bytes: 100_000 } },
      script: [
        { step: 'wait-for-stream' },
        { step: 'send-raw', text: '{"event":"teapot"}' },
        { step: 'pause', ms: 1000 },
      ],
    }),
  )
  await call.verify()
  const events = app.streams[0]!.messages.map((message) => message.event)
  expect(events).toEqual(expect.arrayContaining(['unreadable', 'media', 'teapot']))
  expect(app.streams[0]!.messages.some((message) => (message.media?.payload.length ?? 0) >= 100_000)).toBe(true)
})

test('a hundred calls at once each send every packet', async () => {
  const { app, simulator } = await setUp({ routes: { '/voice': () => connect() } })
  const calls = Array.from({ length: 100 }, () =>
    simulator.placeCall(inbound({ script: [{ step: 'wait-for-stream' }, { step: 'pause', ms: 5000 }] })),
  )
  await Promise.all(calls.map((call) => call.verify()))
  for (const call of calls) {
    const { mediaSent } = call.streams[0]!.counters
    const openMs = call.timeline.find((entry) => entry.kind === 'stream-open')!.atMs
    const stopMs = call.timeline.find((entry) => entry.kind === 'stream-stop')!.atMs
    expect(Math.abs(mediaSent - (stopMs - openMs) / 20)).toBeLessThanOrEqual(30)
  }
  expect(app.streams).toHaveLength(100)
})

test('closing ends live calls without a word and leaves nothing open', async () => {
  const { app, simulator } = await setUp({
    ...echo,
    routes: { '/voice': () => connect('', ' action="/after"'), '/slow': () => new Promise(() => {}) },
  })
  const streaming = simulator.placeCall(inbound({ statusCallback: { url: at('/status') } }))
  const waiting = simulator.placeCall(inbound({ voiceUrl: at('/slow') }))
  await streaming.waitUntil(() => streaming.streams.length > 0, 5000)
  const url = simulator.url
  await simulator.close()
  await simulator.close()
  expect([(await streaming.ended).status, (await waiting.ended).status]).toEqual(['failed', 'failed'])
  expect(app.to('/status')).toEqual([])
  expect(simulator.violations).toEqual([])
  expect(app.streams[0]!.ws.readyState).toBeGreaterThanOrEqual(2)
  await expect(fetch(url)).rejects.toThrow()
  expect(() => simulator.placeCall(inbound())).toThrow(TypeError)
})

test('a public host that is put in after the simulator has started is found', async () => {
  const publicHosts: Record<string, string> = {}
  const { app, simulator } = await setUp({ routes: { '/voice': () => xml('<Hangup/>') } }, { publicHosts })
  publicHosts[PUBLIC_HOST] = app.origin
  const call = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }] }))
  await call.verify()
  expect(call.webhooks.map(({ purpose, status }) => [purpose, status])).toEqual([['voice', 200]])
})
