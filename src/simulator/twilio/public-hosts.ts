/**
 * Public addresses as they stand in TwiML and settings, and where they really are on this machine.
 *
 * @module
 */

/** Public host (with its port, if it has one) → local origin, e.g. `{ 'app.example.com': 'http://127.0.0.1:3000' }`. */
export type PublicHosts = Readonly<Record<string, string>>

/** Where to connect, and what to say there. */
export interface Route {
  readonly url: string
  /** Headers as a tunnel sets them, so that a host that believes its tunnel sees the public address. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Where a public address is reached. Unmapped addresses are reached as they stand.
 *
 * @throws TypeError when `url` is no absolute address.
 */
export function routeTo(url: string, hosts: PublicHosts): Route {
  const target = new URL(url)
  target.hash = ''
  const local = hosts[target.host]
  if (local === undefined) return { url: target.href, headers: {} }
  const origin = new URL(local)
  const isSocket = target.protocol === 'wss:' || target.protocol === 'ws:'
  const isLocalSecure = origin.protocol === 'https:' || origin.protocol === 'wss:'
  const scheme = isSocket ? (isLocalSecure ? 'wss:' : 'ws:') : isLocalSecure ? 'https:' : 'http:'
  const forwarded =
    target.protocol === 'wss:' ? 'https' : target.protocol === 'ws:' ? 'http' : target.protocol.slice(0, -1)
  const prefix = origin.pathname.replace(/\/$/, '')
  return {
    url: `${scheme}//${origin.host}${prefix}${target.pathname}${target.search}`,
    headers: { host: target.host, 'x-forwarded-host': target.host, 'x-forwarded-proto': forwarded },
  }
}

/** Checks the mapping at once, where it was written. @throws TypeError */
export function checkPublicHosts(hosts: PublicHosts): PublicHosts {
  for (const [host, origin] of Object.entries(hosts)) {
    if (!URL.canParse(origin)) throw new TypeError(`publicHosts: the origin for ${host} must be an absolute address`)
    if (host.includes('/')) throw new TypeError(`publicHosts: ${host} must be a host, without scheme and path`)
  }
  return hosts
}
