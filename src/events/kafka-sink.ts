/**
 * Events to Kafka, by a producer of the host's.
 *
 * @module
 */
import { cloudEventFormat, type EventFormat } from './message.js'
import type { EventSink } from './sink.js'

/** The one member that we need of a producer; kafkajs and clients that keep its shape fit. https://kafka.js.org/docs/producing */
export interface KafkaProducer {
  send(record: {
    topic: string
    /** -1: all replicas that are in sync have it before it counts. */
    acks: number
    messages: { key: string; value: string; headers: Record<string, string> }[]
  }): Promise<unknown>
}

export interface KafkaSinkOptions {
  readonly producer: KafkaProducer
  /** Default: the whole event in the topic `callweave.events`, keyed by the call. */
  readonly format?: EventFormat
}

/** Sends each event as one message, with its id in the header `ce_id`, and waits until all replicas in sync have it. */
export function kafkaSink({
  producer,
  format = cloudEventFormat(() => 'callweave.events'),
}: KafkaSinkOptions): EventSink {
  return {
    async deliver(delivery) {
      const message = await format(delivery)
      if (!message) return
      const { topic, key, contentType, body } = message
      const headers = { 'content-type': contentType, ce_id: delivery.event.id }
      await producer.send({ topic, acks: -1, messages: [{ key, value: body, headers }] })
    },
  }
}
