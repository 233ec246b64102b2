/**
 * Carries events from a store's outbox to sinks.
 *
 * @module
 */
import { CircuitBreaker } from '../core/circuit-breaker.js'
import { systemClock, type Clock, type TimerHandle } from '../core/clock.js'
import { VendorError, VoiceError } from '../core/errors.js'
import { runListeners } from '../core/listeners.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { EVERY_TENANT, type OutboxEvent, type OutboxStore, type TakenEvent } from '../storage/queues.js'
import { cloudEventOf } from './cloud-event.js'
import { copyFor, readCopy } from './fan-out.js'
import type { EventFeed } from './feed.js'
import { withoutPersonalFields } from './map.js'
import type { EventSink } from './sink.js'

export interface OutboxDispatcherOptions {
  readonly store: Pick<OutboxStore, 'takeEvents' | 'ackEvent' | 'copyEvent' | 'deferEvent' | 'parkEvent'>
  /**
   * Name → sink. Names are 1 to 32 of `a-z`, `0-9` and `-`, and stay as they are: events wait under them. Every process that dispatches from
   * one store has the same. None: events go to the feed alone, and are forgotten.
   */
  readonly sinks: Readonly<Record<string, EventSink>>
  /** Who tells the events: an absolute address of this application, e.g. `'https://voice.example.com'`. */
  readonly source: string
  /** Sinks that get the fields that tell of a person, by name. Default: none. */
  readonly personalFieldsTo?: readonly string[]
  /** Told of each event as it is taken, before any sink; it never holds one up. */
  readonly feed?: EventFeed
  /** Deliveries at once. Default 16. */
  readonly concurrency?: number
  /** How often to look for events of which nobody told, in milliseconds. Default 1000. */
  readonly pollMs?: number
  /** How long one delivery may take, in milliseconds. Default 15 000. */
  readonly deliveryTimeoutMs?: number
  /** How long an event stays with a process that may have died, in milliseconds. Longer than `deliveryTimeoutMs`. Default 60 000. */
  readonly visibilityMs?: number
  /** After so many tries an event is parked, and the next of its key goes out. Default 30: with the default delays, about half a day. */
  readonly maxTries?: number
  /** The wait after the first failure, in milliseconds; it doubles with each one more. Default 1000. */
  readonly firstDelayMs?: number
  /** The longest wait between two tries, in milliseconds. Default 3 600 000. */
  readonly maxDelayMs?: number
  /** Told of each event that is given up. `listParkedEvents` of the store has them. */
  readonly onParked?: (event: OutboxEvent, reason: string) => void
  readonly clock?: Clock
  readonly logger?: Logger
  /** From 0 to 1, for the jitter. Default `Math.random`. */
  readonly random?: () => number
}

const DEFAULTS = {
  concurrency: 16,
  pollMs: 1000,
  deliveryTimeoutMs: 15_000,
  visibilityMs: 60_000,
  maxTries: 30,
  firstDelayMs: 1000,
  maxDelayMs: 3_600_000,
}

/** A sink that failed so often in a row for a tenant is asked for one event at a time, so seldom, until it takes one. */
const BREAKER = { maxFailures: 5, openMs: 5000 }
/** What a receipt that is void means. */
const NOT_OURS = 'An event was carried so late that another process has it too, or it was erased meanwhile'
/** Failed events whose telling to the feed is remembered; beyond it one may be told again. */
const MAX_TOLD = 10_000

/**
 * Takes events from the outbox and hands them to sinks: at least once, under an id that stays the same, and in order for each key. It runs beside
 * the calls: nothing here is waited for by one.
 *
 * Several processes may run one each on the same store. With more than one sink each event is first copied for each of them, so that one which
 * is down, slow or wrong holds up nothing but its own copies.
 *
 * @example
 * ```ts
 * const dispatcher = new OutboxDispatcher({ store, source: 'https://voice.example.com', sinks: { crm: webhookSink({ endpoint }) } })
 * dispatcher.start()
 * process.once('SIGTERM', () => void dispatcher.close())
 * ```
 */
export class OutboxDispatcher {
  readonly #options: OutboxDispatcherOptions & typeof DEFAULTS
  readonly #sinkNames: readonly string[]
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #breakers = new Map<string, CircuitBreaker>()
  /** Events that were told to the feed and are to be tried again. */
  readonly #told = new Set<string>()
  readonly #idle = new Set<() => void>()
  #running = 0
  #timer: TimerHandle | undefined
  #isClosed = false
  #pass: Promise<void> | undefined
  #isPassWanted = false

  /** @throws TypeError or RangeError for a name or a number that cannot be. */
  constructor(options: OutboxDispatcherOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.#sinkNames = Object.keys(options.sinks)
    this.#clock = options.clock ?? systemClock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    checkOptions(this.#options)
  }

  /** Sinks that failed five times in a row for a tenant, and have taken nothing since. For a health check. */
  get failingSinks(): readonly string[] {
    const failing = [...this.#breakers].filter(([, breaker]) => breaker.state !== 'closed')
    return [...new Set(failing.map(([key]) => key.slice(0, key.indexOf('/'))))]
  }

  /** Starts looking. */
  start(): void {
    if (this.#isClosed) return
    this.#timer ??= this.#clock.setInterval(() => this.kick(), this.#options.pollMs)
    this.kick()
  }

  /** Looks now: for whoever has just written events and does not want to wait for the next look. */
  kick(): void {
    if (this.#isClosed) return
    this.#isPassWanted = true
    this.#pass ??= this.#passes().finally(() => {
      this.#pass = undefined
      if (this.#isPassWanted) this.kick()
      else this.#tellIdle()
    })
  }

  /** Resolves once no event is due that this process could deliver. */
  async idle(): Promise<void> {
    if (!this.#pass && this.#running === 0) return
    await new Promise<void>((resolve) => this.#idle.add(resolve))
  }

  /** Takes nothing new, and waits for deliveries that are under way, each for no longer than its time limit. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#isPassWanted = false
    this.#clock.clear(this.#timer)
    this.#timer = undefined
    await this.idle()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #passes(): Promise<void> {
    const { store, concurrency, visibilityMs } = this.#options
    while (this.#isPassWanted && !this.#isClosed) {
      this.#isPassWanted = false
      const limit = concurrency - this.#running
      if (limit <= 0) return // whoever ends a delivery looks again
      try {
        const taken = await store.takeEvents({ tenantId: EVERY_TENANT, limit, visibilityMs })
        for (const one of taken) void this.#handle(one)
      } catch (error) {
        this.#logger.error('The outbox could not be looked into', { error })
      }
    }
  }

  async #handle(taken: TakenEvent): Promise<void> {
    this.#running++
    try {
      await this.#carry(taken)
    } catch (error) {
      await this.#putOff(taken, error)
    } finally {
      this.#running--
      this.kick() // a place is free, and the next of the key may be due
      this.#tellIdle()
    }
  }

  async #settle({ event, receipt }: TakenEvent): Promise<void> {
    this.#told.delete(toldKeyOf(event))
    try {
      const isOurs = await this.#options.store.ackEvent(receipt)
      if (!isOurs) this.#logger.warn(NOT_OURS, idsOf(event))
    } catch (error) {
      this.#logger.error('A delivered event could not be forgotten and will be delivered again', { ...idsOf(event), error }) // prettier-ignore
    }
  }

  /** To the one sink; or a copy to the outbox for each. */
  async #carry(taken: TakenEvent): Promise<void> {
    const { event, receipt, takes } = taken
    const copy = readCopy(event)
    if (!copy) this.#tellFeed(event)
    const [only, ...others] = this.#sinkNames
    if (!copy && others.length > 0) {
      const copies = this.#sinkNames.map((sinkName) => copyFor(sinkName, event))
      if (!(await this.#options.store.copyEvent(receipt, copies))) this.#logger.warn(NOT_OURS, idsOf(event))
      this.#told.delete(toldKeyOf(event))
      return
    }
    if (copy) await this.#deliver(copy.sinkName, copy.original, takes)
    else if (only !== undefined) await this.#deliver(only, event, takes)
    await this.#settle(taken)
  }

  async #deliver(sinkName: string, original: OutboxEvent, tries: number): Promise<void> {
    const { sinks, source, personalFieldsTo = [], deliveryTimeoutMs } = this.#options
    const sink = sinks[sinkName]
    if (!sink) throw new VoiceError('event_not_taken', `This process has no sink "${sinkName}"`)
    const breakerKey = `${sinkName}/${original.tenantId}`
    const breaker = this.#breakers.get(breakerKey) ?? new CircuitBreaker({ clock: this.#clock, ...BREAKER })
    this.#breakers.set(breakerKey, breaker)
    if (!breaker.tryPass()) {
      const skipped = `The sink "${sinkName}" failed again and again, and is not asked for a moment`
      throw new VendorError('event_not_taken', skipped, { retryAfterMs: BREAKER.openMs })
    }

    const data = personalFieldsTo.includes(sinkName)
      ? original.data
      : withoutPersonalFields(original.type, original.data)
    const abort = new AbortController()
    let timer: TimerHandle | undefined
    const outOfTime = new Promise<never>((_, reject) => {
      timer = this.#clock.setTimeout(() => {
        reject(new VoiceError('event_not_taken', `The sink "${sinkName}" took longer than ${deliveryTimeoutMs} ms`))
        abort.abort()
      }, deliveryTimeoutMs)
    })
    try {
      const event = cloudEventOf({ ...original, data }, source)
      await Promise.race([sink.deliver({ event, key: original.key, tries, signal: abort.signal }), outOfTime])
      this.#breakers.delete(breakerKey)
    } catch (error) {
      breaker.failed()
      throw error
    } finally {
      this.#clock.clear(timer)
    }
  }

  async #putOff(taken: TakenEvent, error: unknown): Promise<void> {
    const { store, maxTries, firstDelayMs, maxDelayMs, random = Math.random, onParked } = this.#options
    const { event, receipt, takes } = taken
    const ids = { ...idsOf(event), tries: takes }
    try {
      if (takes >= maxTries) {
        const reason = reasonOf(error)
        this.#logger.error('An event was given up and parked', { ...ids, error })
        this.#told.delete(toldKeyOf(event))
        if (await store.parkEvent(taken, reason)) {
          runListeners(this.#logger, 'onParked', () => onParked?.(event, reason), ids)
        }
        return
      }
      const doubledMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(takes - 1, 40))
      const askedMs = error instanceof VendorError ? (error.retryAfterMs ?? 0) : 0
      const delayMs = Math.max(
        doubledMs * (0.5 + random() / 2),
        Math.min(askedMs, Math.max(maxDelayMs, BREAKER.openMs)),
      )
      this.#logger.warn('An event was not taken and will be tried again', { ...ids, error })
      await store.deferEvent(receipt, Math.round(this.#clock.now() + delayMs))
    } catch (inner) {
      // It is due again by itself once its time with this process is over.
      this.#logger.error('An event could not be put off', { ...ids, error: inner })
    }
  }

  #tellFeed(event: OutboxEvent): void {
    const { feed } = this.#options
    const key = toldKeyOf(event)
    if (!feed || this.#told.has(key)) return
    if (this.#told.size < MAX_TOLD) this.#told.add(key)
    runListeners(this.#logger, event.type, () => feed.tell(event), idsOf(event))
  }

  #tellIdle(): void {
    if (this.#pass || this.#running > 0) return
    const waiting = [...this.#idle]
    this.#idle.clear()
    for (const resolve of waiting) resolve()
  }
}

const idsOf = ({ tenantId, eventId, type }: OutboxEvent) => ({ tenantId, eventId, event: type })
const toldKeyOf = ({ tenantId, eventId }: OutboxEvent): string => `${tenantId}\0${eventId}`

/** Why, without what a foreign error's message may hold. */
function reasonOf(error: unknown): string {
  if (error instanceof VoiceError) return `${error.code}: ${error.message}`
  if (!(error instanceof Error)) return 'something was thrown that is no error'
  const { code } = error as { code?: unknown }
  return typeof code === 'string' || typeof code === 'number' ? `${error.name} ${code}` : error.name
}

function checkOptions(options: OutboxDispatcherOptions & typeof DEFAULTS): void {
  for (const name of Object.keys(options.sinks)) {
    if (!/^[a-z0-9-]{1,32}$/.test(name)) throw new TypeError('The name of a sink is 1 to 32 of a-z, 0-9 and -')
  }
  for (const name of options.personalFieldsTo ?? []) {
    if (!Object.hasOwn(options.sinks, name)) throw new TypeError(`personalFieldsTo names "${name}", which is no sink`)
  }
  if (options.source === '') throw new TypeError('source must not be empty')
  const { concurrency, maxTries } = options
  for (const [name, value] of Object.entries({ concurrency, maxTries })) {
    if (!(Number.isInteger(value) && value >= 1 && value <= 1000))
      throw new RangeError(`${name} must be 1 to 1000, got ${value}`)
  }
  const { pollMs, deliveryTimeoutMs, firstDelayMs, maxDelayMs, visibilityMs } = options
  for (const [name, value] of Object.entries({ pollMs, deliveryTimeoutMs, firstDelayMs, maxDelayMs })) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${name} must be a positive number, got ${value}`)
  }
  if (!(visibilityMs > deliveryTimeoutMs)) {
    throw new RangeError(`visibilityMs (${visibilityMs}) must be longer than deliveryTimeoutMs (${deliveryTimeoutMs})`)
  }
}
