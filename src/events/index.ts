/**
 * Events: everything that happens, by name, and where it can be sent.
 *
 * @module
 */
export { amqpSink, type AmqpConfirmChannel, type AmqpSinkOptions } from './amqp-sink.js'
export { CLOUD_EVENT_TYPE, isVoiceEvent, type CloudEvent, type VoiceCloudEvent } from './cloud-event.js'
export { EventFeed, type AnyFeedEvent, type FeedEvent, type FeedEvents, type FeedSubscription } from './feed.js'
export { kafkaSink, type KafkaProducer, type KafkaSinkOptions } from './kafka-sink.js'
export {
  EVENT_FIELDS,
  isEventName,
  voiceEvent,
  withoutPersonalFields,
  type EventMap,
  type EventName,
  type FieldKind,
  type VoiceEvent,
} from './map.js'
export { cloudEventFormat, eventNameOf, type EventFormat, type EventMessage } from './message.js'
export { natsSink, type JetStreamPublisher, type NatsSinkOptions } from './nats-sink.js'
export { OutboxDispatcher, type OutboxDispatcherOptions } from './outbox-dispatcher.js'
export { redisStreamSink, type RedisStreamClient, type RedisStreamSinkOptions } from './redis-stream-sink.js'
export { functionSink, type EventDelivery, type EventSink } from './sink.js'
export { callStatusTopics, type CallStatusChangedValue, type RecordingProcessedValue } from './topic-preset.js'
export {
  signEventWebhook,
  verifyEventWebhook,
  type EventWebhookHeaders,
  type ProvenEventWebhook,
  type VerifyEventWebhookOptions,
} from './webhook-signature.js'
export { webhookSink, type WebhookEndpoint, type WebhookSinkOptions } from './webhook-sink.js'
