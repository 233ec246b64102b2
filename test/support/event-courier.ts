/**
 * Records calls with their events and delivers them by appending a line to a file, saying so on the way, until it is killed.
 *
 * With PGlite `createVoice` carries them, with PostgreSQL a dispatcher that stands alone. Arguments: the kind of store, where it is, the file, how
 * many calls.
 */
import { appendFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { OutboxDispatcher } from '../../src/events/outbox-dispatcher.js'
import { functionSink } from '../../src/events/sink.js'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import { createVoice } from '../../src/voice.js'

const [kind = '', where = '', file = '', count = ''] = process.argv.slice(2)
const store = createPostgresStore({
  client: kind === 'pglite' ? new PGlite(where) : new pg.Pool({ connectionString: where }),
  operationTimeoutMs: 60_000,
})
await store.migrate()
let delivered = 0
const events = {
  deliveryTimeoutMs: 500,
  visibilityMs: 1000,
  pollMs: 20,
  sinks: {
    file: functionSink(async ({ id, data }) => {
      appendFileSync(file, `${JSON.stringify({ id, data })}\n`)
      // Told before it is acknowledged: a kill now finds some delivered and not forgotten.
      process.stdout.write(`delivered ${++delivered}\n`)
      await new Promise((resolve) => setImmediate(resolve))
    }),
  },
}
const courier =
  kind === 'pglite'
    ? createVoice({
        publicUrl: 'https://voice.example.com',
        twilio: { accountSid: `AC${'0'.repeat(32)}`, authToken: 'not-a-token-5f2c' },
        elevenlabs: { apiKey: 'not-a-key-81d0', agentId: 'agent' },
        store,
        events,
      })
    : new OutboxDispatcher({ store, source: 'https://voice.example.com', ...events })
courier.start()
setInterval(() => undefined, 1000)
for (let i = 0; i < Number(count); i++) {
  const callSid = `CA${i}`
  await store.addCall({ tenantId: 't', callSid, direction: 'inbound', from: 'a', to: 'b', callStatus: 'queued' }, [
    { type: 'host.n', data: { callSid, n: 1 } },
    { type: 'host.n', data: { callSid, n: 2 } },
  ])
  await store.updateCall({ tenantId: 't', callSid, changes: {}, events: [{ type: 'host.n', data: { callSid, n: 3 } }] })
  appendFileSync(`${file}.recorded`, `${callSid}\n`)
}
process.stdout.write('recorded all\n')
