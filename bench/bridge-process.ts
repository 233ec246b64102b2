/**
 * Ours, as a host would run it: the built package, Express, signed webhooks, one-time tokens, ledger, marks, turns, limits, and a
 * listener on every event of every call.
 *
 * A process of its own: `BENCH_AGENT_URL` says where ElevenLabs' REST calls go. Mounted at `/voice`.
 *
 * @module
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type * as callweave from 'callweave'
import type * as callweaveExpress from 'callweave/express'
import type { Store } from 'callweave/storage'
import type * as callweavePostgres from 'callweave/storage/postgres'
import express from 'express'
import { serveCandidate } from './candidate.js'
import { ACCOUNT_SID, AUTH_TOKEN } from './account.js'

// The built files are measured: what ships, and nothing that a loader did to it.
const load = async <T>(file: string): Promise<T> => (await import(new URL(file, import.meta.url).href)) as T
const { createVoice } = await load<typeof callweave>('../dist/index.js')
const { voiceRouter } = await load<typeof callweaveExpress>('../dist/express.js')

/** PostgreSQL where the measurement names one; else what a voice has by itself. */
async function storeOf(url: string | undefined): Promise<{ readonly store?: Store }> {
  if (!url) return {}
  const { createPostgresStore } = await load<typeof callweavePostgres>('../dist/storage/postgres.js')
  const { default: pg } = await import('pg')
  const store = createPostgresStore({ client: new pg.Pool({ connectionString: url, max: 10 }) })
  await store.migrate()
  return { store }
}

const kept = await storeOf(process.env.BENCH_DATABASE_URL)
const app = express()
const server = createServer(app)
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  const voice = createVoice({
    publicUrl: `http://127.0.0.1:${port}/voice`,
    twilio: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN },
    elevenlabs: { apiKey: 'bench', agentId: 'agent_bench', baseUrl: process.env.BENCH_AGENT_URL ?? '' },
    allowInsecure: true,
    ...kept,
    tools: { look_up: () => 'found' },
  })
  const heard = { events: 0 }
  const count = (): void => {
    heard.events++
  }
  voice.on('call', ({ bridge }) => {
    bridge.on('joined', count)
    bridge.on('callerTurn', count)
    bridge.on('agentTurnStarted', count)
    bridge.on('agentTurnEnded', count)
    bridge.on('bargedIn', count)
    bridge.on('toolCalled', count)
    bridge.on('toolAnswered', count)
    bridge.on('digit', count)
    bridge.on('ended', count)
  })
  voice.on('callEnded', count)
  voice.on('callStatus', count)
  app.use('/voice', voiceRouter(voice))
  voice.attach(server)
  serveCandidate(port)
})
