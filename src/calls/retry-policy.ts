/**
 * When a call is tried again: three policies, each with an end.
 *
 * @module
 */
import type { FailureMeaning } from './failures.js'

/** How often and when. */
export interface RetryPolicies {
  /** The same request to a vendor again, within the same attempt: only what was certainly not done. Default: 3 times from 1 s. */
  readonly request?: { readonly maxRetries: number; readonly baseMs: number; readonly maxMs: number }
  /** Another attempt after a vendor failed. Default: 3 tries in all, an hour apart. */
  readonly vendorFailure?: { readonly maxTries: number; readonly delayMs: number }
  /** Another attempt after a call reached nobody. Default: 3 tries in all, 30 minutes apart, after `failed` and `no-answer`. */
  readonly callOutcome?: { readonly maxTries: number; readonly delayMs: number; readonly retryOn: readonly string[] }
}

export const DEFAULT_RETRIES = {
  request: { maxRetries: 3, baseMs: 1000, maxMs: 20_000 },
  vendorFailure: { maxTries: 3, delayMs: 3_600_000 },
  callOutcome: { maxTries: 3, delayMs: 1_800_000, retryOn: ['failed', 'no-answer'] },
} as const satisfies Required<RetryPolicies>

/**
 * How long to wait before the next request, in milliseconds: what the vendor asked for, else doubling, with up to a half of it taken off by chance.
 *
 * @param retry - 0 for the first repeat.
 * @param random - From 0 to 1.
 */
export function requestDelayMs(
  retry: number,
  policy: { readonly baseMs: number; readonly maxMs: number },
  random: number,
  retryAfterMs?: number,
): number {
  if (retryAfterMs !== undefined) return Math.min(retryAfterMs, policy.maxMs)
  return Math.round(Math.min(policy.maxMs, policy.baseMs * 2 ** retry) * (0.5 + random / 2))
}

/** When the next attempt is due after a vendor failed; `undefined`: there is none. A tenth of jitter keeps a herd apart. */
export function nextTryAfterFailure(
  failure: Pick<FailureMeaning, 'action' | 'maxRetries'>,
  tryNumber: number,
  policy: { readonly maxTries: number; readonly delayMs: number },
  random: number,
): number | undefined {
  if (failure.action !== 'retry' && failure.action !== 'retry-later') return undefined
  const most = Math.min(policy.maxTries, 1 + (failure.maxRetries ?? Infinity))
  return tryNumber < most ? Math.round(policy.delayMs * (1 + random / 10)) : undefined
}

/** When the next attempt is due after a call that reached nobody; `undefined`: there is none. */
export function nextTryAfterOutcome(
  callStatus: string,
  tryNumber: number,
  policy: { readonly maxTries: number; readonly delayMs: number; readonly retryOn: readonly string[] },
  random: number,
): number | undefined {
  if (!policy.retryOn.includes(callStatus) || tryNumber >= policy.maxTries) return undefined
  return Math.round(policy.delayMs * (1 + random / 10))
}
