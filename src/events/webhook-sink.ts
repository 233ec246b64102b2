/**
 * Events as signed webhooks.
 *
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'
import { VendorError } from '../core/errors.js'
import { retryAfterMs, sendRequest, type Fetch } from '../core/http.js'
import type { Secrets } from '../webhooks/secrets.js'
import { CLOUD_EVENT_TYPE, type CloudEvent } from './cloud-event.js'
import type { EventDelivery, EventSink } from './sink.js'
import { signEventWebhook } from './webhook-signature.js'

/** Who receives, and what proves to them that it is us. */
export interface WebhookEndpoint {
  /** `https:`; `http:` only on this machine. */
  readonly url: string
  /** `whsec_` and at least 24 random bytes in base64. Several while one replaces another: each signs. */
  readonly secret: Secrets
}

export interface WebhookSinkOptions {
  /** One endpoint for all, or a function that knows each event's, e.g. by its tenant. `undefined`: nobody wants this one, and it is done with. */
  readonly endpoint:
    WebhookEndpoint | ((event: CloudEvent) => WebhookEndpoint | undefined | Promise<WebhookEndpoint | undefined>)
  /** How long a receiver may take to answer, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number
  readonly fetch?: Fetch
  readonly clock?: Clock
}

/** The longest answer that is read: nothing in it is used. */
const MAX_ANSWER_BYTES = 65_536
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Posts each event to its endpoint, signed. 2xx is taken; any other answer, a redirect included, is not, and the event comes again. A
 * `Retry-After` is heeded.
 *
 * @throws TypeError when the one endpoint for all has an address or a secret that cannot be used.
 */
export function webhookSink({
  endpoint,
  timeoutMs = 10_000,
  fetch,
  clock = systemClock,
}: WebhookSinkOptions): EventSink {
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be a positive number, got ${timeoutMs}`)
  if (typeof endpoint !== 'function') {
    checkAddress(endpoint.url)
    signEventWebhook(endpoint.secret, { id: '', body: '', signedAtMs: 0 })
  }
  return {
    async deliver({ event, signal }: EventDelivery) {
      const receiver = typeof endpoint === 'function' ? await endpoint(event) : endpoint
      if (!receiver) return
      checkAddress(receiver.url)
      const signed = signEventWebhook(receiver.secret, { id: event.id, body: JSON.stringify(event), signedAtMs: clock.now() }) // prettier-ignore
      const { status, headers } = await sendRequest({
        method: 'POST',
        url: receiver.url,
        headers: { 'content-type': CLOUD_EVENT_TYPE, ...signed },
        json: event,
        timeoutMs,
        signal,
        maxResponseBytes: MAX_ANSWER_BYTES,
        fetch,
        clock,
      })
      if (status >= 200 && status < 300) return
      const waitMs = retryAfterMs(headers.get('retry-after'), clock.now())
      throw new VendorError('event_not_taken', `The receiver of a webhook answered ${status}`, {
        status,
        retry: 'backoff',
        ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
      })
    },
  }
}

function checkAddress(url: string): void {
  if (!URL.canParse(url)) throw new TypeError('url of an endpoint must be an absolute URL')
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname))) return
  throw new TypeError('url of an endpoint must be https; http is only for this machine')
}
