/**
 * Something that is loaded often and changes seldom, kept for a while in the memory of this process.
 *
 * Never for consent or do-not-call: what the law asks for is read where it is written.
 *
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'

/** Options of a cached loader. */
export interface CachedLoaderOptions<T> {
  /** Loads the value of a key. When it rejects nothing is kept, and the next who asks loads again. */
  readonly load: (key: string) => Promise<T>
  /** How long a value is good, in milliseconds. Default 3 600 000: an hour. */
  readonly ttlMs?: number
  /** How many values are kept; beyond it the one that was not asked for the longest goes. Default 1000. */
  readonly maxEntries?: number
  readonly clock?: Clock
}

/** Loads through a cache. */
export interface CachedLoader<T> {
  /** The value, loaded if need be. Whoever asks while it is being loaded waits for the same load. */
  get(key: string): Promise<T>
  /** Forgets a value, one that is being loaded too: who asks next loads again. */
  drop(key: string): void
}

/** Makes a loader that keeps what it loaded, bounded in number and time. */
export function createCachedLoader<T>({
  load,
  ttlMs = 3_600_000,
  maxEntries = 1000,
  clock = systemClock,
}: CachedLoaderOptions<T>): CachedLoader<T> {
  if (!(ttlMs > 0)) throw new RangeError(`ttlMs must be above 0, got ${ttlMs}`)
  if (!(Number.isInteger(maxEntries) && maxEntries > 0))
    throw new RangeError(`maxEntries must be a whole number above 0, got ${maxEntries}`)
  /** Asked for last stands last. */
  const entries = new Map<string, { readonly value: Promise<T>; readonly untilMs: number }>()

  return {
    get(key) {
      const known = entries.get(key)
      entries.delete(key)
      if (known && known.untilMs > clock.monotonicMs()) {
        entries.set(key, known)
        return known.value
      }
      const entry = { value: load(key), untilMs: clock.monotonicMs() + ttlMs }
      entries.set(key, entry)
      entry.value.catch(() => {
        if (entries.get(key) === entry) entries.delete(key)
      })
      const [oldest] = entries.keys()
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest)
      return entry.value
    },
    drop(key) {
      entries.delete(key)
    },
  }
}
