/**
 * The reference driver: everything in the memory of this process, gone with it. For tests, demos and a single process that may forget.
 *
 * @module
 */

import { systemClock, type Clock } from '../core/clock.js'
import { StorageError } from '../core/errors.js'
import { swappedCell } from './cells.js'
import { createStore } from './create-store.js'
import type {
  Cell,
  CellSwap,
  CellSwapped,
  EventRow,
  Row,
  RowPageQuery,
  RowQuery,
  RowWrite,
  StoreEngine,
  TakeQuery,
} from './engine.js'
import type { RowKind } from './kinds.js'
import { SortedPlaces, type Place } from './sorted-places.js'
import type { Store } from './store.js'

/** Options of the store in memory. */
export interface MemoryStoreOptions {
  /** Where the time comes from. Default: the machine's clock. */
  readonly clock?: Clock
  /**
   * How many records of each kind are kept, over all tenants. Default 100 000. Beyond it the oldest claims make room, and the oldest events that
   * nobody took; an addition of any other kind rejects with `storage_full`.
   */
  readonly maxRecords?: number
  /**
   * How many calls are kept, and recordings, transcripts and parked events as many each. Beyond it the oldest that are over make room, but for calls
   * of a campaign that a person answered, which its share of abandoned calls is judged by: of those there may be `maxRecords`. Default 10 000:
   * about 14 MB, or 60 with a transcript of twelve turns to each.
   */
  readonly maxPastCalls?: number
}

interface Kept extends Row {
  readonly record: string
  readonly keys: Readonly<Record<string, string>>
  readonly takes: number
  readonly due: { readonly queue: string; readonly at: number } | undefined
}

interface KeptEvent extends EventRow {
  readonly record: string
  readonly dueAt: number
}

/** Everything in the memory of this process, bounded. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const { clock = systemClock } = options
  return createStore(createMemoryEngine(options), { clock })
}

/** The engine under {@link createMemoryStore}, for who wants to watch or to wrap it. */
export function createMemoryEngine({
  clock = systemClock,
  maxRecords = 100_000,
  maxPastCalls = Math.min(10_000, maxRecords),
}: MemoryStoreOptions = {}): StoreEngine {
  for (const [name, value] of Object.entries({ maxRecords, maxPastCalls })) {
    if (!(Number.isInteger(value) && value > 0))
      throw new RangeError(`${name} must be a whole number above 0, got ${value}`)
  }
  return new MemoryEngine(clock, maxRecords, maxPastCalls)
}

/** What tells of calls that are over. The rest is asked for by the law, or still to be done, and is never forgotten. */
const FORGETTABLE: ReadonlySet<RowKind> = new Set(['calls', 'recordings', 'transcripts', 'parked-events'] as const)

const join = (...parts: readonly string[]): string => parts.join('\0')

class MemoryEngine implements StoreEngine {
  readonly name = 'memory'
  readonly #clock: Clock
  readonly #maxRecords: number
  readonly #maxPastCalls: number
  readonly #rows = new Map<string, Map<string, Kept>>()
  readonly #places = new Map<string, SortedPlaces>()
  /** Rows of each queue, by the moment at which they are due. */
  readonly #queues = new Map<string, SortedPlaces>()
  readonly #cells = new Map<string, Map<string, Cell>>()
  readonly #events = new Map<string, KeptEvent>()
  /** Event ids of each tenant's key, first to go out first. */
  readonly #eventsOf = new Map<string, string[]>()

  constructor(clock: Clock, maxRecords: number, maxPastCalls: number) {
    this.#clock = clock
    this.#maxRecords = maxRecords
    this.#maxPastCalls = maxPastCalls
  }

  async migrate(): Promise<void> {
    // memory has no shape to bring up to date
  }

  async get(kind: RowKind, tenantId: string, id: string): Promise<Row | undefined> {
    const kept = this.#rows.get(kind)?.get(join(tenantId, id))
    return kept && toRow(kept)
  }

  async list(kind: RowKind, tenantId: string, query: RowPageQuery): Promise<readonly Row[]> {
    const rows = this.#rows.get(kind)
    const places = this.#placesOf(kind, tenantId, query)?.page(query) ?? []
    return places.flatMap(({ id }) => {
      const kept = rows?.get(join(tenantId, id))
      return kept ? [toRow(kept)] : []
    })
  }

  async count(kind: RowKind, tenantId: string, query: RowQuery): Promise<number> {
    return this.#placesOf(kind, tenantId, query)?.count(query) ?? 0
  }

  async write(write: RowWrite): Promise<'written' | 'conflict'> {
    const before = this.#rows.get(write.kind)?.get(join(write.tenantId, write.id))
    if (write.when === 'absent' ? before !== undefined : before?.version !== write.when) return 'conflict'
    const events = write.events ?? []
    if (!before) this.#makeRoom(write.kind)
    if (events.length > 0) this.#makeRoomForEvents(events.length)
    this.#replace(write.kind, write.tenantId, write.id, before, write.put && kept(write, before))
    for (const event of events) {
      const key = join(write.tenantId, event.key)
      const waiting = this.#eventsOf.get(key) ?? []
      this.#eventsOf.set(key, [...waiting, event.id].sort())
      const record = JSON.stringify(event.record)
      this.#events.set(join(write.tenantId, event.id), {
        ...event,
        record,
        tenantId: write.tenantId,
        version: 1,
        takes: 0,
        dueAt: 0,
      })
    }
    return 'written'
  }

  async addCapped(add: Parameters<StoreEngine['addCapped']>[0]): ReturnType<StoreEngine['addCapped']> {
    if (this.#rows.get(add.kind)?.has(join(add.tenantId, add.id))) return { outcome: 'exists' }
    const counted = this.#places.get(join(add.kind, add.tenantId, add.counted.name, add.counted.value))
    const full: number[] = []
    let roomAt = 0
    add.caps.forEach(({ max, windowMs }, position) => {
      const sinceAt = add.at - windowMs + 1
      const count = counted?.count({ sinceAt }) ?? 0
      if (count < max) return
      full.push(position)
      const [leaving] = counted?.page({ sinceAt, order: 'ascending', limit: 1 + count - max }).slice(-1) ?? []
      roomAt = Math.max(roomAt, (leaving?.at ?? add.at) + windowMs)
    })
    if (full.length > 0) return { outcome: 'refused', full, roomAt }
    await this.write({ ...add, when: 'absent', put: add })
    return { outcome: 'added' }
  }

  async take(kind: RowKind, queue: string, { tenantId, limit, visibilityMs }: TakeQuery): Promise<readonly Row[]> {
    const now = this.#clock.now()
    const due = this.#queues.get(join(kind, queue))?.page({
      order: 'ascending',
      untilAt: now + 1,
      limit: tenantId === undefined ? limit : Infinity,
    })
    const rows = (due ?? []).flatMap(({ id }) => this.#rows.get(kind)?.get(nameOfTurn(id)) ?? [])
    const ofTenant = tenantId === undefined ? rows : rows.filter((row) => row.tenantId === tenantId).slice(0, limit)
    return ofTenant.map((row) => {
      const taken = { ...row, version: row.version + 1, takes: row.takes + 1, due: { queue, at: now + visibilityMs } }
      this.#replace(kind, row.tenantId, row.id, row, taken)
      return toRow(taken)
    })
  }

  async getCell(kind: CellSwap['kind'], tenantId: string, id: string): Promise<Cell | undefined> {
    const cell = this.#cells.get(kind)?.get(join(tenantId, id))
    return cell && cell.untilAt > this.#clock.now() ? thaw(cell) : undefined
  }

  async swapCell(swap: CellSwap): Promise<CellSwapped> {
    const { kind, tenantId, id } = swap
    const now = this.#clock.now()
    const cells = this.#cells.get(kind) ?? new Map<string, Cell>()
    this.#cells.set(kind, cells)
    const key = join(tenantId, id)
    const cell = cells.get(key)
    const before = cell && { ...thaw(cell), hasRunOut: cell.untilAt <= now }
    const after = swappedCell(before, swap, now)
    if (!after) return { isSwapped: false, before, after: before }
    if (!cell && cells.size >= this.#maxRecords) this.#forgetCell(kind, cells)
    cells.delete(key) // so that they lie in the order of their last swap
    cells.set(key, { ...after, record: after.record === undefined ? undefined : JSON.stringify(after.record) })
    return { isSwapped: true, before, after }
  }

  async takeEvents({ tenantId, limit, visibilityMs }: TakeQuery): Promise<readonly EventRow[]> {
    const now = this.#clock.now()
    const heads: KeptEvent[] = []
    for (const [key, [first]] of this.#eventsOf) {
      const [owner = ''] = key.split('\0')
      const event = first === undefined ? undefined : this.#events.get(join(owner, first))
      if (event && event.dueAt <= now && (tenantId ?? owner) === owner) heads.push(event)
    }
    heads.sort((a, b) => a.dueAt - b.dueAt || a.occurredAt - b.occurredAt || compare(a.id, b.id))
    return heads.slice(0, limit).map((event) => {
      const taken = { ...event, version: event.version + 1, takes: event.takes + 1, dueAt: now + visibilityMs }
      this.#events.set(join(event.tenantId, event.id), taken)
      return toEventRow(taken)
    })
  }

  async listEvents(...[tenantId, key, { after = '', limit }]: Parameters<StoreEngine['listEvents']>) {
    const ids = (this.#eventsOf.get(join(tenantId, key)) ?? []).filter((id) => id > after).slice(0, limit)
    return ids.flatMap((id) => {
      const event = this.#events.get(join(tenantId, id))
      return event ? [toEventRow(event)] : []
    })
  }

  async settleEvent(...[tenantId, id, version, how]: Parameters<StoreEngine['settleEvent']>): Promise<boolean> {
    const event = this.#events.get(join(tenantId, id))
    if (event?.version !== version) return false
    if (how !== 'forget' && !('park' in how)) {
      const change = 'dueAt' in how ? how : { record: JSON.stringify(how.record) }
      this.#events.set(join(tenantId, id), { ...event, ...change, version: version + 1 })
      return true
    }
    if (how !== 'forget') await this.write({ kind: 'parked-events', tenantId, id, when: 'absent', put: how.park })
    this.#dropEvent(event)
    return true
  }

  async removeRunOut(agoMs: number): Promise<number> {
    const until = this.#clock.now() - agoMs
    let removed = 0
    for (const cells of this.#cells.values()) {
      for (const [key, { untilAt }] of cells) if (untilAt < until && cells.delete(key)) removed++
    }
    return removed
  }

  #placesOf(kind: RowKind, tenantId: string, { index }: RowQuery): SortedPlaces | undefined {
    return this.#places.get(index ? join(kind, tenantId, index.name, index.value) : join(kind, tenantId))
  }

  #replace(kind: RowKind, tenantId: string, id: string, before: Kept | undefined, after: Kept | undefined): void {
    const rows = this.#rows.get(kind) ?? new Map<string, Kept>()
    this.#rows.set(kind, rows)
    const place = after ?? before
    if (!place) return
    const old = before ? indexesOf(kind, before) : []
    const fresh = after ? indexesOf(kind, after) : []
    for (const index of old) if (!fresh.includes(index)) this.#leave(index, place)
    for (const index of fresh) if (!old.includes(index)) this.#enter(index, place)
    if (before?.due) this.#queues.get(join(kind, before.due.queue))?.remove(turnOf(before, before.due.at))
    if (after?.due) placesIn(this.#queues, join(kind, after.due.queue)).add(turnOf(after, after.due.at))
    if (after) rows.set(join(tenantId, id), after)
    else rows.delete(join(tenantId, id))
  }

  #enter(index: string, { at, id }: Place): void {
    placesIn(this.#places, index).add({ at, id })
  }

  #leave(index: string, { at, id }: Place): void {
    const places = this.#places.get(index)
    places?.remove({ at, id })
    if (places?.size === 0) this.#places.delete(index)
  }

  #dropEvent({ tenantId, id, key }: KeptEvent): void {
    this.#events.delete(join(tenantId, id))
    const waiting = (this.#eventsOf.get(join(tenantId, key)) ?? []).filter((other) => other !== id)
    if (waiting.length > 0) this.#eventsOf.set(join(tenantId, key), waiting)
    else this.#eventsOf.delete(join(tenantId, key))
  }

  #makeRoom(kind: RowKind): void {
    const held = this.#rows.get(kind)?.size ?? 0
    if (FORGETTABLE.has(kind) && held >= this.#maxPastCalls && this.#forgetOldest(kind)) return
    if (held < this.#maxRecords) return
    throw new StorageError('storage_full', `The store in memory holds ${held} records of ${kind}`, {
      operation: 'write',
    })
  }

  /** Nobody takes them, or not in time: calls do not wait for that. */
  #makeRoomForEvents(count: number): void {
    for (const event of this.#events.values()) {
      if (this.#events.size + count <= this.#maxRecords) return
      this.#dropEvent(event)
    }
  }

  /**
   * Rows lie in the order in which they were added, so the first that may go is the oldest. A call that lives may not, and none by which a campaign's
   * share of abandoned calls is judged.
   */
  #forgetOldest(kind: RowKind): boolean {
    for (const row of this.#rows.get(kind)?.values() ?? []) {
      const { open, answered, abandoned } = row.keys
      if (open !== undefined || answered !== undefined || abandoned !== undefined) continue
      this.#replace(kind, row.tenantId, row.id, row, undefined)
      return true
    }
    return false
  }

  /** The value or claim that was not asked for longest goes. A lease or a token goes only when it has run out. */
  #forgetCell(kind: CellSwap['kind'], cells: Map<string, Cell>): void {
    const now = this.#clock.now()
    const [oldest] = cells.keys()
    if (kind === 'cache' || kind === 'claims') cells.delete(oldest ?? '')
    else for (const [key, { untilAt }] of cells) if (untilAt <= now) cells.delete(key)
    if (cells.size < this.#maxRecords) return
    throw new StorageError('storage_full', `The store in memory holds ${cells.size} ${kind}`, { operation: 'write' })
  }
}

function placesIn(lists: Map<string, SortedPlaces>, name: string): SortedPlaces {
  const places = lists.get(name) ?? new SortedPlaces()
  lists.set(name, places)
  return places
}

/** Where a row stands in its queue: who is due at the same moment goes by its own place in time. */
function turnOf({ tenantId, id, at }: Row, dueAt: number): Place {
  return { at: dueAt, id: `${String(at).padStart(16, '0')}:${join(tenantId, id)}` }
}

const nameOfTurn = (turn: string): string => turn.slice(17)

/** Rows are kept as text, so that nobody can change what is kept by changing what they handed in or were given. */
function kept({ tenantId, id, put }: RowWrite, before: Kept | undefined): Kept | undefined {
  return (
    put && {
      tenantId,
      id,
      version: (before?.version ?? 0) + 1,
      at: before?.at ?? put.at,
      record: JSON.stringify(put.record),
      keys: put.keys,
      takes: before?.takes ?? 0,
      due: put.due,
    }
  )
}

function toRow({ tenantId, id, version, at, record, takes }: Kept): Row {
  return { tenantId, id, version, at, record: JSON.parse(record) as unknown, takes }
}

function toEventRow({ dueAt: _, ...event }: KeptEvent): EventRow {
  return { ...event, record: JSON.parse(event.record) as unknown }
}

function thaw(cell: Cell): Cell {
  return { ...cell, record: typeof cell.record === 'string' ? (JSON.parse(cell.record) as unknown) : undefined }
}

function indexesOf(kind: RowKind, { tenantId, keys }: Kept): string[] {
  return [join(kind, tenantId), ...Object.entries(keys).map(([name, value]) => join(kind, tenantId, name, value))]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
