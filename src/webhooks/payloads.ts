/**
 * Gives proven payloads a type, loading the schemas when the first one arrives.
 *
 * The schema library takes several times as long to load as everything else in this folder together; a process that only checks
 * signatures never pays for it.
 *
 * @module
 */
import type { TwilioParams } from './form.js'
import type { ElevenLabsWebhook, InitiationRequest } from './elevenlabs-payloads.js'
import type { TwilioWebhookKind, TwilioWebhooks } from './twilio-payloads.js'

/**
 * Reads the proven parameters of one of Twilio's voice webhooks.
 *
 * @param kind - Which webhook: the host knows it from its own route.
 * @throws {@link ProtocolError} `webhook_payload_invalid`; the message names the parameters that failed and never their values.
 *
 * @example
 * ```ts
 * const { CallStatus, SequenceNumber } = await parseTwilioWebhook('call-status', verdict.params)
 * ```
 */
export async function parseTwilioWebhook<K extends TwilioWebhookKind>(
  kind: K,
  params: TwilioParams,
): Promise<TwilioWebhooks[K]> {
  const { readTwilioWebhook } = await import('./twilio-payloads.js')
  return readTwilioWebhook(kind, params)
}

/**
 * Reads a proven workspace webhook of ElevenLabs. A type that this version does not know becomes `{ type: 'unknown' }`.
 *
 * @throws {@link ProtocolError} `webhook_payload_invalid` when it has no type, or is of a known type and malformed.
 */
export async function parseElevenLabsWebhook(json: unknown): Promise<ElevenLabsWebhook> {
  const { readElevenLabsWebhook } = await import('./elevenlabs-payloads.js')
  return readElevenLabsWebhook(json)
}

/**
 * Reads a proven conversation initiation webhook of ElevenLabs.
 *
 * @throws {@link ProtocolError} `webhook_payload_invalid`.
 */
export async function parseInitiationRequest(json: unknown): Promise<InitiationRequest> {
  const { readInitiationRequest } = await import('./elevenlabs-payloads.js')
  return readInitiationRequest(json)
}
