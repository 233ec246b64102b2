/**
 * Proves a webhook that carries a secret in a header instead of a signature: ElevenLabs' conversation initiation webhook,
 * and server tools.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/customization/personalization (read 2026-11-21)
 * @module
 */
import { checkBody, readJson, TWILIO_MAX_BODY_BYTES, type RawBody } from './body.js'
import { equalSecret, oneHeader, secretsOf, type HeaderValue, type Secrets } from './secrets.js'
import { refuse, type WebhookRefusal } from './verdict.js'

export interface VerifySharedSecretOptions {
  /** The whole value of the header, as entered in the dashboard. Printable ASCII. Several while one replaces another. */
  readonly secret: Secrets
  /** The header as the host hands it over. */
  readonly header: HeaderValue
  /** The raw body, from before any parser. Leave out for a GET. */
  readonly body?: RawBody | undefined
  /** Default 1 MiB. */
  readonly maxBodyBytes?: number
}

/** A request that showed the secret. */
export interface ProvenSharedSecret {
  readonly ok: true
  /** The body, or `undefined` when there was none. */
  readonly json: unknown
  /** Which of the secrets was shown. */
  readonly secretIndex: number
}

/**
 * Compares a header with a secret, in constant time.
 *
 * This proves that the sender knows the secret. It proves nothing about the body, and a copy of the request works for ever: serve
 * it over https only.
 *
 * @throws TypeError when there is no secret, or one that a header cannot carry unchanged.
 */
export function verifySharedSecret(options: VerifySharedSecretOptions): ProvenSharedSecret | WebhookRefusal {
  const { header, body, maxBodyBytes = TWILIO_MAX_BODY_BYTES } = options
  const secrets = secretsOf(options.secret, 'secret')
  // Servers read header bytes as Latin-1, clients write UTF-8: beyond ASCII the two never match.
  if (!secrets.every((secret) => /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(secret))) {
    throw new TypeError(
      'secret must be printable ASCII without spaces at its ends: a header carries nothing else unchanged',
    )
  }
  const unusable = body === undefined ? undefined : checkBody(body, maxBodyBytes)
  if (unusable) return unusable
  const given = oneHeader(header)
  if (given === undefined) return refuse('webhook_signature_missing', 'The header with the shared secret is missing.')
  if (given === null)
    return refuse('webhook_signature_malformed', 'The header with the shared secret came more than once.')
  let secretIndex = -1
  for (const [i, secret] of secrets.entries()) {
    if (equalSecret(given, secret) && secretIndex === -1) secretIndex = i
  }
  if (secretIndex === -1) {
    return refuse('webhook_signature_mismatch', `The header fits none of ${secrets.length} shared secret(s).`)
  }
  if (body === undefined || body.length === 0) return { ok: true, json: undefined, secretIndex }
  const parsed = readJson(body)
  return parsed.ok ? { ok: true, json: parsed.json, secretIndex } : parsed
}
