/**
 * Form parameters, as Twilio signs them.
 *
 * @module
 */

/**
 * Form parameters that were proven. A key that came once, or repeatedly with one value, has a string; several values are a
 * list, sorted: the signature covers which values there are and not their order.
 */
export type TwilioParams = Readonly<Record<string, string | readonly string[]>>

/** Parameters that somebody parsed before: a plain record, `URLSearchParams`, `FormData` or a `Map`. */
export type ParsedParams = Readonly<Record<string, unknown>> | Iterable<readonly [string, unknown]>

/** Parameters in the order in which they are signed. */
export interface SignedForm {
  /** Each key directly followed by its value, in order of the keys: the text that is signed behind the address. */
  readonly text: string
  readonly params: TwilioParams
  /** Pairs that differ. */
  readonly count: number
}

/** More than Twilio ever sends, and few enough that sorting what a stranger made up costs nothing. */
export const MAX_FORM_PAIRS = 1000

/** Why parameters cannot be signed. */
export type FormProblem = 'too-many' | 'not-text'

/** Reads `application/x-www-form-urlencoded` text. */
export function readForm(text: string): SignedForm | FormProblem {
  const params: MutableParams = {}
  let pairs = 0
  for (let start = 0; start < text.length;) {
    let end = text.indexOf('&', start)
    if (end === -1) end = text.length
    if (end > start) {
      if (++pairs > MAX_FORM_PAIRS) return 'too-many'
      const equalsAt = text.indexOf('=', start)
      const hasValue = equalsAt !== -1 && equalsAt < end
      add(
        params,
        decode(text.slice(start, hasValue ? equalsAt : end)),
        hasValue ? decode(text.slice(equalsAt + 1, end)) : '',
      )
    }
    start = end + 1
  }
  return inSigningOrder(params)
}

/** Reads parameters that a parser made. Nested values mean that it did more than parse, so the signature cannot be checked. */
export function readParams(given: ParsedParams): SignedForm | FormProblem {
  if (!(Symbol.iterator in given) && isFlat(given)) {
    return Object.keys(given).length > MAX_FORM_PAIRS ? 'too-many' : inSigningOrder(given)
  }
  const params: MutableParams = {}
  let pairs = 0
  const entries = Symbol.iterator in given ? (given as Iterable<readonly [string, unknown]>) : Object.entries(given)
  for (const [key, value] of entries) {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value]
    for (const item of list) {
      if (typeof key !== 'string' || typeof item !== 'string') return 'not-text'
      if (++pairs > MAX_FORM_PAIRS) return 'too-many'
      add(params, key, item)
    }
  }
  return inSigningOrder(params)
}

type MutableParams = Record<string, string | string[]>

function isFlat(record: Readonly<Record<string, unknown>>): record is Record<string, string> {
  for (const key in record) if (typeof record[key] !== 'string') return false
  return true
}

function add(params: MutableParams, key: string, value: string): void {
  if (!Object.hasOwn(params, key)) {
    // Assigning to "__proto__" would set the prototype instead of a property.
    if (key !== '__proto__') params[key] = value
    else Object.defineProperty(params, key, { value, enumerable: true, configurable: true, writable: true })
    return
  }
  const known = params[key]
  if (typeof known === 'object') {
    if (!known.includes(value)) known.push(value)
  } else if (known !== undefined && known !== value) params[key] = [known, value]
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    // Broken escapes stay as they are and broken UTF-8 becomes U+FFFD, as in every form parser.
    return new URLSearchParams(`v=${text}`).get('v') ?? ''
  }
}

interface KeyOrder {
  readonly keys: readonly string[]
  readonly sorted: readonly string[]
}

/** The last order of so many keys. Twilio sends the same keys in the same order each time, and sorting them is half the work. */
const orders = new Map<number, KeyOrder>()
/** Only what is as short as Twilio's is remembered: a stranger may send anything. */
const MAX_REMEMBERED_KEYS = 64
const MAX_REMEMBERED_CHARS = 2048

function sortedKeysOf(params: MutableParams): readonly string[] {
  const keys = Object.keys(params)
  const last = orders.get(keys.length)
  if (last && isSameList(last.keys, keys)) return last.sorted
  const sorted = [...keys].sort()
  const isShort = keys.length <= MAX_REMEMBERED_KEYS && keys.join('').length <= MAX_REMEMBERED_CHARS
  if (isShort) orders.set(keys.length, { keys, sorted })
  return sorted
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * Keys sort by UTF-16 code unit, upper case before lower; a repeated key's values are made unique, sorted, and each follows the
 * key again. So does the `twilio` package (6.2.0, `lib/webhooks/webhooks.js`, read 2026-11-21).
 */
function inSigningOrder(params: MutableParams): SignedForm {
  let text = ''
  let count = 0
  for (const key of sortedKeysOf(params)) {
    const value = params[key]
    if (typeof value === 'string') {
      text += key + value
      count += 1
    } else if (value) {
      for (const item of value.sort()) text += key + item
      count += value.length
    }
  }
  return { text, params, count }
}
