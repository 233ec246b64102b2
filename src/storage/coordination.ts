/**
 * How several processes agree: done once, held by one, spent once, and kept for a while.
 *
 * @module
 */

/** Proves that a claim is ours. */
export interface Claim {
  readonly tenantId: string
  readonly key: string
  /** Made for this claim and known to nobody else. */
  readonly claimId: string
}

/** What became of a claim. */
export type Claimed =
  /** It is ours to do: do it, then commit. `isRetry`: somebody claimed it before, and died or was too slow. */
  | { readonly outcome: 'claimed'; readonly claim: Claim; readonly isRetry: boolean }
  /** Somebody is at it; ask again at `untilAt`, when they have committed or their claim has run out. */
  | { readonly outcome: 'in-progress'; readonly untilAt: number }
  /** It was done, and this came of it. */
  | { readonly outcome: 'done'; readonly result: unknown }

/** Idempotency: whatever is asked several times under one key is done once. */
export interface ClaimStore {
  /**
   * Claims a key, in one atomic step: of any number at once, one is told `'claimed'`. A key that was never claimed, was abandoned, whose
   * claim ran out before it was committed, or whose result is kept no longer, is free.
   *
   * @param query.leaseMs - How long the work may take. Beyond it another may claim the key.
   */
  claimKey(query: { readonly tenantId: string; readonly key: string; readonly leaseMs: number }): Promise<Claimed>
  /**
   * Says that it is done, and keeps the result (JSON) for `keepMs`. `false`: the claim had run out and somebody else has claimed the key;
   * the result was not kept. The same commit again is `true`.
   */
  commitClaim(claim: Claim, done: { readonly result?: unknown; readonly keepMs: number }): Promise<boolean>
  /** Frees the key at once, e.g. after a failure that may be tried again. `false`: it was no longer ours. */
  abandonClaim(claim: Claim): Promise<boolean>
}

/** A lease that is ours. */
export interface Lease {
  readonly tenantId: string
  readonly name: string
  readonly holder: string
  /** Grows with every new holder. Hand it to whatever the lease protects, which refuses a smaller one than it has seen. */
  readonly fence: number
  /** When it runs out unless it is renewed, by the store's time. */
  readonly untilAt: number
}

/** What became of a try to take a lease. */
export type LeaseTaken =
  { readonly outcome: 'taken'; readonly lease: Lease } | { readonly outcome: 'held'; readonly untilAt: number }

/**
 * Leases: one holder at a time, and a dead holder is found out. Time is the store's where it has its own (a server), so that hosts whose
 * clocks differ agree; a holder that stopped and woke up is kept out by the fence, which no clock can.
 */
export interface LeaseStore {
  /** Takes a lease that is free or has run out; a holder that holds it takes it again, with the same fence. One atomic step. */
  takeLease(query: {
    readonly tenantId: string
    readonly name: string
    /** Names this process. Must differ from any other. */
    readonly holder: string
    readonly ttlMs: number
  }): Promise<LeaseTaken>
  /** Puts the end off to `ttlMs` from now. `undefined`: it ran out or is held by another; stop what it protects. */
  renewLease(lease: Lease, ttlMs: number): Promise<Lease | undefined>
  /** Gives it back. `false`: it was no longer ours. */
  releaseLease(lease: Lease): Promise<boolean>
}

/** One-time tokens. Give it a hash where the token is a secret: what is kept is what could leak. */
export interface OneTimeTokenStore {
  /** Keeps a token that can be redeemed once, for `subject`, within `ttlMs`. The same token again: `'exists'`. */
  putToken(query: {
    readonly tenantId: string
    readonly token: string
    readonly subject: string
    readonly ttlMs: number
  }): Promise<'added' | 'exists'>
  /**
   * Spends a token, in one atomic step. `true` once, for the right subject and in time; `false` ever after and for anything else. Shown
   * for a wrong subject it is spent too.
   */
  redeemToken(query: { readonly tenantId: string; readonly token: string; readonly subject: string }): Promise<boolean>
}

/**
 * A key-value shim for caches: values that can be had again. Never for consent or do-not-call, which are read where they are written.
 */
export interface CacheStore {
  /** The value, or `undefined` when it is not there or too old. */
  getCached(query: { readonly tenantId: string; readonly key: string }): Promise<unknown>
  /** Keeps a JSON value for `ttlMs`; the last of several wins. */
  setCached(query: {
    readonly tenantId: string
    readonly key: string
    readonly value: unknown
    readonly ttlMs: number
  }): Promise<void>
  /** Forgets it. */
  dropCached(query: { readonly tenantId: string; readonly key: string }): Promise<void>
}
