/**
 * Numbers that this process refuses although the store does not know it yet.
 *
 * @module
 */
import type { OptOutChannel } from '../../records/consent.js'
import type { DoNotCallEntry } from '../../records/do-not-call.js'
import type { DoNotCallStore, NumberOfTenant } from '../ports.js'

/** One request not to be called. */
export interface OptOut {
  readonly tenantId: string
  /** The person's number, E.164, as `remoteParty` gives it. */
  readonly phoneNumber: string
  /** How they asked. */
  readonly channel: OptOutChannel
  /** When they asked, in milliseconds since 1970. The same moment again is the same request. */
  readonly requestedAt: number
  readonly callSid?: string | null
  readonly leadId?: string | null
  /** What is worth keeping beside it: the rule that heard it, say. No speech. */
  readonly note?: string | null
}

export interface OptOutBlockListOptions {
  /** Requests that are remembered. Default 100 000. Beyond it every number is refused, since which ones to refuse is lost. */
  readonly maxEntries?: number
}

/**
 * Remembers requests from the moment they are heard until the store has them. One for the whole process: hand it to whatever
 * hears requests, and put it in front of the store with {@link guardedBy}. It does not survive the process.
 */
export class OptOutBlockList {
  readonly #maxEntries: number
  readonly #optOuts = new Map<string, OptOut>()
  #hasOverflowed = false

  constructor({ maxEntries = 100_000 }: OptOutBlockListOptions = {}) {
    if (!(maxEntries >= 1)) throw new RangeError(`maxEntries must be 1 or more, got ${maxEntries}`)
    this.#maxEntries = maxEntries
  }

  /** Requests that the store does not have, oldest first. */
  get pending(): readonly OptOut[] {
    return [...this.#optOuts.values()]
  }

  /** More requests were lost than could be remembered: every number is refused until the process is started anew. */
  get hasOverflowed(): boolean {
    return this.#hasOverflowed
  }

  /** Refuses a number from now on. Of several requests the first is kept. */
  block(optOut: OptOut): void {
    const key = keyOf(optOut)
    if (this.#optOuts.has(key)) return
    if (this.#optOuts.size >= this.#maxEntries) this.#hasOverflowed = true
    else this.#optOuts.set(key, optOut)
  }

  /** Forgets a request that the store has. */
  release(query: NumberOfTenant): void {
    this.#optOuts.delete(keyOf(query))
  }

  /** Whether a number must not be called by this process. */
  isBlocked(query: NumberOfTenant): boolean {
    return this.#hasOverflowed || this.#optOuts.has(keyOf(query))
  }

  /** The request as an entry of a do-not-call list; `undefined` when the number is not blocked. */
  entryOf(query: NumberOfTenant): DoNotCallEntry | undefined {
    if (!this.isBlocked(query)) return undefined
    const optOut = this.#optOuts.get(keyOf(query))
    return {
      tenantId: query.tenantId,
      phoneNumber: query.phoneNumber,
      addedAt: optOut?.requestedAt ?? 0,
      channel: optOut?.channel ?? 'api',
      leadId: optOut?.leadId ?? null,
      callSid: optOut?.callSid ?? null,
      note: optOut ? 'not in the store yet' : 'the list of requests that could not be stored has overflowed',
    }
  }
}

/** The same store, whose do-not-call list also has what it could not be told. Give this one to whatever decides about calls. */
export function guardedBy<T extends Pick<DoNotCallStore, 'findDoNotCall'>>(blockList: OptOutBlockList, store: T): T {
  const findDoNotCall: DoNotCallStore['findDoNotCall'] = async (query) =>
    blockList.entryOf(query) ?? store.findDoNotCall(query)
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'findDoNotCall') return findDoNotCall
      const member: unknown = Reflect.get(target, name, target)
      // Bound to the store itself: a class with private fields knows no proxy.
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

function keyOf({ tenantId, phoneNumber }: NumberOfTenant): string {
  return JSON.stringify([tenantId, phoneNumber])
}
