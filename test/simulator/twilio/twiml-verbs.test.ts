import { expect, test } from 'vitest'
import { encodeWav } from '../../../src/audio/wav.js'
import type { CallerStep, SimulatedCall } from '../../../src/simulator/index.js'
import { at, connect, inbound, setUp } from './call-set-up.js'
import { PUBLIC_HOST, tone, xml, type Reply } from './small-host.js'

/** Plays one document, with `/action` as the place where every action goes. */
async function play(
  twiml: Reply,
  script: readonly CallerStep<SimulatedCall>[] = [{ step: 'expect-hang-up', withinMs: 60_000 }],
  more = {},
) {
  const { app, simulator } = await setUp({
    routes: { '/voice': () => twiml, '/action': () => xml('<Hangup/>'), '/again': () => twiml },
  })
  const call = simulator.placeCall(inbound({ script, ...more }))
  const end = await call.ended
  const actions = app.to('/action').map(({ params }) => params)
  const verbs = call.timeline.filter((entry) => entry.kind === 'verb').map((entry) => entry.details.name)
  return { app, call, end, actions, verbs, codes: call.violations.map(({ code }) => code) }
}

const gather = (attributes: string, inside = ''): string =>
  xml(`<Gather action="/action" timeout="1" ${attributes}>${inside}</Gather><Pause/>`)
const press = (digits: string): CallerStep<SimulatedCall>[] => [
  { step: 'pause', ms: 300 },
  { step: 'press', digits, gapMs: 100 },
  { step: 'expect-hang-up' },
]

test('Gather sends the digits when there are enough of them', async () => {
  const { actions, verbs } = await play(gather('numDigits="2"'), press('123'))
  expect(actions).toMatchObject([{ Digits: '12', CallStatus: 'in-progress' }])
  expect(verbs).toEqual(['Gather', 'skipped', 'Hangup'])
})

test('Gather ends at the finish key and keeps it to itself; with an empty finish key every key counts', async () => {
  expect((await play(gather(''), press('12#'))).actions).toMatchObject([{ Digits: '12' }])
  expect((await play(gather('finishOnKey="*"'), press('1#2*'))).actions).toMatchObject([{ Digits: '1#2' }])
  expect((await play(gather('finishOnKey=""'), press('1#'))).actions).toMatchObject([{ Digits: '1#' }])
})

test('Gather sends what it has when no more keys come, and goes on when it has nothing', async () => {
  expect((await play(gather(''), press('5'))).actions).toMatchObject([{ Digits: '5' }])
  const empty = await play(gather(''))
  expect(empty.actions).toEqual([])
  expect(empty.verbs).toEqual(['Gather', 'Pause'])
})

test('Gather asks even with nothing when told to', async () => {
  expect((await play(gather('actionOnEmptyResult="true"'))).actions).toMatchObject([{ Digits: '' }])
})

test('a key stops the prompts of a Gather', async () => {
  const { call, actions } = await play(
    gather('numDigits="1"', '<Say>a very long menu that nobody wants to hear to its very end</Say><Say>more</Say>'),
    press('1'),
  )
  expect(actions).toMatchObject([{ Digits: '1' }])
  expect(call.recording().durationMs).toBeLessThan(1500)
})

test('Gather hears speech and sends its words', async () => {
  const { actions } = await play(gather('input="dtmf speech" speechTimeout="1"', '<Say>well</Say>'), [
    { step: 'pause', ms: 500 },
    { step: 'speak', utterance: { text: 'two tickets', audio: tone(500) } },
    { step: 'expect-hang-up' },
  ])
  expect(actions).toMatchObject([{ SpeechResult: 'two tickets', Confidence: '0.9' }])
})

test('keys that nobody waits for are noted and lost', async () => {
  const { call } = await play(xml('<Say>well</Say><Pause length="2"/>'), press('1'))
  expect(call.timeline.find((entry) => entry.kind === 'dtmf')?.details).toEqual({ digit: '1', taken: false })
})

test('Dial goes as scripted and tells its action', async () => {
  const dial = xml('<Dial action="/action" timeout="5"><Number>+12025550111</Number></Dial>')
  const answered = await play(dial, undefined, { dials: [{ status: 'completed', ringMs: 200, talkMs: 3000 }] })
  expect(answered.actions).toMatchObject([{ DialCallStatus: 'completed', DialCallDuration: '3', DialBridged: 'true' }])
  const busy = await play(dial, undefined, { dials: [{ status: 'busy' }] })
  expect(busy.actions).toMatchObject([{ DialCallStatus: 'busy', DialBridged: 'false' }])
  const slow = await play(dial, undefined, { dials: [{ status: 'completed', ringMs: 9000 }] })
  expect(slow.actions).toMatchObject([{ DialCallStatus: 'no-answer' }])
})

test('Dial rings several numbers and the first to answer has the caller; without action the document goes on', async () => {
  const { call, verbs } = await play(
    xml('<Dial><Number>+12025550111</Number><Number>+12025550112</Number></Dial><Pause length="0"/>'),
    undefined,
    {
      dials: [{ status: 'busy' }, { status: 'completed', talkMs: 500 }],
    },
  )
  await call.verify()
  expect(call.timeline.find((entry) => entry.kind === 'dial')?.details).toEqual({ status: 'completed' })
  expect(verbs).toEqual(['Dial', 'Pause'])
})

test('a scripted dial that nobody made fails the scenario, a number that cannot be dialled is 13223', async () => {
  const unused = await play(xml('<Hangup/>'), undefined, { dials: [{ status: 'busy' }] })
  await expect(unused.call.verify()).rejects.toThrow('1 scripted <Dial> outcome(s) were not used')
  expect((await play(xml('<Dial>not a number</Dial>'))).codes).toEqual([13223])
})

test('Reject refuses an unanswered call, Hangup ends it, an empty document too', async () => {
  expect((await play(xml('<Reject reason="busy"/>'))).end).toEqual({ status: 'busy', by: 'twiml', durationMs: 0 })
  expect((await play(xml('<Reject/>'))).end).toMatchObject({ status: 'no-answer' })
  expect((await play(xml('<Hangup/><Say>never</Say>'))).verbs).toEqual(['Hangup'])
  expect((await play(xml(''))).end.by).toBe('twiml')
})

test('Pause as the first verb leaves the call ringing', async () => {
  const { call } = await play(xml('<Pause length="1"/><Say>hello</Say>'))
  const answeredMs = call.timeline.find((entry) => entry.details.status === 'in-progress')!.atMs
  expect(answeredMs).toBeGreaterThanOrEqual(1000)
})

test('Play fetches a file and plays it; one that is missing is reported and skipped', async () => {
  const pcm = Int16Array.from({ length: 8000 }, (_, i) => (i % 16 < 8 ? 8000 : -8000))
  const wav = Buffer.from(encodeWav({ channels: [pcm], sampleRateHz: 8000 }))
  const { app, simulator } = await setUp({
    routes: {
      '/voice': () => xml('<Play>/sound.wav</Play><Play loop="2">/sound.ulaw</Play><Play>/missing.mp3</Play><Hangup/>'),
      '/sound.wav': () => ({ type: 'audio/wav', body: wav }),
      '/sound.ulaw': () => ({ type: 'audio/basic', body: Buffer.from(tone(500)) }),
    },
  })
  const call = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }], expectViolations: [11200] }))
  await call.verify()
  const heardMs = call.recording().agent.filter((byte) => byte !== 0xff).byteLength / 8
  expect(heardMs).toBe(2000)
  expect(app.to('/sound.wav')[0]).toMatchObject({ method: 'GET', isSigned: true })
})

test('plain text is read aloud and audio is played', async () => {
  const { call, codes } = await play({ type: 'text/plain', body: 'good morning' })
  expect(codes).toEqual([])
  expect(call.recording().agent.some((byte) => byte !== 0xff)).toBe(true)
})

test.each<[string, Reply, number]>([
  ['an error status', { status: 500 }, 11200],
  ['an empty body', { body: '' }, 11770],
  ['broken XML', '<Response><Say>', 12100],
  ['another root', '<Reply/>', 12102],
  ['JSON', { type: 'application/json', body: '{}' }, 12300],
  ['no content type', { type: '', body: xml('') }, 12300],
])('%s ends the call with its code', async (_, reply, code) => {
  const { codes, end } = await play(reply)
  expect(codes).toEqual([code])
  expect(end).toMatchObject({ status: 'failed', by: 'twilio' })
})

test('a wrong element is skipped with 12200 and the rest is run', async () => {
  const { codes, verbs } = await play(xml('<say>hi</say><Pause length="0"/>'))
  expect(codes).toEqual([12200])
  expect(verbs).toEqual(['Pause'])
})

test('the fallback address is asked when the voice address fails, with the reason', async () => {
  const { app, simulator } = await setUp({
    routes: { '/voice': () => ({ status: 500 }), '/fallback': () => xml('<Say>sorry</Say>') },
  })
  const call = simulator.placeCall(
    inbound({ fallbackUrl: at('/fallback'), expectViolations: [11200], script: [{ step: 'expect-hang-up' }] }),
  )
  expect(await call.verify()).toMatchObject({ status: 'completed', by: 'twiml' })
  expect(app.to('/fallback')[0]!.params).toMatchObject({ ErrorCode: '11200', ErrorUrl: at('/voice') })
})

test('a call that only redirects to itself ends', async () => {
  const { codes, end } = await play(xml('<Redirect>/again</Redirect>'))
  expect(codes).toEqual([11215])
  expect(end.by).toBe('twilio')
})

test('verbs that are not simulated are noted and skipped', async () => {
  const { call, end } = await play(xml('<Record maxLength="5"/><Connect><Room>r</Room></Connect>'))
  expect(call.timeline.filter((entry) => entry.kind === 'not-simulated').map((entry) => entry.details.name)).toEqual([
    'Record',
    'Room',
  ])
  expect(end.status).toBe('completed')
})

test.each<[string, string, number]>([
  ['ws and not wss', `url="ws://${PUBLIC_HOST}/media"`, 31922],
  ['a malformed url', 'url="wss://"', 31923],
  ['no url', '', 31923],
  ['both tracks', `url="wss://${PUBLIC_HOST}/media" track="both_tracks"`, 31941],
  ['a connector', `url="wss://${PUBLIC_HOST}/media" connectorName="x"`, 31940],
  ['nobody there', 'url="wss://127.0.0.1:1/media"', 31902],
])('a stream with %s fails with its code and the next verb runs', async (_, attributes, code) => {
  const { codes, verbs } = await play(xml(`<Connect><Stream ${attributes}/></Connect><Pause length="0"/>`))
  expect(codes).toEqual([code])
  expect(verbs).toEqual(['Connect', 'Pause'])
})

test('a refused handshake is 31920, told to the stream callback, and the next verb runs', async () => {
  const { app, simulator } = await setUp({
    refuseUpgrade: 403,
    routes: {
      '/voice': () =>
        xml(
          `<Connect><Stream url="wss://${PUBLIC_HOST}/media" statusCallback="/stream-status"/></Connect><Pause length="0"/>`,
        ),
      '/stream-status': () => ({ status: 200 }),
    },
  })
  const call = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }], expectViolations: [31920] }))
  await call.verify()
  expect(app.to('/stream-status')[0]!.params).toMatchObject({ StreamEvent: 'stream-error', StreamError: '31920' })
})

test('a parameter of 500 characters or more is left out with 12200', async () => {
  const { app, simulator } = await setUp({
    routes: {
      '/voice': () =>
        xml(
          `<Connect><Stream url="wss://${PUBLIC_HOST}/media"><Parameter name="a" value="${'x'.repeat(499)}"/><Parameter name="b" value="${'x'.repeat(498)}"/></Stream></Connect>`,
        ),
    },
    onStart: (stream) => stream.ws.close(),
  })
  const call = simulator.placeCall(inbound({ script: [{ step: 'expect-hang-up' }], expectViolations: [12200] }))
  await call.verify()
  expect(Object.keys(app.streams[0]!.messages[1]!.start!.customParameters)).toEqual(['b'])
})

test('a binary message is 31950 and text that breaks the protocol 31951, and the scenario fails for it', async () => {
  const { simulator } = await setUp({
    routes: { '/voice': () => connect() },
    onStart: (stream) => {
      stream.ws.send(Buffer.from([1, 2, 3]))
      stream.ws.send(Buffer.from([1, 2, 3]))
      stream.send({ event: 'media', streamSid: stream.streamSid, media: { payload: '/w==' }, extra: true })
    },
  })
  const call = simulator.placeCall(inbound({ script: [{ step: 'wait-for-stream' }, { step: 'pause', ms: 500 }] }))
  await expect(call.verify()).rejects.toMatchObject({ code: 'simulator_scenario_failed' })
  expect(call.violations.map(({ code }) => code)).toEqual([31950, 31951])
  expect(simulator.violations).toHaveLength(2)
})
