/** The sinks against the servers that they are for. Each is skipped aloud where its variable is not set. */
import { randomUUID } from 'node:crypto'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect as connectNats, type NatsConnection } from '@nats-io/transport-node'
import amqp from 'amqplib'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { amqpSink } from '../../src/events/amqp-sink.js'
import type { CloudEvent } from '../../src/events/cloud-event.js'
import { cloudEventFormat } from '../../src/events/message.js'
import { natsSink } from '../../src/events/nats-sink.js'
import { redisStreamSink } from '../../src/events/redis-stream-sink.js'
import type { EventSink } from '../../src/events/sink.js'
import { setup } from './setup.js'

const { REDIS_URL: redisUrl, NATS_URL: natsUrl, AMQP_URL: amqpUrl } = process.env
const why = (url: string | undefined, variable: string): string => (url ? '' : ` (skipped: set ${variable})`)
const prefix = `callweave-test-${randomUUID()}`
const TEXT = 'Zoë \u{1F4DE} \u2028 "\\'

const orderOf = (events: CloudEvent[]): string[] =>
  events.map(({ subject, data }) => `${subject}:${String((data as { n: number }).n)}`)

/** Three events of each of five calls, and a large one with everything in its text. */
async function story(sink: EventSink) {
  const world = setup({ sink })
  for (let i = 0; i < 5; i++) {
    await world.addCall(`CA${i}`)
    await world.tell(`CA${i}`, 2, 3)
  }
  const large = { callSid: 'CA-large', n: 1, text: TEXT.repeat(20_000) }
  await world.store.appendEvents({ tenantId: 't', key: 'large', events: [{ type: 'host.large', data: large }] })
  await world.pass()
  return world
}

function expectStory(events: CloudEvent[]): void {
  const order = orderOf(events)
  for (let i = 0; i < 5; i++) {
    expect(order.filter((one) => one.startsWith(`CA${i}:`))).toEqual([`CA${i}:1`, `CA${i}:2`, `CA${i}:3`])
  }
  expect(order).toHaveLength(16)
  const large = events.find(({ type }) => type === 'host.large')
  expect((large?.data as { text: string }).text === TEXT.repeat(20_000)).toBe(true)
}

describe.skipIf(!redisUrl)(`Redis Streams${why(redisUrl, 'REDIS_URL')}`, () => {
  let client: Redis
  beforeAll(() => {
    client = new Redis(redisUrl ?? '')
  })
  afterAll(async () => {
    await client.del(`${prefix}:events`)
    client.disconnect()
  })

  test('holds every event in the order of its call, whole', async () => {
    const stream = `${prefix}:events`
    await story(redisStreamSink({ client, format: cloudEventFormat(() => stream) }))
    const entries = await client.xrange(stream, '-', '+')
    expectStory(entries.map(([, fields]) => JSON.parse(fields[fields.indexOf('body') + 1] ?? '') as CloudEvent))
  })

  test('a key that is no stream is a delivery that failed', async () => {
    const key = `${prefix}:text`
    await client.set(key, 'x', 'EX', 60)
    const { lines } = await story(redisStreamSink({ client, format: cloudEventFormat(() => key) }))
    expect(lines.map(([, message]) => message)).toContain('An event was not taken and will be tried again')
  })
})

describe.skipIf(!natsUrl)(`NATS JetStream${why(natsUrl, 'NATS_URL')}`, () => {
  let connection: NatsConnection
  const stream = prefix
  const subject = `${prefix}.events`
  beforeAll(async () => {
    connection = await connectNats({ servers: natsUrl ?? '' })
    await (await jetstreamManager(connection)).streams.add({ name: stream, subjects: [`${subject}.>`] })
  })
  afterAll(async () => {
    await (await jetstreamManager(connection)).streams.delete(stream)
    await connection.close()
  })

  test('holds every event in the order of its call, and drops a repeat by its id', async () => {
    const sink = natsSink({ jetstream: jetstream(connection), format: cloudEventFormat(({ subject: of }) => `${subject}.${of}`) }) // prettier-ignore
    let repeats = 0
    // Every first answer is lost: each event is published twice.
    await story({
      async deliver(delivery) {
        await sink.deliver(delivery)
        if (repeats++ < 3) await sink.deliver(delivery)
      },
    })
    const manager = await jetstreamManager(connection)
    const { state } = await manager.streams.info(stream)
    const events: CloudEvent[] = []
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage(stream, { seq })
      if (message) events.push(message.json<CloudEvent>())
    }
    expectStory(events)
  })

  test('a subject that no stream takes is a delivery that failed', async () => {
    const sink = natsSink({ jetstream: jetstream(connection, { timeout: 1000 }), format: cloudEventFormat(() => `${prefix}-nowhere`) }) // prettier-ignore
    const { lines } = await story(sink)
    expect(lines.map(([, message]) => message)).toContain('An event was not taken and will be tried again')
  })
})

describe.skipIf(!amqpUrl)(`RabbitMQ${why(amqpUrl, 'AMQP_URL')}`, () => {
  let connection: amqp.ChannelModel
  const queue = `${prefix}-queue`
  const exchange = `${prefix}-exchange`
  beforeAll(async () => {
    connection = await amqp.connect(amqpUrl ?? '')
    const channel = await connection.createChannel()
    await channel.assertExchange(exchange, 'topic', { durable: true })
    await channel.assertQueue(queue, { durable: true })
    await channel.bindQueue(queue, exchange, 'host.#')
    await channel.close()
  })
  afterAll(async () => {
    const channel = await connection.createChannel()
    await channel.deleteQueue(queue)
    await channel.deleteExchange(exchange)
    await connection.close()
  })

  const read = async (): Promise<CloudEvent[]> => {
    const channel = await connection.createChannel()
    const events: CloudEvent[] = []
    for (;;) {
      const message = await channel.get(queue, { noAck: true })
      if (message === false) break
      events.push(JSON.parse(message.content.toString()) as CloudEvent)
    }
    await channel.close()
    return events
  }

  test('holds every event in the order of its call, and a channel that closes is replaced', async () => {
    let channel = await connection.createConfirmChannel()
    let isFirst = true
    const sink = amqpSink({ channel: () => channel, exchange })
    const world = await story({
      async deliver(delivery) {
        if (isFirst) {
          isFirst = false
          await channel.close()
          await sink.deliver(delivery).finally(async () => (channel = await connection.createConfirmChannel()))
        } else await sink.deliver(delivery)
      },
    })
    for (let i = 0; i < 8; i++) await world.pass(60_000)
    expectStory(await read())
    await channel.close()
  })

  test('a message that no queue takes is a delivery that failed, although the broker confirms it', async () => {
    const channel = await connection.createConfirmChannel()
    const sink = amqpSink({ channel: () => channel, exchange, format: cloudEventFormat(() => 'nobody') })
    const { lines } = await story(sink)
    expect(lines.map(([, message]) => message)).toContain('An event was not taken and will be tried again')
    expect(await read()).toEqual([])
    await channel.close()
  })
})
