/**
 * Twilio as the telephone: the few REST calls that we make, over our own HTTP.
 *
 * The `twilio` package would do, but it costs 180 ms to load, waits thirty seconds for an answer, and cannot tell a call that was not made
 * from one of which nobody knows.
 *
 * @see https://www.twilio.com/docs/voice/api/call-resource (read 2026-11-21)
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'
import { VendorError, VoiceError } from '../core/errors.js'
import { retryAfterMs, sendRequest, type Fetch, type HttpResponse } from '../core/http.js'
import type { CallRequest, CallUpdate, Telephone, TelephoneCall } from './telephone.js'

export interface TwilioTelephoneOptions {
  readonly accountSid: string
  /** The account's auth token, or `{ keySid, keySecret }` of an API key. A secret; kept to itself. */
  readonly auth: string | { readonly keySid: string; readonly keySecret: string }
  /** Default `https://api.twilio.com`. A region has an address of its own: `https://api.dublin.ie1.twilio.com`. */
  readonly baseUrl?: string
  /** Limit on each request, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number
  readonly fetch?: Fetch
  readonly clock?: Clock
}

/** Codes that say that a call is over, whatever was wanted of it (`shared` by the REST API, read 2026-11-21). */
const ALREADY_OVER: ReadonlySet<string> = new Set(['20404', '21220'])
const NOT_FOUND = '20404'
/** No connection was made, so nothing was asked. A host or net that is not reachable is not here: a connection that stood can end so too. */
const NEVER_SENT: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])

/** Speaks to Twilio. */
export class TwilioTelephone implements Telephone {
  readonly #base: string
  readonly #authorization: string
  readonly #options: TwilioTelephoneOptions
  readonly #clock: Clock

  constructor(options: TwilioTelephoneOptions) {
    const { accountSid, auth, baseUrl = 'https://api.twilio.com', clock = systemClock } = options
    const [user, password] = typeof auth === 'string' ? [accountSid, auth] : [auth.keySid, auth.keySecret]
    if (!accountSid || !user || !password) throw new TypeError('accountSid and auth are needed to speak to Twilio')
    this.#base = `${baseUrl.replace(/\/+$/, '')}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}`
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    this.#options = options
    this.#clock = clock
  }

  async createCall(request: CallRequest, options: { readonly signal?: AbortSignal } = {}): Promise<TelephoneCall> {
    let answer: HttpResponse
    try {
      answer = await this.#send('POST', '/Calls.json', createForm(request), options.signal)
    } catch (error) {
      if (!(error instanceof VoiceError)) throw error
      if (error.code === 'http_connection_failed' && NEVER_SENT.has(error.details.reason)) throw error
      throw outcomeUnknown(undefined, error)
    }
    // Twilio refuses with 4xx before anything is done. After a 5xx, or an answer that cannot be read, the call may exist.
    if (answer.status >= 500) throw outcomeUnknown(answer, undefined)
    if (answer.status >= 400) throw this.#refusal(answer)
    const call = callOf(jsonOf(answer))
    if (!call) throw outcomeUnknown(answer, undefined)
    return call
  }

  async updateCall(callSid: string, update: CallUpdate): Promise<'updated' | 'already-over'> {
    const form = new URLSearchParams()
    if ('twiml' in update) form.set('Twiml', update.twiml)
    else if ('url' in update) form.set('Url', update.url)
    else form.set('Status', update.status)
    const answer = await this.#send('POST', `/Calls/${encodeURIComponent(callSid)}.json`, form)
    if (answer.status < 400) return 'updated'
    const refusal = this.#refusal(answer)
    if (refusal.status === 404 || ALREADY_OVER.has(refusal.vendorCode ?? '')) return 'already-over'
    throw refusal
  }

  async fetchCall(callSid: string): Promise<TelephoneCall | undefined> {
    const answer = await this.#send('GET', `/Calls/${encodeURIComponent(callSid)}.json`)
    if (answer.status >= 400) {
      const refusal = this.#refusal(answer)
      if (refusal.status === 404 || refusal.vendorCode === NOT_FOUND) return undefined
      throw refusal
    }
    return callOf(jsonOf(answer)) ?? unreadable(answer)
  }

  async findCalls(query: {
    readonly to: string
    readonly from?: string
    readonly sinceAt: number
  }): Promise<readonly TelephoneCall[]> {
    // Not by `StartTime`: a call that waits in Twilio's queue has none yet, and is the one that must not be overlooked.
    const search = new URLSearchParams({ To: query.to, PageSize: '100' })
    if (query.from !== undefined) search.set('From', query.from)
    const answer = await this.#send('GET', `/Calls.json?${search.toString()}`)
    if (answer.status >= 400) throw this.#refusal(answer)
    const { calls } = (jsonOf(answer) ?? {}) as { calls?: unknown }
    if (!Array.isArray(calls)) return unreadable(answer)
    return calls
      .map(callOf)
      .filter(
        (call): call is TelephoneCall => call !== undefined && (call.createdAt ?? Infinity) >= query.sinceAt - 1000,
      )
      .sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0))
  }

  async accountStatus(): Promise<string> {
    const answer = await this.#send('GET', '.json')
    if (answer.status >= 400) throw this.#refusal(answer)
    const { status } = (jsonOf(answer) ?? {}) as { status?: unknown }
    return typeof status === 'string' ? status : unreadable(answer)
  }

  #send(method: 'GET' | 'POST', path: string, form?: URLSearchParams, signal?: AbortSignal): Promise<HttpResponse> {
    const { timeoutMs = 10_000, fetch } = this.#options
    return sendRequest({
      method,
      url: this.#base + path,
      headers: { authorization: this.#authorization, accept: 'application/json' },
      ...(form ? { form } : {}),
      timeoutMs,
      signal,
      fetch,
      clock: this.#clock,
    })
  }

  #refusal(answer: HttpResponse): VendorError {
    const body = (jsonOf(answer) ?? {}) as { code?: unknown; message?: unknown }
    const vendorCode = typeof body.code === 'number' || typeof body.code === 'string' ? String(body.code) : undefined
    const code = answer.status === 429 ? 'telephone_rate_limited' : 'telephone_refused'
    const waitMs = retryAfterMs(answer.headers.get('retry-after'), this.#clock.now())
    const requestId = answer.headers.get('twilio-request-id') ?? undefined
    // Twilio's sentence repeats the number; the code says the same without it.
    return new VendorError(
      code,
      `Twilio refused (${answer.status}${vendorCode === undefined ? '' : `, ${vendorCode}`})`,
      {
        status: answer.status,
        ...(vendorCode === undefined ? {} : { vendorCode }),
        ...(requestId === undefined ? {} : { requestId }),
        ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
        retry: answer.status === 429 || answer.status >= 500 ? 'backoff' : 'never',
      },
    )
  }
}

function createForm(request: CallRequest): URLSearchParams {
  const form = new URLSearchParams({
    To: request.to,
    From: request.from,
    Url: request.url,
    Method: 'POST',
    StatusCallback: request.statusCallback,
    StatusCallbackMethod: 'POST',
    Timeout: String(request.ringSeconds),
    TimeLimit: String(request.maxSeconds),
  })
  for (const event of ['initiated', 'ringing', 'answered', 'completed']) form.append('StatusCallbackEvent', event)
  if (request.fallbackUrl !== undefined) form.set('FallbackUrl', request.fallbackUrl)
  if (request.sendDigits !== undefined) form.set('SendDigits', request.sendDigits)
  if (request.recording) {
    form.set('Record', 'true')
    form.set('RecordingChannels', 'dual')
    form.set('RecordingStatusCallback', request.recording.statusCallback)
    form.set('RecordingStatusCallbackMethod', 'POST')
    for (const event of ['completed', 'absent']) form.append('RecordingStatusCallbackEvent', event)
  }
  if (request.machineDetection) {
    form.set('MachineDetection', request.machineDetection.waitForBeep ? 'DetectMessageEnd' : 'Enable')
    form.set('AsyncAmd', 'true')
    form.set('AsyncAmdStatusCallback', request.machineDetection.statusCallback)
    form.set('AsyncAmdStatusCallbackMethod', 'POST')
  }
  return form
}

function outcomeUnknown(answer: HttpResponse | undefined, cause: VoiceError | undefined): VendorError {
  const what = answer ? `answered ${answer.status} with something unreadable` : 'did not answer'
  return new VendorError('telephone_outcome_unknown', `Twilio ${what}: the call may have been made`, {
    ...(answer ? { status: answer.status } : {}),
    ...(cause ? { cause } : {}),
    retry: 'never',
  })
}

function unreadable(answer: HttpResponse): never {
  throw new VendorError('telephone_refused', `Twilio answered ${answer.status} with something unreadable`, {
    status: answer.status,
    retry: 'backoff',
  })
}

function jsonOf(answer: HttpResponse): unknown {
  try {
    return JSON.parse(answer.text) as unknown
  } catch {
    return undefined
  }
}

function callOf(value: unknown): TelephoneCall | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const json = value as Record<string, unknown>
  const text = (name: string): string | undefined => {
    const one = json[name]
    return typeof one === 'string' && one !== '' ? one : undefined
  }
  const callSid = text('sid')
  const status = text('status')
  if (callSid === undefined || status === undefined) return undefined
  const price = numberOf(text('price'))
  return {
    callSid,
    status,
    to: text('to') ?? '',
    from: text('from') ?? '',
    direction: text('direction') ?? '',
    durationS: numberOf(text('duration')),
    answeredBy: text('answered_by'),
    createdAt: dateOf(text('date_created')),
    startedAt: dateOf(text('start_time')),
    endedAt: dateOf(text('end_time')),
    price: price === undefined ? undefined : Math.abs(price),
    currency: text('price_unit')?.toUpperCase(),
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** Twilio's REST dates are RFC 2822. */
function dateOf(text: string | undefined): number | undefined {
  const atMs = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(atMs) ? undefined : atMs
}
