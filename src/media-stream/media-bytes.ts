/**
 * The way of a frame that needs no string: finds the audio in the bytes of a `media` message.
 *
 * It knows the two spellings that `scanMedia` knows and takes exactly what that takes; of everything else the text decides.
 *
 * @module
 */

/** Where the audio of a message lies. */
export interface MediaBytes {
  /** The base64 lies from here … */
  readonly start: number
  /** … to before here. */
  readonly end: number
  /** Bytes of audio that it stands for; more than none. */
  readonly byteLength: number
  /** Presentation time, in milliseconds since the stream's start. */
  readonly timestampMs: number
}

const HEAD = '{"event":"media","sequenceNumber":"'
const SID_BEFORE = '","streamSid":"'
const MEDIA = '","media":{"track":"inbound","chunk":"'
const TIMESTAMP = '","timestamp":"'
const PAYLOAD = '","payload":"'
const SID_AFTER = '"},"streamSid":"'
const END_BEFORE = '"}}'
const END_AFTER = '"}'

const MAX_DIGITS = 15
const MAX_SID_CHARS = 64
const ZERO = '0'.charCodeAt(0)
const NINE = '9'.charCodeAt(0)
const EQUALS = '='.charCodeAt(0)

/** 1 for the characters of base64 without the padding. */
const IS_BASE64 = new Uint8Array(256)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') IS_BASE64[char.charCodeAt(0)] = 1
/** 1 for the characters of a stream's SID. */
const IS_SID = IS_BASE64.slice()
IS_SID['+'.charCodeAt(0)] = IS_SID['/'.charCodeAt(0)] = 0

/** What was found last: fifty frames come each second and call, and none needs an object of its own. */
const found = { start: 0, end: 0, byteLength: 0, timestampMs: 0 }

/**
 * Finds the audio of the caller in a `media` message of the stream `streamSid`.
 *
 * @returns Where it lies, until the next call; `undefined` for everything else, well-formed or not.
 */
export function scanMediaBytes(message: Uint8Array, streamSid: string): MediaBytes | undefined {
  let at = startsWith(message, HEAD, 0) ? digitsEnd(message, HEAD.length) : -1
  if (at < 0) return undefined
  const isSidBefore = startsWith(message, SID_BEFORE, at)
  if (isSidBefore) at = sidEnd(message, streamSid, at + SID_BEFORE.length)
  if (at < 0 || !startsWith(message, MEDIA, at)) return undefined
  at = digitsEnd(message, at + MEDIA.length)
  if (at < 0 || !startsWith(message, TIMESTAMP, at)) return undefined
  const timestampAt = at + TIMESTAMP.length
  at = digitsEnd(message, timestampAt)
  if (at < 0 || !startsWith(message, PAYLOAD, at)) return undefined
  const start = at + PAYLOAD.length
  const timestampMs = numberOf(message, timestampAt, at)

  let end = start
  while (isBase64(message, end) & isBase64(message, end + 1) & isBase64(message, end + 2) & isBase64(message, end + 3))
    end += 4
  while (isBase64(message, end)) end++
  let padding = 0
  while (padding < 2 && message[end] === EQUALS) {
    padding++
    end++
  }
  const byteLength = ((end - start) * 3) / 4 - padding
  if ((end - start) % 4 !== 0 || byteLength <= 0) return undefined

  if (isSidBefore) at = end + END_BEFORE.length
  else {
    at = startsWith(message, SID_AFTER, end) ? sidEnd(message, streamSid, end + SID_AFTER.length) : -1
    if (at < 0) return undefined
    at += END_AFTER.length
  }
  if (at !== message.length || !startsWith(message, isSidBefore ? END_BEFORE : END_AFTER, at - (isSidBefore ? 3 : 2)))
    return undefined
  found.start = start
  found.end = end
  found.byteLength = byteLength
  found.timestampMs = timestampMs
  return found
}

/** 1 or 0, so that four can be asked at once. */
function isBase64(message: Uint8Array, at: number): number {
  return IS_BASE64[message[at] ?? 0] ?? 0
}

function startsWith(message: Uint8Array, literal: string, at: number): boolean {
  for (let i = 0; i < literal.length; i++) if (message[at + i] !== literal.charCodeAt(i)) return false
  return true
}

/** Where a row of 1 to 15 digits that begins at `at` ends; -1 when there is none. */
function digitsEnd(message: Uint8Array, at: number): number {
  let end = at
  for (; end <= at + MAX_DIGITS; end++) {
    const digit = message[end] ?? 0
    if (digit < ZERO || digit > NINE) break
  }
  return end > at && end <= at + MAX_DIGITS ? end : -1
}

function numberOf(message: Uint8Array, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) value = value * 10 + (message[i] ?? 0) - ZERO
  return value
}

/** Where `streamSid` that begins at `at` ends; -1 when something else stands there. */
function sidEnd(message: Uint8Array, streamSid: string, at: number): number {
  const { length } = streamSid
  if (length === 0 || length > MAX_SID_CHARS) return -1
  for (let i = 0; i < length; i++) {
    const byte = message[at + i] ?? 0
    if (IS_SID[byte] !== 1 || byte !== streamSid.charCodeAt(i)) return -1
  }
  return at + length
}
