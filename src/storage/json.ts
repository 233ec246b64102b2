/**
 * Values as every database can hold them.
 *
 * @module
 */

/** The places where a JSON text may hold what PostgreSQL and UTF-8 cannot: NUL, and half a surrogate pair. */
const SUSPICIOUS = /\\u0000|\\ud[89a-f]/

/**
 * A copy of `value` as JSON knows it, with every NUL and every half of a surrogate pair in a text replaced by U+FFFD. A transcript that
 * was cut in the middle of an emoji must not be lost for it.
 */
export function storableJson(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) return null
  const copy = JSON.parse(text) as unknown
  return SUSPICIOUS.test(text) ? mended(copy) : copy
}

function mended(value: unknown): unknown {
  if (typeof value === 'string') return Buffer.from(value.replaceAll('\0', '\ufffd')).toString()
  if (Array.isArray(value)) return value.map(mended)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [mended(key), mended(item)]))
}
