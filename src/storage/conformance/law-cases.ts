/**
 * Attempts under caps, consent, do-not-call, audit, retention, erasure.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import type { AuditRecord } from '../../records/audit-record.js'
import type { ConsentGrant } from '../../records/consent.js'
import type { DoNotCallEntry } from '../../records/do-not-call.js'
import type { Store } from '../store.js'
import { atOnce, present, scene, someAttempt, someCall, someNumber, tally, type ConformanceCase } from './subject.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const THREE_A_DAY = { capId: 'default', maxAttempts: 3, windowMs: DAY_MS }

/** Cases about what the law asks for. */
export const lawCases: readonly ConformanceCase[] = [
  scene(
    'of 50 that reserve at once, in two processes, exactly as many win as the cap allows',
    async ({ store, another, tenantId, clock }) => {
      const phoneNumber = someNumber()
      const second = await another()
      const cap = { capId: 'seven', maxAttempts: 7, windowMs: DAY_MS }
      const outcomes = await atOnce(50, (i) =>
        (i % 2 ? store : second).reserveAttempt({
          attempt: someAttempt(tenantId, phoneNumber, clock.now()),
          caps: [cap],
        }),
      )
      assert.deepEqual(tally(outcomes), { reserved: 7, refused: 43 })
      assert.equal((await store.attemptsAfter({ tenantId, phoneNumber, afterAt: 0 })).length, 7)
    },
  ),

  scene('all caps count in one step, and the answer names those that are full', async ({ store, tenantId, clock }) => {
    const phoneNumber = someNumber()
    const caps = [THREE_A_DAY, { capId: 'hour', maxAttempts: 1, windowMs: HOUR_MS }]
    const start = clock.now()
    const reserve = () => store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, clock.now()), caps })
    assert.equal((await reserve()).outcome, 'reserved')
    assert.deepEqual(await reserve(), { outcome: 'refused', capIds: ['hour'], nextAllowedAt: start + HOUR_MS })
    clock.advance(HOUR_MS - 1)
    assert.equal((await reserve()).outcome, 'refused')
    clock.advance(1) // one that is exactly as old as the window counts no more
    assert.equal((await reserve()).outcome, 'reserved')
    clock.advance(HOUR_MS)
    assert.equal((await reserve()).outcome, 'reserved')
    assert.deepEqual(await reserve(), {
      outcome: 'refused',
      capIds: ['default', 'hour'],
      nextAllowedAt: start + DAY_MS,
    })
    clock.advance(HOUR_MS)
    assert.deepEqual(await reserve(), { outcome: 'refused', capIds: ['default'], nextAllowedAt: start + DAY_MS })
  }),

  scene('a refused attempt leaves no trace', async ({ store, tenantId, clock }) => {
    const phoneNumber = someNumber()
    const caps = [{ ...THREE_A_DAY, maxAttempts: 1 }]
    await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, clock.now()), caps })
    const refused = someAttempt(tenantId, phoneNumber, clock.now())
    assert.equal((await store.reserveAttempt({ attempt: refused, caps })).outcome, 'refused')
    assert.equal(await store.findAttempt({ tenantId, attemptId: refused.attemptId }), undefined)
    assert.equal((await store.attemptsAfter({ tenantId, phoneNumber, afterAt: 0 })).length, 1)
  }),

  scene(
    'when the caps were lowered, the next moment is when enough have left the window',
    async ({ store, tenantId, clock }) => {
      const phoneNumber = someNumber()
      const start = clock.now()
      for (let i = 0; i < 4; i++) {
        await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, start + i * 1000), caps: [] })
      }
      const caps = [{ ...THREE_A_DAY, maxAttempts: 2 }]
      const refused = await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, start + 5000), caps })
      assert.deepEqual(refused, { outcome: 'refused', capIds: ['default'], nextAllowedAt: start + 2000 + DAY_MS })
    },
  ),

  scene('the same reservation again is reserved and counted once', async ({ store, tenantId, clock }) => {
    const phoneNumber = someNumber()
    const attempt = someAttempt(tenantId, phoneNumber, clock.now())
    const caps = [{ ...THREE_A_DAY, maxAttempts: 1 }]
    const outcomes = await atOnce(5, () => store.reserveAttempt({ attempt, caps }))
    assert.deepEqual(tally(outcomes), { reserved: 5 })
    assert.deepEqual(await store.attemptsAfter({ tenantId, phoneNumber, afterAt: 0 }), [attempt.attemptedAt])
  }),

  scene('an attempt of a host whose clock is ahead counts too', async ({ store, tenantId, clock }) => {
    const phoneNumber = someNumber()
    const caps = [{ ...THREE_A_DAY, maxAttempts: 1 }]
    await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, clock.now() + 2 * DAY_MS), caps })
    const next = await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, clock.now()), caps })
    assert.equal(next.outcome, 'refused')
  }),

  scene('a released attempt frees its place, and is not taken up again', async ({ store, tenantId, clock }) => {
    const phoneNumber = someNumber()
    const caps = [{ ...THREE_A_DAY, maxAttempts: 1 }]
    const attempt = someAttempt(tenantId, phoneNumber, clock.now())
    await store.reserveAttempt({ attempt, caps })
    const settle = (state: 'placed' | 'released' | 'submission-unknown') =>
      store.settleAttempt({ tenantId, attemptId: attempt.attemptId, state })
    assert.equal(await settle('submission-unknown'), true)
    assert.equal(
      (await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, clock.now()), caps })).outcome,
      'refused',
    )
    assert.equal(await settle('released'), true)
    assert.equal(await settle('released'), true)
    assert.equal(await settle('placed'), false)
    assert.equal(
      (await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, clock.now()), caps })).outcome,
      'reserved',
    )
    assert.equal((await store.listAttempts({ tenantId, filter: { phoneNumber } })).items.length, 2)
    assert.equal(await store.settleAttempt({ tenantId, attemptId: 'none', state: 'placed' }), false)
  }),

  scene(
    'a released attempt that is reserved again asks for its place like any other',
    async ({ store, tenantId, clock }) => {
      const phoneNumber = someNumber()
      const caps = [{ ...THREE_A_DAY, maxAttempts: 1 }]
      const attempt = someAttempt(tenantId, phoneNumber, clock.now())
      const other = someAttempt(tenantId, phoneNumber, clock.now())
      await store.reserveAttempt({ attempt, caps })
      await store.settleAttempt({ tenantId, attemptId: attempt.attemptId, state: 'released' })
      await store.reserveAttempt({ attempt: other, caps })
      assert.equal((await store.reserveAttempt({ attempt, caps })).outcome, 'refused')
      await store.settleAttempt({ tenantId, attemptId: other.attemptId, state: 'released' })
      const answers = await Promise.all([1, 2, 3, 4].map(() => store.reserveAttempt({ attempt, caps })))
      assert.deepEqual([...new Set(answers.map(({ outcome }) => outcome))], ['reserved'])
      assert.equal((await store.findAttempt({ tenantId, attemptId: attempt.attemptId }))?.state, 'reserved')
      assert.equal((await store.attemptsAfter({ tenantId, phoneNumber, afterAt: 0 })).length, 1)
    },
  ),

  scene(
    'a call that exists counts: a placed attempt is not released, a released one is placed once its call is found',
    async ({ store, tenantId, clock }) => {
      const phoneNumber = someNumber()
      const attempt = someAttempt(tenantId, phoneNumber, clock.now())
      const { attemptId } = attempt
      const counted = async (): Promise<number> =>
        (await store.attemptsAfter({ tenantId, phoneNumber, afterAt: 0 })).length
      await store.reserveAttempt({ attempt, caps: [] })
      assert.equal(await store.settleAttempt({ tenantId, attemptId, state: 'released' }), true)
      assert.equal(await counted(), 0)
      assert.equal(await store.settleAttempt({ tenantId, attemptId, state: 'placed', callSid: 'CA1' }), true)
      assert.equal(await counted(), 1)
      assert.equal(await store.settleAttempt({ tenantId, attemptId, state: 'released' }), false)
      assert.equal(await store.settleAttempt({ tenantId, attemptId, state: 'submission-unknown' }), false)
      assert.equal(await counted(), 1)
      assert.equal((await store.findAttempt({ tenantId, attemptId }))?.state, 'placed')
    },
  ),

  scene('a settled attempt keeps what it is not told', async ({ store, tenantId, clock }) => {
    const attempt = someAttempt(tenantId, someNumber(), clock.now(), { leadId: 'L1' })
    await store.reserveAttempt({ attempt, caps: [] })
    await store.settleAttempt({ tenantId, attemptId: attempt.attemptId, state: 'placed', callSid: 'CA1' })
    await store.settleAttempt({ tenantId, attemptId: attempt.attemptId, state: 'placed', disposition: 'busy' })
    const found = await store.findAttempt({ tenantId, attemptId: attempt.attemptId })
    assert.deepEqual([found?.callSid, found?.disposition, found?.leadId], ['CA1', 'busy', 'L1'])
    assert.equal((await store.listAttempts({ tenantId, filter: { leadId: 'L1' } })).items.length, 1)
  }),

  scene('attempts of another tenant or number do not count', async ({ store, tenantId, otherTenantId, clock }) => {
    const phoneNumber = someNumber()
    const caps = [{ ...THREE_A_DAY, maxAttempts: 1 }]
    for (const [tenant, number] of [
      [tenantId, phoneNumber],
      [otherTenantId, phoneNumber],
      [tenantId, someNumber()],
    ] as const) {
      const outcome = await store.reserveAttempt({ attempt: someAttempt(tenant, number, clock.now()), caps })
      assert.equal(outcome.outcome, 'reserved')
    }
  }),

  scene(
    'moments of attempts come oldest first, strictly after the one asked for',
    async ({ store, tenantId, clock }) => {
      const phoneNumber = someNumber()
      const start = clock.now()
      for (const offset of [3, 1, 2]) {
        await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, start + offset), caps: [] })
      }
      assert.deepEqual(await store.attemptsAfter({ tenantId, phoneNumber, afterAt: start + 1 }), [start + 2, start + 3])
    },
  ),

  scene(
    'the latest grant is joined with the earliest revocation that is not older',
    async ({ store, tenantId, clock }) => {
      const phoneNumber = someNumber()
      const at = clock.now()
      const query = { tenantId, phoneNumber, sellerId: 'S1', kinds: ['express-written'] as const }
      assert.equal(await store.latestConsent(query), undefined)
      await store.grantConsent(someGrant(tenantId, phoneNumber, 'g1', at))
      await store.grantConsent(someGrant(tenantId, phoneNumber, 'g0', at))
      assert.deepEqual(pick(await store.latestConsent(query)), ['g1', null])
      await store.revokeConsent(someRevocation(tenantId, phoneNumber, 'r2', at + 20, null))
      await store.revokeConsent(someRevocation(tenantId, phoneNumber, 'r1', at + 10, 'S1'))
      await store.revokeConsent(someRevocation(tenantId, phoneNumber, 'r0', at + 5, 'S2'))
      assert.deepEqual(pick(await store.latestConsent(query)), ['g1', at + 10])
      assert.equal((await store.latestConsent({ ...query, kinds: ['express'] }))?.consentId, undefined)
      await store.grantConsent(someGrant(tenantId, phoneNumber, 'g3', at + 30))
      assert.deepEqual(pick(await store.latestConsent(query)), ['g3', null])
      const proof = await store.consentProof({ tenantId, phoneNumber })
      assert.deepEqual(
        proof.grants.map(({ consentId }) => consentId),
        ['g0', 'g1', 'g3'],
      )
      assert.deepEqual(
        proof.revocations.map(({ revocationId }) => revocationId),
        ['r0', 'r1', 'r2'],
      )
    },
  ),

  scene('evidence is never changed', async ({ store, tenantId, otherTenantId, clock }) => {
    const phoneNumber = someNumber()
    const grant = someGrant(tenantId, phoneNumber, 'g1', clock.now())
    assert.equal(await store.grantConsent(grant), 'added')
    assert.equal(await store.grantConsent({ ...grant, sellerId: 'S2' }), 'exists')
    const proof = await store.consentProof({ tenantId, phoneNumber })
    assert.deepEqual(proof.grants, [grant])
    assert.deepEqual(await store.consentProof({ tenantId: otherTenantId, phoneNumber }), {
      grants: [],
      revocations: [],
    })
  }),

  scene(
    'the earliest request that was not lifted is the do-not-call entry',
    async ({ store, another, tenantId, otherTenantId, clock }) => {
      const phoneNumber = someNumber()
      const at = clock.now()
      const entry = (addedAt: number, channel: DoNotCallEntry['channel'] = 'keypress'): DoNotCallEntry => ({
        tenantId,
        phoneNumber,
        addedAt,
        channel,
        leadId: null,
        callSid: 'CA1',
        note: null,
      })
      await store.addDoNotCall(entry(at + 10))
      await store.addDoNotCall(entry(at, 'speech'))
      await store.addDoNotCall(entry(at, 'speech'))
      const second = await another()
      assert.deepEqual(await second.findDoNotCall({ tenantId, phoneNumber }), entry(at, 'speech'))
      assert.equal(await store.findDoNotCall({ tenantId: otherTenantId, phoneNumber }), undefined)
      assert.equal((await store.listDoNotCall({ tenantId })).items.length, 2)
      assert.equal(await store.liftDoNotCall({ tenantId, phoneNumber, consentId: 'g1', liftedAt: at + 5 }), true)
      assert.equal((await store.findDoNotCall({ tenantId, phoneNumber }))?.addedAt, at + 10)
      assert.equal(await store.liftDoNotCall({ tenantId, phoneNumber, consentId: 'g1', liftedAt: at + 10 }), true)
      assert.equal(await store.findDoNotCall({ tenantId, phoneNumber }), undefined)
      assert.equal(await store.liftDoNotCall({ tenantId, phoneNumber, consentId: 'g1', liftedAt: at + 99 }), false)
    },
  ),

  scene(
    'a chain has one end: of 20 that append at once one wins, and none is lost when they try again',
    async ({ store, another, tenantId }) => {
      const second = await another()
      assert.deepEqual(await store.auditHead({ tenantId }), { sequence: 0, hash: '0'.repeat(64) })
      const once = await atOnce(20, (i) =>
        (i % 2 ? store : second).appendAudit(link(tenantId, { sequence: 0, hash: '0'.repeat(64) }, `first ${i}`)),
      )
      assert.equal(tally(once)['appended'], 1)
      await atOnce(8, async (i) => {
        let head = await store.auditHead({ tenantId })
        for (;;) {
          const outcome = await (i % 2 ? store : second).appendAudit(link(tenantId, head, `payload ${i}`))
          if (outcome.outcome === 'appended') return
          head = outcome.head
        }
      })
      let [sequence, hash] = [0, '0'.repeat(64)]
      for await (const record of store.readAudit({ tenantId })) {
        assert.equal(record.sequence, ++sequence)
        assert.equal(record.previousHash, hash)
        hash = record.hash
      }
      assert.equal(sequence, 9)
    },
  ),

  scene(
    'a payload of the audit log is kept byte for byte, and appended once when it is told twice',
    async ({ store, tenantId, otherTenantId }) => {
      const record = link(tenantId, { sequence: 0, hash: '0'.repeat(64) }, '{"z":1,"a":  2.0,"ü":"\\u00e9"}')
      assert.equal((await store.appendAudit(record)).outcome, 'appended')
      assert.equal((await store.appendAudit(record)).outcome, 'appended')
      const conflict = await store.appendAudit(link(tenantId, { sequence: 7, hash: 'a'.repeat(64) }, '{}'))
      assert.deepEqual(conflict, { outcome: 'conflict', head: { sequence: 1, hash: record.hash } })
      assert.deepEqual(await links(store, tenantId), [record])
      assert.deepEqual(await links(store, otherTenantId), [])
    },
  ),

  scene('an audit log is read from where one likes', async ({ store, tenantId }) => {
    let head = await store.auditHead({ tenantId })
    for (let i = 0; i < 12; i++) {
      const record = link(tenantId, head, String(i))
      await store.appendAudit(record)
      head = record
    }
    const read: number[] = []
    for await (const { sequence } of store.readAudit({ tenantId, fromSequence: 10 })) read.push(sequence)
    assert.deepEqual(read, [10, 11, 12])
  }),

  scene('retention removes what is old, and nothing that the law keeps', async ({ store, tenantId, clock }) => {
    const start = clock.now()
    const phoneNumber = someNumber()
    await store.addCall(someCall(tenantId, { callSid: 'CAold', callStatus: 'completed' }))
    await store.addCall(someCall(tenantId, { callSid: 'CAopen' }))
    await store.putTranscript({ tenantId, transcriptId: 'T1', callSid: 'CAold', source: 'test', text: 'x' })
    const entry = {
      tenantId,
      phoneNumber,
      addedAt: start,
      channel: 'keypress',
      leadId: null,
      callSid: null,
      note: null,
    } as const
    await store.addDoNotCall(entry)
    let head = await store.auditHead({ tenantId })
    for (let i = 0; i < 3; i++) {
      const record = link(tenantId, head, String(i), start)
      await store.appendAudit(record)
      head = record
    }
    clock.advance(40 * DAY_MS)
    await store.addCall(someCall(tenantId, { callSid: 'CAnew', callStatus: 'completed' }))
    assert.deepEqual(await store.applyRetention({ tenantId, policy: { calls: 30, transcripts: 30 } }), {
      calls: 1,
      transcripts: 1,
    })
    assert.deepEqual(
      (await store.listCalls({ tenantId })).items.map(({ callSid }) => callSid),
      ['CAnew', 'CAopen'],
    )
    for (const kind of ['audit', 'do-not-call', 'consent', 'attempts'] as const) {
      await assert.rejects(async () => store.applyRetention({ tenantId, policy: { [kind]: 1826 } }), RangeError, kind)
    }
    clock.advance(2000 * DAY_MS)
    await store.applyRetention({ tenantId, policy: { audit: 1827, 'do-not-call': 1827 } })
    assert.equal((await store.findDoNotCall({ tenantId, phoneNumber }))?.addedAt, start, 'an entry that stands stays')
    assert.deepEqual(
      (await links(store, tenantId)).map(({ sequence }) => sequence),
      [3],
      'the last link stays',
    )
    assert.equal((await store.appendAudit(link(tenantId, head, 'next'))).outcome, 'appended')
  }),

  scene('one person is erased, with proof, and what the law keeps stays', async ({ store, tenantId, clock }) => {
    const phoneNumber = someNumber()
    await store.putLead({ tenantId, leadId: 'L1', phoneNumber, name: 'Ana' })
    await store.addCall(
      someCall(tenantId, {
        callSid: 'CA1',
        to: phoneNumber,
        leadId: 'L1',
        callStatus: 'completed',
        durationS: 9,
        metadata: { note: 'Ana' },
      }),
    )
    await store.addCall(someCall(tenantId, { callSid: 'CA2' }))
    await store.putRecording({
      tenantId,
      recordingSid: 'RE1',
      callSid: 'CA1',
      status: 'archived',
      archivedAs: 'RE1.wav',
    })
    await store.putTranscript({ tenantId, transcriptId: 'T1', callSid: 'CA1', source: 'test', text: 'Ana here' })
    await store.addCampaign({ tenantId, campaignId: 'C1' })
    await store.addCampaignRows([{ tenantId, campaignId: 'C1', rowId: '1', phoneNumber, name: 'Ana' }])
    await store.addDoNotCall({
      tenantId,
      phoneNumber,
      addedAt: clock.now(),
      channel: 'web',
      leadId: null,
      callSid: null,
      note: null,
    })
    await store.grantConsent(someGrant(tenantId, phoneNumber, 'g1', clock.now()))
    await store.reserveAttempt({ attempt: someAttempt(tenantId, phoneNumber, clock.now()), caps: [] })

    const { proof, recordings } = await store.erasePerson({ tenantId, phoneNumber })
    assert.deepEqual(recordings, [{ recordingSid: 'RE1', archivedAs: 'RE1.wav' }])
    assert.deepEqual(proof.removed, { recordings: 1, transcripts: 1, leads: 1 })
    assert.deepEqual(proof.redacted, { calls: 1, campaigns: 1 })
    assert.deepEqual(
      proof.kept.map(({ kind, count }) => [kind, count]),
      [
        ['attempts', 1],
        ['consent', 1],
        ['do-not-call', 1],
      ],
    )
    assert.equal(proof.subjectHash, createHash('sha256').update(`${proof.erasureId}\n${phoneNumber}`).digest('hex'))
    const call = present(await store.findCall({ tenantId, callSid: 'CA1' }), 'the call')
    assert.deepEqual([call.to, call.leadId, call.durationS, call.metadata], ['erased', null, 9, {}])
    assert.equal((await store.findCall({ tenantId, callSid: 'CA2' }))?.to, '+15550002222')
    assert.ok(present(await store.findDoNotCall({ tenantId, phoneNumber }), 'the do-not-call entry'))
    assert.deepEqual(
      await store.takeCampaignRows({ tenantId, campaignId: 'C1', limit: 9, visibilityMs: 1 }),
      [],
      'nobody calls the row',
    )
    const again = await store.erasePerson({ tenantId, phoneNumber })
    assert.deepEqual([again.proof.removed, again.proof.redacted, again.recordings], [{}, {}, []])
  }),
]

async function links(store: Store, tenantId: string): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  for await (const record of store.readAudit({ tenantId })) records.push(record)
  return records
}

function link(
  tenantId: string,
  head: { sequence: number; hash: string },
  payload: string,
  recordedAt = 0,
): AuditRecord {
  const hash = createHash('sha256').update(`${tenantId}${head.hash}${payload}${randomUUID()}`).digest('hex')
  return { tenantId, sequence: head.sequence + 1, recordedAt, kind: 'decision', payload, previousHash: head.hash, hash }
}

const pick = (consent: { consentId: string; revokedAt: number | null } | undefined): unknown[] => [
  consent?.consentId,
  consent?.revokedAt,
]

function someGrant(tenantId: string, phoneNumber: string, consentId: string, obtainedAt: number): ConsentGrant {
  return {
    tenantId,
    consentId,
    phoneNumber,
    sellerId: 'S1',
    leadId: null,
    kind: 'express-written',
    purposes: ['marketing'],
    obtainedAt,
    expiresAt: null,
    source: 'form',
    evidence: {
      signatureMethod: 'web-form',
      disclosureText: 'I agree to be called by an artificial voice.',
      disclosureVersion: null,
      isArtificialVoiceDisclosed: true,
      isNotConditionDisclosed: true,
      formUrl: null,
      ipAddress: null,
      userAgent: null,
      reference: null,
    },
  }
}

function someRevocation(
  tenantId: string,
  phoneNumber: string,
  revocationId: string,
  revokedAt: number,
  sellerId: string | null,
) {
  return { tenantId, revocationId, phoneNumber, sellerId, revokedAt, channel: 'keypress', callSid: null } as const
}
