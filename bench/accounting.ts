/**
 * Counts what became of numbered pieces: lost, doubled, out of order, strayed to another call.
 *
 * @module
 */
import type { Stamp } from './stamp.js'

/** What became of the pieces of one call, or of many. */
export interface Account {
  readonly sent: number
  readonly received: number
  /** Sent and never received. */
  readonly lost: number
  /** Received behind a later one. */
  readonly reordered: number
  readonly doubled: number
  /** Received on the wrong call. */
  readonly strayed: number
}

/** The account of one direction of one call. Pieces are numbered from 0, in the order in which they are sent. */
export class PieceAccount {
  readonly #call: number
  readonly #received = new Set<number>()
  /** Below it everything was received, so that the set stays small. */
  #floor = 0
  #highest = -1
  #sent = 0
  #excused = 0
  #count = 0
  #reordered = 0
  #doubled = 0
  #strayed = 0

  constructor(call: number) {
    this.#call = call
  }

  /** How many were sent, which is also the number of the next. */
  get sent(): number {
    return this.#sent
  }

  /** Counts one more as sent. @returns Its number. */
  next(): number {
    return this.#sent++
  }

  receive({ call, piece }: Pick<Stamp, 'call' | 'piece'>): void {
    if (call !== this.#call || piece >= this.#sent) {
      this.#strayed++
      return
    }
    if (piece < this.#floor || this.#received.has(piece)) {
      this.#doubled++
      return
    }
    this.#count++
    if (piece < this.#highest) this.#reordered++
    this.#highest = Math.max(this.#highest, piece)
    this.#received.add(piece)
    while (this.#received.delete(this.#floor)) this.#floor++
  }

  /** What was sent and has not come need not come any more: it was interrupted, as it should be. */
  excuseMissing(): void {
    this.#excused += this.#sent - this.#floor - this.#received.size
    this.#received.clear()
    this.#floor = this.#sent
  }

  /** How it stands. What is still on its way counts as lost, so ask once everything had time to come. */
  get account(): Account {
    return {
      sent: this.#sent,
      received: this.#count,
      lost: this.#sent - this.#count - this.#excused,
      reordered: this.#reordered,
      doubled: this.#doubled,
      strayed: this.#strayed,
    }
  }
}

/** Several accounts as one. */
export function sumAccounts(accounts: Iterable<Account>): Account {
  const sum = { sent: 0, received: 0, lost: 0, reordered: 0, doubled: 0, strayed: 0 }
  for (const account of accounts) {
    for (const key of Object.keys(sum) as (keyof Account)[]) sum[key] += account[key]
  }
  return sum
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}
