/**
 * The fragment of a webhook address, in which Twilio is told how long to wait and how often to try again.
 *
 * @see https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides (read 2026-11-21)
 * @module
 */

/** Why a try failed, in the words of the fragment. */
export type TryFailure = '4xx' | '5xx' | 'ct' | 'rt'

/** How one webhook is delivered. */
export interface DeliveryRules {
  /** All tries together, in milliseconds. Default 15 000. */
  readonly totalMs: number
  /** One try, in milliseconds. Default 15 000. */
  readonly readMs: number
  /** Tries after the first. Default 1. */
  readonly retries: number
  /** Which failures are tried again. By default only a connection that was not made. */
  readonly retryOn: ReadonlySet<TryFailure>
}

/** Reads the fragment. What is out of range or unknown keeps its default. */
export function deliveryRules(url: string): DeliveryRules {
  const fragment = new URLSearchParams(url.split('#', 2)[1] ?? '')
  const within = (key: string, lowest: number, highest: number, fallback: number): number => {
    const text = fragment.get(key)
    const value = text === null ? Number.NaN : Number(text)
    return Number.isInteger(value) && value >= lowest && value <= highest ? value : fallback
  }
  const policies = (fragment.get('rp') ?? 'ct').split(',')
  const all: TryFailure[] = ['4xx', '5xx', 'ct', 'rt']
  return {
    totalMs: within('tt', 100, 15_000, 15_000),
    readMs: within('rt', 100, 15_000, 15_000),
    retries: within('rc', 0, 5, 1),
    retryOn: new Set(policies.includes('all') ? all : all.filter((failure) => policies.includes(failure))),
  }
}
