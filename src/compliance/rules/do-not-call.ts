/**
 * The number is on no do-not-call list, and that is known from a copy that is fresh enough.
 *
 * No solicitation to numbers on the national registry, mobile ones included; the copy is at most 31 days old. The seller's own list
 * is honoured at once and for ever. Eleven states keep a list of their own; a copy of one may be no older than a copy of the national
 * registry. What nobody looked up is not known to be free.
 *
 * @see 47 CFR 64.1200(c)(2), (d); 16 CFR 310.4(b)(1)(iii), (b)(3)(iv) (read 2026-11-21)
 * @module
 */
import type { DoNotCallAnswer } from '../../records/do-not-call.js'
import { failedIf, type Policy, type Rule, type RuleContext } from '../rule.js'
import { isWrittenFor } from './written-consent.js'

/** `notOnDNC`. Reasons: `'unknown'`, `'national'`, `'stale'`, `'internal'`, `'state'`, `'state-stale'`,
 * `'state-list-unknown'`. */
export const notOnDNC: Rule = {
  check: 'notOnDNC',
  citations: [
    { cite: '47 CFR 64.1200(c)(2), (d)', confidence: 'high', readOn: '2026-11-21' },
    { cite: '16 CFR 310.4(b)(1)(iii), (b)(3)(iv)', confidence: 'high', readOn: '2026-11-21' },
  ],
  evaluate(context) {
    const { facts, policy } = context
    const { doNotCall } = facts
    if (!doNotCall) return failedIf(policy.unknownDnc === 'block' ? ['unknown'] : [])
    const reasons = nationalReasons(context, doNotCall.national)
    // Anything but a clear "no" is a yes: a list that cannot be read has not cleared the number.
    if ((doNotCall.isInternal as unknown) !== false) reasons.push('internal')
    reasons.push(...stateReasons(context, doNotCall.states))
    return failedIf(reasons)
  },
}

function nationalReasons({ facts, policy, at }: RuleContext, national: DoNotCallAnswer | null): string[] {
  if (!national) return policy.unknownDnc === 'block' ? ['unknown'] : []
  const reasons: string[] = []
  if ((national.isListed as unknown) !== false) {
    const isLifted = policy.writtenConsentLiftsNationalRegistry && isWrittenFor(facts, at)
    if (!isLifted) reasons.push('national')
  }
  if (!isFresh(national, policy, at)) reasons.push('stale')
  return reasons
}

function stateReasons({ policy, place, at }: RuleContext, states: Readonly<Record<string, DoNotCallAnswer>>): string[] {
  let isListed = false
  let isUnknown = false
  let isStale = false
  for (const { policy: statePolicy } of place.jurisdictions) {
    // A hit counts in every state; having asked is required only where there is a list.
    const answer = Object.hasOwn(states, statePolicy.state) ? states[statePolicy.state] : undefined
    if (answer) {
      isListed ||= (answer.isListed as unknown) !== false
      isStale ||= statePolicy.needsOwnList && !isFresh(answer, policy, at)
    } else isUnknown ||= statePolicy.needsOwnList && policy.unknownStateList === 'block'
  }
  const reasons: string[] = []
  if (isListed) reasons.push('state')
  if (isStale) reasons.push('state-stale')
  if (isUnknown) reasons.push('state-list-unknown')
  return reasons
}

/** A moment that is no number is stale. */
function isFresh({ copiedAt }: DoNotCallAnswer, { registryMaxAgeMs }: Policy, at: number): boolean {
  const ageMs = at - copiedAt
  return Number.isFinite(copiedAt) && ageMs >= 0 && ageMs <= registryMaxAgeMs
}
