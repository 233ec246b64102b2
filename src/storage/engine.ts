/**
 * What a database has to be able to do: the few atomic steps under the roles.
 *
 * A driver is these steps and nothing else. They know rows, indexes and moments; what a call or an attempt is, they do not know. Who writes
 * a driver for another database implements this interface and hands it to `createStore`; `callweave/storage/conformance` then says whether its
 * promises hold.
 *
 * @module
 */
import type { CellKind, RowKind } from './kinds.js'

/** A row as it is kept. */
export interface Row {
  readonly tenantId: string
  readonly id: string
  /** 1 when it was added, and one more with every change. */
  readonly version: number
  /** Its place in time: lists are in order of `at`, then `id`, both as they are when compared by code point. */
  readonly at: number
  /** JSON. A driver gives back what it was given, text character for character. */
  readonly record: unknown
  /** Only of kinds that are queues: how many times it was taken. */
  readonly takes?: number
}

/** An event that is kept with a row. `id` sorts in the order of the events of one `key`. */
export interface EngineEvent {
  readonly id: string
  readonly key: string
  readonly occurredAt: number
  /** JSON. */
  readonly record: unknown
}

/** One row is to be written, if it is as expected. */
export interface RowWrite {
  readonly kind: RowKind
  readonly tenantId: string
  readonly id: string
  /** `'absent'`: add it. A number: change it if that is its version. */
  readonly when: 'absent' | number
  /** What it becomes; `undefined`: it goes. `at` of a row that is changed stays what it was. */
  readonly put:
    | {
        readonly at: number
        readonly record: unknown
        /** Under which value it stands in each index; not named: not in that index. */
        readonly keys: Readonly<Record<string, string>>
        /** Only of kinds that are queues: when it may be taken from which queue. Left out: it may not. */
        readonly due?: { readonly queue: string; readonly at: number }
      }
    | undefined
  readonly events?: readonly EngineEvent[]
}

/** Which rows are asked for. */
export interface RowQuery {
  /** Left out: all rows of the tenant. */
  readonly index?: { readonly name: string; readonly value: string }
  /** `at >= sinceAt` */
  readonly sinceAt?: number
  /** `at < untilAt` */
  readonly untilAt?: number
}

/** A stretch of rows, in order of `at`, then `id`. */
export interface RowPageQuery extends RowQuery {
  readonly order: 'ascending' | 'descending'
  /** Only what lies beyond this place. */
  readonly after?: { readonly at: number; readonly id: string }
  readonly limit: number
}

/** A row is to be added if there is room under every cap. */
export interface CappedAdd {
  readonly kind: RowKind
  readonly tenantId: string
  readonly id: string
  readonly at: number
  readonly record: unknown
  readonly keys: Readonly<Record<string, string>>
  /** Under which index and value of it the rows stand that count. */
  readonly counted: { readonly name: string; readonly value: string }
  /** Rows with `at > this.at - windowMs` count, later ones than this too. */
  readonly caps: readonly { readonly max: number; readonly windowMs: number }[]
}

/** What became of it. */
export type CappedAdded =
  | { readonly outcome: 'added' | 'exists' }
  | {
      readonly outcome: 'refused'
      /** Positions in `caps`. */
      readonly full: readonly number[]
      /** When the last of the full caps has room. */
      readonly roomAt: number
    }

/** What is held for a while: a claim, a lease, a token, a cached value. */
export interface Cell {
  readonly holder: string
  readonly fence: number
  readonly untilAt: number
  /** JSON. */
  readonly record: unknown
}

/** A cell is to change hands, if it is as expected. */
export interface CellSwap {
  readonly kind: CellKind
  readonly tenantId: string
  readonly id: string
  /**
   * `'free'`: there is none, it ran out, or `holder` has it. `'held'`: `holder` has it and it has not run out. `'kept'`: `holder` has it, run out or not.
   * `'held-by-other'`: it has not run out, and `holder` is not who has it. `'any'`: whatever it is.
   */
  readonly when: 'free' | 'held' | 'kept' | 'held-by-other' | 'any'
  readonly holder: string
  readonly put: {
    readonly holder: string
    /** Left out: what is there stays. */
    readonly record?: unknown
    /** Runs out this long after now, by the driver's time. 0: at once. Left out: when it would have. */
    readonly ttlMs?: number
  }
}

/** What became of it. */
export interface CellSwapped {
  readonly isSwapped: boolean
  /** The cell before, run out or not. `undefined`: there was none. */
  readonly before: (Cell & { readonly hasRunOut: boolean }) | undefined
  /**
   * The cell now. A new cell, or one taken after it ran out, has a fence greater than any before: `max(fence + 1, now)`. Otherwise the fence
   * stays.
   */
  readonly after: Cell | undefined
}

/** Something is to be taken from a queue. */
export interface TakeQuery {
  /** `undefined`: of every tenant. */
  readonly tenantId: string | undefined
  readonly limit: number
  readonly visibilityMs: number
}

/** An event as it waits. */
export interface EventRow {
  readonly tenantId: string
  readonly id: string
  readonly key: string
  readonly version: number
  readonly occurredAt: number
  readonly record: unknown
  readonly takes: number
}

/** What becomes of an event. */
export type EventSettlement =
  | 'forget'
  | { readonly dueAt: number }
  | {
      readonly park: {
        readonly at: number
        readonly record: unknown
        readonly keys: Readonly<Record<string, string>>
      }
    }
  | { readonly record: unknown }

/** What can go wrong between a driver and its database. */
export type StorageFault =
  'storage_connection_lost' | 'storage_timeout' | 'storage_schema_missing' | 'storage_schema_too_new' | 'storage_failed'

/** What a driver implements. Every method is one atomic step, and none takes longer than the database needs. */
export interface StoreEngine {
  /** What the driver is called in error messages, e.g. `postgres`. */
  readonly name: string
  /**
   * Says what an error of the client means. Left out, or `undefined`: the database refused, and nothing was written. `isRequestLost`: it is
   * certain that the database never saw the request.
   */
  explain?(error: unknown): { readonly code: StorageFault; readonly isRequestLost?: boolean } | undefined
  /**
   * Makes or updates whatever the driver needs in the database. Safe to call from several processes at once, and again.
   *
   * @throws `StorageError` `storage_schema_too_new` when a newer version was there before.
   */
  migrate(): Promise<void>
  get(kind: RowKind, tenantId: string, id: string): Promise<Row | undefined>
  list(kind: RowKind, tenantId: string, query: RowPageQuery): Promise<readonly Row[]>
  count(kind: RowKind, tenantId: string, query: RowQuery): Promise<number>
  /** Writes row and events, or nothing: `'conflict'` when the row is not as expected. */
  write(write: RowWrite): Promise<'written' | 'conflict'>
  /** Counts and adds. A row of this id that is there: `'exists'`, and nothing changes. */
  addCapped(add: CappedAdd): Promise<CappedAdded>
  /** Takes due rows, longest due first, then in order of `at` and `id`; each becomes due again after `visibilityMs`, and its version and `takes` grow by one. */
  take(kind: RowKind, queue: string, query: TakeQuery): Promise<readonly Row[]>
  /** A cell that has not run out. */
  getCell(kind: CellKind, tenantId: string, id: string): Promise<Cell | undefined>
  swapCell(swap: CellSwap): Promise<CellSwapped>
  /** Takes the first event of each key that is due, as `take` does. */
  takeEvents(query: TakeQuery): Promise<readonly EventRow[]>
  /** Events that wait under a key, taken or not, in order of `id`; only those beyond the id `after`. */
  listEvents(
    tenantId: string,
    key: string,
    query: { readonly after?: string; readonly limit: number },
  ): Promise<readonly EventRow[]>
  /**
   * If the event's version is still `version`: forgets it, makes it due at `dueAt`, takes it off the queue and keeps it as a row of kind
   * `parked-events` with this id, or puts another record in the place of its own and leaves it due when it was. One atomic step, after which its
   * version is another. The event need not be the first of its key.
   */
  settleEvent(tenantId: string, id: string, version: number, how: EventSettlement): Promise<boolean>
  /** Forgets cells that ran out more than `agoMs` ago. Gives how many. */
  removeRunOut(agoMs: number): Promise<number>
}
