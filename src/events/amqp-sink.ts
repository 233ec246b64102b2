/**
 * Events to AMQP 0-9-1, e.g. RabbitMQ.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'
import { cloudEventFormat, eventNameOf, type EventFormat } from './message.js'
import type { EventSink } from './sink.js'

/** The few members that we need of a confirm channel of amqplib. https://amqp-node.github.io/amqplib/channel_api.html */
export interface AmqpConfirmChannel {
  publish(
    exchange: string,
    routingKey: string,
    content: Buffer,
    options: {
      readonly persistent: boolean
      readonly mandatory: boolean
      readonly messageId: string
      readonly type: string
      readonly contentType: string
    },
    callback: (error: unknown) => void,
  ): boolean
  on(event: 'return', listener: (message: { properties: { messageId?: unknown } }) => void): unknown
}

export interface AmqpSinkOptions {
  /** Gives the channel that is open now, from `createConfirmChannel`; asked for each event, since a channel does not outlive its connection. */
  readonly channel: () => AmqpConfirmChannel | Promise<AmqpConfirmChannel>
  /** The exchange, which the host has declared. `''`: the default exchange, where a routing key is a queue's name. */
  readonly exchange: string
  /** Default: the whole event under its name as routing key, e.g. `call.ended`. */
  readonly format?: EventFormat
}

/**
 * Publishes each event as a persistent message and waits for the broker's confirm. A message that no queue takes is not taken: the broker
 * confirms such a one too, after it has returned it.
 *
 * @see https://www.rabbitmq.com/docs/confirms
 */
export function amqpSink({ channel, exchange, format = cloudEventFormat(eventNameOf) }: AmqpSinkOptions): EventSink {
  const returnedOf = new WeakMap<AmqpConfirmChannel, Set<unknown>>()
  const returnedTo = (open: AmqpConfirmChannel): Set<unknown> => {
    const known = returnedOf.get(open)
    if (known) return known
    const returned = new Set<unknown>()
    returnedOf.set(open, returned)
    open.on('return', ({ properties }) => returned.add(properties.messageId))
    return returned
  }
  return {
    async deliver(delivery) {
      const message = await format(delivery)
      if (!message) return
      const open = await channel()
      const returned = returnedTo(open)
      const { id: messageId, type } = delivery.event
      const { topic, contentType, body } = message
      await new Promise<void>((resolve, reject) => {
        const options = { persistent: true, mandatory: true, messageId, type, contentType }
        open.publish(exchange, topic, Buffer.from(body), options, (error) => {
          if (returned.delete(messageId))
            reject(new VoiceError('event_not_taken', 'No queue takes the message of an event'))
          else if (error)
            reject(new VoiceError('event_not_taken', 'The broker did not confirm an event', { cause: error }))
          else resolve()
        })
      })
    },
  }
}
