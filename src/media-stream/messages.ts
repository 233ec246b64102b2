/**
 * Every message of Twilio Media Streams, both directions: schemas, and the types that come from them.
 *
 * Inbound schemas are open, for Twilio may add fields. Outbound ones are exact: Twilio drops a message with a missing or an
 * extra key, warns once per stream (31951), and says no more.
 *
 * @see https://www.twilio.com/docs/voice/media-streams/websocket-messages (read 2026-11-21)
 * @module
 */
import { z } from 'zod'
import { ProtocolError } from '../core/errors.js'
import { parseJson, parseWith } from '../core/parse.js'

/** Numbers arrive as strings of digits, except in `mediaFormat`; both are taken. */
const count = z.union([z.string().regex(/^\d{1,15}$/), z.int().nonnegative()]).transform(Number)
const base64 = z.string().regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)
const streamSid = z.string().min(1).max(64)

const connected = z.looseObject({ event: z.literal('connected'), protocol: z.string(), version: z.string() })
const start = z.looseObject({
  event: z.literal('start'),
  sequenceNumber: count,
  streamSid,
  start: z.looseObject({
    accountSid: z.string(),
    streamSid,
    callSid: z.string().min(1),
    tracks: z.array(z.string()),
    mediaFormat: z.looseObject({
      encoding: z.string(),
      sampleRate: z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]),
      channels: z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]),
    }),
    customParameters: z.record(z.string(), z.string()).default({}),
  }),
})
const media = z.looseObject({
  event: z.literal('media'),
  sequenceNumber: count,
  streamSid,
  media: z.looseObject({ track: z.enum(['inbound', 'outbound']), chunk: count, timestamp: count, payload: base64 }),
})
const dtmf = z.looseObject({
  event: z.literal('dtmf'),
  sequenceNumber: count,
  streamSid,
  dtmf: z.looseObject({ track: z.string(), digit: z.string().regex(/^[0-9A-D*#]$/) }),
})
const mark = z.looseObject({
  event: z.literal('mark'),
  sequenceNumber: count,
  streamSid,
  mark: z.looseObject({ name: z.string() }),
})
const stop = z.looseObject({
  event: z.literal('stop'),
  sequenceNumber: count,
  streamSid,
  stop: z.looseObject({ accountSid: z.string().optional(), callSid: z.string().optional() }).optional(),
})

const schemas = { connected, start, media, dtmf, mark, stop }

/** A message from Twilio. */
export type InboundMessage = z.infer<(typeof schemas)[keyof typeof schemas]>
export type InboundStart = z.infer<typeof start>

/** A message of a type that this version does not know. It is ignored. */
export interface UnknownMessage {
  readonly event: 'unknown'
  readonly name: string
}

/** Exactly what Twilio accepts on a bidirectional stream, and nothing beside it. */
export const outboundMessageSchema = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('media'), streamSid, media: z.strictObject({ payload: base64 }) }),
  z.strictObject({ event: z.literal('mark'), streamSid, mark: z.strictObject({ name: z.string().min(1) }) }),
  z.strictObject({ event: z.literal('clear'), streamSid }),
])

/** A message to Twilio. */
export type OutboundMessage = z.infer<typeof outboundMessageSchema>

/**
 * Reads one message from Twilio.
 *
 * @throws {@link ProtocolError} `media_stream_message_invalid` for what is not JSON, has no event, or is malformed.
 */
export function parseInboundMessage(text: string): InboundMessage | UnknownMessage {
  const value = parseJson(text, 'media_stream_message_invalid', 'A media stream message')
  const name = (value as { event?: unknown } | null)?.event
  if (typeof name !== 'string')
    throw new ProtocolError('media_stream_message_invalid', 'A media stream message has no event')
  if (!Object.hasOwn(schemas, name)) return { event: 'unknown', name: name.slice(0, 40) }
  const schema: z.ZodType<InboundMessage> = schemas[name as keyof typeof schemas]
  return parseWith(schema, value, 'media_stream_message_invalid', `The media stream message "${name}"`)
}

/** What a session needs of a `media` message. */
export interface ScannedMedia {
  readonly streamSid: string
  /** Presentation time, in milliseconds since the stream's start. */
  readonly timestampMs: number
  /** Base64 μ-law as it came. */
  readonly payload: string
}

// Whole frame or nothing: what matches is well-formed by construction, and what Twilio might write otherwise goes to the parser.
const MEDIA_FRAME =
  /^\{"event":"media","sequenceNumber":"\d{1,15}",(?:"streamSid":"([A-Za-z0-9]{1,64})",)?"media":\{"track":"inbound","chunk":"\d{1,15}","timestamp":"(\d{1,15})","payload":"([A-Za-z0-9+/]*={0,2})"\}(?:,"streamSid":"([A-Za-z0-9]{1,64})")?\}$/

/**
 * Takes the payload out of a `media` message of the caller without parsing it as JSON: fifty come each second and call.
 *
 * @returns `undefined` for everything else, well-formed or not; {@link parseInboundMessage} decides then.
 */
export function scanMedia(text: string): ScannedMedia | undefined {
  const match = MEDIA_FRAME.exec(text)
  if (!match) return undefined
  const [, before, timestamp = '', payload = '', after] = match
  if (payload.length % 4 !== 0) return undefined
  if ((before === undefined) === (after === undefined)) return undefined // none, or two of them
  return { streamSid: before ?? after ?? '', timestampMs: Number(timestamp), payload }
}

const MARK =
  /^\{"event":"mark","sequenceNumber":"\d{1,15}","streamSid":"([A-Za-z0-9]{1,64})","mark":\{"name":"([\w-]{1,64})"\}\}$/

/**
 * Takes the name out of a `mark` message without parsing it as JSON: three or four come each second in which the agent speaks.
 *
 * @returns `undefined` for everything else; {@link parseInboundMessage} decides then.
 */
export function scanMark(text: string): { readonly streamSid: string; readonly name: string } | undefined {
  const [, sid, name] = MARK.exec(text) ?? []
  return sid === undefined || name === undefined ? undefined : { streamSid: sid, name }
}

/** Encodes audio for the caller: base64 μ-law, 8000 Hz, mono, without a header. */
export function encodeMedia(sid: string, payload: string): string {
  return `{"event":"media","streamSid":"${sid}","media":{"payload":"${payload}"}}`
}

/** Encodes a bookmark that comes back when everything before it was played or cleared. */
export function encodeMark(sid: string, name: string): string {
  return `{"event":"mark","streamSid":"${sid}","mark":{"name":${JSON.stringify(name)}}}`
}

/** Encodes the order to drop everything that is queued. */
export function encodeClear(sid: string): string {
  return `{"event":"clear","streamSid":"${sid}"}`
}
