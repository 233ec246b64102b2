/** An event may move while its person is erased: from its key to a lane, to what was given up, and back. It is found wherever it moves. */
import { MongoClient } from 'mongodb'
import { expect, test } from 'vitest'
import { MongoEngine } from '../../src/storage/mongodb/engine.js'
import { createMongoStore } from '../../src/storage/mongodb/mongodb-store.js'
import type { MongoCollection, MongoDatabase } from '../../src/storage/mongodb/client.js'
import { ManualClock } from '../../src/core/clock.js'
import { createStore } from '../../src/storage/create-store.js'
import type { RowWrite, StoreEngine } from '../../src/storage/engine.js'
import { laneOf } from '../../src/storage/lanes.js'
import { createMemoryEngine } from '../../src/storage/memory.js'
import { startMongoEmulator } from '../support/mongo-emulator.js'

const person = { tenantId: 't', phoneNumber: '+12025550101' }
const call = { tenantId: 't', callSid: 'CA1', direction: 'outbound', from: '+12025550199', to: person.phoneNumber, callStatus: 'completed' } as const // prettier-ignore
const said = { type: 'turn.ended', data: { callSid: 'CA1', turnId: 't1', speaker: 'caller', text: 'it is Ana' } }

/** A store whose one event waits in a lane, taken; what happens before and after an erasure looks at what was given up. */
async function inALane() {
  const engine = createMemoryEngine()
  const nothing = async (): Promise<unknown> => undefined
  const hooks = { beforeParked: nothing, afterParked: nothing, beforeAppended: nothing }
  const watched: StoreEngine = new Proxy(engine, {
    get: (target, name: keyof StoreEngine) => {
      const step = Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>
      if (name !== 'list' && name !== 'write') return typeof step === 'function' ? step.bind(target) : step
      return async (...given: unknown[]) => {
        const isParked = name === 'list' && given[0] === 'parked-events'
        if (isParked) await hooks.beforeParked()
        if (name === 'write' && (given[0] as RowWrite).kind === 'streams') await hooks.beforeAppended()
        const answer = await step.apply(target, given)
        if (isParked) await hooks.afterParked()
        return answer
      }
    },
  })
  const store = createStore(engine)
  await store.addCall(call, [said])
  const take = async () => (await store.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 60_000 }))[0]!
  const first = await take()
  const { eventId, key, data, type } = first.event
  const lane = `callweave-sink/crm/${laneOf(key)}`
  await store.copyEvent(first.receipt, [{ key: lane, event: { type, data: { eventId, key, data } } }])
  return { store, hooks, taken: await take(), watched: createStore(watched) }
}

/** Everything that the store would still tell. */
async function left(store: ReturnType<typeof createStore>): Promise<string> {
  const waiting = await store.takeEvents({ tenantId: 't', limit: 9, visibilityMs: 1 })
  return JSON.stringify([waiting, await store.listParkedEvents({ tenantId: 't' })])
}

test('an event that is given up once nobody looks there any more is given up without its person', async () => {
  const { store, watched, hooks, taken } = await inALane()
  let isParked: boolean | undefined
  hooks.afterParked = async () => (isParked ??= await store.parkEvent(taken, 'refused'))
  await watched.erasePerson(person)
  expect(isParked).toBe(false)
  expect(await left(store)).not.toContain('Ana')
})

test('an event that is put back before anybody looks among those that were given up is found where it waits', async () => {
  const { store, watched, hooks, taken } = await inALane()
  await store.parkEvent(taken, 'refused')
  const [parked] = await store.listParkedEvents({ tenantId: 't' })
  let isBack: boolean | undefined
  hooks.beforeParked = async () =>
    (isBack ??= await store.requeueParkedEvent({ tenantId: 't', parkedId: parked!.parkedId }))
  await watched.erasePerson(person)
  expect(isBack).toBe(true)
  const text = await left(store)
  expect(text).toContain('t1')
  expect(text).not.toContain('Ana')
})

test('an event that is erased while it is put back is not put back as it was', async () => {
  const { store, watched, hooks, taken } = await inALane()
  await store.parkEvent(taken, 'refused')
  const [parked] = await store.listParkedEvents({ tenantId: 't' })
  const again = { tenantId: 't', parkedId: parked!.parkedId }
  hooks.beforeAppended = () => store.erasePerson(person)
  expect(await watched.requeueParkedEvent(again)).toBe(false)
  expect(await store.requeueParkedEvent(again)).toBe(true)
  expect(await left(store)).not.toContain('Ana')
})

const forwarded = (collection: MongoCollection): MongoCollection => ({
  insertOne: (document) => collection.insertOne(document),
  findOne: (filter) => collection.findOne(filter),
  find: (filter) => collection.find(filter),
  countDocuments: (filter) => collection.countDocuments(filter),
  updateOne: (...given) => collection.updateOne(...given),
  findOneAndUpdate: (...given) => collection.findOneAndUpdate(...given),
  deleteOne: (filter) => collection.deleteOne(filter),
  deleteMany: (filter) => collection.deleteMany(filter),
  createIndex: (...given) => collection.createIndex(...given),
})

test('in MongoDB, where it is written twice, an event whose person is erased while it is given up is not kept as it was', async () => {
  const emulator = await startMongoEmulator()
  const client = new MongoClient(emulator.url)
  const database: MongoDatabase = client.db('test')
  const store = createMongoStore({ database })
  const parker = createMongoStore({
    database: {
      command: (command) => database.command(command),
      collection: (name) => {
        const collection = database.collection(name)
        if (name !== 'callweave_parked_events') return collection
        const insertOne = async (document: Record<string, unknown>): Promise<unknown> => {
          await store.erasePerson(person)
          return collection.insertOne(document)
        }
        return { ...forwarded(collection), insertOne }
      },
    },
  })
  await store.addCall(call, [said])
  const [taken] = await parker.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 1 })
  expect(await parker.parkEvent(taken!, 'refused')).toBe(false)
  expect(await store.listParkedEvents({ tenantId: 't' })).toEqual([])
  const row = await database.collection('callweave_calls').findOne({})
  expect(JSON.stringify(row)).not.toContain('Ana')
  expect((row?.['out'] as unknown[]).length).toBe(1)
  await client.close()
  await emulator.close()
})

test('in MongoDB, where events move as their record goes, those of a person who is erased meanwhile move as they are then', async () => {
  const emulator = await startMongoEmulator()
  const client = new MongoClient(emulator.url)
  const database: MongoDatabase = client.db('test')
  const clock = new ManualClock()
  const store = createMongoStore({ database, clock })
  let isErased = false
  const sweeper = createMongoStore({
    clock,
    database: {
      command: (command) => database.command(command),
      collection: (name) => {
        const collection = database.collection(name)
        if (name !== 'callweave_streams') return collection
        return {
          ...forwarded(collection),
          updateOne: async (...given) => {
            if (!isErased) await store.erasePerson(person)
            isErased = true
            return collection.updateOne(...given)
          },
        }
      },
    },
  })
  await store.addCall(call, [said, { type: 'host.note', data: { note: 'it is Ana' } }])
  clock.advance(2 * 86_400_000)
  // The record changes with the erasure, so that this removal comes to nothing, and the next one does not.
  expect(await sweeper.applyRetention({ tenantId: 't', policy: { calls: 1 } })).toEqual({ calls: 0 })
  expect(isErased).toBe(true)
  expect(await sweeper.applyRetention({ tenantId: 't', policy: { calls: 1 } })).toEqual({ calls: 1 })
  const [taken, ...others] = await store.takeEvents({ tenantId: 't', limit: 9, visibilityMs: 1 })
  expect(taken?.event.data).toEqual({ callSid: 'CA1', turnId: 't1', speaker: 'caller' })
  expect(others).toEqual([])
  expect(JSON.stringify(await database.collection('callweave_streams').find({}).toArray())).not.toContain('Ana')
  await client.close()
  await emulator.close()
})

test('in MongoDB an event that is rewritten while its record goes moves as it is then', async () => {
  const emulator = await startMongoEmulator()
  const client = new MongoClient(emulator.url)
  const database: MongoDatabase = client.db('test')
  const engine = new MongoEngine(database, 'callweave', new ManualClock())
  const hooked = new MongoEngine(
    {
      command: (command) => database.command(command),
      collection: (name) => ({
        ...forwarded(database.collection(name)),
        updateOne: async (...given) => {
          const [event] = await engine.listEvents('t', 'calls:CA1', { limit: 1 })
          if (event?.version === 1) await engine.settleEvent('t', event.id, 1, { record: 'now' })
          return database.collection(name).updateOne(...given)
        },
      }),
    },
    'callweave',
    new ManualClock(),
  )
  const row = { kind: 'calls', tenantId: 't', id: 'CA1' } as const
  const event = { id: 'calls:CA1#0000000001.000', key: 'calls:CA1', occurredAt: 1, record: 'before' }
  await engine.write({ ...row, when: 'absent', put: { at: 1, record: {}, keys: {} }, events: [event] })
  expect(await hooked.write({ ...row, when: 1, put: undefined })).toBe('written')
  expect((await engine.listEvents('t', 'calls:CA1', { limit: 9 })).map(({ record }) => record)).toEqual(['now'])
  await client.close()
  await emulator.close()
})
