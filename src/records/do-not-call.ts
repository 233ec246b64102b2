/**
 * The seller's own do-not-call list, and what other lists answered.
 *
 * The internal list is kept by the tenant and stops every call of the tenant: 47 CFR 64.1200(d) (read 2026-11-21) asks for a
 * record at the time of the request, honours within ten business days, and keeping it for five years. Here it is honoured
 * at once and never expires; only a fresh opt-in lifts it.
 *
 * @module
 */
import { z } from 'zod'
import { optOutChannel } from './consent.js'
import { e164, id, moment, text } from './fields.js'

export const doNotCallEntry = z.object({
  tenantId: id,
  /** The person's number: on an outbound call that is the number called, never the number that called. */
  phoneNumber: e164,
  /** When they asked, in milliseconds since 1970. */
  addedAt: moment,
  channel: optOutChannel,
  leadId: id.nullable().default(null),
  /** The call in which they asked. */
  callSid: z.string().max(64).nullable().default(null),
  /** What a person wrote beside it. */
  note: text.nullable().default(null),
})
/** One request not to be called. */
export type DoNotCallEntry = z.infer<typeof doNotCallEntry>

export const doNotCallAnswer = z.object({
  isListed: z.boolean(),
  /** When the copy of the list was obtained, in milliseconds since 1970. A copy of the national registry lasts 31 days. */
  copiedAt: moment,
})
/** What a copy of a list said about one number. */
export type DoNotCallAnswer = z.infer<typeof doNotCallAnswer>

export const doNotCallStatus = z.object({
  /** The national registry. `null`: not asked. */
  national: doNotCallAnswer.nullable().default(null),
  /** Lists that states keep themselves, by state code. A state that is missing was not asked. */
  states: z.record(z.string(), doNotCallAnswer).default({}),
  /** The lead was marked as not to be called in the host's own system. */
  isInternal: z.boolean().default(false),
})
/** What is known about a lead from lists that were asked elsewhere, e.g. by a scrubbing service. */
export type DoNotCallStatus = z.infer<typeof doNotCallStatus>
