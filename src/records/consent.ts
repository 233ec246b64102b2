/**
 * Consent to be called: what was agreed, and what took it back. Both are evidence and are never edited.
 *
 * The fields are those that a caller needs to prove prior express written consent: 47 CFR 64.1200(f)(9), 16 CFR
 * 310.4(b)(1)(v)(A), 16 CFR 310.5 (read 2026-11-21).
 *
 * @module
 */
import { z } from 'zod'
import { e164, id, moment, text } from './fields.js'

/** The two strengths of consent in 47 CFR 64.1200(a) and (f). They are not interchangeable. */
export const consentKind = z.enum(['express', 'express-written'])
/** `'express'`: said or given. `'express-written'`: a signed agreement. Marketing by an artificial voice needs the second. */
export type ConsentKind = z.infer<typeof consentKind>

/** Why a call is made. A message with any offer in it is marketing. */
export const callPurpose = z.enum(['marketing', 'informational'])
export type CallPurpose = z.infer<typeof callPurpose>

/** How the person can be shown to have agreed. */
export const consentEvidence = z.object({
  /** How it was signed: `'web-form'`, `'esign'`, `'keypress'`, `'recording'`, `'paper'` …; `null`: not signed. */
  signatureMethod: z.string().min(1).max(64).nullable(),
  /** The exact words that the person was shown or read. */
  disclosureText: text,
  /** Which version of those words. */
  disclosureVersion: z.string().max(128).nullable().default(null),
  /** The words say that calls may be made with an artificial or prerecorded voice or an autodialer. */
  isArtificialVoiceDisclosed: z.boolean(),
  /** The words say that agreeing is not a condition of buying anything. */
  isNotConditionDisclosed: z.boolean(),
  /** Where the form was. */
  formUrl: z.string().max(2048).nullable().default(null),
  ipAddress: z.string().max(64).nullable().default(null),
  userAgent: z.string().max(1024).nullable().default(null),
  /** Where the screenshot, document or recording is kept. */
  reference: z.string().max(2048).nullable().default(null),
})
export type ConsentEvidence = z.infer<typeof consentEvidence>

export const consentGrant = z.object({
  tenantId: id,
  consentId: id,
  /** The number that the person named. */
  phoneNumber: e164,
  /** On whose behalf they may be called. */
  sellerId: id,
  leadId: id.nullable().default(null),
  kind: consentKind,
  /** What the calls may be about. */
  purposes: z.array(callPurpose).min(1),
  /** When the person agreed, in milliseconds since 1970. */
  obtainedAt: moment,
  /** From this very moment on it counts no more, in milliseconds since 1970. `null`: no expiry; federal law sets none. */
  expiresAt: moment.nullable().default(null),
  /** Where it came from: `'form'`, a partner's name … */
  source: z.string().max(256),
  evidence: consentEvidence,
})
/** What somebody agreed to, once. */
export type ConsentGrant = z.infer<typeof consentGrant>

/** How a person takes consent back, or asks not to be called. Any reasonable way counts: 47 CFR 64.1200(a)(10). */
export const optOutChannel = z.enum([
  'keypress',
  'speech',
  'agent-tool',
  'text-message',
  'web',
  'email',
  'mail',
  'person',
  'api',
  'import',
])
export type OptOutChannel = z.infer<typeof optOutChannel>

export const consentRevocation = z.object({
  tenantId: id,
  revocationId: id,
  phoneNumber: e164,
  /** Whose calls are to stop. `null`: those of every seller of the tenant, which is the default of a plain opt-out. */
  sellerId: id.nullable().default(null),
  /** From this very moment on, in milliseconds since 1970. */
  revokedAt: moment,
  channel: optOutChannel,
  /** The call in which it was said or keyed. */
  callSid: z.string().max(64).nullable().default(null),
})
/** Consent taken back. */
export type ConsentRevocation = z.infer<typeof consentRevocation>

/** A grant as it stands today: with the moment at which it was taken back, if it was. */
export interface ConsentRecord extends ConsentGrant {
  /**
   * The earliest revocation of this number, for this seller or for all, at or after `obtainedAt`. `null`: none. A grant
   * that was obtained later than a revocation is a fresh opt-in and is not touched by it.
   */
  readonly revokedAt: number | null
  readonly revocationId: string | null
}
