/**
 * One outbox, several sinks: each event is copied once for each sink, so that a sink which is down holds up only itself.
 *
 * Copies wait in lanes of their sink: a call always has the same one, which keeps its order.
 *
 * @module
 */
import { laneOf } from '../storage/lanes.js'
import type { OutboxEvent, OutgoingEvent } from '../storage/queues.js'

const COPY_KEY = /^(?:streams:)?callweave-sink\/([^/]+)\/\d+$/

/** What is appended for one sink. */
interface Copy {
  readonly eventId: string
  readonly key: string
  readonly data: unknown
}

/** The key and the copy of an event for a sink. */
export function copyFor(sinkName: string, event: OutboxEvent): { readonly key: string; readonly event: OutgoingEvent } {
  const { eventId, key, type, data, occurredAt } = event
  const copied: Copy = { eventId, key, data }
  return { key: `callweave-sink/${sinkName}/${laneOf(key)}`, event: { type, occurredAt, data: copied } }
}

/** The event that was copied, and for whom; `undefined` when the event is none of ours. */
export function readCopy(
  event: OutboxEvent,
): { readonly sinkName: string; readonly original: OutboxEvent } | undefined {
  const [, sinkName] = COPY_KEY.exec(event.key) ?? []
  if (sinkName === undefined) return undefined
  const { eventId, key, data } = event.data as Copy // only ever written by `copyFor`
  return { sinkName, original: { ...event, eventId, key, data } }
}
