/**
 * A clock that moves only when the process has nothing left to read, so that a busy machine slows a call down and changes
 * nothing in it.
 *
 * `scaledClock` runs on while a loaded machine has no time for us: frames then come late and in heaps, and what was a pause of a
 * tenth of a second is one of two. Here every party of a call lives in this process and on this clock: between two steps the
 * event loop turns often enough for whatever was sent over loopback to arrive.
 *
 * @module
 */
import 'undici' // loaded with the first request otherwise, and while a module loads this clock runs on
import { afterEach } from 'vitest'
import { ManualClock, type Clock } from '../../src/core/clock.js'

/** How far one step goes, in milliseconds: a quarter of a frame. */
const STEP_MS = 5
/** Turns of the event loop between two steps. */
const TURNS = 2

/** A {@link ManualClock} that moves by itself. */
export interface SteppedClock extends Clock {
  /** Timers that are set and have not fired. */
  readonly pendingTimers: number
  /** Resolves once so much time has passed on it. */
  sleep(ms: number): Promise<void>
  /** Resolves once `isMet` holds; rejects when that takes longer than `withinMs`. */
  until(isMet: () => boolean, withinMs?: number): Promise<void>
  stop(): void
}

const running = new Set<SteppedClock>()
afterEach(() => {
  for (const clock of running) clock.stop()
})

/**
 * Starts a clock; it stops after the test.
 *
 * @param isHeld - Whether an answer of another process is being waited for, e.g. a database's: it stands still until it is there.
 */
export function steppedClock(isHeld: () => boolean = () => false): SteppedClock {
  const manual = new ManualClock(Date.now())
  let isStopped = false
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const run = async (): Promise<void> => {
    while (!isStopped) {
      for (let i = 0; i < TURNS; i++) await turn()
      if (!isHeld()) manual.advance(STEP_MS)
    }
  }
  const clock: SteppedClock = {
    now: () => manual.now(),
    monotonicMs: () => manual.monotonicMs(),
    setTimeout: (callback, delayMs) => manual.setTimeout(callback, delayMs),
    setInterval: (callback, periodMs) => manual.setInterval(callback, periodMs),
    clear: (timer) => manual.clear(timer),
    get pendingTimers() {
      return manual.pendingTimers
    },
    sleep: (ms) => new Promise((resolve) => manual.setTimeout(resolve, ms)),
    until: async (isMet, withinMs = 30_000) => {
      const untilMs = manual.monotonicMs() + withinMs
      while (!isMet()) {
        if (manual.monotonicMs() > untilMs) throw new Error(`it did not come true within ${withinMs} ms`)
        await clock.sleep(STEP_MS)
      }
    },
    stop: () => {
      isStopped = true
      running.delete(clock)
    },
  }
  running.add(clock)
  void run()
  return clock
}
