/**
 * Verbs that move, keep or end the call: hang up, reject, redirect, record, queue, refer and the like.
 *
 * @see https://www.twilio.com/docs/voice/twiml (read 2026-11-21)
 * @module
 */
import { kind, make, type Extra } from './element.js'
import { parameterElements, type Parameters } from './parameters.js'
import { events, flag, method, oneOf, text, whole } from './rules.js'
import type { TwimlElement } from './xml.js'

export interface RecordAttributes extends Extra {
  /** Asked for TwiML after the recording. Default: this document's URL. */
  readonly action?: string
  readonly method?: 'GET' | 'POST'
  /** Longest recording, in seconds. Default 3600. */
  readonly maxLength?: number
  /** Silence that ends it, in seconds. Default 5. */
  readonly timeout?: number
  /** Keys that end it. Default: any. `''` for none. */
  readonly finishOnKey?: string
  /** Default true. */
  readonly playBeep?: boolean
  readonly trim?: 'trim-silence' | 'do-not-trim'
  readonly transcribe?: boolean
  readonly transcribeCallback?: string
  readonly recordingConfigurationId?: string
  readonly recordingStatusCallback?: string
  readonly recordingStatusCallbackMethod?: 'GET' | 'POST'
  readonly recordingStatusCallbackEvent?: readonly string[]
}

export interface EnqueueAttributes extends Extra {
  /** Asked when the caller leaves the queue. */
  readonly action?: string
  readonly method?: 'GET' | 'POST'
  readonly maxQueueSize?: number
  /** What the caller hears while waiting. */
  readonly waitUrl?: string
  readonly waitUrlMethod?: 'GET' | 'POST'
  readonly workflowSid?: string
}

export interface QueueAttributes extends Extra {
  /** What the caller hears before the two are joined. */
  readonly url?: string
  readonly method?: 'GET' | 'POST'
  readonly reservationSid?: string
  readonly postWorkActivitySid?: string
}

export interface SmsAttributes extends Extra {
  readonly to?: string
  readonly from?: string
  readonly action?: string
  readonly method?: 'GET' | 'POST'
  readonly statusCallback?: string
}

const REDIRECT = kind<{ method?: string }, 'Redirect'>('Redirect', { method }, { text: true })
const HANGUP = kind<{ parameters?: Parameters }, 'Hangup', 'parameters'>(
  'Hangup',
  {},
  { children: 'Parameter', aside: ['parameters'] },
)
const REJECT = kind<{ reason?: string; parameters?: Parameters }, 'Reject', 'parameters'>(
  'Reject',
  { reason: oneOf('rejected', 'busy') },
  { children: 'Parameter', aside: ['parameters'] },
)
const LEAVE = kind<object, 'Leave'>('Leave', {})
const ECHO = kind<object, 'Echo'>('Echo', {})
const RECORD = kind<RecordAttributes, 'Record'>('Record', {
  action: text,
  method,
  maxLength: whole(1),
  timeout: whole(0),
  finishOnKey: text,
  playBeep: flag,
  trim: oneOf('trim-silence', 'do-not-trim'),
  transcribe: flag,
  transcribeCallback: text,
  recordingConfigurationId: text,
  recordingStatusCallback: text,
  recordingStatusCallbackMethod: method,
  recordingStatusCallbackEvent: events,
})
const ENQUEUE = kind<EnqueueAttributes, 'Enqueue'>(
  'Enqueue',
  { action: text, method, maxQueueSize: whole(1), waitUrl: text, waitUrlMethod: method, workflowSid: text },
  { children: 'Task', text: true },
)
const TASK = kind<{ priority?: number; timeout?: number }, 'Task'>(
  'Task',
  { priority: whole(0), timeout: whole(0) },
  { text: true },
)
const QUEUE = kind<QueueAttributes, 'Queue'>(
  'Queue',
  { url: text, method, reservationSid: text, postWorkActivitySid: text },
  { text: true },
)
const REFER = kind<{ action?: string; method?: string }, 'Refer'>(
  'Refer',
  { action: text, method },
  { children: 'Sip' },
)
const REFER_SIP = kind<object, 'Sip'>('Sip', {}, { text: true })
const SMS = kind<SmsAttributes, 'Sms'>(
  'Sms',
  { to: text, from: text, action: text, method, statusCallback: text },
  { text: true },
)

/** Goes on with the document at another URL. Verbs after it are never run. */
export function redirect(
  url: string,
  attributes: { readonly method?: 'GET' | 'POST' } & Extra = {},
): TwimlElement<'Redirect'> {
  return make(REDIRECT, attributes, [url])
}

/** Ends the call. Parameters go to the other side where the carrier takes them (SIP). */
export function hangup(attributes: { readonly parameters?: Parameters } & Extra = {}): TwimlElement<'Hangup'> {
  return make(HANGUP, attributes, parameterElements(attributes.parameters))
}

/** Refuses a call without answering it, so that it is not billed. Must be the first verb. */
export function reject(
  attributes: { readonly reason?: 'rejected' | 'busy'; readonly parameters?: Parameters } & Extra = {},
): TwimlElement<'Reject'> {
  return make(REJECT, attributes, parameterElements(attributes.parameters))
}

/** Leaves the queue that the caller waits in. */
export function leave(attributes: Extra = {}): TwimlElement<'Leave'> {
  return make(LEAVE, attributes)
}

/** Plays back to the caller what the caller says. For tests of a line. */
export function echo(attributes: Extra = {}): TwimlElement<'Echo'> {
  return make(ECHO, attributes)
}

/** Records the caller, as an answering machine does. To record the whole call use `start({}, recording())`. */
export function record(attributes: RecordAttributes = {}): TwimlElement<'Record'> {
  return make(RECORD, attributes)
}

/** Puts the caller into a queue, by its name, or into a TaskRouter workflow with a {@link task}. */
export function enqueue(
  queue: string | TwimlElement<'Task'>,
  attributes: EnqueueAttributes = {},
): TwimlElement<'Enqueue'> {
  return make(ENQUEUE, attributes, [queue])
}

/** The attributes of a TaskRouter task, which are written as JSON. */
export function task(
  data: Readonly<Record<string, unknown>>,
  attributes: { readonly priority?: number; readonly timeout?: number } & Extra = {},
): TwimlElement<'Task'> {
  return make(TASK, attributes, [JSON.stringify(data)])
}

/** The queue whose first caller is to be joined. Stands in `<Dial>`. */
export function queue(name: string, attributes: QueueAttributes = {}): TwimlElement<'Queue'> {
  return make(QUEUE, attributes, [name])
}

/** Hands a SIP call over to another SIP address. */
export function refer(
  sipUri: string,
  attributes: { readonly action?: string; readonly method?: 'GET' | 'POST' } & Extra = {},
): TwimlElement<'Refer'> {
  return make(REFER, attributes, [make(REFER_SIP, {}, [sipUri])])
}

/** Sends a text message from within the call. Twilio keeps this verb for old documents; the Messages API is its successor. */
export function sms(message: string, attributes: SmsAttributes = {}): TwimlElement<'Sms'> {
  return make(SMS, attributes, [message])
}
