import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import { createRedisStore } from '../../src/storage/redis/redis-store.js'
import type { Store } from '../../src/storage/store.js'
import { databaseUrl, ownDatabase } from '../support/postgres.js'

/** Starts a process that holds a claim, a lease, work and an event, and kills it with SIGKILL. */
async function killAHolder(kind: string, where: string, tenantId: string): Promise<void> {
  const script = new URL('../support/crash-holder.ts', import.meta.url).pathname
  const holder = spawn(process.execPath, ['--import', 'tsx', script, kind, where, tenantId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve())
    holder.once('exit', (code) => reject(new Error(`the holder ended with ${String(code)}`)))
  })
  const gone = new Promise((resolve) => holder.once('close', resolve))
  holder.kill('SIGKILL')
  await gone
}

/** Asks until the answer is there: what the dead one held runs out by a clock that is not ours. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
  }
}

async function takeOver(store: Store, tenantId: string): Promise<void> {
  const claim = await until(async () => {
    const claimed = await store.claimKey({ tenantId, key: 'CA1/completed', leaseMs: 60_000 })
    return claimed.outcome === 'claimed' ? claimed : undefined
  })
  expect(claim.isRetry).toBe(true)
  expect(await store.commitClaim(claim.claim, { result: 'done once', keepMs: 60_000 })).toBe(true)
  expect(await store.claimKey({ tenantId, key: 'CA1/completed', leaseMs: 1 })).toEqual({
    outcome: 'done',
    result: 'done once',
  })
  const lease = await until(async () => {
    const taken = await store.takeLease({ tenantId, name: 'reaper', holder: 'heir', ttlMs: 60_000 })
    return taken.outcome === 'taken' ? taken.lease : undefined
  })
  expect(lease.holder).toBe('heir')
  const work = await until(
    async () => (await store.takeDueWork({ tenantId, queue: tenantId, limit: 1, visibilityMs: 60_000 }))[0],
  )
  expect(work.takes).toBe(2)
  const event = await until(async () => (await store.takeEvents({ tenantId, limit: 1, visibilityMs: 60_000 }))[0])
  expect([event.event.data, event.takes]).toEqual(['before the kill', 2])
  expect((await store.findCall({ tenantId, callSid: 'CA1' }))?.callStatus).toBe('queued')
}

const TIMEOUT = { timeout: 120_000 }

test(
  'killed with -9 between claim and commit, PGlite on disk: nothing is lost, and all of it is taken over',
  TIMEOUT,
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'callweave-crash-'))
    await killAHolder('pglite', directory, 't1')
    const client = new PGlite(directory)
    await takeOver(createPostgresStore({ client, operationTimeoutMs: 60_000 }), 't1')
    await client.close()
    rmSync(directory, { recursive: true })
  },
)

test.skipIf(!databaseUrl)(
  `the same in PostgreSQL${databaseUrl ? '' : ' (skipped: set DATABASE_URL)'}`,
  TIMEOUT,
  async () => {
    const database = await ownDatabase()
    await killAHolder('postgres', database.url, 't1')
    await takeOver(createPostgresStore({ client: database.pool }), 't1')
    await database.drop()
  },
)

const redisUrl = process.env['REDIS_URL']

test.skipIf(!redisUrl)(`the same in Redis${redisUrl ? '' : ' (skipped: set REDIS_URL)'}`, TIMEOUT, async () => {
  const tenantId = `t-${randomUUID()}`
  await killAHolder('redis', redisUrl ?? '', tenantId)
  const client = new Redis(redisUrl ?? '')
  await takeOver(createRedisStore({ client }), tenantId)
  const keys = await client.keys(`callweave:{${tenantId}}*`)
  await client.del(...keys)
  client.disconnect()
})
