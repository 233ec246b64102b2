/**
 * The one shape of a request and of its answer that every host converts to and from.
 *
 * @module
 */

/** A body as it came off the wire, or why it cannot be had. */
export type HostBody =
  | { readonly bytes: Uint8Array | string }
  /** It is larger than was allowed, or a parser took it before us. */
  | { readonly problem: 'too-large' | 'already-parsed' }

/** A request, before anything parsed it. */
export interface HostRequest {
  readonly method: string
  /** Path and query below the mount point, exactly as received: signatures are over bytes. Starts with a slash. */
  readonly target: string
  /** A header's value by lower-case name; one that came more than once as a list. */
  readonly header: (name: string) => string | readonly string[] | undefined
  /** Reads the raw body, `maxBytes` at most. Once. */
  readonly readBody: (maxBytes: number) => Promise<HostBody>
  /** The other end of the connection, which behind a proxy is the proxy. Absent where the host does not know. */
  readonly remoteAddress?: string | undefined
}

/** What to answer. */
export interface HostResponse {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers one request, or `undefined` for a path that is not its own. Never throws. */
export type HostHandler = (request: HostRequest) => Promise<HostResponse | undefined>

/** Sent with every answer: none of them is a page, none may be kept. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** All headers of an answer. What the answer says itself wins. */
export function headersOf({ contentType, headers = {} }: HostResponse): Record<string, string> {
  return { ...SECURITY_HEADERS, 'content-type': contentType, ...headers }
}

/** Asks one handler after the other; the first that knows the path answers. */
export function firstOf(...handlers: readonly HostHandler[]): HostHandler {
  return async (request) => {
    for (const handle of handlers) {
      const answer = await handle(request)
      if (answer) return answer
    }
    return undefined
  }
}

/** Whether a path is a known one, or begins with one that ends with a slash. */
export function isAt(known: string, path: string): boolean {
  return known.endsWith('/') ? path.startsWith(known) : path === known
}

/** An answer as JSON. */
export function jsonResponse(status: number, body: unknown): HostResponse {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) }
}

/** An answer as plain text. */
export function textResponse(status: number, body: string): HostResponse {
  return { status, contentType: 'text/plain; charset=utf-8', body }
}

/** An answer as TwiML. */
export function twimlResponse(twiml: string): HostResponse {
  return { status: 200, contentType: 'text/xml; charset=utf-8', body: twiml }
}

/** The body of an answer that says no. */
export function failure(error: string, code: string): { success: false; error: string; code: string } {
  return { success: false, error, code }
}
