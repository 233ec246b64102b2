/**
 * The body of an ElevenLabs event, read so that the sound in it stays where it is: in the bytes that came.
 *
 * A `post_call_audio` is one JSON object whose `full_audio` is nearly all of it. Parsed as it is, it would stand in memory as bytes, as
 * text, as a value and as sound. Here the object is parsed without it, and the sound is decoded piece by piece.
 *
 * @module
 */
import { ProtocolError } from '../core/errors.js'
import { readJson, type RawBody } from './body.js'
import type { WebhookRefusal } from './verdict.js'

/** The sound of a conversation, in the body of its event. */
export interface EventAudio {
  /** Length of the sound, in bytes. */
  readonly byteLength: number
  /**
   * The sound (MP3), in pieces of 48 KiB at most, each decoded when it is asked for. May be read more than once.
   *
   * @throws {@link ProtocolError} `webhook_payload_invalid` where it is no base64.
   */
  chunks(): AsyncIterable<Uint8Array>
  /** The base64 text as it came, in one piece: a second copy of all of it. */
  base64(): string
}

/** A body that was read. */
export interface EventBody {
  readonly ok: true
  /** The event; its `full_audio` is empty when the sound is in `audio`. */
  readonly json: unknown
  readonly audio?: EventAudio
}

/** Base64 that is decoded at a time, in characters: a multiple of four. */
const PIECE_CHARS = 65_536
const KEY = Buffer.from('"full_audio"')
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Reads the body of an event. It must have been proven before. */
export function readEventBody(body: RawBody): EventBody | WebhookRefusal {
  if (typeof body !== 'string') {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    const [from, to] = placeOfAudio(bytes) ?? [0, 0]
    if (to > from) {
      const around = readJson(Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]))
      // A key of that name may stand elsewhere, in a variable of the host's: then nothing is taken out.
      if (around.ok && audioOf(around.json) === '') {
        const audio = audioFrom(to - from, (start, end) => bytes.toString('latin1', from + start, from + end))
        return { ok: true, json: around.json, audio }
      }
    }
  }
  const whole = readJson(body)
  if (!whole.ok) return whole
  const text = audioOf(whole.json)
  if (text === undefined) return whole
  return { ok: true, json: whole.json, audio: audioFrom(text.length, (start, end) => text.slice(start, end)) }
}

/** Where the text of `full_audio` begins and ends, between its quotes; `undefined` when it is not there, or not plain. */
function placeOfAudio(bytes: Buffer): readonly [from: number, to: number] | undefined {
  const at = bytes.indexOf(KEY)
  if (at === -1 || bytes[at - 1] === BACKSLASH) return undefined
  let from = at + KEY.length
  while (from < bytes.length && isColonOrSpace(bytes[from])) from++
  if (bytes[from] !== QUOTE) return undefined
  const to = bytes.indexOf(QUOTE, ++from)
  // An escaped slash is still base64 to a parser: left to it.
  if (to === -1 || bytes.subarray(from, to).includes(BACKSLASH)) return undefined
  return [from, to]
}

function isColonOrSpace(byte: number | undefined): boolean {
  return byte === 0x3a || byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}

function audioOf(json: unknown): string | undefined {
  const { type, data } = (json ?? {}) as { type?: unknown; data?: unknown }
  if (type !== 'post_call_audio') return undefined
  const { full_audio: audio } = (data ?? {}) as { full_audio?: unknown }
  return typeof audio === 'string' ? audio : undefined
}

function audioFrom(chars: number, slice: (start: number, end: number) => string): EventAudio {
  const padding = /=*$/.exec(slice(Math.max(0, chars - 2), chars))?.[0].length ?? 0
  const dataChars = chars - padding
  return {
    byteLength: Math.floor((dataChars * 3) / 4),
    base64: () => slice(0, chars),
    async *chunks() {
      for (let at = 0; at < dataChars; at += PIECE_CHARS) {
        const end = Math.min(dataChars, at + PIECE_CHARS)
        const piece = Buffer.from(slice(at, end), 'base64')
        if (piece.length !== Math.floor(((end - at) * 3) / 4)) {
          throw new ProtocolError('webhook_payload_invalid', 'The sound of a post_call_audio event is not base64')
        }
        yield piece
      }
    },
  }
}
