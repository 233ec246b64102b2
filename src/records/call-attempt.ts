/**
 * One try to reach one number, counted from the moment it is reserved.
 *
 * @module
 */
import { z } from 'zod'
import { e164, id, moment } from './fields.js'

/** Where an attempt stands. */
export const attemptState = z.enum([
  /** The place under the caps is taken; the vendor has not answered yet. */
  'reserved',
  /** A call exists. */
  'placed',
  /** It is not known whether a call exists. Counts like `placed` until somebody knows. */
  'submission-unknown',
  /** It is certain that no call was made. Counts no more. */
  'released',
])
export type AttemptState = z.infer<typeof attemptState>

export const callAttempt = z.object({
  tenantId: id,
  attemptId: id,
  phoneNumber: e164,
  leadId: id.nullable().default(null),
  campaignId: id.nullable().default(null),
  /** The decision that allowed it. */
  decisionId: id.nullable().default(null),
  /** From when it counts, in milliseconds since 1970. */
  attemptedAt: moment,
  state: attemptState.default('reserved'),
  callSid: z.string().max(64).nullable().default(null),
  /** How it ended, for people: answered, no answer, busy … `null` while it runs. */
  disposition: z.string().max(64).nullable().default(null),
})
export type CallAttempt = z.infer<typeof callAttempt>

export const attemptCap = z.object({
  /** Names the cap in findings and refusals, e.g. `'default'`, `'FL'`. */
  capId: id,
  /** How many attempts the window may hold. */
  maxAttempts: z.int().min(1),
  /** Length of the rolling window, in elapsed milliseconds. An attempt exactly this old counts no more. */
  windowMs: z.int().min(1),
})
/** At most so many attempts to one number in any stretch of so much time. */
export type AttemptCap = z.infer<typeof attemptCap>
