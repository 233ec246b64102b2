/**
 * The address that the vendor was given, as opposed to the one that this process sees behind its proxies.
 *
 * @module
 */

/**
 * Joins the configured public address with the path and query of a request.
 *
 * Behind a proxy that ends TLS, Node sees `http` and an inner host, while the signature was made over the public address; and
 * forwarded headers can be written by anyone. So the public address is configured, and only path and query come from the request.
 * They are taken as they came: decoding and encoding again would change what was signed.
 *
 * @param base - Where the vendor reaches this process, e.g. `https://voice.example.com`. A path in it is the prefix that a
 * proxy strips before the request arrives; leave it out when nothing is stripped.
 * @param target - Path and query of the request: `req.url` in Node, `req.originalUrl` in Express.
 * @throws TypeError when `base` is not an absolute http, https, ws or wss address, or has a query or a fragment.
 *
 * @example
 * ```ts
 * publicUrlOf('https://voice.example.com', '/voice?tenant=7') // 'https://voice.example.com/voice?tenant=7'
 * ```
 */
export function publicUrlOf(base: string, target: string): string {
  const split = splitUrl(base)
  if (!split || /[?#\s]/.test(base)) {
    throw new TypeError(
      'The public URL must be absolute (https://host or https://host/prefix), without query or fragment',
    )
  }
  const prefix = split.path.endsWith('/') ? split.path.slice(0, -1) : split.path
  return split.scheme + split.host + split.port + prefix + originForm(target)
}

// Proxies may send the absolute form (RFC 9112, 3.2.2). Its authority is the client's claim and is dropped. Without the slash
// in front, "@evil.example" would turn our host into user information.
function originForm(target: string): string {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target)
  const rest = withoutFragment(absolute ? target.slice(absolute[0].length) : target)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** An address in parts that join to the same text again, apart from user information and fragment, which are never signed. */
export interface SplitUrl {
  /** With `://`, spelled as it came. */
  readonly scheme: string
  readonly host: string
  /** With the colon, or empty. */
  readonly port: string
  readonly path: string
  /** With the question mark, or empty. */
  readonly query: string
}

/** Takes an http, https, ws or wss address apart without normalising it; `undefined` when it is none. */
export function splitUrl(url: string): SplitUrl | undefined {
  const match = SCHEME.exec(url)
  if (!match) return undefined
  const scheme = match[0]
  const whole = withoutFragment(url)
  const queryAt = whole.indexOf('?', scheme.length)
  const hierarchy = queryAt === -1 ? whole : whole.slice(0, queryAt)
  const slashAt = hierarchy.indexOf('/', scheme.length)
  const authority = slashAt === -1 ? hierarchy.slice(scheme.length) : hierarchy.slice(scheme.length, slashAt)
  const hostAndPort = authority.slice(authority.lastIndexOf('@') + 1)
  // A colon starts the port only behind the bracket that ends an IPv6 literal.
  const colonAt = hostAndPort.indexOf(':', hostAndPort.lastIndexOf(']') + 1)
  const host = colonAt === -1 ? hostAndPort : hostAndPort.slice(0, colonAt)
  if (host === '') return undefined
  return {
    scheme,
    host,
    port: colonAt === -1 ? '' : hostAndPort.slice(colonAt),
    path: slashAt === -1 ? '' : hierarchy.slice(slashAt),
    query: queryAt === -1 ? '' : whole.slice(queryAt),
  }
}

const SCHEME = /^(?:https?|wss?):\/\//i

function withoutFragment(url: string): string {
  const hashAt = url.indexOf('#')
  return hashAt === -1 ? url : url.slice(0, hashAt)
}

/**
 * Every spelling of an address that Twilio may have signed, most likely first.
 *
 * Twilio drops the port over https for voice and keeps it elsewhere, and asks to retry a socket's address with a slash at its
 * end (https://www.twilio.com/docs/usage/webhooks/webhooks-security, read 2026-11-21). Spellings that a URL parser would call
 * equal, such as `/a/../b` for `/b`, are not tried: what is proven must be the address that is served.
 */
export function signedSpellings({ scheme, host, port, path, query }: SplitUrl): readonly string[] {
  const name = scheme.toLowerCase()
  const isSocket = name.startsWith('ws')
  const defaultPort = name === 'https://' || name === 'wss://' ? ':443' : ':80'
  const origin = scheme + host
  const rest = path + query
  const spellings = port && port !== defaultPort ? [origin + port + rest] : []
  spellings.push(origin + rest, origin + defaultPort + rest)

  const otherPath = path === '' ? '/' : path === '/' ? '' : isSocket ? toggleSlash(path) : path
  if (otherPath !== path) {
    const otherRest = otherPath + query
    if (port && port !== defaultPort) spellings.push(origin + port + otherRest)
    spellings.push(origin + otherRest, origin + defaultPort + otherRest)
  }

  // Twilio signs an apostrophe as it stands; a Fetch Request spells it %27 in its url.
  const otherQuery = query.includes("'") ? query.replaceAll("'", '%27') : query.replaceAll('%27', "'")
  if (otherQuery !== query) {
    for (const spelling of [...spellings]) spellings.push(spelling.slice(0, -query.length) + otherQuery)
  }
  return spellings
}

function toggleSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : `${path}/`
}

/** An address as it may stand in a message: query values left out, long runs of digits hidden, bounded. */
export function describeUrl(url: string): string {
  const queryAt = url.indexOf('?')
  const address = (queryAt === -1 ? url : url.slice(0, queryAt)).replaceAll(/\d{6,}/g, '…').slice(0, 160)
  return queryAt === -1 ? address : `${address}?… (query of ${url.length - queryAt - 1} characters)`
}
