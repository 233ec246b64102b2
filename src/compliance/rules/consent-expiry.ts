/**
 * Consent that carries an expiry date counts until that moment and not at it.
 *
 * Federal law sets no expiry; a date is a policy of whoever recorded the consent, and is kept.
 *
 * @see 47 CFR 64.1200(f)(9) (read 2026-11-21): no expiry is named
 * @module
 */
import { failedIf, skipped, type Rule } from '../rule.js'
import { isOverBy } from './moment.js'

/** `consentNotExpired`. Reasons: `'expired'`, `'no-expiry'` (only with `requireConsentExpiry`). */
export const consentNotExpired: Rule = {
  check: 'consentNotExpired',
  citations: [{ cite: '47 CFR 64.1200(f)(9)', confidence: 'high', readOn: '2026-11-21' }],
  evaluate({ facts: { consent }, policy, at }) {
    if (!consent) return skipped()
    const { expiresAt } = consent as { readonly expiresAt: number | null | undefined }
    if (expiresAt === null || expiresAt === undefined) return failedIf(policy.requireConsentExpiry ? ['no-expiry'] : [])
    return failedIf(isOverBy(expiresAt, at) ? ['expired'] : [])
  },
}
