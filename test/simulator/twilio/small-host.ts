/**
 * A host in a few lines, for the tests of the simulator: plain node:http and ws, and nothing of ours.
 *
 * @module
 */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import twilio from 'twilio'
import { WebSocketServer, type WebSocket } from 'ws'

export const PUBLIC_HOST = 'app.example.com'

/** One request that the host saw. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  /** Whether the `twilio` package accepts its signature. */
  readonly isSigned: boolean
}

export type Reply =
  | string
  | {
      readonly status?: number
      readonly type?: string
      readonly body?: string | Buffer
      readonly headers?: Record<string, string>
    }
export type Route = (request: SeenRequest) => Reply | Promise<Reply>

/** A message from Twilio, as far as tests look into it. */
export interface TwilioMessage {
  readonly event: string
  readonly streamSid?: string
  readonly sequenceNumber?: string
  readonly start?: { readonly callSid: string; readonly customParameters: Record<string, string> }
  readonly media?: { readonly payload: string; readonly timestamp: string; readonly chunk: string }
  readonly mark?: { readonly name: string }
  readonly dtmf?: { readonly digit: string }
}

/** One media socket as the host has it. */
export interface HostStream {
  readonly ws: WebSocket
  readonly headers: IncomingHttpHeaders
  readonly path: string
  /** Messages from Twilio, parsed; text that is not JSON stands as `{ event: 'unreadable' }`. */
  readonly messages: TwilioMessage[]
  streamSid: string
  send(message: Record<string, unknown>): void
  media(audio: Uint8Array): void
  mark(name: string): void
  clear(): void
}

export interface SmallHostOptions {
  readonly authToken: string
  readonly routes: Readonly<Record<string, Route>>
  readonly onStart?: (stream: HostStream) => void
  readonly onMessage?: (message: TwilioMessage, stream: HostStream) => void
  /** Answers the upgrade with this status. */
  readonly refuseUpgrade?: number
}

export const xml = (body: string): string => `<?xml version="1.0" encoding="UTF-8"?><Response>${body}</Response>`

export async function startHost(options: SmallHostOptions) {
  const requests: SeenRequest[] = []
  const streams: HostStream[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      void (async () => {
        const target = request.url ?? '/'
        const path = target.split('?')[0]!
        const body = Buffer.concat(parts).toString()
        const isGet = request.method === 'GET'
        const params = Object.fromEntries(new URLSearchParams(isGet ? (target.split('?')[1] ?? '') : body))
        const signature = String(request.headers['x-twilio-signature'])
        const scheme = String(request.headers['x-forwarded-proto'] ?? 'http')
        const url = `${scheme}://${String(request.headers.host)}${target}`
        const isSigned = twilio.validateRequest(options.authToken, signature, url, isGet ? {} : params)
        const seen: SeenRequest = { method: request.method!, path, params, headers: request.headers, isSigned }
        requests.push(seen)
        const reply = (await options.routes[path]?.(seen)) ?? { status: path.startsWith('/status') ? 204 : 404 }
        const {
          status = 200,
          type = 'text/xml',
          body: text = '',
          headers = {},
        } = typeof reply === 'string' ? { body: reply } : reply
        response.writeHead(status, { 'content-type': type, ...headers })
        response.end(text)
      })()
    })
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (options.refuseUpgrade) {
      socket.end(`HTTP/1.1 ${options.refuseUpgrade} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const stream: HostStream = {
        ws,
        headers: request.headers,
        path: request.url!,
        messages: [],
        streamSid: '',
        send: (message) => ws.send(JSON.stringify(message)),
        media: (audio) =>
          stream.send({
            event: 'media',
            streamSid: stream.streamSid,
            media: { payload: Buffer.from(audio).toString('base64') },
          }),
        mark: (name) => stream.send({ event: 'mark', streamSid: stream.streamSid, mark: { name } }),
        clear: () => stream.send({ event: 'clear', streamSid: stream.streamSid }),
      }
      streams.push(stream)
      ws.on('error', () => {})
      ws.on('message', (data: Buffer) => {
        let message: TwilioMessage
        try {
          message = (JSON.parse(data.toString()) ?? { event: 'unreadable' }) as TwilioMessage
        } catch {
          message = { event: 'unreadable' }
        }
        stream.messages.push(message)
        if (message.event === 'start') {
          stream.streamSid = message.streamSid ?? ''
          options.onStart?.(stream)
        }
        options.onMessage?.(message, stream)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    streams,
    /** The requests to a path. */
    to: (path: string) => requests.filter((request) => request.path === path),
    close: async () => {
      for (const { ws } of streams) ws.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A tone of `ms` milliseconds as μ-law: loud enough to be speech. */
export function tone(ms: number): Uint8Array {
  return Uint8Array.from({ length: ms * 8 }, (_, i) => (i % 16 < 8 ? 0x10 : 0x90))
}
