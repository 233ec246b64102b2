import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformanceCases, serverTimeCases } from '../../src/storage/conformance/index.js'
import { createRedisStore } from '../../src/storage/redis/redis-store.js'

const redisUrl = process.env['REDIS_URL']
const why = redisUrl ? '' : ' (skipped: set REDIS_URL to a Redis)'

describe.skipIf(!redisUrl)(`the store in Redis${why}`, () => {
  const prefix = `callweave-test-${randomUUID()}`
  let client: Redis
  beforeAll(() => {
    client = new Redis(redisUrl ?? '')
  })
  afterAll(async () => {
    for (let cursor = '0'; ;) {
      const [next, keys] = await client.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1000)
      if (keys.length > 0) await client.del(...keys)
      if ((cursor = next) === '0') break
    }
    client.disconnect()
  })

  test.for([...conformanceCases, ...serverTimeCases])('$name', async ({ run }) => {
    await run((options) => createRedisStore({ client, prefix, ...options }))
  })
})
