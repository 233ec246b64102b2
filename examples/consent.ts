/** Consent as a form on a website leaves it, for the stories in which somebody may be called. Yours comes from your own forms. */
import type { ConsentGrant, CallPurpose } from 'callweave/compliance'

/** Who agreed, to whose calls. */
export interface Agreed {
  readonly tenantId: string
  readonly leadId: string
  /** E.164. */
  readonly phoneNumber: string
  readonly sellerId: string
  /** As it stood in the form. */
  readonly sellerName: string
  readonly obtainedAt: number
  /** Default `['marketing']`. */
  readonly purposes?: readonly CallPurpose[]
}

/** A signed agreement, worded as the law asks for a marketing call with an artificial voice. */
export function signedConsent({ sellerName, purposes = ['marketing'], ...agreed }: Agreed): ConsentGrant {
  return {
    ...agreed,
    consentId: `consent-${agreed.leadId}`,
    kind: 'express-written',
    purposes: [...purposes],
    expiresAt: null,
    source: 'form',
    evidence: {
      signatureMethod: 'web-form',
      disclosureText: `I agree that ${sellerName} may call me with an artificial voice. This is no condition of buying anything.`,
      disclosureVersion: null,
      isArtificialVoiceDisclosed: true,
      isNotConditionDisclosed: true,
      formUrl: null,
      ipAddress: null,
      userAgent: null,
      reference: null,
    },
  }
}
