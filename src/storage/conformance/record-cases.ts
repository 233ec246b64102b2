/**
 * Calls, leads, tenants, recordings, transcripts, and what holds for every record.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { atOnce, codeOf, present, scene, someCall, someNumber, tally, type ConformanceCase } from './subject.js'

/** Cases about records. */
export const recordCases: readonly ConformanceCase[] = [
  scene('a call comes back as it was kept, with defaults in place', async ({ store, tenantId, clock }) => {
    const call = someCall(tenantId, { leadId: 'L1', metadata: { testCall: true, nested: { list: [1, null, 'x'] } } })
    assert.equal(await store.addCall(call), 'added')
    const found = present(await store.findCall({ tenantId, callSid: call.callSid }), 'the call')
    assert.equal(found.createdAt, clock.now())
    assert.equal(found.sequenceNumber, -1)
    assert.equal(found.conversationId, null)
    assert.deepEqual(found.metadata, call.metadata)
  }),

  scene('a missing record is undefined and not an error', async ({ store, tenantId }) => {
    assert.equal(await store.findCall({ tenantId, callSid: 'CA0' }), undefined)
    assert.equal(await store.updateCall({ tenantId, callSid: 'CA0', changes: {} }), undefined)
    assert.equal(
      (await store.applyCallStatus({ tenantId, callSid: 'CA0', callStatus: 'ringing', sequenceNumber: 0 })).outcome,
      'missing',
    )
    assert.equal(await store.findLead({ tenantId, leadId: 'L0' }), undefined)
    assert.equal(await store.findTenant({ tenantId }), undefined)
    assert.equal(await store.findRecording({ tenantId, recordingSid: 'RE0' }), undefined)
    assert.equal(await store.findTranscript({ tenantId, transcriptId: 'T0' }), undefined)
    assert.equal(await store.findCampaign({ tenantId, campaignId: 'C0' }), undefined)
    assert.equal(await store.findAttempt({ tenantId, attemptId: 'A0' }), undefined)
    assert.deepEqual((await store.listCalls({ tenantId })).items, [])
  }),

  scene('adding a call again changes nothing', async ({ store, tenantId }) => {
    const call = someCall(tenantId)
    await store.addCall(call)
    assert.equal(await store.addCall({ ...call, callStatus: 'completed' }), 'exists')
    assert.equal((await store.findCall({ tenantId, callSid: call.callSid }))?.callStatus, 'queued')
  }),

  scene('of 20 that add one call at once, one adds it', async ({ store, tenantId }) => {
    const call = someCall(tenantId)
    const outcomes = await atOnce(20, () => store.addCall(call))
    assert.equal(outcomes.filter((outcome) => outcome === 'added').length, 1)
  }),

  scene('a status is monotonic by sequence number', async ({ store, tenantId }) => {
    const { callSid } = someCall(tenantId)
    await store.addCall(someCall(tenantId, { callSid }))
    const apply = (callStatus: string, sequenceNumber: number | null) =>
      store.applyCallStatus({ tenantId, callSid, callStatus, sequenceNumber })
    assert.equal((await apply('in-progress', 2)).outcome, 'applied')
    assert.equal((await apply('ringing', 1)).outcome, 'stale')
    assert.equal((await apply('in-progress', 2)).outcome, 'stale')
    assert.equal((await store.findCall({ tenantId, callSid }))?.callStatus, 'in-progress')
  }),

  scene('a terminal status is never left', async ({ store, tenantId, clock }) => {
    const { callSid } = someCall(tenantId)
    await store.addCall(someCall(tenantId, { callSid }))
    const done = { tenantId, callSid, callStatus: 'completed', sequenceNumber: 3, changes: { durationS: 61 } }
    assert.equal((await store.applyCallStatus(done)).outcome, 'applied')
    const late = await store.applyCallStatus({ tenantId, callSid, callStatus: 'in-progress', sequenceNumber: 9 })
    assert.equal(late.outcome, 'ended')
    const asked = await store.applyCallStatus({ tenantId, callSid, callStatus: 'failed', sequenceNumber: null })
    assert.equal(asked.outcome, 'ended')
    const call = present(await store.findCall({ tenantId, callSid }), 'the call')
    assert.deepEqual([call.callStatus, call.durationS, call.endedAt], ['completed', 61, clock.now()])
  }),

  scene('statuses in any order and all at once end with the last one', async ({ store, another, tenantId }) => {
    const { callSid } = someCall(tenantId)
    await store.addCall(someCall(tenantId, { callSid }))
    const second = await another()
    const words = ['initiated', 'ringing', 'in-progress', 'completed']
    const applied = await atOnce(16, (i) =>
      (i % 2 ? store : second).applyCallStatus({
        tenantId,
        callSid,
        callStatus: words[i % 4] ?? '',
        sequenceNumber: i % 4,
        events: [{ type: 'status', data: i % 4 }],
      }),
    )
    assert.equal((await store.findCall({ tenantId, callSid }))?.callStatus, 'completed')
    assert.ok((tally(applied)['applied'] ?? 0) <= 4)
    const told: unknown[] = []
    for (;;) {
      const [taken] = await store.takeEvents({ tenantId, limit: 10, visibilityMs: 1000 })
      if (!taken) break
      told.push(taken.event.data)
      await store.ackEvent(taken.receipt)
    }
    assert.equal(told.length, tally(applied)['applied'], 'one event a status that was applied')
    assert.deepEqual(told, [...told].sort(), 'in the order in which they were applied')
    assert.equal(told.at(-1), 3)
  }),

  scene('changes of different fields at once all stand', async ({ store, another, tenantId }) => {
    const { callSid } = someCall(tenantId)
    await store.addCall(someCall(tenantId, { callSid }))
    const second = await another()
    await Promise.all([
      store.updateCall({ tenantId, callSid, changes: { conversationId: 'conv_1' } }),
      second.updateCall({ tenantId, callSid, changes: { streamSid: 'MZ1' } }),
      store.updateCall({ tenantId, callSid, changes: { answeredBy: 'human' } }),
      second.updateCall({
        tenantId,
        callSid,
        changes: { cost: { totalCost: 0.2, costPerMinute: 0.1, currency: 'USD' } },
      }),
    ])
    const call = present(await store.findCall({ tenantId, callSid }), 'the call')
    assert.deepEqual(
      [call.conversationId, call.streamSid, call.answeredBy, call.cost?.totalCost],
      ['conv_1', 'MZ1', 'human', 0.2],
    )
  }),

  scene(
    'a call is found by everything that it can be found by, and no longer by what it was',
    async ({ store, tenantId }) => {
      const to = someNumber()
      const call = someCall(tenantId, {
        to,
        leadId: 'L1',
        campaignId: 'C1',
        agentId: 'G1',
        ownerId: 'O1',
        conversationId: 'V1',
        streamSid: 'M1',
      })
      await store.addCall(call)
      await store.addCall(someCall(tenantId))
      const sids = async (filter: Parameters<typeof store.listCalls>[0]['filter']) =>
        (await store.listCalls({ tenantId, ...(filter && { filter }) })).items.map(({ callSid }) => callSid)
      const fields = {
        leadId: 'L1',
        campaignId: 'C1',
        agentId: 'G1',
        ownerId: 'O1',
        conversationId: 'V1',
        streamSid: 'M1',
      } as const
      for (const [field, value] of Object.entries({ ...fields, phoneNumber: to })) {
        assert.deepEqual(await sids({ [field]: value } as { leadId: string }), [call.callSid], field)
      }
      await store.updateCall({ tenantId, callSid: call.callSid, changes: { leadId: 'L2' } })
      assert.deepEqual(await sids({ leadId: 'L1' }), [])
      assert.deepEqual(await sids({ leadId: 'L2' }), [call.callSid])
      assert.equal((await sids({ isOpen: true })).length, 2)
      await store.applyCallStatus({ tenantId, callSid: call.callSid, callStatus: 'busy', sequenceNumber: 1 })
      assert.equal((await sids({ isOpen: true })).length, 1)
      assert.deepEqual(await sids({ callStatus: 'busy' }), [call.callSid])
    },
  ),

  scene('calls are counted from a moment on', async ({ store, tenantId, clock }) => {
    const start = clock.now()
    for (let hour = 0; hour < 5; hour++) {
      await store.addCall(someCall(tenantId, { leadId: 'L1', createdAt: start + hour * 3_600_000 }))
    }
    const filter = { leadId: 'L1' }
    assert.equal(await store.countCalls({ tenantId, filter }), 5)
    assert.equal(await store.countCalls({ tenantId, filter, sinceAt: start + 3_600_000 }), 4)
    assert.equal(await store.countCalls({ tenantId, filter, sinceAt: start + 1, untilAt: start + 7_200_000 }), 1)
    assert.equal(await store.countCalls({ tenantId, filter: { leadId: 'L2' } }), 0)
  }),

  scene('a status does not change when a call was answered, once that is known', async ({ store, tenantId, clock }) => {
    const at = clock.now()
    const call = someCall(tenantId, { callStatus: 'queued' })
    const { callSid } = call
    await store.addCall(call)
    const take = (callStatus: string, sequenceNumber: number, answeredAt: number): Promise<unknown> =>
      store.applyCallStatus({ tenantId, callSid, callStatus, sequenceNumber, changes: { answeredAt } })
    await take('in-progress', 1, at + 1000)
    assert.equal((await store.findCall({ tenantId, callSid }))?.answeredAt, at + 1000)
    await store.updateCall({ tenantId, callSid, changes: { answeredAt: at + 1234 } })
    await take('completed', 2, at + 1000)
    assert.equal((await store.findCall({ tenantId, callSid }))?.answeredAt, at + 1234)
  }),

  scene(
    'a campaign counts whom its calls reached, and whom they left in silence',
    async ({ store, tenantId, clock }) => {
      const start = clock.now()
      const place = async (callSid: string, campaignId: string | null = 'spring'): Promise<void> => {
        await store.addCall(someCall(tenantId, { callSid, campaignId, direction: 'outbound', callStatus: 'queued', createdAt: start })) // prettier-ignore
      }
      const end = (callSid: string, callStatus: string, changes: Record<string, unknown>): Promise<unknown> =>
      store.applyCallStatus({ tenantId, callSid, callStatus, sequenceNumber: 9, changes: { endedAt: start + 60_000, ...changes } }) // prettier-ignore
      for (const callSid of ['CA1', 'CA2', 'CA3', 'CA4', 'CA5', 'CA6']) await place(callSid)
      await place('CA7', 'autumn')
      await place('CA8', null)
      const count = async (campaignId: string, sinceAt = start): Promise<number[]> => [
        await store.countCalls({ tenantId, filter: { answeredCampaignId: campaignId }, sinceAt }),
        await store.countCalls({ tenantId, filter: { abandonedCampaignId: campaignId }, sinceAt }),
      ]
      assert.deepEqual(await count('spring'), [0, 0])
      await end('CA1', 'completed', { answeredAt: start, messageStartedAt: start + 1000 })
      await end('CA2', 'completed', { answeredAt: start, messageStartedAt: start + 2001 })
      await end('CA3', 'completed', { answeredAt: start })
      await end('CA4', 'completed', { answeredAt: start, answeredBy: 'machine_start' })
      await end('CA5', 'no-answer', {})
      await store.updateCall({ tenantId, callSid: 'CA6', changes: { answeredAt: start } }) // it goes on, and nobody knows yet
      for (const callSid of ['CA7', 'CA8']) await end(callSid, 'completed', { answeredAt: start })
      assert.deepEqual(await count('spring'), [3, 2])
      assert.deepEqual(await count('autumn'), [1, 1])
      assert.deepEqual(await count('spring', start + 1), [0, 0])
      await store.updateCall({ tenantId, callSid: 'CA6', changes: { messageStartedAt: start + 1500 } })
      assert.deepEqual(await count('spring'), [4, 2])
      // Machine detection that comes after the end takes the call out of the count again.
      await store.updateCall({ tenantId, callSid: 'CA3', changes: { answeredBy: 'machine_end_beep' } })
      assert.deepEqual(await count('spring'), [3, 1])
      assert.deepEqual(await count('nobody'), [0, 0])
    },
  ),

  scene('pages are stable while records come and go, also of one moment', async ({ store, tenantId, clock }) => {
    for (let i = 0; i < 25; i++) {
      await store.addCall(
        someCall(tenantId, { callSid: `CA${String(i).padStart(2, '0')}`, createdAt: clock.now() + Math.floor(i / 10) }),
      )
    }
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.listCalls({ tenantId, limit: 4, ...(cursor !== undefined && { cursor }) })
      assert.ok(page.items.length <= 4)
      seen.push(...page.items.map(({ callSid }) => callSid))
      await store.addCall(someCall(tenantId, { createdAt: clock.now() + 100 })) // newer than all: nobody turns back for it
      cursor = page.nextCursor
    } while (cursor !== undefined)
    const expected = Array.from({ length: 25 }, (_, i) => `CA${String(24 - i).padStart(2, '0')}`)
    assert.deepEqual(seen, expected)
  }),

  scene('a page tells when it is the last', async ({ store, tenantId, clock }) => {
    for (let i = 0; i < 4; i++) await store.addCall(someCall(tenantId, { createdAt: clock.now() + i }))
    const first = await store.listCalls({ tenantId, limit: 2 })
    const second = await store.listCalls({ tenantId, limit: 2, cursor: first.nextCursor ?? '' })
    assert.equal(second.items.length, 2)
    assert.equal(second.nextCursor, undefined)
    await assert.rejects(async () => store.listCalls({ tenantId, cursor: 'nonsense' }), RangeError)
    await assert.rejects(async () => store.listCalls({ tenantId, limit: 0 }), RangeError)
  }),

  scene('one tenant never sees another\u2019s records', async ({ store, tenantId, otherTenantId, clock }) => {
    const call = someCall(tenantId, { leadId: 'L1', conversationId: 'V1' })
    const stamp = { createdAt: clock.now() }
    await store.addCall(call)
    await store.putLead({ tenantId, leadId: 'L1', phoneNumber: '+15550002222', ...stamp })
    await store.putRecording({ tenantId, recordingSid: 'RE1', callSid: call.callSid, status: 'completed' })
    await store.putTranscript({ tenantId, transcriptId: 'T1', callSid: call.callSid, source: 'test', text: 'hello' })
    await store.addCampaign({ tenantId, campaignId: 'C1' })
    await store.setCached({ tenantId, key: 'k', value: 1, ttlMs: 1000 })
    const mine = { tenantId: otherTenantId }
    assert.equal(await store.findCall({ ...mine, callSid: call.callSid }), undefined)
    assert.equal(await store.updateCall({ ...mine, callSid: call.callSid, changes: { answeredBy: 'x' } }), undefined)
    assert.equal(
      (await store.applyCallStatus({ ...mine, callSid: call.callSid, callStatus: 'completed', sequenceNumber: 9 }))
        .outcome,
      'missing',
    )
    assert.deepEqual((await store.listCalls({ ...mine, filter: { conversationId: 'V1' } })).items, [])
    assert.equal(await store.countCalls({ ...mine, filter: { leadId: 'L1' } }), 0)
    assert.equal(await store.findLead({ ...mine, leadId: 'L1' }), undefined)
    assert.deepEqual((await store.listLeads(mine)).items, [])
    assert.equal(await store.findRecording({ ...mine, recordingSid: 'RE1' }), undefined)
    assert.deepEqual((await store.listRecordings({ ...mine, filter: { callSid: call.callSid } })).items, [])
    assert.equal(await store.findTranscript({ ...mine, transcriptId: 'T1' }), undefined)
    assert.equal(await store.findCampaign({ ...mine, campaignId: 'C1' }), undefined)
    assert.equal(await store.getCached({ ...mine, key: 'k' }), undefined)
    assert.equal(await store.addCall({ ...call, ...mine }), 'added', 'the same id is free in another tenant')
  }),

  scene(
    'tenants whose ids contain each other, wildcards, braces or separators are still two',
    async ({ store, tenantId }) => {
      const ids = [
        tenantId,
        `${tenantId}:a`,
        `${tenantId}}`,
        `{${tenantId}}`,
        `${tenantId}*`,
        `${tenantId}%`,
        `${tenantId}/a`,
        `${tenantId}'--`,
      ]
      for (const id of ids) await store.addCall(someCall(id, { callSid: 'CA1', leadId: 'L1', answeredBy: id }))
      for (const id of ids) {
        assert.equal((await store.findCall({ tenantId: id, callSid: 'CA1' }))?.answeredBy, id)
        assert.equal((await store.listCalls({ tenantId: id, filter: { leadId: 'L1' } })).items.length, 1)
      }
    },
  ),

  scene('text comes back character for character, a megabyte of it too', async ({ store, tenantId }) => {
    const text = 'Grüße, 你好, 👩🏽‍🚀, ‮rtl‬, "quotes", \\back\\, \t\n, \u2028, e\u0301 ≠ é, '.repeat(16_000)
    const transcript = { tenantId, transcriptId: 'T-ü-1', callSid: 'CA1', source: 'test', text }
    await store.putTranscript({ ...transcript, turns: [{ speaker: 'caller', text: 'ñ' }], words: [{ w: 'a', t: 0.1 }] })
    const found = present(await store.findTranscript({ tenantId, transcriptId: 'T-ü-1' }), 'the transcript')
    assert.ok(found.text === text, 'the text changed on its way')
    assert.deepEqual(found.words, [{ w: 'a', t: 0.1 }])
  }),

  scene('NUL and half a surrogate pair become U+FFFD instead of losing the text', async ({ store, tenantId }) => {
    const text = 'a\u0000b\ud83dc \\u0000 stays'
    await store.putTranscript({ tenantId, transcriptId: 'T1', callSid: 'CA1', source: 'test', text })
    const found = await store.findTranscript({ tenantId, transcriptId: 'T1' })
    assert.equal(found?.text, 'a\ufffdb\ufffdc \\u0000 stays')
  }),

  scene('a moment is the same moment in every time zone', async ({ store, tenantId }) => {
    // The hour that comes twice in New York, the leap day, the epoch, and before it.
    for (const createdAt of [
      Date.UTC(2026, 10, 1, 5, 30),
      Date.UTC(2026, 10, 1, 6, 30),
      Date.UTC(2028, 1, 29, 23, 59, 59, 999),
      0,
    ]) {
      const call = someCall(tenantId, { createdAt })
      await store.addCall(call)
      assert.equal((await store.findCall({ tenantId, callSid: call.callSid }))?.createdAt, createdAt)
      assert.equal(await store.countCalls({ tenantId, sinceAt: createdAt, untilAt: createdAt + 1 }), 1)
    }
  }),

  scene(
    'an id that is empty, too long or holds a control character is refused and nothing is written',
    async ({ store, tenantId }) => {
      for (const callSid of ['', 'CA\n1', 'CA\u00001', 'CA\u007f', 'CA\ud800']) {
        assert.equal(
          await codeOf(() => store.findCall({ tenantId, callSid })),
          'storage_key_invalid',
          JSON.stringify(callSid),
        )
      }
      assert.equal(await codeOf(() => store.findCall({ tenantId: 'a\nb', callSid: 'CA1' })), 'storage_key_invalid')
      assert.equal(
        await codeOf(() => store.claimKey({ tenantId, key: 'x'.repeat(600), leaseMs: 1 })),
        'storage_key_invalid',
      )
      assert.equal(await codeOf(() => store.addCall(someCall(tenantId, { leadId: 'L\n1' }))), 'storage_key_invalid')
      assert.deepEqual((await store.listCalls({ tenantId })).items, [])
    },
  ),

  scene('a record of the wrong shape is refused and nothing is written', async ({ store, tenantId }) => {
    const wrong = { ...someCall(tenantId), durationS: 'long' as never }
    assert.equal(await codeOf(() => store.addCall(wrong)), 'storage_record_invalid')
    assert.deepEqual((await store.listCalls({ tenantId })).items, [])
  }),

  scene(
    'a lead of one number and owner is made once, and what was told is merged',
    async ({ store, another, tenantId }) => {
      const phoneNumber = someNumber()
      const second = await another()
      const leads = await atOnce(10, (i) =>
        (i % 2 ? store : second).upsertLeadByPhone({
          tenantId,
          phoneNumber,
          ownerId: 'agent-1',
          ...(i === 3 ? { name: 'Ana' } : {}),
        }),
      )
      assert.equal(new Set(leads.map(({ leadId }) => leadId)).size, 1)
      await store.upsertLeadByPhone({ tenantId, phoneNumber, ownerId: 'agent-1', email: 'ana@example.com' })
      const lead = await store.findStoredLead({ tenantId, leadId: leads[0]?.leadId ?? '' })
      assert.deepEqual([lead?.name, lead?.email, lead?.automatedCallsAllowed], ['Ana', 'ana@example.com', false])
      await store.upsertLeadByPhone({ tenantId, phoneNumber, ownerId: 'agent-2' })
      assert.equal((await store.listLeads({ tenantId, filter: { phoneNumber } })).items.length, 2)
    },
  ),

  scene('a lead that was flagged waits for a person until it was looked at', async ({ store, tenantId, clock }) => {
    const lead = {
      tenantId,
      leadId: 'L1',
      phoneNumber: someNumber(),
      automatedCallsAllowed: true,
      createdAt: clock.now(),
    }
    await store.putLead(lead)
    const review = { flaggedAt: clock.now(), failedChecks: ['notOnDNC'], reason: 'Listed', decisionId: 'D1' }
    await store.flagLead({ tenantId, leadId: 'L1', review })
    await store.putLead({ ...lead, name: 'Ben' })
    assert.deepEqual((await store.findLead({ tenantId, leadId: 'L1' }))?.review, review)
    assert.equal((await store.listLeads({ tenantId, filter: { isFlagged: true } })).items.length, 1)
    await store.updateLead({ tenantId, leadId: 'L1', changes: { review: null } })
    assert.equal((await store.listLeads({ tenantId, filter: { isFlagged: true } })).items.length, 0)
    assert.equal((await store.findStoredLead({ tenantId, leadId: 'L1' }))?.name, 'Ben')
  }),

  scene(
    'a number belongs to one tenant, and to nobody once it is given up',
    async ({ store, tenantId, otherTenantId }) => {
      const [first, second] = [someNumber(), someNumber()]
      assert.equal(await store.putTenant({ tenantId, phoneNumbers: [first], settings: { aiGreeting: 'Hi' } }), 'put')
      assert.equal(await store.putTenant({ tenantId: otherTenantId, phoneNumbers: [second, first] }), 'number-taken')
      assert.equal(await store.findTenant({ tenantId: otherTenantId }), undefined)
      assert.equal(await store.findTenantByNumber({ phoneNumber: second }), undefined)
      assert.equal((await store.findTenantByNumber({ phoneNumber: first }))?.settings.aiGreeting, 'Hi')
      assert.equal(await store.putTenant({ tenantId, phoneNumbers: [second] }), 'put')
      assert.equal(await store.findTenantByNumber({ phoneNumber: first }), undefined)
      assert.equal(await store.putTenant({ tenantId: otherTenantId, phoneNumbers: [first] }), 'put')
    },
  ),

  scene('a recording is told of in pieces, and the pieces add up', async ({ store, tenantId }) => {
    const recording = { tenantId, recordingSid: 'RE1', callSid: 'CA1' }
    await store.putRecording({ ...recording, status: 'completed', durationS: 12 })
    const merged = await store.putRecording({ ...recording, status: 'archived', archivedAs: 's3://bucket/RE1.wav' })
    assert.deepEqual([merged.status, merged.durationS, merged.archivedAs], ['archived', 12, 's3://bucket/RE1.wav'])
    assert.equal((await store.listRecordings({ tenantId, filter: { callSid: 'CA1' } })).items.length, 1)
    await store.putRecording({ ...recording, recordingSid: 'RE2', status: 'failed', failure: { code: 'x' } })
    assert.deepEqual(
      (await store.listRecordings({ tenantId, filter: { status: 'failed' } })).items.map((r) => r.recordingSid),
      ['RE2'],
    )
  }),
]
