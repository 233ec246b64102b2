/**
 * Opens the socket of a conversation. The only place here that knows the `ws` package.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/customization/authentication (read 2026-11-21)
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import { systemClock, type Clock } from '../core/clock.js'
import { VendorError, VoiceError } from '../core/errors.js'
import { socketFromWs, type Socket } from '../core/socket.js'
import { sharedTicker } from '../core/ticker.js'
import { DEFAULT_BASE_URL, type ElevenLabsApi } from './api.js'
import { Conversation } from './conversation.js'
import type { ConversationOptions } from './conversation-options.js'
import { refusalError } from './refusal.js'

/** Where the agent is reached: one of three ways. */
export type AgentAddress =
  | {
      /** A signed URL, used as it is. */
      readonly url: string
    }
  | {
      /** Fetches a signed URL first: the way for a private agent. */
      readonly api: ElevenLabsApi
      readonly agentId: string
    }
  | {
      /** A public agent: one without authentication. */
      readonly agentId: string
      /** Default `https://api.elevenlabs.io`. */
      readonly baseUrl?: string
    }

export type ConnectConversationOptions = AgentAddress &
  Omit<ConversationOptions, 'socket'> & {
    /** How long the socket may take to open, in milliseconds. Default 5000. The signed URL has the limit of its `api`. */
    readonly connectTimeoutMs?: number
    /** Gives up while connecting. An open conversation is ended with `close()`. */
    readonly signal?: AbortSignal
    /** Sent as `Origin`, for an agent that allows only certain hosts. Default: none is sent. */
    readonly origin?: string
  }

/** An answer over HTTP is read so far, in bytes, to say what it was. */
const MAX_REFUSAL_BYTES = 4096
/** How often a ping of the socket's own asks whether the other end is still there, in milliseconds. */
const HEARTBEAT_MS = 15_000

/**
 * Opens a conversation with an agent. It resolves once the socket is open and the initiation sent; whether the agent starts
 * is told by the conversation's `ready` and `ended`.
 *
 * @throws {@link VendorError} `elevenlabs_unauthorized`, `elevenlabs_agent_not_found`, `elevenlabs_rate_limited`,
 * `elevenlabs_server_error`, … when ElevenLabs refuses; `elevenlabs_connect_timeout` and `elevenlabs_connect_failed` when it
 * cannot be reached; {@link VoiceError} `http_aborted` when the signal aborts. What fetching a signed URL throws comes through.
 * @throws TypeError at once for an address or an initiation that cannot be right.
 */
export async function connectConversation(options: ConnectConversationOptions): Promise<Conversation> {
  const { connectTimeoutMs = 5000, signal, clock = systemClock } = options
  if (!(connectTimeoutMs > 0))
    throw new RangeError(`connectTimeoutMs must be a positive number, got ${connectTimeoutMs}`)
  const webSockets = import('ws') // not at the top: it is a third of what the package would take to load
  const url = await addressOf(options)
  const maxPayload = options.maxMessageBytes ?? 16 * 1024 * 1024
  const socket = await openSocket({
    webSockets,
    url,
    origin: options.origin,
    maxPayload,
    connectTimeoutMs,
    signal,
    clock,
  })
  try {
    return new Conversation({ ...options, socket })
  } catch (error) {
    socket.terminate() // an initiation that cannot be sent: nothing may stay open
    throw error
  }
}

async function addressOf(options: ConnectConversationOptions): Promise<string> {
  if ('url' in options) return checkedSocketUrl(options.url)
  if (typeof options.agentId !== 'string' || options.agentId === '')
    throw new TypeError('agentId must be an agent\u2019s id')
  if ('api' in options) {
    const { api, agentId, signal, initiation } = options
    const { branchId, environment } = initiation ?? {}
    const { signedUrl } = await api.getSignedUrl({
      agentId,
      ...(signal === undefined ? {} : { signal }),
      ...(branchId === undefined ? {} : { branchId }),
      ...(environment === undefined ? {} : { environment }),
    })
    return signedUrl
  }
  const base = (options.baseUrl ?? DEFAULT_BASE_URL).replace(/^http/, 'ws').replace(/\/+$/, '')
  return checkedSocketUrl(`${base}/v1/convai/conversation?agent_id=${encodeURIComponent(options.agentId)}`)
}

/** The address may be a secret, so it is not repeated. */
function checkedSocketUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed && /^wss?:$/.test(parsed.protocol) && parsed.hash === '') return url
  throw new TypeError('The address of a conversation must be a ws(s) URL without a fragment')
}

interface OpenOptions {
  readonly webSockets: Promise<{ readonly WebSocket: typeof WebSocket }>
  readonly url: string
  readonly origin: string | undefined
  readonly maxPayload: number
  readonly connectTimeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly clock: Clock
}

async function openSocket(options: OpenOptions): Promise<Socket> {
  const { url, origin, maxPayload, connectTimeoutMs, signal, clock } = options
  const { WebSocket } = await options.webSockets
  const aborted = (): VoiceError =>
    new VoiceError('http_aborted', 'Connecting to ElevenLabs was aborted', { cause: signal?.reason })
  if (signal?.aborted) throw aborted()
  return new Promise((resolve, reject) => {
    // No subprotocol: when the server does not echo one that was asked for, the handshake fails.
    const ws = new WebSocket(url, { maxPayload, perMessageDeflate: false, ...(origin === undefined ? {} : { origin }) })
    const settle = (): void => {
      clock.clear(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const giveUp = (error: VoiceError): void => {
      settle()
      ws.terminate()
      reject(error)
    }
    const onAbort = (): void => giveUp(aborted())
    const timer = clock.setTimeout(() => {
      const message = `ElevenLabs did not open the socket within ${connectTimeoutMs} ms`
      giveUp(new VendorError('elevenlabs_connect_timeout', message, { retry: 'once' }))
    }, connectTimeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })

    ws.on('error', (error) => {
      giveUp(connectFailed(error))
    })
    ws.on('unexpected-response', (_request, response) => {
      void readRefusal(response).then((text) => {
        const { statusCode = 0, headers } = response
        const get = (name: string): string | null => headerText(headers[name])
        giveUp(refusalError('open conversation', { status: statusCode, headers: { get }, text }, clock.now()))
      })
    })
    ws.once('open', () => {
      settle()
      ws.removeAllListeners('error')
      ws.removeAllListeners('unexpected-response') // or what it took to connect is kept as long as the call
      resolve(watchedSocket(ws, clock))
    })
  })
}

/** A socket that notices when the other end is gone without a word. */
function watchedSocket(ws: WebSocket, clock: Clock): Socket {
  const socket = socketFromWs(ws)
  const heartbeat = sharedTicker(clock, HEARTBEAT_MS)
  let missedBeats = 0
  const beat = (): void => {
    if (missedBeats >= 2) ws.terminate()
    else if (ws.readyState === ws.OPEN) ws.ping()
    missedBeats++
  }
  heartbeat.add(beat)
  ws.on('pong', () => (missedBeats = 0))
  ws.on('close', () => {
    heartbeat.remove(beat)
  })
  return socket
}

function connectFailed(error: Error): VendorError {
  const { code } = error as { code?: unknown }
  const reason = typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : ''
  return new VendorError('elevenlabs_connect_failed', `The socket to ElevenLabs could not be opened${reason}`, {
    retry: 'once',
    cause: error,
  })
}

/** The beginning of an answer. A body that breaks off or never ends is as good as what came of it. */
function readRefusal(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      if (text.length < MAX_REFUSAL_BYTES) return
      resolve(text.slice(0, MAX_REFUSAL_BYTES))
      response.destroy()
    })
    response.on('end', () => resolve(text))
    response.on('error', () => resolve(text))
    response.on('close', () => resolve(text))
  })
}

function headerText(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null
}
