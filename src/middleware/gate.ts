/**
 * Lets so many through at a time, and keeps so many waiting.
 *
 * @module
 */

/** A gate with a number of places. */
export class Gate {
  #free: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []

  constructor({ places, maxWaiting }: { readonly places: number; readonly maxWaiting: number }) {
    this.#free = places
    this.#maxWaiting = maxWaiting
  }

  /** A place, to be given back by calling what comes: now, or when one is free. `undefined` when too many wait already. */
  async enter(): Promise<(() => void) | undefined> {
    if (this.#free > 0) this.#free--
    else if (this.#waiting.length >= this.#maxWaiting) return undefined
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    let isOurs = true
    return () => {
      if (!isOurs) return
      isOurs = false
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
