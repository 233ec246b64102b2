/**
 * Consent that was taken back stops every automated call of the seller, from that moment on.
 *
 * Any reasonable means counts. The rule gives at most ten business days; none are taken here.
 *
 * @see 47 CFR 64.1200(a)(10)-(11); FCC 24-24; DA 26-12 (read 2026-11-21)
 * @module
 */
import { failedIf, skipped, type Rule } from '../rule.js'
import { isOverBy } from './moment.js'

/** `consentNotRevoked`. Reasons: `'revoked'`. */
export const consentNotRevoked: Rule = {
  check: 'consentNotRevoked',
  citations: [{ cite: '47 CFR 64.1200(a)(10)-(11)', confidence: 'high', readOn: '2026-11-21' }],
  evaluate({ facts: { consent }, at }) {
    if (!consent) return skipped()
    const { revokedAt } = consent as { readonly revokedAt: number | null | undefined }
    return failedIf(isOverBy(revokedAt, at) ? ['revoked'] : [])
  },
}
