/**
 * From a signed status webhook to its 200, with PostgreSQL: over HTTP on loopback, at 200 a second, each kept before it is acknowledged.
 *
 * The work that was kept is done by a loop in the same process meanwhile, as it would be.
 *
 * @module
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { Agent, request } from 'undici'
import { CallWebhooks } from '../src/calls/call-webhooks.js'
import { WorkLoop } from '../src/calls/work-loop.js'
import { WEBHOOK_QUEUE } from '../src/calls/work-queues.js'
import { textResponse } from '../src/middleware/host-request.js'
import { readNodeBody } from '../src/middleware/node-body.js'
import { createWebhookHandler } from '../src/middleware/webhook-handler.js'
import { createPostgresStore } from '../src/storage/postgres/postgres-store.js'
import { signTwilioRequest } from '../src/webhooks/twilio-signing.js'
import type { Figure } from './report.js'
import type { Extent } from './setting.js'

const PER_SECOND = 200
const TARGET_MS = 20
const STATUSES = ['initiated', 'ringing', 'in-progress', 'completed']
const PUBLIC_URL = 'https://calls.example.com'
const AUTH_TOKEN = 'f'.repeat(32)

/** Measures with the database of `DATABASE_URL`, in a database of its own; without one it says so. */
export async function benchWebhooks({ isQuick }: Extent): Promise<readonly Figure[]> {
  const what = `webhook → 200, p99, ${PER_SECOND} a second, PostgreSQL`
  const target = `< ${TARGET_MS} ms`
  const databaseUrl = process.env['DATABASE_URL']
  if (databaseUrl === undefined) {
    console.error('\nwebhooks: skipped, set DATABASE_URL to a PostgreSQL server')
    return []
  }
  const name = `callweave_bench_${process.pid}`
  const admin = new pg.Client({ connectionString: databaseUrl })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${name}`)
  const own = new URL(databaseUrl)
  own.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: own.href, max: 10 })
  pool.on('error', () => undefined) // its connections are cut when the database goes
  const store = createPostgresStore({ client: pool })
  await store.migrate()
  const webhooks = new CallWebhooks({
    store,
    telephone: { updateCall: async () => 'updated' },
    kick: () => loop.kick(),
  })
  // Fewer pieces at once than the pool has connections, so that what arrives does not wait for what is being done.
  const loop = new WorkLoop({ store, concurrency: 4, handlers: { [WEBHOOK_QUEUE]: webhooks.process } })
  loop.start()
  const handle = createWebhookHandler({
    publicUrl: PUBLIC_URL,
    authToken: AUTH_TOKEN,
    routes: {
      '/status': async ({ params }) => {
        await webhooks.accept({ kind: 'status', tenantId: 't', params })
        return textResponse(200, 'OK')
      },
    },
  })
  const server = createServer((incoming, response) => {
    void handle({
      method: incoming.method ?? '',
      target: incoming.url ?? '',
      header: (header) => incoming.headers[header],
      readBody: (maxBytes) => readNodeBody(incoming, maxBytes),
    }).then((answer) => response.writeHead(answer?.status ?? 404).end(answer?.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ connections: 50 })

  const seconds = isQuick ? 5 : 20
  const calls = (PER_SECOND * (seconds + 2)) / STATUSES.length
  for (let i = 0; i < calls; i++) {
    await store.addCall({ tenantId: 't', callSid: `CA${i}`, direction: 'outbound', from: '+12025550199', to: '+12025550101', callStatus: 'queued' }) // prettier-ignore
  }
  const tookMs: number[] = []
  let failures = 0
  const send = async (i: number, isWarm: boolean): Promise<void> => {
    const params = { CallSid: `CA${Math.floor(i / STATUSES.length)}`, CallStatus: STATUSES[i % STATUSES.length] ?? '', SequenceNumber: String(i % STATUSES.length), CallbackSource: 'call-progress-events', CallDuration: '60' } // prettier-ignore
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url: `${PUBLIC_URL}/status`, params }),
    }
    const startedMs = performance.now()
    const answer = await request(`http://127.0.0.1:${port}/status`, { method: 'POST', headers, body: new URLSearchParams(params).toString(), dispatcher: agent }) // prettier-ignore
    await answer.body.dump()
    if (answer.statusCode !== 200) failures++
    else if (isWarm) tookMs.push(performance.now() - startedMs)
  }
  // Each leaves at its own moment, whether the one before has its answer or not.
  const startMs = performance.now()
  const all: Promise<void>[] = []
  for (let i = 0; i < PER_SECOND * (seconds + 2); i++) {
    const waitMs = startMs + (i * 1000) / PER_SECOND - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    all.push(send(i, i >= PER_SECOND * 2))
  }
  await Promise.all(all)
  await loop.idle()
  await loop.close()
  const ended = await store.countCalls({ tenantId: 't', filter: { callStatus: 'completed' } })
  await agent.close()
  await new Promise((resolve) => server.close(resolve))
  await pool.end()
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
  await admin.end()

  tookMs.sort((a, b) => a - b)
  const at = (share: number): number => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? NaN
  const isMet = failures === 0 && at(0.99) < TARGET_MS
  return [
    {
      what,
      reached: `${at(0.99).toFixed(1)} ms`,
      target,
      verdict: isMet ? 'reached' : 'missed',
      note: `median ${at(0.5).toFixed(1)} ms, longest ${at(1).toFixed(1)} ms of ${tookMs.length}; ${failures} failed; ${ended} of ${calls} calls at their end when the loop was idle`, // prettier-ignore
    },
  ]
}
