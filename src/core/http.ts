/**
 * One HTTP request with a time limit, an abort signal, a size limit and typed failures. What the other side answers, refusals
 * included, is a value.
 *
 * @module
 */
import { systemClock, type Clock } from './clock.js'
import { VoiceError, type VoiceErrorCode } from './errors.js'

/** The few members that we need of a `fetch`. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>

/** What we hand to a `fetch`. */
export interface FetchInit {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: string
  readonly signal: AbortSignal
  readonly redirect: 'manual'
}

/** The few members that we need of a `Response`. */
export interface FetchAnswer {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: ReadableStreamLike | null
}

/** The few members that we need of a `ReadableStream` of bytes. */
export interface ReadableStreamLike {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    cancel(): Promise<void>
  }
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as a form, when there is no {@link json}. */
  readonly form?: URLSearchParams
  /** Limit on the whole exchange, the body included, in milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** The longest answer that is read, in bytes after decompression. Default 8 MiB. */
  readonly maxResponseBytes?: number
  /** Default: `globalThis.fetch` as it is at the moment of the call, over one pool of connections that are kept open. */
  readonly fetch?: Fetch | undefined
  readonly clock?: Clock | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly text: string
}

const DEFAULT_MAX_RESPONSE_BYTES = 8 * 1024 * 1024
/** How long an unused connection is kept, in milliseconds: from one call to the next on a quiet server. */
const KEEP_ALIVE_MS = 30_000

/**
 * Makes one request and reads the whole answer. A redirect is not followed, since the headers may hold a key that only
 * this host should see: it comes back as it is.
 *
 * @throws {@link VoiceError} `http_timeout`, `http_aborted`, `http_connection_failed` or `http_response_too_large`. Neither the
 * address nor the headers stand in the message, only the host.
 */
export async function sendRequest(request: HttpRequest): Promise<HttpResponse> {
  const { method = 'GET', url, timeoutMs, signal, clock = systemClock } = request
  const { maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES } = request
  const host = hostOf(url)
  const failed = (
    code: VoiceErrorCode,
    message: string,
    options: { cause?: unknown; reason?: string } = {},
  ): VoiceError =>
    new VoiceError(code, `${method} to ${host} ${message}`, {
      ...('cause' in options ? { cause: options.cause } : {}),
      details: options.reason === undefined ? { host } : { host, reason: options.reason },
    })
  if (signal?.aborted) throw failed('http_aborted', 'was aborted before it was made')

  const abort = new AbortController()
  // Whoever ends it first says why: the failure of `fetch` itself then only follows from it.
  let ending: VoiceError | undefined
  const end = (error: VoiceError): void => {
    ending ??= error
    abort.abort()
  }
  const onAbort = (): void => end(failed('http_aborted', 'was aborted'))
  const timer = clock.setTimeout(() => end(failed('http_timeout', `took longer than ${timeoutMs} ms`)), timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  const untilEnded = new Promise<never>((_resolve, reject) => {
    abort.signal.addEventListener('abort', () => reject(ending ?? failed('http_aborted', 'was aborted')), {
      once: true,
    })
  })

  const exchange = async (): Promise<HttpResponse> => {
    const { contentType, body } = bodyOf(request)
    const headers = { ...(contentType === undefined ? {} : { 'content-type': contentType }), ...request.headers }
    const fetch = request.fetch ?? (await pooledFetch())
    const content = body === undefined ? {} : { body }
    const answer = await fetch(url, { method, headers, ...content, signal: abort.signal, redirect: 'manual' })
    const text = await readText(answer, maxResponseBytes)
    if (text === undefined)
      throw failed('http_response_too_large', `was answered with more than ${maxResponseBytes} bytes`)
    return { status: answer.status, headers: answer.headers, text }
  }

  try {
    // A fetch that was handed in may not heed the signal.
    return await Promise.race([exchange(), untilEnded])
  } catch (error) {
    if (ending) throw ending
    if (error instanceof VoiceError) throw error
    const reason = networkCodeOf(error)
    throw failed('http_connection_failed', `failed${reason === undefined ? '' : ` (${reason})`}`, {
      cause: error,
      ...(reason === undefined ? {} : { reason }),
    })
  } finally {
    clock.clear(timer)
    signal?.removeEventListener('abort', onAbort)
    abort.abort() // lets go of a body that was not read to its end
  }
}

function bodyOf({ json, form }: HttpRequest): { readonly contentType?: string; readonly body?: string } {
  if (json !== undefined) return { contentType: 'application/json', body: JSON.stringify(json) }
  if (form) return { contentType: 'application/x-www-form-urlencoded;charset=UTF-8', body: form.toString() }
  return {}
}

/**
 * How long the other side asks to wait, in milliseconds, from a `Retry-After` header: seconds or a date.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 (read 2026-11-24)
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  const value = header.trim()
  if (/^\d{1,9}(\.\d+)?$/.test(value)) return Math.round(Number(value) * 1000)
  const atMs = /[a-z]/i.test(value) ? Date.parse(value) : NaN
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}

/** @returns The body as text, or `undefined` when it is longer than `maxBytes`; the rest is then not read. */
async function readText(answer: FetchAnswer, maxBytes: number): Promise<string | undefined> {
  if (!answer.body) return ''
  const reader = answer.body.getReader()
  const chunks: Uint8Array[] = []
  let bytes = 0
  const announced = Number(answer.headers.get('content-length'))
  for (let isTooLong = announced > maxBytes; ;) {
    if (isTooLong) {
      void reader.cancel().catch(() => undefined)
      return undefined
    }
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(chunks).toString('utf8')
    if (!value) continue
    chunks.push(value)
    bytes += value.byteLength
    isTooLong = bytes > maxBytes
  }
}

let pool: Promise<object> | undefined

/**
 * `globalThis.fetch` over a pool of our own, made at the first request. The pool's idle connections do not keep the process
 * alive, and the global is looked up each time, so that whoever replaces it is heard.
 */
async function pooledFetch(): Promise<Fetch> {
  pool ??= import('undici').then(({ Agent }) => new Agent({ keepAliveTimeout: KEEP_ALIVE_MS }))
  const dispatcher = await pool
  return (url, init) => globalThis.fetch(url, { ...init, dispatcher } as RequestInit)
}

function hostOf(url: string): string {
  if (!URL.canParse(url)) throw new TypeError('The address of a request must be an absolute URL')
  const { protocol, host } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new TypeError(`A request goes to http or https, not ${protocol}`)
  return host
}

/** `fetch` hides what happened in a cause, or in a cause of that. */
function networkCodeOf(error: unknown): string | undefined {
  for (let e = error, depth = 0; e instanceof Error && depth < 4; e = e.cause, depth++) {
    const { code } = e as { code?: unknown }
    if (typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code)) return code
  }
  return undefined
}
