/**
 * How many calls one caller, and one tenant, may have here. A call over the limit is answered all the same, with a busy tone or a sentence: Twilio's
 * webhooks are never refused for coming often (https://www.twilio.com/docs/api/errors/11217, read 2026-11-21).
 *
 * @module
 */
import type { Clock } from '../core/clock.js'

/** Limits of inbound calls. */
export interface AnswerLimits {
  /** Calls of one caller in any stretch of {@link windowMs}. Default: no limit. A withheld number counts as one caller. */
  readonly callsPerCaller?: number
  /** Default 3 600 000: an hour. */
  readonly windowMs?: number
  /** Calls of one tenant at once. Default: no limit but `maxCalls`. */
  readonly liveCallsPerTenant?: number
}

/** Callers that are remembered; beyond it the one that was quiet longest is forgotten. */
const MAX_CALLERS = 10_000

/** Counts callers. */
export class CallerLimits {
  readonly #limits: AnswerLimits
  readonly #clock: Clock
  readonly #seen = new Map<string, number[]>()

  /** @throws RangeError for what is no limit. */
  constructor(limits: AnswerLimits, clock: Clock) {
    for (const [name, value] of Object.entries(limits)) {
      if (value !== undefined && !(value >= 1)) throw new RangeError(`limits.${name} must be 1 or more, got ${value}`)
    }
    this.#limits = limits
    this.#clock = clock
  }

  /** Counts a call, and tells whether it is over its caller's or its tenant's limit. */
  isOver(caller: string, liveOfTenant: number): boolean {
    const { callsPerCaller, windowMs = 3_600_000, liveCallsPerTenant } = this.#limits
    if (liveCallsPerTenant !== undefined && liveOfTenant >= liveCallsPerTenant) return true
    if (callsPerCaller === undefined) return false
    const nowMs = this.#clock.monotonicMs()
    const recent = (this.#seen.get(caller) ?? []).filter((atMs) => atMs > nowMs - windowMs)
    const isOver = recent.length >= callsPerCaller
    this.#seen.delete(caller)
    this.#seen.set(caller, isOver ? recent : [...recent, nowMs])
    for (const quietest of this.#seen.keys()) {
      if (this.#seen.size <= MAX_CALLERS) break
      this.#seen.delete(quietest)
    }
    return isOver
  }
}
