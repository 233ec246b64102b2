/**
 * What the load generator measures while it is asked to.
 *
 * @module
 */

/** Delays, counted in steps of ten microseconds, so that millions of them cost nothing. */
export class Delays {
  static readonly #STEP_MS = 0.01
  readonly #counts = new Map<number, number>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(ms: number): void {
    const step = Math.ceil(Math.max(0, ms) / Delays.#STEP_MS)
    this.#counts.set(step, (this.#counts.get(step) ?? 0) + 1)
    this.#size++
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.clear()
    this.#size = 0
  }

  /** Takes in what another process counted. */
  merge(counts: DelayCounts): void {
    for (const [step, count] of counts) {
      this.#counts.set(step, (this.#counts.get(step) ?? 0) + count)
      this.#size += count
    }
  }

  toJSON(): DelayCounts {
    return [...this.#counts]
  }

  /** The delay that a share `q` of all stayed within, in milliseconds. `NaN` when there are none. */
  quantile(q: number): number {
    let left = Math.max(1, Math.ceil(this.#size * q))
    for (const [step, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count
      if (left <= 0) return step * Delays.#STEP_MS
    }
    return NaN
  }
}

/** {@link Delays} on their way to another process: steps and how often each. */
export type DelayCounts = readonly (readonly [step: number, count: number])[]

/** The kinds of delay. */
export interface Measured<T = Delays> {
  /** A caller's frame, from our send to its arrival at the agent. */
  readonly up: T
  /** Agent audio that nothing needed to hold back, from our send to its arrival at the caller. */
  readonly down: T
  /** An interruption, from our send to the arrival of `clear`. */
  readonly clear: T
  /** How much later than planned the generator itself sent a frame: above a few milliseconds it measured itself. */
  readonly lateness: T
  /** From `start` to the first agent audio. */
  readonly greeting: T
}

export function newMeasured(): Measured {
  return { up: new Delays(), down: new Delays(), clear: new Delays(), lateness: new Delays(), greeting: new Delays() }
}

/** Adds what another process measured. */
export function mergeMeasured(into: Measured, from: Measured<DelayCounts>): void {
  for (const key of Object.keys(into) as (keyof Measured)[]) into[key].merge(from[key])
}
