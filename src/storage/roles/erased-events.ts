/**
 * What is still to be told of a person who asked to be forgotten: events that wait, and events that were given up.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { EVENT_FIELDS, isEventName, type FieldKind } from '../../events/map.js'
import type { EventRow } from '../engine.js'
import { carriedEvent, LANE_PREFIX, laneIn, laneOf } from '../lanes.js'
import type { ErasedCounts } from '../maintenance.js'
import type { On, Read } from '../shelf.js'
import { parkedShelf, waitingEvent } from './queues.js'

/** Who asked to be forgotten is shown as this. */
export const ERASED = 'erased'

const PAGE = 500
/** A page of events that others changed every time is given up after so many tries. */
const MAX_TRIES = 50

/** The streams that tell of a lead, and so bear its name. */
const OF_A_LEAD = /^(?:streams:)?leads:/

/** Both keys under which a lead's events are kept: with its record, and without one. */
export function leadKeysOf(leadId: string): string[] {
  return [`leads:${leadId}`, `streams:leads:${leadId}`]
}

/**
 * Takes a person out of events. What the library tells stays without what was said, without number and lead, since a receiver may need it to bill;
 * events whose very key is the lead, a lead's flags, and what a host tells under names of its own go.
 *
 * Whoever holds an event meanwhile holds a void receipt, and cannot put back what it said. What an event moves to (a copy in a lane, the list of what
 * was given up, a lane again) is looked at after where it came from.
 *
 * @param keys - Keys of the records that are the person's.
 */
export async function eraseEvents(
  on: On,
  { operation, tenantId, keys }: { operation: string; tenantId: string; keys: ReadonlySet<string> },
): Promise<{ readonly removed: Counts; readonly redacted: Counts }> {
  const counts: { readonly removed: Counts; readonly redacted: Counts } = { removed: {}, redacted: {} }
  const count = (fate: Fate, kind: keyof Counts): void => {
    const of = fate === 'goes' ? counts.removed : counts.redacted
    of[kind] = (of[kind] ?? 0) + 1
  }

  /** One page of a key: `false` when somebody changed an event of ours meanwhile. */
  async function eraseRows(rows: readonly EventRow[]): Promise<boolean> {
    let isDone = true
    for (const { id, key, version, record } of rows) {
      const { type, data } = waitingEvent.safeParse(record).data ?? { type: 'malformed' }
      const fate = fateOf({ key, type, data }, keys)
      if (fate === 'stays') continue
      const how = fate === 'goes' ? 'forget' : { record: { type, data: fate.data } }
      if (await on(operation).settleEvent(tenantId, id, version, how)) count(fate, 'waiting-events')
      else isDone = false
    }
    return isDone
  }

  async function eraseWaiting(key: string): Promise<void> {
    let after: string | undefined
    for (let tries = 0; tries < MAX_TRIES;) {
      const query = { limit: PAGE, ...(after !== undefined && { after }) }
      const rows = await on(operation).listEvents(tenantId, key, query)
      if (!(await eraseRows(rows))) {
        tries++
        continue
      }
      if (rows.length < PAGE) return
      after = rows.at(-1)?.id
      tries = 0
    }
    throw on(operation).error('storage_conflict', `events were taken ${MAX_TRIES} times meanwhile`, { operation })
  }

  const lanes = new Set([...keys].map(laneOf))
  async function eraseInLanes(): Promise<void> {
    for (let id = LANE_PREFIX; ;) {
      const page = { order: 'ascending', after: { at: 0, id }, limit: PAGE } as const
      const rows = await on(operation).list('streams', tenantId, page)
      for (const row of rows) {
        if (!row.id.startsWith(LANE_PREFIX)) return
        const key = `streams:${row.id}`
        const lane = laneIn(key)
        if (lane !== undefined && lanes.has(lane)) await eraseWaiting(key)
        id = row.id
      }
      if (rows.length < PAGE) return
    }
  }

  const parked = parkedShelf(on)
  async function eraseParked(key: string): Promise<void> {
    const index = { name: 'about', value: key }
    for (const { record, row } of await all(parked.every(operation, tenantId, { index }))) {
      const fate = fateOf(record, keys)
      if (fate === 'stays') continue
      const isErased =
        fate === 'goes'
          ? await parked.remove(operation, row)
          : await parked.change(operation, { tenantId, id: row.id, atMs: 0 }, (event) => ({
              ...event,
              data: fate.data,
            }))
      if (isErased) count(fate, 'parked-events')
    }
  }

  for (const key of keys) await eraseWaiting(key)
  await eraseInLanes()
  for (const key of keys) await eraseParked(key)
  await eraseInLanes() // what was put back between the two
  return counts
}

/** Counts under way. */
export type Counts = { -readonly [Kind in keyof ErasedCounts]: ErasedCounts[Kind] }

/** What becomes of an event. */
type Fate = 'stays' | 'goes' | { readonly data: unknown }

function fateOf(event: { key: string; type: string; data?: unknown }, keys: ReadonlySet<string>): Fate {
  const { key, type, data } = event
  const carried = laneIn(key) === undefined ? undefined : carriedEvent.safeParse(data).data
  if (carried) {
    const fate = fateOf({ type, key: carried.key, data: carried.data }, keys)
    return typeof fate === 'string' ? fate : { data: { ...carried, data: fate.data } }
  }
  if (!keys.has(key)) return 'stays'
  if (OF_A_LEAD.test(key) || type === 'lead.flagged' || !isEventName(type) || !isObject(data)) return 'goes'
  const fields: Readonly<Record<string, FieldKind>> = EVENT_FIELDS[type]
  const rest = Object.entries(data).filter(([name]) => fields[name] === 'plain')
  const without = Object.fromEntries(rest.map(([name, value]) => [name, name === 'leadId' ? ERASED : value]))
  return isDeepStrictEqual(without, data) ? 'stays' : { data: without }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Read to the end before anything is removed, so that removing does not shift what is read. */
export async function all<T>(reads: AsyncIterable<Read<T>>): Promise<Read<T>[]> {
  const list: Read<T>[] = []
  for await (const read of reads) list.push(read)
  return list
}
