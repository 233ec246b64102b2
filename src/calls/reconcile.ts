/**
 * Finds out what nobody knows: whether an attempt became a call, and how a call ended of which no end was told.
 *
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { voiceEvent } from '../events/map.js'
import type { CallRecord } from '../records/call.js'
import { isTerminalCallStatus } from '../records/call-status.js'
import type { CacheStore, ClaimStore } from '../storage/coordination.js'
import type { TakenWork, WorkStore } from '../storage/queues.js'
import type { AttemptStore, CallStore } from '../storage/store.js'
import { endChanges, finishCall, statusEvents, type CallStatusTaken } from './call-end.js'
import { callRecordOf, recordCall } from './call-record.js'
import type { CostOptions } from './cost.js'
import { findPlan, type PlaceCallRequest } from './plan.js'
import { DEFAULT_RETRIES, nextTryAfterFailure, type RetryPolicies } from './retry-policy.js'
import { retryScheduled, retryWork } from './retry-work.js'
import type { Telephone, TelephoneCall } from './telephone.js'
import type { WorkOutcome } from './work-loop.js'
import { RECONCILE_QUEUE } from './work-queues.js'

export interface ReconcilerOptions {
  readonly store: CallStore &
    Pick<AttemptStore, 'settleAttempt' | 'findAttempt'> &
    Pick<ClaimStore, 'claimKey' | 'commitClaim' | 'abandonClaim'> &
    CacheStore &
    Pick<WorkStore, 'scheduleWork'>
  readonly telephone: Pick<Telephone, 'fetchCall' | 'findCalls'>
  readonly retries?: Pick<RetryPolicies, 'callOutcome' | 'vendorFailure'>
  readonly cost?: CostOptions
  readonly onStatus?: (taken: CallStatusTaken) => void | Promise<void>
  readonly kick?: () => void
  /** A call whose end was not told after so long is asked about, in milliseconds. Default 4 500 000: the longest call and a quarter. */
  readonly orphanAfterMs?: number
  readonly clock?: Clock
  readonly logger?: Logger
  readonly random?: () => number
}

/** Twilio lists a call within seconds; what it does not list so long after its attempt was never made. */
const CERTAIN_AFTER_MS = 240_000
const MIN_WAIT_MS = 15_000
/** An end that was found out is told again after so long, should it not have been told. */
const TELL_AGAIN_MS = 5000
/** An attempt that is only reserved may still be dialled; after its lease it is not. */
const MAY_BE_DIALLED_MS = 120_000
/** Our clock and Twilio's may differ by so much. */
const CLOCK_SLACK_MS = 30_000
/** A request that was not answered reached Twilio within its time limit and a little more. */
const SUBMISSION_WINDOW_MS = 120_000

/** Settles what is open. */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #clock: Clock
  readonly #logger: Logger

  constructor(options: ReconcilerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
  }

  /** Looks for the call of an attempt: the handler of `RECONCILE_QUEUE`. */
  readonly process = async ({ work, takes }: TakenWork): Promise<WorkOutcome> => {
    const { store, telephone } = this.#options
    const { tenantId } = work
    // Only ever written by `CallPlacer` and by `#takeEnd`.
    const payload = work.payload as { readonly attemptId: string } | ToldEnd
    if ('endedCallSid' in payload) return this.#tellEnd(tenantId, payload, takes)
    const { attemptId } = payload
    const attempt = await store.findAttempt({ tenantId, attemptId })
    if (!attempt || attempt.state === 'released') return 'done'
    if (attempt.callSid !== null) {
      // The call is known, its record may be missing.
      if (await store.findCall({ tenantId, callSid: attempt.callSid })) return 'done'
      const call = await telephone.fetchCall(attempt.callSid)
      if (call) await this.adopt(tenantId, attemptId, call)
      return 'done'
    }
    const ageMs = this.#clock.now() - attempt.attemptedAt
    if (attempt.state === 'reserved' && ageMs < MAY_BE_DIALLED_MS)
      return { againAt: attempt.attemptedAt + MAY_BE_DIALLED_MS }
    const plan = await findPlan(store, tenantId, attemptId)
    const sinceAt = attempt.attemptedAt - CLOCK_SLACK_MS
    const from = plan?.from
    const candidates = await telephone.findCalls({ to: attempt.phoneNumber, ...(from === undefined ? {} : { from }), sinceAt }) // prettier-ignore
    for (const call of [...candidates].reverse()) {
      const createdAt = call.createdAt ?? attempt.attemptedAt
      if (createdAt > attempt.attemptedAt + SUBMISSION_WINDOW_MS || call.direction === 'inbound') continue
      if (await this.adopt(tenantId, attemptId, call)) return 'done'
    }
    // By age and not by looks: looks may have failed, all of them.
    if (ageMs < CERTAIN_AFTER_MS) return { againAt: this.#clock.now() + Math.min(Math.max(ageMs, MIN_WAIT_MS), CERTAIN_AFTER_MS - ageMs) } // prettier-ignore
    this.#logger.info('An attempt became no call', { tenantId, attemptId })
    const again = plan && this.#nextTry({ ...plan, attemptId })
    // Before the outcome is written: after it nobody would look at this attempt again.
    if (again) await store.scheduleWork(again)
    const events = again ? [retryScheduled(attemptId, again)] : []
    await store.settleAttempt({ tenantId, attemptId, state: 'released', disposition: 'not-created' }, events)
    this.#options.kick?.()
    return 'done'
  }

  #nextTry(plan: PlaceCallRequest & { readonly attemptId: string }) {
    const { retries, random = Math.random } = this.#options
    const policy = retries?.vendorFailure ?? DEFAULT_RETRIES.vendorFailure
    const delayMs = nextTryAfterFailure({ action: 'retry-later' }, plan.tryNumber ?? 1, policy, random())
    return delayMs === undefined ? undefined : retryWork(plan, this.#clock.now() + delayMs)
  }

  /**
   * Writes down that an attempt is this call, and closes its books if it is over.
   *
   * @returns `false`: the call is another attempt's.
   */
  async adopt(tenantId: string, attemptId: string, call: TelephoneCall): Promise<boolean> {
    const { store } = this.#options
    const { callSid, to, from } = call
    const plan = await findPlan(store, tenantId, attemptId)
    const status = isTerminalCallStatus(call.status) ? 'queued' : call.status
    const record = plan
      ? callRecordOf({ ...plan, attemptId }, { callSid, status, to, from })
      : { tenantId, callSid, direction: 'outbound' as const, to, from, callStatus: status, attemptId }
    const event = voiceEvent('call.reconciled', { callSid, attemptId })
    if ((await recordCall(store, record, [event])) === 'of-another') return false
    await store.settleAttempt({ tenantId, attemptId, state: 'placed', callSid })
    await this.#takeEnd(tenantId, call)
    return true
  }

  /**
   * Asks Twilio about every call of a tenant whose end should have been told by now, and closes their books.
   *
   * @returns How many were closed.
   */
  async reap(tenantId: string): Promise<number> {
    const { store, telephone, orphanAfterMs = 4_500_000 } = this.#options
    const untilAt = this.#clock.now() - orphanAfterMs
    let closed = 0
    let cursor: string | undefined
    do {
      const page = await store.listCalls({ tenantId, filter: { isOpen: true }, untilAt, ...(cursor === undefined ? {} : { cursor }) }) // prettier-ignore
      for (const { callSid, to, from } of page.items) {
        try {
          const call = await telephone.fetchCall(callSid)
          // Twilio forgets calls after a long while; what it does not know is over, and nobody knows how.
          const isClosed = await this.#takeEnd(tenantId, call ?? { ...GONE, callSid, to, from }, call !== undefined)
          if (isClosed) closed++
        } catch (error) {
          // The others are not to wait for this one.
          this.#logger.error('A call that should be over could not be closed', { tenantId, callSid, error })
        }
      }
      cursor = page.nextCursor
    } while (cursor !== undefined)
    if (closed > 0) this.#logger.warn('Calls whose end was never told were closed', { tenantId, closed })
    return closed
  }

  async #takeEnd(tenantId: string, call: TelephoneCall, mayRetry = true): Promise<boolean> {
    const { store, cost } = this.#options
    const { callSid, status, durationS, endedAt } = call
    if (!isTerminalCallStatus(status)) return false
    // What Twilio's list does not say, a webhook may have said before.
    const answeredBy = call.answeredBy ?? (await store.findCall({ tenantId, callSid }))?.answeredBy ?? null
    const changes = endChanges(status, durationS ?? null, endedAt ?? this.#clock.now(), answeredBy, cost)
    // Written ahead: once it is over in the record nobody looks for this call any more, and the host has to hear of it all the same.
    const payload: ToldEnd = { endedCallSid: callSid, mayRetry }
    const dueAt = this.#clock.now() + TELL_AGAIN_MS
    await store.scheduleWork({ tenantId, workId: `call-end:${callSid}`, queue: RECONCILE_QUEUE, dueAt, payload })
    const applied = await store.applyCallStatus({
      tenantId,
      callSid,
      callStatus: status,
      sequenceNumber: null,
      changes,
      events: statusEvents(callSid, status, changes),
    })
    if (applied.outcome === 'missing') return false
    return (await this.#finish(applied.call, mayRetry)) === 'done'
  }

  async #tellEnd(tenantId: string, { endedCallSid, mayRetry }: ToldEnd, takes: number): Promise<WorkOutcome> {
    const call = await this.#options.store.findCall({ tenantId, callSid: endedCallSid })
    if (call && isTerminalCallStatus(call.callStatus)) return this.#finish(call, mayRetry)
    // Whoever wrote this is about to write the end, or died: then the call is open, and is found again.
    return call && takes <= 3 ? { againAt: this.#clock.now() + TELL_AGAIN_MS * 10 } : 'done'
  }

  #finish(call: CallRecord, mayRetry: boolean): Promise<WorkOutcome> {
    const { random = Math.random } = this.#options
    return finishCall(call, { ...this.#options, clock: this.#clock, random }, mayRetry)
  }
}

/** An end that was found out, as work. */
interface ToldEnd {
  readonly endedCallSid: string
  readonly mayRetry: boolean
}

const GONE: TelephoneCall = {
  callSid: '',
  status: 'failed',
  to: '',
  from: '',
  direction: 'outbound-api',
  durationS: undefined,
  answeredBy: undefined,
  createdAt: undefined,
  startedAt: undefined,
  endedAt: undefined,
  price: undefined,
  currency: undefined,
}
