/** Claims a key, takes a lease and work, appends an event, says so, and waits to be killed. */
import pg from 'pg'
import { Redis } from 'ioredis'
import { PGlite } from '@electric-sql/pglite'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import { createRedisStore } from '../../src/storage/redis/redis-store.js'

const [kind = '', where = '', tenantId = ''] = process.argv.slice(2)
const store =
  kind === 'redis'
    ? createRedisStore({ client: new Redis(where) })
    : createPostgresStore({
        client: kind === 'pglite' ? new PGlite(where) : new pg.Pool({ connectionString: where }),
        operationTimeoutMs: 60_000,
      })
await store.migrate()
await store.addCall(
  { tenantId, callSid: 'CA1', direction: 'outbound', from: '+15550001111', to: '+15550002222', callStatus: 'queued' },
  [{ type: 'added', data: 'before the kill' }],
)
const leaseMs = 400
await store.claimKey({ tenantId, key: 'CA1/completed', leaseMs })
await store.takeLease({ tenantId, name: 'reaper', holder: 'dead', ttlMs: leaseMs })
await store.scheduleWork({ tenantId, workId: 'w1', queue: tenantId, dueAt: 0, payload: null })
await store.takeDueWork({ tenantId, queue: tenantId, limit: 1, visibilityMs: leaseMs })
await store.takeEvents({ tenantId, limit: 1, visibilityMs: leaseMs })
process.stdout.write('holding\n')
setInterval(() => undefined, 1000)
