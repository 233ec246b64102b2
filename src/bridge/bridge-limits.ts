/**
 * What one call may take, and what happens to its keys.
 *
 * @module
 */

/** The limits of a call, each set. */
export interface BridgeLimits {
  /** How long to wait for the stream, in milliseconds. Default 30 000. Then the agent is closed. */
  readonly attachTimeoutMs: number
  /** A call in which neither speaks for so long is ended, in milliseconds. Default 120 000. */
  readonly idleTimeoutMs: number
  /** A call is ended after so long, in milliseconds. Default 3 600 000. */
  readonly maxDurationMs: number
  /** How long the agent's last words may take to be heard before the hang-up, in milliseconds. Default 30 000. */
  readonly goodbyeTimeoutMs: number
  /**
   * What the agent learns of keys that the caller presses: `'context'` (default) tells it without interrupting,
   * `'user-message'` makes it answer as if they had been spoken, `'off'` keeps them from it. The `digit` event comes anyway.
   */
  readonly digits: 'context' | 'user-message' | 'off'
}

const DIGITS: ReadonlySet<string> = new Set<BridgeLimits['digits']>(['context', 'user-message', 'off'])

/** Fills in the defaults. @throws RangeError or TypeError for what is no limit. */
export function bridgeLimits(options: Partial<BridgeLimits>): BridgeLimits {
  const { digits = 'context' } = options
  if (!DIGITS.has(digits)) throw new TypeError(`digits must be one of ${[...DIGITS].join(', ')}`)
  return {
    attachTimeoutMs: limit('attachTimeoutMs', options.attachTimeoutMs, 30_000),
    idleTimeoutMs: limit('idleTimeoutMs', options.idleTimeoutMs, 120_000),
    maxDurationMs: limit('maxDurationMs', options.maxDurationMs, 3_600_000),
    goodbyeTimeoutMs: limit('goodbyeTimeoutMs', options.goodbyeTimeoutMs, 30_000),
    digits,
  }
}

function limit(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise
  if (!(value > 0)) throw new RangeError(`${name} must be a positive number of milliseconds, got ${value}`)
  return value
}
