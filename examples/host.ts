/** The same app on Express and on Fastify. Yours has one of the two; the stories that use this file take either. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import type { Voice } from 'callweave'
import { voiceRouter } from 'callweave/express'
import { voicePlugin } from 'callweave/fastify'
import type { HostHandler } from 'callweave/http'

/** What a story's `server.ts` gives. */
export interface App {
  readonly voice: Voice
  /** Everything that is answered over HTTP: the webhooks, and what the story has besides. */
  readonly handle: HostHandler
}

export interface RunningHost {
  /** Where it listens, e.g. `http://127.0.0.1:3000`. */
  readonly origin: string
  close(): Promise<void>
}

async function onExpress({ voice, handle }: App): Promise<RunningHost> {
  const app = express()
  app.use(voiceRouter({ handle })) // before any body parser: signatures are over bytes
  const server = createServer(app)
  voice.attach(server) // media sockets, checked before they are accepted
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function onFastify({ voice, handle }: App): Promise<RunningHost> {
  const app = fastify()
  await app.register(voicePlugin({ handle })) // content types stay unparsed within the plugin, and only there
  voice.attach(app.server)
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  return { origin, close: () => app.close() }
}

/** Starts the app on the host of that name. @param name - `express` or `fastify`; a story takes it from its command line. */
export function startHost(app: App, name = 'express'): Promise<RunningHost> {
  if (name === 'express') return onExpress(app)
  if (name === 'fastify') return onFastify(app)
  throw new TypeError(`There is no host "${name}": express and fastify are there`)
}
