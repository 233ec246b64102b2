/**
 * What follows the end of a call, whoever learns of it: a webhook, or reconciliation.
 *
 * @module
 */
import type { Clock } from '../core/clock.js'
import { voiceEvent, type VoiceEvent } from '../events/map.js'
import type { CallRecord } from '../records/call.js'
import { isTerminalCallStatus } from '../records/call-status.js'
import type { CacheStore, ClaimStore } from '../storage/coordination.js'
import type { WorkStore } from '../storage/queues.js'
import type { AttemptStore, CallChanges, CallStore } from '../storage/store.js'
import { costOf, type CostOptions } from './cost.js'
import { outcomeOf } from './disposition.js'
import { findPlan } from './plan.js'
import { DEFAULT_RETRIES, nextTryAfterOutcome, type RetryPolicies } from './retry-policy.js'
import { retryScheduled, retryWork } from './retry-work.js'
import type { WorkOutcome } from './work-loop.js'

/** A status that was taken in and is the newest. */
export interface CallStatusTaken {
  readonly call: CallRecord
  /** The call is over with this. Comes once for each call; after a crash or a failure of the handler, again. */
  readonly isEnd: boolean
}

/** What ending a call needs. */
export interface CallEnding {
  readonly store: Pick<AttemptStore, 'settleAttempt'> &
    Pick<CallStore, 'updateCall'> &
    Pick<ClaimStore, 'claimKey' | 'commitClaim' | 'abandonClaim'> &
    CacheStore &
    Pick<WorkStore, 'scheduleWork'>
  readonly retries?: Pick<RetryPolicies, 'callOutcome'> | undefined
  readonly onStatus?: ((taken: CallStatusTaken) => void | Promise<void>) | undefined
  readonly kick?: (() => void) | undefined
  readonly clock: Clock
  readonly random: () => number
}

/** How long the host may take to hear of an end before somebody else may tell it. */
const TELL_LEASE_MS = 150_000
/** Longer than anyone repeats the end of a call. */
const REMEMBER_MS = 26 * 3_600_000

/**
 * Does what follows the end of a call, once, however many learn of it: settles its attempt, schedules the next try where the policy has one,
 * and tells the host.
 *
 * @param mayRetry - `false` when nobody knows how the call ended: it may well have reached somebody.
 */
export async function finishCall(ended: CallRecord, ending: CallEnding, mayRetry = true): Promise<WorkOutcome> {
  const { store, onStatus } = ending
  const { tenantId, callSid } = ended
  const claimed = await store.claimKey({ tenantId, key: `call-end:${callSid}`, leaseMs: TELL_LEASE_MS })
  if (claimed.outcome === 'done') return 'done'
  if (claimed.outcome === 'in-progress') return { againAt: claimed.untilAt }
  try {
    const call = await withItsOutcome(ended, ending.store)
    await closeBooks(call, ending, mayRetry)
    await onStatus?.({ call, isEnd: true })
  } catch (error) {
    await store.abandonClaim(claimed.claim).catch(() => undefined)
    throw error
  }
  await store.commitClaim(claimed.claim, { keepMs: REMEMBER_MS })
  return 'done'
}

/** Outcomes that the verdict of machine detection may turn into each other. */
const READ_FROM_DETECTION: ReadonlySet<string> = new Set(['answered', 'short', 'voicemail', 'fax'])

/** The verdict of machine detection and the end of a call overtake each other: whoever is second puts the outcome right. */
export async function withItsOutcome(call: CallRecord, store: Pick<CallStore, 'updateCall'>): Promise<CallRecord> {
  // Anything else was the host's word, and stays.
  if (call.outcome === null || !READ_FROM_DETECTION.has(call.outcome.kind)) return call
  const outcome = outcomeOf(call)
  if (call.outcome.kind === outcome.kind && call.outcome.reason === outcome.reason) return call
  return (await store.updateCall({ tenantId: call.tenantId, callSid: call.callSid, changes: { outcome } })) ?? call
}

async function closeBooks(call: CallRecord, ending: CallEnding, mayRetry: boolean): Promise<void> {
  const { store, clock, random, kick } = ending
  const { tenantId, attemptId, callSid, callStatus } = call
  if (attemptId === null) return
  const disposition = call.outcome?.kind ?? callStatus
  await store.settleAttempt({ tenantId, attemptId, state: 'placed', callSid, disposition })
  const plan = mayRetry ? await findPlan(store, tenantId, attemptId) : undefined
  if (!plan) return
  const policy = ending.retries?.callOutcome ?? DEFAULT_RETRIES.callOutcome
  const delayMs = nextTryAfterOutcome(callStatus, plan.tryNumber ?? 1, policy, random())
  if (delayMs === undefined) return
  const dueAt = clock.now() + delayMs
  const work = retryWork({ ...plan, attemptId }, dueAt)
  // Told first: a crash in between makes it told twice, and never not at all.
  await store.updateCall({ tenantId, callSid, changes: {}, events: [retryScheduled(attemptId, work, callSid)] })
  await store.scheduleWork(work)
  kick?.()
}

/** What the end of a call changes in its record. */
export function endChanges(
  callStatus: string,
  durationS: number | null,
  endedAt: number,
  answeredBy: string | null,
  cost: CostOptions | undefined,
): CallChanges {
  const outcome = outcomeOf({ callStatus, durationS, answeredBy })
  return {
    endedAt,
    outcome,
    ...(answeredBy === null ? {} : { answeredBy }),
    ...(durationS === null ? {} : { durationS, ...costOf(durationS, cost) }),
  }
}

/** What a status tells: the end of a call is told in the same step as its last status. */
export function statusEvents(callSid: string, callStatus: string, changes: CallChanges): readonly VoiceEvent[] {
  const { durationS } = changes
  const duration = durationS === undefined || durationS === null ? {} : { durationS }
  const changed = voiceEvent('call.status-changed', { callSid, callStatus, ...duration })
  if (!isTerminalCallStatus(callStatus)) return [changed]
  const outcome = changes.outcome?.kind ?? callStatus
  return [changed, voiceEvent('call.ended', { callSid, callStatus, outcome, ...duration })]
}
