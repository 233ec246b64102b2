/**
 * JSON with one spelling for a value: keys sorted, no spaces. What hashes are made over.
 *
 * @module
 */

/**
 * The one spelling of a value. Members that are `undefined` are left out.
 *
 * @throws TypeError for what JSON cannot say: a number that is not finite, a function, a bigint, a cycle.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0)
}

/** Nothing that is hashed here is nested deeper; a cycle is. */
const MAX_DEPTH = 64

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError('The value is nested too deeply for canonical JSON')
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('Canonical JSON has no such number')
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map((item) => write(item ?? null, depth + 1)).join(',')}]`
  if (typeof value !== 'object') throw new TypeError(`Canonical JSON cannot say a ${typeof value}`)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1)) // by UTF-16 code unit, as RFC 8785 has it
    .map(([key, member]) => `${JSON.stringify(key)}:${write(member, depth + 1)}`)
  return `{${members.join(',')}}`
}
