/**
 * Signs the webhooks that carry events, and proves them for who receives.
 *
 * The scheme is Standard Webhooks: HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, in base64, so that receivers in other
 * languages can use a library that exists.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @module
 */
import { createHmac } from 'node:crypto'
import { systemClock, type Clock } from '../core/clock.js'
import { checkBody, readJson, type RawBody } from '../webhooks/body.js'
import { equalAscii, oneHeader, secretsOf, type HeaderValue, type Secrets } from '../webhooks/secrets.js'
import { refuse, type WebhookRefusal } from '../webhooks/verdict.js'
import type { CloudEvent } from './cloud-event.js'

const SECRET_PREFIX = 'whsec_'
const MIN_SECRET_BYTES = 24
const MAX_SIGNATURES = 16
const MAX_HEADER_CHARACTERS = 4096
const MAX_BODY_BYTES = 1024 * 1024

/** The headers of a signed webhook, spelled as Node spells them. */
export interface EventWebhookHeaders {
  /** The event's id: the same at every delivery. */
  readonly 'webhook-id': string
  /** When this delivery was signed, in seconds since 1970. */
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

/**
 * The headers for a body, signed at `signedAtMs`.
 *
 * @param secret - Several while one replaces another: the body is then signed with each.
 * @throws TypeError when a secret is not `whsec_` and at least 24 bytes in base64.
 */
export function signEventWebhook(
  secret: Secrets,
  { id, body, signedAtMs }: { readonly id: string; readonly body: string; readonly signedAtMs: number },
): EventWebhookHeaders {
  const timestamp = String(Math.floor(signedAtMs / 1000))
  const signatures = secretsOf(secret, 'secret').map((one) => `v1,${signatureOf(keyOf(one), id, timestamp, body)}`)
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}

/** What a receiver has in its hands. */
export interface VerifyEventWebhookOptions {
  /** `whsec_` and base64, as it was given to the sink. Several while one replaces another. */
  readonly secret: Secrets
  /** The request's headers, their names in lower case. */
  readonly headers: Readonly<Record<string, HeaderValue>>
  /** The raw body, from before any parser. */
  readonly body: RawBody
  /** How far the signed time may lie from this machine's clock, before or after, in milliseconds. Default 5 minutes. */
  readonly toleranceMs?: number
  /** Default 1 MiB. A larger body is refused before anything is computed over it. */
  readonly maxBodyBytes?: number
  readonly clock?: Clock
}

/** An event that came from who has the secret. */
export interface ProvenEventWebhook {
  readonly ok: true
  /** Take each `id` once: the same event may come again. `isVoiceEvent` narrows its data. */
  readonly event: CloudEvent
  /** When this delivery was signed, in milliseconds since 1970. */
  readonly signedAtMs: number
  /** Which of the secrets signed. When the old one no longer does, it can be dropped. */
  readonly secretIndex: number
}

/**
 * Proves a webhook that carries an event. Answer 2xx once the event is safe with you; anything else, and it comes again.
 *
 * @returns the event, or a refusal whose `reason` says what was tried.
 * @throws TypeError when a secret is not one. RangeError when a limit is not positive.
 *
 * @example
 * ```ts
 * const verdict = verifyEventWebhook({ secret, headers: req.headers, body: rawBody })
 * if (!verdict.ok) return res.writeHead(401).end()
 * if (isVoiceEvent(verdict.event, 'call.ended')) await close(verdict.event.id, verdict.event.data.callSid)
 * ```
 */
export function verifyEventWebhook(options: VerifyEventWebhookOptions): ProvenEventWebhook | WebhookRefusal {
  const { headers, body, toleranceMs = 300_000, maxBodyBytes = MAX_BODY_BYTES, clock = systemClock } = options
  const keys = secretsOf(options.secret, 'secret').map(keyOf)
  if (!(toleranceMs > 0 && Number.isFinite(toleranceMs))) {
    throw new RangeError(`toleranceMs must be a positive number, got ${toleranceMs}`)
  }
  const unusable = checkBody(body, maxBodyBytes)
  if (unusable) return unusable
  const signed = readHeaders(headers)
  if ('ok' in signed) return signed

  let secretIndex = -1
  for (const [i, key] of keys.entries()) {
    const expected = signatureOf(key, signed.id, signed.timestamp, body)
    for (const given of signed.signatures) if (equalAscii(given, expected) && secretIndex === -1) secretIndex = i
  }
  if (secretIndex === -1) {
    return refuse(
      'webhook_signature_mismatch',
      `None of ${signed.signatures.length} v1 signature(s) fits the body with ${keys.length} secret(s). The secret is another endpoint's, or the body was parsed before the signature was checked.`,
    )
  }
  const signedAtMs = Number(signed.timestamp) * 1000
  const ageMs = clock.now() - signedAtMs
  if (Math.abs(ageMs) > toleranceMs) {
    return refuse(
      'webhook_timestamp_out_of_tolerance',
      `The webhook was signed ${Math.round(Math.abs(ageMs) / 1000)} s ${ageMs > 0 ? 'ago' : 'ahead'}; ${toleranceMs / 1000} s are allowed.`,
    )
  }
  const parsed = readJson(body)
  if (!parsed.ok) return parsed
  const event = parsed.json
  if (!isCloudEvent(event) || event.id !== signed.id) {
    return refuse('webhook_payload_invalid', 'The body is proven but is no CloudEvent 1.0 of the id that was signed.')
  }
  return { ok: true, event, signedAtMs, secretIndex }
}

function readHeaders(
  headers: Readonly<Record<string, HeaderValue>>,
): { readonly id: string; readonly timestamp: string; readonly signatures: readonly string[] } | WebhookRefusal {
  const read = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => oneHeader(headers[name]))
  const missing = read.includes(undefined)
  if (missing) return refuse('webhook_signature_missing', 'webhook-id, -timestamp or -signature is not there.')
  const [id, timestamp, signature] = read
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
    return malformed('came more than once')
  }
  if (id.length + timestamp.length + signature.length > MAX_HEADER_CHARACTERS) return malformed('is too long')
  if (!/^\d{1,12}$/.test(timestamp)) return malformed('has no time in whole seconds')
  const signatures = signature.split(' ').filter((one) => one.startsWith('v1,')).map((one) => one.slice(3)) // prettier-ignore
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) {
    return malformed(`has ${signatures.length} signatures of the scheme v1, where 1 to ${MAX_SIGNATURES} are read`)
  }
  return { id, timestamp, signatures }
}

function malformed(what: string): WebhookRefusal {
  return refuse('webhook_signature_malformed', `One of webhook-id, -timestamp and -signature ${what}.`)
}

function signatureOf(key: Buffer, id: string, timestamp: string, body: RawBody): string {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
}

function keyOf(secret: string): Buffer {
  const encoded = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : ''
  const key = Buffer.from(encoded, 'base64')
  if (key.length < MIN_SECRET_BYTES || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) {
    throw new TypeError(`secret must be "whsec_" and at least ${MIN_SECRET_BYTES} random bytes in base64`)
  }
  return key
}

function isCloudEvent(value: unknown): value is CloudEvent {
  if (typeof value !== 'object' || value === null) return false
  const event = value as Record<string, unknown>
  const texts = ['id', 'source', 'type', 'subject', 'time', 'tenantid']
  return event['specversion'] === '1.0' && 'data' in event && texts.every((name) => typeof event[name] === 'string')
}
