/**
 * Somebody who has this number agreed to be called by this seller with an artificial voice.
 *
 * An AI voice is an artificial voice (FCC 24-17). Marketing with one needs prior express written consent, to a mobile number and to a
 * residential line alike: a signed agreement that authorises this seller, names the number, tells of the artificial voice, and says that
 * agreeing is not a condition of buying. Informational calls need prior express consent, in any form. A number that was reassigned
 * belongs to somebody who has not agreed.
 *
 * @see 47 CFR 64.1200(a)(1)-(3), (f)(9), (m); 16 CFR 310.4(b)(1)(v)(A) (read 2026-11-21)
 * @module
 */
import type { ConsentRecord } from '../../records/consent.js'
import type { CallFacts } from '../facts.js'
import { isOverBy } from './moment.js'
import { failedIf, type Rule } from '../rule.js'

/**
 * `hasWrittenConsent`. Reasons: `'no-record'`, `'other-number'`, `'other-seller'`, `'undated'`, `'dated-in-future'`, `'purpose-not-covered'`,
 * `'not-written'`, `'not-signed'`, `'artificial-voice-not-disclosed'`, `'condition-not-disclosed'`, `'number-reassigned'`.
 */
export const hasWrittenConsent: Rule = {
  check: 'hasWrittenConsent',
  citations: [
    { cite: '47 CFR 64.1200(a)(1)-(3), (f)(9)', confidence: 'high', readOn: '2026-11-21' },
    { cite: 'FCC 24-17, CG 23-362', confidence: 'high', readOn: '2026-11-21' },
    { cite: '16 CFR 310.4(b)(1)(v)(A)', confidence: 'high', readOn: '2026-11-21' },
  ],
  evaluate({ facts, at }) {
    const { consent } = facts
    if (!consent) return failedIf(['no-record'])
    const reasons = whyNotFor(facts, consent, at)
    if (facts.purpose !== 'informational') reasons.push(...whyNotWritten(consent))
    if (facts.reassigned && facts.reassigned.answer === 'yes') reasons.push('number-reassigned')
    return failedIf(reasons)
  },
}

/** The consent is somebody else's, for somebody else, or of another day. */
function whyNotFor(facts: CallFacts, consent: ConsentRecord, at: number): string[] {
  const reasons: string[] = []
  if (consent.phoneNumber !== facts.phoneNumber || consent.tenantId !== facts.tenantId) reasons.push('other-number')
  if (consent.sellerId !== facts.sellerId) reasons.push('other-seller')
  if (!Number.isFinite(consent.obtainedAt)) reasons.push('undated')
  else if (consent.obtainedAt > at) reasons.push('dated-in-future')
  // An agreement to marketing covers a call that is less than that.
  const purposes: readonly unknown[] = Array.isArray(consent.purposes) ? consent.purposes : []
  const isCovered =
    purposes.includes('marketing') || (facts.purpose === 'informational' && purposes.includes('informational'))
  if (!isCovered) reasons.push('purpose-not-covered')
  return reasons
}

/** Why a consent is no prior express written consent. Empty when it is. */
function whyNotWritten({ kind, evidence }: ConsentRecord): string[] {
  const reasons: string[] = []
  if (kind !== 'express-written') reasons.push('not-written')
  if (typeof evidence.signatureMethod !== 'string' || evidence.signatureMethod === '') reasons.push('not-signed')
  if ((evidence.isArtificialVoiceDisclosed as unknown) !== true) reasons.push('artificial-voice-not-disclosed')
  if ((evidence.isNotConditionDisclosed as unknown) !== true) reasons.push('condition-not-disclosed')
  return reasons
}

/** The consent is a signed agreement that names this seller and this number, and holds at `at`. */
export function isWrittenFor(facts: CallFacts, at: number): boolean {
  const { consent } = facts
  if (!consent || whyNotFor({ ...facts, purpose: 'marketing' }, consent, at).length > 0) return false
  return !isOverBy(consent.revokedAt, at) && !isOverBy(consent.expiresAt, at) && whyNotWritten(consent).length === 0
}
