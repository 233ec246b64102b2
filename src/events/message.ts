/**
 * How an event lies in a broker's message.
 *
 * @module
 */
import { CLOUD_EVENT_TYPE, TYPE_PREFIX, type CloudEvent } from './cloud-event.js'
import type { EventDelivery } from './sink.js'

/** A message for a broker. */
export interface EventMessage {
  /** Topic, subject, stream or routing key, as the broker calls it. */
  readonly topic: string
  /** What the broker partitions by: messages of one key keep their order. */
  readonly key: string
  readonly contentType: string
  readonly body: string
}

/** Makes the message of an event. `undefined`: this event is not for this broker, and is done with. */
export type EventFormat = (delivery: EventDelivery) => EventMessage | undefined | Promise<EventMessage | undefined>

/** The event with its envelope as JSON, in a topic of the sink's choice, under the call. */
export function cloudEventFormat(topicOf: (event: CloudEvent) => string): EventFormat {
  return ({ event }) => ({
    topic: topicOf(event),
    key: event.subject,
    contentType: CLOUD_EVENT_TYPE,
    body: JSON.stringify(event),
  })
}

/** The name in the event map, or a host's own. */
export function eventNameOf(event: CloudEvent): string {
  return event.type.startsWith(TYPE_PREFIX) ? event.type.slice(TYPE_PREFIX.length) : event.type
}
