/**
 * The rules on hanging up: how long a call must ring, and how many answered calls a campaign may abandon.
 *
 * A call is abandoned when a person answers and the message does not begin within two seconds of the end of their greeting; no
 * more than 3 % of a campaign's calls that a person answered may be, over 30 days: 47 CFR 64.1200(a)(7), 16 CFR
 * 310.4(b)(1)(iv), (b)(4). An unanswered call is not hung up before 15 seconds or 4 rings: 47 CFR 64.1200(a)(6). Read
 * 2026-11-21. The law counts successive periods of 30 days from the campaign's start; here it is the 30 days before the moment
 * of the question, by when a call was placed, which at the end of such a period is the same.
 *
 * @module
 */
import type { CallRecord } from '../records/call.js'
import { abandonmentOf } from '../records/call-status.js'

/** Four rings take 24 seconds in the United States (2 on, 4 off), so the time alone decides where rings are not counted. */
export const RING_MIN_MS = 15_000
export const RING_MIN_RINGS = 4
const MAX_ABANDONED_PERCENT = 3
export const ABANDONMENT_MAX_RATE = MAX_ABANDONED_PERCENT / 100
export const ABANDONMENT_WINDOW_MS = 30 * 24 * 60 * 60 * 1000

/** Of a campaign's calls, how many a person answered and how many of those were abandoned. */
export interface CampaignCount {
  readonly answered: number
  readonly abandoned: number
}

/** Whether more were abandoned than the law lets; in whole hundredths, so that 3 of 100 is 3 %, whatever a fraction makes of it. */
export function isOverAbandonmentLimit({ answered, abandoned }: CampaignCount, minAnswered: number): boolean {
  return abandoned * 100 > MAX_ABANDONED_PERCENT * Math.max(answered, minAnswered)
}

export interface AbandonmentOptions {
  readonly campaignId: string
  /** The moment of the question, in milliseconds since 1970. */
  readonly now: number
  /** As `abandonmentMinAnswered` of a policy. Default 1: the rate as it is. */
  readonly minAnswered?: number
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
 * Judges a campaign by its calls, for a report. The gate does it by itself, from the store's counts. Calls of other campaigns, and those
 * placed 30 × 24 hours ago or earlier or later than `now`, are passed over.
 */
export function judgeAbandonment(calls: Iterable<CallRecord>, options: AbandonmentOptions): AbandonmentFinding {
  const { campaignId, now, minAnswered = 1 } = options
  if (!(minAnswered >= 1)) throw new RangeError(`minAnswered must be 1 or more, got ${minAnswered}`)
  let answered = 0
  let abandoned = 0
  for (const call of calls) {
    if (call.campaignId !== campaignId || call.createdAt <= now - ABANDONMENT_WINDOW_MS || call.createdAt > now)
      continue
    const verdict = abandonmentOf(call)
    if (verdict !== 'not-counted') answered++
    if (verdict === 'abandoned') abandoned++
  }
  return {
    outcome: isOverAbandonmentLimit({ answered, abandoned }, minAnswered) ? 'stop' : 'go-on',
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
