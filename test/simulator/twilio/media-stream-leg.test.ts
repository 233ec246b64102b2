import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.js'
import { socketPair } from '../../../src/core/socket.js'
import { parseInboundMessage } from '../../../src/media-stream/messages.js'
import { MediaStreamLeg } from '../../../src/simulator/twilio/media-stream-leg.js'
import type { StreamFaults } from '../../../src/simulator/twilio/stream-faults.js'
import { Timeline } from '../../../src/simulator/twilio/timeline.js'
import { tone } from './small-host.js'

const SID = 'MZ0123456789abcdef0123456789abcdef'

function setUp(faults: StreamFaults = {}, seed = 1) {
  const clock = new ManualClock()
  const startMs = clock.monotonicMs()
  const nowMs = (): number => clock.monotonicMs() - startMs
  const [near, far] = socketPair()
  const received: Record<string, unknown>[] = []
  const raw: string[] = []
  const closes: number[] = []
  const heard: number[] = []
  const reports: number[] = []
  const reading: string[] = []
  const timeline = new Timeline(nowMs)
  const leg = new MediaStreamLeg({
    connection: {
      socket: near,
      pauseReading: () => reading.push('pause'),
      resumeReading: () => reading.push('resume'),
    },
    streamSid: SID,
    callSid: 'CA1',
    accountSid: 'AC1',
    customParameters: { token: 'one-time' },
    faults,
    seed,
    clock,
    nowMs,
    timeline,
    heard: (_, atMs) => heard.push(atMs),
    report: (code) => reports.push(code),
  })
  far.listen({
    message: (text) => {
      raw.push(text)
      try {
        received.push(JSON.parse(text) as Record<string, unknown>)
      } catch {
        received.push({ event: 'unreadable' })
      }
    },
    binary: () => undefined,
    close: (code) => closes.push(code),
  })
  const send = (message: unknown): void => far.send(JSON.stringify(message))
  return {
    clock,
    leg,
    far,
    received,
    raw,
    closes,
    heard,
    reports,
    reading,
    timeline,
    send,
    media: (ms: number) =>
      send({ event: 'media', streamSid: SID, media: { payload: Buffer.from(tone(ms)).toString('base64') } }),
    mark: (name: string) => send({ event: 'mark', streamSid: SID, mark: { name } }),
    clear: () => send({ event: 'clear', streamSid: SID }),
    events: () => received.map((message) => message.event),
    pass: (frames: number): void => {
      for (let i = 0; i < frames; i++) {
        clock.advance(20)
        leg.callerFrame(undefined)
        leg.advanceTo(nowMs())
      }
    },
  }
}

test('it says connected, start with everything that was asked for, then the caller every 20 ms; numbers are strings', () => {
  const { received, pass, leg } = setUp()
  pass(1)
  leg.callerFrame(tone(20))
  leg.digit('#')
  leg.stop()
  expect(received).toEqual([
    { event: 'connected', protocol: 'Call', version: '1.0.0' },
    {
      event: 'start',
      sequenceNumber: '1',
      streamSid: SID,
      start: {
        accountSid: 'AC1',
        streamSid: SID,
        callSid: 'CA1',
        tracks: ['inbound'],
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
        customParameters: { token: 'one-time' },
      },
    },
    {
      event: 'media',
      sequenceNumber: '2',
      streamSid: SID,
      media: { track: 'inbound', chunk: '1', timestamp: '0', payload: Buffer.alloc(160, 0xff).toString('base64') },
    },
    {
      event: 'media',
      sequenceNumber: '3',
      streamSid: SID,
      media: { track: 'inbound', chunk: '2', timestamp: '20', payload: Buffer.from(tone(20)).toString('base64') },
    },
    { event: 'dtmf', sequenceNumber: '4', streamSid: SID, dtmf: { track: 'inbound_track', digit: '#' } },
    { event: 'stop', sequenceNumber: '5', streamSid: SID, stop: { accountSid: 'AC1', callSid: 'CA1' } },
  ])
})

test('every message that it sends is one that the schemas read', () => {
  const { raw, pass, leg, mark } = setUp()
  pass(2)
  leg.digit('7')
  mark('a "quoted" name \u2028')
  leg.stop()
  expect(raw.map((text) => parseInboundMessage(text).event)).toEqual([
    'connected',
    'start',
    'media',
    'media',
    'dtmf',
    'mark',
    'stop',
  ])
})

test('a mark is echoed when the sound before it was played, and at once when nothing is queued', () => {
  const { events, media, mark, pass, heard } = setUp()
  mark('early')
  expect(events()).toEqual(['connected', 'start', 'mark'])
  media(40)
  mark('end')
  pass(1)
  expect(events().filter((event) => event === 'mark')).toHaveLength(1)
  pass(1)
  expect(events().filter((event) => event === 'mark')).toHaveLength(2)
  expect(heard).toEqual([0, 20])
})

test('clear empties the queue and echoes every pending mark, in order', () => {
  const { received, media, mark, clear, pass, heard, timeline } = setUp()
  for (const name of ['one', 'two']) {
    media(200)
    mark(name)
  }
  pass(5)
  clear()
  pass(50)
  expect(received.filter((message) => message.event === 'mark').map((message) => message.mark)).toEqual([
    { name: 'one' },
    { name: 'two' },
  ])
  expect(heard).toHaveLength(5)
  expect(timeline.entries.find((entry) => entry.kind === 'clear')?.details).toEqual({ unheardMs: 300 })
})

const refusedFolder = new URL('../../corpus/media-stream-refused/', import.meta.url)
test.each(readdirSync(refusedFolder).filter((name) => name.endsWith('.json')))(
  '%s is dropped with a warning, and the stream lives on',
  (file) => {
    const { send, reports, pass, mark, events, heard } = setUp()
    send(JSON.parse(readFileSync(new URL(file, refusedFolder), 'utf8').replaceAll('{streamSid}', SID)))
    pass(5)
    expect(reports).toEqual([31951])
    expect(heard).toEqual([])
    mark('alive')
    expect(events().at(-1)).toBe('mark')
  },
)

test('a stream warns once of each kind of bad message, however many come', () => {
  const { far, reports, leg, send } = setUp()
  for (let i = 0; i < 10; i++) {
    far.send('not json')
    send({ event: 'clear', streamSid: 'MZother' })
    send({ event: 'clear', streamSid: SID, extra: 1 })
  }
  expect(reports).toEqual([31951])
  expect(leg.counters.dropped).toBe(30)
})

test('no message, however odd, does more than be dropped', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((value) => JSON.stringify({ event: 'media', streamSid: SID, media: value })),
        ),
        { maxLength: 20 },
      ),
      (texts) => {
        const { far, leg, pass } = setUp()
        for (const text of texts) far.send(text)
        pass(1)
        expect(leg.counters.dropped).toBe(texts.length)
      },
    ),
    { numRuns: 500 },
  )
})

test('more than ten minutes of audio are refused with 31931, once', () => {
  const { media, reports, leg } = setUp()
  for (let i = 0; i < 12; i++) media(60_000)
  expect(reports).toEqual([31931])
  expect(leg.queuedMs).toBe(600_000)
  expect(leg.counters.dropped).toBe(2)
})

test('the stream ends with stop and 1000 when Twilio ends it, and tells how much speech was not heard', async () => {
  const { leg, media, pass, closes, events, clock } = setUp()
  media(1000)
  pass(10)
  leg.stop()
  leg.stop()
  expect(events().filter((event) => event === 'stop')).toHaveLength(1)
  expect(closes).toEqual([1000])
  expect(await leg.ended).toEqual({ by: 'twilio', closeCode: 1000, unheardMs: 800 })
  expect(clock.pendingTimers).toBe(0)
})

test('a host that closes ends the stream; an abnormal code is 31921, a normal one is not', async () => {
  for (const [code, expected] of [
    [1000, []],
    [1008, [31921]],
    [1011, [31921]],
  ] as const) {
    const { far, leg, reports } = setUp()
    far.close(code)
    expect(await leg.ended).toMatchObject({ by: 'host', closeCode: code })
    expect(reports).toEqual(expected)
  }
})

test('a socket that breaks is the network, and 31921', async () => {
  const { far, leg, reports } = setUp()
  far.terminate()
  expect(await leg.ended).toMatchObject({ by: 'network', closeCode: 1006 })
  expect(reports).toEqual([31921])
})

test('lost packets leave a gap in the time stamps and none in the sequence', () => {
  const { received, pass, leg } = setUp({ lostFrames: 0.3 }, 7)
  pass(100)
  const media = received.filter((message) => message.event === 'media') as {
    sequenceNumber: string
    media: { timestamp: string }
  }[]
  expect(media.length).toBeLessThan(90)
  expect(media.length + leg.counters.mediaLost).toBe(100)
  expect(media.map((message) => Number(message.sequenceNumber))).toEqual(media.map((_, index) => index + 2))
  const stamps = media.map((message) => Number(message.media.timestamp))
  expect(stamps.some((stamp, index) => index > 0 && stamp - stamps[index - 1]! > 20)).toBe(true)
})

test('reordered packets change places with their neighbour and none is lost', () => {
  const { received, pass, leg } = setUp({ reorderedFrames: 0.3 }, 3)
  pass(100)
  leg.stop()
  const stamps = received
    .filter((message) => message.event === 'media')
    .map((message) => Number((message.media as { timestamp: string }).timestamp))
  const sorted = stamps.toSorted((one, other) => one - other)
  expect(stamps).not.toEqual(sorted)
  expect(Math.max(...stamps.map((stamp, index) => Math.abs(stamp - sorted[index]!)))).toBe(20)
})

test('late packets are held back and then come at once, in order', () => {
  const { received, pass } = setUp({ lateFrames: { chance: 1, byMs: 100 } })
  pass(1)
  expect(received.filter((message) => message.event === 'media')).toHaveLength(0)
  const { received: later, clock, leg } = setUp({ lateFrames: { chance: 0.05, byMs: 100 } }, 11)
  const counts: number[] = []
  for (let i = 0; i < 200; i++) {
    clock.advance(20)
    leg.callerFrame(undefined)
    leg.advanceTo((i + 1) * 20)
    counts.push(later.filter((message) => message.event === 'media').length)
  }
  const jumps = counts.map((count, index) => count - (counts[index - 1] ?? 0))
  expect(Math.max(...jumps)).toBeGreaterThanOrEqual(5)
  const stamps = later
    .filter((message) => message.event === 'media')
    .map((message) => Number((message.media as { timestamp: string }).timestamp))
  expect(stamps).toEqual(stamps.map((_, index) => index * 20))
})

test('the same seed gives the same faults, another seed others', () => {
  const faults = {
    lostFrames: 0.2,
    reorderedFrames: 0.2,
    malformedFrames: 0.2,
    oversizedFrames: { chance: 0.1, bytes: 1000 },
  }
  const run = (seed: number): string => {
    const { raw, pass } = setUp(faults, seed)
    pass(100)
    return raw.join('\n')
  }
  expect(run(5)).toBe(run(5))
  expect(run(5)).not.toBe(run(6))
})

test('a slow reader reads nothing for a while, and reads again', () => {
  const { pass, reading, clock } = setUp({ slowReader: { atMs: 100, forMs: 200 } })
  pass(4)
  expect(reading).toEqual([])
  pass(1)
  expect(reading).toEqual(['pause'])
  pass(10)
  expect(reading).toEqual(['pause', 'resume'])
  expect(clock.pendingTimers).toBe(0)
})

test.each([
  'open',
  'connected',
  'start',
  'media',
  'mark',
  'dtmf',
  'stop',
  'host-media',
  'host-mark',
  'host-clear',
] as const)('the connection can break after %s', async (after) => {
  const { leg, media, mark, clear, pass, closes } = setUp({ drop: { after } })
  pass(1)
  leg.digit('1')
  media(20)
  mark('m')
  clear()
  leg.stop()
  expect(await leg.ended).toMatchObject({ by: 'network', closeCode: 1006 })
  expect(closes).toEqual([1006])
})

test('the connection can break at a time, or after the third packet', () => {
  const timed = setUp({ drop: { atMs: 100 } })
  timed.pass(10)
  expect(timed.leg.counters.mediaSent).toBe(5)
  const counted = setUp({ drop: { after: 'media', count: 3 } })
  counted.pass(10)
  expect(counted.leg.counters.mediaSent).toBe(3)
})

test('what comes after the end is ignored', async () => {
  const { leg, far, media, mark, reports, events } = setUp()
  leg.stop()
  const before = events().length
  media(20)
  mark('late')
  far.send('junk')
  leg.callerFrame(tone(20))
  leg.digit('1')
  leg.drop()
  await leg.ended
  expect(events()).toHaveLength(before)
  expect(reports).toEqual([])
})
