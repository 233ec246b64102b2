/**
 * Reads the flat text files of the national do-not-call registry, in chunks of any size.
 *
 * A full list has one number a line, area code and number apart by a comma (`201,2345678`). A change list has more items on
 * each line, apart by commas: the number, the date, and `A` for a number that was added or `D` for one that was deleted. No
 * published description of the order of those items was found, so the number comes first and the rest in any order. Where
 * each fact was read stands in docs/guides/do-not-call-list.md.
 *
 * @module
 */
import { isAreaCode } from './area-code-list.js'

/** What a line did to a number. A full list only adds. */
export type ListChange = 'added' | 'deleted'

/** Why a line is wrong. Never the line itself: it holds somebody's number. */
export type WrongLineReason =
  'too-long' | 'not-a-number' | 'not-an-area-code' | 'too-many-items' | 'no-change-letter' | 'not-a-date'

/** What the lines of a file say. */
export interface ListLinesHandlers {
  /** A good line. `subscriber` is the seven-digit number, 0 to 9 999 999. */
  readonly onNumber: (areaCode: number, subscriber: number, change: ListChange) => void
  /** A wrong line, by its number in the file, from 1. */
  readonly onWrong: (line: number, reason: WrongLineReason) => void
}

/** Longer than any line of either list; what is longer is one wrong line, and is not kept. */
const MAX_LINE_BYTES = 100
const LF = 10
const CR = 13
const COMMA = 44
const ZERO = 48
/** `201,2345678` */
const FULL_LINE_BYTES = 11

/** One file, line by line. Lines end with LF, CR LF or CR; empty lines and a byte order mark are passed over. */
export class ListLines {
  readonly #kind: 'full' | 'changes'
  readonly #handlers: ListLinesHandlers
  /** The beginning of a line whose end is in a later chunk. */
  readonly #held = new Uint8Array(MAX_LINE_BYTES)
  #heldBytes = 0
  #isTooLong = false
  #endedWithCr = false
  #lines = 0

  constructor(kind: 'full' | 'changes', handlers: ListLinesHandlers) {
    this.#kind = kind
    this.#handlers = handlers
  }

  /** Lines that are complete so far, empty ones included. */
  get lines(): number {
    return this.#lines
  }

  /** Takes the next bytes of the file. */
  push(chunk: Uint8Array): void {
    let start = 0
    if (this.#endedWithCr && chunk[0] === LF) start = 1
    if (chunk.length > 0) this.#endedWithCr = false
    let end = start
    while (end < chunk.length) {
      // A full list is mostly lines of the same length: look where the end should be before walking.
      if (this.#kind === 'full' && this.#heldBytes === 0 && !this.#isTooLong) {
        const next = this.#readPlain(chunk, start)
        if (next > 0) {
          this.#lines++
          end = start = next
          continue
        }
      }
      const byte = chunk[end]
      if (byte !== LF && byte !== CR) {
        end++
        while (end < chunk.length && chunk[end] !== LF && chunk[end] !== CR) end++
        continue
      }
      this.#endLine(chunk, start, end)
      end++
      if (byte === CR) {
        if (end === chunk.length) this.#endedWithCr = true
        else if (chunk[end] === LF) end++
      }
      start = end
    }
    this.#hold(chunk, start, end)
  }

  /** The file is over: a last line without an end is a line. */
  end(): void {
    if (this.#heldBytes > 0 || this.#isTooLong) this.#endLine(this.#held, 0, 0)
  }

  #hold(chunk: Uint8Array, start: number, end: number): void {
    const bytes = end - start
    if (bytes === 0) return
    if (this.#isTooLong || this.#heldBytes + bytes > MAX_LINE_BYTES) {
      this.#isTooLong = true
      return
    }
    this.#held.set(chunk.subarray(start, end), this.#heldBytes)
    this.#heldBytes += bytes
  }

  #endLine(chunk: Uint8Array, start: number, end: number): void {
    let line = chunk.subarray(start, end)
    if (this.#heldBytes > 0 || this.#isTooLong || line.length > MAX_LINE_BYTES) {
      this.#hold(chunk, start, end)
      line = this.#held.subarray(0, this.#heldBytes)
    }
    this.#lines++
    if (this.#isTooLong) this.#handlers.onWrong(this.#lines, 'too-long')
    else this.#readLine(line)
    this.#heldBytes = 0
    this.#isTooLong = false
  }

  /**
   * Reads `201,2345678` and its end of line from bytes, with nothing allocated.
   *
   * @returns where the next line begins, or 0 when the line is anything else.
   */
  #readPlain(chunk: Uint8Array, start: number): number {
    let next = start + FULL_LINE_BYTES
    if (chunk[next] === CR) next++
    if (chunk[next] !== LF || chunk[start + 3] !== COMMA) return 0
    const areaCode = digitsAt(chunk, start, 3)
    const subscriber = digitsAt(chunk, start + 4, 7)
    if (subscriber < 0 || !isAreaCode(areaCode)) return 0
    this.#handlers.onNumber(areaCode, subscriber, 'added')
    return next + 1
  }

  #readLine(bytes: Uint8Array): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const line = (this.#lines === 1 ? text.replace(/^\u00ef\u00bb\u00bf/, '') : text).trim()
    if (line === '') return
    const read = readItems(line, this.#kind)
    if (typeof read === 'string') this.#handlers.onWrong(this.#lines, read)
    else this.#handlers.onNumber(read.areaCode, read.subscriber, read.change)
  }
}

/** The number that `count` digits are, or -1 when one of them is none. */
function digitsAt(bytes: Uint8Array, start: number, count: number): number {
  let value = 0
  for (let i = start; i < start + count; i++) {
    const digit = (bytes[i] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

interface ReadLine {
  readonly areaCode: number
  readonly subscriber: number
  readonly change: ListChange
}

function readItems(line: string, kind: 'full' | 'changes'): ReadLine | WrongLineReason {
  const items = line.split(',').map((item) => item.trim())
  // Area code and number stand apart, or as ten digits.
  const first = items.shift() ?? ''
  const number = /^\d{10}$/.test(first) ? first : /^\d{3}$/.test(first) ? first + (items.shift() ?? '') : ''
  if (!/^\d{10}$/.test(number)) return 'not-a-number'
  const areaCode = Number(number.slice(0, 3))
  if (!isAreaCode(areaCode)) return 'not-an-area-code'
  const subscriber = Number(number.slice(3))
  if (kind === 'full') return items.length > 0 ? 'too-many-items' : { areaCode, subscriber, change: 'added' }
  if (items.length > 2) return 'too-many-items'
  const letter = items.findIndex((item) => /^[AD]$/i.test(item))
  if (letter < 0) return 'no-change-letter'
  const [change] = items.splice(letter, 1)
  if (!isDate(items[0] ?? '')) return 'not-a-date'
  return { areaCode, subscriber, change: change?.toUpperCase() === 'A' ? 'added' : 'deleted' }
}

/** `2026-11-21`, `20261121` or `11/21/2026`, with a time of day behind it or not. */
const DATE =
  /^(?:(\d{4})-(\d\d)-(\d\d)|(\d{4})(\d\d)(\d\d)|(\d{1,2})\/(\d{1,2})\/(\d{4}))(?:[T ][\d:.]+(?: ?[AP]M)?(?:Z|[+-]\d\d:?\d\d)?)?$/i

function isDate(text: string): boolean {
  const parts = DATE.exec(text)
  if (!parts) return false
  const [, y1, m1, d1, y2, m2, d2, m3, d3, y3] = parts
  const month = Number(m1 ?? m2 ?? m3) - 1
  const day = Number(d1 ?? d2 ?? d3)
  const date = new Date(Date.UTC(Number(y1 ?? y2 ?? y3), month, day))
  return date.getUTCMonth() === month && date.getUTCDate() === day
}
