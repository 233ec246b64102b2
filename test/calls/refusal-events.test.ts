/** What a refusal tells is kept with the refusal: nothing lies between the two. */
import { expect, test } from 'vitest'
import { CallPlacer } from '../../src/calls/place-call.js'
import { verifyChain } from '../../src/compliance/audit.js'
import { createGate, type GateOptions } from '../../src/compliance/gate.js'
import { ManualClock } from '../../src/core/clock.js'
import { createStore } from '../../src/storage/create-store.js'
import type { RowWrite, StoreEngine } from '../../src/storage/engine.js'
import { createMemoryEngine } from '../../src/storage/memory.js'
import type { Store } from '../../src/storage/store.js'
import { NOON, policyOf } from '../compliance/support/facts.js'
import { takeWaiting } from '../support/waiting-events.js'
import { FakeTelephone, FROM, TO } from './setup.js'

const REQUEST = {
  tenantId: 't',
  leadId: 'lead-1',
  sellerId: 's',
  via: 'say',
  recording: 'off',
  attemptId: 'a1',
} as const

/** A store on which a lead waits that nobody may call, and the engine below it, of which a process that dies leaves everything behind. */
async function setup(diesAfter?: (write: RowWrite) => boolean) {
  const clock = new ManualClock(NOON)
  const engine = createMemoryEngine({ clock })
  let isDead = false
  const mortal = new Proxy(engine, {
    get: (target, name: keyof StoreEngine) => {
      const step: unknown = Reflect.get(target, name)
      if (typeof step !== 'function') return step
      return async (...given: unknown[]): Promise<unknown> => {
        if (isDead) throw new Error('dead')
        const answer: unknown = await (step as (...given: unknown[]) => unknown).apply(target, given)
        isDead = name === 'write' && diesAfter?.(given[0] as RowWrite) === true
        return answer
      }
    },
  })
  const heir = createStore(engine, { clock })
  await heir.putLead({ tenantId: 't', leadId: 'lead-1', phoneNumber: TO })
  const store = createStore(mortal, { clock })
  return { clock, store, heir }
}

function placerOf(store: Store, clock: ManualClock, options: Partial<GateOptions> = {}) {
  const gate = createGate({ store, clock, policy: policyOf(), newId: () => 'd1', ...options })
  const telephone = new FakeTelephone(clock)
  const urls = {
    voice: () => 'https://a.example/v',
    status: 'https://a.example/s',
    recording: '',
    machineDetection: '',
  }
  return new CallPlacer({ gate, telephone, store, clock, urls, fromNumbers: [FROM] })
}

/** Everything that waits, as key, name and data. */
const everything = async (store: Store): Promise<unknown[]> =>
  (await takeWaiting(store, 't')).map(({ key, type, data }) => [key, type, data])

const about = { leadId: 'lead-1', decisionId: 'd1' }
const refused = ['audit:000000000000001', 'call.refused', { ...about, attemptId: 'a1', failedChecks: expect.arrayContaining(['hasWrittenConsent']), nextAllowedAt: null }] // prettier-ignore
const flagged = ['leads:lead-1', 'lead.flagged', { ...about, why: 'refused' }]

test('a call that is refused tells so once, and that its lead waits for a person', async () => {
  const { clock, store } = await setup()
  const placer = placerOf(store, clock)
  expect(await placer.place(REQUEST)).toMatchObject({ outcome: 'refused', isLeadFlagged: true })
  expect(await everything(store)).toEqual([refused, flagged])
  expect(await verifyChain(store.readAudit({ tenantId: 't' }))).toMatchObject({ isIntact: true })
})

test('refusals of one lead within one second are told each under its own name, also when the lead went in between', async () => {
  const { clock, store } = await setup()
  const placer = placerOf(store, clock)
  await placer.place(REQUEST)
  await placer.place({ ...REQUEST, attemptId: 'a2' })
  const names: string[] = []
  for (;;) {
    const [taken] = await store.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 1000 })
    if (!taken) break
    names.push(taken.event.eventId)
    await store.ackEvent(taken.receipt)
  }
  clock.advance(86_400_000 * 2)
  await store.applyRetention({ tenantId: 't', policy: { leads: 1 } })
  await store.putLead({ tenantId: 't', leadId: 'lead-1', phoneNumber: TO })
  await placer.place({ ...REQUEST, attemptId: 'a3' })
  for (const { event } of await store.takeEvents({ tenantId: 't', limit: 9, visibilityMs: 1000 }))
    names.push(event.eventId)
  expect(names.map((name) => name.split('#')[0])).toEqual([
    ...['audit:000000000000001', 'audit:000000000000002', 'leads:lead-1', 'leads:lead-1'],
    ...['audit:000000000000003', 'leads:lead-1'],
  ])
  expect(new Set(names).size).toBe(6)
})

test('of a process that dies right after the refusal is on record, what it tells is there', async () => {
  const { clock, store, heir } = await setup(({ kind }) => kind === 'audit')
  expect(await placerOf(store, clock).place(REQUEST)).toMatchObject({ outcome: 'refused', isLeadFlagged: false })
  expect(await everything(heir)).toEqual([refused])
})

test('of a process that dies right after the lead is flagged, that is told too', async () => {
  const { clock, store, heir } = await setup(({ kind }) => kind === 'leads')
  expect(await placerOf(store, clock).place(REQUEST)).toMatchObject({ outcome: 'refused', isLeadFlagged: true })
  expect(await everything(heir)).toEqual([refused, flagged])
  expect((await heir.findStoredLead({ tenantId: 't', leadId: 'lead-1' }))?.review).toMatchObject({ decisionId: 'd1' })
})

test('a gate that stands alone tells nothing, and neither does a preview', async () => {
  const { clock, store } = await setup()
  const gate = createGate({ store, clock, policy: policyOf() })
  await gate.admit(REQUEST)
  await gate.preview(REQUEST)
  expect(await everything(store)).toEqual([])
})
