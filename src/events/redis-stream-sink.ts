/**
 * Events in Redis Streams.
 *
 * @module
 */
import { cloudEventFormat, type EventFormat } from './message.js'
import type { EventSink } from './sink.js'

/** The one member that we need of an ioredis client. https://redis.io/docs/latest/commands/xadd/ */
export interface RedisStreamClient {
  xadd(key: string, ...args: string[]): Promise<string | null>
}

export interface RedisStreamSinkOptions {
  readonly client: RedisStreamClient
  /** Default: the whole event in the stream `callweave:events`. */
  readonly format?: EventFormat
  /** About how many entries a stream keeps; older ones go, read or not. Default 1 000 000. */
  readonly maxLength?: number | 'unbounded'
}

/**
 * Appends each event to a stream, with the fields `id`, `key`, `contenttype` and `body`. Redis keeps it as safely as its own persistence is.
 */
export function redisStreamSink(options: RedisStreamSinkOptions): EventSink {
  const { client, format = cloudEventFormat(() => 'callweave:events'), maxLength = 1_000_000 } = options
  if (maxLength !== 'unbounded' && !(Number.isInteger(maxLength) && maxLength > 0)) {
    throw new RangeError(`maxLength must be a positive integer or 'unbounded', got ${maxLength}`)
  }
  const trim = maxLength === 'unbounded' ? [] : ['MAXLEN', '~', String(maxLength)]
  return {
    async deliver(delivery) {
      const message = await format(delivery)
      if (!message) return
      const { topic, key, contentType, body } = message
      const fields = ['id', delivery.event.id, 'key', key, 'contenttype', contentType, 'body', body]
      await client.xadd(topic, ...trim, '*', ...fields)
    },
  }
}
