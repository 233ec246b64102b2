/**
 * What a store that is down did not take: held in memory, in its order, and tried again until the store is back.
 *
 * @module
 */
import type { Clock, TimerHandle } from '../core/clock.js'
import { StorageError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'

export interface HeldWritesOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** How many at most; beyond it nothing more is held. Default 10 000: with a webhook of Twilio's about 20 MB. */
  readonly max?: number
}

/** The first try again, and the longest wait between two, in milliseconds. */
const FIRST_AGAIN_MS = 500
const MAX_AGAIN_MS = 10_000

/** Whether a write that failed so may be taken later: it was not what is written that was at fault. */
export function isWorthHolding(error: unknown): boolean {
  return !(error instanceof StorageError && ['storage_key_invalid', 'storage_record_invalid'].includes(error.code))
}

/** Holds writes. It is no store: what is held dies with the process. */
export class HeldWrites {
  readonly #options: HeldWritesOptions
  readonly #held = new Map<string, () => Promise<unknown>>()
  #timer: TimerHandle | undefined
  #delayMs = FIRST_AGAIN_MS
  #isClosed = false

  constructor(options: HeldWritesOptions) {
    this.#options = options
  }

  /** How many are held. */
  get size(): number {
    return this.#held.size
  }

  /**
   * Holds a write that has just failed. The same name again is the same write.
   *
   * @returns Whether it is held. `false`: it can never be written, or there are too many.
   */
  hold(name: string, write: () => Promise<unknown>, error: unknown): boolean {
    const { logger, max = 10_000 } = this.#options
    if (!isWorthHolding(error)) return false
    if (this.#held.has(name)) return true
    if (this.#isClosed || this.#held.size >= max) {
      logger.error('The store takes nothing, and there is no more room to hold what it should', { held: this.#held.size, error }) // prettier-ignore
      return false
    }
    if (this.#held.size === 0) logger.error('The store takes nothing: what it should take is held in memory', { error })
    this.#held.set(name, write)
    this.#schedule()
    return true
  }

  /** Tries a last time. What is not written now is lost. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#options.clock.clear(this.#timer)
    await this.#writeAll()
    if (this.#held.size > 0) this.#options.logger.error('What was held for the store is lost', { lost: this.#held.size }) // prettier-ignore
    this.#held.clear()
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#timer ??= this.#options.clock.setTimeout(() => void this.#tryAgain(), this.#delayMs)
  }

  async #tryAgain(): Promise<void> {
    const isBack = await this.#writeAll()
    this.#timer = undefined
    this.#delayMs = isBack ? FIRST_AGAIN_MS : Math.min(MAX_AGAIN_MS, this.#delayMs * 2)
    if (this.#held.size > 0) this.#schedule()
    else this.#options.logger.info('The store has everything that was held')
  }

  /** One after the other, oldest first, until one fails. @returns Whether none did. */
  async #writeAll(): Promise<boolean> {
    for (const [name, write] of this.#held) {
      try {
        await write()
      } catch (error) {
        if (isWorthHolding(error)) return false
        this.#options.logger.error('What was held can never be written', { error })
      }
      this.#held.delete(name)
    }
    return true
  }
}
