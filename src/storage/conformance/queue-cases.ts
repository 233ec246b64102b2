/**
 * Scheduled work, campaign rows, the outbox.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { EVERY_TENANT, type OutboxStore, type TakenEvent } from '../queues.js'
import { atOnce, scene, someAttempt, someCall, someNumber, type ConformanceCase } from './subject.js'

/** The types of the events that wait, as they go out one by one. */
async function told(store: OutboxStore, tenantId: string): Promise<string[]> {
  const types: string[] = []
  for (;;) {
    const [taken] = await store.takeEvents({ tenantId, limit: 1, visibilityMs: 1000 })
    if (!taken) return types
    types.push(taken.event.type)
    await store.ackEvent(taken.receipt)
  }
}

/** Cases about what waits. */
export const queueCases: readonly ConformanceCase[] = [
  scene(
    'work is taken when it is due, longest due first, and is gone when it is finished',
    async ({ store, tenantId, clock }) => {
      const queue = randomUUID()
      const schedule = (workId: string, dueAt: number) =>
        store.scheduleWork({ tenantId, workId, queue, dueAt, payload: { of: workId } })
      await schedule('late', clock.now() + 1000)
      await schedule('second', clock.now() - 1)
      await schedule('first', clock.now() - 2)
      assert.equal(await schedule('first', clock.now() + 9999), 'exists')
      const take = () => store.takeDueWork({ tenantId, queue, limit: 10, visibilityMs: 500 })
      const taken = await take()
      assert.deepEqual(
        taken.map(({ work, takes }) => [work.workId, work.payload, takes]),
        [
          ['first', { of: 'first' }, 1],
          ['second', { of: 'second' }, 1],
        ],
      )
      assert.deepEqual(await take(), [])
      for (const { receipt } of taken) assert.equal(await store.finishWork(receipt), true)
      clock.advance(1000)
      assert.deepEqual(
        (await take()).map(({ work }) => work.workId),
        ['late'],
      )
    },
  ),

  scene(
    'of many takers at once, in two processes, nothing is taken by two',
    async ({ store, another, tenantId, clock }) => {
      const queue = randomUUID()
      await atOnce(30, (i) => store.scheduleWork({ tenantId, workId: `w${i}`, queue, dueAt: clock.now(), payload: i }))
      const second = await another()
      const batches = await atOnce(12, (i) =>
        (i % 2 ? store : second).takeDueWork({ tenantId, queue, limit: 4, visibilityMs: 1000 }),
      )
      const taken = batches.flat().map(({ work }) => work.workId)
      assert.equal(new Set(taken).size, taken.length, 'taken twice')
      for (;;) {
        const rest = await store.takeDueWork({ tenantId, queue, limit: 4, visibilityMs: 1000 })
        if (rest.length === 0) break
        taken.push(...rest.map(({ work }) => work.workId))
      }
      assert.equal(new Set(taken).size, 30)
    },
  ),

  scene(
    'work of a taker that died is due again, and the dead one\u2019s receipt is void',
    async ({ store, tenantId, clock }) => {
      const queue = randomUUID()
      await store.scheduleWork({ tenantId, workId: 'w', queue, dueAt: clock.now(), payload: null })
      const take = () => store.takeDueWork({ tenantId, queue, limit: 1, visibilityMs: 1000 })
      const [dead] = await take()
      clock.advance(999)
      assert.deepEqual(await take(), [])
      clock.advance(1)
      const [next] = await take()
      assert.equal(next?.takes, 2)
      assert.ok(dead && next)
      assert.equal(await store.finishWork(dead.receipt), false)
      assert.equal(await store.deferWork(dead.receipt, clock.now()), false)
      assert.equal(await store.deferWork(next.receipt, clock.now() + 5000), true)
      clock.advance(4999)
      assert.deepEqual(await take(), [])
      clock.advance(1)
      const [last] = await take()
      assert.deepEqual([last?.takes, last?.work.dueAt], [3, clock.now()])
      assert.equal(await store.cancelWork({ tenantId, workId: 'w' }), true)
      assert.equal(await store.cancelWork({ tenantId, workId: 'w' }), false)
      assert.equal(await store.finishWork(last?.receipt ?? next.receipt), false)
    },
  ),

  scene(
    'a tenant\u2019s worker takes that tenant\u2019s work, a host\u2019s worker takes all, and queues do not mix',
    async ({ store, tenantId, otherTenantId, clock }) => {
      const queue = randomUUID()
      for (const tenant of [tenantId, otherTenantId]) {
        await store.scheduleWork({ tenantId: tenant, workId: 'w', queue, dueAt: clock.now(), payload: tenant })
      }
      await store.scheduleWork({ tenantId, workId: 'x', queue: `${queue}-b`, dueAt: clock.now(), payload: null })
      const mine = await store.takeDueWork({ tenantId, queue, limit: 10, visibilityMs: 1000 })
      assert.deepEqual(
        mine.map(({ work }) => work.payload),
        [tenantId],
      )
      const all = await store.takeDueWork({ tenantId: EVERY_TENANT, queue, limit: 10, visibilityMs: 1000 })
      assert.deepEqual(
        all.map(({ work }) => work.tenantId),
        [otherTenantId],
      )
    },
  ),

  scene('rows of a campaign are called in the order of the list, once each', async ({ store, another, tenantId }) => {
    const campaignId = 'C1'
    assert.equal(await store.addCampaign({ tenantId, campaignId, name: 'Spring' }), 'added')
    assert.equal(await store.addCampaign({ tenantId, campaignId }), 'exists')
    const rows = Array.from({ length: 120 }, (_, i) => ({
      tenantId,
      campaignId,
      rowId: String(i + 1),
      phoneNumber: `+1555000${i}`,
    }))
    assert.equal(await store.addCampaignRows(rows.slice(0, 70)), 70)
    assert.equal(await store.addCampaignRows(rows.slice(60)), 50, 'the same list again adds what is missing')
    const first = await store.listCampaignRows({ tenantId, campaignId, limit: 3 })
    assert.deepEqual(
      first.items.map(({ rowId }) => rowId),
      ['1', '2', '3'],
    )
    const second = await another()
    const batches = await atOnce(6, (i) =>
      (i % 2 ? store : second).takeCampaignRows({ tenantId, campaignId, limit: 10, visibilityMs: 1000 }),
    )
    const taken = batches.flat().map(({ row }) => row.rowId)
    assert.equal(new Set(taken).size, taken.length)
    const [one] = batches.flat()
    assert.ok(one)
    assert.equal(await store.settleCampaignRow(one.receipt, { state: 'done', callSid: 'CA1' }), true)
    assert.equal(await store.settleCampaignRow(one.receipt, { state: 'failed' }), false)
    assert.deepEqual(await store.countCampaignRows({ tenantId, campaignId }), {
      waiting: 119,
      done: 1,
      refused: 0,
      failed: 0,
    })
    const done = await store.listCampaignRows({ tenantId, campaignId, state: 'done' })
    assert.deepEqual(
      done.items.map(({ rowId, callSid }) => [rowId, callSid]),
      [[one.row.rowId, 'CA1']],
    )
  }),

  scene('a row that was put off, or whose taker died, is due again', async ({ store, tenantId, clock }) => {
    await store.addCampaignRows([{ tenantId, campaignId: 'C1', rowId: '1', phoneNumber: '+15550000001' }])
    const take = () => store.takeCampaignRows({ tenantId, campaignId: 'C1', limit: 5, visibilityMs: 1000 })
    const [first] = await take()
    assert.ok(first)
    assert.equal(await store.deferCampaignRow(first.receipt, clock.now() + 5000), true)
    clock.advance(5000)
    assert.equal((await take())[0]?.takes, 2)
    clock.advance(1000)
    assert.equal((await take())[0]?.takes, 3)
    assert.deepEqual(await store.takeCampaignRows({ tenantId, campaignId: 'C2', limit: 5, visibilityMs: 1000 }), [])
  }),

  scene('events are kept with their record or not at all', async ({ store, tenantId }) => {
    const call = someCall(tenantId)
    const event = (type: string) => [{ type, data: { callSid: call.callSid } }]
    await store.addCall(call, event('added'))
    await store.addCall(call, event('not this: the call was there'))
    const status = { tenantId, callSid: call.callSid, callStatus: 'completed', sequenceNumber: 1 }
    await store.applyCallStatus({ ...status, events: event('status') })
    await store.applyCallStatus({ ...status, events: event('not this: stale') })
    await store.updateCall({ tenantId, callSid: 'CA-none', changes: {}, events: event('not this: no such call') })
    const types: string[] = []
    for (;;) {
      const [taken] = await store.takeEvents({ tenantId, limit: 10, visibilityMs: 1000 })
      if (!taken) break
      types.push(taken.event.type)
      assert.equal(taken.event.key, `calls:${call.callSid}`)
      await store.ackEvent(taken.receipt)
    }
    assert.deepEqual(types, ['added', 'status'])
  }),

  scene(
    'events of one key go out in order, and one that fails holds up its key alone',
    async ({ store, tenantId, clock }) => {
      await store.appendEvents({
        tenantId,
        key: 'a',
        events: [
          { type: 'a1', data: 1 },
          { type: 'a2', data: 2 },
        ],
      })
      await store.appendEvents({ tenantId, key: 'a', events: [{ type: 'a3', data: 3 }] })
      await store.appendEvents({ tenantId, key: 'b', events: [{ type: 'b1', data: 1 }] })
      const take = async () => store.takeEvents({ tenantId, limit: 10, visibilityMs: 1000 })
      const types = (list: Awaited<ReturnType<typeof take>>) => list.map(({ event }) => event.type).sort()
      const first = await take()
      assert.deepEqual(types(first), ['a1', 'b1'])
      assert.deepEqual(await take(), [], 'a2 waits for a1')
      const [a1, b1] = [...first].sort((x, y) => (x.event.type < y.event.type ? -1 : 1))
      assert.ok(a1 && b1)
      assert.equal(await store.deferEvent(a1.receipt, clock.now() + 500), true)
      assert.equal(await store.ackEvent(b1.receipt), true)
      assert.equal(await store.ackEvent(b1.receipt), false)
      assert.deepEqual(await take(), [])
      clock.advance(500)
      const [again] = await take()
      assert.deepEqual([again?.event.type, again?.takes, again?.event.eventId], ['a1', 2, a1.event.eventId])
      assert.ok(again)
      assert.equal(await store.parkEvent(again, 'refused with 410'), true)
      const [a2] = await take()
      assert.deepEqual([a2?.event.type, a2?.event.data], ['a2', 2])
      const parked = await store.listParkedEvents({ tenantId })
      assert.deepEqual(
        parked.map(({ type, reason, eventId }) => [type, reason, eventId]),
        [['a1', 'refused with 410', a1.event.eventId]],
      )
      clock.advance(1000) // whoever took a2 died
      const [repeat] = await take()
      assert.deepEqual([repeat?.event.type, repeat?.takes], ['a2', 2])
      assert.equal(await store.ackEvent(a2?.receipt ?? a1.receipt), false, 'a dead one\u2019s receipt is void')
      assert.equal(await store.ackEvent(repeat?.receipt ?? a1.receipt), true)
      assert.deepEqual(types(await take()), ['a3'])
    },
  ),

  scene(
    'events that many append at once get one order, and of many takers none takes what another has',
    async ({ store, another, tenantId }) => {
      const second = await another()
      await atOnce(10, (i) =>
        (i % 2 ? store : second).appendEvents({
          tenantId,
          key: 'k',
          events: [
            { type: 'x', data: i },
            { type: 'y', data: i },
          ],
        }),
      )
      const order: unknown[] = []
      for (;;) {
        const batches = await atOnce(4, (i) =>
          (i % 2 ? store : second).takeEvents({ tenantId, limit: 5, visibilityMs: 1000 }),
        )
        const taken = batches.flat()
        if (taken.length === 0) break
        assert.equal(taken.length, 1)
        for (const { event, receipt } of taken) {
          order.push(event.data)
          await store.ackEvent(receipt)
        }
      }
      assert.equal(order.length, 20)
      for (let i = 0; i < 20; i += 2) assert.equal(order[i], order[i + 1], 'what was appended together stays together')
    },
  ),

  scene(
    'a parked event is put back under its own name, however often, and one that goes is listed no more',
    async ({ store, tenantId, otherTenantId, clock }) => {
      const call = someCall(tenantId)
      const tell = (type: string) => [{ type, data: { callSid: call.callSid }, occurredAt: clock.now() - 500 }]
      await store.addCall(call, tell('first'))
      await store.updateCall({ tenantId, callSid: call.callSid, changes: {}, events: tell('second') })
      const take = async () => {
        const taken = await store.takeEvents({ tenantId, limit: 10, visibilityMs: 1000 })
        return [...taken].sort((a, b) => (a.event.type < b.event.type ? -1 : 1))
      }
      const [first] = await take()
      assert.ok(first)
      for (let round = 1; round <= 3; round++) {
        const taken: TakenEvent | undefined = round === 1 ? first : (await take())[0]
        assert.ok(taken)
        assert.deepEqual([taken.event, taken.takes], [first.event, 1], `round ${round}`)
        assert.equal(await store.parkEvent(taken, `refused ${round}`), true)
        const [parked, ...others] = await store.listParkedEvents({ tenantId })
        assert.ok(parked)
        const { parkedId, ...rest } = parked
        assert.deepEqual(rest, { ...first.event, parkedAt: clock.now(), reason: `refused ${round}` })
        assert.deepEqual(others, [])
        const elsewhere = { tenantId: otherTenantId, parkedId }
        assert.equal(await store.requeueParkedEvent(elsewhere), false)
        if (round === 3) break
        if (round === 1) for (const { receipt } of await take()) await store.ackEvent(receipt) // the second of the call
        assert.equal(await store.requeueParkedEvent({ tenantId, parkedId }), true)
        assert.deepEqual(await store.listParkedEvents({ tenantId }), [])
        assert.equal(await store.requeueParkedEvent({ tenantId, parkedId }), false, 'it is parked no more')
      }
      assert.deepEqual(await take(), [])
    },
  ),

  scene('a parked event that is put back does not wait for what is behind it', async ({ store, tenantId }) => {
    const data = { n: 1 }
    await store.appendEvents({ tenantId, key: 'k', events: [{ type: 'a', data }, { type: 'b', data }] }) // prettier-ignore
    const take = () => store.takeEvents({ tenantId, limit: 10, visibilityMs: 1000 })
    const [a] = await take()
    assert.ok(a)
    await store.parkEvent(a, 'refused')
    const [b] = await take() // under way, and not settled
    const [parked] = await store.listParkedEvents({ tenantId })
    await store.requeueParkedEvent({ tenantId, parkedId: parked?.parkedId ?? '' })
    assert.deepEqual((await take()).map(({ event }) => event), [a.event]) // prettier-ignore
    assert.equal(b && (await store.ackEvent(b.receipt)), true, 'what was under way is not disturbed')
  }),

  scene('events go with the revocation and with the change of an attempt, once', async ({ store, tenantId, clock }) => {
    const phoneNumber = someNumber()
    const revocation = { tenantId, revocationId: 'r1', phoneNumber, sellerId: null, revokedAt: clock.now(), channel: 'web', callSid: null } as const // prettier-ignore
    assert.equal(await store.revokeConsent(revocation, [{ type: 'revoked', data: {} }]), 'added')
    assert.equal(await store.revokeConsent(revocation, [{ type: 'not this: it was there', data: {} }]), 'exists')
    assert.deepEqual(await told(store, tenantId), ['revoked'])

    const attempt = someAttempt(tenantId, phoneNumber, clock.now())
    const { attemptId } = attempt
    const settle = (state: 'placed' | 'released', type: string) =>
      store.settleAttempt({ tenantId, attemptId, state }, [{ type, data: {} }])
    await store.reserveAttempt({ attempt, caps: [] })
    assert.equal(await settle('released', 'released'), true)
    assert.equal(await settle('released', 'not this: it was released'), true)
    assert.equal(await settle('placed', 'not this: it has no call'), false)
    assert.equal(await store.settleAttempt({ tenantId, attemptId: 'none', state: 'placed' }, [{ type: 'not this: there is none', data: {} }]), false) // prettier-ignore
    // It asks for its place anew before its event has gone out.
    clock.advance(1000)
    const again = clock.now()
    await store.reserveAttempt({ attempt: { ...attempt, attemptedAt: again }, caps: [] })
    assert.equal(await settle('released', 'released again'), true)
    assert.deepEqual(await told(store, tenantId), ['released', 'released again'])
  }),

  scene('events go with a link of the audit log, once, and with each flag of a lead', async ({ store, tenantId }) => {
    const { hash: previousHash } = await store.auditHead({ tenantId })
    const link = { tenantId, sequence: 1, recordedAt: 0, kind: 'decision', payload: '{}', previousHash, hash: 'a'.repeat(64) } // prettier-ignore
    const append = (record: typeof link, type: string) =>
      store.appendAudit(record, { leadId: 'L1', events: [{ type, data: {} }] })
    assert.equal((await append(link, 'refused')).outcome, 'appended')
    assert.equal((await append(link, 'not this: it is the head')).outcome, 'appended')
    assert.equal((await append({ ...link, hash: 'b'.repeat(64) }, 'not this: it forks')).outcome, 'conflict')
    assert.deepEqual(await told(store, tenantId), ['refused'])

    const review = { flaggedAt: 1, failedChecks: ['consent'], reason: 'no consent', decisionId: 'd1' }
    for (const type of ['flagged', 'flagged again'])
      await store.flagLead({ tenantId, leadId: 'L1', review }, [{ type, data: {} }])
    assert.deepEqual(await told(store, tenantId), ['flagged', 'flagged again'], 'in order, also of a lead that is made')
  }),

  scene('what a recording or a transcript is told again tells nothing', async ({ store, tenantId, clock }) => {
    const recording = { tenantId, recordingSid: 'RE1', callSid: 'CA1', status: 'completed', durationS: 12 }
    const transcript = { tenantId, transcriptId: 'T1', callSid: 'CA1', source: 'test', text: 'hello', turns: [{ speaker: 'caller', text: 'hello' }] } // prettier-ignore
    for (let round = 1; round <= 2; round++) {
      await store.putRecording(recording, [{ type: `recording ${round}`, data: {} }])
      await store.putTranscript(transcript, [{ type: `transcript ${round}`, data: {} }])
      clock.advance(10)
    }
    await store.putTranscript({ ...transcript, text: 'hello?' }, [{ type: 'transcript 3', data: {} }])
    assert.deepEqual((await told(store, tenantId)).sort(), ['recording 1', 'transcript 1', 'transcript 3'])
  }),

  scene('events of one tenant are not given to another', async ({ store, tenantId, otherTenantId }) => {
    await store.appendEvents({ tenantId, key: 'k', events: [{ type: 'x', data: null }] })
    assert.deepEqual(await store.takeEvents({ tenantId: otherTenantId, limit: 10, visibilityMs: 1000 }), [])
    assert.equal((await store.takeEvents({ tenantId, limit: 10, visibilityMs: 1000 })).length, 1)
  }),
]
