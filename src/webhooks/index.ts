/**
 * Webhooks: proves that a request or a socket comes from Twilio or ElevenLabs, and says what it holds.
 *
 * Loads neither `twilio` nor `ws`, and the schemas only when a payload is read.
 *
 * @module
 */
export { ELEVENLABS_MAX_BODY_BYTES, readBody, TWILIO_MAX_BODY_BYTES, type RawBody } from './body.js'
export type { ElevenLabsWebhook, InitiationRequest, UnknownElevenLabsWebhook } from './elevenlabs-payloads.js'
export {
  ELEVENLABS_SIGNATURE_HEADER,
  signElevenLabsWebhook,
  verifyElevenLabsWebhook,
  type ProvenElevenLabsWebhook,
  type SignElevenLabsWebhookOptions,
  type VerifyElevenLabsWebhookOptions,
} from './elevenlabs-signature.js'
export { MAX_FORM_PAIRS, type ParsedParams, type TwilioParams } from './form.js'
export { parseElevenLabsWebhook, parseInitiationRequest, parseTwilioWebhook } from './payloads.js'
export {
  signPlain,
  verifyPlainSignature,
  type ProvenPlainSignature,
  type VerifyPlainSignatureOptions,
} from './plain-signature.js'
export { publicUrlOf } from './public-url.js'
export type { HeaderValue, Secrets } from './secrets.js'
export { verifySharedSecret, type ProvenSharedSecret, type VerifySharedSecretOptions } from './shared-secret.js'
export type { TwilioWebhookKind, TwilioWebhooks } from './twilio-payloads.js'
export {
  TWILIO_SIGNATURE_HEADER,
  verifyTwilioRequest,
  verifyTwilioUpgrade,
  type ProvenTwilioRequest,
  type ProvenTwilioUpgrade,
  type VerifyTwilioRequestOptions,
  type VerifyTwilioUpgradeOptions,
} from './twilio-signature.js'
export {
  signTwilioBody,
  signTwilioRequest,
  type SignTwilioBodyOptions,
  type SignTwilioRequestOptions,
} from './twilio-signing.js'
export { proven, type WebhookRefusal, type WebhookRefusalCode } from './verdict.js'
