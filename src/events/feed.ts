/**
 * What happens, as it happens, inside this process: for a page that shows calls live.
 *
 * @module
 */
import { EventEmitter } from 'eventemitter3'
import type { OutboxEvent } from '../storage/queues.js'
import { callSidOf } from './cloud-event.js'
import type { EventMap, EventName } from './map.js'

/** An event of the feed. */
export interface FeedEvent<Name extends EventName = EventName> {
  readonly type: Name
  readonly tenantId: string
  /** With the fields that tell of a person. */
  readonly data: EventMap[Name]
  /** When it happened, in milliseconds since 1970. */
  readonly occurredAt: number
}

/** One of the library's events of any name; `type` says which, and narrows `data`. */
export type AnyFeedEvent = { [Name in EventName]: FeedEvent<Name> }[EventName]

/** Name → listener's argument; and `event` for all of them, a host's own included. */
export type FeedEvents = { [Name in EventName]: [event: FeedEvent<Name>] } & {
  event: [event: AnyFeedEvent]
}

/** What a subscriber wants to see. */
export interface FeedSubscription {
  /** Only of this tenant. Default: of all; give it wherever a tenant's user looks. */
  readonly tenantId?: string
  /** Only of this call. */
  readonly callSid?: string
  /** Ends the iteration. */
  readonly signal?: AbortSignal
  /** So many may wait for a slow reader; beyond it the oldest is dropped. Default 1000. */
  readonly maxWaiting?: number
  /** Told, when events were dropped, how many. Load the state anew then. */
  readonly onMissed?: (missed: number) => void
}

/**
 * Tells events to listeners and readers in this process. Hand it to an `OutboxDispatcher`, which tells it of each event that it takes: with
 * several processes, each sees the events that it dispatches itself; a page that must see all reads them from a broker.
 *
 * @example
 * ```ts
 * feed.on('call.status-changed', ({ data }) => console.log(data.callSid, data.callStatus))
 * for await (const { type, data } of feed.events({ tenantId, signal })) res.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
 * ```
 */
export class EventFeed extends EventEmitter<FeedEvents> {
  /** Tells everyone. What a listener throws reaches the caller. */
  tell({ type, tenantId, data, occurredAt }: OutboxEvent): void {
    const event = { type, tenantId, data, occurredAt } as AnyFeedEvent // written through `voiceEvent`, or the host's own
    // eventemitter3 cannot see that a union's name and argument belong together.
    const emit = this.emit.bind(this) as (name: string, event: AnyFeedEvent) => boolean
    if (type !== 'event') emit(type, event)
    emit('event', event)
  }

  /** Events from now on, to be read one after another. Ends when `signal` aborts or the reader stops. */
  async *events(wanted: FeedSubscription = {}): AsyncGenerator<AnyFeedEvent, void, undefined> {
    const { tenantId, callSid, signal, maxWaiting = 1000, onMissed } = wanted
    if (!(maxWaiting > 0)) throw new RangeError(`maxWaiting must be a positive number, got ${maxWaiting}`)
    const waiting: AnyFeedEvent[] = []
    let missed = 0
    let wake: (() => void) | undefined
    const take = (event: AnyFeedEvent): void => {
      if (tenantId !== undefined && event.tenantId !== tenantId) return
      if (callSid !== undefined && callSidOf(event.data) !== callSid) return
      waiting.push(event)
      if (waiting.length > maxWaiting) {
        waiting.shift()
        missed++
      }
      wake?.()
    }
    const stop = (): void => wake?.()
    this.on('event', take)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      while (signal?.aborted !== true) {
        if (missed > 0) {
          const count = missed
          missed = 0
          onMissed?.(count)
        }
        const next = waiting.shift()
        if (next) yield next
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      this.off('event', take)
      signal?.removeEventListener('abort', stop)
    }
  }
}
