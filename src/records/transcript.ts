/**
 * What was said in a call, as text.
 *
 * @module
 */
import { z } from 'zod'
import { id, moment } from './fields.js'

/** The schema of a transcript. A recording's has segments and words; an agent's has turns. */
export const transcriptRecord = z.object({
  tenantId: id,
  transcriptId: id,
  callSid: z.string().min(1).max(64),
  recordingSid: id.nullable().default(null),
  conversationId: id.nullable().default(null),
  /** Who made it, e.g. `whisper`, `elevenlabs`, `playback-ledger`. */
  source: z.string().min(1).max(64),
  text: z.string(),
  language: z.string().max(64).nullable().default(null),
  durationS: z.number().nonnegative().nullable().default(null),
  /** Who said what, in order. `atMs`: milliseconds into the call. */
  turns: z
    .array(z.object({ speaker: z.string(), text: z.string(), atMs: z.number().nullable().default(null) }))
    .default([]),
  /** As the transcriber gave them. */
  segments: z.array(z.unknown()).default([]),
  words: z.array(z.unknown()).default([]),
  createdAt: moment,
  updatedAt: moment,
})
/** One transcript. */
export type TranscriptRecord = z.infer<typeof transcriptRecord>

/** What is given to make a transcript's record. */
export type NewTranscript = z.input<typeof transcriptRecord>
