import { expect, test } from 'vitest'
import { amqpSink, type AmqpConfirmChannel } from '../../src/events/amqp-sink.js'
import { kafkaSink, type KafkaProducer } from '../../src/events/kafka-sink.js'
import { voiceEvent, type VoiceEvent } from '../../src/events/map.js'
import { cloudEventFormat } from '../../src/events/message.js'
import { natsSink } from '../../src/events/nats-sink.js'
import { redisStreamSink } from '../../src/events/redis-stream-sink.js'
import { functionSink, type EventSink } from '../../src/events/sink.js'
import { callStatusTopics } from '../../src/events/topic-preset.js'
import { setup } from './setup.js'

const ended = voiceEvent('call.ended', { callSid: 'CA1', callStatus: 'completed', outcome: 'answered' })

/** Sends one event of call CA1 through a sink. */
async function send(sink: EventSink, event: VoiceEvent = ended) {
  const world = setup({ sink })
  await world.store.appendEvents({ tenantId: 't', key: 'k', events: [event] })
  await world.pass()
  return world
}

test('a function gets the event', async () => {
  const got: unknown[] = []
  await send(functionSink(({ type, subject }, { tries }) => void got.push([type, subject, tries])))
  expect(got).toEqual([['callweave.call.ended', 'CA1', 1]])
})

test('Redis gets an entry whose body is the event, in a stream that is kept within its length', async () => {
  const added: string[][] = []
  const client = { xadd: async (key: string, ...args: string[]) => (added.push([key, ...args]), '1-0') }
  await send(redisStreamSink({ client }))
  await send(redisStreamSink({ client, maxLength: 'unbounded' }))
  expect(added[0]?.slice(0, 5)).toEqual(['callweave:events', 'MAXLEN', '~', '1000000', '*'])
  expect(added[1]?.slice(0, 2)).toEqual(['callweave:events', '*'])
  const fields = added[1]!.slice(2)
  expect(fields.slice(0, 7)).toEqual(['id', expect.stringMatching(/^evt_/), 'key', 'CA1', 'contenttype', 'application/cloudevents+json', 'body']) // prettier-ignore
  expect(JSON.parse(fields[7]!)).toMatchObject({ specversion: '1.0', data: ended.data })
  expect(() => redisStreamSink({ client, maxLength: 0 })).toThrow(RangeError)
})

test('JetStream gets the event under its name, with its id as the message’s', async () => {
  const published: unknown[] = []
  const publish = async (...args: unknown[]) => void published.push(args)
  await send(natsSink({ jetstream: { publish } }))
  expect(published).toEqual([
    ['callweave.events.call.ended', expect.stringContaining('"CA1"'), { msgID: expect.stringMatching(/^evt_/) }],
  ])
})

test('Kafka gets the preset’s topic, key and value; the numbers come from the call’s record', async () => {
  const sent: Parameters<KafkaProducer['send']>[0][] = []
  const producer: KafkaProducer = { send: async (record) => void sent.push(record) }
  const store = {
    findCall: async ({ tenantId, callSid }: { tenantId: string; callSid: string }) =>
      tenantId === 't' && callSid === 'CA1' ? ({ from: '+12025550199', to: '+12025550101' } as never) : undefined,
  }
  const sink = kafkaSink({ producer, format: callStatusTopics(store) })
  await send(sink, voiceEvent('call.status-changed', { callSid: 'CA1', callStatus: 'completed', durationS: 42 }))
  await send(sink, voiceEvent('call.status-changed', { callSid: 'CA-erased', callStatus: 'ringing' }))
  await send(sink, voiceEvent('recording.processed', { callSid: 'CA1', recordingSid: 'RE1', transcriptId: 'tr1' }))
  await send(sink) // no part of the preset: not sent, and done with
  expect(sent.map(({ topic, acks, messages }) => [topic, acks, messages[0]?.key, JSON.parse(messages[0]?.value ?? '') as unknown])).toEqual([
    ['calls.status', -1, 'CA1', { eventType: 'CallStatusChanged', callSid: 'CA1', status: 'completed', from: '+12025550199', to: '+12025550101', duration: 42, timestamp: '2026-01-05T15:00:00.000Z' }],
    ['calls.status', -1, 'CA-erased', { eventType: 'CallStatusChanged', callSid: 'CA-erased', status: 'ringing', from: null, to: null, duration: 0, timestamp: '2026-01-05T15:00:00.000Z' }],
    ['recordings.processed', -1, 'CA1', { eventType: 'RecordingProcessed', recordingSid: 'RE1', callSid: 'CA1', transcriptionId: 'tr1' }],
  ]) // prettier-ignore
})

test('the preset can be joined with the whole events in a topic of their own', async () => {
  const topics: string[] = []
  const producer: KafkaProducer = { send: async ({ topic }) => void topics.push(topic) }
  const store = { findCall: async () => undefined }
  await send(
    kafkaSink({
      producer,
      format: callStatusTopics(
        store,
        cloudEventFormat(() => 'calls.events'),
      ),
    }),
  )
  await send(kafkaSink({ producer }))
  expect(topics).toEqual(['calls.events', 'callweave.events'])
})

/** A channel that answers as it is told. */
function fakeChannel(answer: 'confirm' | 'nack' | 'return' | 'silence') {
  const published: unknown[] = []
  let onReturn: (message: { properties: { messageId?: unknown } }) => void = () => undefined
  const channel: AmqpConfirmChannel = {
    on: (_, listener) => (onReturn = listener),
    publish(exchange, routingKey, content, options, callback) {
      published.push([exchange, routingKey, JSON.parse(content.toString()), options])
      if (answer === 'return') onReturn({ properties: { messageId: options.messageId } })
      if (answer !== 'silence') callback(answer === 'nack' ? new Error('nacked') : null)
      return true
    },
  }
  return { channel, published }
}

test('AMQP gets a persistent message, and the event is done with once it is confirmed', async () => {
  const { channel, published } = fakeChannel('confirm')
  const { store } = await send(amqpSink({ channel: () => channel, exchange: 'calls' }))
  expect(published).toEqual([
    ['calls', 'call.ended', expect.objectContaining({ specversion: '1.0' }), { persistent: true, mandatory: true, messageId: expect.stringMatching(/^evt_/), type: 'callweave.call.ended', contentType: 'application/cloudevents+json' }],
  ]) // prettier-ignore
  expect(await store.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 1 })).toEqual([])
})

test.each(['nack', 'return'] as const)('AMQP: %s means that the event comes again', async (answer) => {
  const channels = [fakeChannel(answer), fakeChannel('confirm')]
  let asked = 0
  const { pass } = await send(amqpSink({ channel: () => channels[asked++]!.channel, exchange: 'calls' }))
  expect([channels[0]!.published.length, channels[1]!.published.length]).toEqual([1, 0])
  await pass(1000)
  expect(channels[1]!.published).toHaveLength(1)
})

test('a format or a channel that fails is a failed delivery', async () => {
  const { lines } = await send(amqpSink({ channel: () => Promise.reject(new Error('no broker')), exchange: 'x' }))
  expect(lines.map(([, message]) => message)).toContain('An event was not taken and will be tried again')
})
