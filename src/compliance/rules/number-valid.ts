/**
 * The number can be a number: E.164, and in North America an area code and an exchange that do not begin with 0 or 1.
 *
 * Strict number libraries reject area codes that are in service; which codes are is asked of the rule pack alone.
 *
 * @see ITU-T E.164; ATIS-0300051, NPA and CO codes (both read 2026-11-21)
 * @module
 */
import { failedIf, type Rule } from '../rule.js'

const E164 = /^\+[1-9]\d{1,14}$/
const NORTH_AMERICA = /^\+1[2-9]\d{2}[2-9]\d{6}$/

/** `numberValid`. Reasons: `'malformed'`. */
export const numberValid: Rule = {
  check: 'numberValid',
  citations: [{ cite: 'ITU-T E.164', confidence: 'high', readOn: '2026-11-21' }],
  evaluate({ facts: { phoneNumber } }) {
    const isValid =
      typeof phoneNumber === 'string' &&
      E164.test(phoneNumber) &&
      (!phoneNumber.startsWith('+1') || NORTH_AMERICA.test(phoneNumber))
    return failedIf(isValid ? [] : ['malformed'])
  },
}
