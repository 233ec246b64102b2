/**
 * So many in so long.
 *
 * @module
 */

/** Counts what happened within a rolling window. */
export class RollingCount {
  readonly #windowMs: number
  #atMs: number[] = []

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** Counts one more, unless `limit` have happened in the window. */
  takes(limit: number, nowMs: number): boolean {
    this.#atMs = this.#atMs.filter((atMs) => nowMs - atMs < this.#windowMs)
    if (this.#atMs.length >= limit) return false
    this.#atMs.push(nowMs)
    return true
  }
}
