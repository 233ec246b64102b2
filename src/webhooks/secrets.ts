/**
 * Compares what came with what it must be, in a time that does not tell where they differ.
 *
 * @module
 */
import { hash, timingSafeEqual } from 'node:crypto'

/** One secret, or several while one replaces another. */
export type Secrets = string | readonly string[]

/**
 * Checks that there is something to compare with: an unset variable must never mean "anything goes".
 *
 * @throws TypeError when there is no secret, or an empty one. The message names the option, never the value.
 */
export function secretsOf(value: Secrets, option: string): readonly string[] {
  const list: readonly unknown[] = typeof value === 'string' ? [value] : Array.isArray(value) ? value : []
  if (list.length === 0) throw new TypeError(`${option} is missing: expected a string or a list of strings`)
  for (const secret of list) {
    if (typeof secret !== 'string' || secret === '') throw new TypeError(`${option} holds something empty`)
  }
  return list as readonly string[]
}

/** A header as Node, Fetch or a proxy's event hands it over. */
export type HeaderValue = string | readonly string[] | null | undefined

/** The value of a header that must come once: `undefined` when it is absent or empty, `null` when it came repeatedly. */
export function oneHeader(value: HeaderValue): string | null | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return null
  const [first, second] = value as readonly unknown[]
  if (second !== undefined) return null
  if (first === undefined || first === '') return undefined
  return typeof first === 'string' ? first : null
}

const SCRATCH_BYTES = 64

/** Room for the two sides of a comparison, by their length: made once, and overwritten whole by each comparison. */
const scratch = Array.from({ length: SCRATCH_BYTES + 1 }, (_, length) => ({
  given: Buffer.alloc(length),
  expected: Buffer.alloc(length),
}))

/**
 * Compares a text with an ASCII text of at most 64 characters: a hash in hex or base64. The length may be known to anyone;
 * content takes the same time wherever it differs.
 */
export function equalAscii(given: string, expected: string): boolean {
  const room = scratch[expected.length]
  if (!room) throw new RangeError('What is expected is too long to be compared here')
  if (given.length !== expected.length) return false
  room.given[given.length - 1] = 0 // what does not fit is not written, and what stood there must not stand in for it
  room.given.write(given) // anything beyond ASCII begins with a byte that no ASCII text has
  room.expected.write(expected)
  return timingSafeEqual(room.given, room.expected)
}

/** Compares two texts of any length without telling the length of either. */
export function equalSecret(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'))
}
