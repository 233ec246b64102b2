import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { socketPair, type Socket } from '../../src/core/socket.js'
import { scanMediaBytes } from '../../src/media-stream/media-bytes.js'
import { parseInboundMessage, scanMedia } from '../../src/media-stream/messages.js'
import { MediaStreamSession } from '../../src/media-stream/session.js'
import type { MediaStreamEnd } from '../../src/media-stream/session-options.js'

const SID = 'MZ0123456789abcdef0123456789abcdef'

/** Both spellings of a caller's frame, and both as the other functions may write them. */
const after = (timestamp: string, payload: string, sid = SID) =>
  `{"event":"media","sequenceNumber":"4","media":{"track":"inbound","chunk":"3","timestamp":"${timestamp}","payload":"${payload}"},"streamSid":"${sid}"}`
const before = (timestamp: string, payload: string, sid = SID) =>
  `{"event":"media","sequenceNumber":"4","streamSid":"${sid}","media":{"track":"inbound","chunk":"3","timestamp":"${timestamp}","payload":"${payload}"}}`

interface Found {
  readonly payload: string
  readonly timestampMs: number
}

/** What the text says, by the regular expression. */
function foundInText(text: string, sid: string): Found | undefined {
  const scan = scanMedia(text)
  if (scan?.streamSid !== sid || scan.payload === '') return undefined
  return { payload: scan.payload, timestampMs: scan.timestampMs }
}

function foundInBytes(bytes: Buffer, sid: string): (Found & { readonly byteLength: number }) | undefined {
  const scan = scanMediaBytes(bytes, sid)
  if (!scan) return undefined
  const { start, end, byteLength, timestampMs } = scan
  return { payload: bytes.toString('latin1', start, end), timestampMs, byteLength }
}

/** That both ways say the same of `bytes`, and the parser no other. @returns Whether audio was found. */
function agree(bytes: Buffer, sid = SID): boolean {
  const text = bytes.toString('utf8')
  const found = foundInBytes(bytes, sid)
  const expected = foundInText(text, sid)
  expect(found).toEqual(expected && { ...expected, byteLength: Buffer.from(expected.payload, 'base64').length })
  if (found)
    expect(parseInboundMessage(text)).toMatchObject({
      event: 'media',
      streamSid: sid,
      media: { track: 'inbound', timestamp: found.timestampMs, payload: found.payload },
    })
  return found !== undefined
}

const audio = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const number = fc.oneof(
  fc.bigInt(0n, 10n ** 15n - 1n).map(String),
  fc.constantFrom('0', '007', '', '999999999999999', '1000000000000000', '-1', '1.5', '1e3', ' 1'),
)
const spelled = fc.tuple(fc.constantFrom(after, before), number, fc.oneof(audio, fc.constantFrom('', '=', '==', '====', 'AA=A', 'A===', 'AAA', 'AAAA=', 'AA-_', 'AAA\u00e9')), fc.constantFrom(SID, SID, SID, 'MZ1', '', `${SID}0`, SID.slice(1))) // prettier-ignore

describe('scanMediaBytes', () => {
  test('finds what the text holds, in either spelling, and nothing else', () => {
    let found = 0
    fc.assert(
      fc.property(spelled, ([spell, timestamp, payload, sid]) => {
        if (agree(Buffer.from(spell(timestamp, payload, sid)))) found++
      }),
      { numRuns: 40_000 },
    )
    expect(found).toBeGreaterThan(5000)
  })

  test.each([after, before])('agrees with the text after any change of some bytes', (spell) => {
    const good = Buffer.from(spell('60', Buffer.alloc(160, 0x5a).toString('base64')))
    expect(agree(good)).toBe(true)
    const change = fc.tuple(fc.nat({ max: good.length - 1 }), fc.oneof(fc.uint8Array({ maxLength: 2 }), fc.constantFrom('"', '}', '=', 'A', '0', ',"a":1').map((text) => Buffer.from(text))), fc.nat({ max: 2 })) // prettier-ignore
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        let bytes = good
        for (const [at, put, cut] of changes)
          bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)])
        agree(bytes)
      }),
      { numRuns: 40_000 },
    )
  })

  test.each([after, before])('agrees with the text at every length that it may be cut to', (spell) => {
    const good = Buffer.from(spell('60', 'AAAA'))
    for (let length = 0; length < good.length; length++) expect(agree(good.subarray(0, length))).toBe(false)
  })

  test('a stream whose SID is spelled in no plain letters is left to the parser', () => {
    for (const sid of ['', 'MZ"', 'MZ\\u0031', 'MZ é', 'A'.repeat(65)]) {
      expect(scanMediaBytes(Buffer.from(after('60', 'AAAA', sid)), sid)).toBeUndefined()
      expect(scanMediaBytes(Buffer.from(before('60', 'AAAA', sid)), sid)).toBeUndefined()
    }
  })

  test('the message of the corpus is one', () => {
    const text = readFileSync(new URL('../corpus/twilio-media-streams/media.json', import.meta.url), 'utf8').trimEnd()
    const { streamSid } = parseInboundMessage(text) as { streamSid: string }
    expect(agree(Buffer.from(text), streamSid)).toBe(true)
  })
})

const START = JSON.stringify({
  event: 'start',
  sequenceNumber: '1',
  streamSid: SID,
  start: { accountSid: 'AC1', streamSid: SID, callSid: 'CA1', tracks: ['inbound'], mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 }, customParameters: {} }, // prettier-ignore
})

/** A session that hears bytes where it can, or one whose socket knows text only. */
async function listening(hearsBytes: boolean) {
  const clock = new ManualClock()
  const [ours, peer] = socketPair()
  const textOnly: Socket = {
    get bufferedAmount() {
      return ours.bufferedAmount
    },
    send: (text) => ours.send(text),
    close: (code, reason) => ours.close(code, reason),
    terminate: () => ours.terminate(),
    listen: (handlers) =>
      ours.listen({
        message: (text) => handlers.message(text),
        binary: (byteLength) => handlers.binary(byteLength),
        close: (code, reason) => handlers.close(code, reason),
      }),
  }
  const session = new MediaStreamSession({ socket: hearsBytes ? ours : textOnly, clock, maxMessageChars: 2000 })
  const heard: (readonly [string, number])[] = []
  let asBytes = 0
  let end: MediaStreamEnd | undefined
  void session.ended.then((how) => (end = how))
  session.on('start', () => {
    session.connect({
      onMedia: (payload, timestampMs) => {
        heard.push([payload, timestampMs])
        if (timestampMs === 777) throw new Error('a handler that fails')
      },
      onMediaBytes: (bytes, from, to, timestampMs) => {
        asBytes++
        heard.push([bytes.toString('latin1', from, to), timestampMs])
        bytes.fill(0)
        if (timestampMs === 777) throw new Error('a handler that fails')
      },
    })
  })
  peer.listen({ message: () => undefined, binary: () => undefined, close: () => undefined })
  peer.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
  peer.send(START)
  for (let i = 0; i < 10; i++) await Promise.resolve()
  return { session, clock, peer, heard, asBytes: () => asBytes, end: () => end }
}

describe('a session that hears bytes', () => {
  test('hears the same as one that hears text, whatever comes', async () => {
    let asBytes = 0
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant(20) },
      { weight: 1, arbitrary: fc.constantFrom(0, -40, 40, 60, 1500, 5000, -200) },
    )
    const what = fc.constantFrom('frame', 'frame', 'frame', 'frame', 'frame', 'other', 'empty', 'bad', 'long', 'spaced', 'outbound', 'failing') // prettier-ignore
    const message = fc.record({ step, what, spell: fc.constantFrom(after, before), waitMs: fc.constantFrom(20, 20, 20, 1100) }) // prettier-ignore
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 10, maxLength: 40 }), async (messages) => {
        const sides = await Promise.all([listening(true), listening(false)])
        let atMs = 0
        for (const { step, what, spell, waitMs } of messages) {
          atMs = Math.max(0, atMs + step)
          const frame = spell(String(what === 'failing' ? 777 : atMs), what === 'empty' ? '' : FRAME)
          const text = {
            frame,
            empty: frame,
            failing: frame,
            other: spell(String(atMs), FRAME, 'MZ1'),
            bad: frame.slice(0, -1),
            long: frame.replace(FRAME, 'AAAA'.repeat(600)),
            spaced: frame.replace(',', ', '),
            outbound: frame.replace('inbound', 'outbound'),
          }[what]
          for (const { peer, clock } of sides) {
            peer.send(text)
            clock.advance(waitMs)
          }
        }
        for (let i = 0; i < 10; i++) await Promise.resolve()
        const [ofBytes, ofText] = sides.map(({ heard, session, end }) => ({ heard, counts: session.counts, state: session.state, end: end() })) // prettier-ignore
        expect(ofBytes).toEqual(ofText)
        expect(sides[1].asBytes()).toBe(0)
        asBytes += sides[0].asBytes()
      }),
      { numRuns: 400 },
    )
    expect(asBytes).toBeGreaterThan(1000)
  })

  test('hands nothing on once the silence before it made somebody close', async () => {
    const { session, peer, heard, asBytes } = await listening(true)
    session.connect({
      onMedia: () => session.close(),
      onMediaBytes: () => heard.push(['bytes', 0]),
    })
    peer.send(after('0', FRAME))
    peer.send(after('60', FRAME))
    expect([session.state, heard, asBytes()]).toEqual(['stopped', [['bytes', 0]], 0])
  })

  test('is not over for silence while frames come as bytes', async () => {
    const { session, clock, peer, asBytes } = await listening(true)
    for (let i = 0; i < 4000; i++) {
      peer.send(after(String(i * 20), FRAME))
      clock.advance(20)
    }
    expect([session.state, asBytes()]).toEqual(['streaming', 4000])
  })
})

const FRAME = Buffer.from(Uint8Array.from({ length: 160 }, (_, i) => i)).toString('base64')
