/**
 * One timer that many calls share: pacing costs a timer for the process, not one for each call.
 *
 * @module
 */
import type { Clock, TimerHandle } from './clock.js'

/** Calls its subscribers every period, and runs only while it has any. */
export class Ticker {
  readonly #clock: Clock
  readonly #periodMs: number
  readonly #subscribers = new Set<() => void>()
  #timer: TimerHandle | undefined

  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock
    this.#periodMs = periodMs
  }

  /** Subscribes until {@link remove}. Adding twice is once. */
  add(subscriber: () => void): void {
    this.#subscribers.add(subscriber)
    this.#timer ??= this.#clock.setInterval(() => {
      for (const tick of this.#subscribers) tick()
    }, this.#periodMs)
  }

  remove(subscriber: () => void): void {
    this.#subscribers.delete(subscriber)
    if (this.#subscribers.size > 0) return
    this.#clock.clear(this.#timer)
    this.#timer = undefined
  }
}

const tickers = new WeakMap<Clock, Map<number, Ticker>>()

/** The ticker that everyone on this clock and period shares. */
export function sharedTicker(clock: Clock, periodMs: number): Ticker {
  let ofClock = tickers.get(clock)
  if (!ofClock) {
    ofClock = new Map<number, Ticker>()
    tickers.set(clock, ofClock)
  }
  let ticker = ofClock.get(periodMs)
  if (!ticker) {
    ticker = new Ticker(clock, periodMs)
    ofClock.set(periodMs, ticker)
  }
  return ticker
}
