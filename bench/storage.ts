/**
 * What a store costs: reservations against the client's own bare round trip, and the queries of the contract over a million calls.
 *
 * `npx tsx bench/storage.ts` measures PGlite; DATABASE_URL and REDIS_URL add the servers that they name. CALLS=1000000 fills a database of its
 * own on DATABASE_URL with so many calls first and measures each query.
 *
 * Rounds of both kinds are interleaved in one run; a ratio is the median over the rounds.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { CallAttempt } from '../src/records/call-attempt.js'
import { createStore, type Store } from 'callweave/storage'
import { createPostgresEngine, createPostgresStore } from 'callweave/storage/postgres'
import { createRedisStore } from 'callweave/storage/redis'
import { withOwnDatabase } from './own-database.js'

const ROUNDS = 9
const PER_ROUND = 300
const CAPS = [
  { capId: 'day', maxAttempts: 3, windowMs: 86_400_000 },
  { capId: 'week', maxAttempts: 7, windowMs: 7 * 86_400_000 },
]

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN
const at = (values: number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN

async function timed(times: number, act: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  for (let i = 0; i < times; i++) await act()
  return performance.now() - startMs
}

function someAttempt(tenantId: string): CallAttempt {
  const phoneNumber = `+1${2_000_000_000 + Math.floor(Math.random() * 7_999_999_999)}`
  const nothing = { leadId: null, campaignId: null, decisionId: null, callSid: null, disposition: null }
  return { tenantId, attemptId: randomUUID(), phoneNumber, attemptedAt: Date.now(), state: 'reserved', ...nothing }
}

async function reservations(
  name: string,
  store: Store,
  bare: readonly [string, () => Promise<unknown>][],
  times = PER_ROUND,
): Promise<void> {
  const tenantId = `bench-${randomUUID()}`
  const reserve = () => store.reserveAttempt({ attempt: someAttempt(tenantId), caps: CAPS })
  for (const [, trip] of bare) await timed(30, trip)
  await timed(30, reserve)
  const ours: number[] = []
  const ratios = new Map<string, number[]>(bare.map(([trip]) => [trip, []]))
  for (let round = 0; round < ROUNDS; round++) {
    const ourMs = await timed(times, reserve)
    ours.push(ourMs)
    for (const [trip, act] of bare) ratios.get(trip)?.push(ourMs / (await timed(times, act)))
  }
  const compared = [...ratios].map(
    ([trip, list]) =>
      `${median(list).toFixed(2)} × ${trip} (${at(list, 0).toFixed(2)} to ${at(list, 0.99).toFixed(2)})`,
  )
  console.log(
    `${name}: ${Math.round((times * 1000) / median(ours))} reservations a second, one after another; ${compared.join('; ')}`,
  )
}

/** What a reservation writes, and nothing that it asks: the row with its four indexes. */
async function insertUnasked(pool: pg.Pool): Promise<void> {
  const attempt = someAttempt('bench-bare')
  await pool.query(
    `INSERT INTO callweave_attempts (tenant_id, id, at, version, record, key_counted, key_party) VALUES ($1, $2, $3, 1, $4, $5, $5)`,
    [attempt.tenantId, attempt.attemptId, attempt.attemptedAt, JSON.stringify(attempt), attempt.phoneNumber],
  )
}

/** The same in Redis: a hash, and its place in the list of all, of the number's and of the party's. */
async function writeUnasked(client: Redis, prefix: string): Promise<void> {
  const attempt = someAttempt('bench-bare')
  const place = `${attempt.attemptedAt}:${attempt.attemptId}`
  const row = { v: 1, p: place, r: JSON.stringify(attempt), k: JSON.stringify([attempt.phoneNumber]), w: randomUUID() }
  await client
    .multi()
    .hset(`${prefix}:r:${attempt.attemptId}`, row)
    .zadd(`${prefix}:a`, 0, place)
    .zadd(`${prefix}:i:counted:${attempt.phoneNumber}`, 0, place)
    .zadd(`${prefix}:i:party:${attempt.phoneNumber}`, 0, place)
    .exec()
}

async function million(pool: pg.Pool, calls: number): Promise<void> {
  const engine = createPostgresEngine({ client: pool })
  const store = createStore(engine)
  await store.migrate()
  console.log(`filling ${calls} calls`)
  const startMs = performance.now()
  await pool.query(`SET maintenance_work_mem = '256MB'`)
  for (let from = 1; from <= calls; from += 100_000) {
    await pool.query(
      `INSERT INTO callweave_calls (tenant_id, id, at, version, record, key_lead, key_party, key_campaign, key_agent, key_owner, key_conversation, key_stream, key_status, key_open)
       SELECT 't' || i % 10, 'CA' || lpad(i::text, 32, '0'), 1760000000000 + i * 1000, 1,
         jsonb_build_object('tenantId', 't' || i % 10, 'callSid', 'CA' || lpad(i::text, 32, '0'), 'direction', 'outbound', 'from', '+15550001111', 'to', '+1' || 2000000000 + i % 200000,
           'callStatus', 'completed', 'createdAt', 1760000000000 + i * 1000, 'updatedAt', 1760000000000 + i * 1000, 'leadId', 'L' || i % 200000, 'metadata', '{}'::jsonb),
         'L' || i % 200000, '+1' || 2000000000 + i % 200000, 'C' || i % 1000, 'G' || i % 100, 'O' || i % 100, 'V' || i, 'M' || i,
         CASE WHEN i % 1000 = 0 THEN 'in-progress' ELSE 'completed' END, CASE WHEN i % 1000 = 0 THEN 'open' END
       FROM generate_series($1::bigint, $2::bigint) i`,
      [from, Math.min(calls, from + 99_999)],
    )
  }
  await pool.query('VACUUM ANALYZE callweave_calls')
  console.log(`filled in ${((performance.now() - startMs) / 1000).toFixed(0)} s`)

  const some = () => Math.floor(Math.random() * calls) + 1
  const sid = (i: number): string => `CA${String(i).padStart(32, '0')}`
  const page = (filter: Record<string, string | true> | undefined, i: number) =>
    store.listCalls({ tenantId: `t${i % 10}`, limit: 50, ...(filter && { filter: filter as { leadId: string } }) })
  const queries: Record<string, (i: number) => Promise<unknown>> = {
    findCall: (i) => store.findCall({ tenantId: `t${i % 10}`, callSid: sid(i) }),
    'listCalls, all': (i) => page(undefined, i),
    'listCalls, lead': (i) => page({ leadId: `L${i % 200_000}` }, i),
    'listCalls, number': (i) => page({ phoneNumber: `+1${2_000_000_000 + (i % 200_000)}` }, i),
    'listCalls, campaign': (i) => page({ campaignId: `C${i % 1000}` }, i),
    'listCalls, agent': (i) => page({ agentId: `G${i % 100}` }, i),
    'listCalls, conversation': (i) => page({ conversationId: `V${i}` }, i),
    'listCalls, status': (i) => page({ callStatus: 'completed' }, i),
    'listCalls, open': (i) => page({ isOpen: true }, i),
    'countCalls, lead since': (i) =>
      store.countCalls({ tenantId: `t${i % 10}`, filter: { leadId: `L${i % 200_000}` }, sinceAt: 1_760_000_000_000 }),
    addCall: (i) =>
      store.addCall({
        tenantId: `t${i % 10}`,
        callSid: randomUUID(),
        direction: 'outbound',
        from: '+15550001111',
        to: '+15550002222',
        callStatus: 'queued',
      }),
    applyCallStatus: (i) =>
      store.applyCallStatus({ tenantId: `t${i % 10}`, callSid: sid(i), callStatus: 'completed', sequenceNumber: i }),
    reserveAttempt: (i) => store.reserveAttempt({ attempt: someAttempt(`t${i % 10}`), caps: CAPS }),
  }
  for (const [name, query] of Object.entries(queries)) {
    for (let i = 0; i < 50; i++) await query(some())
    const times: number[] = []
    for (let i = 0; i < 1000; i++) times.push(await timed(1, () => query(some())))
    console.log(`${name.padEnd(26)} p50 ${median(times).toFixed(2)} ms   p99 ${at(times, 0.99).toFixed(2)} ms`)
  }
}

const databaseUrl = process.env['DATABASE_URL']
const redisUrl = process.env['REDIS_URL']

if (databaseUrl) {
  await withOwnDatabase(databaseUrl, async (url) => {
    const pool = new pg.Pool({ connectionString: url, max: 4 })
    const store = createPostgresStore({ client: pool })
    await store.migrate()
    await pool.query('CREATE TABLE bare (id text PRIMARY KEY, record jsonb NOT NULL)')
    await reservations('PostgreSQL', store, [
      [
        'a committed insert of one row',
        () => pool.query('INSERT INTO bare VALUES ($1, $2)', [randomUUID(), '{"state":"reserved"}']),
      ],
      ['a committed insert of the same row, unasked', () => insertUnasked(pool)],
      ['SELECT 1', () => pool.query('SELECT $1::text', ['x'])],
    ])
    if (process.env['CALLS']) await million(pool, Number(process.env['CALLS']))
    await pool.end()
  })
}
if (redisUrl) {
  const client = new Redis(redisUrl)
  const prefix = `callweave-bench-${randomUUID()}`
  await reservations('Redis', createRedisStore({ client, prefix }), [
    ['SET', () => client.set(`${prefix}:bare`, 'x')],
    ['a MULTI that writes the same keys, unasked', () => writeUnasked(client, `${prefix}:bare`)],
    ['PING', () => client.ping()],
  ])
  for (let cursor = '0'; ;) {
    const [next, keys] = await client.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1000)
    if (keys.length > 0) await client.del(...keys)
    if ((cursor = next) === '0') break
  }
  client.disconnect()
}
const lite = new PGlite()
const liteStore = createPostgresStore({ client: lite, operationTimeoutMs: 60_000 })
await liteStore.migrate()
await lite.exec('CREATE TABLE bare (id text PRIMARY KEY, record jsonb NOT NULL)')
await reservations(
  'PGlite',
  liteStore,
  [
    [
      'an insert of one row',
      () => lite.query('INSERT INTO bare VALUES ($1, $2)', [randomUUID(), '{"state":"reserved"}']),
    ],
    ['SELECT 1', () => lite.query('SELECT $1::text', ['x'])],
  ],
  60,
)
await lite.close()
