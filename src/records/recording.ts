/**
 * A call's recording, where it lies and what became of it.
 *
 * @module
 */
import { z } from 'zod'
import { id, moment, text } from './fields.js'

/** The schema of a recording. */
export const recordingRecord = z.object({
  tenantId: id,
  recordingSid: id,
  callSid: z.string().min(1).max(64),
  /** `in-progress`, `completed`, `absent` are Twilio's; `processed`, `archived`, `failed`, `deleted` are ours. */
  status: z.string().min(1).max(64),
  /** Where Twilio has it. It takes the account's credentials to read, and holds none. */
  mediaUrl: z.string().max(2048).nullable().default(null),
  /** Where it was archived to, as the archive named it. */
  archivedAs: z.string().max(2048).nullable().default(null),
  durationS: z.number().nonnegative().nullable().default(null),
  channels: z.int().nullable().default(null),
  /** Why processing failed. */
  failure: z
    .object({ code: z.string().max(128), message: text.nullable().default(null) })
    .nullable()
    .default(null),
  createdAt: moment,
  updatedAt: moment,
})
/** One recording. */
export type RecordingRecord = z.infer<typeof recordingRecord>

/** What is given to make a recording's record. */
export type NewRecording = z.input<typeof recordingRecord>
