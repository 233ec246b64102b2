/**
 * Events of a person who is erased: those that wait, those that were given up, and those that somebody holds.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { laneOf } from '../lanes.js'
import type { OutgoingEvent, TakenEvent } from '../queues.js'
import type { Store } from '../store.js'
import { present, scene, someAttempt, someCall, someNumber, type ConformanceCase, type Scene } from './subject.js'

/** A person with a call of which nothing has gone out, and what must not be found of them afterwards. */
async function somePerson({ store, tenantId, clock }: Scene) {
  const said = `my name is ${randomUUID()}`
  const [phoneNumber, leadId, callSid, attemptId] = [someNumber(), `L${randomUUID()}`, `CA${randomUUID()}`, randomUUID()] // prettier-ignore
  await store.putLead({ tenantId, leadId, phoneNumber, name: 'Ana' })
  await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, clock.now(), { attemptId, leadId }), caps: [] }) // prettier-ignore
  await store.addCall(someCall(tenantId, { callSid, to: phoneNumber, leadId }), [
    { type: 'call.placed', data: { callSid, attemptId, leadId, via: 'bridge' } },
  ])
  const tell = (...events: OutgoingEvent[]) => store.updateCall({ tenantId, callSid, changes: {}, events })
  await tell(
    { type: 'turn.ended', data: { callSid, turnId: 't1', speaker: 'caller', heardMs: 900, text: said } },
    { type: 'host.note', data: { note: said } },
    { type: 'call.ended', data: { callSid, callStatus: 'completed', outcome: 'answered', durationS: 9 } },
  )
  const placed = ['call.placed', { callSid, attemptId, leadId: 'erased', via: 'bridge' }]
  const turn = ['turn.ended', { callSid, turnId: 't1', speaker: 'caller', heardMs: 900 }]
  const ended = ['call.ended', { callSid, callStatus: 'completed', outcome: 'answered', durationS: 9 }]
  return { said, phoneNumber, leadId, callSid, attemptId, tell, placed, turn, ended }
}

/** Everything that waits, as it goes out, and is then gone. */
async function drained({ store, tenantId, clock }: Scene): Promise<TakenEvent[]> {
  clock.advance(60_000)
  const events: TakenEvent[] = []
  for (;;) {
    const [taken] = await store.takeEvents({ tenantId, limit: 1, visibilityMs: 1000 })
    if (!taken) return events
    events.push(taken)
    await store.ackEvent(taken.receipt)
  }
}

const told = (events: readonly TakenEvent[]): unknown[] => events.map(({ event }) => [event.type, event.data])

/** Nothing that waits or was given up, its names and keys included, says one of these. */
async function assertForgotten(
  events: readonly TakenEvent[],
  { store, tenantId }: Scene,
  person: Pick<Awaited<ReturnType<typeof somePerson>>, 'said' | 'phoneNumber' | 'leadId'>,
) {
  // prettier-ignore
  const text = JSON.stringify([events, await store.listParkedEvents({ tenantId, limit: 1000 })])
  for (const trace of [person.said, person.phoneNumber, person.leadId])
    assert.ok(!text.includes(trace), 'the person is found')
}

async function takeOne(store: Store, tenantId: string): Promise<TakenEvent> {
  return present((await store.takeEvents({ tenantId, limit: 1, visibilityMs: 1000 }))[0], 'an event')
}

/** Copies of an event for two sinks, in their lanes. */
const copiesOf = ({ event: { eventId, key, type, data, occurredAt } }: TakenEvent) =>
  ['one', 'two'].map((sink) => ({
    key: `callweave-sink/${sink}/${laneOf(key)}`,
    event: { type, occurredAt, data: { eventId, key, data } },
  }))

/** Cases about events of a person who is erased. */
export const erasureCases: readonly ConformanceCase[] = [
  scene('of a person who is erased no event that waits tells, and what was billed still goes out', async (given) => {
    const { store, tenantId, clock } = given
    const person = await somePerson(given)
    const { phoneNumber, leadId, callSid, attemptId, placed, turn, ended } = person
    const other = await somePerson(given)
    const settled = [{ type: 'retry.scheduled', data: { attemptId, nextAttemptId: 'next', dueAt: 5 } }]
    await store.settleAttempt({ tenantId, attemptId, state: 'placed', callSid }, settled)
    const revocation = { tenantId, revocationId: 'r1', phoneNumber, sellerId: null, revokedAt: clock.now(), channel: 'web', callSid: null } as const // prettier-ignore
    const optOut = { revocationId: 'r1', channel: 'web', leadId, phoneNumber }
    await store.revokeConsent(revocation, [{ type: 'opt-out.recorded', data: optOut }])
    const recorded = { callSid, recordingSid: 'RE1' }
    await store.putRecording({ tenantId, ...recorded, status: 'completed' }, [{ type: 'recording.completed', data: recorded }]) // prettier-ignore
    const transcript = { callSid, transcriptId: 'T1', source: 'test' }
    await store.putTranscript({ tenantId, ...transcript, text: person.said }, [
      { type: 'transcript.ready', data: transcript },
    ])
    const refusal = { attemptId: 'a2', decisionId: 'd1', failedChecks: ['consent'], nextAllowedAt: null }
    const { hash: previousHash, sequence } = await store.auditHead({ tenantId })
    const link = { tenantId, sequence: sequence + 1, recordedAt: 0, kind: 'decision', payload: '{}', previousHash, hash: createHash('sha256').update(tenantId).digest('hex') } // prettier-ignore
    await store.appendAudit(link, { leadId, events: [{ type: 'call.refused', data: { ...refusal, leadId } }] })
    const flag = { type: 'lead.flagged', data: { leadId, why: 'refused', decisionId: 'd1' } }
    const review = { flaggedAt: 1, failedChecks: ['consent'], reason: 'no consent', decisionId: 'd1' }
    await store.flagLead({ tenantId, leadId, review }, [flag])
    await store.appendEvents({ tenantId, key: `leads:${leadId}`, events: settled })

    const { proof } = await store.erasePerson({ tenantId, phoneNumber })
    // Gone: the host's own event, the flag, what waited under the lead.
    assert.deepEqual([proof.removed['waiting-events'], proof.redacted['waiting-events']], [3, 4])
    const events = await drained(given)
    await assertForgotten(events, given, person)
    const ofOther = ({ event }: TakenEvent): boolean => event.key === `calls:${other.callSid}`
    assert.deepEqual(
      told(events.filter(ofOther)).map((one) => JSON.stringify(one).includes(other.said)),
      [false, true, true, false],
      'another person’s events stay whole',
    )
    const ofCall = events.filter(({ event }) => event.key === `calls:${callSid}`)
    assert.deepEqual(told(ofCall), [placed, turn, ended], 'in order')
    const rest = events.filter((taken) => !ofOther(taken) && !ofCall.includes(taken))
    assert.deepEqual(told(rest.sort((a, b) => (a.event.type < b.event.type ? -1 : 1))), [
      ['call.refused', { ...refusal, leadId: 'erased' }],
      ['opt-out.recorded', { revocationId: 'r1', channel: 'web', leadId: 'erased' }],
      ['recording.completed', recorded],
      ['retry.scheduled', settled[0]?.data],
      ['transcript.ready', transcript],
    ])
    const again = await store.erasePerson({ tenantId, phoneNumber })
    assert.deepEqual([again.proof.removed, again.proof.redacted], [{}, {}])
  }),

  scene(
    'of a person who is erased no event tells that waits for one sink, was given up, or was put back',
    async (given) => {
      const { store, tenantId, clock } = given
      const person = await somePerson(given)
      const { phoneNumber, tell, turn } = person
      const say = (turnId: string) =>
        tell({ type: 'turn.ended', data: { callSid: person.callSid, turnId, speaker: 'caller', text: person.said } })
      // The first of the call goes out. What was said, and the host's note, are copied for two sinks.
      await store.ackEvent((await takeOne(store, tenantId)).receipt)
      const copied = await takeOne(store, tenantId)
      assert.equal(await store.copyEvent(copied.receipt, copiesOf(copied)), true)
      // One of the copies is given up, as is what was said next; a third one is given up and put back, as a copy and as itself.
      const take = async () => {
        clock.advance(1)
        return (await store.takeEvents({ tenantId, limit: 10, visibilityMs: 60_000 })).filter(({ event }) =>
          JSON.stringify(event.data).includes(person.said),
        )
      }
      const park = async (taken: readonly TakenEvent[]) => {
        for (const one of taken) assert.equal(await store.parkEvent(one, 'refused'), true)
      }
      await park(await take()) // a copy for each sink, the note
      await say('t2')
      await store.ackEvent((await takeOne(store, tenantId)).receipt) // the end of the call
      const [second] = await take()
      await park(second ? [second] : [])
      const parked = await store.listParkedEvents({ tenantId })
      assert.equal(parked.length, 4)
      const putBack = [parked.find(({ key }) => key.startsWith('streams:')), parked.find(({ data }) => JSON.stringify(data).includes('t2'))] // prettier-ignore
      for (const one of putBack)
        assert.equal(await store.requeueParkedEvent({ tenantId, parkedId: one?.parkedId ?? '' }), true)

      const { proof } = await store.erasePerson({ tenantId, phoneNumber })
      assert.deepEqual(
        [proof.removed['parked-events'], proof.redacted['parked-events'], proof.redacted['waiting-events']],
        [1, 1, 2],
      )
      const left = (await store.listParkedEvents({ tenantId })).map(({ data }) => data)
      assert.deepEqual(left, [{ eventId: copied.event.eventId, key: copied.event.key, data: turn[1] }])
      const events = await drained(given)
      await assertForgotten(events, given, person)
      assert.equal(events.length, 2)
      const again = await store.erasePerson({ tenantId, phoneNumber })
      assert.deepEqual([again.proof.removed, again.proof.redacted], [{}, {}])
    },
  ),

  scene('an event that was given up is found by its attempt when the record of its call has gone', async (given) => {
    const { store, tenantId, clock } = given
    const person = await somePerson(given)
    const { phoneNumber, callSid, attemptId, turn } = person
    await store.settleAttempt({ tenantId, attemptId, state: 'placed', callSid })
    await store.applyCallStatus({ tenantId, callSid, callStatus: 'completed', sequenceNumber: 1 })
    await store.ackEvent((await takeOne(store, tenantId)).receipt)
    await store.parkEvent(await takeOne(store, tenantId), 'refused')
    clock.advance(2 * 86_400_000)
    assert.deepEqual(await store.applyRetention({ tenantId, policy: { calls: 1 } }), { calls: 1 })
    await store.erasePerson({ tenantId, phoneNumber })
    assert.deepEqual((await store.listParkedEvents({ tenantId })).map(({ data }) => data), [turn[1]]) // prettier-ignore
    await assertForgotten(await drained(given), given, person)
  }),

  scene('who holds an event while its person is erased cannot put back what it said', async (given) => {
    const { store, another, tenantId, clock } = given
    const person = await somePerson(given)
    const { phoneNumber, placed, turn, ended } = person
    const holder = await another()
    const held = await takeOne(holder, tenantId)
    await store.erasePerson({ tenantId, phoneNumber })
    assert.deepEqual(await store.takeEvents({ tenantId, limit: 9, visibilityMs: 1 }), [], 'what is held stays held')
    assert.equal(await holder.copyEvent(held.receipt, copiesOf(held)), false)
    assert.equal(await holder.parkEvent(held, 'refused'), false)
    assert.equal(await holder.deferEvent(held.receipt, clock.now() + 5), false)
    assert.equal(await holder.ackEvent(held.receipt), false)
    assert.deepEqual(await store.listParkedEvents({ tenantId }), [])
    const events = await drained(given)
    await assertForgotten(events, given, person)
    assert.deepEqual(told(events), [placed, turn, ended], 'each still goes out, once, in order')
    assert.equal(events[0]?.event.eventId, held.event.eventId)
  }),

  scene('a person is erased while events of theirs are taken, copied, given up and put back', async (given) => {
    const { store, another, tenantId, clock } = given
    const person = await somePerson(given)
    const { phoneNumber, callSid, tell } = person
    const turns = Array.from({ length: 30 }, (_, i) => ({ type: 'turn.ended', data: { callSid, turnId: `u${i}`, speaker: 'caller', text: person.said } })) // prettier-ignore
    await tell(...turns)
    const holder = await another()
    let isErased = false
    const carry = async (): Promise<void> => {
      for (let round = 0; round < 200 && !(isErased && round > 60); round++) {
        clock.advance(1)
        for (const taken of await holder.takeEvents({ tenantId, limit: 5, visibilityMs: 5 })) {
          if (taken.event.key.startsWith('calls:')) await holder.copyEvent(taken.receipt, copiesOf(taken))
          else if (round % 3 > 0) await holder.parkEvent(taken, 'refused')
        }
        const [parked] = await holder.listParkedEvents({ tenantId, limit: 1 })
        if (parked && round % 5 === 0) await holder.requeueParkedEvent({ tenantId, parkedId: parked.parkedId })
      }
    }
    const carrying = carry()
    clock.advance(1)
    await store.erasePerson({ tenantId, phoneNumber })
    isErased = true
    await carrying
    await assertForgotten(await drained(given), given, person)
  }),
]
