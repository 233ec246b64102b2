/**
 * Checks the parameters of a call that is created or updated over REST, as Twilio checks them.
 *
 * Codes are those of Twilio's error dictionary (https://www.twilio.com/docs/api/errors, read 2026-11-21).
 *
 * @module
 */
import { restError, type RestAnswer } from './rest-answer.js'
import type { AskedDetection, AskedRecording, CallbackTarget, StatusCallbackTarget } from './call-behaviour.js'
import type { CallProgressEvent } from './status-callbacks.js'
import type { TwimlHost, TwimlSource } from './twiml-host.js'

/** A call to make. */
export interface NewCall {
  readonly to: string
  readonly from: string
  readonly source: TwimlSource
  readonly fallback: TwimlHost['fallback']
  readonly statusCallback: StatusCallbackTarget | undefined
  readonly detection: AskedDetection | undefined
  readonly recording: AskedRecording | undefined
  readonly timeoutMs: number
  readonly timeLimitMs: number
}

/** What to do to a call. */
export interface CallChange {
  readonly status: 'completed' | 'canceled' | undefined
  readonly source: TwimlSource | undefined
}

/** Longest `Twiml` parameter, in characters (32018). */
const MAX_TWIML_LENGTH = 4000
const EVENTS: readonly CallProgressEvent[] = ['initiated', 'ringing', 'answered', 'completed']
const METHODS = ['GET', 'POST']

/** Either the value, or the answer that refuses it. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly answer: RestAnswer }

const refuse = (code: number, message: string): { ok: false; answer: RestAnswer } => ({
  ok: false,
  answer: restError(400, code, message),
})

const isAddress = (text: string): boolean => /^https?:\/\/[^/]/i.test(text) && URL.canParse(text)

/** E.164, or a SIP or client address. Numbers never stand in a message here, unlike in Twilio's. */
const isEndpoint = (text: string): boolean => /^(\+[1-9]\d{5,14}|client:\S+|sips?:\S+)$/.test(text)

/** Reads the parameters of `POST /Calls.json`. */
export function readNewCall(form: URLSearchParams): Checked<NewCall> {
  const to = form.get('To') ?? ''
  const from = form.get('From') ?? ''
  if (to === '') return refuse(21201, "No 'To' number is specified")
  if (from === '') return refuse(21213, "No 'From' number is specified")
  if (!isEndpoint(to)) return refuse(21211, "The 'To' number is not a valid phone number.")
  if (!isEndpoint(from))
    return refuse(21212, "The 'From' number is not a valid phone number, shortcode, or SIP address.")
  const source = readSource(form, 'voice', { preferUrl: true })
  if (!source.ok) return source
  if (!source.value) return refuse(21205, "Url parameter is required. Pass 'Url', 'Twiml' or 'ApplicationSid'.")
  const statusCallback = readStatusCallback(form)
  if (!statusCallback.ok) return statusCallback
  const timeout = readSeconds(form, 'Timeout', 60, 600)
  if (timeout === undefined) return refuse(21208, 'Invalid Timeout value')
  const timeLimit = readSeconds(form, 'TimeLimit', 14_400, 86_400)
  if (timeLimit === undefined) return refuse(20001, 'Invalid TimeLimit value')
  const digits = form.get('SendDigits')
  if (digits !== null && !/^[0-9A-D#*wW]{0,32}$/.test(digits)) return refuse(21206, 'Invalid SendDigits value')
  const machine = form.get('MachineDetection')
  if (machine !== null && machine !== 'Enable' && machine !== 'DetectMessageEnd') {
    return refuse(21234, 'Invalid MachineDetection value')
  }
  const verdictTo = readCallback(form, 'AsyncAmdStatusCallback')
  const recordingTo = readCallback(form, 'RecordingStatusCallback')
  if (!verdictTo.ok) return verdictTo
  if (!recordingTo.ok) return recordingTo
  // `SendDigits` switches machine detection off.
  const isDetected = machine !== null && form.get('AsyncAmd') === 'true' && digits === null && verdictTo.value
  const fallbackUrl = form.get('FallbackUrl')
  return {
    ok: true,
    value: {
      to,
      from,
      source: source.value,
      fallback: fallbackUrl
        ? { url: fallbackUrl, method: form.get('FallbackMethod') === 'GET' ? 'GET' : 'POST' }
        : undefined,
      statusCallback: statusCallback.value,
      detection: isDetected ? { ...isDetected, waitsForEnd: machine === 'DetectMessageEnd' } : undefined,
      recording: form.get('Record') === 'true' ? readRecording(form, recordingTo.value) : undefined,
      timeoutMs: timeout * 1000,
      timeLimitMs: timeLimit * 1000,
    },
  }
}

/** Reads the parameters of `POST /Calls/{sid}.json`. */
export function readCallChange(form: URLSearchParams): Checked<CallChange> {
  const status = form.get('Status')
  if (status !== null && status !== 'completed' && status !== 'canceled') {
    return refuse(20001, "Invalid Status: it can be set to 'completed' or 'canceled'")
  }
  if (form.has('Url') && form.has('Twiml')) return refuse(20001, "'Url' and 'Twiml' exclude each other")
  const source = readSource(form, 'redirect', { preferUrl: false })
  if (!source.ok) return source
  return { ok: true, value: { status: status ?? undefined, source: source.value } }
}

function readSource(
  form: URLSearchParams,
  purpose: 'voice' | 'redirect',
  { preferUrl }: { preferUrl: boolean },
): Checked<TwimlSource | undefined> {
  const url = form.get('Url')
  const twiml = form.get('Twiml')
  const method = form.get('Method')?.toUpperCase() ?? 'POST'
  if (!METHODS.includes(method)) return refuse(21209, 'Invalid Method: it is GET or POST')
  if (url !== null && (preferUrl || twiml === null)) {
    if (!isAddress(url)) return refuse(21205, 'Url is not a valid URL')
    return { ok: true, value: { kind: 'url', purpose, url, method: method === 'GET' ? 'GET' : 'POST' } }
  }
  if (twiml === null) return { ok: true, value: undefined }
  if (twiml.length > MAX_TWIML_LENGTH) return refuse(32018, `Twiml is longer than ${MAX_TWIML_LENGTH} characters`)
  return { ok: true, value: { kind: 'inline', twiml } }
}

function readStatusCallback(form: URLSearchParams): Checked<StatusCallbackTarget | undefined> {
  const url = form.get('StatusCallback')
  if (url === null || url === '') return { ok: true, value: undefined }
  if (!isAddress(url)) return refuse(21609, "Invalid 'StatusCallback' URL")
  const asked = form.getAll('StatusCallbackEvent').flatMap((text) => text.split(/[ ,]+/))
  const events = EVENTS.filter((event) => asked.includes(event))
  return {
    ok: true,
    value: {
      url,
      method: form.get('StatusCallbackMethod')?.toUpperCase() === 'GET' ? 'GET' : 'POST',
      events: asked.length === 0 ? ['completed'] : events,
    },
  }
}

function readCallback(form: URLSearchParams, name: string): Checked<CallbackTarget | undefined> {
  const url = form.get(name) ?? ''
  if (url === '') return { ok: true, value: undefined }
  if (!isAddress(url)) return refuse(21609, `Invalid '${name}' URL`)
  return { ok: true, value: { url, method: form.get(`${name}Method`)?.toUpperCase() === 'GET' ? 'GET' : 'POST' } }
}

function readRecording(form: URLSearchParams, callback: CallbackTarget | undefined): AskedRecording {
  const asked = form.getAll('RecordingStatusCallbackEvent').flatMap((text) => text.split(/[ ,]+/))
  const events = asked.length === 0 ? ['completed'] : asked
  return { channels: form.get('RecordingChannels') === 'dual' ? 2 : 1, callback: callback && { ...callback, events } }
}

function readSeconds(form: URLSearchParams, name: string, fallback: number, highest: number): number | undefined {
  const text = form.get(name)
  if (text === null) return fallback
  const seconds = Number(text)
  return Number.isInteger(seconds) && seconds > 0 && seconds <= highest ? seconds : undefined
}
