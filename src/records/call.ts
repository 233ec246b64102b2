/**
 * One telephone call, as it is kept.
 *
 * A superset of what the usual call logs hold, so that any of them can be read off it. The vendor's own word stands in
 * `callStatus` and is never overwritten by ours: how it ended, for people, is `outcome`.
 *
 * @module
 */
import { z } from 'zod'
import { id, moment, text } from './fields.js'

const sid = z.string().max(64)

/** How a call ended, for people. */
export const callOutcome = z.object({
  /** E.g. `'answered'`, `'failed'`, `'voicemail'`, `'opted-out'`. */
  kind: z.string().min(1).max(64),
  reason: text.nullable().default(null),
})
/** How a call ended, for people. */
export type CallOutcome = z.infer<typeof callOutcome>

/** What a call cost. */
export const callCost = z.object({
  totalCost: z.number(),
  costPerMinute: z.number().nullable().default(null),
  /** ISO 4217, e.g. `'USD'`. */
  currency: z.string().max(8).default('USD'),
})
/** What a call cost. */
export type CallCost = z.infer<typeof callCost>

/** The schema of a call. */
export const callRecord = z.object({
  tenantId: id,
  callSid: sid.min(1),
  direction: z.enum(['inbound', 'outbound']),
  /** E.164, or what Twilio shows for a withheld number. */
  from: z.string().max(256),
  to: z.string().max(256),
  /** Twilio's own word, e.g. `queued`, `in-progress`, `completed`. */
  callStatus: z.string().max(64),
  /** The highest `SequenceNumber` of a status callback that was taken in; -1 before the first. */
  sequenceNumber: z.int().default(-1),
  /** How the call is connected: `bridge`, `conversation-relay`, `register-call`, `say`. */
  via: z.string().max(64).nullable().default(null),
  conversationId: id.nullable().default(null),
  streamSid: sid.nullable().default(null),
  attemptId: id.nullable().default(null),
  leadId: id.nullable().default(null),
  agentId: id.nullable().default(null),
  campaignId: id.nullable().default(null),
  /** Who the call belongs to inside the tenant, for hosts that own calls by user. */
  ownerId: id.nullable().default(null),
  outcome: callOutcome.nullable().default(null),
  /** Twilio's verdict of machine detection. */
  answeredBy: z.string().max(64).nullable().default(null),
  /** Length in seconds, from Twilio's `CallDuration`. */
  durationS: z.number().nonnegative().nullable().default(null),
  durationMinutes: z.number().nonnegative().nullable().default(null),
  cost: callCost.nullable().default(null),
  /** Whatever the host keeps beside it: `testCall`, `bulkCall`, `initiatedFrom` … */
  metadata: z.record(z.string(), z.unknown()).default({}),
  createdAt: moment,
  updatedAt: moment,
  answeredAt: moment.nullable().default(null),
  /** When the person who was called had said their first words. `null`: not known. */
  greetingEndedAt: moment.nullable().default(null),
  /** When the person who was called first heard the agent or the message. `null`: never, or not known. */
  messageStartedAt: moment.nullable().default(null),
  endedAt: moment.nullable().default(null),
})
/** One telephone call. */
export type CallRecord = z.infer<typeof callRecord>

/** What is given to make a call's record: what is left out gets its default. */
export type NewCall = z.input<typeof callRecord>

/** The number at the other end: whom we called, or who called us. An opt-out and an erasure are about this one. */
export function remotePartyOf(call: Pick<CallRecord, 'direction' | 'from' | 'to'>): string {
  return call.direction === 'outbound' ? call.to : call.from
}
