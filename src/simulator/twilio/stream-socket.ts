/**
 * Opens the WebSocket of a media stream as Twilio does, or says with Twilio's code why it could not.
 *
 * @module
 */
import { WebSocket } from 'ws'
import type { Clock } from '../../core/clock.js'
import { socketFromWs, type Socket } from '../../core/socket.js'
import { signTwilioRequest } from '../../webhooks/twilio-signing.js'
import { routeTo, type PublicHosts } from './public-hosts.js'
import type { ViolationCode } from './violations.js'

/** An open socket, and a way to stop reading from it. */
export interface StreamSocket {
  readonly socket: Socket
  pauseReading(): void
  resumeReading(): void
}

/** The socket, or the code that Twilio logs. */
export type OpenedStream =
  ({ readonly ok: true } & StreamSocket) | { readonly ok: false; readonly code: ViolationCode; readonly seen: string }

export interface OpenStreamOptions {
  /** As written in the TwiML, without its query. */
  readonly url: string
  readonly authToken: string
  readonly publicHosts: PublicHosts
  readonly clock: Clock
  readonly connectTimeoutMs: number
  /** Gives up when it fires. */
  readonly signal: AbortSignal
}

/** Largest message that is read from a host, in bytes: ten minutes of audio in one message, and its base64. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024

/** Connects and shakes hands. Never rejects. */
export function openStreamSocket(options: OpenStreamOptions): Promise<OpenedStream> {
  const { url, authToken, clock, signal } = options
  const route = routeTo(url, options.publicHosts)
  const ws = new WebSocket(route.url, {
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    followRedirects: false,
    headers: {
      'user-agent': 'Jetty/11.0.24',
      'x-twilio-signature': signTwilioRequest({ authToken, url }),
      ...route.headers,
    },
  })
  return new Promise((resolve) => {
    const finish = (result: OpenedStream): void => {
      clock.clear(timer)
      signal.removeEventListener('abort', onAbort)
      if (!result.ok) ws.terminate()
      resolve(result)
    }
    const onAbort = (): void => finish({ ok: false, code: 31900, seen: 'given up' })
    const timer = clock.setTimeout(
      () => finish({ ok: false, code: 31901, seen: `${options.connectTimeoutMs} ms` }),
      options.connectTimeoutMs,
    )
    signal.addEventListener('abort', onAbort, { once: true })
    ws.on('unexpected-response', (request, response) => {
      response.resume()
      request.destroy()
      finish({ ok: false, code: 31920, seen: `HTTP ${response.statusCode ?? 0}` })
    })
    ws.on('error', (error) => finish({ ok: false, ...failureOf(error) })) // after the opening: socketFromWs has its own ear
    ws.on('open', () => {
      finish({
        ok: true,
        socket: socketFromWs(ws),
        pauseReading: () => ws.pause(),
        resumeReading: () => ws.resume(),
      })
    })
    if (signal.aborted) onAbort()
  })
}

const REFUSED = new Set(['ECONNREFUSED'])
const UNREACHABLE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'])

function failureOf(error: Error): { code: ViolationCode; seen: string } {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (REFUSED.has(code)) return { code: 31902, seen: code }
  if (UNREACHABLE.has(code)) return { code: 31904, seen: code }
  if (/^(ERR_TLS|CERT_|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)|EPROTO/.test(code)) return { code: 31910, seen: code }
  if (code === 'ECONNRESET') return { code: 31903, seen: code }
  return { code: 31924, seen: code || 'handshake' }
}
