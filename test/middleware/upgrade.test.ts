import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import type { Socket } from '../../src/core/socket.js'
import { attachUpgrades, type AcceptedUpgrade, type UpgradeOptions } from '../../src/middleware/upgrade.js'
import { signTwilioRequest } from '../../src/webhooks/twilio-signing.js'

const PUBLIC_URL = 'https://app.example.com/voice'
const AUTH_TOKEN = 'auth-token-3be1'

const servers: Server[] = []
const clients: WebSocket[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function serve(options: Partial<UpgradeOptions> = {}, prepare: (server: Server) => void = () => undefined) {
  const accepted: { socket: Socket; upgrade: AcceptedUpgrade }[] = []
  const logged: string[] = []
  const log = (message: string, fields?: object): void => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const server = createServer()
  servers.push(server)
  prepare(server)
  const detach = attachUpgrades(server, {
    publicUrl: PUBLIC_URL,
    authToken: AUTH_TOKEN,
    path: '/stream',
    accept: (socket, upgrade) => accepted.push({ socket, upgrade }),
    logger: { debug: log, info: log, warn: log, error: log },
    ...options,
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { server, port, accepted, logged, detach }
}

const signed = (url = 'wss://app.example.com/voice/stream', authToken = AUTH_TOKEN): Record<string, string> => ({
  'x-twilio-signature': signTwilioRequest({ authToken, url }),
})

/** `open`, or the HTTP status that refused it. */
function dial(port: number, path: string, headers: Record<string, string> = {}): Promise<number | 'open' | 'gone'> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
  clients.push(ws)
  return new Promise((resolve) => {
    ws.on('open', () => resolve('open'))
    ws.on('unexpected-response', (request, answer) => {
      request.destroy()
      resolve(answer.statusCode ?? 0)
    })
    ws.on('error', () => resolve('gone'))
  })
}

/** Lets what is on its way over loopback arrive. */
async function arrive(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('attachUpgrades', () => {
  test('takes a signed socket, below the mount path or with the prefix that a proxy stripped', async () => {
    const { port, accepted } = await serve()
    expect(await dial(port, '/voice/stream', signed())).toBe('open')
    expect(await dial(port, '/stream', signed())).toBe('open')
    expect(accepted.map(({ upgrade }) => upgrade.isSigned)).toEqual([true, true])
  })

  test('a signature that is there must be right, even where none is asked for', async () => {
    const { port, accepted, logged } = await serve({ unsigned: 'allow' })
    expect(await dial(port, '/voice/stream', signed(undefined, 'wrong'))).toBe(403)
    expect(await dial(port, '/voice/stream', signed('wss://evil.example.com/voice/stream'))).toBe(403)
    expect(await dial(port, '/voice/stream', { 'x-twilio-signature': 'nonsense' })).toBe(403)
    expect(await dial(port, '/voice/stream?added=1', signed())).toBe(403)
    expect(accepted).toEqual([])
    expect(logged).toHaveLength(4)
    expect(logged.join()).not.toMatch(/auth-token/)
  })

  test('none at all is taken by default, and refused where the host says so', async () => {
    const { port, accepted } = await serve()
    expect(await dial(port, '/voice/stream')).toBe('open')
    expect(accepted[0]!.upgrade.isSigned).toBe(false)
    const strict = await serve({ unsigned: 'refuse' })
    expect(await dial(strict.port, '/voice/stream')).toBe(403)
    expect(await dial(strict.port, '/voice/stream', signed())).toBe('open')
  })

  test('a reason of the host\u2019s refuses with 503', async () => {
    const { port, logged } = await serve({ refuse: () => 'draining' })
    expect(await dial(port, '/voice/stream', signed())).toBe(503)
    expect(logged.join()).toMatch(/draining/)
  })

  test('a message larger than is taken closes the socket with 1009, and its user is told so', async () => {
    const { port, accepted } = await serve({ maxMessageBytes: 1000 })
    const ws = new WebSocket(`ws://127.0.0.1:${port}/stream`)
    clients.push(ws)
    const closed = new Promise<number>((resolve) => ws.on('close', resolve))
    await new Promise((resolve) => ws.on('open', resolve))
    const told = new Promise<number>((resolve) => {
      accepted[0]!.socket.listen({ message: () => undefined, binary: () => undefined, close: resolve })
    })
    ws.send('x'.repeat(2000))
    expect([await closed, await told]).toEqual([1009, 1009])
  })

  test('unsigned sockets are counted by address, all of them together, until they have proven their call', async () => {
    const { port, accepted } = await serve({ maxUnauthenticated: 3, maxUnauthenticatedPerAddress: 2 })
    expect([await dial(port, '/stream'), await dial(port, '/stream')]).toEqual(['open', 'open'])
    expect(await dial(port, '/stream')).toBe(429)
    expect(await dial(port, '/stream', signed())).toBe('open')
    expect(await dial(port, '/stream', signed())).toBe(503)
    accepted[0]!.upgrade.authenticated()
    accepted[0]!.upgrade.authenticated() // twice is once
    expect(await dial(port, '/stream')).toBe('open')
    expect(await dial(port, '/stream')).toBe(503)
  })

  test('a socket that is gone is counted no more, however it went', async () => {
    const { port, accepted } = await serve({ maxUnauthenticated: 1 })
    for (const end of ['close', 'terminate'] as const) {
      expect(await dial(port, '/stream')).toBe('open')
      const closed = new Promise<number>((resolve) => {
        accepted.at(-1)!.socket.listen({ message: () => undefined, binary: () => undefined, close: resolve })
      })
      clients.at(-1)![end]()
      await closed
      await arrive()
    }
    expect(await dial(port, '/stream')).toBe('open')
  })

  test('a handshake that is none is not counted either', async () => {
    const { port } = await serve({ maxUnauthenticated: 1 })
    for (let i = 0; i < 3; i++) {
      const raw = connect(port, '127.0.0.1')
      const answer = new Promise<string>((resolve) => raw.on('data', (data) => resolve(data.toString())))
      raw.write('GET /stream HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      expect(await answer).toMatch(/^HTTP\/1\.1 4\d\d/)
      await new Promise((resolve) => raw.on('close', resolve).end())
      await arrive()
    }
    expect(await dial(port, '/stream')).toBe('open')
  })

  test('another path gets 404, unless the host listens too', async () => {
    const alone = await serve()
    expect(await dial(alone.port, '/other')).toBe(404)
    const shared = await serve({}, (server) => {
      server.on('upgrade', (request, socket) => {
        if (request.url === '/other') socket.end('HTTP/1.1 418 Teapot\r\n\r\n')
      })
    })
    expect(await dial(shared.port, '/other')).toBe(418)
    expect(await dial(shared.port, '/stream')).toBe('open')
  })

  test('two of ours on one server: each takes its own, and what is nobody\u2019s gets its 404', async () => {
    const { server, port, accepted, detach } = await serve()
    const others: Socket[] = []
    attachUpgrades(server, { publicUrl: PUBLIC_URL, authToken: AUTH_TOKEN, path: '/relay', accept: (socket) => others.push(socket) }) // prettier-ignore
    expect(await dial(port, '/stream')).toBe('open')
    expect(await dial(port, '/relay')).toBe('open')
    expect(await dial(port, '/other')).toBe(404)
    expect([accepted.length, others.length]).toEqual([1, 1])
    detach()
    expect(await dial(port, '/stream')).toBe(404)
    expect(await dial(port, '/relay')).toBe('open')
  })

  test('a refused peer that keeps its half of the connection open keeps none of ours', async () => {
    const { port, server } = await serve({ unsigned: 'refuse' })
    const raw = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    raw.on('error', () => undefined)
    const ended = new Promise((resolve) => raw.on('end', resolve))
    raw.resume()
    raw.write('GET /stream HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n') // prettier-ignore
    await ended
    await arrive()
    const count = await new Promise((resolve) => server.getConnections((_error, connections) => resolve(connections)))
    expect(count).toBe(0)
    raw.destroy()
  })
})
