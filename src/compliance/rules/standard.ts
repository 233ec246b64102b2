/**
 * The rules that are shipped, in the order in which they are asked and reported.
 *
 * @module
 */
import type { Rule } from '../rule.js'
import { abandonmentOK } from './abandonment-limit.js'
import { rateLimitOK } from './attempt-caps.js'
import { automatedCallsAllowed } from './automated-calls.js'
import { withinCallingHours } from './calling-hours.js'
import { consentNotExpired } from './consent-expiry.js'
import { consentNotRevoked } from './consent-revocation.js'
import { destinationSupported } from './destination-supported.js'
import { notOnDNC } from './do-not-call.js'
import { numberValid } from './number-valid.js'
import { hasWrittenConsent } from './written-consent.js'

/** Ten checks. A host spreads the list to add to it, and filters or maps it to leave out or replace. */
export const STANDARD_RULES: readonly Rule[] = Object.freeze([
  numberValid,
  destinationSupported,
  hasWrittenConsent,
  consentNotExpired,
  consentNotRevoked,
  notOnDNC,
  automatedCallsAllowed,
  withinCallingHours,
  rateLimitOK,
  abandonmentOK,
])
