/**
 * Events a second from a store's outbox to a function: `npx tsx bench/events.ts` measures PGlite; DATABASE_URL adds the PostgreSQL that it names.
 *
 * Calls with three events each, as many at once as the dispatcher's default allows.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { functionSink, OutboxDispatcher } from 'callweave/events'
import type { Store } from 'callweave/storage'
import { createPostgresStore } from 'callweave/storage/postgres'

const CALLS = 500

async function measure(name: string, store: Store): Promise<void> {
  await store.migrate()
  const tenantId = `bench-${randomUUID()}`
  for (let i = 0; i < CALLS; i++) {
    const events = [1, 2, 3].map((n) => ({ type: 'host.n', data: { callSid: `CA${i}`, n } }))
    const call = {
      tenantId,
      callSid: `CA${i}`,
      direction: 'inbound',
      from: 'a',
      to: 'b',
      callStatus: 'queued',
    } as const
    await store.addCall(call, events)
  }
  let left = CALLS * 3
  const sink = functionSink(() => {
    left--
  })
  const dispatcher = new OutboxDispatcher({ store, source: 'https://voice.example.com', sinks: { sink } })
  const startMs = performance.now()
  dispatcher.start()
  while (left > 0) await new Promise((again) => setTimeout(again, 5))
  const tookMs = performance.now() - startMs
  await dispatcher.close()
  console.log(`${name}: ${Math.round((CALLS * 3 * 1000) / tookMs)} events a second`)
}

const client = new PGlite()
await measure('PGlite', createPostgresStore({ client }))
await client.close()
const url = process.env['DATABASE_URL']
if (url === undefined) console.log('PostgreSQL: skipped, DATABASE_URL is not set')
else {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  await measure('PostgreSQL', createPostgresStore({ client: pool }))
  await pool.end()
}
