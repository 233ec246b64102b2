/**
 * The members that we need of a store's idempotency claims: whatever is asked several times under one key, by several processes, is
 * done once. Every store of `callweave/storage` has them.
 *
 * @module
 */

/** Proves that a claim is ours. */
export interface HeldClaim {
  readonly tenantId: string
  readonly key: string
  readonly claimId: string
}

/** What became of a claim. */
export type ClaimOutcome =
  | { readonly outcome: 'claimed'; readonly claim: HeldClaim }
  | { readonly outcome: 'in-progress' }
  | { readonly outcome: 'done'; readonly result: unknown }

/** See `ClaimStore` of `callweave/storage` for what each must do in one step. */
export interface ClaimPort {
  claimKey(query: { readonly tenantId: string; readonly key: string; readonly leaseMs: number }): Promise<ClaimOutcome>
  commitClaim(claim: HeldClaim, done: { readonly result?: unknown; readonly keepMs: number }): Promise<boolean>
  abandonClaim(claim: HeldClaim): Promise<boolean>
}
