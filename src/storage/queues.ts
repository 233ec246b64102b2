/**
 * What waits: work for a moment to come, and events on their way out.
 *
 * @module
 */

/** Every tenant at once: for a host's own workers, which serve all. By name, so that nobody says it by leaving something out. */
export const EVERY_TENANT: unique symbol = Symbol.for('callweave.every-tenant') as never

/** One tenant, or by name all of them. */
export type TenantScope = string | typeof EVERY_TENANT

/** Proves that what was taken is still ours. Void once it was taken by somebody else. */
export interface Receipt {
  readonly tenantId: string
  readonly id: string
  readonly version: number
}

/** Work for a moment to come. */
export interface ScheduledWork {
  readonly tenantId: string
  /** Names it within its tenant: the same again is the same work. */
  readonly workId: string
  /** Which workers it is for. */
  readonly queue: string
  readonly dueAt: number
  /** JSON. */
  readonly payload: unknown
}

/** Work that was taken. */
export interface TakenWork {
  readonly work: ScheduledWork
  readonly receipt: Receipt
  /** How many times it was taken, this one included. More than 1: somebody died or failed at it. */
  readonly takes: number
}

/** Scheduled work. At least once: whoever takes it may have to do it again, after a death. */
export interface WorkStore {
  /** Keeps it. `'exists'`, and nothing changes, when the tenant has work of this id. */
  scheduleWork(work: ScheduledWork): Promise<'added' | 'exists'>
  /**
   * Takes work that is due, longest due first, in one atomic step: nothing is taken by two. What is neither finished nor put off within
   * `visibilityMs` (its taker died) is due again. An empty list: nothing is due.
   */
  takeDueWork(query: {
    readonly tenantId: TenantScope
    readonly queue: string
    /** How many at most, 1 to 1000. */
    readonly limit: number
    readonly visibilityMs: number
  }): Promise<readonly TakenWork[]>
  /** Done: it is forgotten. `false`: somebody else has taken it meanwhile. */
  finishWork(receipt: Receipt): Promise<boolean>
  /** Due again at `dueAt`. `false`: somebody else has taken it meanwhile. */
  deferWork(receipt: Receipt, dueAt: number): Promise<boolean>
  /** Takes it back, taken or not. `false`: there is none. */
  cancelWork(query: { readonly tenantId: string; readonly workId: string }): Promise<boolean>
}

/** An event on its way out. */
export interface OutgoingEvent {
  readonly type: string
  /** JSON. */
  readonly data: unknown
  /** When it happened. Default: when it is kept. */
  readonly occurredAt?: number
}

/** An event as it waits. */
export interface OutboxEvent {
  readonly tenantId: string
  /** The same at every delivery, so that a receiver can tell a repeat. */
  readonly eventId: string
  /** The record that it tells of, e.g. `calls:CA…`, or `streams:` and the key it was appended under. Events of one key go out in order. */
  readonly key: string
  readonly type: string
  readonly data: unknown
  readonly occurredAt: number
}

/** An event that was given up. */
export interface ParkedEvent extends OutboxEvent {
  /** Names it among those that were given up. */
  readonly parkedId: string
  readonly parkedAt: number
  readonly reason: string
}

/** An event that was taken to be sent. */
export interface TakenEvent {
  readonly event: OutboxEvent
  readonly receipt: Receipt
  readonly takes: number
}

/**
 * The outbox. Events are kept in the same atomic step as the record that they tell of (`addCall`, `applyCallStatus`, `updateCall`, …): none
 * without its record, no record without its events. Delivery is at least once and in order per key: an event is given out only when
 * all before it under its key are delivered or parked, so a key that fails holds up itself and nothing else.
 */
export interface OutboxStore {
  /** Keeps events that tell of no record. Events appended under one key, by any process, get one order among themselves. */
  appendEvents(query: {
    readonly tenantId: string
    readonly key: string
    readonly events: readonly OutgoingEvent[]
  }): Promise<void>
  /**
   * Takes the first event of each key that has one waiting and due, longest due first, in one atomic step. What is not delivered, put
   * off or parked within `visibilityMs` is due again.
   */
  takeEvents(query: {
    readonly tenantId: TenantScope
    /** How many at most, 1 to 1000. */
    readonly limit: number
    readonly visibilityMs: number
  }): Promise<readonly TakenEvent[]>
  /** Delivered: it is forgotten, and the next of its key is due. `false`: somebody else has taken it meanwhile. */
  ackEvent(receipt: Receipt): Promise<boolean>
  /**
   * Keeps copies of it under other keys and then forgets it: what a dispatcher with several sinks does. `false`: somebody else has taken it meanwhile,
   * or it was erased, and the copies are taken back.
   */
  copyEvent(
    receipt: Receipt,
    copies: readonly { readonly key: string; readonly event: OutgoingEvent }[],
  ): Promise<boolean>
  /** Due again at `dueAt`; those behind it wait too. `false`: somebody else has taken it meanwhile. */
  deferEvent(receipt: Receipt, dueAt: number): Promise<boolean>
  /** Gives it up: it is kept for people to look at, and the next of its key is due. `false`: somebody else has taken it meanwhile. */
  parkEvent(taken: TakenEvent, reason: string): Promise<boolean>
  /** Events that were given up, latest first. */
  listParkedEvents(query: { readonly tenantId: string; readonly limit?: number }): Promise<readonly ParkedEvent[]>
  /**
   * Puts an event that was given up back among those that are due, with its `eventId`, its `key` and its data as they were. It goes out beside what
   * waits under its key: its turn is over. It is put back before it leaves the list, so one that died in between may be put back twice.
   * `false`: no such event is parked, or no more.
   */
  requeueParkedEvent(query: { readonly tenantId: string; readonly parkedId: string }): Promise<boolean>
}
