/**
 * Event claims across processes: an event that is delivered to several of them is taken in by one.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { ClaimPort, HeldClaim } from '../core/claims.js'
import type { EventClaims } from './event-claims.js'

export interface StoreEventClaimsOptions {
  /** Any store of `callweave/storage`, or what has its claims. */
  readonly store: ClaimPort
  /** Under which tenant the claims are kept: who is meant is only known later. Default `elevenlabs-events`. */
  readonly tenantId?: string
  /** How long an event may be worked on before another process may take it, in milliseconds. Default 120 000. */
  readonly leaseMs?: number
  /** How long an event is remembered, in milliseconds. Default 7 days; ElevenLabs repeats for 41 minutes at most (read 2026-11-21). */
  readonly rememberMs?: number
}

/** Claims in a store. What is kept is a hash of the event's key, and nothing of the event. */
export function storeEventClaims(options: StoreEventClaimsOptions): EventClaims {
  const { store, tenantId = 'elevenlabs-events', leaseMs = 120_000, rememberMs = 7 * 86_400_000 } = options
  for (const [name, value] of Object.entries({ leaseMs, rememberMs })) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${name} must be a positive number, got ${value}`)
  }
  const held = new Map<string, HeldClaim>()
  return {
    async claim(key) {
      const hashed = createHash('sha256').update(key).digest('base64url')
      const claimed = await store.claimKey({ tenantId, key: hashed, leaseMs })
      if (claimed.outcome === 'in-progress') return 'running'
      if (claimed.outcome === 'done') return 'done'
      held.set(key, claimed.claim)
      return 'new'
    },
    async settle(key, outcome) {
      const claim = held.get(key)
      held.delete(key)
      if (!claim) return
      if (outcome === 'done') await store.commitClaim(claim, { keepMs: rememberMs })
      else await store.abandonClaim(claim)
    },
  }
}
