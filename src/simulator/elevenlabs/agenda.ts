/**
 * What falls due in one conversation, on the one timer that all conversations share.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { sharedTicker, type Ticker } from '../../core/ticker.js'

/** How exact it is, in milliseconds. */
const TICK_MS = 20

interface Item {
  readonly dueMs: number
  readonly run: () => void
}

/** Runs things later, until it is stopped. */
export class Agenda {
  readonly #clock: Clock
  readonly #ticker: Ticker
  readonly #onTick: () => void
  #items: Item[] = []

  /** @param onTick - Called every 20 ms as well. */
  constructor(clock: Clock, onTick: () => void) {
    this.#clock = clock
    this.#onTick = onTick
    this.#ticker = sharedTicker(clock, TICK_MS)
    this.#ticker.add(this.#tick)
  }

  /** Runs `run` after `delayMs`. The answer takes it off again. */
  after(delayMs: number, run: () => void): () => void {
    const item: Item = { dueMs: this.#clock.monotonicMs() + delayMs, run }
    this.#items.push(item)
    return () => {
      this.#items = this.#items.filter((other) => other !== item)
    }
  }

  /** Nothing happens any more. */
  stop(): void {
    this.#ticker.remove(this.#tick)
    this.#items = []
  }

  readonly #tick = (): void => {
    this.#onTick()
    const nowMs = this.#clock.monotonicMs()
    const due = this.#items.filter(({ dueMs }) => dueMs <= nowMs)
    if (due.length === 0) return
    this.#items = this.#items.filter(({ dueMs }) => dueMs > nowMs)
    for (const { run } of due) run()
  }
}
