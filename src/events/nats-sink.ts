/**
 * Events in NATS JetStream.
 *
 * @module
 */
import { cloudEventFormat, eventNameOf, type EventFormat } from './message.js'
import type { EventSink } from './sink.js'

/** The one member that we need of a JetStream client: `jetstream(connection)` of @nats-io/jetstream fits. */
export interface JetStreamPublisher {
  publish(subject: string, payload: string, options: { readonly msgID: string }): Promise<unknown>
}

export interface NatsSinkOptions {
  readonly jetstream: JetStreamPublisher
  /** Default: the whole event under the subject `callweave.events.` and its name, e.g. `callweave.events.call.ended`. */
  readonly format?: EventFormat
}

/**
 * Publishes each event to JetStream and waits for its acknowledgement. A stream of the host's must take the subject. The event's id is the
 * message's id, so within the stream's duplicate window a repeat is dropped by the server.
 */
export function natsSink({ jetstream, format = cloudEventFormat(subjectOf) }: NatsSinkOptions): EventSink {
  return {
    async deliver(delivery) {
      const message = await format(delivery)
      if (message) await jetstream.publish(message.topic, message.body, { msgID: delivery.event.id })
    },
  }
}

const subjectOf = (event: Parameters<typeof eventNameOf>[0]): string => `callweave.events.${eventNameOf(event)}`
