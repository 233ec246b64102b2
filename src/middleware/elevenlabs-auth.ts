/**
 * Who may speak as ElevenLabs: a signature of its own, a secret in a header, or the schemes of older set-ups, by name only.
 *
 * @module
 */
import type { Clock } from '../core/clock.js'
import { proveElevenLabsBody } from '../webhooks/elevenlabs-signature.js'
import { verifyPlainSignature } from '../webhooks/plain-signature.js'
import type { Secrets } from '../webhooks/secrets.js'
import { verifySharedSecret } from '../webhooks/shared-secret.js'
import { refuse, type WebhookRefusal } from '../webhooks/verdict.js'
import type { HostRequest } from './host-request.js'

/** How requests prove that they come from ElevenLabs. At least one has to be given; any that is given is enough. */
export interface ElevenLabsAuth {
  /** The secret of the workspace's webhooks, which sign themselves (`ElevenLabs-Signature`). Several while one replaces another. */
  readonly webhookSecret?: Secrets
  /**
   * A header and its value, as entered in the dashboard. The initiation webhook and server tools can prove themselves in no other way
   * (read 2026-11-21).
   */
  readonly sharedSecret?: { readonly header: string; readonly secret: Secrets }
  /**
   * HMAC-SHA256 of the bare body, or of the query string of a GET, in `X-ElevenLabs-Signature`. ElevenLabs does not send this; it is for
   * senders of your own. A captured request stays valid for ever.
   */
  readonly rawBodySecret?: Secrets
}

/** Proves requests. */
export interface ElevenLabsProof {
  /** Whether a request carries anything that could prove it: one that does not is refused before its body is read. */
  readonly isClaimed: (request: HostRequest) => boolean
  /** Whether it does. Says nothing about what the body holds. */
  readonly prove: (request: HostRequest, body: Uint8Array | string) => { readonly ok: true } | WebhookRefusal
  /** What is said of a request that carries none. */
  readonly missing: WebhookRefusal
}

const SIGNATURE_HEADER = 'elevenlabs-signature'
const RAW_BODY_HEADER = 'x-elevenlabs-signature'

/**
 * Makes the check.
 *
 * @throws TypeError when no way to prove anything is given.
 */
export function elevenLabsProof(auth: ElevenLabsAuth, clock: Clock, maxBodyBytes: number): ElevenLabsProof {
  const { webhookSecret, sharedSecret, rawBodySecret } = auth
  const headers = [
    ...(webhookSecret === undefined ? [] : ['ElevenLabs-Signature']),
    ...(sharedSecret ? [sharedSecret.header] : []),
    ...(rawBodySecret === undefined ? [] : ['X-ElevenLabs-Signature']),
  ]
  if (headers.length === 0) {
    throw new TypeError('Give a webhookSecret or a sharedSecret: without one anybody could speak as ElevenLabs')
  }
  const names = headers.map((name) => name.toLowerCase())
  const sharedHeader = sharedSecret?.header.toLowerCase()
  const missing = refuse('webhook_signature_missing', `The request carries none of: ${headers.join(', ')}.`)
  return {
    missing,
    isClaimed: (request) => names.some((name) => request.header(name) !== undefined),
    prove: (request, body) => {
      const signature = request.header(SIGNATURE_HEADER)
      if (signature !== undefined && webhookSecret !== undefined) {
        return proveElevenLabsBody({ secret: webhookSecret, signature, body, clock, maxBodyBytes })
      }
      const shared = sharedHeader === undefined ? undefined : request.header(sharedHeader)
      if (shared !== undefined && sharedSecret)
        return verifySharedSecret({ secret: sharedSecret.secret, header: shared })
      const rawBody = request.header(RAW_BODY_HEADER)
      if (rawBody === undefined || rawBodySecret === undefined) return missing
      const signed = request.method === 'GET' ? (request.target.split('?', 2)[1] ?? '') : body
      return verifyPlainSignature({ secret: rawBodySecret, signature: rawBody, body: signed, maxBodyBytes })
    },
  }
}
