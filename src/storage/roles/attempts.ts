/**
 * Attempts over a driver's rows.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { callAttempt, type CallAttempt } from '../../records/call-attempt.js'
import { Shelf, type On } from '../shelf.js'
import type { AttemptSettlement } from '../../compliance/ports.js'
import type { AttemptStore } from '../store.js'
import { defined } from './calls.js'

/** The most moments that one question about a number gives. */
const MAX_MOMENTS = 1000
/** A reservation that lost every time against other writers gives up after so many tries. */
const MAX_TRIES = 20

/** How attempts are kept. */
export function attemptShelf(on: On): Shelf<CallAttempt> {
  return new Shelf<CallAttempt>(on, {
    kind: 'attempts',
    schema: callAttempt,
    idOf: (attempt) => attempt.attemptId,
    atOf: (attempt) => attempt.attemptedAt,
    keysOf: (attempt) => ({
      counted: attempt.state === 'released' ? undefined : attempt.phoneNumber,
      party: attempt.phoneNumber,
      lead: attempt.leadId,
    }),
  })
}

/** Attempts over a driver. */
export function attemptStore(on: On, clock: Clock): AttemptStore {
  const attempts = attemptShelf(on)
  return {
    async reserveAttempt({ attempt, caps }) {
      const operation = 'reserveAttempt'
      for (const { maxAttempts, windowMs } of caps) {
        if (!(Number.isSafeInteger(maxAttempts) && maxAttempts > 0))
          throw new RangeError(`maxAttempts must be a whole number above 0, got ${maxAttempts}`)
        if (!(Number.isSafeInteger(windowMs) && windowMs > 0))
          throw new RangeError(`windowMs must be a whole number above 0, got ${windowMs}`)
      }
      const record = attempts.parse(operation, { ...attempt, state: 'reserved' })
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const added = await on(operation).addCapped({
          kind: 'attempts',
          tenantId: record.tenantId,
          id: record.attemptId,
          at: record.attemptedAt,
          record,
          keys: attempts.keysOf(record),
          counted: { name: 'counted', value: record.phoneNumber },
          caps: caps.map(({ maxAttempts, windowMs }) => ({ max: maxAttempts, windowMs })),
        })
        if (added.outcome === 'added') return { outcome: 'reserved' }
        if (added.outcome === 'refused') {
          const capIds = added.full.flatMap((position) => caps[position]?.capId ?? [])
          return { outcome: 'refused', capIds, nextAllowedAt: added.roomAt }
        }
        const read = await attempts.read(operation, record.tenantId, record.attemptId)
        if (read && read.record.state !== 'released') return { outcome: 'reserved' }
        // It gave its place up before, and has none: it asks for one like any other, or it would be a call that nobody counts.
        if (read) await attempts.remove(operation, read.row)
      }
      throw on(operation).error('storage_conflict', `other writers were faster ${MAX_TRIES} times`, { operation })
    },

    async settleAttempt({ tenantId, attemptId, ...settled }, events) {
      const atMs = clock.now()
      let isRefused = false
      const found = await attempts.change(
        'settleAttempt',
        // A released attempt may be reserved anew, and its versions begin anew with it: the second names its events.
        { tenantId, id: attemptId, atMs, ...(events && { events, eventNumber: Math.floor(atMs / 1000) }) },
        (attempt) => {
          isRefused = isImpossible(attempt, settled)
          return isRefused ? undefined : { ...attempt, ...defined(settled) }
        },
        (attempt) => attempt.state !== settled.state,
      )
      return found !== undefined && !isRefused
    },

    async attemptsAfter({ tenantId, phoneNumber, afterAt }) {
      const index = { name: 'counted', value: phoneNumber }
      const { rows } = await attempts.rows('attemptsAfter', tenantId, {
        index,
        sinceAt: afterAt + 1,
        limit: MAX_MOMENTS,
      })
      return rows.map(({ at }) => at).reverse()
    },

    findAttempt: ({ tenantId, attemptId }) => attempts.find('findAttempt', tenantId, attemptId),

    listAttempts: ({ tenantId, filter, ...query }) =>
      attempts.page('listAttempts', tenantId, {
        ...query,
        index:
          'leadId' in filter ? { name: 'lead', value: filter.leadId } : { name: 'party', value: filter.phoneNumber },
      }),
  }
}

/**
 * A call that exists counts, whatever was believed before: it cannot be released, and one that turns up after all is taken up again.
 * A released attempt is nothing else any more.
 */
function isImpossible(attempt: CallAttempt, settled: Pick<AttemptSettlement, 'state' | 'callSid'>): boolean {
  if (attempt.state === 'placed') return settled.state !== 'placed'
  return attempt.state === 'released' && settled.state !== 'released' && settled.callSid === undefined
}
