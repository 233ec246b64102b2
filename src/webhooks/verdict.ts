/**
 * What a check answers: the proven payload, or a refusal that says what was tried.
 *
 * @module
 */
import { ERROR_REMEDIES, SignatureError, type VoiceErrorCode } from '../core/errors.js'

/** The codes with which a webhook or a socket is refused. */
export type WebhookRefusalCode = Extract<VoiceErrorCode, `webhook_${string}`>

/** The request was not proven. Answer 401 or 403 and do nothing else with it. */
export interface WebhookRefusal {
  readonly ok: false
  readonly code: WebhookRefusalCode
  /** What was expected, what came, and the likely cause. Holds no secret, signature, query value or body. */
  readonly reason: string
  /** What to do about it. */
  readonly remedy: string
  /** What the signature was compared with: addresses (query values left out) or time stamps. Empty when it never came to that. */
  readonly tried: readonly string[]
}

/** Builds a refusal. The remedy comes from the table of codes. */
export function refuse(code: WebhookRefusalCode, reason: string, tried: readonly string[] = []): WebhookRefusal {
  return { ok: false, code, reason, remedy: ERROR_REMEDIES[code], tried }
}

/**
 * Turns a refusal into an exception, for hosts that have one place to catch.
 *
 * @returns the verdict, narrowed to its proven form.
 * @throws {@link SignatureError} with the code and the reason of the refusal.
 *
 * @example
 * ```ts
 * const { params } = proven(verifyTwilioRequest({ authToken, signature, url, contentType, body }))
 * ```
 */
export function proven<V extends { readonly ok: true }>(verdict: V | WebhookRefusal): V {
  if (verdict.ok) return verdict
  throw new SignatureError(verdict.code, verdict.reason, { details: { tried: verdict.tried.join(', ') } })
}
