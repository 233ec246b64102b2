/**
 * Twilio's requests to the host: signed, timed, tried again as the address says.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { Agent, request, type Dispatcher } from 'undici'
import type { Clock } from '../../core/clock.js'
import { signTwilioRequest } from '../../webhooks/twilio-signing.js'
import { deliveryRules, type TryFailure } from './connection-overrides.js'
import { routeTo, type PublicHosts } from './public-hosts.js'
import { MAX_TWIML_BYTES } from './twiml-document.js'
import type { ViolationCode } from './violations.js'

/** What a request is for; the timeline and the call's list of requests name it. */
export type WebhookPurpose =
  | 'voice'
  | 'fallback'
  | 'redirect'
  | 'gather-action'
  | 'dial-action'
  | 'connect-action'
  | 'status-callback'
  | 'stream-callback'
  | 'recording-callback'
  | 'machine-detection'
  | 'play'

/** One request to make. */
export interface WebhookOrder {
  readonly purpose: WebhookPurpose
  /** Absolute, as configured or written in TwiML; the fragment holds connection overrides. */
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly params: Readonly<Record<string, string>>
  /** The same for every delivery of one webhook. Default: fresh. */
  readonly idempotencyToken?: string
}

/** What the host answered, or which code Twilio would log. */
export type WebhookAnswer =
  | {
      readonly ok: true
      readonly status: number
      readonly contentType: string
      readonly body: Buffer
      /** Where the answer came from, after redirects: what relative addresses in it are relative to. */
      readonly url: string
    }
  | { readonly ok: false; readonly status: number; readonly code: ViolationCode; readonly seen: string }

export interface WebhookSenderOptions {
  readonly authToken: string
  readonly publicHosts: PublicHosts
  readonly clock: Clock
}

const MAX_REDIRECTS = 10

/** Audio of `<Play>` may be larger than TwiML. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

/** Sends webhooks over connections of its own, which {@link WebhookSender.close} ends. */
export class WebhookSender {
  readonly #options: WebhookSenderOptions
  readonly #agent = new Agent({ keepAliveTimeout: 4000, connections: 64 })

  constructor(options: WebhookSenderOptions) {
    this.#options = options
  }

  /** Delivers one webhook. Never rejects. */
  async send(order: WebhookOrder): Promise<WebhookAnswer> {
    const { clock } = this.#options
    const rules = deliveryRules(order.url)
    const token = order.idempotencyToken ?? randomUUID()
    const deadline = new AbortController()
    const timer = clock.setTimeout(() => deadline.abort(), rules.totalMs)
    try {
      for (let tries = 0; ; tries++) {
        const { answer, failure } = await this.#try(order, token, deadline.signal, rules.readMs)
        if (answer.ok || failure === undefined || tries >= rules.retries) return answer
        if (!rules.retryOn.has(failure) || deadline.signal.aborted) return answer
      }
    } finally {
      clock.clear(timer)
    }
  }

  /** Ends every connection, at once. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #try(
    order: WebhookOrder,
    token: string,
    deadline: AbortSignal,
    readMs: number,
  ): Promise<{ answer: WebhookAnswer; failure?: TryFailure }> {
    const { clock } = this.#options
    const reading = new AbortController()
    const timer = clock.setTimeout(() => reading.abort(), readMs)
    const signal = AbortSignal.any([deadline, reading.signal])
    try {
      const answer = await this.#follow(order, token, signal)
      if (answer.ok || answer.status === 0) return { answer }
      return { answer, failure: answer.status >= 500 ? '5xx' : '4xx' }
    } catch (error) {
      if (signal.aborted) return { answer: refused(0, 11200, 'no answer in time'), failure: 'rt' }
      return { answer: connectionFailure(error), failure: 'ct' }
    } finally {
      clock.clear(timer)
    }
  }

  async #follow(order: WebhookOrder, token: string, signal: AbortSignal): Promise<WebhookAnswer> {
    let url = order.url.split('#', 1)[0] ?? ''
    let method = order.method
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return refused(0, 21205, 'not an http address')
      const target = method === 'GET' && hops === 0 ? withQuery(url, order.params) : url
      const response = await this.#request(target, method, order.params, token, signal)
      const location = response.headers.location
      if (response.statusCode >= 300 && response.statusCode < 400 && typeof location === 'string') {
        await response.body.dump()
        if (response.statusCode < 307) method = 'GET'
        url = new URL(location, target).href
        continue
      }
      const body = await readBody(response.body, order.purpose === 'play' ? MAX_BODY_BYTES : MAX_TWIML_BYTES + 1)
      if (response.statusCode < 200 || response.statusCode >= 300) {
        return refused(response.statusCode, 11200, `HTTP ${response.statusCode}`)
      }
      if (!body) return refused(response.statusCode, 11750, 'the body is too large')
      const contentType = String(response.headers['content-type'] ?? '')
      return { ok: true, status: response.statusCode, contentType, body, url: target }
    }
    return refused(0, 11215, `more than ${MAX_REDIRECTS}`)
  }

  #request(
    url: string,
    method: 'GET' | 'POST',
    params: Readonly<Record<string, string>>,
    token: string,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { authToken, publicHosts } = this.#options
    const route = routeTo(url, publicHosts)
    const isForm = method === 'POST'
    const signature = signTwilioRequest({ authToken, url, ...(isForm ? { params } : {}) })
    const headers: Record<string, string> = {
      accept: '*/*',
      'user-agent': 'TwilioProxy/1.1',
      'i-twilio-idempotency-token': token,
      'x-twilio-signature': signature,
      ...route.headers,
    }
    if (isForm) headers['content-type'] = 'application/x-www-form-urlencoded; charset=UTF-8'
    return request(route.url, {
      method,
      headers,
      signal,
      dispatcher: this.#agent,
      ...(isForm ? { body: new URLSearchParams(params).toString() } : {}),
    })
  }
}

function withQuery(url: string, params: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(params).toString()
  return query === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`
}

/** The whole body, or nothing when it is larger than allowed. */
async function readBody(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of body) {
    bytes += part.byteLength
    if (bytes > maxBytes) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function refused(status: number, code: ViolationCode, seen: string): WebhookAnswer {
  return { ok: false, status, code, seen }
}

function connectionFailure(error: unknown): WebhookAnswer {
  const code = (error as { code?: unknown } | undefined)?.code
  return refused(0, 11205, typeof code === 'string' ? code : 'connection failed')
}
