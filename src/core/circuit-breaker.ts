/**
 * Stops asking a vendor that does nothing but fail, so that a thousand leads are not spent on a broken account.
 *
 * @module
 */
import type { Clock } from './clock.js'

export interface CircuitBreakerOptions {
  readonly clock: Clock
  /** So many failures in a row open it. Default 5. */
  readonly maxFailures?: number
  /** How long it stays open before one request may try, in milliseconds. Default 60 000. */
  readonly openMs?: number
}

/** One for each vendor and account. */
export class CircuitBreaker {
  readonly #clock: Clock
  readonly #maxFailures: number
  readonly #openMs: number
  #failures = 0
  #openUntilMs: number | undefined
  #isTrying = false

  constructor({ clock, maxFailures = 5, openMs = 60_000 }: CircuitBreakerOptions) {
    this.#clock = clock
    this.#maxFailures = maxFailures
    this.#openMs = openMs
  }

  /** Whether a request may go out now. Once it was open for its time, `true` for one; that one's fate decides. */
  tryPass(): boolean {
    if (this.#openUntilMs === undefined) return true
    if (this.#isTrying || this.#clock.monotonicMs() < this.#openUntilMs) return false
    this.#isTrying = true
    return true
  }

  /** The vendor did what it was asked, or refused for a reason that lies in the request. */
  succeeded(): void {
    this.#failures = 0
    this.#openUntilMs = undefined
    this.#isTrying = false
  }

  /** The request that passed never reached the vendor, so nothing was learned about it. */
  untried(): void {
    this.#isTrying = false
  }

  /** The vendor failed, or the account cannot do anything. */
  failed(): void {
    this.#isTrying = false
    if (++this.#failures >= this.#maxFailures) this.#openUntilMs = this.#clock.monotonicMs() + this.#openMs
  }

  /** `'open'`: nothing passes. */
  get state(): 'closed' | 'open' {
    return this.#openUntilMs === undefined ? 'closed' : 'open'
  }
}
