/**
 * The value of a promise, or the news that it took too long.
 *
 * @module
 */
import type { Clock } from './clock.js'

/** What {@link within} gives when the time was up. */
export const LATE: unique symbol = Symbol('late')

/** Waits for `promise`, `ms` at most. What it does after that is no longer waited for, and its failure is nobody's. */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | typeof LATE> {
  let timer
  const late = new Promise<typeof LATE>((resolve) => {
    timer = clock.setTimeout(() => resolve(LATE), ms)
  })
  promise.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    clock.clear(timer)
  }
}
