/**
 * The one place that dials: load → decide → reserve → dial → record, in this order and visible as such.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { Admission, Gate, RefusalEvents } from '../compliance/gate.js'
import type { Refused } from '../compliance/decision.js'
import { CircuitBreaker } from '../core/circuit-breaker.js'
import { systemClock, type Clock } from '../core/clock.js'
import { VendorError } from '../core/errors.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { voiceEvent, type VoiceEvent } from '../events/map.js'
import type { CacheStore, ClaimStore } from '../storage/coordination.js'
import type { OutboxStore, WorkStore } from '../storage/queues.js'
import type { AttemptStore, CallStore, LeadStore } from '../storage/store.js'
import { callRecordOf, recordCall } from './call-record.js'

import { failureOf, type FailureMeaning } from './failures.js'
import { fromNumberFor } from './from-numbers.js'
import { keepPlan, type PlaceCallRequest } from './plan.js'
import { DEFAULT_RETRIES, nextTryAfterFailure, requestDelayMs, type RetryPolicies } from './retry-policy.js'
import { retryScheduled, retryWork } from './retry-work.js'
import type { CallRequest, Telephone, TelephoneCall } from './telephone.js'
import { RECONCILE_QUEUE } from './work-queues.js'

/** What became of a request to place a call. Only a broken store or audit log is an error; everything else is a value. */
export type PlaceCallResult =
  | {
      readonly outcome: 'placed'
      readonly callSid: string
      readonly attemptId: string
      readonly decisionId: string
      readonly status: string
      /** `false`: the call is under way but its record could not be written. Reconciliation writes it. */
      readonly isRecorded: boolean
    }
  /** The policy says no. Nothing was dialled. */
  | {
      readonly outcome: 'refused'
      readonly decision: Refused
      readonly decisionId: string
      readonly isLeadFlagged: boolean
    }
  /** The vendor said no, or is known to be down. Nothing was dialled, and the attempt does not count. */
  | {
      readonly outcome: 'failed'
      readonly attemptId: string | undefined
      readonly failure: FailureMeaning
      /** When it is tried again, in milliseconds since 1970; `undefined`: not by itself. */
      readonly retryAt: number | undefined
    }
  /** Nobody knows whether the call was made. It is not repeated; reconciliation finds out. The attempt counts meanwhile. */
  | { readonly outcome: 'submission-unknown'; readonly attemptId: string; readonly decisionId: string | undefined }
  /** The same attempt is being placed at this moment by somebody else. */
  | { readonly outcome: 'in-progress'; readonly attemptId: string }

/** What the host may look into or stop, step by step. */
export interface PlaceCallHooks {
  /** Admitted; nothing is dialled yet. What it throws stops the call and gives its place back. Has less than a minute. */
  readonly beforeDial?: (
    request: PlaceCallRequest,
    admission: Extract<Admission, { outcome: 'admitted' }>,
  ) => void | Promise<void>
  /** Comes once for each request, last. What it throws is logged: the call is what it is. */
  readonly afterPlace?: (request: PlaceCallRequest, result: PlaceCallResult) => void | Promise<void>
}

export type PlaceCallStore = Pick<AttemptStore, 'settleAttempt' | 'findAttempt'> &
  Pick<CallStore, 'addCall' | 'findCall' | 'updateCall'> &
  Pick<LeadStore, 'updateLead'> &
  ClaimStore &
  CacheStore &
  Pick<WorkStore, 'scheduleWork' | 'cancelWork'> &
  Pick<OutboxStore, 'appendEvents'>

/** Where Twilio asks what to do with an answered call, and tells what becomes of it: absolute addresses of this app. */
export interface CallUrls {
  readonly voice: (attemptId: string) => string
  /** Best with the attempt in it: a call is then known by its first webhook, whatever became of the answer to its dial. */
  readonly status: string
  readonly recording: string
  readonly machineDetection: string
  readonly fallback?: string
}

export interface CallPlacerOptions {
  readonly gate: Gate
  readonly telephone: Telephone
  readonly store: PlaceCallStore
  /** Where Twilio asks and tells; a function where it differs from tenant to tenant, or names the attempt. */
  readonly urls: CallUrls | ((request: PlaceCallRequest) => CallUrls)
  /** Our numbers, in E.164. */
  readonly fromNumbers: readonly string[]
  readonly retries?: RetryPolicies
  readonly hooks?: PlaceCallHooks
  /** Told of what needs a person or an alarm. Must not throw. */
  readonly onAlert?: (failure: FailureMeaning, request: PlaceCallRequest) => void
  readonly breaker?: CircuitBreaker
  readonly clock?: Clock
  readonly logger?: Logger
  /** From 0 to 1. Default `Math.random`. */
  readonly random?: () => number
  readonly newId?: () => string
}

/** How long placing may take before somebody else may look after it. */
const PLACE_LEASE_MS = 120_000
/** The last dial begins so long after the first step; its answer has the other half of the lease to come in. */
const DIAL_WITHIN_MS = 60_000
const RESULT_KEPT_MS = 26 * 3_600_000
/** When reconciliation first looks: Twilio lists a call within seconds. */
const RECONCILE_AFTER_MS = 15_000

/** A request whose attempt has its name. */
type Named = PlaceCallRequest & { readonly attemptId: string }

/** Failures that say more about the vendor or the account than about the call. */
const VENDOR_IS_DOWN: ReadonlySet<FailureMeaning['action']> = new Set(['retry', 'retry-later', 'alert'])

/** Places calls. */
export class CallPlacer {
  readonly #options: CallPlacerOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #random: () => number
  readonly #newId: () => string
  readonly #retries: Required<RetryPolicies>
  readonly #breaker: CircuitBreaker

  constructor(options: CallPlacerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    this.#random = options.random ?? Math.random
    this.#newId = options.newId ?? randomUUID
    this.#retries = { ...DEFAULT_RETRIES, ...options.retries }
    this.#breaker = options.breaker ?? new CircuitBreaker({ clock: this.#clock })
    if (options.fromNumbers.length === 0) throw new TypeError('fromNumbers must hold at least one number')
  }

  /**
   * Places a call, if the policy lets it.
   *
   * Safe to repeat under one `attemptId`: a repeat gets the first one's result, and no second call.
   *
   * @throws VoiceError when the facts cannot be had, the decision cannot be put on record, or the store fails before the dial: then nothing was
   * dialled.
   */
  async place(request: PlaceCallRequest): Promise<PlaceCallResult> {
    checkRequest(request)
    const attemptId = request.attemptId ?? this.#newId()
    const named: Named = { ...request, attemptId }
    const result = await this.#once(named)
    if (result.outcome === 'in-progress') return result
    try {
      await this.#options.hooks?.afterPlace?.(named, result)
    } catch (error) {
      this.#logger.error('The hook afterPlace failed', { tenantId: request.tenantId, attemptId, error })
    }
    return result
  }

  /** One attempt, one dial: whoever asks again under its name is told what came of it. */
  async #once(request: Named): Promise<PlaceCallResult> {
    const { store } = this.#options
    const { tenantId, attemptId } = request
    const dialByMs = this.#clock.monotonicMs() + DIAL_WITHIN_MS
    const claimed = await store.claimKey({ tenantId, key: `place-call:${attemptId}`, leaseMs: PLACE_LEASE_MS })
    if (claimed.outcome === 'in-progress') return { outcome: 'in-progress', attemptId }
    if (claimed.outcome === 'done') {
      const result = claimed.result as PlaceCallResult
      return result.outcome === 'submission-unknown' ? ((await this.#found(request)) ?? result) : result
    }
    let result: PlaceCallResult
    try {
      result = (await this.#known(request)) ?? (await this.#attempt(request, dialByMs))
    } catch (error) {
      await store.abandonClaim(claimed.claim).catch((inner: unknown) => this.#logger.error('A claim could not be given back', { attemptId, error: inner })) // prettier-ignore
      throw error
    }
    // What reached the dial is over under this name. What did not may be asked for again, at a better hour.
    const isOver =
      result.outcome === 'failed'
        ? result.attemptId !== undefined || result.retryAt !== undefined
        : result.outcome !== 'refused'
    const settled = isOver
      ? store.commitClaim(claimed.claim, { result, keepMs: RESULT_KEPT_MS })
      : store.abandonClaim(claimed.claim)
    await settled.catch((error: unknown) =>
      this.#logger.error('The result of an attempt could not be kept', { attemptId, error }),
    )
    return result
  }

  /** What the record of an attempt says of its call, once it has one. */
  async #found({ tenantId, attemptId }: Named): Promise<PlaceCallResult | undefined> {
    const attempt = await this.#options.store.findAttempt({ tenantId, attemptId })
    if (attempt?.state !== 'placed' || attempt.callSid === null) return undefined
    const { callSid, decisionId } = attempt
    const call = await this.#options.store.findCall({ tenantId, callSid })
    const status = call?.callStatus ?? 'queued'
    return {
      outcome: 'placed',
      callSid,
      attemptId,
      decisionId: decisionId ?? '',
      status,
      isRecorded: call !== undefined,
    }
  }

  /** An attempt that holds its place was begun before: by somebody who died, or longer ago than its result was kept. It is never begun again. */
  async #known(request: Named): Promise<PlaceCallResult | undefined> {
    const { tenantId, attemptId } = request
    const attempt = await this.#options.store.findAttempt({ tenantId, attemptId })
    if (!attempt || attempt.state === 'released') return undefined
    return (await this.#found(request)) ?? this.#unknown(request, attempt.decisionId ?? undefined)
  }

  async #attempt(request: Named, dialByMs: number): Promise<PlaceCallResult> {
    const { gate, store, hooks } = this.#options
    const { tenantId, attemptId } = request
    if (!this.#breaker.tryPass()) return this.#failed(request, undefined, CIRCUIT_OPEN)

    let admission: Admission
    try {
      admission = await gate.admit(request, eventsOfRefusal(request))
    } catch (error) {
      this.#breaker.untried()
      throw error
    }
    if (admission.outcome === 'refused') {
      this.#breaker.untried()
      const { decision, decisionId, isLeadFlagged } = admission
      return { outcome: 'refused', decision, decisionId, isLeadFlagged }
    }
    const from = request.from ?? fromNumberFor(request.leadId, this.#options.fromNumbers)
    let isOurs: boolean
    try {
      await keepPlan(store, attemptId, { ...request, from })
      await hooks?.beforeDial?.(request, admission)
      // Written ahead: should we die from here on, somebody looks. It is the right to dial as well, for it can be had once.
      isOurs = (await this.#scheduleReconciliation(request)) === 'added'
    } catch (error) {
      this.#breaker.untried()
      await store.settleAttempt({ tenantId, attemptId, state: 'released' })
      throw error
    }
    if (!isOurs || this.#clock.monotonicMs() > dialByMs) {
      // We slept, and somebody else may have gone on for us.
      this.#breaker.untried()
      return (await this.#found(request)) ?? this.#unknown(request, admission.decisionId)
    }

    let call: TelephoneCall
    try {
      call = await this.#dial(this.#callRequest(request, admission.phoneNumber, from), dialByMs)
    } catch (error) {
      if (error instanceof VendorError && error.code === 'telephone_outcome_unknown') {
        this.#breaker.failed()
        return this.#unknown(request, admission.decisionId)
      }
      const failure = failureOf(error)
      this.#logger.warn('A call could not be placed', {
        tenantId,
        attemptId,
        vendorCode: failure.code,
        action: failure.action,
      })
      if (VENDOR_IS_DOWN.has(failure.action)) this.#breaker.failed()
      else this.#breaker.succeeded()
      return this.#failed(request, attemptId, failure, error instanceof VendorError ? error.retryAfterMs : undefined)
    }
    this.#breaker.succeeded()
    return this.#placed(request, admission, call, from)
  }

  /** Asks Twilio, and again only where it is certain that nothing was done, and only while there is time. */
  async #dial(call: CallRequest, dialByMs: number): Promise<TelephoneCall> {
    const policy = this.#retries.request
    for (let retry = 0; ; retry++) {
      try {
        return await this.#options.telephone.createCall(call)
      } catch (error) {
        const { action, maxRetries = Infinity } = failureOf(error)
        const asked = (error instanceof VendorError ? error.retryAfterMs : undefined) ?? 0
        const waitMs = requestDelayMs(retry, policy, this.#random(), asked === 0 ? undefined : asked)
        const isInTime = asked <= policy.maxMs && this.#clock.monotonicMs() + waitMs <= dialByMs
        if (action !== 'retry' || retry >= Math.min(policy.maxRetries, maxRetries) || !isInTime) throw error
        await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, waitMs))
      }
    }
  }

  #callRequest(request: Named, to: string, from: string): CallRequest {
    const urls = typeof this.#options.urls === 'function' ? this.#options.urls(request) : this.#options.urls
    const { machineDetection } = request
    return {
      to,
      from,
      url: urls.voice(request.attemptId),
      statusCallback: urls.status,
      ...(urls.fallback === undefined ? {} : { fallbackUrl: urls.fallback }),
      ringSeconds: request.ringSeconds ?? 30,
      maxSeconds: request.maxSeconds ?? 3600,
      ...(request.recording === 'dual' ? { recording: { statusCallback: urls.recording } } : {}),
      ...(machineDetection
        ? {
            machineDetection: {
              waitForBeep: machineDetection.waitForBeep ?? false,
              statusCallback: urls.machineDetection,
            },
          }
        : {}),
    }
  }

  async #placed(
    request: Named,
    admission: Extract<Admission, { outcome: 'admitted' }>,
    call: TelephoneCall,
    from: string,
  ): Promise<PlaceCallResult> {
    const { store } = this.#options
    const { tenantId, attemptId } = request
    const { callSid, status } = call
    let isRecorded = true
    try {
      await store.settleAttempt({ tenantId, attemptId, state: 'placed', callSid })
      await recordCall(store, callRecordOf(request, { callSid, status, to: admission.phoneNumber, from }), [
        voiceEvent('call.placed', { callSid, attemptId, leadId: request.leadId, via: request.via }),
      ])
    } catch (error) {
      // The call rings already: say so. Reconciliation, which waits, writes what is missing.
      isRecorded = false
      this.#logger.error('A call was placed but could not be recorded', { tenantId, attemptId, callSid, error })
    }
    if (isRecorded) await this.#forgetReconciliation(request)
    return { outcome: 'placed', callSid, attemptId, decisionId: admission.decisionId, status, isRecorded }
  }

  async #unknown(request: Named, decisionId: string | undefined): Promise<PlaceCallResult> {
    const { tenantId, attemptId } = request
    await this.#options.store.settleAttempt({ tenantId, attemptId, state: 'submission-unknown' })
    await this.#scheduleReconciliation(request)
    this.#logger.warn('Nobody knows whether a call was placed', { tenantId, attemptId })
    return { outcome: 'submission-unknown', attemptId, decisionId }
  }

  #scheduleReconciliation({ tenantId, attemptId }: Named): Promise<'added' | 'exists'> {
    return this.#options.store.scheduleWork({
      tenantId,
      workId: reconcileWorkIdOf(attemptId),
      queue: RECONCILE_QUEUE,
      dueAt: this.#clock.now() + RECONCILE_AFTER_MS,
      payload: { attemptId },
    })
  }

  /** Whoever looks when there is nothing to find does no harm. */
  async #forgetReconciliation({ tenantId, attemptId }: Named): Promise<void> {
    const workId = reconcileWorkIdOf(attemptId)
    await this.#options.store.cancelWork({ tenantId, workId }).catch(() => false)
  }

  async #failed(
    request: Named,
    attemptId: string | undefined,
    failure: FailureMeaning,
    askedMs = 0,
  ): Promise<PlaceCallResult> {
    const { store, onAlert } = this.#options
    const { tenantId, leadId, tryNumber = 1 } = request
    const events: VoiceEvent[] = []
    if (failure.action === 'flag-lead') {
      await store
        .updateLead({ tenantId, leadId, changes: { isPhoneInvalid: true } })
        .catch((error: unknown) => this.#logger.error('A lead could not be flagged', { tenantId, leadId, error }))
      events.push(voiceEvent('lead.flagged', { leadId, why: 'phone-invalid' }))
    }
    if (failure.action === 'alert' || failure.action === 'ask-person') onAlert?.(failure, request)
    const delayMs = nextTryAfterFailure(failure, tryNumber, this.#retries.vendorFailure, this.#random())
    const retryAt = delayMs === undefined ? undefined : this.#clock.now() + Math.max(delayMs, askedMs)
    if (retryAt !== undefined) {
      const work = retryWork(request, retryAt)
      events.push(retryScheduled(request.attemptId, work))
      // Before the outcome is written: after it nobody would look at this attempt again.
      await store.scheduleWork(work)
    }
    if (attemptId === undefined) await this.#tell(request, events)
    else {
      await store.settleAttempt({ tenantId, attemptId, state: 'released', disposition: failure.action }, events)
      await this.#forgetReconciliation(request)
    }
    return { outcome: 'failed', attemptId, failure, retryAt }
  }

  /** Events of a request that took no place: in order for the lead. The outcome is settled already, so a store that fails here changes nothing in it. */
  async #tell({ tenantId, leadId, attemptId }: PlaceCallRequest, events: readonly VoiceEvent[]): Promise<void> {
    await this.#options.store
      .appendEvents({ tenantId, key: `leads:${leadId}`, events })
      .catch((error: unknown) => this.#logger.error('Events could not be kept', { tenantId, attemptId, error }))
  }
}

/** What a refusal tells, for the gate to keep with its records. */
function eventsOfRefusal({ attemptId, leadId }: Named): RefusalEvents {
  return {
    refused: ({ failedChecks, nextAllowedAt }, decisionId) => [
      voiceEvent('call.refused', { attemptId, leadId, decisionId, failedChecks, nextAllowedAt }),
    ],
    flagged: (decisionId) => [voiceEvent('lead.flagged', { leadId, why: 'refused', decisionId })],
  }
}

const reconcileWorkIdOf = (attemptId: string): string => `reconcile:${attemptId}`

const CIRCUIT_OPEN: FailureMeaning = {
  vendor: 'twilio',
  code: 'circuit-open',
  meaning: 'Twilio has failed again and again, and is not asked for a while',
  action: 'retry-later',
  maxRetries: 3,
}

function checkRequest(request: PlaceCallRequest): void {
  // There is no silent default: a type can be bypassed, a recording cannot be taken back.
  if (request.recording !== 'dual' && (request.recording as string) !== 'off') {
    throw new TypeError("recording must be 'dual' or 'off': the host has to choose")
  }
  checkSeconds('ringSeconds', request.ringSeconds, 15, 600)
  checkSeconds('maxSeconds', request.maxSeconds, 1, 86_400)
  const { machineDetection: amd } = request
  if (amd?.onMachine === 'message' && (amd.message === undefined || amd.waitForBeep !== true)) {
    throw new TypeError('To leave a message give it, and wait for the beep: machineDetection.message and waitForBeep')
  }
}

function checkSeconds(name: string, value: number | undefined, from: number, to: number): void {
  if (value !== undefined && !(value >= from && value <= to)) {
    throw new RangeError(`${name} must be from ${from} to ${to} seconds, got ${value}`)
  }
}
