/**
 * The number is a subscriber's, in a state or territory whose rules are known and that the house calls.
 *
 * Elsewhere other law holds (Canada: other hours, and registration); toll-free, premium and personal numbers have no place, and a code
 * that is not in service has no subscriber.
 *
 * @see NANPA NPA Database report of 2026-01-05, as in the rule pack (read 2026-11-21)
 * @module
 */
import { failedIf, skipped, type Rule } from '../rule.js'

/**
 * `destinationSupported`. Reasons: `'outside-north-america'`, `'unassigned'`, what the area code is instead (`'us-not-yet-active'`,
 * `'canada'`, `'other-country'`, `'toll-free'`, `'premium'`, `'personal'`, `'carrier'`, `'government'`), `'state-blocked'`.
 */
export const destinationSupported: Rule = {
  check: 'destinationSupported',
  citations: [{ cite: 'NANPA NPA Database report of 2026-01-05', confidence: 'high', readOn: '2026-11-21' }],
  evaluate({ facts: { phoneNumber }, place }) {
    const { areaCodeText, areaCode, jurisdictions } = place
    if (areaCodeText === null) {
      const isForeign = typeof phoneNumber === 'string' && /^\+[2-9]\d{1,14}$/.test(phoneNumber)
      return isForeign ? failedIf(['outside-north-america']) : skipped()
    }
    const reasons: string[] = []
    if (!areaCode) reasons.push('unassigned')
    else if (areaCode.kind !== 'us') reasons.push(areaCode.kind)
    if (jurisdictions.some((jurisdiction) => jurisdiction.policy.isBlocked)) reasons.push('state-blocked')
    return failedIf(reasons)
  },
}
