import { expect, test } from 'vitest'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import { createRedisStore } from '../../src/storage/redis/redis-store.js'
import { SCHEMA_VERSION } from '../../src/storage/postgres/migrations.js'
import type { Store } from '../../src/storage/store.js'

const reserve = (store: Store) =>
  store.reserveAttempt({
    attempt: {
      tenantId: 't1',
      attemptId: 'A1',
      phoneNumber: '+15550002222',
      attemptedAt: 1,
      state: 'reserved',
      leadId: null,
      campaignId: null,
      decisionId: null,
      callSid: null,
      disposition: null,
    },
    caps: [
      { capId: 'day', maxAttempts: 3, windowMs: 86_400_000 },
      { capId: 'week', maxAttempts: 7, windowMs: 604_800_000 },
    ],
  })

test('a reservation under two caps is one statement in PostgreSQL and one script in Redis', async () => {
  let trips = 0
  const sql = {
    query: async (text: string) => {
      if (text.includes('callweave_schema')) return { rows: [{ version: SCHEMA_VERSION }] }
      trips++
      return { rows: [{ answer: { outcome: 'added' } }] }
    },
  }
  await reserve(createPostgresStore({ client: sql }))
  expect(trips).toBe(1)

  const command = async (): Promise<never> => {
    throw new Error('not asked for')
  }
  const redis = {
    evalsha: async () => {
      trips++
      return ['added']
    },
    get: async () => null,
    ...{ eval: command, set: command, sadd: command, smembers: command },
  }
  await reserve(createRedisStore({ client: redis }))
  expect(trips).toBe(2)
})
