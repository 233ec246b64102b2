/**
 * HMAC-SHA1 in base64, as Twilio signs, at the price of two plain hashes.
 *
 * `createHmac` sets up a native object for each call, which costs more than hashing a webhook. The construction of RFC 2104
 * over one-shot hashes gives the same answer in half the time; a test holds the two against each other.
 *
 * @module
 */
import { createHmac, hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 20
const MAX_CACHED_KEYS = 64

interface KeyPads {
  /** The key mixed with 0x36, as text: an ASCII key gives ASCII, so the message can be appended without a copy to bytes. */
  readonly inner: string
  /** The key mixed with 0x5c, and room for the inner digest behind it. */
  readonly outer: Buffer
}

const padsOfKey = new Map<string, KeyPads>()

/** HMAC-SHA1 of `message` (as UTF-8) under `key` (as UTF-8). Base64, 28 characters. */
export function hmacSha1(key: string, message: string): string {
  const pads = padsOfKey.get(key) ?? padsOf(key)
  if (!pads) return createHmac('sha1', key).update(message).digest('base64')
  pads.outer.write(hash('sha1', pads.inner + message, 'binary'), BLOCK_BYTES, 'latin1')
  return hash('sha1', pads.outer, 'base64')
}

// Auth tokens are 32 hex digits. Anything longer than a block or not ASCII takes the ordinary way.
function padsOf(key: string): KeyPads | undefined {
  const bytes = Buffer.from(key)
  if (bytes.length > BLOCK_BYTES || bytes.length !== key.length) return undefined
  const inner = Buffer.alloc(BLOCK_BYTES, 0x36)
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0x5c)
  for (const [i, byte] of bytes.entries()) {
    inner[i] = byte ^ 0x36
    outer[i] = byte ^ 0x5c
  }
  const pads = { inner: inner.toString('latin1'), outer }
  if (padsOfKey.size >= MAX_CACHED_KEYS) padsOfKey.clear()
  padsOfKey.set(key, pads)
  return pads
}
