/**
 * The rules on hanging up: how long a call must ring, and how many answered calls a campaign may abandon.
 *
 * A call is abandoned when a person answers and the message does not begin within two seconds of the end of their greeting; no
 * more than 3 % of a campaign's calls that a person answered may be, over 30 days: 47 CFR 64.1200(a)(7), 16 CFR
 * 310.4(b)(1)(iv), (b)(4). An unanswered call is not hung up before 15 seconds or 4 rings: 47 CFR 64.1200(a)(6). Read
 * 2026-11-21. The law counts successive periods of 30 days from the campaign's start; here it is the 30 days before the moment
 * of the question, which at the end of such a period is the same.
 *
 * @module
 */

/** Four rings take 24 seconds in the United States (2 on, 4 off), so the time alone decides where rings are not counted. */
export const RING_MIN_MS = 15_000
export const RING_MIN_RINGS = 4
/** From the end of the greeting to the beginning of the message. */
export const MESSAGE_START_MAX_MS = 2000
export const ABANDONMENT_MAX_RATE = 0.03
export const ABANDONMENT_WINDOW_MS = 30 * 24 * 60 * 60 * 1000

/** What a campaign's call tells about abandonment. Moments in milliseconds since 1970; `null`: it did not happen, or is not known. */
export interface AnsweredCall {
  readonly campaignId: string | null
  /** When it was answered. */
  readonly answeredAt: number | null
  /** Who answered. What is not certainly a machine counts as a person. */
  readonly answeredBy: 'person' | 'machine' | 'unknown'
  /** When the greeting ended. `null`: not known; then it is counted from the answer, which is stricter. */
  readonly greetingEndedAt: number | null
  /** When the message, or a person of the seller's, was first heard. `null`: never. */
  readonly messageStartedAt: number | null
}

/** Whether the call counts as abandoned. One that no person answered never does. */
export function isAbandoned(call: AnsweredCall): boolean {
  if (call.answeredAt === null || call.answeredBy === 'machine') return false
  if (call.messageStartedAt === null) return true
  return call.messageStartedAt - (call.greetingEndedAt ?? call.answeredAt) > MESSAGE_START_MAX_MS
}

export interface AbandonmentOptions {
  readonly campaignId: string
  /** The moment of the question, in milliseconds since 1970. */
  readonly now: number
  /**
   * Calls over which the rate is taken at least, so that one abandoned call among the first few need not stop a campaign.
   * Default 1: the rate as it is. With 100, three calls may be abandoned before a hundred were answered.
   */
  readonly minCalls?: number
}

/** What may happen next in a campaign. */
export interface AbandonmentFinding {
  /** `'stop'`: place no more calls in the campaign until the rate is at most 3 % again, or a person has looked. */
  readonly outcome: 'go-on' | 'stop'
  /** Calls that a person answered in the last 30 days. */
  readonly answered: number
  readonly abandoned: number
  /** Abandoned calls per answered call; 0 without any. */
  readonly rate: number
  readonly cite: string
}

/**
 * Judges a campaign by its calls. Calls of other campaigns, and those answered 30 × 24 hours ago or earlier or later than
 * `now`, are passed over.
 */
export function judgeAbandonment(calls: Iterable<AnsweredCall>, options: AbandonmentOptions): AbandonmentFinding {
  const { campaignId, now, minCalls = 1 } = options
  if (!(minCalls >= 1)) throw new RangeError(`minCalls must be 1 or more, got ${minCalls}`)
  let answered = 0
  let abandoned = 0
  for (const call of calls) {
    if (call.campaignId !== campaignId || call.answeredAt === null || call.answeredBy === 'machine') continue
    if (call.answeredAt <= now - ABANDONMENT_WINDOW_MS || call.answeredAt > now) continue
    answered++
    if (isAbandoned(call)) abandoned++
  }
  // In whole hundredths: 3 of 100 is 3 %, whatever a fraction makes of it.
  const isOver = abandoned * 100 > 3 * Math.max(answered, minCalls)
  return {
    outcome: isOver ? 'stop' : 'go-on',
    answered,
    abandoned,
    rate: answered === 0 ? 0 : abandoned / answered,
    cite: '47 CFR 64.1200(a)(7)',
  }
}

/** How long an unanswered call rang before it was hung up. */
export interface Ringing {
  readonly ringMs: number
  /** Rings that were counted, where somebody counts. */
  readonly rings?: number
}

/** Whether an unanswered call rang long enough to be hung up: 15 seconds or 4 rings. */
export function rangLongEnough({ ringMs, rings = 0 }: Ringing): boolean {
  return ringMs >= RING_MIN_MS || rings >= RING_MIN_RINGS
}

/**
 * The ring timeout to dial with, in whole seconds, as Twilio's `Timeout` wants it.
 *
 * @throws RangeError below 15 seconds, which would hang up too early.
 */
export function ringTimeoutSeconds(seconds: number): number {
  if (!(Number.isInteger(seconds) && seconds * 1000 >= RING_MIN_MS)) {
    throw new RangeError(`A call must ring for at least 15 whole seconds (47 CFR 64.1200(a)(6)), got ${seconds}`)
  }
  return seconds
}
