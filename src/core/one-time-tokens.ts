/**
 * One-time tokens: what proves that a socket belongs to the call that was answered a moment ago.
 *
 * Twilio strips query strings from `<Stream url>`, so a token travels as a `<Parameter>` and is checked when `start`
 * arrives (https://www.twilio.com/docs/voice/twiml/stream, read 2026-11-21).
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto'
import { systemClock, type Clock } from './clock.js'

/** Issues and redeems one-time tokens. Several processes behind one address need a shared implementation. */
export interface OneTimeTokens {
  /**
   * Makes a token that can be redeemed once, for `subject` (a Call SID), within its lifetime. It stands in TwiML, which refuses what has the
   * form of a vendor's key (`sk_…`, `xi-…`): hexadecimal digits or a UUID never have, base64url has once in 65 536 times.
   */
  issue(subject: string): string | Promise<string>
  /** Redeems a token. `true` once for the right subject, `false` ever after and for anything else. */
  redeem(token: string, subject: string): boolean | Promise<boolean>
}

export interface OneTimeTokensOptions {
  readonly clock?: Clock
  /** How long a token can be redeemed, in milliseconds. Default 60 000: the time from webhook to socket is seconds. */
  readonly lifetimeMs?: number
  /** How many unredeemed tokens are kept; beyond it the oldest is forgotten. Default 10 000. */
  readonly maxTokens?: number
}

interface Issued {
  readonly subject: string
  readonly expiresMs: number
}

/** One-time tokens in the memory of this process. Only a hash of each is kept. */
export function createOneTimeTokens(options: OneTimeTokensOptions = {}): OneTimeTokens {
  const { clock = systemClock, lifetimeMs = 60_000, maxTokens = 10_000 } = options
  const issued = new Map<string, Issued>()

  function forgetExpired(): void {
    const nowMs = clock.monotonicMs()
    // Insertion order is expiry order, so the first living token ends the sweep.
    for (const [hash, { expiresMs }] of issued) {
      if (expiresMs > nowMs && issued.size <= maxTokens) return
      issued.delete(hash)
    }
  }

  return {
    issue(subject) {
      const token = randomBytes(24).toString('hex') // base64url may begin as a vendor's key does, and TwiML would refuse it
      issued.set(hashOf(token), { subject, expiresMs: clock.monotonicMs() + lifetimeMs })
      forgetExpired()
      return token
    },
    redeem(token, subject) {
      const hash = hashOf(token)
      const found = issued.get(hash)
      if (!found) return false
      issued.delete(hash) // whoever shows it, it is spent
      return found.subject === subject && found.expiresMs > clock.monotonicMs()
    },
  }
}

// Looking up by hash leaves nothing to compare in constant time: the attacker does not choose what is compared.
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}
