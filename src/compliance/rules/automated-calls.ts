/**
 * The lead may be called by an automated system, and somebody said so.
 *
 * @see 47 CFR 64.1200(a)(2)-(3), (f)(9)(i)(A) (read 2026-11-21): the agreement authorises automated calls
 * @module
 */
import { failedIf, type Rule } from '../rule.js'

/** `automatedCallsAllowed`. Reasons: `'not-allowed'`. */
export const automatedCallsAllowed: Rule = {
  check: 'automatedCallsAllowed',
  citations: [{ cite: '47 CFR 64.1200(a)(2)-(3), (f)(9)', confidence: 'high', readOn: '2026-11-21' }],
  evaluate({ facts }) {
    return failedIf(facts.automatedCallsAllowed === true ? [] : ['not-allowed'])
  },
}
