/**
 * Webhooks that arrive while the work of earlier ones is being done, over a pool of few connections: what arrives goes first.
 */
import { expect, test } from 'vitest'
import { CallWebhooks, type CallWebhook } from '../../src/calls/call-webhooks.js'
import { WorkLoop, type WorkLoopOptions } from '../../src/calls/work-loop.js'
import { WEBHOOK_QUEUE } from '../../src/calls/work-queues.js'
import { ManualClock } from '../../src/core/clock.js'
import { createMemoryStore } from '../../src/storage/memory.js'
import { FakeTelephone, FROM, TO } from './setup.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A store behind a pool: so many operations at once, each as long as the other, and whoever comes later waits behind. */
function pooledStore({ connections, operationMs }: { readonly connections: number; readonly operationMs: number }) {
  const clock = new ManualClock()
  const inner = createMemoryStore({ clock })
  const waiting: (() => void)[] = []
  const pool = { free: connections, mostWaiting: 0 }
  const connection = async (): Promise<void> => {
    if (pool.free > 0) pool.free--
    else {
      const turnCame = new Promise<void>((resolve) => waiting.push(resolve))
      pool.mostWaiting = Math.max(pool.mostWaiting, waiting.length)
      await turnCame
    }
  }
  const release = (): void => {
    const next = waiting.shift()
    if (next) next()
    else pool.free++
  }
  const store = new Proxy(inner, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...args: unknown[]): Promise<unknown> => {
        await connection()
        await new Promise<void>((resolve) => clock.setTimeout(resolve, operationMs))
        try {
          return await (Reflect.apply(member, target, args) as Promise<unknown>)
        } finally {
          release()
        }
      }
    },
  })
  return { clock, store, inner, pool }
}

const STATUSES = ['initiated', 'ringing', 'in-progress', 'completed']

/** Webhooks of some calls over a pool; how long each took to be kept. */
async function follow(
  options: { readonly connections: number; readonly operationMs: number } & Partial<WorkLoopOptions>,
) {
  const { connections, operationMs, ...over } = options
  const made = pooledStore({ connections, operationMs })
  const { clock, store, inner } = made
  for (let i = 0; i < 150; i++) await inner.addCall({ tenantId: 't', callSid: `CA${i}`, direction: 'inbound', from: FROM, to: TO, callStatus: 'ringing' }) // prettier-ignore
  const webhooks = new CallWebhooks({ store, telephone: new FakeTelephone(clock), clock, kick: (queue) => loop.kick(queue) }) // prettier-ignore
  const loop = new WorkLoop({
    store,
    clock,
    isBusy: () => webhooks.isBusy,
    handlers: { [WEBHOOK_QUEUE]: webhooks.process },
    ...over,
  })
  loop.start()
  const tookMs: number[] = []
  const webhook = (i: number): CallWebhook => ({ kind: 'status', tenantId: 't', params: { CallSid: `CA${Math.floor(i / 4)}`, CallStatus: STATUSES[i % 4]!, SequenceNumber: String(i % 4), CallbackSource: 'call-progress-events', Direction: 'inbound' } }) // prettier-ignore
  /** Work that another process left, or this one before it was restarted. */
  const leave = async (count: number): Promise<void> => {
    const before = new CallWebhooks({ store: inner, telephone: new FakeTelephone(clock), clock })
    for (let i = 0; i < count; i++) await before.accept(webhook(i))
    loop.kick()
  }
  const arrive = (i: number): void => {
    const startedMs = clock.monotonicMs()
    void webhooks.accept(webhook(i)).then(() => tookMs.push(clock.monotonicMs() - startedMs))
  }
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i++) {
      clock.advance(1)
      for (let turns = 0; turns < 3; turns++) await turn()
    }
  }
  const close = async (): Promise<void> => {
    const closed = loop.close()
    await pass(100)
    await closed
  }
  return { ...made, tookMs, arrive, leave, pass, close }
}

test('at two hundred a second, with much left to do and four connections, none waits behind more than a few', async () => {
  const { arrive, leave, pass, tookMs, pool, close } = await follow({ connections: 4, operationMs: 3 })
  await leave(400)
  await pass(20)
  for (let i = 400; i < 600; i++) {
    arrive(i)
    await pass(5)
  }
  await pass(20)
  expect(tookMs).toHaveLength(200)
  expect(Math.max(...tookMs)).toBeLessThanOrEqual(9)
  expect(pool.mostWaiting).toBeLessThanOrEqual(4)
  await close()
}, 30_000)

test('a burst takes little longer to be kept than it would if there were nothing else to do', async () => {
  const { arrive, leave, pass, tookMs, close, inner } = await follow({ connections: 4, operationMs: 2 })
  await leave(200)
  await pass(20)
  for (let i = 200; i < 400; i++) {
    arrive(i) // two a millisecond, which is what four connections can do and no more
    if (i % 2 === 1) await pass(1)
  }
  await pass(100)
  expect(tookMs).toHaveLength(200)
  expect(Math.max(...tookMs)).toBeLessThanOrEqual(18)
  await pass(3000)
  await close()
  expect(await inner.countCalls({ tenantId: 't', filter: { callStatus: 'completed' } })).toBe(100) // all of it is done in the end
}, 30_000)

test('while something more urgent has the store one piece at a time is done, and then as many as may be', async () => {
  const clock = new ManualClock()
  const store = createMemoryStore({ clock })
  let isBusy = true
  const running: (() => void)[] = []
  const loop = new WorkLoop({
    store,
    clock,
    concurrency: 3,
    isBusy: () => isBusy,
    handlers: { q: () => new Promise((resolve) => running.push(() => resolve('done'))) },
  })
  for (let i = 0; i < 6; i++) await store.scheduleWork({ tenantId: 't', workId: `w${i}`, queue: 'q', dueAt: clock.now(), payload: null }) // prettier-ignore
  loop.start()
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await turn()
  }
  await settled()
  expect(running).toHaveLength(1)
  isBusy = false
  running[0]!()
  await settled()
  expect(running).toHaveLength(4) // the one, and three
  for (const finish of running.slice(1)) finish()
  await settled()
  expect(running).toHaveLength(6)
  for (const finish of running.slice(4)) finish()
  await loop.close()
})

test('what is left in one queue is looked for in that queue', async () => {
  const { clock, store } = pooledStore({ connections: 4, operationMs: 1 })
  const looked: string[] = []
  const watched: Pick<typeof store, 'takeDueWork' | 'finishWork' | 'deferWork'> = {
    takeDueWork: (query) => (looked.push(query.queue), store.takeDueWork(query)),
    finishWork: (receipt) => store.finishWork(receipt),
    deferWork: (receipt, dueAt) => store.deferWork(receipt, dueAt),
  }
  const loop = new WorkLoop({ store: watched, clock, handlers: { a: async () => 'done', b: async () => 'done' } })
  loop.kick('b')
  for (let i = 0; i < 20; i++) {
    clock.advance(1)
    await turn()
  }
  expect(looked).toEqual(['b'])
  await loop.close()
})
