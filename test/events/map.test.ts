import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EVENT_FIELDS, isEventName, voiceEvent, withoutPersonalFields, type EventName } from '../../src/events/map.js'
import { setup as setUpCalls } from '../calls/setup.js'

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

test('calls write no event but through the map', () => {
  const folder = new URL('../../src/calls/', import.meta.url)
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

test('a call that is refused tells so, and that its lead waits for a person', async () => {
  const calls = setUpCalls()
  calls.refusals.push({ outcome: 'refuse', failedChecks: ['consent'], nextAllowedAt: null })
  await calls.placer.place({ ...calls.request, attemptId: 'a1' })
  const told: unknown[] = []
  for (;;) {
    const [taken] = await calls.store.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 1000 })
    if (!taken) break
    told.push([taken.event.key, taken.event.type, taken.event.data])
    await calls.store.ackEvent(taken.receipt)
  }
  const about = { leadId: 'lead-1', decisionId: 'd' }
  expect(told).toEqual([
    [
      'streams:leads:lead-1',
      'call.refused',
      { attemptId: 'a1', ...about, failedChecks: ['consent'], nextAllowedAt: null },
    ],
    ['streams:leads:lead-1', 'lead.flagged', { ...about, why: 'refused' }],
  ])
})
