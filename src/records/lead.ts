/**
 * Who is to be reached, and what was said about calling them.
 *
 * @module
 */
import { z } from 'zod'
import { doNotCallStatus } from './do-not-call.js'
import { id, moment } from './fields.js'

export const leadReview = z.object({
  flaggedAt: moment,
  /** Checks that failed, by name. */
  failedChecks: z.array(z.string()),
  /** One sentence for the person who reviews. No number, no speech. */
  reason: z.string().max(2000),
  /** The decision that led here. */
  decisionId: id,
})
/** A lead that a person has to look at before it is called again. */
export type LeadReview = z.infer<typeof leadReview>

export const lead = z.object({
  tenantId: id,
  leadId: id,
  /** As it stands in the host's records. It is judged, not trusted: a malformed number is a refusal and not an error. */
  phoneNumber: z.string().max(64),
  /** An IANA zone that was confirmed for this person, e.g. `'America/Chicago'`. `null`: not known. */
  timeZone: z.string().max(64).nullable().default(null),
  /** Postal code of the person's address. */
  postalCode: z.string().max(16).nullable().default(null),
  /** The state that the person says they are in, two letters. */
  state: z.string().max(16).nullable().default(null),
  /** The person may be called by an automated system. Anything but `true` is a refusal. */
  automatedCallsAllowed: z.boolean().default(false),
  /** What lists said that were asked elsewhere. `null`: nobody asked. */
  doNotCall: doNotCallStatus.nullable().default(null),
  review: leadReview.nullable().default(null),
})
export type Lead = z.infer<typeof lead>
