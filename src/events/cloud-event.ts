/**
 * Events as the world knows them: CloudEvents 1.0.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 * @module
 */
import { hash } from 'node:crypto'
import type { OutboxEvent } from '../storage/queues.js'
import { isEventName, type EventMap, type EventName } from './map.js'

/** The media type of one event as JSON, envelope included. */
export const CLOUD_EVENT_TYPE = 'application/cloudevents+json'

/** An event with its envelope. */
export interface CloudEvent<Data = unknown> {
  readonly specversion: '1.0'
  /** The same at every delivery: a receiver that has seen it has seen the event. */
  readonly id: string
  /** Who tells it, e.g. `'https://voice.example.com'`. */
  readonly source: string
  /** `callweave.` and the name in the event map; a host's own event has its own name. */
  readonly type: string
  /** The Call SID, where the event is about a call; else the key under which it was kept. */
  readonly subject: string
  /** When it happened, RFC 3339. */
  readonly time: string
  readonly datacontenttype: 'application/json'
  /** Whose event it is. An extension attribute. */
  readonly tenantid: string
  readonly data: Data
}

/** A {@link CloudEvent} of the library. */
export type VoiceCloudEvent<Name extends EventName = EventName> = CloudEvent<EventMap[Name]> & {
  readonly type: `callweave.${Name}`
}

/** Before the name of an event, so that it is told from other sources' events. */
export const TYPE_PREFIX = 'callweave.'

/** Puts an event of the outbox into its envelope. */
export function cloudEventOf(event: OutboxEvent, source: string): CloudEvent {
  const { tenantId, key, type, data, occurredAt } = event
  return {
    specversion: '1.0',
    id: publicIdOf(event),
    source,
    type: isEventName(type) ? `${TYPE_PREFIX}${type}` : type,
    subject: callSidOf(data) ?? key,
    time: new Date(occurredAt).toISOString(),
    datacontenttype: 'application/json',
    tenantid: tenantId,
    data,
  }
}

/** Whether an event is the library's of this name; narrows its data. For events whose origin was proven. */
export function isVoiceEvent<Name extends EventName>(event: CloudEvent, name: Name): event is VoiceCloudEvent<Name> {
  return event.type === `${TYPE_PREFIX}${name}`
}

/** One name over all tenants, fit for a header: an outbox promises its ids within a tenant, and they hold a host's own keys. */
function publicIdOf({ tenantId, eventId }: OutboxEvent): string {
  return `evt_${hash('sha256', JSON.stringify([tenantId, eventId]), 'base64url').slice(0, 27)}`
}

/** The call that data tells of. */
export function callSidOf(data: unknown): string | undefined {
  const { callSid } = (data ?? {}) as { readonly callSid?: unknown }
  return typeof callSid === 'string' && callSid !== '' ? callSid : undefined
}
