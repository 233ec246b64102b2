/**
 * Retention and erasure over a driver's rows.
 *
 * @module
 */
import { createHash, randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../core/clock.js'
import { isTerminalCallStatus } from '../../records/call-status.js'
import { id, moment } from '../../records/fields.js'
import type { ErasureProof, MaintenanceStore, RetentionKind, RetentionPolicy } from '../maintenance.js'
import { nextAttemptIdOf, planKeyOf, retryWorkIdOf } from '../attempt-names.js'
import { Shelf, type On } from '../shelf.js'
import { attemptShelf } from './attempts.js'
import { callShelf } from './calls.js'
import { campaignRowName, campaignRowShelf, campaignShelf } from './campaigns.js'
import { auditShelf, doNotCallShelf, grantShelf, revocationShelf } from './law.js'
import { all, eraseEvents, ERASED, leadKeysOf, type Counts } from './erased-events.js'
import { leadShelf } from './people.js'
import { cacheStore } from './coordination.js'
import { parkedShelf, workStore } from './queues.js'
import { recordingShelf, transcriptShelf } from './recordings.js'

const DAY_MS = 86_400_000

/** Five years with their leap days: 47 CFR 64.1200(d)(6), 16 CFR 310.5 (read 2026-11-21). */
const FIVE_YEARS_DAYS = 1827

/** The fewest days that a kind may be kept. What is not named has no floor. */
const FLOOR_DAYS: RetentionPolicy = {
  attempts: FIVE_YEARS_DAYS,
  consent: FIVE_YEARS_DAYS,
  'do-not-call': FIVE_YEARS_DAYS,
  audit: FIVE_YEARS_DAYS,
}

/** Cells stay a day after they ran out, so that a late question about them still gets an answer. */
const RUN_OUT_DAYS = 1

const erasureRecord = z.object({
  tenantId: id,
  erasureId: id,
  erasedAt: moment,
  subjectHash: z.string(),
  removed: z.record(z.string(), z.int()),
  redacted: z.record(z.string(), z.int()),
})
type ErasureRecord = z.infer<typeof erasureRecord>

/** Retention and erasure over a driver. */
export function maintenanceStore(on: On, clock: Clock): MaintenanceStore {
  const shelves = {
    calls: callShelf(on),
    attempts: attemptShelf(on),
    grants: grantShelf(on),
    revocations: revocationShelf(on),
    doNotCall: doNotCallShelf(on),
    audit: auditShelf(on),
    leads: leadShelf(on),
    recordings: recordingShelf(on),
    transcripts: transcriptShelf(on),
    campaigns: campaignShelf(on),
    rows: campaignRowShelf(on),
    parked: parkedShelf(on),
  }
  const caches = cacheStore(on)
  const works = workStore(on)
  const erasures = new Shelf<ErasureRecord>(on, {
    kind: 'erasures',
    schema: erasureRecord,
    idOf: (erasure) => erasure.erasureId,
    atOf: (erasure) => erasure.erasedAt,
  })

  /** Removes what was there before `untilAt`, oldest first, but for what `isKept` holds back. */
  async function removeBefore<T extends { readonly tenantId: string }>(
    shelf: Shelf<T>,
    tenantId: string,
    untilAt: number,
    signal: AbortSignal | undefined,
    isKept: (record: T) => boolean = () => false,
  ): Promise<number> {
    let removed = 0
    for await (const { record, row } of shelf.every('applyRetention', tenantId, { untilAt })) {
      signal?.throwIfAborted()
      if (!isKept(record) && (await shelf.remove('applyRetention', row))) removed++
    }
    return removed
  }

  /** Links go from the oldest on, and the last one stays: the chain goes on from it. */
  async function removeLinks(tenantId: string, untilAt: number, signal: AbortSignal | undefined): Promise<number> {
    const { items } = await shelves.audit.page('applyRetention', tenantId, { limit: 1 })
    const last = items[0]?.sequence ?? 0
    let removed = 0
    for await (const { record, row } of shelves.audit.every('applyRetention', tenantId, { untilAt: last })) {
      signal?.throwIfAborted()
      if (record.recordedAt >= untilAt) break
      if (await shelves.audit.remove('applyRetention', row)) removed++
    }
    return removed
  }

  /** Keys of the events that tell of a person: of the records that are theirs, and of their leads. */
  async function eventKeysOf(operation: string, tenantId: string, phoneNumber: string): Promise<Set<string>> {
    const party = { index: { name: 'party', value: phoneNumber } }
    const keys = new Set<string>()
    const leadIds = new Set<string | null>()
    for await (const { record: call } of shelves.calls.every(operation, tenantId, party)) {
      const ofCall = { index: { name: 'call', value: call.callSid } }
      keys.add(`calls:${call.callSid}`)
      for await (const { row } of shelves.recordings.every(operation, tenantId, ofCall))
        keys.add(`recordings:${row.id}`)
      for await (const { row } of shelves.transcripts.every(operation, tenantId, ofCall))
        keys.add(`transcripts:${row.id}`)
      leadIds.add(call.leadId)
    }
    for await (const { record, row } of shelves.attempts.every(operation, tenantId, party)) {
      keys.add(`attempts:${row.id}`)
      if (record.callSid !== null) keys.add(`calls:${record.callSid}`) // its record may have gone before its events
      leadIds.add(record.leadId)
    }
    for await (const { row } of shelves.revocations.every(operation, tenantId, party))
      keys.add(`consent-revocations:${row.id}`)
    for await (const { record } of shelves.rows.every(operation, tenantId, party)) leadIds.add(record.leadId)
    for await (const { row } of shelves.leads.every(operation, tenantId, party)) leadIds.add(row.id)
    for (const leadId of leadIds) {
      if (leadId === null) continue
      for (const key of leadKeysOf(leadId)) keys.add(key)
      const ofLead = { index: { name: 'lead', value: leadId } }
      for await (const { row } of shelves.audit.every(operation, tenantId, ofLead)) keys.add(`audit:${row.id}`)
    }
    return keys
  }

  const removers: Record<RetentionKind, (tenantId: string, untilAt: number, signal?: AbortSignal) => Promise<number>> =
    {
      calls: (tenantId, untilAt, signal) =>
        removeBefore(shelves.calls, tenantId, untilAt, signal, (call) => !isTerminalCallStatus(call.callStatus)),
      attempts: (tenantId, untilAt, signal) => removeBefore(shelves.attempts, tenantId, untilAt, signal),
      consent: async (tenantId, untilAt, signal) => {
        // A grant is needed for as long as calls may be made on it, and a revocation for as long as the grant is there.
        const isLiving = ({ expiresAt }: { expiresAt: number | null }): boolean =>
          expiresAt === null || expiresAt >= untilAt
        return removeBefore(shelves.grants, tenantId, untilAt, signal, isLiving)
      },
      'do-not-call': (tenantId, untilAt, signal) =>
        removeBefore(
          shelves.doNotCall,
          tenantId,
          untilAt,
          signal,
          ({ liftedAt }) => liftedAt === null || liftedAt >= untilAt,
        ),
      audit: removeLinks,
      leads: (tenantId, untilAt, signal) =>
        removeBefore(shelves.leads, tenantId, untilAt, signal, (lead) => lead.updatedAt >= untilAt),
      recordings: (tenantId, untilAt, signal) => removeBefore(shelves.recordings, tenantId, untilAt, signal),
      transcripts: (tenantId, untilAt, signal) => removeBefore(shelves.transcripts, tenantId, untilAt, signal),
      campaigns: async (tenantId, untilAt, signal) => {
        const isRunning = ({ state }: { state: string }): boolean => state === 'running' || state === 'paused'
        let removed = 0
        for await (const { record, row } of shelves.campaigns.every('applyRetention', tenantId, { untilAt })) {
          if (isRunning(record)) continue
          const index = { name: 'campaign', value: record.campaignId }
          for await (const { row: line } of shelves.rows.every('applyRetention', tenantId, { index })) {
            signal?.throwIfAborted()
            await shelves.rows.remove('applyRetention', line)
          }
          if (await shelves.campaigns.remove('applyRetention', row)) removed++
        }
        return removed
      },
      'parked-events': (tenantId, untilAt, signal) => removeBefore(shelves.parked, tenantId, untilAt, signal),
    }

  return {
    migrate: () => on('migrate').migrate(),

    async ping() {
      await on('ping').get('tenants', 'ping', 'ping')
    },

    async applyRetention({ tenantId, policy, signal }) {
      const kinds = Object.entries(policy) as [RetentionKind, number][]
      for (const [kind, days] of kinds) {
        const floor = FLOOR_DAYS[kind] ?? 0
        if (!(Number.isFinite(days) && days >= floor))
          throw new RangeError(`${kind} must be kept for ${floor} days or more, got ${days}`)
      }
      const removed: Partial<Record<RetentionKind, number>> = {}
      for (const [kind, days] of kinds) {
        removed[kind] = await removers[kind](tenantId, clock.now() - days * DAY_MS, signal)
      }
      return removed
    },

    removeExpired: () => on('removeExpired').removeRunOut(RUN_OUT_DAYS * DAY_MS),

    async erasePerson({ tenantId, phoneNumber }) {
      const operation = 'erasePerson'
      const atMs = clock.now()
      const party = { index: { name: 'party', value: phoneNumber } }
      // First: once the records do not name the person any more, nobody would find the events, and a crash in between would leave them.
      const keys = await eventKeysOf(operation, tenantId, phoneNumber)
      const events = await eraseEvents(on, { operation, tenantId, keys })
      const removed: Counts = { ...events.removed }
      const redacted: Counts = { ...events.redacted }
      const recordings: { recordingSid: string; archivedAs: string | null }[] = []

      for await (const { record: call } of shelves.calls.every(operation, tenantId, party)) {
        const index = { name: 'call', value: call.callSid }
        for (const recording of await all(shelves.recordings.every(operation, tenantId, { index }))) {
          const { recordingSid, archivedAs } = recording.record
          recordings.push({ recordingSid, archivedAs })
          if (await shelves.recordings.remove(operation, recording.row))
            removed.recordings = (removed.recordings ?? 0) + 1
        }
        for (const { row } of await all(shelves.transcripts.every(operation, tenantId, { index }))) {
          if (await shelves.transcripts.remove(operation, row)) removed.transcripts = (removed.transcripts ?? 0) + 1
        }
        const end = call.direction === 'outbound' ? { to: ERASED } : { from: ERASED }
        const place = { tenantId, id: call.callSid, atMs }
        await shelves.calls.change(operation, place, (record) => ({
          ...record,
          ...end,
          leadId: null,
          metadata: {},
          updatedAt: atMs,
        }))
        redacted.calls = (redacted.calls ?? 0) + 1
      }
      for (const { record } of await all(shelves.rows.every(operation, tenantId, party))) {
        // A row that waits would be called: without a due moment nobody takes it.
        const nobody = { phoneNumber: ERASED, name: null, email: null, notes: null, leadId: null }
        const state = record.state === 'waiting' ? ({ state: 'refused', code: ERASED } as const) : {}
        const place = { tenantId, id: campaignRowName(record), atMs }
        await shelves.rows.change(operation, place, (row) => ({ ...row, ...nobody, ...state, updatedAt: atMs }))
        redacted.campaigns = (redacted.campaigns ?? 0) + 1
      }
      for await (const { record } of shelves.attempts.every(operation, tenantId, party)) {
        // What was planned for this person, and what waits to be tried again.
        await caches.dropCached({ tenantId, key: planKeyOf(record.attemptId) })
        await works.cancelWork({ tenantId, workId: retryWorkIdOf(nextAttemptIdOf(record.attemptId)) })
      }
      for (const { row } of await all(shelves.leads.every(operation, tenantId, party))) {
        if (await shelves.leads.remove(operation, row)) removed.leads = (removed.leads ?? 0) + 1
      }

      const because = '47 CFR 64.1200(d)(6), 16 CFR 310.5'
      const kept: { kind: RetentionKind; count: number; because: string }[] = []
      const keep = (kind: RetentionKind, count: number): void => {
        if (count > 0) kept.push({ kind, count, because })
      }
      keep('attempts', await on(operation).count('attempts', tenantId, party))
      const consents = await Promise.all(
        (['consent-grants', 'consent-revocations'] as const).map((kind) => on(operation).count(kind, tenantId, party)),
      )
      keep(
        'consent',
        consents.reduce((sum, count) => sum + count, 0),
      )
      const standing = { index: { name: 'standing', value: phoneNumber } }
      keep('do-not-call', await on(operation).count('do-not-call', tenantId, standing))

      const erasureId = randomUUID()
      const subjectHash = createHash('sha256').update(`${erasureId}\n${phoneNumber}`).digest('hex')
      const proof: ErasureProof = { tenantId, erasureId, erasedAt: atMs, subjectHash, removed, redacted, kept }
      await erasures.add(operation, proof)
      return { proof, recordings }
    },
  }
}
