/** A clock that moves by itself whenever the process has nothing left to do, so that a busy machine slows the call and changes nothing. */
import 'undici' // callweave loads it with its first request, and while a module loads this clock would run on
import type { Clock } from 'callweave'

interface Timer {
  dueMs: number
  readonly periodMs: number | undefined
  readonly callback: () => void
}

/** A clock that can be waited on. */
export interface StepClock extends Clock {
  /** Resolves once so much time has passed on it, in milliseconds. */
  sleep(ms: number): Promise<void>
  /** Ends it. */
  stop(): void
}

/** Starts it at a moment, in milliseconds since 1970. */
export function stepClock(startAt: number): StepClock {
  const timers = new Set<Timer>()
  let nowMs = startAt
  let isStopped = false
  const add = (callback: () => void, delayMs: number, periodMs?: number): Timer => {
    const timer = { dueMs: nowMs + Math.max(0, delayMs), periodMs, callback }
    timers.add(timer)
    return timer
  }
  const step = (): void => {
    const untilMs = nowMs + 5
    for (;;) {
      const [next] = [...timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)
      if (!next) break
      nowMs = Math.max(nowMs, next.dueMs)
      if (next.periodMs === undefined) timers.delete(next)
      else next.dueMs += Math.max(1, next.periodMs)
      next.callback()
    }
    nowMs = untilMs
    if (!isStopped) setImmediate(() => setImmediate(step))
  }
  setImmediate(step)
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    setTimeout: (callback, delayMs) => add(callback, delayMs),
    setInterval: (callback, periodMs) => add(callback, periodMs, periodMs),
    clear: (timer) => void timers.delete(timer as Timer),
    sleep: (ms) => new Promise((resolve) => void add(resolve, ms)),
    stop: () => {
      isStopped = true
    },
  }
}
