/**
 * From a signed status webhook to its 200, with PostgreSQL: over HTTP on loopback, at 200 a second, each kept before it is acknowledged.
 *
 * The work that was kept is done by a loop in the same process meanwhile, as it would be: once as it is by default, and once with so many pieces at
 * once that they keep the pool taken. What each statement waited for a connection is counted, so that it is seen where the time goes.
 *
 * @module
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadavg } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import pg from 'pg'
import { Agent, request } from 'undici'
import { CallWebhooks } from '../src/calls/call-webhooks.js'
import { WorkLoop, type WorkLoopOptions } from '../src/calls/work-loop.js'
import { WEBHOOK_QUEUE } from '../src/calls/work-queues.js'
import { textResponse } from '../src/middleware/host-request.js'
import { readNodeBody } from '../src/middleware/node-body.js'
import { createWebhookHandler } from '../src/middleware/webhook-handler.js'
import { createPostgresStore } from '../src/storage/postgres/postgres-store.js'
import { signTwilioRequest } from '../src/webhooks/twilio-signing.js'
import { withOwnDatabase } from './own-database.js'
import type { Figure } from './report.js'
import type { Extent } from './setting.js'

const PER_SECOND = 200
const TARGET_MS = 20
const STATUSES = ['initiated', 'ringing', 'in-progress', 'completed']
const PUBLIC_URL = 'https://calls.example.com'
const AUTH_TOKEN = 'f'.repeat(32)

const CONNECTIONS = 10
/** More than the pool has connections. */
const MANY_PIECES = 16

/** Measures with the database of `DATABASE_URL`, in a database of its own; without one it says so. */
export async function benchWebhooks({ isQuick }: Extent): Promise<readonly Figure[]> {
  const databaseUrl = process.env['DATABASE_URL']
  if (databaseUrl === undefined) {
    console.error('\nwebhooks: skipped, set DATABASE_URL to a PostgreSQL server')
    return []
  }
  const seconds = isQuick ? 5 : 20
  return [
    await withOwnDatabase(databaseUrl, (url) => measure(url, seconds, {})),
    await withOwnDatabase(databaseUrl, (url) =>
      measure(url, seconds, { concurrency: MANY_PIECES, isBusy: () => false }),
    ),
  ]
}

/** `pg.Pool` as a store takes it, with what its statements waited for a connection, in milliseconds. */
function watched(pool: pg.Pool) {
  const waitedMs = { webhook: [] as number[], work: [] as number[] }
  const query = async (text: string, values?: unknown[]): Promise<{ rows: unknown[] }> => {
    const startedMs = performance.now()
    const connection = await pool.connect()
    const whose = text.includes('INSERT INTO callweave_work') ? waitedMs.webhook : waitedMs.work
    whose.push(performance.now() - startedMs)
    try {
      return await connection.query(text, values)
    } finally {
      connection.release()
    }
  }
  return { query, waitedMs }
}

async function measure(
  databaseUrl: string,
  seconds: number,
  work: Pick<WorkLoopOptions, 'concurrency' | 'isBusy'>,
): Promise<Figure> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS, idleTimeoutMillis: 0 })
  pool.on('error', () => undefined) // its connections are cut when the database goes
  // All of them open, as in a process that runs for a while: a connection that is opened in a burst is waited for longer than any statement.
  const opened = await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.connect()))
  for (const connection of opened) connection.release()
  const client = watched(pool)
  const store = createPostgresStore({ client })
  await store.migrate()
  const webhooks = new CallWebhooks({
    store,
    telephone: { updateCall: async () => 'updated' },
    kick: (queue) => loop.kick(queue),
  })
  const loop = new WorkLoop({
    store,
    isBusy: () => webhooks.isBusy,
    handlers: { [WEBHOOK_QUEUE]: webhooks.process },
    ...work,
  })
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
  const lateness = monitorEventLoopDelay({ resolution: 5 })
  const startMs = performance.now()
  const all: Promise<void>[] = []
  let cpu = process.cpuUsage()
  let cpuFromMs = startMs
  for (let i = 0; i < PER_SECOND * (seconds + 2); i++) {
    if (i === PER_SECOND * 2) {
      for (const waited of Object.values(client.waitedMs)) waited.length = 0
      lateness.enable()
      cpu = process.cpuUsage()
      cpuFromMs = performance.now()
    }
    const waitMs = startMs + (i * 1000) / PER_SECOND - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    all.push(send(i, i >= PER_SECOND * 2))
  }
  await Promise.all(all)
  lateness.disable()
  const { user, system } = process.cpuUsage(cpu)
  const shareOfCore = ((user + system) / 10 / (performance.now() - cpuFromMs)).toFixed(0)
  const { webhook, work: other } = client.waitedMs
  const waits = `waited for a connection: webhooks p50 ${at(webhook, 0.5)}, p99 ${at(webhook, 0.99)} ms, work p99 ${at(other, 0.99)} ms`
  const statements = ((webhook.length + other.length) / webhook.length).toFixed(1)
  await loop.idle()
  await loop.close()
  const ended = await store.countCalls({ tenantId: 't', filter: { callStatus: 'completed' } })
  await agent.close()
  await new Promise((resolve) => server.close(resolve))
  await pool.end()

  const isMet = failures === 0 && Number(at(tookMs, 0.99)) < TARGET_MS
  const pieces = work.concurrency === undefined ? '' : `, ${work.concurrency} pieces of work at once`
  return {
    what: `webhook → 200, p99, ${PER_SECOND} a second, PostgreSQL, ${CONNECTIONS} connections${pieces}`,
    reached: `${at(tookMs, 0.99)} ms`,
    target: work.concurrency === undefined ? `< ${TARGET_MS} ms` : '–',
    verdict: work.concurrency !== undefined ? 'stated' : isMet ? 'reached' : 'missed',
    note:
      `median ${at(tookMs, 0.5)} ms, longest ${at(tookMs, 1)} ms of ${tookMs.length}; ${failures} failed; ${waits}; ` +
      `${statements} statements a webhook; generator and server had ${shareOfCore} % of a core; event loop late by p99 ${(lateness.percentile(99) / 1e6).toFixed(1)} ms; ` +
      `load average ${loadavg()[0]?.toFixed(1)}; ${ended} of ${calls} calls at their end when the loop was idle`,
  }
}

function at(valuesMs: number[], share: number): string {
  const sorted = valuesMs.sort((a, b) => a - b)
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1)
}
