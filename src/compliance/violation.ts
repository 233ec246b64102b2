/**
 * A refusal as an error, for code that would rather not look at values.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'
import type { Allowed, Decision, Refused } from './decision.js'

/** A call was asked for that may not be placed. */
export class TcpaViolationError extends VoiceError {
  static override readonly kind: string = 'TcpaViolationError'
  /** The checks that failed, in order. */
  readonly failures: readonly string[]
  readonly decision: Refused

  constructor(decision: Refused) {
    super('compliance_refused', `TCPA_VIOLATION: Failed checks: ${decision.failedChecks.join(', ')}`, {
      details: { nextAllowedAt: decision.nextAllowedAt },
    })
    this.failures = decision.failedChecks
    this.decision = decision
  }
}

/**
 * The decision, if it allows the call.
 *
 * @throws {@link TcpaViolationError} `compliance_refused` if it does not.
 */
export function assertAllowed(decision: Decision): Allowed {
  if (decision.outcome === 'refuse') throw new TcpaViolationError(decision)
  return decision
}
