import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EVENT_FIELDS, isEventName, voiceEvent, withoutPersonalFields, type EventName } from '../../src/events/map.js'
import { refusedWith, setup as setUpCalls, unknownOutcome } from '../calls/setup.js'
import { takeWaiting } from '../support/waiting-events.js'

const names = Object.keys(EVENT_FIELDS) as EventName[]

test('the compiler refuses an event whose data is not what its name asks for', () => {
  expect(voiceEvent('call.answered-by', { callSid: 'CA1', answeredBy: 'human' }).type).toBe('call.answered-by')
  // @ts-expect-error a field is missing
  voiceEvent('call.answered-by', { callSid: 'CA1' })
  // @ts-expect-error a field that the event does not have
  voiceEvent('call.answered-by', { callSid: 'CA1', answeredBy: 'human', to: '+12025550101' })
  // @ts-expect-error a name that there is not
  voiceEvent('call.answered', { callSid: 'CA1' })
})

test('the guide’s table is the map: every event, its fields in order, the personal ones marked', () => {
  const guide = readFileSync(new URL('../../docs/guides/events.md', import.meta.url), 'utf8')
  const rows = [...guide.matchAll(/^\| `([a-z.-]+)` \| (.+?) \| (.+?) \|$/gm)].map(([, name, , fields = '']) => [
    name,
    [...fields.matchAll(/`(\w+)`( \(personal\))?/g)].map(([, field = '', mark]) => [
      field,
      mark ? 'personal' : 'plain',
    ]),
  ])
  expect(rows).toEqual(names.map((name) => [name, Object.entries(EVENT_FIELDS[name])]))
})

test.each(['calls', 'front'])('%s write no event but through the map', (name) => {
  const folder = new URL(`../../src/${name}/`, import.meta.url)
  for (const file of readdirSync(folder)) {
    expect([file, /\btype: '[a-z-]+\.[a-z-]+'/.exec(readFileSync(new URL(file, folder), 'utf8'))]).toEqual([file, null])
  }
})

test('a name says what happened and nothing of whom', () => {
  for (const name of names) expect(name).toMatch(/^[a-z-]+\.[a-z-]+$/)
  expect([isEventName('call.ended'), isEventName('toString'), isEventName('host.mine')]).toEqual([true, false, false])
})

test('personal fields are left out of the library’s events; a host’s own stay whole', () => {
  const said = { callSid: 'CA1', turnId: 't1', speaker: 'caller', text: 'my number is …' }
  expect(withoutPersonalFields('turn.ended', said)).toEqual({ callSid: 'CA1', turnId: 't1', speaker: 'caller' })
  expect(withoutPersonalFields('host.mine', said)).toEqual(said)
  expect(withoutPersonalFields('turn.ended', null)).toBe(null)
})

test('a call tells its whole story in order: placed, statuses, its end, the next try', async () => {
  const calls = setUpCalls()
  const placed = await calls.placer.place({ ...calls.request, attemptId: 'a1' })
  const callSid = placed.outcome === 'placed' ? placed.callSid : ''
  await calls.status(callSid, 'ringing', 1)
  await calls.pass(0)
  await calls.status(callSid, 'no-answer', 2)
  await calls.pass(0)
  const told: unknown[] = []
  for (;;) {
    const [taken] = await calls.store.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 1000 })
    if (!taken) break
    told.push([taken.event.type, taken.event.data])
    await calls.store.ackEvent(taken.receipt)
  }
  expect(told.slice(0, 4)).toEqual([
    ['call.placed', { callSid, attemptId: 'a1', leadId: 'lead-1', via: 'bridge' }],
    ['call.status-changed', { callSid, callStatus: 'ringing' }],
    ['call.status-changed', { callSid, callStatus: 'no-answer' }],
    ['call.ended', { callSid, callStatus: 'no-answer', outcome: expect.any(String) }],
  ])
  expect(told.slice(4)).toEqual([
    ['retry.scheduled', { attemptId: 'a1', nextAttemptId: 'a1~try2', dueAt: expect.any(Number), callSid }],
  ])
})

/** Everything that waits, as key, name and data. */
const everything = async ({ store }: ReturnType<typeof setUpCalls>): Promise<unknown[]> =>
  (await takeWaiting(store, 't')).map(({ key, type, data }) => [key, type, data])

test('a dial that fails tells so in the step of its outcome, when the next try is scheduled', async () => {
  const calls = setUpCalls()
  // Whatever comes after the outcome is lost, as when the process dies.
  const store = { ...calls.store }
  let isDead = false
  const unlessDead = <T>(write: () => Promise<T>) => (isDead ? Promise.reject<T>(new Error('dead')) : write())
  Object.assign(calls.store, {
    settleAttempt: async (...given: Parameters<typeof store.settleAttempt>) => {
      const isSettled = await store.settleAttempt(...given)
      isDead = true
      return isSettled
    },
    appendEvents: (...given: Parameters<typeof store.appendEvents>) => unlessDead(() => store.appendEvents(...given)),
    scheduleWork: (...given: Parameters<typeof store.scheduleWork>) => unlessDead(() => store.scheduleWork(...given)),
  })
  calls.telephone.failures.push({ error: refusedWith(500, '20500') })
  expect(await calls.place({ attemptId: 'a1' })).toMatchObject({ outcome: 'failed', attemptId: 'a1' })
  expect(await everything(calls)).toEqual([
    ['attempts:a1', 'retry.scheduled', { attemptId: 'a1', nextAttemptId: 'a1~try2', dueAt: expect.any(Number) }],
  ])
  isDead = false
  await calls.pass(3_600_000)
  expect(calls.telephone.dialled).toHaveLength(2)
})

test('a number that is none flags its lead in the step of the outcome', async () => {
  const calls = setUpCalls()
  calls.telephone.failures.push({ error: refusedWith(400, '21211') })
  await calls.place({ attemptId: 'a1' })
  expect(await everything(calls)).toEqual([['attempts:a1', 'lead.flagged', { leadId: 'lead-1', why: 'phone-invalid' }]])
})

test('an attempt that turns out to be no call tells when it is tried again', async () => {
  const calls = setUpCalls()
  calls.telephone.failures.push({ error: unknownOutcome() })
  expect(await calls.place({ attemptId: 'a1' })).toMatchObject({ outcome: 'submission-unknown' })
  await calls.pass(300_000)
  expect(await calls.attempt('a1')).toMatchObject({ state: 'released' })
  expect((await everything(calls))[0]).toEqual([
    'attempts:a1',
    'retry.scheduled',
    { attemptId: 'a1', nextAttemptId: 'a1~try2', dueAt: expect.any(Number) },
  ])
})
