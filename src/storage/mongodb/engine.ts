/**
 * The steps of a store over MongoDB. No step needs a transaction, so a server that stands alone will do.
 *
 * An index is a field of `k`, a row's events wait in the row's own document (which is what makes them one step with it), and the attempts that
 * count for a number stand in one ledger document, which is what makes counting and adding one step.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { StorageError } from '../../core/errors.js'
import { swappedCell } from '../cells.js'
import type {
  CappedAdd,
  CappedAdded,
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
} from '../engine.js'
import { CELL_KINDS, EVENT_KINDS, QUEUE_KINDS, ROW_KINDS, type CellKind, type RowKind } from '../kinds.js'
import type { MongoCollection, MongoDatabase, MongoDocument } from './client.js'
import { explainMongoError } from './faults.js'

/** The shape of the documents that this version writes. */
export const MONGO_SHAPE_VERSION = 1

/** How many attempts a number's ledger remembers; the oldest go. */
const MAX_LEDGER_ENTRIES = 5000

/** How long the server's clock is trusted to run as ours does. */
const CLOCK_TRUST_MS = 60_000

/** A cell that others write all the time is tried so often. */
const MAX_TRIES = 100

/** The steps of a store over MongoDB. */
export class MongoEngine implements StoreEngine {
  readonly name = 'mongodb'
  readonly #database: MongoDatabase
  readonly #prefix: string
  readonly #clock: Clock | undefined
  #shape: Promise<void> | undefined
  #serverTime: { readonly atMs: number; readonly monotonicMs: number } | undefined

  constructor(database: MongoDatabase, prefix: string, clock: Clock | undefined) {
    this.#database = database
    this.#prefix = prefix
    this.#clock = clock
  }

  explain(error: unknown): ReturnType<typeof explainMongoError> {
    return explainMongoError(error)
  }

  async migrate(): Promise<void> {
    await this.#checkShape()
    for (const [kind, indexes] of Object.entries(ROW_KINDS) as [RowKind, readonly string[]][]) {
      const rows = this.#rows(kind)
      await rows.createIndex({ t: 1, at: 1, i: 1 })
      for (const index of indexes) {
        const field = `k.${index}`
        await rows.createIndex(
          { t: 1, [field]: 1, at: 1, i: 1 },
          { partialFilterExpression: { [field]: { $exists: true } } },
        )
      }
    }
    for (const kind of QUEUE_KINDS) {
      const partialFilterExpression = { 'q.name': { $exists: true } }
      await this.#rows(kind).createIndex({ 'q.name': 1, 'q.at': 1, at: 1, i: 1 }, { partialFilterExpression })
      await this.#rows(kind).createIndex({ t: 1, 'q.name': 1, 'q.at': 1, at: 1, i: 1 }, { partialFilterExpression })
    }
    for (const kind of EVENT_KINDS) await this.#rows(kind).createIndex({ 'out.0.due': 1 }, { sparse: true })
    for (const kind of CELL_KINDS) await this.#cells(kind).createIndex({ until: 1 })
    await this.#meta().updateOne({ _id: 'shape' }, { $set: { version: MONGO_SHAPE_VERSION } }, { upsert: true })
  }

  async get(kind: RowKind, tenantId: string, id: string): Promise<Row | undefined> {
    const found = await (await this.#ready(kind)).findOne({ _id: nameOf(tenantId, id) })
    return found ? toRow(found) : undefined
  }

  async list(kind: RowKind, tenantId: string, query: RowPageQuery): Promise<readonly Row[]> {
    const direction = query.order === 'ascending' ? 1 : -1
    const beyond = query.order === 'ascending' ? '$gt' : '$lt'
    const { after } = query
    const filter = {
      ...filterOf(tenantId, query),
      ...(after && { $or: [{ at: { [beyond]: after.at } }, { at: after.at, i: { [beyond]: after.id } }] }),
    }
    const rows = await this.#ready(kind)
    const found = await rows.find(filter).sort({ at: direction, i: direction }).limit(query.limit).toArray()
    return found.map(toRow)
  }

  async count(kind: RowKind, tenantId: string, query: RowQuery): Promise<number> {
    return (await this.#ready(kind)).countDocuments(filterOf(tenantId, query))
  }

  async write(write: RowWrite): Promise<'written' | 'conflict'> {
    const { kind, tenantId, id, when, put } = write
    const rows = await this.#ready(kind)
    const _id = nameOf(tenantId, id)
    const out = (write.events ?? []).map((event) => ({
      id: event.id,
      key: event.key,
      at: event.occurredAt,
      r: event.record,
      v: 1,
      takes: 0,
      due: 0,
    }))
    if (!put) return this.#remove(write)
    const q = put.due ? { name: put.due.queue, at: put.due.at } : undefined
    if (when === 'absent') {
      const isQueued = (QUEUE_KINDS as readonly RowKind[]).includes(kind)
      const row = {
        _id,
        t: tenantId,
        i: id,
        at: put.at,
        v: 1,
        r: put.record,
        k: put.keys,
        ...(q && { q }),
        ...(isQueued && { takes: 0 }),
        ...(out.length > 0 && { out }),
      }
      return (await added(rows, row)) ? 'written' : 'conflict'
    }
    const change = {
      $set: { r: put.record, k: put.keys, ...(q && { q }) },
      $inc: { v: 1 },
      ...(!q && { $unset: { q: '' } }),
      ...(out.length > 0 && { $push: { out: { $each: out } } }),
    }
    const before = await rows.findOneAndUpdate({ _id, v: when }, change, { projection: { k: 1 } })
    if (!before) return 'conflict'
    const counted = (before['k'] as Record<string, string> | undefined)?.['counted']
    // A crash in between leaves a place taken that could be free: refused once too often, never once too few.
    if (counted !== undefined && put.keys['counted'] === undefined) await this.#leaveLedger(tenantId, counted, id)
    return 'written'
  }

  async addCapped({ kind, tenantId, id, at, record, keys, counted, caps }: CappedAdd): Promise<CappedAdded> {
    const ledgers = await this.#ready('attempts').then(() => this.#ledgers())
    const _id = nameOf(tenantId, counted.value)
    const add = (): Promise<CappedAdded> =>
      this.write({ kind, tenantId, id, when: 'absent', put: { at, record, keys } }).then((outcome) => ({
        outcome: outcome === 'written' ? 'added' : 'exists',
      }))
    const hasRoom = caps.map(({ max, windowMs }) => ({
      $lt: [{ $size: { $filter: { input: '$n', as: 'e', cond: { $gt: ['$$e.at', at - windowMs] } } } }, max],
    }))
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const filter = { _id, 'n.a': { $ne: id }, ...(hasRoom.length > 0 && { $expr: { $and: hasRoom } }) }
      const push = { $push: { n: { $each: [{ a: id, at }], $slice: -MAX_LEDGER_ENTRIES } } }
      if ((await ledgers.updateOne(filter, push)).matchedCount > 0) return add()
      const ledger = await ledgers.findOne({ _id })
      if (!ledger) {
        if (await added(ledgers, { _id, n: [{ a: id, at }] })) return add()
        continue
      }
      const entries = ledger['n'] as { a: string; at: number }[]
      if (entries.some(({ a }) => a === id)) return add() // ours, and perhaps we died before its row was there
      const refusal = refusalOf(
        entries.map((entry) => entry.at),
        at,
        caps,
      )
      if (refusal) return refusal
    }
    throw new StorageError('storage_conflict', `A number's ledger changed ${MAX_TRIES} times`, {
      operation: 'addCapped',
    })
  }

  async take(kind: RowKind, queue: string, { tenantId, limit, visibilityMs }: TakeQuery): Promise<readonly Row[]> {
    const rows = await this.#ready(kind)
    const now = await this.#now()
    const filter = { 'q.name': queue, 'q.at': { $lte: now }, ...(tenantId !== undefined && { t: tenantId }) }
    for (;;) {
      const due = await rows.find(filter).sort({ 'q.at': 1, at: 1, i: 1 }).limit(limit).toArray()
      const change = { $set: { 'q.at': now + visibilityMs }, $inc: { v: 1, takes: 1 } }
      const taken = await Promise.all(
        due.map(({ _id, v }) => rows.findOneAndUpdate({ _id, v }, change, { returnDocument: 'after' })),
      )
      const ours = taken.filter((row) => row !== null)
      if (ours.length > 0 || due.length === 0) return ours.map(toRow)
    }
  }

  async getCell(kind: CellKind, tenantId: string, id: string): Promise<Cell | undefined> {
    await this.#ready('work')
    const found = await this.#cells(kind).findOne({ _id: nameOf(tenantId, id) })
    return found && Number(found['until']) > (await this.#now()) ? toCell(found) : undefined
  }

  async swapCell(swap: CellSwap): Promise<CellSwapped> {
    await this.#ready('work')
    const cells = this.#cells(swap.kind)
    const _id = nameOf(swap.tenantId, swap.id)
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const found = await cells.findOne({ _id })
      const now = await this.#now()
      const before = found ? { ...toCell(found), hasRunOut: Number(found['until']) <= now } : undefined
      const after = swappedCell(before, swap, now)
      if (!after) return { isSwapped: false, before, after: before }
      const cell = { h: after.holder, f: after.fence, until: after.untilAt, r: after.record ?? null }
      const isSwapped = found
        ? (await cells.updateOne({ _id, rev: found['rev'] }, { $set: cell, $inc: { rev: 1 } })).matchedCount > 0
        : await added(cells, { _id, ...cell, rev: 1 })
      if (isSwapped) return { isSwapped, before, after }
    }
    throw new StorageError('storage_conflict', `A cell of ${swap.kind} changed ${MAX_TRIES} times`, {
      operation: 'swapCell',
    })
  }

  async takeEvents({ tenantId, limit, visibilityMs }: TakeQuery): Promise<readonly EventRow[]> {
    await this.#ready('calls')
    const now = await this.#now()
    const filter = { 'out.0.due': { $lte: now }, ...(tenantId !== undefined && { t: tenantId }) }
    for (;;) {
      const found = await Promise.all(
        EVENT_KINDS.map(async (kind) => {
          const due = await this.#rows(kind).find(filter).sort({ 'out.0.due': 1, 'out.0.at': 1 }).limit(limit).toArray()
          return due.map((row) => ({ kind, row, head: headOf(row) }))
        }),
      )
      const due = found
        .flat()
        .sort((a, b) => a.head.due - b.head.due || a.head.at - b.head.at)
        .slice(0, limit)
      const change = { $set: { 'out.0.due': now + visibilityMs }, $inc: { 'out.0.v': 1, 'out.0.takes': 1 } }
      const taken = await Promise.all(
        due.map(({ kind, row, head }) =>
          this.#rows(kind).findOneAndUpdate({ _id: row['_id'], 'out.0.id': head.id, 'out.0.v': head.v }, change, {
            returnDocument: 'after',
          }),
        ),
      )
      const ours = taken.filter((row) => row !== null)
      if (ours.length > 0 || due.length === 0) return ours.map((row) => toEvent(String(row['t']), headOf(row)))
    }
  }

  /** A row's events wait in it, and those of a row that is gone in a stream of its name. */
  async listEvents(...[tenantId, key, { after = '', limit }]: Parameters<StoreEngine['listEvents']>) {
    await this.#ready('streams')
    const [, kind = '', id = ''] = /^([a-z-]+):(.*)$/s.exec(key) ?? []
    // In this order: a row's events are in the stream before the row goes.
    const row = await this.#rows(kind as RowKind).findOne({ _id: nameOf(tenantId, id) })
    const stream = await this.#rows('streams').findOne({ _id: nameOf(tenantId, key) })
    const events = [row, stream].flatMap((document) => (document?.['out'] as WaitingEvent[] | undefined) ?? [])
    return events
      .filter((event) => event.id > after)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map((event) => toEvent(tenantId, event))
  }

  async settleEvent(...[tenantId, id, version, how]: Parameters<StoreEngine['settleEvent']>): Promise<boolean> {
    const [, kind, rowId] = /^([a-z-]+):(.*)#\d{10}\.\d{3}$/s.exec(id) ?? []
    if (kind === undefined || rowId === undefined) return false
    const rows = await this.#ready(kind as RowKind)
    const _id = nameOf(tenantId, rowId)
    const filter = { _id, out: { $elemMatch: { id, v: version } } }
    if (how !== 'forget' && !('park' in how)) {
      // What was taken is the first; what is rewritten stands anywhere, and if it moves up meanwhile this is asked for again.
      const row = 'dueAt' in how ? null : await rows.findOne(filter)
      const index = (row?.['out'] as WaitingEvent[] | undefined)?.findIndex((event) => event.id === id) ?? 0
      const place = `out.${index}`
      const change = 'dueAt' in how ? { [`${place}.due`]: how.dueAt } : { [`${place}.r`]: how.record }
      const isThere = { _id, [`${place}.id`]: id, [`${place}.v`]: version }
      return (await rows.updateOne(isThere, { $set: change, $inc: { [`${place}.v`]: 1, rev: 1 } })).matchedCount > 0
    }
    const forget = async (): Promise<boolean> =>
      (await rows.updateOne(filter, { $pull: { out: { id } }, $inc: { rev: 1 } })).matchedCount > 0
    if (how === 'forget') return forget()
    // Kept before it is taken off: a crash in between gives it out once more.
    if (!(await rows.findOne(filter))) return false
    const parked = { kind: 'parked-events', tenantId, id } as const
    const outcome = await this.write({ ...parked, when: 'absent', put: how.park })
    if (await forget()) return true
    // It changed meanwhile, so what is parked may say more than it does now.
    if (outcome === 'written') await this.write({ ...parked, when: 1, put: undefined })
    return false
  }

  async removeRunOut(agoMs: number): Promise<number> {
    await this.#ready('work')
    const until = { $lt: (await this.#now()) - agoMs }
    let removed = 0
    for (const kind of CELL_KINDS) removed += (await this.#cells(kind).deleteMany({ until })).deletedCount
    return removed
  }

  /** Events that have not gone out move to a stream of their own before their row goes: as they are when it goes, and not as they were. */
  async #remove({ kind, tenantId, id, when }: RowWrite): Promise<'written' | 'conflict'> {
    const rows = this.#rows(kind)
    const place = { _id: nameOf(tenantId, id), v: when }
    const stream = `${kind}:${id}`
    const streamPlace = { _id: nameOf(tenantId, stream) }
    const fresh = { t: tenantId, i: stream, at: 0, v: 1, r: { tenantId, key: stream }, k: {} }
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const row = await rows.findOneAndUpdate(
        place,
        { $set: { going: true } },
        { projection: { k: 1, out: 1, rev: 1 } },
      )
      if (!row) return 'conflict'
      const out = (row['out'] as WaitingEvent[] | undefined) ?? []
      const events = out.map((event) => ({ ...event, id: `streams:${event.id}` }))
      if (events.length > 0) {
        const change = { $push: { out: { $each: events } }, $setOnInsert: fresh }
        await this.#rows('streams').updateOne(streamPlace, change, { upsert: true })
      }
      const counted = (row['k'] as Record<string, string> | undefined)?.['counted']
      if (counted !== undefined) await this.#leaveLedger(tenantId, counted, id)
      if ((await rows.deleteOne({ ...place, rev: row['rev'] ?? null })).deletedCount > 0) return 'written'
      const moved = { out: { id: { $in: events.map((event) => event.id) } } }
      await this.#rows('streams').updateOne(streamPlace, { $pull: moved })
    }
    return 'conflict'
  }

  async #leaveLedger(tenantId: string, counted: string, id: string): Promise<void> {
    await this.#ledgers().updateOne({ _id: nameOf(tenantId, counted) }, { $pull: { n: { a: id } } })
  }

  /** The server's time, asked for now and then and carried on by a clock that does not jump. */
  async #now(): Promise<number> {
    if (this.#clock) return this.#clock.now()
    const monotonicMs = performance.now()
    if (!this.#serverTime || monotonicMs - this.#serverTime.monotonicMs > CLOCK_TRUST_MS) {
      const { localTime } = await this.#database.command({ hello: 1 })
      this.#serverTime = { atMs: localTime instanceof Date ? localTime.getTime() : Date.now(), monotonicMs }
    }
    return Math.floor(this.#serverTime.atMs + performance.now() - this.#serverTime.monotonicMs)
  }

  async #ready(kind: RowKind): Promise<MongoCollection> {
    await (this.#shape ??= this.#checkShape())
    return this.#rows(kind)
  }

  /** Once, before the first step: documents that a newer version wrote are not touched. */
  async #checkShape(): Promise<void> {
    try {
      const found = await this.#meta().findOne({ _id: 'shape' })
      const version = Number(found?.['version'] ?? MONGO_SHAPE_VERSION)
      if (version <= MONGO_SHAPE_VERSION) return
      const message = `The documents have shape version ${version}, this package knows ${MONGO_SHAPE_VERSION}`
      throw new StorageError('storage_schema_too_new', message, { operation: 'migrate' })
    } catch (error) {
      this.#shape = undefined
      throw error
    }
  }

  #rows(kind: RowKind): MongoCollection {
    return this.#database.collection(`${this.#prefix}_${kind.replaceAll('-', '_')}`)
  }

  #cells(kind: CellKind): MongoCollection {
    return this.#database.collection(`${this.#prefix}_${kind}`)
  }

  #ledgers(): MongoCollection {
    return this.#database.collection(`${this.#prefix}_attempt_ledgers`)
  }

  #meta(): MongoCollection {
    return this.#database.collection(`${this.#prefix}_meta`)
  }
}

/** Ids hold no control characters, so a line feed keeps the two apart. */
const nameOf = (tenantId: string, id: string): string => `${tenantId}\n${id}`

/** Adds a document whose name is free. */
async function added(collection: MongoCollection, document: MongoDocument): Promise<boolean> {
  try {
    await collection.insertOne(document)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 11_000) return false
    throw error
  }
}

function filterOf(tenantId: string, { index, sinceAt, untilAt }: RowQuery): MongoDocument {
  const at = { ...(sinceAt !== undefined && { $gte: sinceAt }), ...(untilAt !== undefined && { $lt: untilAt }) }
  return {
    t: tenantId,
    ...(index && { [`k.${index.name}`]: index.value }),
    ...(Object.keys(at).length > 0 && { at }),
  }
}

function refusalOf(moments: readonly number[], at: number, caps: CappedAdd['caps']): CappedAdded | undefined {
  const full: number[] = []
  let roomAt = 0
  caps.forEach(({ max, windowMs }, position) => {
    const held = moments.filter((moment) => moment > at - windowMs).sort((a, b) => a - b)
    const leaving = held[held.length - max]
    if (leaving === undefined) return
    full.push(position)
    roomAt = Math.max(roomAt, leaving + windowMs)
  })
  return full.length > 0 ? { outcome: 'refused', full, roomAt } : undefined
}

function toRow({ t, i, v, at, r, takes }: MongoDocument): Row {
  const row = { tenantId: String(t), id: String(i), version: Number(v), at: Number(at), record: r }
  return takes === undefined ? row : { ...row, takes: Number(takes) }
}

function toCell({ h, f, until, r }: MongoDocument): Cell {
  return { holder: String(h), fence: Number(f), untilAt: Number(until), record: r }
}

interface WaitingEvent {
  readonly id: string
  readonly key: string
  readonly at: number
  readonly r: unknown
  readonly v: number
  readonly takes: number
  readonly due: number
}

const headOf = (row: MongoDocument): WaitingEvent => (row['out'] as [WaitingEvent])[0]

function toEvent(tenantId: string, { id, key, v, at, r, takes }: WaitingEvent): EventRow {
  return { tenantId, id, key, version: v, occurredAt: at, record: r, takes }
}
