/** A thousand calls, a hundred at a time, by two workers on one store, with one thing in twenty going wrong. */
import { describe, expect, test } from 'vitest'
import { outcomeOf } from '../../src/calls/disposition.js'
import { ManualClock } from '../../src/core/clock.js'
import { createMemoryStore } from '../../src/storage/memory.js'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import { EVERY_TENANT } from '../../src/storage/queues.js'
import type { CallRecord } from '../../src/records/call.js'
import type { Store } from '../../src/storage/store.js'
import { databaseUrl, ownDatabase } from '../support/postgres.js'
import { CAP, manyCalls, numberOf, TENANT, type Faults } from './many-calls.js'

const FAULTS = {
  rateLimited: 0.02,
  failed: 0.01,
  madeThenFailed: 0.01,
  madeThenSilent: 0.01,
  webhookLost: 0.05,
  handlerError: 0.05,
}
const AT_ONCE = 100
const WORK_QUEUES = ['calls.webhooks', 'calls.retries', 'calls.reconcile']

interface Play {
  readonly store: Store
  readonly clock: ManualClock
  readonly calls: number
  readonly faults: Faults
  /** How far one step goes while hours pass in which little happens. */
  readonly longStepMs: number
  readonly settled: () => Promise<void>
}

async function play({ store, clock, calls, faults, longStepMs, settled }: Play): Promise<void> {
  const made = manyCalls({ store, clock, seed: 20_261_127, faults, settled })
  for (let i = 0; i < calls; i++) {
    void made.place(i)
    if (i % AT_ONCE === AT_ONCE - 1) await made.pass(8000, 1000)
  }
  await made.pass(240_000, 2000) // the last calls end, what nobody knows is looked for
  await made.pass(5 * 3_600_000, longStepMs) // everything that is due again has had its time
  for (const { reconciler } of made.workers) await reconciler.reap(TENANT)
  await made.pass(3 * 3_600_000, longStepMs) // and what the reaper found is tried again too
  await made.workers[0]!.reconciler.reap(TENANT)
  await made.pass(20_000, 2000) // whose last step is work of its own
  await made.close()
  expect(made.inFlight.size).toBe(0)
  expect(made.handlerErrors).toBeGreaterThan(0)
  for (const fault of ['rateLimited', 'failed', 'madeThenFailed', 'madeThenSilent', 'webhookLost']) {
    expect(made.company.counts[fault], fault).toBeGreaterThan(0)
  }

  const records = new Map<string, CallRecord>()
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await store.listCalls({ tenantId: TENANT, limit: 1000, ...(cursor === undefined ? {} : { cursor }) })
    for (const call of page.items) records.set(call.callSid, call)
    cursor = page.nextCursor
  }
  // Each call that was made has one record, and each record a call; as it truly ended, and told once.
  expect(records.size).toBe(made.company.calls.size)
  expect(records.size).toBeGreaterThanOrEqual(calls * 0.95)
  const dialledFor = new Map<string, number>()
  for (const call of made.company.calls.values()) {
    const { callSid, attemptId, endStatus, durationS } = call
    dialledFor.set(attemptId, (dialledFor.get(attemptId) ?? 0) + 1)
    const outcome = outcomeOf({ callStatus: endStatus, durationS: durationS ?? null, answeredBy: null })
    const record = records.get(callSid)
    expect(record, callSid).toMatchObject({ attemptId, callStatus: endStatus, outcome })
    if (durationS !== undefined) expect(record).toMatchObject({ durationS })
    expect(await store.findAttempt({ tenantId: TENANT, attemptId })).toMatchObject({ state: 'placed', callSid, disposition: outcome.kind }) // prettier-ignore
    expect(made.ends.get(callSid), callSid).toBe(1)
  }
  expect([...dialledFor.values()].filter((times) => times !== 1)).toEqual([])
  // No attempt is open, none is over its caps, and what was released was never dialled.
  for (let i = 0; i < calls; i++) {
    const { items } = await store.listAttempts({ tenantId: TENANT, filter: { leadId: `lead-${i}` } })
    for (const { attemptId, state } of items) {
      expect(['placed', 'released']).toContain(state)
      expect(dialledFor.has(attemptId)).toBe(state === 'placed')
    }
    const counted = await store.attemptsAfter({ tenantId: TENANT, phoneNumber: numberOf(`lead-${i}`), afterAt: 0 })
    expect(counted.length).toBeLessThanOrEqual(CAP.maxAttempts)
  }
  expect(await store.countCalls({ tenantId: TENANT, filter: { isOpen: true } })).toBe(0)
  clock.advance(30 * 86_400_000)
  for (const queue of WORK_QUEUES) {
    expect(await store.takeDueWork({ tenantId: EVERY_TENANT, queue, limit: 10, visibilityMs: 1 })).toEqual([])
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('every call has one record with the right end, none is dialled twice, none is over its caps, nothing is left open', () => {
  test('a thousand calls in memory', { timeout: 180_000 }, async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 5, 15))
    const settled = async (): Promise<void> => {
      for (let i = 0; i < 12; i++) await turn()
    }
    await play({ store: createMemoryStore({ clock }), clock, calls: 1000, faults: FAULTS, longStepMs: 10_000, settled })
  })

  test.skipIf(!databaseUrl)(
    `a hundred calls in PostgreSQL${databaseUrl ? '' : ' (skipped: set DATABASE_URL)'}`,
    { timeout: 240_000 },
    async () => {
      const { pool, drop } = await ownDatabase()
      const clock = new ManualClock(Date.UTC(2026, 0, 5, 15))
      const store = createPostgresStore({ client: pool, clock, operationTimeoutMs: 3_600_000 })
      await store.migrate()
      const settled = async (): Promise<void> => {
        // Quiet: no connection is busy, several turns in a row.
        for (let quiet = 0; quiet < 3; quiet++) {
          await turn()
          if (pool.waitingCount > 0 || pool.idleCount < pool.totalCount) quiet = -1
        }
      }
      // Fewer calls, so more goes wrong with each.
      const faults = { ...FAULTS, rateLimited: 0.05, failed: 0.03, madeThenFailed: 0.03, madeThenSilent: 0.03 }
      await play({ store, clock, calls: 100, faults, longStepMs: 120_000, settled })
      await drop()
    },
  )
})
