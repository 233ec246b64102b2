/**
 * How a call ended, for people.
 *
 * @module
 */
import type { CallOutcome } from '../records/call.js'

/** What a disposition is read from. */
export interface CallEnd {
  /** Twilio's terminal status. */
  readonly callStatus: string
  readonly durationS: number | null
  /** Twilio's verdict of machine detection. */
  readonly answeredBy: string | null
}

/** A call that is shorter was hung up at once, or met a machine that nobody asked about. In seconds. */
const SHORT_CALL_S = 3

/**
 * The outcome of a call that is over. Twilio's own word stays in `callStatus`; this says what it means:
 * `answered`, `voicemail`, `fax`, `short` (under three seconds), or `failed` with Twilio's word as the reason.
 */
export function outcomeOf({ callStatus, durationS, answeredBy }: CallEnd): CallOutcome {
  if (callStatus !== 'completed') return { kind: 'failed', reason: callStatus }
  if (answeredBy?.startsWith('machine')) return { kind: 'voicemail', reason: answeredBy }
  if (answeredBy === 'fax') return { kind: 'fax', reason: null }
  if (durationS !== null && durationS < SHORT_CALL_S) return { kind: 'short', reason: null }
  return { kind: 'answered', reason: null }
}
