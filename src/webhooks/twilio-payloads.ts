/**
 * What Twilio's voice webhooks say: one schema a webhook.
 *
 * Every value on the wire is text. Counts and moments become numbers; whatever else arrives is kept as it came, since Twilio adds
 * parameters without notice. Facts of https://www.twilio.com/docs/voice/twiml, /voice/api/call-resource, /voice/twiml/stream,
 * /voice/answering-machine-detection and /voice/api/recording, read 2026-11-21.
 *
 * @module
 */
import { z } from 'zod'
import { parseWith } from '../core/parse.js'
import type { TwilioParams } from './form.js'

const sid = (prefix: string) => z.string().regex(new RegExp(`^${prefix}[0-9a-f]{32}$`, 'i'))

/** A whole number of zero or more, written in digits. */
const count = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)

/** RFC 2822 in call callbacks, ISO 8601 in stream callbacks; milliseconds since 1970 here. */
const moment = z
  .string()
  .max(64)
  .transform((text, ctx) => {
    const ms = Date.parse(text)
    if (Number.isNaN(ms)) ctx.addIssue({ code: 'custom', message: 'not a date' })
    return ms
  })

/** Twilio sends absent values as empty text in some webhooks and leaves them out in others. */
const orEmpty = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional())

const callParams = { CallSid: sid('CA'), AccountSid: sid('AC') }

const parties = {
  From: z.string(),
  To: z.string(),
  Direction: z.string(),
  ApiVersion: z.string().optional(),
  ParentCallSid: orEmpty(sid('CA')),
  ForwardedFrom: z.string().optional(),
  CallerName: z.string().optional(),
  StirVerstat: z.string().optional(),
  CallToken: z.string().optional(),
}

/** Where a call stands. `initiated` is seen in callbacks only; the last five are final. */
const callStatusSchema = z.enum([
  'queued',
  'initiated',
  'ringing',
  'in-progress',
  'completed',
  'busy',
  'failed',
  'no-answer',
  'canceled',
])

/** Who answered, in Twilio's judgement. `machine_start` comes from `Enable`, the `machine_end_…` from `DetectMessageEnd`. */
const answeredBySchema = z.enum([
  'human',
  'fax',
  'unknown',
  'machine_start',
  'machine_end_beep',
  'machine_end_silence',
  'machine_end_other',
])

/** A call asks for TwiML: the voice URL, a redirect, a gather's action. */
const voiceWebhookSchema = z.looseObject({
  ...callParams,
  ...parties,
  CallStatus: callStatusSchema,
  /** Keys that the caller pressed, where a gather asked for them. */
  Digits: z.string().optional(),
  SpeechResult: z.string().optional(),
  Confidence: z.string().optional(),
  /** Only with synchronous answering machine detection. */
  AnsweredBy: orEmpty(answeredBySchema),
  /** On a fallback URL: why the first one failed. */
  ErrorCode: z.string().optional(),
  ErrorUrl: z.string().optional(),
})

/** A call changed its status. Arrives out of order and repeatedly: order by `SequenceNumber`. */
const callStatusCallbackSchema = z.looseObject({
  ...callParams,
  ...parties,
  CallStatus: callStatusSchema,
  CallbackSource: z.string().optional(),
  SequenceNumber: count.optional(),
  Timestamp: moment.optional(),
  /** Length of the call, in seconds. Only when it is over. */
  CallDuration: orEmpty(count),
  /** Billed minutes. Only when the call is over. */
  Duration: orEmpty(count),
  SipResponseCode: orEmpty(count),
  AnsweredBy: orEmpty(answeredBySchema),
  RecordingSid: orEmpty(sid('RE')),
  RecordingUrl: z.string().optional(),
  RecordingDuration: orEmpty(count),
})

/** A media stream started, stopped or failed. */
const streamStatusCallbackSchema = z.looseObject({
  ...callParams,
  StreamSid: sid('MZ'),
  /** The name that the TwiML gave, else the Stream SID. */
  StreamName: z.string().optional(),
  StreamEvent: z.enum(['stream-started', 'stream-stopped', 'stream-error']),
  /** Only with `stream-error`. */
  StreamError: z.string().optional(),
  Timestamp: moment.optional(),
})

/** A `<Connect>` is over and its `action` asks how to go on. */
const connectActionSchema = z.looseObject({
  ...callParams,
  ...parties,
  CallStatus: callStatusSchema,
  StreamSid: orEmpty(sid('MZ')),
  /** Conversation relay only, `VX…`, as all that follow. */
  SessionId: z.string().optional(),
  /** `ended`: by our `end`. `failed`: its socket went, and the call may live on (see `CallStatus`). `completed`: the call is over. */
  SessionStatus: z.string().optional(),
  /** In seconds. */
  SessionDuration: orEmpty(count),
  /** What our `end` carried, to the letter. */
  HandoffData: z.string().optional(),
  /** Only with `failed`: `64105` when the socket went, `64101` for the settings, `39001` for the network. */
  ErrorCode: z.string().optional(),
  ErrorMessage: z.string().optional(),
})

/** A recording started, ended or has nothing in it. */
const recordingStatusCallbackSchema = z.looseObject({
  ...callParams,
  RecordingSid: sid('RE'),
  RecordingStatus: z.enum(['in-progress', 'completed', 'absent', 'failed']),
  /** Without an extension: append `.wav` or `.mp3`, and authenticate. */
  RecordingUrl: z.string().optional(),
  /** In seconds. */
  RecordingDuration: orEmpty(count),
  RecordingChannels: orEmpty(count),
  RecordingSource: z.string().optional(),
  RecordingStartTime: orEmpty(moment),
  RecordingTrack: z.string().optional(),
  /** `'0'` when nothing went wrong. */
  ErrorCode: z.string().optional(),
})

/** Asynchronous answering machine detection has come to a verdict. */
const amdStatusCallbackSchema = z.looseObject({
  ...callParams,
  AnsweredBy: answeredBySchema,
  /** In milliseconds. */
  MachineDetectionDuration: orEmpty(count),
})

/** The schema of each webhook. */
export const twilioWebhookSchemas = {
  voice: voiceWebhookSchema,
  'call-status': callStatusCallbackSchema,
  'stream-status': streamStatusCallbackSchema,
  'connect-action': connectActionSchema,
  'recording-status': recordingStatusCallbackSchema,
  'amd-status': amdStatusCallbackSchema,
} as const

/** Which webhook is read. */
export type TwilioWebhookKind = keyof typeof twilioWebhookSchemas

/** What each webhook says. */
export type TwilioWebhooks = { readonly [K in TwilioWebhookKind]: z.output<(typeof twilioWebhookSchemas)[K]> }

/**
 * Reads the proven parameters of one webhook.
 *
 * @throws {@link ProtocolError} `webhook_payload_invalid`; the message names the parameters that failed and never their values.
 */
export function readTwilioWebhook<K extends TwilioWebhookKind>(kind: K, params: TwilioParams): TwilioWebhooks[K] {
  const schema = twilioWebhookSchemas[kind] as unknown as z.ZodType<TwilioWebhooks[K]>
  return parseWith(schema, params, 'webhook_payload_invalid', `The Twilio webhook "${kind}"`)
}
