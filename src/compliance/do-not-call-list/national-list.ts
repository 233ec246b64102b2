/**
 * Answers whether a number is on the national do-not-call registry, from a copy on this machine.
 *
 * A copy may be at most 31 days old on the day of the call (47 CFR 64.1200(c)(2)(i)(D), 16 CFR 310.4(b)(3)(iv); read
 * 2026-11-21). Here that is 31 × 24 hours since the copy was obtained, to the millisecond. An area code without a copy, a copy
 * that is too old and one that cannot be read never answer that a number may be called.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import type { DoNotCallAnswer } from '../../records/do-not-call.js'
import type { NationalRegistry } from '../ports.js'
import { AreaCodeList, isAreaCode } from './area-code-list.js'

/** How old a copy of the registry may be: 31 × 24 hours, in milliseconds. */
export const NATIONAL_LIST_MAX_AGE_MS = 31 * 24 * 60 * 60 * 1000

/**
 * Only `'not-listed'` lets a call through. `'stale'`: the copy is over 31 days old, or dated in the future. `'unknown'`: the
 * number is none of the United States' form, or there is no copy for its area code.
 */
export type NationalListAnswer = 'listed' | 'not-listed' | 'stale' | 'unknown'

/** Where the lists of the area codes are kept. `openListDirectory` of `callweave/do-not-call-list` is one. */
export interface AreaCodeLists {
  /** The bytes of an area code's list; `undefined` when there is none. Rejects when the storage fails. */
  read(areaCode: number): Promise<Uint8Array | undefined>
  /** A text that is another one after the list was replaced; `undefined` when there is none. Asked often: must be cheap. */
  versionOf(areaCode: number): Promise<string | undefined>
}

export interface NationalDoNotCallListOptions {
  readonly lists: AreaCodeLists
  readonly clock: Clock
  /**
   * Area codes that are held in memory at once, 1.25 MB each. Default 100. Beyond it the one that was not asked for longest is
   * let go, and read again when it is asked for.
   */
  readonly maxOpenAreaCodes?: number
  /** How often an area code that is held is compared with what is stored, in milliseconds. Default 60 000. */
  readonly recheckMs?: number
}

interface OpenList {
  readonly list: AreaCodeList
  readonly version: string | undefined
  checkedAtMs: number
  usedAt: number
}

const FIRST_AREA_CODE = 200

/**
 * The registry's copy on this machine.
 *
 * @example
 * ```ts
 * const registry = new NationalDoNotCallList({ lists: openListDirectory('/var/lib/dnc'), clock: systemClock })
 * const answer = await registry.findNational('+12125550123') // { isListed: true, copiedAt: 1795424400000 }
 * ```
 */
export class NationalDoNotCallList implements NationalRegistry {
  readonly #lists: AreaCodeLists
  readonly #clock: Clock
  readonly #maxOpen: number
  readonly #recheckMs: number
  /** By area code less 200. */
  readonly #open: (OpenList | undefined)[] = new Array<OpenList | undefined>(800).fill(undefined)
  readonly #opening = new Map<number, Promise<OpenList | undefined>>()
  #openCount = 0
  #uses = 0

  constructor({ lists, clock, maxOpenAreaCodes = 100, recheckMs = 60_000 }: NationalDoNotCallListOptions) {
    if (!(maxOpenAreaCodes >= 1)) throw new RangeError(`maxOpenAreaCodes must be 1 or more, got ${maxOpenAreaCodes}`)
    if (!(recheckMs >= 0)) throw new RangeError(`recheckMs must be 0 or more, got ${recheckMs}`)
    this.#lists = lists
    this.#clock = clock
    this.#maxOpen = maxOpenAreaCodes
    this.#recheckMs = recheckMs
  }

  /** Area codes that are held in memory. */
  get openAreaCodes(): number {
    return this.#openCount
  }

  /**
   * Looks a number up, reading the list of its area code when it is not held or was replaced.
   *
   * @param phoneNumber - `+1` and ten digits.
   * @returns what the copy says and how old it is, which is the caller's to judge; `undefined` when no copy covers the number.
   * @throws {@link VoiceError} `do_not_call_list_corrupt` when the list cannot be trusted, `do_not_call_list_io_failed` when it
   * cannot be read. Neither is an answer: the number must not be called.
   */
  async findNational(phoneNumber: string): Promise<DoNotCallAnswer | undefined> {
    const areaCode = areaCodeOf(phoneNumber)
    if (areaCode === 0) return undefined
    const open = await this.#openList(areaCode)
    if (!open) return undefined
    open.usedAt = ++this.#uses
    return { isListed: open.list.has(subscriberOf(phoneNumber)), copiedAt: open.list.copiedAt }
  }

  /**
   * Looks a number up in what is held, at once and with nothing allocated. `'not-open'` is no answer: {@link open} the area
   * code first, or use {@link findNational}. A listed number is `'listed'` however old the copy is.
   */
  lookup(phoneNumber: string): NationalListAnswer | 'not-open' {
    const areaCode = areaCodeOf(phoneNumber)
    if (areaCode === 0) return 'unknown'
    const open = this.#open[areaCode - FIRST_AREA_CODE]
    if (!open) return 'not-open'
    open.usedAt = ++this.#uses
    if (open.list.has(subscriberOf(phoneNumber))) return 'listed'
    const ageMs = this.#clock.now() - open.list.copiedAt
    return ageMs >= 0 && ageMs <= NATIONAL_LIST_MAX_AGE_MS ? 'not-listed' : 'stale'
  }

  /** Reads the list of an area code, unless the one that is held is the one that is stored. @throws as findNational does. */
  async open(areaCode: number): Promise<void> {
    if (!isAreaCode(areaCode)) throw new RangeError(`areaCode must be 200 to 999, got ${areaCode}`)
    await this.#openList(areaCode)
  }

  async #openList(areaCode: number): Promise<OpenList | undefined> {
    const held = this.#open[areaCode - FIRST_AREA_CODE]
    if (held && this.#clock.monotonicMs() - held.checkedAtMs < this.#recheckMs) return held
    let opening = this.#opening.get(areaCode)
    if (!opening) {
      opening = this.#reopen(areaCode, held).finally(() => this.#opening.delete(areaCode))
      this.#opening.set(areaCode, opening)
    }
    return opening
  }

  async #reopen(areaCode: number, held: OpenList | undefined): Promise<OpenList | undefined> {
    const checkedAtMs = this.#clock.monotonicMs()
    try {
      // The version is asked first: a list that is replaced in between is then read once more, and never held too long.
      const version = await this.#lists.versionOf(areaCode)
      if (held && version === held.version) {
        held.checkedAtMs = checkedAtMs
        return held
      }
      const bytes = version === undefined ? undefined : await this.#lists.read(areaCode)
      const list = bytes && AreaCodeList.decode(bytes, areaCode)
      this.#letGo(areaCode)
      return list && this.#hold({ list, version, checkedAtMs, usedAt: ++this.#uses })
    } catch (error) {
      this.#letGo(areaCode) // what was held is not what is stored any more
      throw error
    }
  }

  #hold(open: OpenList): OpenList {
    while (this.#openCount >= this.#maxOpen) this.#letGoOldest()
    this.#open[open.list.areaCode - FIRST_AREA_CODE] = open
    this.#openCount++
    return open
  }

  #letGoOldest(): void {
    let oldest: OpenList | undefined
    for (const open of this.#open) if (open && (!oldest || open.usedAt < oldest.usedAt)) oldest = open
    if (oldest) this.#letGo(oldest.list.areaCode)
  }

  #letGo(areaCode: number): void {
    if (this.#open[areaCode - FIRST_AREA_CODE]) this.#openCount--
    this.#open[areaCode - FIRST_AREA_CODE] = undefined
  }
}

/** The area code of `+1` and ten digits, or 0. */
function areaCodeOf(number: string): number {
  if (number.length !== 12 || number.charCodeAt(0) !== 43 || number.charCodeAt(1) !== 49) return 0
  for (let i = 2; i < 12; i++) {
    const code = number.charCodeAt(i)
    if (code < 48 || code > 57) return 0
  }
  const areaCode = (number.charCodeAt(2) - 48) * 100 + (number.charCodeAt(3) - 48) * 10 + number.charCodeAt(4) - 48
  return areaCode >= FIRST_AREA_CODE ? areaCode : 0
}

/** The seven digits behind the area code. */
function subscriberOf(number: string): number {
  let subscriber = 0
  for (let i = 5; i < 12; i++) subscriber = subscriber * 10 + number.charCodeAt(i) - 48
  return subscriber
}
