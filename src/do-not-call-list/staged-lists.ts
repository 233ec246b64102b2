/**
 * The lists that an import is making: a few in memory, the rest in a folder of its own.
 *
 * @module
 */
import { AreaCodeList } from '../compliance/do-not-call-list/area-code-list.js'
import type { ListChange } from '../compliance/do-not-call-list/list-lines.js'
import { readList, writeList } from './directory.js'

/** Numbers that wait for their list. Twice what one slice of a file can hold, which is what `settle` leaves room for. */
const BUFFERED = 6144
const SETTLE_AT = BUFFERED / 2

interface Waiting {
  /** A seven-digit number times two, and one more when it is to be deleted. */
  readonly entries: Uint32Array
  length: number
}

export interface StagedListsOptions {
  readonly directory: string
  readonly maxOpenAreaCodes: number
  /** The list to begin with, and the count of the one that it will replace. */
  readonly firstOf: (areaCode: number) => Promise<{ list: AreaCodeList; previousCount: number | undefined }>
}

/** Lists under construction. `put` is for the hot path; `settle` must follow at the latest after 3000 of them. */
export class StagedLists {
  readonly #options: StagedListsOptions
  readonly #waiting = new Map<number, Waiting>()
  readonly #full = new Set<number>()
  /** In memory; the one that was used last stands last. */
  readonly #open = new Map<number, AreaCodeList>()
  readonly #previousCounts = new Map<number, number | undefined>()
  #last: { areaCode: number; waiting: Waiting } | undefined

  constructor(options: StagedListsOptions) {
    this.#options = options
  }

  /** Every area code that has an entry. */
  get areaCodes(): ReadonlySet<number> {
    return new Set(this.#waiting.keys())
  }

  /** Notes one entry. */
  put(areaCode: number, subscriber: number, change: ListChange): void {
    let last = this.#last // files are sorted, mostly
    if (last?.areaCode !== areaCode) this.#last = last = { areaCode, waiting: this.#waitingOf(areaCode) }
    const { waiting } = last
    waiting.entries[waiting.length++] = subscriber * 2 + (change === 'deleted' ? 1 : 0)
    if (waiting.length === SETTLE_AT) this.#full.add(areaCode)
  }

  /** Gives an area code a list even without an entry. */
  touch(areaCode: number): void {
    this.#waitingOf(areaCode)
  }

  /** Writes what waits into the lists, where enough waits. */
  async settle(): Promise<void> {
    for (const areaCode of this.#full) await this.#apply(areaCode)
    this.#full.clear()
  }

  /** Writes everything into the folder. @returns each area code, sorted, with its counts. */
  async finish(): Promise<{ areaCode: number; count: number; previousCount: number | undefined }[]> {
    const counts = []
    for (const areaCode of [...this.#waiting.keys()].sort((a, b) => a - b)) {
      const list = await this.#apply(areaCode)
      await writeList(this.#options.directory, areaCode, list.encode())
      this.#open.delete(areaCode)
      counts.push({ areaCode, count: list.count, previousCount: this.#previousCounts.get(areaCode) })
    }
    return counts
  }

  async #apply(areaCode: number): Promise<AreaCodeList> {
    const list = await this.#listOf(areaCode)
    const waiting = this.#waitingOf(areaCode)
    for (let i = 0; i < waiting.length; i++) {
      const entry = waiting.entries[i] ?? 0
      if ((entry & 1) === 0) list.add(entry >>> 1)
      else list.delete(entry >>> 1)
    }
    waiting.length = 0
    return list
  }

  async #listOf(areaCode: number): Promise<AreaCodeList> {
    let list = this.#open.get(areaCode)
    this.#open.delete(areaCode)
    if (!list) {
      await this.#makeRoom()
      if (this.#previousCounts.has(areaCode)) {
        const bytes = await readList(this.#options.directory, areaCode)
        list = AreaCodeList.decode(bytes ?? new Uint8Array(), areaCode)
      } else {
        const first = await this.#options.firstOf(areaCode)
        this.#previousCounts.set(areaCode, first.previousCount)
        list = first.list
      }
    }
    this.#open.set(areaCode, list)
    return list
  }

  async #makeRoom(): Promise<void> {
    for (const [areaCode, list] of this.#open) {
      if (this.#open.size < this.#options.maxOpenAreaCodes) return
      await writeList(this.#options.directory, areaCode, list.encode())
      this.#open.delete(areaCode)
    }
  }

  #waitingOf(areaCode: number): Waiting {
    let waiting = this.#waiting.get(areaCode)
    if (!waiting) {
      waiting = { entries: new Uint32Array(BUFFERED), length: 0 }
      this.#waiting.set(areaCode, waiting)
    }
    return waiting
  }
}
