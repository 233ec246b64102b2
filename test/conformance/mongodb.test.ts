import { randomUUID } from 'node:crypto'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformanceCases, serverTimeCases } from '../../src/storage/conformance/index.js'
import { createMongoStore } from '../../src/storage/mongodb/mongodb-store.js'
import { startMongoEmulator, type MongoEmulator } from '../support/mongo-emulator.js'

const mongoUrl = process.env['MONGODB_URL']

describe('the store in MongoDB, by its own driver against an emulator of the wire protocol (not a MongoDB server)', () => {
  let emulator: MongoEmulator
  let client: MongoClient
  beforeAll(async () => {
    emulator = await startMongoEmulator()
    client = new MongoClient(emulator.url)
    await createMongoStore({ database: client.db('test') }).migrate()
  })
  afterAll(async () => {
    await client.close()
    await emulator.close()
  })

  test.for([
    ...conformanceCases,
    // the emulator's clock is this process's own, so the cases about servers' clocks say nothing here
  ])('$name', async ({ run }) => {
    await run((options) => createMongoStore({ database: client.db('test'), ...options }))
  })
})

const why = mongoUrl ? '' : ' (skipped: set MONGODB_URL to a MongoDB)'

describe.skipIf(!mongoUrl)(`the store in MongoDB, on a server${why}`, () => {
  let client: MongoClient
  const name = `callweave_${randomUUID().replaceAll('-', '').slice(0, 16)}`
  beforeAll(async () => {
    client = new MongoClient(mongoUrl ?? '')
    await createMongoStore({ database: client.db(name) }).migrate()
  })
  afterAll(async () => {
    await client.db(name).dropDatabase()
    await client.close()
  })

  test.for([...conformanceCases, ...serverTimeCases])('$name', async ({ run }) => {
    await run((options) => createMongoStore({ database: client.db(name), ...options }))
  })
})
