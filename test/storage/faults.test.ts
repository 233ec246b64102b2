import { createServer, type AddressInfo, type Server } from 'node:net'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { StorageError } from '../../src/core/errors.js'
import { createStore } from '../../src/storage/create-store.js'
import type { Row, StoreEngine } from '../../src/storage/engine.js'
import { createMemoryEngine, createMemoryStore } from '../../src/storage/memory.js'
import { createMongoStore } from '../../src/storage/mongodb/mongodb-store.js'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import { createRedisStore } from '../../src/storage/redis/redis-store.js'
import type { Store } from '../../src/storage/store.js'

const call = {
  tenantId: 't1',
  callSid: 'CA1',
  direction: 'outbound',
  from: '+15550001111',
  to: '+15550002222',
  callStatus: 'queued',
} as const

async function errorOf(act: () => Promise<unknown>): Promise<StorageError> {
  try {
    await act()
  } catch (error) {
    if (error instanceof StorageError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** An engine in memory of which some steps are replaced. */
function engineWith(steps: Partial<StoreEngine>): StoreEngine {
  const sound = createMemoryEngine()
  return new Proxy(sound, {
    get: (target, name: keyof StoreEngine) => {
      const value: unknown = Reflect.get(steps, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
}

const lost = Object.assign(new Error('gone'), { isLost: true })
const explain: NonNullable<StoreEngine['explain']> = (error) =>
  error === lost ? { code: 'storage_connection_lost' } : undefined

describe('an operation', () => {
  test('that gets no answer in time rejects with its name, and a write says that its outcome is unknown', async () => {
    const clock = new ManualClock()
    const never = async (): Promise<never> => new Promise(() => undefined)
    const store = createStore(engineWith({ write: never, get: never }), { clock, operationTimeoutMs: 200 })
    const failing = errorOf(() => store.addCall(call))
    const reading = errorOf(() => store.findCall({ tenantId: 't1', callSid: 'CA1' }))
    await clock.advanceAsync(200)
    expect(await failing).toMatchObject({ code: 'storage_timeout', operation: 'addCall', isOutcomeUnknown: true })
    expect(await reading).toMatchObject({ code: 'storage_timeout', operation: 'findCall', isOutcomeUnknown: false })
    expect(clock.pendingTimers).toBe(0)
  })

  test('that the database refuses keeps the database\u2019s words out of its message', async () => {
    const cause = new Error('duplicate value +15550002222')
    const store = createStore(engineWith({ get: async () => Promise.reject(cause) }))
    const error = await errorOf(() => store.findCall({ tenantId: 't1', callSid: 'CA1' }))
    expect(error).toMatchObject({ code: 'storage_failed', operation: 'findCall', cause })
    expect(error.message).not.toContain('+1555')
  })

  test('that only reads is asked again once when the connection was lost', async () => {
    let asked = 0
    const store = createStore(engineWith({ explain, count: async () => (asked++ === 0 ? Promise.reject(lost) : 7) }))
    expect(await store.countCalls({ tenantId: 't1' })).toBe(7)
    const dead = createStore(engineWith({ explain, count: async () => Promise.reject(lost) }))
    expect(await errorOf(() => dead.countCalls({ tenantId: 't1' }))).toMatchObject({ code: 'storage_connection_lost' })
  })

  test('that wrote and lost the answer knows its own record again', async () => {
    const engine = createMemoryEngine()
    let isFirst = true
    const store = createStore(
      new Proxy(engine, {
        get: (target, name: keyof StoreEngine) => {
          if (name === 'explain') return explain
          const value: unknown = Reflect.get(target, name)
          if (name !== 'write') return typeof value === 'function' ? (value as () => unknown).bind(target) : value
          return async (write: Parameters<StoreEngine['write']>[0]) => {
            const outcome = await target.write(write)
            if (!isFirst) return outcome
            isFirst = false
            throw lost
          }
        },
      }),
    )
    expect(await store.addCall(call, [{ type: 'added', data: 1 }])).toBe('added')
    isFirst = true
    expect((await store.applyCallStatus({ ...call, callStatus: 'ringing', sequenceNumber: 1 })).outcome).toBe('applied')
    expect(await store.takeEvents({ tenantId: 't1', limit: 9, visibilityMs: 1000 })).toHaveLength(1)
  })

  test('that takes or redeems is not repeated behind the caller\u2019s back', async () => {
    let asked = 0
    const once = async (): Promise<never> => {
      asked++
      throw lost
    }
    const store = createStore(engineWith({ explain, take: once, swapCell: once, takeEvents: once }))
    const take = { tenantId: 't1', limit: 1, visibilityMs: 1 }
    expect(await errorOf(() => store.takeDueWork({ ...take, queue: 'q' }))).toMatchObject({ isOutcomeUnknown: true })
    await errorOf(() => store.redeemToken({ tenantId: 't1', token: 'x', subject: 's' }))
    await errorOf(() => store.takeEvents(take))
    expect(asked).toBe(3)
  })

  test('that reads what does not parse says which fields, and no value', async () => {
    const row: Row = { tenantId: 't1', id: 'CA1', version: 1, at: 0, record: { ...call, durationS: '+15550002222' } }
    const store = createStore(engineWith({ get: async () => row, list: async () => [row] }))
    for (const act of [
      () => store.findCall(call),
      () => store.listCalls({ tenantId: 't1' }),
      () => store.updateCall({ ...call, changes: {} }),
    ]) {
      const error = await errorOf(act)
      expect(error.code).toBe('storage_record_invalid')
      expect(error.message).toContain('durationS')
      expect(error.message).not.toContain('+1555')
    }
  })

  test('that loses against other writers every time gives up without writing', async () => {
    const engine = createMemoryEngine()
    await createStore(engine).addCall(call)
    const store = createStore(engineWith({ get: engine.get.bind(engine), write: async () => 'conflict' }))
    expect(await errorOf(() => store.updateCall({ ...call, changes: { answeredBy: 'human' } }))).toMatchObject({
      code: 'storage_conflict',
      operation: 'updateCall',
    })
  })
})

test('a full memory refuses what is new and goes on with what it has', async () => {
  const store = createMemoryStore({ maxRecords: 2 })
  for (const callSid of ['CA1', 'CA2']) await store.addCall({ ...call, callSid })
  expect(await errorOf(() => store.addCall({ ...call, callSid: 'CA3' }))).toMatchObject({
    code: 'storage_full',
    operation: 'addCall',
  })
  expect((await store.applyCallStatus({ ...call, callStatus: 'ringing', sequenceNumber: 1 })).outcome).toBe('applied')
  for (const key of ['a', 'b', 'c']) await store.setCached({ tenantId: 't1', key, value: key, ttlMs: 1000 })
  expect(await store.getCached({ tenantId: 't1', key: 'a' })).toBeUndefined()
  expect(await store.getCached({ tenantId: 't1', key: 'c' })).toBe('c')
})

test('a full memory forgets the oldest calls that are over, and none that lives', async () => {
  const store = createMemoryStore({ maxRecords: 3 })
  const sids = Array.from({ length: 6 }, (_, i) => `CA${i}`)
  for (const callSid of sids) {
    await store.addCall({ ...call, callSid })
    const isOver = callSid !== 'CA0'
    if (isOver) await store.applyCallStatus({ ...call, callSid, callStatus: 'completed', sequenceNumber: 3 })
  }
  const { tenantId } = call
  const kept = await Promise.all(sids.map((callSid) => store.findCall({ tenantId, callSid })))
  expect(kept.map((found) => found?.callSid)).toEqual(['CA0', undefined, undefined, undefined, 'CA4', 'CA5'])
  expect((await store.listCalls({ tenantId })).items).toHaveLength(3)
})

test('calls by which a campaign’s share of abandoned calls is judged are never forgotten', async () => {
  const store = createMemoryStore({ maxRecords: 3, maxPastCalls: 1 })
  const { tenantId } = call
  for (const [callSid, campaignId] of [
    ['CA0', null],
    ['CA1', 'C1'],
    ['CA2', 'C1'],
    ['CA3', null],
  ] as const) {
    await store.addCall({ ...call, callSid, campaignId, answeredAt: 1000, answeredBy: 'human' })
    await store.applyCallStatus({ tenantId, callSid, callStatus: 'completed', sequenceNumber: 3 })
  }
  const kept = (await store.listCalls({ tenantId })).items.map(({ callSid }) => callSid)
  expect([...kept].sort()).toEqual(['CA1', 'CA2', 'CA3'])
  await store.addCall({ ...call, callSid: 'CA4', campaignId: 'C1', answeredAt: 1000, answeredBy: 'human' }) // CA3 goes
  expect(await errorOf(() => store.addCall({ ...call, callSid: 'CA5' }))).toMatchObject({ code: 'storage_full' })
})

test('a full memory forgets the claim that was touched longest ago, and no lease that is held', async () => {
  const store = createMemoryStore({ maxRecords: 2 })
  const claim = (key: string) => store.claimKey({ tenantId: 't1', key, leaseMs: 60_000 })
  const first = await claim('a')
  await claim('b')
  if (first.outcome === 'claimed') await store.commitClaim(first.claim, { keepMs: 60_000 }) // touched, so b is older now
  await claim('c')
  expect((await claim('a')).outcome).toBe('done')
  expect((await claim('b')).outcome).toBe('claimed')
  const lease = (name: string) => store.takeLease({ tenantId: 't1', name, holder: 'me', ttlMs: 60_000 })
  for (const name of ['a', 'b']) await lease(name)
  expect(await errorOf(() => lease('c'))).toMatchObject({ code: 'storage_full' })
})

test('events that nobody takes make room, the oldest first, and hold up no call', async () => {
  const store = createMemoryStore({ maxRecords: 2 })
  for (const type of ['a', 'b', 'c'])
    await store.appendEvents({ tenantId: 't1', key: 'k', events: [{ type, data: {} }] })
  const [head] = await store.takeEvents({ tenantId: 't1', limit: 9, visibilityMs: 1 })
  expect(head?.event.type).toBe('b')
  await store.appendEvents({ tenantId: 't1', key: 'other', events: [{ type: 'd', data: {} }] })
  expect(head && (await store.ackEvent(head.receipt))).toBe(false)
  expect(
    (await store.takeEvents({ tenantId: 't1', limit: 9, visibilityMs: 1 })).map(({ event }) => event.type),
  ).toEqual(['c', 'd'])
})

test('what the law asks for is never forgotten: a full memory refuses the next attempt', async () => {
  const store = createMemoryStore({ maxRecords: 1 })
  const nothing = { leadId: null, campaignId: null, decisionId: null, callSid: null, disposition: null }
  const reserve = (attemptId: string) =>
    store.reserveAttempt({
      attempt: {
        tenantId: 't1',
        attemptId,
        phoneNumber: '+15005550001',
        attemptedAt: 1000,
        state: 'reserved',
        ...nothing,
      },
      caps: [],
    })
  expect(await reserve('A1')).toMatchObject({ outcome: 'reserved' })
  expect(await errorOf(() => reserve('A2'))).toMatchObject({ code: 'storage_full' })
  expect(await store.findAttempt({ tenantId: 't1', attemptId: 'A1' })).toMatchObject({ attemptId: 'A1' })
})

test('of past calls fewer are kept than of the rest', async () => {
  const store = createMemoryStore({ maxRecords: 3, maxPastCalls: 1 })
  for (const callSid of ['CA1', 'CA2']) {
    await store.addCall({ ...call, callSid })
    await store.applyCallStatus({ ...call, callSid, callStatus: 'completed', sequenceNumber: 3 })
    await store.flagLead({
      tenantId: 't1',
      leadId: callSid,
      review: { flaggedAt: 1, failedChecks: [], reason: 'test', decisionId: 'd' },
    })
  }
  const { tenantId } = call
  expect(await store.findCall({ tenantId, callSid: 'CA1' })).toBeUndefined()
  expect((await store.listLeads({ tenantId })).items).toHaveLength(2)
})

test.each([0, -1, 1.5, Number.NaN])('maxRecords and maxPastCalls %s are a RangeError', (bound) => {
  expect(() => createMemoryStore({ maxRecords: bound })).toThrow(RangeError)
  expect(() => createMemoryStore({ maxPastCalls: bound })).toThrow(RangeError)
})

test('a client that is none is a TypeError at once', () => {
  expect(() => createPostgresStore({ client: {} as never })).toThrow(TypeError)
  expect(() => createRedisStore({ client: {} as never })).toThrow(TypeError)
  expect(() => createMongoStore({ database: {} as never })).toThrow(TypeError)
  expect(() => createRedisStore({ client: new Redis({ lazyConnect: true }), prefix: 'a{b}' })).toThrow(TypeError)
})

describe('a server that', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  async function listening(onSocket: (end: () => void) => void): Promise<number> {
    const server: Server = createServer((socket) => {
      socket.on('error', () => undefined)
      closing.push(() => socket.destroy())
      socket.once('data', () => onSocket(() => socket.destroy()))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    return (server.address() as AddressInfo).port
  }

  function stores(port: number): Record<string, Store> {
    const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'x', connectionTimeoutMillis: 2000 })
    const redis = new Redis(port, '127.0.0.1', {
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      enableReadyCheck: false,
    })
    redis.on('error', () => undefined)
    const mongo = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
      serverSelectionTimeoutMS: 300,
    })
    closing.push(
      () => pool.end(),
      () => redis.disconnect(),
      () => mongo.close(),
    )
    const operationTimeoutMs = 700
    return {
      postgres: createPostgresStore({ client: pool, operationTimeoutMs }),
      redis: createRedisStore({ client: redis, operationTimeoutMs }),
      mongodb: createMongoStore({ database: mongo.db('x'), operationTimeoutMs }),
    }
  }

  test('is not there: no record, and nobody may take it for a no', async () => {
    const port = await listening(() => undefined)
    for (const close of closing.splice(0)) await close()
    for (const [name, store] of Object.entries(stores(port))) {
      expect(await errorOf(() => store.addCall(call)), name).toMatchObject({
        code: 'storage_connection_lost',
        operation: 'addCall',
      })
      expect(
        await errorOf(() => store.findDoNotCall({ tenantId: 't1', phoneNumber: '+15550002222' })),
        name,
      ).toMatchObject({ operation: 'findDoNotCall' })
    }
  })

  test('takes the request and never answers: the time limit holds', async () => {
    for (const [name, store] of Object.entries(stores(await listening(() => undefined)))) {
      const startMs = performance.now()
      const { code } = await errorOf(() => store.addCall(call))
      expect(['storage_timeout', 'storage_connection_lost'], name).toContain(code)
      expect(performance.now() - startMs, name).toBeLessThan(5000)
    }
  })

  test('hangs up in the middle: a typed error', async () => {
    for (const [name, store] of Object.entries(stores(await listening((end) => end())))) {
      expect(['storage_timeout', 'storage_connection_lost'], name).toContain((await errorOf(() => store.ping())).code)
    }
  })
})
