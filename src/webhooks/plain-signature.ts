/**
 * Proves a request that was signed with nothing but HMAC-SHA256 over its body: senders of one's own, such as a proxy between
 * ElevenLabs and a server tool. ElevenLabs itself signs with a time stamp.
 *
 * @module
 */
import { createHmac } from 'node:crypto'
import { checkBody, TWILIO_MAX_BODY_BYTES, type RawBody } from './body.js'
import { equalAscii, oneHeader, secretsOf, type HeaderValue, type Secrets } from './secrets.js'
import { refuse, type WebhookRefusal } from './verdict.js'

export interface VerifyPlainSignatureOptions {
  /** The shared secret. Several while one replaces another. */
  readonly secret: Secrets
  /** The header as the host hands it over: 64 lower-case hex digits. */
  readonly signature: HeaderValue
  /** What was signed: the raw body, or for a GET the query string without its question mark. */
  readonly body: RawBody
  /** Default 1 MiB. */
  readonly maxBodyBytes?: number
}

/** A body that was signed. */
export interface ProvenPlainSignature {
  readonly ok: true
  /** What was signed. */
  readonly body: RawBody
  /** Which of the secrets signed. */
  readonly secretIndex: number
}

/**
 * Checks a signature without a time stamp. A captured request stays valid for ever.
 *
 * @throws TypeError when there is no secret.
 */
export function verifyPlainSignature(options: VerifyPlainSignatureOptions): ProvenPlainSignature | WebhookRefusal {
  const { body, maxBodyBytes = TWILIO_MAX_BODY_BYTES } = options
  const secrets = secretsOf(options.secret, 'secret')
  const unusable = checkBody(body, maxBodyBytes)
  if (unusable) return unusable
  const given = oneHeader(options.signature)
  if (given === undefined) return refuse('webhook_signature_missing', 'The signature header is missing.')
  if (given === null || !/^[0-9a-f]{64}$/.test(given)) {
    return refuse('webhook_signature_malformed', 'The signature is not 64 lower-case hex digits, once.')
  }
  let secretIndex = -1
  for (const [i, secret] of secrets.entries()) {
    if (equalAscii(given, signPlain({ secret, body })) && secretIndex === -1) secretIndex = i
  }
  if (secretIndex >= 0) return { ok: true, body, secretIndex }
  return refuse('webhook_signature_mismatch', `The signature fits the body with none of ${secrets.length} secret(s).`)
}

/** HMAC-SHA256 of a body in lower-case hex. */
export function signPlain({ secret, body }: { readonly secret: string; readonly body: RawBody }): string {
  return createHmac('sha256', secret).update(body).digest('hex')
}
