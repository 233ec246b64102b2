import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformanceCases, serverTimeCases } from '../../src/storage/conformance/index.js'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import { databaseUrl, ownDatabase } from '../support/postgres.js'

const why = databaseUrl ? '' : ' (skipped: set DATABASE_URL to a PostgreSQL where databases may be created)'

describe.skipIf(!databaseUrl)(`the store in PostgreSQL${why}`, () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>
  beforeAll(async () => {
    database = await ownDatabase()
    await createPostgresStore({ client: database.pool }).migrate()
  }, 60_000)
  afterAll(() => database.drop())

  test.for([...conformanceCases, ...serverTimeCases])('$name', async ({ run }) => {
    await run((options) => createPostgresStore({ client: database.pool, ...options }))
  })
})
