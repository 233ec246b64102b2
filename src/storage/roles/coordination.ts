/**
 * Claims, leases, tokens and cached values over a driver's cells.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { CacheStore, ClaimStore, LeaseStore, OneTimeTokenStore } from '../coordination.js'
import { checkDuration } from '../guard.js'
import type { On } from '../shelf.js'

const claimRecord = z.object({ state: z.enum(['claimed', 'done', 'abandoned']), result: z.unknown() })

/** Who commits leaves this name, so that a repeat of the commit is known and a late abandon is not taken for ours. */
const committed = (claimId: string): string => `${claimId}!`

/** Claims over a driver. */
export function claimStore(on: On): ClaimStore {
  return {
    async claimKey({ tenantId, key, leaseMs }) {
      checkDuration('leaseMs', leaseMs)
      const engine = on('claimKey')
      const claimId = randomUUID()
      const { isSwapped, before } = await engine.swapCell({
        kind: 'claims',
        tenantId,
        id: key,
        when: 'free',
        holder: claimId,
        put: { holder: claimId, record: { state: 'claimed', result: null }, ttlMs: leaseMs },
      })
      const parsed = before && claimRecord.safeParse(before.record)
      if (parsed?.success === false)
        throw engine.error('storage_record_invalid', 'a claim is malformed', { operation: 'claimKey' })
      const state = parsed?.data.state
      if (isSwapped) {
        const isRetry = state === 'claimed' && before?.holder !== claimId
        return { outcome: 'claimed', claim: { tenantId, key, claimId }, isRetry }
      }
      if (state === 'done') return { outcome: 'done', result: parsed?.data.result ?? undefined }
      return { outcome: 'in-progress', untilAt: before?.untilAt ?? 0 }
    },

    async commitClaim({ tenantId, key, claimId }, { result, keepMs }) {
      checkDuration('keepMs', keepMs)
      const { isSwapped, before } = await on('commitClaim').swapCell({
        kind: 'claims',
        tenantId,
        id: key,
        when: 'kept',
        holder: claimId,
        put: { holder: committed(claimId), record: { state: 'done', result: result ?? null }, ttlMs: keepMs },
      })
      return isSwapped || before?.holder === committed(claimId)
    },

    async abandonClaim({ tenantId, key, claimId }) {
      const { isSwapped } = await on('abandonClaim').swapCell({
        kind: 'claims',
        tenantId,
        id: key,
        when: 'held',
        holder: claimId,
        put: { holder: claimId, record: { state: 'abandoned', result: null }, ttlMs: 0 },
      })
      return isSwapped
    },
  }
}

/** Leases over a driver. */
export function leaseStore(on: On): LeaseStore {
  return {
    async takeLease({ tenantId, name, holder, ttlMs }) {
      checkDuration('ttlMs', ttlMs)
      const swap = {
        kind: 'leases',
        tenantId,
        id: name,
        when: 'free',
        holder,
        put: { holder, record: {}, ttlMs },
      } as const
      const { isSwapped, after } = await on('takeLease').swapCell(swap)
      if (!isSwapped) return { outcome: 'held', untilAt: after?.untilAt ?? 0 }
      return {
        outcome: 'taken',
        lease: { tenantId, name, holder, fence: after?.fence ?? 0, untilAt: after?.untilAt ?? 0 },
      }
    },

    async renewLease({ tenantId, name, holder, fence }, ttlMs) {
      checkDuration('ttlMs', ttlMs)
      const swap = { kind: 'leases', tenantId, id: name, when: 'held', holder, put: { holder, ttlMs } } as const
      const { isSwapped, after } = await on('renewLease').swapCell(swap)
      return isSwapped && after?.fence === fence ? { tenantId, name, holder, fence, untilAt: after.untilAt } : undefined
    },

    async releaseLease({ tenantId, name, holder }) {
      const swap = { kind: 'leases', tenantId, id: name, when: 'held', holder, put: { holder, ttlMs: 0 } } as const
      return (await on('releaseLease').swapCell(swap)).isSwapped
    },
  }
}

/** One-time tokens over a driver. */
export function tokenStore(on: On): OneTimeTokenStore {
  return {
    async putToken({ tenantId, token, subject, ttlMs }) {
      checkDuration('ttlMs', ttlMs)
      const holder = randomUUID()
      const put = { holder, record: { subject }, ttlMs }
      const { isSwapped } = await on('putToken').swapCell({
        kind: 'tokens',
        tenantId,
        id: token,
        when: 'free',
        holder,
        put,
      })
      return isSwapped ? 'added' : 'exists'
    },

    async redeemToken({ tenantId, token, subject }) {
      const spent = {
        kind: 'tokens',
        tenantId,
        id: token,
        when: 'held-by-other',
        holder: 'spent',
        put: { holder: 'spent' },
      } as const
      const { isSwapped, before } = await on('redeemToken').swapCell(spent)
      return isSwapped && (before?.record as { subject?: unknown } | undefined)?.subject === subject
    },
  }
}

/** Cached values over a driver. */
export function cacheStore(on: On): CacheStore {
  const cached = { kind: 'cache', when: 'any', holder: 'cache' } as const
  return {
    async getCached({ tenantId, key }) {
      return (await on('getCached').getCell('cache', tenantId, key))?.record
    },
    async setCached({ tenantId, key, value, ttlMs }) {
      checkDuration('ttlMs', ttlMs)
      await on('setCached').swapCell({
        ...cached,
        tenantId,
        id: key,
        put: { holder: 'cache', record: value ?? null, ttlMs },
      })
    },
    async dropCached({ tenantId, key }) {
      await on('dropCached').swapCell({
        ...cached,
        tenantId,
        id: key,
        put: { holder: 'cache', record: null, ttlMs: 0 },
      })
    },
  }
}
