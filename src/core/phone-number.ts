/**
 * A telephone number as people write it, made into E.164, once, at the edge.
 *
 * Whether a number is in service, or may be called, is not decided here: number libraries reject area codes that are assigned, so only the shape
 * is read (`isPossible`), and the policy judges.
 *
 * @module
 */
import { parsePhoneNumberFromString } from 'libphonenumber-js'

/** What was read, or why it cannot be. */
export type ReadPhoneNumber =
  | { readonly ok: true; readonly phoneNumber: string }
  /** `'no-country'`: it has no country code and no default country was given. `'malformed'`: it is no telephone number. */
  | { readonly ok: false; readonly reason: 'no-country' | 'malformed' }

/** Longer than any number that a person writes, extension included. */
const MAX_LENGTH = 64
/** E.164 (ITU-T, read 2026-11-21): at most fifteen digits. Seven is the shortest that is dialled with a country code. */
const E164 = /^\+[1-9]\d{6,14}$/

/**
 * Reads a telephone number.
 *
 * @param defaultCountry - Two letters (ISO 3166-1), e.g. `'US'`: where a number without a country code is. Without it such a number is refused.
 */
export function readPhoneNumber(text: unknown, defaultCountry?: string): ReadPhoneNumber {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return { ok: false, reason: 'malformed' }
  const trimmed = text.trim()
  if (!trimmed.startsWith('+') && defaultCountry === undefined) {
    return { ok: false, reason: /\d{4}/.test(trimmed) ? 'no-country' : 'malformed' }
  }
  // Only whole numbers: not one that stands somewhere in a sentence.
  const read = parsePhoneNumberFromString(trimmed, {
    ...(defaultCountry === undefined ? {} : { defaultCountry: defaultCountry as 'US' }),
    extract: false,
  })
  if (!read?.isPossible() || read.ext !== undefined || !E164.test(read.number))
    return { ok: false, reason: 'malformed' }
  return { ok: true, phoneNumber: read.number }
}
