/** A store in memory, a gate that can be told what to say, and a telephone that does what it is told. */
import { ManualClock } from '../../src/core/clock.js'
import { VendorError } from '../../src/core/errors.js'
import type { LogFields, Logger } from '../../src/core/logger.js'
import type { Admission, Gate } from '../../src/compliance/gate.js'
import type { Refused } from '../../src/compliance/decision.js'
import type { CallStatusTaken } from '../../src/calls/call-end.js'
import { CallWebhooks } from '../../src/calls/call-webhooks.js'
import { CallPlacer, type CallPlacerOptions } from '../../src/calls/place-call.js'
import type { PlaceCallRequest } from '../../src/calls/plan.js'
import { Reconciler } from '../../src/calls/reconcile.js'
import { retryHandler } from '../../src/calls/retry-calls.js'
import type { CallRequest, CallUpdate, Telephone, TelephoneCall } from '../../src/calls/telephone.js'
import { WorkLoop } from '../../src/calls/work-loop.js'
import { RECONCILE_QUEUE, RETRY_QUEUE, WEBHOOK_QUEUE } from '../../src/calls/work-queues.js'
import { createMemoryStore } from '../../src/storage/memory.js'

export const TO = '+12025550101'
export const FROM = '+12025550199'
export const unknownOutcome = (): VendorError =>
  new VendorError('telephone_outcome_unknown', 'Twilio did not answer: the call may have been made')
export const refusedWith = (status: number, vendorCode: string, more: object = {}): VendorError =>
  new VendorError(status === 429 ? 'telephone_rate_limited' : 'telephone_refused', 'Twilio refused', { status, vendorCode, ...more }) // prettier-ignore

export class FakeTelephone implements Telephone {
  readonly dialled: CallRequest[] = []
  readonly updates: [string, CallUpdate][] = []
  readonly calls = new Map<string, TelephoneCall>()
  /** Thrown by the next dials, in order; `'after'` makes the call first. */
  readonly failures: { readonly error: Error; readonly isMade?: boolean }[] = []
  readonly #clock: ManualClock

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  async createCall(request: CallRequest): Promise<TelephoneCall> {
    const failure = this.failures.shift()
    this.dialled.push(request)
    if (failure && failure.isMade !== true) throw failure.error
    const callSid = `CA${String(this.calls.size + 1).padStart(32, '0')}`
    const call: TelephoneCall = { callSid, status: 'queued', to: request.to, from: request.from, direction: 'outbound-api', durationS: undefined, answeredBy: undefined, createdAt: this.#clock.now(), startedAt: undefined, endedAt: undefined, price: undefined, currency: undefined } // prettier-ignore
    this.calls.set(callSid, call)
    if (failure) throw failure.error
    return call
  }

  end(callSid: string, status: string, durationS?: number): void {
    const call = this.calls.get(callSid)
    if (call) this.calls.set(callSid, { ...call, status, durationS, endedAt: this.#clock.now() })
  }

  async updateCall(callSid: string, update: CallUpdate): Promise<'updated' | 'already-over'> {
    this.updates.push([callSid, update])
    return this.calls.has(callSid) ? 'updated' : 'already-over'
  }

  async fetchCall(callSid: string): Promise<TelephoneCall | undefined> {
    return this.calls.get(callSid)
  }

  async findCalls({ to, sinceAt }: { to: string; sinceAt: number }): Promise<readonly TelephoneCall[]> {
    return [...this.calls.values()].filter((call) => call.to === to && (call.createdAt ?? 0) >= sinceAt).reverse()
  }
}

export function setup(over: Partial<CallPlacerOptions> = {}) {
  const clock = new ManualClock()
  const store = createMemoryStore({ clock })
  const telephone = new FakeTelephone(clock)
  const lines: [string, LogFields | undefined][] = []
  const log = (message: string, fields?: LogFields): void => void lines.push([message, fields])
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const refusals: (Partial<Refused> | Error)[] = []
  let attempts = 0
  const gate: Pick<Gate, 'admit'> = {
    async admit(request): Promise<Admission> {
      const no = refusals.shift()
      if (no instanceof Error) throw no
      if (no) return { outcome: 'refused', decision: no as Refused, decisionId: 'd', isLeadFlagged: true }
      const attemptId = request.attemptId ?? `a${++attempts}`
      await store.reserveAttempt({
        attempt: { tenantId: request.tenantId, attemptId, phoneNumber: TO, leadId: request.leadId, campaignId: null, decisionId: 'd', attemptedAt: clock.now(), state: 'reserved', callSid: null, disposition: null },
        caps: [{ capId: 'default', maxAttempts: 3, windowMs: 86_400_000 }],
      }) // prettier-ignore
      return { outcome: 'admitted', decision: {} as never, decisionId: 'd', attemptId, phoneNumber: TO }
    },
  }
  const statuses: CallStatusTaken[] = []
  const shared = { store, telephone, clock, logger, random: () => 0, kick: () => loop.kick() }
  const placer = new CallPlacer({
    ...shared,
    gate: gate as Gate,
    urls: {
      voice: (attemptId) => `https://a.example/voice?attempt=${attemptId}`,
      status: 'https://a.example/status?tenant=t',
      recording: 'https://a.example/recording?tenant=t',
      machineDetection: 'https://a.example/amd?tenant=t',
    },
    fromNumbers: [FROM],
    ...over,
  })
  const webhooks = new CallWebhooks({ ...shared, onStatus: (taken) => void statuses.push(taken) })
  const reconciler = new Reconciler({ ...shared, onStatus: (taken) => void statuses.push(taken) })
  const loop = new WorkLoop({
    store,
    clock,
    logger,
    handlers: { [WEBHOOK_QUEUE]: webhooks.process, [RECONCILE_QUEUE]: reconciler.process, [RETRY_QUEUE]: retryHandler(placer, clock) }, // prettier-ignore
  })
  loop.start()
  /** Moves time on and lets everything that is due happen. */
  async function pass(ms: number): Promise<void> {
    const stepMs = Math.max(1000, ms / 20)
    for (let doneMs = 0; doneMs < ms || doneMs === 0; doneMs += stepMs) {
      clock.advance(Math.min(stepMs, ms))
      loop.kick()
      await loop.idle()
    }
  }
  const request: PlaceCallRequest = { tenantId: 't', leadId: 'lead-1', sellerId: 's', via: 'bridge', recording: 'off' }
  const place = (more: Partial<PlaceCallRequest> = {}) => placer.place({ ...request, ...more })
  const status = (callSid: string, callStatus: string, sequence: number, more: Record<string, string> = {}) =>
    webhooks.accept({ kind: 'status', tenantId: 't', params: { CallSid: callSid, CallStatus: callStatus, SequenceNumber: String(sequence), CallbackSource: 'call-progress-events', Direction: 'outbound-api', From: FROM, To: TO, ...more } }) // prettier-ignore
  const call = (callSid: string) => store.findCall({ tenantId: 't', callSid })
  const attempt = (attemptId: string) => store.findAttempt({ tenantId: 't', attemptId })
  return { clock, store, telephone, placer, webhooks, reconciler, loop, pass, place, status, call, attempt, refusals, statuses, lines, request } // prettier-ignore
}
