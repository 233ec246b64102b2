/**
 * Scheduled work and the outbox over a driver's queues.
 *
 * @module
 */
import { z } from 'zod'
import type { Clock } from '../../core/clock.js'
import { id, moment } from '../../records/fields.js'
import type { EventRow } from '../engine.js'
import { carriedEvent, laneOf, ownKeyOf } from '../lanes.js'
import {
  EVERY_TENANT,
  type OutboxEvent,
  type OutgoingEvent,
  type OutboxStore,
  type ScheduledWork,
  type TenantScope,
  type WorkStore,
} from '../queues.js'
import { eventIdOf, Shelf, type On } from '../shelf.js'

const scheduledWork = z.object({ tenantId: id, workId: id, queue: id, dueAt: moment, payload: z.unknown() })
type KeptWork = z.infer<typeof scheduledWork>

const oneTenant = (scope: TenantScope): string | undefined => (scope === EVERY_TENANT ? undefined : scope)

/** Scheduled work over a driver. */
export function workStore(on: On): WorkStore {
  const works = new Shelf<KeptWork>(on, {
    kind: 'work',
    schema: scheduledWork,
    idOf: (work) => work.workId,
    atOf: (work) => work.dueAt,
  })
  const toWork = (operation: string, record: unknown): ScheduledWork => {
    const work = works.parse(operation, record)
    return { ...work, payload: work.payload }
  }
  return {
    async scheduleWork(work) {
      const record = works.parse('scheduleWork', { ...work, payload: work.payload ?? null })
      const { tenantId, workId, queue, dueAt } = record
      const put = { at: dueAt, record, keys: {}, due: { queue, at: dueAt } }
      const outcome = await on('scheduleWork').write({ kind: 'work', tenantId, id: workId, when: 'absent', put })
      return outcome === 'written' ? 'added' : 'exists'
    },

    async takeDueWork({ tenantId, queue, limit, visibilityMs }) {
      const rows = await on('takeDueWork').take('work', queue, { tenantId: oneTenant(tenantId), limit, visibilityMs })
      return rows.map((row) => ({
        work: toWork('takeDueWork', row.record),
        receipt: { tenantId: row.tenantId, id: row.id, version: row.version },
        takes: row.takes ?? 1,
      }))
    },

    async finishWork({ tenantId, id: workId, version }) {
      const gone = { kind: 'work', tenantId, id: workId, when: version, put: undefined } as const
      return (await on('finishWork').write(gone)) === 'written'
    },

    async deferWork({ tenantId, id: workId, version }, dueAt) {
      const read = await works.read('deferWork', tenantId, workId)
      if (read?.row.version !== version) return false
      const record = { ...read.record, dueAt }
      const put = { at: read.row.at, record, keys: {}, due: { queue: record.queue, at: dueAt } }
      return (await on('deferWork').write({ kind: 'work', tenantId, id: workId, when: version, put })) === 'written'
    },

    async cancelWork({ tenantId, workId }) {
      for (;;) {
        const read = await works.read('cancelWork', tenantId, workId)
        if (!read) return false
        if (await works.remove('cancelWork', read.row)) return true
      }
    },
  }
}

const stream = z.object({ tenantId: id, key: z.string() })
type Stream = z.infer<typeof stream>

/** An event as a driver keeps it. */
export const waitingEvent = z.object({ type: z.string(), data: z.unknown() })
const parkedEvent = z.object({
  tenantId: id,
  eventId: z.string(),
  key: z.string(),
  type: z.string(),
  data: z.unknown(),
  occurredAt: moment,
  parkedAt: moment,
  reason: z.string(),
})
type KeptParkedEvent = z.infer<typeof parkedEvent>

/** Events that were put back wait in lanes of their own. */
const REQUEUED = 'callweave-requeued/'

/** How events that were given up are kept. */
export function parkedShelf(on: On): Shelf<KeptParkedEvent> {
  return new Shelf<KeptParkedEvent>(on, {
    kind: 'parked-events',
    schema: parkedEvent,
    idOf: (event) => event.eventId,
    atOf: (event) => event.parkedAt,
    keysOf: (event) => ({ about: ownKeyOf(event) }),
  })
}

/** The outbox over a driver. */
export function outboxStore(on: On, clock: Clock): OutboxStore {
  const streams = new Shelf<Stream>(on, { kind: 'streams', schema: stream, idOf: ({ key }) => key, atOf: () => 0 })
  const parked = parkedShelf(on)

  const toEvent = (operation: string, { tenantId, id: eventId, key, occurredAt, record }: EventRow): OutboxEvent => {
    const result = waitingEvent.safeParse(record)
    const isRequeued = key.startsWith(`streams:${REQUEUED}`)
    const requeued = isRequeued && result.success ? carriedEvent.safeParse(result.data.data) : undefined
    if (!result.success || requeued?.success === false)
      throw on(operation).error('storage_record_invalid', 'an event of the outbox is malformed', { operation })
    const { type, data } = result.data
    return { tenantId, occurredAt, type, ...(requeued ? requeued.data : { eventId, key, data }) }
  }

  /** @returns The version of the stream that they came with. */
  async function append(
    operation: string,
    tenantId: string,
    key: string,
    events: readonly OutgoingEvent[],
  ): Promise<number> {
    const atMs = clock.now()
    const again = () => streams.change(operation, { tenantId, id: key, atMs, events }, (record) => record)
    const changed = await again()
    if (changed) return changed.version
    if ((await streams.add(operation, { tenantId, key }, timed(events, atMs))) === 'added') return 1
    return (await again())?.version ?? 1
  }

  /**
   * Appends what stands for an event, then takes away the event itself. When that has changed meanwhile, as by an erasure, what was appended says
   * what it said before: it is taken back.
   *
   * @param leave - Gives `false` when the event is not what it was.
   */
  async function move(
    operation: string,
    tenantId: string,
    copies: readonly { readonly key: string; readonly event: OutgoingEvent }[],
    leave: () => Promise<boolean>,
  ): Promise<boolean> {
    const appended: { readonly key: string; readonly version: number }[] = []
    for (const { key, event } of copies)
      appended.push({ key, version: await append(operation, tenantId, key, [event]) })
    if (await leave()) return true
    for (const { key, version } of appended) {
      const stream = `streams:${key}`
      const eventId = eventIdOf(stream, version, 0)
      for (;;) {
        const [row] = await on(operation).listEvents(tenantId, stream, { after: eventId.slice(0, -1), limit: 1 })
        if (row?.id !== eventId || (await on(operation).settleEvent(tenantId, eventId, row.version, 'forget'))) break
      }
    }
    return false
  }

  return {
    async appendEvents({ tenantId, key, events }) {
      if (events.length > 0) await append('appendEvents', tenantId, key, events)
    },

    async takeEvents({ tenantId, limit, visibilityMs }) {
      const operation = 'takeEvents'
      const rows = await on(operation).takeEvents({ tenantId: oneTenant(tenantId), limit, visibilityMs })
      return rows.map((row) => ({
        event: toEvent(operation, row),
        receipt: { tenantId: row.tenantId, id: row.id, version: row.version },
        takes: row.takes,
      }))
    },

    ackEvent: ({ tenantId, id: eventId, version }) => on('ackEvent').settleEvent(tenantId, eventId, version, 'forget'),

    copyEvent({ tenantId, id: eventId, version }, copies) {
      const operation = 'copyEvent'
      return move(operation, tenantId, copies, () => on(operation).settleEvent(tenantId, eventId, version, 'forget'))
    },

    deferEvent: ({ tenantId, id: eventId, version }, dueAt) =>
      on('deferEvent').settleEvent(tenantId, eventId, version, { dueAt }),

    async parkEvent({ event, receipt: { tenantId, id: eventId, version } }, reason) {
      const parkedAt = clock.now()
      const park = { at: parkedAt, record: { ...event, reason, parkedAt }, keys: { about: ownKeyOf(event) } }
      return on('parkEvent').settleEvent(tenantId, eventId, version, { park })
    },

    async listParkedEvents({ tenantId, limit }) {
      const operation = 'listParkedEvents'
      const { rows } = await parked.rows(operation, tenantId, limit === undefined ? {} : { limit })
      return rows.map((row) => ({ ...parked.parse(operation, row.record), parkedId: row.id }))
    },

    async requeueParkedEvent({ tenantId, parkedId }) {
      const operation = 'requeueParkedEvent'
      const read = await parked.read(operation, tenantId, parkedId)
      if (!read) return false
      const { eventId, key, type, data, occurredAt } = read.record
      const again = { type, occurredAt, data: { eventId, key, data } }
      const lane = `${REQUEUED}${laneOf(ownKeyOf(read.record))}`
      return move(operation, tenantId, [{ key: lane, event: again }], () => parked.remove(operation, read.row))
    },
  }
}

const timed = <T extends { readonly occurredAt?: number }>(events: readonly T[], occurredAt: number): T[] =>
  events.map((event) => ({ occurredAt, ...event }))
