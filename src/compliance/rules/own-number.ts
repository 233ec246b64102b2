/**
 * The number is one of the house's own phones: what a test call may ring.
 *
 * Not a rule of law and not among the standard ones. A policy for test calls is made of it and few others, so that the exemption is
 * spelled out where it is given and stands in every decision.
 *
 * @module
 */
import { failedIf, type Rule } from '../rule.js'

/** `ownNumber`. Reasons: `'not-own-number'`. @param numbers - E.164. */
export function ownNumber(numbers: readonly string[]): Rule {
  const own = new Set(numbers)
  return {
    check: 'ownNumber',
    citations: [],
    evaluate: ({ facts }) => failedIf(own.has(facts.phoneNumber) ? [] : ['not-own-number']),
  }
}
