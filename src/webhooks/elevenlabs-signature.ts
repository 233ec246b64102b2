/**
 * Proves that a workspace webhook comes from ElevenLabs (`ElevenLabs-Signature`).
 *
 * The header is `t=<unix seconds>,v0=<hex>`, where v0 is the HMAC-SHA256 of `<t>.<raw body>` under the whole secret, its
 * `wsec_` prefix included.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/workflows/post-call-webhooks (read 2026-11-21)
 * @module
 */
import { createHmac } from 'node:crypto'
import { systemClock, type Clock } from '../core/clock.js'
import { checkBody, ELEVENLABS_MAX_BODY_BYTES, readJson, type RawBody } from './body.js'
import { equalAscii, oneHeader, secretsOf, type HeaderValue, type Secrets } from './secrets.js'
import { refuse, type WebhookRefusal } from './verdict.js'

/** The header that carries the signature, spelled as Node spells it. */
export const ELEVENLABS_SIGNATURE_HEADER = 'elevenlabs-signature'

export interface VerifyElevenLabsWebhookOptions {
  /** The secret that ElevenLabs showed once when the webhook was made. Several while one replaces another. */
  readonly secret: Secrets
  /** The header `ElevenLabs-Signature` as the host hands it over. */
  readonly signature: HeaderValue
  /** The raw body, from before any parser. */
  readonly body: RawBody
  /** How old the signed time may be, in milliseconds. Default 30 minutes, which is what ElevenLabs' own client allows. */
  readonly toleranceMs?: number
  /** How far the signed time may lie ahead of this machine's clock, in milliseconds. Default 5 minutes. */
  readonly futureToleranceMs?: number
  /** Default 50 MiB, for `post_call_audio`. A larger body is refused before anything is computed over it. */
  readonly maxBodyBytes?: number
  readonly clock?: Clock
}

/** A webhook that ElevenLabs signed. */
export interface ProvenElevenLabsWebhook {
  readonly ok: true
  /** The body. `parseElevenLabsWebhook` gives it a type. */
  readonly json: unknown
  /** When it was signed, in milliseconds since 1970. */
  readonly signedAtMs: number
  /** Which of the secrets signed. When the old one no longer does, it can be dropped. */
  readonly secretIndex: number
}

const MAX_HEADER_CHARACTERS = 4096
const MAX_HASHES = 16

/**
 * Checks `ElevenLabs-Signature` on a webhook.
 *
 * The signature is compared before the time is looked at, so the reason for a stale request is given only for one that was
 * signed. A request can be replayed within the tolerance: take each `(type, conversation_id, event_timestamp)` once.
 *
 * @returns the proven body, or a refusal whose `reason` says what was tried.
 * @throws TypeError when there is no secret. RangeError when a tolerance is negative or not finite.
 *
 * @example
 * ```ts
 * const verdict = verifyElevenLabsWebhook({ secret, signature: req.headers['elevenlabs-signature'], body: rawBody })
 * if (!verdict.ok) return res.writeHead(401).end()
 * const event = await parseElevenLabsWebhook(verdict.json)
 * ```
 */
export function verifyElevenLabsWebhook(
  options: VerifyElevenLabsWebhookOptions,
): ProvenElevenLabsWebhook | WebhookRefusal {
  const proof = proveElevenLabsBody(options)
  if (!proof.ok) return proof
  const parsed = readJson(options.body)
  return parsed.ok ? { ...proof, json: parsed.json } : parsed
}

/** The same without reading the body, for whoever reads it in another way. */
export function proveElevenLabsBody(
  options: VerifyElevenLabsWebhookOptions,
): Omit<ProvenElevenLabsWebhook, 'json'> | WebhookRefusal {
  const { toleranceMs = 1_800_000, futureToleranceMs = 300_000, clock = systemClock, body } = options
  const secrets = secretsOf(options.secret, 'secret')
  checkTolerance('toleranceMs', toleranceMs)
  checkTolerance('futureToleranceMs', futureToleranceMs)
  const unusable = checkBody(body, options.maxBodyBytes ?? ELEVENLABS_MAX_BODY_BYTES)
  if (unusable) return unusable
  const header = readHeader(options.signature)
  if ('ok' in header) return header

  let secretIndex = -1
  for (const [i, secret] of secrets.entries()) {
    const expected = signatureOf(secret, header.timestamp, body)
    for (const given of header.hashes) {
      if (equalAscii(given, expected) && secretIndex === -1) secretIndex = i
    }
  }
  const tried = [`t=${header.timestamp}`]
  if (secretIndex === -1) {
    return refuse(
      'webhook_signature_mismatch',
      `None of ${header.hashes.length} v0 signature(s) fits the body with ${secrets.length} secret(s). The secret is another webhook's, or the body was parsed before the signature was checked.`,
      tried,
    )
  }
  const signedAtMs = Number(header.timestamp) * 1000
  const ageMs = clock.now() - signedAtMs
  if (ageMs > toleranceMs || -ageMs > futureToleranceMs) {
    const where = ageMs > 0 ? 'ago' : 'ahead'
    return refuse(
      'webhook_timestamp_out_of_tolerance',
      `The webhook was signed ${Math.round(Math.abs(ageMs) / 1000)} s ${where}; ${toleranceMs / 1000} s ago to ${futureToleranceMs / 1000} s ahead are allowed.`,
      tried,
    )
  }
  return { ok: true, signedAtMs, secretIndex }
}

export interface SignElevenLabsWebhookOptions {
  readonly secret: string
  readonly body: RawBody
  /** Says when it is signed. Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
}

/**
 * The value of `ElevenLabs-Signature` for a body, signed now by the clock's account.
 *
 * @throws TypeError when the secret is empty.
 */
export function signElevenLabsWebhook(options: SignElevenLabsWebhookOptions): string {
  const [secret = ''] = secretsOf(options.secret, 'secret')
  const timestamp = String(Math.floor((options.clock ?? systemClock).now() / 1000))
  return `t=${timestamp},v0=${signatureOf(secret, timestamp, options.body)}`
}

function signatureOf(secret: string, timestamp: string, body: RawBody): string {
  return createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')
}

function readHeader(
  value: HeaderValue,
): { readonly timestamp: string; readonly hashes: readonly string[] } | WebhookRefusal {
  const header = oneHeader(value)
  if (header === undefined) return refuse('webhook_signature_missing', 'There is no ElevenLabs-Signature header.')
  if (header === null) return malformed('came more than once')
  if (header.length > MAX_HEADER_CHARACTERS) return malformed(`is longer than ${MAX_HEADER_CHARACTERS} characters`)
  const timestamps: string[] = []
  const hashes: string[] = []
  for (const part of header.split(',')) {
    const [name, text] = splitPart(part)
    if (name === 't') timestamps.push(text)
    else if (name === 'v0') hashes.push(text)
  }
  const [timestamp = '', second] = timestamps
  if (second !== undefined) return malformed('has more than one time (t=)')
  if (!/^\d{1,12}$/.test(timestamp)) return malformed('has no time in whole seconds (t=)')
  if (hashes.length === 0) return malformed('has no signature of the scheme v0')
  if (hashes.length > MAX_HASHES) return malformed(`has more than ${MAX_HASHES} signatures`)
  if (!hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash)))
    return malformed('has a v0 that is not 64 lower-case hex digits')
  return { timestamp, hashes }
}

function splitPart(part: string): [name: string, text: string] {
  const trimmed = part.trim()
  const equalsAt = trimmed.indexOf('=')
  return equalsAt === -1 ? [trimmed, ''] : [trimmed.slice(0, equalsAt), trimmed.slice(equalsAt + 1)]
}

function malformed(what: string): WebhookRefusal {
  return refuse('webhook_signature_malformed', `ElevenLabs-Signature ${what}.`)
}

function checkTolerance(option: string, valueMs: number): void {
  if (!(valueMs >= 0 && Number.isFinite(valueMs))) {
    throw new RangeError(`${option} must be zero or more milliseconds, got ${valueMs}`)
  }
}
