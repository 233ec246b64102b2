/**
 * Does work that waits in a store: at once where this process left it, in time where another did, again where somebody died at it.
 *
 * @module
 */
import { systemClock, type Clock, type TimerHandle } from '../core/clock.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { EVERY_TENANT, type TakenWork, type WorkStore } from '../storage/queues.js'

/** What became of a piece of work: done for good, or to be done again at a moment (milliseconds since 1970). */
export type WorkOutcome = 'done' | { readonly againAt: number }

/** Does one piece of work. It may have been done in part before: see `takes`. */
export type WorkHandler = (taken: TakenWork) => Promise<WorkOutcome>

export interface WorkLoopOptions {
  readonly store: Pick<WorkStore, 'takeDueWork' | 'finishWork' | 'deferWork'>
  /** Queue → what to do. */
  readonly handlers: Readonly<Record<string, WorkHandler>>
  /** How often to look for work that nobody told of, in milliseconds. Default 1000. */
  readonly pollMs?: number
  /** How long one piece may take before somebody else may do it, in milliseconds. Default 120 000. */
  readonly visibilityMs?: number
  /**
   * Pieces at once, for each queue. Default 4: each piece holds a connection of the store now and then, and a pool that is all taken lets
   * what arrives wait.
   */
  readonly concurrency?: number
  /** While it says so, one piece of each queue at a time, so that something more urgent has the store. Looked at before work is taken. */
  readonly isBusy?: () => boolean
  /** A piece that fails and was taken so often is given up, so that what cannot be done does not wait for ever. Default 200: about a day. */
  readonly maxTakes?: number
  readonly clock?: Clock
  readonly logger?: Logger
}

/** The longest wait after failures, in milliseconds. */
const MAX_BACKOFF_MS = 600_000
/** From so many failures on each is reported as an error. */
const ALARMING_TAKES = 5

/** Runs until it is closed. Nothing is lost when it is not: what was taken and not finished is due again. */
export class WorkLoop {
  readonly #options: WorkLoopOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #running = new Map<string, number>()
  readonly #idle = new Set<() => void>()
  #timer: TimerHandle | undefined
  #isClosed = false
  #pass: Promise<void> | undefined
  /** Queues to look into. */
  readonly #wanted = new Set<string>()
  /** Queues in which more may be due than there were places for. */
  readonly #left = new Set<string>()

  constructor(options: WorkLoopOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
  }

  /** Starts looking. */
  start(): void {
    this.#timer ??= this.#clock.setInterval(() => this.kick(), this.#options.pollMs ?? 1000)
    this.kick()
  }

  /** Looks now, into one queue or into all: called by whoever has just left work. */
  kick(queue?: string): void {
    if (this.#isClosed) return
    for (const name of queue === undefined ? Object.keys(this.#options.handlers) : [queue]) this.#wanted.add(name)
    this.#look()
  }

  /** Resolves once nothing is due that this process could do. For tests and for shutdown. */
  async idle(): Promise<void> {
    if (!this.#pass && this.#count() === 0) return
    await new Promise<void>((resolve) => this.#idle.add(resolve))
  }

  /** Takes nothing new, and waits for what is being done. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#wanted.clear()
    this.#clock.clear(this.#timer)
    this.#timer = undefined
    await this.idle()
  }

  #look(): void {
    this.#pass ??= this.#passes().finally(() => {
      this.#pass = undefined
      if (this.#wanted.size > 0) this.#look()
      else this.#tellIdle()
    })
  }

  async #passes(): Promise<void> {
    for (const queue of this.#wanted) {
      this.#wanted.delete(queue) // asked for again meanwhile, it stands behind the others
      await this.#takeFrom(queue)
    }
  }

  async #takeFrom(queue: string): Promise<void> {
    const { store, concurrency = 4, isBusy, visibilityMs = 120_000, handlers } = this.#options
    const handler = handlers[queue]
    if (!handler) return
    const limit = (isBusy?.() ? 1 : concurrency) - (this.#running.get(queue) ?? 0)
    let taken: readonly TakenWork[] = []
    try {
      if (limit > 0) taken = await store.takeDueWork({ tenantId: EVERY_TENANT, queue, limit, visibilityMs })
    } catch (error) {
      this.#logger.error('Work could not be looked for', { queue, error })
      return
    }
    if (taken.length >= limit) this.#left.add(queue)
    else this.#left.delete(queue)
    for (const work of taken) void this.#do(queue, handler, work)
  }

  async #do(queue: string, handler: WorkHandler, taken: TakenWork): Promise<void> {
    const { store, maxTakes = 200 } = this.#options
    this.#running.set(queue, (this.#running.get(queue) ?? 0) + 1)
    const { workId, tenantId } = taken.work
    try {
      const outcome = await handler(taken)
      if (outcome === 'done') await store.finishWork(taken.receipt)
      else await store.deferWork(taken.receipt, outcome.againAt)
    } catch (error) {
      if (taken.takes >= maxTakes) {
        this.#logger.error('Work was given up', { queue, workId, tenantId, takes: taken.takes, error })
        await store.finishWork(taken.receipt).catch(() => undefined)
        return
      }
      const level = taken.takes >= ALARMING_TAKES ? 'error' : 'warn'
      this.#logger[level]('Work failed and will be done again', { queue, workId, tenantId, takes: taken.takes, error })
      const againAt = this.#clock.now() + Math.min(MAX_BACKOFF_MS, 1000 * 2 ** Math.min(taken.takes, 10))
      // If even that fails, it is due again when its time is over.
      await store.deferWork(taken.receipt, againAt).catch(() => undefined)
    } finally {
      this.#running.set(queue, (this.#running.get(queue) ?? 1) - 1)
      if (this.#left.has(queue)) this.kick(queue) // a place is free
      this.#tellIdle()
    }
  }

  #count(): number {
    let count = 0
    for (const running of this.#running.values()) count += running
    return count
  }

  #tellIdle(): void {
    if (this.#pass || this.#count() > 0) return
    const waiting = [...this.#idle]
    this.#idle.clear()
    for (const resolve of waiting) resolve()
  }
}
