/**
 * Where JSON that is wanted differs from JSON that is there.
 *
 * @module
 */

/** One place that differs. */
export interface WireDifference {
  readonly path: readonly string[]
  /** `undefined`: nothing is there. */
  readonly before: unknown
  readonly after: unknown
}

/** Objects whose keys are the host's own: one that is there and not wanted is a difference too. */
const WHOLE_MAPS: ReadonlySet<string> = new Set(['properties', 'request_headers'])

/**
 * Every place at which `current` does not have what `wanted` has. What is only in `current` is left alone: the vendor fills in defaults,
 * people set more in the dashboard. Lists are compared as one value.
 */
export function differences(current: unknown, wanted: unknown, path: readonly string[] = []): WireDifference[] {
  if (!isObject(wanted) || !isObject(current)) {
    return holds(current, wanted) ? [] : [{ path, before: current, after: wanted }]
  }
  const extra = WHOLE_MAPS.has(path.at(-1) ?? '')
    ? Object.keys(current).filter((key) => !Object.hasOwn(wanted, key))
    : []
  if (extra.length > 0) return [{ path, before: current, after: wanted }]
  return Object.entries(wanted).flatMap(([key, value]) =>
    differences(Object.hasOwn(current, key) ? current[key] : undefined, value, [...path, key]),
  )
}

/** What is wanted over what is there. */
export function merged(current: unknown, wanted: unknown, key = ''): unknown {
  if (!isObject(wanted) || !isObject(current)) return wanted
  const kept = WHOLE_MAPS.has(key) ? {} : current
  const own = Object.entries(wanted).map(([name, value]) => [name, merged(current[name], value, name)] as const)
  return { ...kept, ...Object.fromEntries(own) }
}

/** An object that has each value at its path. */
export function atPaths(entries: readonly WireDifference[]): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const { path, after } of entries) {
    let at = root
    for (const key of path.slice(0, -1)) {
      const next: Record<string, unknown> = isObject(at[key]) ? at[key] : {}
      at[key] = next
      at = next
    }
    at[path.at(-1) ?? ''] = after
  }
  return root
}

function holds(current: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    const there = Array.isArray(current) ? (current as unknown[]) : undefined
    return there?.length === wanted.length && wanted.every((item, i) => differences(there[i], item).length === 0)
  }
  return current === wanted
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
