/** Every host that we mount in, and how a handler is mounted there under /voice. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
// @ts-expect-error -- Express 4 under a name of its own, which has no types
import express4 from 'express4'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { getRequestListener } from '@hono/node-server'
import { voiceRouter } from '../../src/middleware/express.js'
import { voicePlugin } from '../../src/middleware/fastify.js'
import type { HostHandler } from '../../src/middleware/host-request.js'
import { voiceFetch } from '../../src/middleware/web.js'

export interface Mounted {
  readonly origin: string
  readonly port: number
  readonly close: () => Promise<void>
}

/** What the host does before it comes to us. */
export type Parsing = 'none' | 'json-and-form'

type Mount = (handle: HostHandler, parsing: Parsing) => Promise<Mounted>

async function listen(listener: (req: IncomingMessage, res: ServerResponse) => void): Promise<Mounted> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { origin: `http://127.0.0.1:${port}`, port, close }
}

function inExpress(make: typeof express): Mount {
  return (handle, parsing) => {
    const app = make()
    if (parsing === 'json-and-form') app.use(make.json(), make.urlencoded({ extended: true }))
    app.use('/voice', voiceRouter({ handle }))
    app.use((_request, response) => void response.status(404).send('the host’s own 404'))
    return listen(app)
  }
}

const inFastify: Mount = async (handle) => {
  const app = fastify()
  app.setNotFoundHandler((_request, reply) => void reply.code(404).send('the host’s own 404'))
  await app.register(voicePlugin({ handle }), { prefix: '/voice' })
  app.post('/own', (request) => ({ seen: request.body })) // parsed as ever outside the plugin
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, port, close: () => app.close() }
}

const inHono: Mount = (handle, parsing) => {
  const app = new Hono()
  if (parsing === 'json-and-form') {
    app.use(async (c, next) => {
      await c.req.raw.text()
      await next()
    })
  }
  const web = voiceFetch({ handle }, { mountPath: '/voice' })
  app.all('/voice/*', (c) => web(c.req.raw))
  app.notFound((c) => c.text('the host’s own 404', 404))
  const listener = getRequestListener(app.fetch)
  return listen((req, res) => void listener(req, res))
}

/** As Next's route handlers and Bun call it: a `Request` that was made of what came in. */
const inFetch: Mount = (handle, parsing) => {
  const web = voiceFetch({ handle }, { mountPath: '/voice' })
  return listen((req, res) => {
    const answer = async (): Promise<void> => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk as Buffer)
      const headers = new Headers()
      for (let i = 0; i < req.rawHeaders.length; i += 2) headers.append(req.rawHeaders[i]!, req.rawHeaders[i + 1]!)
      const hasBody = req.method !== 'GET' && req.method !== 'HEAD'
      const request = new Request(`http://host.example${req.url ?? '/'}`, { method: req.method!, headers, ...(hasBody ? { body: Buffer.concat(chunks) } : {}) }) // prettier-ignore
      if (parsing === 'json-and-form' && hasBody) await request.text()
      const response = await web(request)
      res.writeHead(response.status, Object.fromEntries(response.headers))
      res.end(Buffer.from(await response.arrayBuffer()))
    }
    answer().catch(() => res.destroy())
  })
}

/** What differs from host to host, by name. */
export interface HostKind {
  readonly name: string
  readonly mount: Mount
  /** A path that is not ours goes on to the host’s own handlers. */
  readonly fallsThrough: boolean
  /** A parser can run before us; Fastify’s cannot, for the plugin has its own. */
  readonly canParseFirst: boolean
  /** A form that was parsed before can be put together again. */
  readonly rebuildsForms: boolean
}

export const HOSTS: readonly HostKind[] = [
  { name: 'Express 5', mount: inExpress(express), fallsThrough: true, canParseFirst: true, rebuildsForms: true },
  { name: 'Express 4', mount: inExpress(express4 as never), fallsThrough: true, canParseFirst: true, rebuildsForms: true }, // prettier-ignore
  { name: 'Fastify 5', mount: inFastify, fallsThrough: true, canParseFirst: false, rebuildsForms: false },
  { name: 'Hono', mount: inHono, fallsThrough: false, canParseFirst: true, rebuildsForms: false },
  { name: 'a Fetch handler', mount: inFetch, fallsThrough: false, canParseFirst: true, rebuildsForms: false },
]

/** Sends the head of a request and half of its body, then hangs up. */
export function sendHalf(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf`, () => socket.destroy())
    })
    socket.once('close', () => resolve())
    socket.once('error', reject)
  })
}
