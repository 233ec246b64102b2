import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformanceCases } from '../../src/storage/conformance/index.js'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'

describe('the store in PGlite', () => {
  let client: PGlite
  beforeAll(async () => {
    client = new PGlite()
    await createPostgresStore({ client }).migrate()
  }, 120_000)
  afterAll(() => client.close())

  // PGlite runs in this process and has no clock but this process's, so the cases about servers' clocks are not its own.
  test.for(conformanceCases)('$name', { timeout: 60_000 }, async ({ run }) => {
    await run((options) => createPostgresStore({ client, operationTimeoutMs: 30_000, ...options }))
  })
})
