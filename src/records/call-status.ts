/**
 * What a call's record says of how it went: whether it is over, and whether somebody was left in silence. Loads no schema.
 *
 * @module
 */
import type { CallRecord } from './call.js'

/** Statuses after which Twilio says nothing more about a call (https://www.twilio.com/docs/voice/api/call-resource, read 2026-11-21). */
const TERMINAL_CALL_STATUSES: ReadonlySet<string> = new Set(['completed', 'busy', 'failed', 'no-answer', 'canceled'])

/** Whether a call with this status is over. */
export function isTerminalCallStatus(callStatus: string): boolean {
  return TERMINAL_CALL_STATUSES.has(callStatus)
}

/** From the end of a person's greeting to the beginning of the message: 47 CFR 64.1200(a)(7), read 2026-11-21. */
export const MESSAGE_START_MAX_MS = 2000

/** What is asked of a call before it counts for or against its campaign. */
export type AnswerOfCall = Pick<
  CallRecord,
  'direction' | 'callStatus' | 'via' | 'answeredBy' | 'answeredAt' | 'greetingEndedAt' | 'messageStartedAt' | 'endedAt'
>

/**
 * Whether a call that we placed was abandoned: answered by a person to whom nothing was said within two seconds of the end of their
 * greeting, or, where that end is not known, of the answer, which is stricter. Who is not certainly a machine is a person.
 *
 * `'not-counted'`: no person answered; they hung up within the two seconds; the call goes on and nothing was said yet; or ElevenLabs
 * carries the sound (`via` `register-call`) and has not told when the agent spoke.
 */
export function abandonmentOf(call: AnswerOfCall): 'in-time' | 'abandoned' | 'not-counted' {
  const { direction, callStatus, via, answeredBy, answeredAt, greetingEndedAt, messageStartedAt, endedAt } = call
  const isMachine = answeredBy !== null && (answeredBy.startsWith('machine') || answeredBy === 'fax')
  // Twilio calls a call completed that was answered and has ended; the callback that tells the moment may have been lost.
  const isAnswered = answeredAt !== null || messageStartedAt !== null || callStatus === 'completed'
  if (direction !== 'outbound' || isMachine || !isAnswered) return 'not-counted'
  const greetedAt = greetingEndedAt ?? answeredAt
  if (messageStartedAt !== null) {
    return greetedAt !== null && messageStartedAt - greetedAt > MESSAGE_START_MAX_MS ? 'abandoned' : 'in-time'
  }
  if (!isTerminalCallStatus(callStatus) || via === 'register-call') return 'not-counted'
  const isTooShort = greetedAt !== null && endedAt !== null && endedAt - greetedAt <= MESSAGE_START_MAX_MS
  return isTooShort ? 'not-counted' : 'abandoned'
}
