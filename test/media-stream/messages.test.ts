import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/core/errors.js'
import {
  encodeClear,
  encodeMark,
  encodeMedia,
  outboundMessageSchema,
  parseInboundMessage,
  scanMark,
  scanMedia,
} from '../../src/media-stream/messages.js'

const CORPUS = new URL('../corpus/twilio-media-streams/', import.meta.url)
const corpus = readdirSync(CORPUS).filter((name) => name.endsWith('.json')).map((name) => [name, readFileSync(new URL(name, CORPUS), 'utf8')] as const) // prettier-ignore

describe('the corpus', () => {
  test.each(corpus.filter(([name]) => !name.startsWith('bad-')))('%s is read as what it is', (name, text) => {
    const message = parseInboundMessage(text)
    expect(message.event).toBe(name.replace(/(-.*)?\.json$/, ''))
  })

  test.each(corpus.filter(([name]) => name.startsWith('bad-')))('%s is refused', (_, text) => {
    expect(() => parseInboundMessage(text)).toThrow(ProtocolError)
  })

  test.each(corpus.filter(([name]) => !name.startsWith('bad-')))(
    '%s, cut anywhere, is refused and never crashes',
    (_, text) => {
      for (let length = 0; length < text.trimEnd().length; length++) {
        const cut = text.slice(0, length)
        expect(scanMedia(cut)).toBeUndefined()
        expect(() => parseInboundMessage(cut)).toThrow(ProtocolError)
      }
    },
  )
})

describe('parseInboundMessage', () => {
  test('takes numbers whether they come as strings or as numbers', () => {
    const text = (n: string) =>
      `{"event":"media","sequenceNumber":${n},"streamSid":"MZ1","media":{"track":"inbound","chunk":${n},"timestamp":${n},"payload":"AAAA"}}`
    expect(parseInboundMessage(text('"7"'))).toEqual(parseInboundMessage(text('7')))
  })

  test('gives customParameters as an empty object when there are none', () => {
    const text = readFileSync(new URL('start.json', CORPUS), 'utf8')
    const message = JSON.parse(text) as { start: { customParameters?: unknown } }
    delete message.start.customParameters
    expect(parseInboundMessage(JSON.stringify(message))).toMatchObject({ start: { customParameters: {} } })
  })

  test('a type that is not known is named, not refused', () => {
    expect(parseInboundMessage('{"event":"heartbeat","x":1}')).toEqual({ event: 'unknown', name: 'heartbeat' })
    expect(parseInboundMessage('{"event":"constructor"}')).toEqual({ event: 'unknown', name: 'constructor' })
  })

  test('what is wrong is named by field, and values stay out of the message', () => {
    const text =
      '{"event":"dtmf","sequenceNumber":"5","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"4111-1111"}}'
    expect(() => parseInboundMessage(text)).toThrow(/dtmf\.digit/)
    expect(() => parseInboundMessage(text)).not.toThrow(/4111/)
  })

  test.each(['A', 'AA', 'AAA', 'AAAA=', '====', 'AA==AAAA', 'AAA\u00e9', 'AA A'])(
    'base64 that is none is refused: %s',
    (payload) => {
      const text = JSON.stringify({ event: 'media', sequenceNumber: '1', streamSid: 'MZ1', media: { track: 'inbound', chunk: '1', timestamp: '1', payload } }) // prettier-ignore
      expect(() => parseInboundMessage(text)).toThrow(ProtocolError)
      expect(scanMedia(text)).toBeUndefined()
    },
  )

  test('nothing that anyone could send crashes it', () => {
    const values = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"event":"media","media":${json}}`),
    )
    fc.assert(
      fc.property(values, (text) => {
        try {
          parseInboundMessage(text)
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
        }
      }),
      { numRuns: 30_000 },
    )
  })
})

/** Media frames as Twilio writes them, and a hand's breadth away from it. */
const frames = fc
  .record({
    sequenceNumber: fc.nat().map(String),
    chunk: fc.nat().map(String),
    timestamp: fc.oneof(fc.nat().map(String), fc.constantFrom('-1', '1.5', '', '1e3')),
    track: fc.constantFrom('inbound', 'inbound', 'inbound', 'outbound', 'inbound_track'),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64')),
      fc.string({ maxLength: 12 }),
    ),
    sid: fc.constantFrom('MZ1', 'MZ0123456789abcdef0123456789abcdef', 'M"Z', ''),
    order: fc.nat({ max: 3 }),
    space: fc.constantFrom('', '', '', ' '),
    extra: fc.constantFrom('', '', '', '"extra":1,', '"payload":"QUFB",', '"event":"mark",'),
  })
  .map(({ sequenceNumber, chunk, timestamp, track, payload, sid, order, space, extra }) => {
    const media = `"media":{"track":"${track}","chunk":"${chunk}","timestamp":"${timestamp}","payload":${JSON.stringify(payload)}}`
    const stream = `"streamSid":${JSON.stringify(sid)}`
    const parts =
      order === 0 ? [media, stream] : order === 1 ? [stream, media] : order === 2 ? [media] : [stream, media, stream]
    return `{"event":"media",${space}${extra}"sequenceNumber":"${sequenceNumber}",${parts.join(',')}}`
  })

describe('scanMedia', () => {
  test('says the same as the parser, or leaves it to the parser', () => {
    let scanned = 0
    fc.assert(
      fc.property(frames, (text) => {
        const scan = scanMedia(text)
        if (!scan) return
        scanned++
        expect(parseInboundMessage(text)).toMatchObject({
          event: 'media',
          streamSid: scan.streamSid,
          media: { track: 'inbound', timestamp: scan.timestampMs, payload: scan.payload },
        })
      }),
      { numRuns: 40_000 },
    )
    expect(scanned).toBeGreaterThan(300)
  })

  test('says the same as the parser after any change of one character', () => {
    const text = readFileSync(new URL('media.json', CORPUS), 'utf8').trimEnd()
    expect(scanMedia(text)).toBeDefined()
    fc.assert(
      fc.property(fc.nat({ max: text.length - 1 }), fc.string({ maxLength: 2 }), (at, change) => {
        const changed = text.slice(0, at) + change + text.slice(at + 1)
        const scan = scanMedia(changed)
        if (scan)
          expect(parseInboundMessage(changed)).toMatchObject({
            media: { payload: scan.payload, timestamp: scan.timestampMs },
          })
      }),
      { numRuns: 40_000 },
    )
  })
})

describe('what we send', () => {
  test('has exactly the fields that Twilio accepts', () => {
    for (const text of [encodeMedia('MZ1', 'QUFB'), encodeMark('MZ1', 'turn "1" \u2013 end'), encodeClear('MZ1')]) {
      expect(outboundMessageSchema.parse(JSON.parse(text))).toEqual(JSON.parse(text))
    }
  })

  test('the exact schema refuses a missing and an extra field', () => {
    const good = JSON.parse(encodeMedia('MZ1', 'QUFB')) as Record<string, unknown>
    expect(outboundMessageSchema.safeParse({ ...good, sequenceNumber: '1' }).success).toBe(false)
    expect(outboundMessageSchema.safeParse({ event: 'clear' }).success).toBe(false)
    expect(outboundMessageSchema.safeParse({ ...good, media: { payload: 'QUFB', track: 'outbound' } }).success).toBe(
      false,
    )
  })
})

describe('scanMark', () => {
  const mark = (sid: string, name: string, more = '') =>
    `{"event":"mark","sequenceNumber":"6","streamSid":"${sid}","mark":{"name":"${name}"}${more}}`

  test('reads what the parser reads', () => {
    const name = fc.stringMatching(/^[\w-]{1,64}$/)
    fc.assert(
      fc.property(name, (name) => {
        const text = mark('MZ1', name)
        expect(parseInboundMessage(text)).toMatchObject({ event: 'mark', streamSid: 'MZ1', mark: { name } })
        expect(scanMark(text)).toEqual({ streamSid: 'MZ1', name })
      }),
    )
  })

  test('leaves everything else to the parser', () => {
    for (const text of [mark('MZ1', 'a\\u0041'), mark('MZ1', ''), mark('', 'a'), mark('MZ1', 'a', ',"more":1')]) {
      expect(scanMark(text)).toBeUndefined()
    }
  })
})
