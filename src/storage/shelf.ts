/**
 * Typed records of one kind over a driver's rows.
 *
 * @module
 */
import type { ZodType } from 'zod'
import type { EngineEvent, Row } from './engine.js'
import type { GuardedEngine } from './guard.js'
import type { RowKind } from './kinds.js'
import type { OutgoingEvent } from './queues.js'
import type { Page, PageQuery } from './store.js'

/** Gives the driver's steps for an operation that is named so in errors. */
export type On = (operation: string) => GuardedEngine

/** A change that lost every time against other writers gives up after so many tries. */
const MAX_TRIES = 50

/** How a kind of record is kept. */
export interface ShelfPlan<T> {
  readonly kind: RowKind
  readonly schema: ZodType<T>
  readonly idOf: (record: T) => string
  readonly atOf: (record: T) => number
  /** Under what it is found. `null` or `undefined`: not in that index. */
  readonly keysOf?: (record: T) => Readonly<Record<string, string | null | undefined>>
}

/** A record with the version it was read at. */
export interface Read<T> {
  readonly record: T
  readonly row: Row
}

/** Records of one kind. */
export class Shelf<T extends { readonly tenantId: string }> {
  readonly #on: On
  readonly #plan: ShelfPlan<T>
  readonly #queues = new Map<string, Promise<unknown>>()

  constructor(on: On, plan: ShelfPlan<T>) {
    this.#on = on
    this.#plan = plan
  }

  /** Adds one that is parsed first, so that defaults stand in it. */
  async add(
    operation: string,
    given: unknown,
    events: readonly OutgoingEvent[] = [],
    {
      partition,
      keys,
      eventNumber,
    }: {
      /** Default: the tenant. */
      readonly partition?: string
      /** Under what it is found besides what its record says. */
      readonly keys?: Readonly<Record<string, string>>
      /** As of a change. */
      readonly eventNumber?: number
    } = {},
  ): Promise<'added' | 'exists'> {
    const record = this.parse(operation, given)
    const { kind, idOf, atOf } = this.#plan
    const id = idOf(record)
    const outcome = await this.#on(operation).write({
      kind,
      tenantId: partition ?? record.tenantId,
      id,
      when: 'absent',
      put: { at: atOf(record), record, keys: { ...this.keysOf(record), ...keys } },
      events: eventsOf({ kind, id, version: 1, eventNumber }, atOf(record), events),
    })
    return outcome === 'written' ? 'added' : 'exists'
  }

  async read(operation: string, tenantId: string, id: string): Promise<Read<T> | undefined> {
    const row = await this.#on(operation).get(this.#plan.kind, tenantId, id)
    return row && { row, record: this.parse(operation, row.record) }
  }

  async find(operation: string, tenantId: string, id: string): Promise<T | undefined> {
    return (await this.read(operation, tenantId, id))?.record
  }

  /**
   * Changes a record: reads, decides, writes if nobody wrote meanwhile, else again. Changes of one record by this process wait for
   * each other, so that only other processes can come in between.
   *
   * @param decide - Gives the record as it should be, or `undefined` to leave it. Called again after a conflict.
   * @param isTold - Whether the events are kept with it, by the record as it was. Default: with every change.
   * @returns The record as it stands afterwards, its version, and whether it was changed; `undefined` when there is none.
   */
  change(
    operation: string,
    {
      tenantId,
      id,
      atMs,
      events = [],
      eventNumber,
    }: {
      tenantId: string
      id: string
      atMs: number
      events?: readonly OutgoingEvent[]
      /**
       * What names the events of this change and orders them, with the version of the record behind it: of a record that may go and come again, whose
       * versions begin anew. Default: the version alone.
       */
      eventNumber?: number
    },
    decide: (record: T) => T | undefined,
    isTold: (before: T) => boolean = () => true,
  ): Promise<{ record: T; version: number; isChanged: boolean } | undefined> {
    return this.#inTurn(`${tenantId}\0${id}`, async () => {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const read = await this.read(operation, tenantId, id)
        if (!read) return undefined
        const decided = decide(read.record)
        if (decided === undefined) return { record: read.record, version: read.row.version, isChanged: false }
        const record = this.parse(operation, decided)
        const { kind } = this.#plan
        const version = read.row.version + 1
        const outcome = await this.#on(operation).write({
          kind,
          tenantId,
          id,
          when: read.row.version,
          put: { at: read.row.at, record, keys: this.keysOf(record) },
          events: isTold(read.record) ? eventsOf({ kind, id, version, eventNumber }, atMs, events) : [],
        })
        if (outcome === 'written') return { record, version, isChanged: true }
      }
      throw this.#on(operation).error('storage_conflict', `other writers were faster ${MAX_TRIES} times`, { operation })
    })
  }

  /** Removes a record as it was read. `false`: somebody changed it meanwhile. */
  async remove(operation: string, { tenantId, id, version }: Row): Promise<boolean> {
    return (
      (await this.#on(operation).write({ kind: this.#plan.kind, tenantId, id, when: version, put: undefined })) ===
      'written'
    )
  }

  async page(
    operation: string,
    tenantId: string,
    query: PageQuery & { readonly index?: { readonly name: string; readonly value: string } },
    order: 'ascending' | 'descending' = 'descending',
  ): Promise<Page<T>> {
    const { rows, nextCursor } = await this.rows(operation, tenantId, query, order)
    return { items: rows.map((row) => this.parse(operation, row.record)), nextCursor }
  }

  async rows(
    operation: string,
    tenantId: string,
    {
      limit = 100,
      cursor,
      sinceAt,
      untilAt,
      index,
    }: PageQuery & { readonly index?: { readonly name: string; readonly value: string } },
    order: 'ascending' | 'descending' = 'descending',
  ): Promise<{ rows: readonly Row[]; nextCursor: string | undefined }> {
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000))
      throw new RangeError(`limit must be 1 to 1000, got ${limit}`)
    const found = await this.#on(operation).list(this.#plan.kind, tenantId, {
      order,
      limit: limit + 1,
      ...(index && { index }),
      ...(sinceAt !== undefined && { sinceAt }),
      ...(untilAt !== undefined && { untilAt }),
      ...(cursor !== undefined && { after: decodeCursor(cursor) }),
    })
    const rows = found.slice(0, limit)
    const last = rows.at(-1)
    return { rows, nextCursor: found.length > limit && last ? encodeCursor(last) : undefined }
  }

  /** Every record of an index, page by page. */
  async *every(
    operation: string,
    tenantId: string,
    query: {
      readonly index?: { readonly name: string; readonly value: string }
      readonly sinceAt?: number
      readonly untilAt?: number
    },
    order: 'ascending' | 'descending' = 'ascending',
  ): AsyncGenerator<Read<T>> {
    let cursor: string | undefined
    do {
      const { rows, nextCursor } = await this.rows(
        operation,
        tenantId,
        { ...query, limit: 500, ...(cursor !== undefined && { cursor }) },
        order,
      )
      for (const row of rows) yield { row, record: this.parse(operation, row.record) }
      cursor = nextCursor
    } while (cursor !== undefined)
  }

  keysOf(record: T): Record<string, string> {
    const keys = Object.entries(this.#plan.keysOf?.(record) ?? {})
    return Object.fromEntries(
      keys.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''),
    )
  }

  /** @throws StorageError `storage_record_invalid`; the message names fields and never values. */
  parse(operation: string, value: unknown): T {
    const result = this.#plan.schema.safeParse(value)
    if (result.success) return result.data
    const issues = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.code}`)
    throw this.#on(operation).error(
      'storage_record_invalid',
      `a record of ${this.#plan.kind} is malformed (${issues.join('; ')})`,
      { operation },
    )
  }

  async #inTurn<R>(key: string, step: () => Promise<R>): Promise<R> {
    const turn = (this.#queues.get(key) ?? Promise.resolve()).then(step, step)
    this.#queues.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#queues.get(key) === turn) this.#queues.delete(key)
    }
  }
}

/** Names of events are made of the record's version, so a repeated write cannot make a second event of the same change. */
function eventsOf(
  change: { kind: RowKind; id: string; version: number; eventNumber: number | undefined },
  atMs: number,
  events: readonly OutgoingEvent[],
): EngineEvent[] {
  const { kind, id, version, eventNumber = version } = change
  const key = `${kind}:${id}`
  const first = change.eventNumber === undefined ? 0 : version % 900
  return events.map(({ type, data, occurredAt = atMs }, i) => ({
    id: eventIdOf(key, eventNumber, first + i),
    key,
    occurredAt,
    record: { type, data: data ?? null },
  }))
}

/** The name of an event: its key, the number of the change that it came with, its position among the events of that. */
export function eventIdOf(key: string, number: number, position: number): string {
  return `${key}#${String(number).padStart(10, '0')}.${String(position).padStart(3, '0')}`
}

function encodeCursor({ at, id }: Row): string {
  return Buffer.from(`${at}:${id}`).toString('base64url')
}

function decodeCursor(cursor: string): { at: number; id: string } {
  const [, at, id] = /^(-?\d{1,16}):(.+)$/s.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || id === undefined) throw new RangeError('cursor is not one that a page of this list gave')
  return { at: Number(at), id }
}
