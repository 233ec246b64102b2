/**
 * Twilio's webhooks about a call: kept before they are acknowledged, taken in once, in their own order.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { systemClock, type Clock } from '../core/clock.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { voiceEvent } from '../events/map.js'
import type { CallRecord } from '../records/call.js'
import { isTerminalCallStatus } from '../records/call-status.js'
import type { CacheStore, ClaimStore } from '../storage/coordination.js'
import type { TakenWork, WorkStore } from '../storage/queues.js'
import type { AttemptStore, CallChanges, CallStore, RecordingStore } from '../storage/store.js'
import { endChanges, finishCall, statusEvents, withItsOutcome, type CallStatusTaken } from './call-end.js'
import { callRecordOf, recordCall } from './call-record.js'
import type { CostOptions } from './cost.js'
import { findPlan } from './plan.js'
import type { RetryPolicies } from './retry-policy.js'
import type { Telephone } from './telephone.js'
import type { WorkOutcome } from './work-loop.js'
import { WEBHOOK_QUEUE } from './work-queues.js'
import { hangup } from '../twiml/call-control.js'
import { response } from '../twiml/response.js'
import { say } from '../twiml/speech.js'

/** Which webhook it is; the host knows it from its own route. */
export type CallWebhookKind = 'status' | 'recording' | 'machine-detection'

/** A proven webhook. */
export interface CallWebhook {
  readonly kind: CallWebhookKind
  /** Whose call it is, as our own address says. */
  readonly tenantId: string
  /** Whose attempt it is, where our own address says so. */
  readonly attemptId?: string | undefined
  /** Every signed parameter, as it came. */
  readonly params: Readonly<Record<string, string>>
}

export type CallWebhookStore = CallStore &
  Pick<AttemptStore, 'settleAttempt'> &
  Pick<RecordingStore, 'findRecording' | 'putRecording'> &
  Pick<ClaimStore, 'claimKey' | 'commitClaim' | 'abandonClaim'> &
  CacheStore &
  Pick<WorkStore, 'scheduleWork'>

export interface CallWebhooksOptions {
  readonly store: CallWebhookStore
  readonly telephone: Pick<Telephone, 'updateCall'>
  readonly retries?: Pick<RetryPolicies, 'callOutcome'>
  readonly cost?: CostOptions
  /** Told of each status that counts, in order. May throw: it is then told again. */
  readonly onStatus?: (taken: CallStatusTaken) => void | Promise<void>
  /** Told when work was left, and where it is known in which queue, so that it is done at once. */
  readonly kick?: (queue?: string) => void
  readonly clock?: Clock
  readonly logger?: Logger
  /** From 0 to 1. Default `Math.random`. */
  readonly random?: () => number
}

/**
 * What follows the address of a webhook for Twilio to repeat it when it was not taken: twice more, within its 15 seconds, after a 5xx, and where
 * there was no connection or no answer within 6 seconds. Left out, only a connection that was not made is tried again, once. Never sent, and
 * never signed (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides, read 2026-11-21).
 */
export const REPEATED = '#rc=2&rt=6000&rp=5xx,ct,rt'

/** How long it is remembered that a webhook was taken in: longer than anyone repeats one. */
const REMEMBER_MS = 26 * 3_600_000
/** Longer than `visibilityMs` of the loop: who takes the work over while its first taker still runs waits a little more. */
const CLAIM_LEASE_MS = 150_000
/** A status may overtake the record of its call; so often it waits for it. */
const MAX_WAITS_FOR_RECORD = 5
const WAIT_FOR_RECORD_MS = 1000
/** At 200 webhooks a second so many are on their way to the store when each takes 20 ms. */
const BUSY_FROM = 4

/** Takes webhooks in. */
export class CallWebhooks {
  readonly #options: CallWebhooksOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #random: () => number
  #arriving = 0

  constructor(options: CallWebhooksOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    this.#random = options.random ?? Math.random
  }

  /** More webhooks wait to be kept than a store that keeps up would let wait: work that can wait should. For `isBusy` of the loop. */
  get isBusy(): boolean {
    return this.#arriving > BUSY_FROM
  }

  /**
   * Keeps a webhook. Once this resolves it will be taken in, whatever dies: acknowledge it then. When it rejects, answer 503: an address with
   * `#rc=2&rp=5xx` at its end is then asked again.
   *
   * The same webhook again, however often, is one.
   */
  async accept(webhook: CallWebhook): Promise<void> {
    this.#arriving++
    try {
      await this.#options.store.scheduleWork({
        tenantId: webhook.tenantId,
        workId: webhookId(webhook),
        queue: WEBHOOK_QUEUE,
        dueAt: this.#clock.now(),
        payload: { kind: webhook.kind, params: webhook.params, attemptId: webhook.attemptId },
      })
    } finally {
      this.#arriving--
    }
    this.#options.kick?.(WEBHOOK_QUEUE)
  }

  /** Takes in a webhook that was kept: the handler of {@link WEBHOOK_QUEUE}. */
  readonly process = async ({ work, takes }: TakenWork): Promise<WorkOutcome> => {
    const { store } = this.#options
    const { tenantId, workId } = work
    // Only ever written by `accept`.
    const webhook = { ...(work.payload as Pick<CallWebhook, 'kind' | 'params' | 'attemptId'>), tenantId }
    // A repeat that comes after the first was forgotten by its queue finds its claim.
    const claimed = await store.claimKey({ tenantId, key: workId, leaseMs: CLAIM_LEASE_MS })
    if (claimed.outcome === 'done') return 'done'
    if (claimed.outcome === 'in-progress') return { againAt: claimed.untilAt }
    try {
      const outcome = await this.#take(webhook, takes)
      if (outcome === 'done') await store.commitClaim(claimed.claim, { keepMs: REMEMBER_MS })
      else await store.abandonClaim(claimed.claim)
      return outcome
    } catch (error) {
      await store.abandonClaim(claimed.claim).catch(() => undefined)
      throw error
    }
  }

  #take(webhook: CallWebhook, takes: number): Promise<WorkOutcome> {
    switch (webhook.kind) {
      case 'status':
        return this.#takeStatus(webhook, takes)
      case 'machine-detection':
        return this.#takeMachineDetection(webhook, takes)
      case 'recording':
        return this.#takeRecording(webhook)
    }
  }

  async #takeStatus(webhook: CallWebhook, takes: number): Promise<WorkOutcome> {
    const { store, onStatus } = this.#options
    const { tenantId, params } = webhook
    const { CallSid: callSid = '', CallStatus: callStatus = '' } = params
    if (callSid === '' || callStatus === '') {
      this.#logger.warn('A status callback names no call or no status', { tenantId })
      return 'done'
    }
    const sequenceNumber = sequenceOf(params)
    const isTerminal = isTerminalCallStatus(callStatus)
    // Only an end depends on what is known already; every other status saves the look.
    const changes = this.#changesOf(params, isTerminal ? await store.findCall({ tenantId, callSid }) : undefined)
    const events = statusEvents(callSid, callStatus, changes)
    const apply = () => store.applyCallStatus({ tenantId, callSid, callStatus, sequenceNumber, changes, events })
    let applied = await apply()
    if (applied.outcome === 'missing') {
      // Either the attempt's name leads to its plan, or whoever dialled is about to write the record. Else nobody will: a call that we
      // answered with something else, or one whose record was lost. It is kept all the same.
      const isRecorded = await this.#recordByAttempt(webhook)
      if (!isRecorded && takes <= MAX_WAITS_FOR_RECORD)
        return { againAt: this.#clock.now() + WAIT_FOR_RECORD_MS * takes }
      if (!isRecorded) await store.addCall(recordFromParams(tenantId, params))
      applied = await apply()
    }
    if (applied.outcome === 'missing') return { againAt: this.#clock.now() + WAIT_FOR_RECORD_MS }
    const { call } = applied
    this.#logger.info(`Call ${callSid} status: ${callStatus}`, { callSid, callStatus, outcome: applied.outcome })
    // It stands in the record and was not told of: we were here before, and failed or died.
    const isAgain = sequenceNumber !== null && call.sequenceNumber === sequenceNumber && call.callStatus === callStatus
    const isEnd = isTerminalCallStatus(call.callStatus)
    if (isEnd && isTerminal) {
      return finishCall(call, { ...this.#options, clock: this.#clock, random: this.#random })
    }
    if (applied.outcome === 'applied' || isAgain) await onStatus?.({ call, isEnd: false })
    return 'done'
  }

  /** The first webhook of a call may come before the answer to its dial, or instead of it. */
  async #recordByAttempt({ tenantId, attemptId, params }: CallWebhook): Promise<boolean> {
    const { store } = this.#options
    const plan = attemptId === undefined ? undefined : await findPlan(store, tenantId, attemptId)
    const { CallSid: callSid = '', From: from = '', To: to = '' } = params
    if (!plan || attemptId === undefined) return false
    const record = callRecordOf({ ...plan, attemptId }, { callSid, status: 'queued', to, from })
    const data = { callSid, attemptId, leadId: plan.leadId, via: plan.via }
    if ((await recordCall(store, record, [voiceEvent('call.placed', data)])) === 'of-another') return false
    await store.settleAttempt({ tenantId, attemptId, state: 'placed', callSid })
    return true
  }

  #changesOf(params: Readonly<Record<string, string>>, known: CallRecord | undefined): CallChanges {
    const { CallStatus: callStatus = '', AnsweredBy: answeredBy } = params
    const at = timestampOf(params) ?? this.#clock.now()
    const machine = answeredBy === undefined ? {} : { answeredBy }
    if (callStatus === 'in-progress') return { answeredAt: at, ...machine }
    if (!isTerminalCallStatus(callStatus)) return machine
    const end = endChanges(
      callStatus,
      durationOf(params),
      at,
      answeredBy ?? known?.answeredBy ?? null,
      this.#options.cost,
    )
    return known?.outcome ? { ...end, outcome: known.outcome } : end
  }

  async #takeMachineDetection({ tenantId, params }: CallWebhook, takes: number): Promise<WorkOutcome> {
    const { store, telephone } = this.#options
    const { CallSid: callSid = '', AnsweredBy: answeredBy = 'unknown' } = params
    const call = await store.updateCall({
      tenantId,
      callSid,
      changes: { answeredBy },
      events: [voiceEvent('call.answered-by', { callSid, answeredBy })],
    })
    if (!call) {
      return takes <= MAX_WAITS_FOR_RECORD ? { againAt: this.#clock.now() + WAIT_FOR_RECORD_MS * takes } : 'done'
    }
    if (call.outcome !== null) {
      const { attemptId, outcome } = await withItsOutcome(call, store)
      const disposition = outcome?.kind ?? call.callStatus
      if (attemptId !== null) await store.settleAttempt({ tenantId, attemptId, state: 'placed', callSid, disposition })
      return 'done'
    }
    const plan = call.attemptId === null ? undefined : await findPlan(store, tenantId, call.attemptId)
    const { onMachine = 'hang-up', message } = plan?.machineDetection ?? {}
    if (answeredBy === 'fax') await telephone.updateCall(callSid, { status: 'completed' })
    else if (answeredBy.startsWith('machine') && onMachine === 'hang-up') {
      await telephone.updateCall(callSid, { status: 'completed' })
    } else if (answeredBy.startsWith('machine_end') && onMachine === 'message' && message !== undefined) {
      await telephone.updateCall(callSid, { twiml: response(say(message), hangup()).toString() })
    }
    return 'done'
  }

  async #takeRecording({ tenantId, params }: CallWebhook): Promise<WorkOutcome> {
    const { CallSid: callSid = '', RecordingSid: recordingSid = '', RecordingStatus: status = '' } = params
    if (recordingSid === '' || status === '') return 'done'
    const known = await this.#options.store.findRecording({ tenantId, recordingSid })
    // What comes late tells of a time that is past: a recording that is there does not begin, one that was archived is not completed.
    if (known && stageOf(status) <= stageOf(known.status)) return 'done'
    const { RecordingUrl: mediaUrl, RecordingDuration: duration, RecordingChannels: channels } = params
    await this.#options.store.putRecording(
      {
        tenantId,
        recordingSid,
        callSid,
        status,
        ...(mediaUrl === undefined ? {} : { mediaUrl }),
        ...numberFor('durationS', duration),
        ...numberFor('channels', channels),
        createdAt: this.#clock.now(),
      },
      status === 'completed' ? [voiceEvent('recording.completed', { callSid, recordingSid })] : [],
    )
    this.#logger.info(`Recording ${status} for ${callSid}: ${recordingSid}`, { callSid, recordingSid })
    return 'done'
  }
}

/**
 * Names a webhook by what it says, so that every delivery of it has one name. Twilio's own token is the same for the deliveries of one webhook, and
 * is left out: it is a header that a proxy may drop.
 */
export function webhookId({ kind, params }: Pick<CallWebhook, 'kind' | 'params'>): string {
  const { CallSid: callSid = '', SequenceNumber: sequence, CallStatus: status = '' } = params
  if (kind === 'status' && sequence !== undefined) return `webhook:status:${callSid}:${sequence}:${status}`
  const sorted = Object.keys(params).sort().map((name) => [name, params[name]]) // prettier-ignore
  return `webhook:${kind}:${callSid}:${createHash('sha256').update(JSON.stringify(sorted)).digest('base64url')}`
}

/** The end of a status callback's ordering: a number's own callback sends its only one as 0, after everything else. */
function sequenceOf({
  SequenceNumber: sequence,
  CallbackSource: source,
}: Readonly<Record<string, string>>): number | null {
  if (sequence === undefined || !/^\d{1,9}$/.test(sequence) || (source !== undefined && source !== 'call-progress-events')) return null // prettier-ignore
  return Number(sequence)
}

/**
 * Seconds: `CallDuration`. `Duration` is billed minutes and counts only where the other is missing (twilio-java issue 321 and live callbacks, read
 * 2026-11-21).
 */
function durationOf({ CallDuration: seconds, Duration: minutes }: Readonly<Record<string, string>>): number | null {
  if (seconds !== undefined && /^\d{1,7}$/.test(seconds)) return Number(seconds)
  return minutes !== undefined && /^\d{1,5}$/.test(minutes) ? Number(minutes) * 60 : null
}

/** RFC 2822, as call status callbacks have it; what cannot be read is no moment. */
function timestampOf({ Timestamp: text }: Readonly<Record<string, string>>): number | undefined {
  const atMs = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(atMs) ? undefined : atMs
}

/** How far a recording is: it begins, is there or is not, and then is ours. */
function stageOf(recordingStatus: string): number {
  if (recordingStatus === 'in-progress') return 0
  return recordingStatus === 'completed' || recordingStatus === 'absent' ? 1 : 2
}

/** A whole number that is none (Twilio says -1 of what is not known) is left out. */
function numberFor(
  name: 'durationS' | 'channels',
  text: string | undefined,
): { readonly [key in typeof name]?: number } {
  return text !== undefined && /^\d{1,7}$/.test(text) ? { [name]: Number(text) } : {}
}

function recordFromParams(
  tenantId: string,
  params: Readonly<Record<string, string>>,
): Parameters<CallStore['addCall']>[0] {
  const { CallSid: callSid = '', From: from = '', To: to = '', Direction: direction = '' } = params
  return {
    tenantId,
    callSid,
    direction: direction.startsWith('outbound') ? 'outbound' : 'inbound',
    from,
    to,
    callStatus: 'queued',
  }
}
