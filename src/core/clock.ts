/**
 * Time as something that is handed in, so that a test owns it and the simulator can run faster than life.
 *
 * @module
 */

/** A running timer, as its clock knows it. */
export type TimerHandle = object

/** Where every part of the library reads the time and sets timers. */
export interface Clock {
  /** Milliseconds since 1970, for time stamps that leave the process. May jump. */
  now(): number
  /** Milliseconds from an arbitrary start, for durations. Never goes back. */
  monotonicMs(): number
  /** Runs `callback` once after `delayMs`. A timer never keeps the process alive. */
  setTimeout(callback: () => void, delayMs: number): TimerHandle
  /** Runs `callback` every `periodMs`. A timer never keeps the process alive. */
  setInterval(callback: () => void, periodMs: number): TimerHandle
  /** Clears a timer of either kind. Does nothing when it has fired or is `undefined`. */
  clear(timer: TimerHandle | undefined): void
}

/** The machine's clock running `speed` times as fast, e.g. `scaledClock(10)` plays a minute in six seconds. */
export function scaledClock(speed: number): Clock {
  if (!(speed > 0 && Number.isFinite(speed))) throw new RangeError(`speed must be a positive number, got ${speed}`)
  const wallStartMs = Date.now()
  const startMs = performance.now()
  return {
    now: () => wallStartMs + (Date.now() - wallStartMs) * speed,
    monotonicMs: () => startMs + (performance.now() - startMs) * speed,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs / speed).unref(),
    setInterval: (callback, periodMs) => setInterval(callback, periodMs / speed).unref(),
    clear: (timer) => {
      clearTimeout(timer as NodeJS.Timeout | undefined)
    },
  }
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  setInterval: (callback, periodMs) => setInterval(callback, periodMs).unref(),
  clear: (timer) => {
    clearTimeout(timer as NodeJS.Timeout | undefined)
  },
}

interface ManualTimer {
  dueMs: number
  readonly order: number
  readonly periodMs: number | undefined
  readonly callback: () => void
}

/** A clock that stands still until it is told to go on. For tests. */
export class ManualClock implements Clock {
  #nowMs: number
  #order = 0
  readonly #timers = new Set<ManualTimer>()

  /** @param startAt - The first answer of `now()`, in milliseconds since 1970. */
  constructor(startAt = Date.UTC(2026, 0, 5, 15, 0, 0)) {
    this.#nowMs = startAt
  }

  /** Timers that are set and have not fired: zero when everything was cleaned up. */
  get pendingTimers(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    return this.#add(callback, delayMs, undefined)
  }

  setInterval(callback: () => void, periodMs: number): TimerHandle {
    return this.#add(callback, periodMs, Math.max(1, periodMs))
  }

  clear(timer: TimerHandle | undefined): void {
    if (timer) this.#timers.delete(timer as ManualTimer)
  }

  /** Moves time forward and fires, in order, whatever falls due on the way. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      let next: ManualTimer | undefined
      for (const timer of this.#timers) {
        if (timer.dueMs > untilMs) continue
        if (!next || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) next = timer
      }
      if (!next) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      if (next.periodMs === undefined) this.#timers.delete(next)
      else next.dueMs += next.periodMs
      next.callback()
    }
    this.#nowMs = untilMs
  }

  /** As {@link advance} in small steps, giving promises the chance to run between them. */
  async advanceAsync(ms: number, stepMs = 10): Promise<void> {
    for (let doneMs = 0; doneMs < ms; doneMs += stepMs) {
      this.advance(Math.min(stepMs, ms - doneMs))
      for (let i = 0; i < 8; i++) await Promise.resolve()
    }
  }

  #add(callback: () => void, delayMs: number, periodMs: number | undefined): TimerHandle {
    const timer: ManualTimer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, periodMs, callback }
    this.#timers.add(timer)
    return timer
  }
}
