/**
 * WebSocket upgrades that are checked before they are accepted, and turned into the {@link Socket} of the protocol sessions.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { socketFromWs, type Socket } from '../core/socket.js'
import { verifyTwilioUpgrade } from '../webhooks/twilio-signature.js'

/** The few members that we need of a `node:http` or `node:https` server. */
export interface UpgradableServer {
  on(event: 'upgrade', listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown
  off(event: 'upgrade', listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown
  listenerCount(event: 'upgrade'): number
}

/** What is known of a socket when it is accepted. */
export interface AcceptedUpgrade {
  /** The signature of the upgrade was there, and right. */
  readonly isSigned: boolean
  /**
   * Tells that the peer has proven which call it belongs to. Until then the socket counts against the caps on
   * unauthenticated sockets.
   */
  readonly authenticated: () => void
}

export interface UpgradeOptions {
  /** The public address of the app, without a slash at the end; upgrades come to `publicUrl + path`. */
  readonly publicUrl: string
  readonly authToken: string | readonly string[]
  /** Path below the public address, e.g. `/stream`. */
  readonly path: string
  /** Takes over an accepted socket. */
  readonly accept: (socket: Socket, upgrade: AcceptedUpgrade) => void
  /** Asked last, before the upgrade: a sentence refuses it with 503, e.g. while the process drains. */
  readonly refuse?: () => string | undefined
  /**
   * What to do with an upgrade that carries no `X-Twilio-Signature`. Default `'allow'`: Twilio documents the header for
   * media streams, but whether every region sends it is not known (read 2026-11-21), and the one-time token that `start`
   * must carry proves the same. A signature that is there must be right either way.
   */
  readonly unsigned?: 'allow' | 'refuse'
  /** Sockets that have not proven their call yet, in all. Default 200. Beyond it an upgrade gets 503. */
  readonly maxUnauthenticated?: number
  /** The same, for one remote address and upgrades without a signature. Default 20. Beyond it an upgrade gets 429. */
  readonly maxUnauthenticatedPerAddress?: number
  /** Largest message, in bytes. Default 65 536; a media frame has about 400. */
  readonly maxMessageBytes?: number
  readonly logger?: Logger
}

/** What listens to the upgrades of each server on our behalf: which paths are taken. */
const attached = new WeakMap<UpgradableServer, Set<(path: string) => boolean>>()

/**
 * Listens to the upgrades of `server`. Upgrades for other paths are left to the host when it listens too, else answered with
 * 404.
 *
 * @returns A function that stops listening. Open sockets stay open.
 */
export function attachUpgrades(server: UpgradableServer, options: UpgradeOptions): () => void {
  const { maxUnauthenticated = 200, maxUnauthenticatedPerAddress = 20, maxMessageBytes = 65_536 } = options
  const logger = maskingLogger(options.logger ?? silentLogger)
  const publicPath = new URL(options.publicUrl).pathname.replace(/\/+$/, '') + options.path
  const takes = (path: string): boolean => path === publicPath || path === options.path
  const ours = attached.get(server) ?? new Set()
  attached.set(server, ours.add(takes))
  const publicWebSocketUrl = options.publicUrl.replace(/^http/, 'ws')
  // Loaded now and not with the module: it is a third of what the package would take to load.
  const webSockets = import('ws').then(
    ({ WebSocketServer }) =>
      new WebSocketServer({
        noServer: true,
        perMessageDeflate: false,
        maxPayload: maxMessageBytes,
        clientTracking: false,
      }),
  )
  let unauthenticated = 0
  const byAddress = new Map<string, number>()

  const onUpgrade = (request: IncomingMessage, raw: Duplex, head: Buffer): void => {
    const target = request.url ?? '/'
    const path = target.split('?', 1)[0] ?? '/'
    if (!takes(path)) {
      // The first of ours speaks for all of them; a listener of the host's may have it.
      const [first] = ours
      const isNobodys = takes === first && server.listenerCount('upgrade') === ours.size
      if (isNobodys && ![...ours].some((other) => other(path))) refuse(raw, 404, 'Not Found')
      return
    }
    const query = target.slice(path.length)
    const signature = request.headers['x-twilio-signature']
    const isSigned = typeof signature === 'string' && signature !== ''
    if (isSigned || options.unsigned === 'refuse') {
      const verdict = verifyTwilioUpgrade({
        authToken: options.authToken,
        signature: isSigned ? signature : undefined,
        url: publicWebSocketUrl + options.path + query,
      })
      if (!verdict.ok) {
        logger.warn('An upgrade was refused', { code: verdict.code, reason: verdict.reason })
        refuse(raw, 403, 'Forbidden')
        return
      }
    }
    const reason = options.refuse?.()
    if (reason !== undefined) {
      logger.info('An upgrade was refused', { reason })
      refuse(raw, 503, 'Service Unavailable')
      return
    }
    if (unauthenticated >= maxUnauthenticated) {
      logger.warn('An upgrade was refused', { reason: 'too many sockets wait for their token' })
      refuse(raw, 503, 'Service Unavailable')
      return
    }
    // Behind a proxy all sockets share an address; the ones that Twilio signed are not held against it.
    const address = isSigned ? undefined : (request.socket.remoteAddress ?? 'unknown')
    if (address !== undefined && (byAddress.get(address) ?? 0) >= maxUnauthenticatedPerAddress) {
      logger.warn('An upgrade was refused', { reason: 'too many sockets from one address wait for their token' })
      refuse(raw, 429, 'Too Many Requests')
      return
    }

    unauthenticated++
    if (address !== undefined) byAddress.set(address, (byAddress.get(address) ?? 0) + 1)
    let isCounted = true
    const settle = (): void => {
      if (!isCounted) return
      isCounted = false
      unauthenticated--
      if (address === undefined) return
      const left = (byAddress.get(address) ?? 1) - 1
      if (left > 0) byAddress.set(address, left)
      else byAddress.delete(address)
    }
    raw.once('close', settle)
    const onError = (): void => undefined // it may break while we wait; its `close` follows
    raw.on('error', onError)
    void webSockets.then((server) => {
      raw.off('error', onError)
      server.handleUpgrade(request, raw, head, (ws) => {
        options.accept(socketFromWs(ws, raw), { isSigned, authenticated: settle })
      })
    })
  }

  server.on('upgrade', onUpgrade)
  return () => {
    ours.delete(takes)
    server.off('upgrade', onUpgrade)
  }
}

/** Answers with a plain HTTP status, so that Twilio logs 31920 with it, and ends the connection. */
function refuse(raw: Duplex, status: number, text: string): void {
  raw.on('error', () => undefined) // the peer may be gone already
  raw.once('finish', () => raw.destroy()) // and when it is not, it keeps no socket of ours half open
  raw.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
