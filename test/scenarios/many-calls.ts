/**
 * A telephone company and two workers on one store, for many calls at once with things going wrong all the time.
 *
 * The REST answers, the addresses and the signed webhooks are Twilio's to the letter and go through our own client, signature check and
 * host handler; only the wire between is left out, so that time can be moved by hand and a loaded machine changes nothing.
 */
import { createHash } from 'node:crypto'
import type { Admission, Gate } from '../../src/compliance/gate.js'
import { CallWebhooks } from '../../src/calls/call-webhooks.js'
import { CallPlacer } from '../../src/calls/place-call.js'
import type { PlaceCallRequest } from '../../src/calls/plan.js'
import { Reconciler } from '../../src/calls/reconcile.js'
import { retryHandler } from '../../src/calls/retry-calls.js'
import { TwilioTelephone } from '../../src/calls/twilio-telephone.js'
import { WorkLoop } from '../../src/calls/work-loop.js'
import { RECONCILE_QUEUE, RETRY_QUEUE, WEBHOOK_QUEUE } from '../../src/calls/work-queues.js'
import { type ManualClock } from '../../src/core/clock.js'
import type { Fetch, FetchAnswer } from '../../src/core/http.js'
import { textResponse, type HostHandler } from '../../src/middleware/host-request.js'
import { createWebhookHandler } from '../../src/middleware/webhook-handler.js'
import { seededRandom, type Random } from '../../src/simulator/twilio/seeded-random.js'
import { signTwilioRequest } from '../../src/webhooks/twilio-signing.js'
import type { Store } from '../../src/storage/store.js'

const PUBLIC_URL = 'https://calls.example.com'
const AUTH_TOKEN = 'f'.repeat(32)
const TENANT = 't'
export const CAP = { capId: 'three-a-day', maxAttempts: 3, windowMs: 86_400_000 }

/** A call as it really was. */
export interface TrueCall {
  readonly callSid: string
  readonly attemptId: string
  readonly to: string
  readonly createdAt: number
  readonly endStatus: string
  readonly durationS: number | undefined
  readonly endedAt: number
}

export interface Faults {
  readonly rateLimited: number
  readonly failed: number
  readonly madeThenFailed: number
  readonly madeThenSilent: number
  readonly webhookLost: number
  readonly handlerError: number
}

const rfc2822 = (atMs: number): string => new Date(atMs).toUTCString().replace('GMT', '+0000')

/** Twilio: makes calls, lets them ring and end, and tells of it, each webhook twice and in any order. */
class TelephoneCompany {
  readonly calls = new Map<string, TrueCall>()
  readonly counts: Record<string, number> = {}

  constructor(
    private readonly clock: ManualClock,
    private readonly random: Random,
    private readonly faults: Faults,
    private readonly deliver: (url: string, params: Record<string, string>) => void,
  ) {}

  readonly fetch: Fetch = async (url, init) => {
    const { pathname, searchParams } = new URL(url)
    if (init.method === 'POST') return this.#create(new URLSearchParams(init.body))
    const sid = /Calls\/(CA\w+)\.json$/.exec(pathname)?.[1]
    if (sid !== undefined) {
      const call = this.calls.get(sid)
      return call ? json(200, this.#resource(call)) : json(404, { code: 20404 })
    }
    const listed = [...this.calls.values()].filter(({ to }) => to === searchParams.get('To')).reverse()
    return json(200, { calls: listed.slice(0, 100).map((call) => this.#resource(call)) })
  }

  async #create(form: URLSearchParams): Promise<FetchAnswer> {
    const { rateLimited, failed, madeThenFailed, madeThenSilent } = this.faults
    const roll = this.random()
    const isBelow = (name: string, edge: number): boolean => {
      if (roll >= edge) return false
      this.counts[name] = (this.counts[name] ?? 0) + 1
      return true
    }
    if (isBelow('rateLimited', rateLimited)) return json(429, { code: 20429, message: 'Too many requests' }, { 'retry-after': '1' }) // prettier-ignore
    if (isBelow('failed', rateLimited + failed)) return json(500, { code: 20500 })
    const call = this.#make(form)
    if (isBelow('madeThenFailed', rateLimited + failed + madeThenFailed)) return json(500, { code: 20500 })
    if (isBelow('madeThenSilent', rateLimited + failed + madeThenFailed + madeThenSilent)) return new Promise(() => undefined) // prettier-ignore
    return json(201, { ...this.#resource(call), status: 'queued' })
  }

  #make(form: URLSearchParams): TrueCall {
    const callSid = `CA${String(this.calls.size + 1).padStart(32, '0')}`
    const attemptId = new URL(form.get('Url') ?? '').searchParams.get('attempt') ?? ''
    const createdAt = this.clock.now()
    const roll = this.random()
    const endStatus = roll < 0.75 ? 'completed' : roll < 0.85 ? 'no-answer' : roll < 0.93 ? 'busy' : roll < 0.97 ? 'failed' : 'canceled' // prettier-ignore
    const durationS = endStatus === 'completed' ? Math.floor(this.random() * 90) : undefined
    const ringMs = 1000 + Math.floor(this.random() * 4000)
    const endedAt = createdAt + ringMs + (durationS ?? 0) * 1000
    const call = { callSid, attemptId, to: form.get('To') ?? '', createdAt, endStatus, durationS, endedAt }
    this.calls.set(callSid, call)
    const tell = (afterMs: number, sequence: number, status: string, more: Record<string, string> = {}): void =>
      this.#tell(afterMs, form.get('StatusCallback') ?? '', { CallSid: callSid, CallStatus: status, SequenceNumber: String(sequence), CallbackSource: 'call-progress-events', Direction: 'outbound-api', To: call.to, From: form.get('From') ?? '', Timestamp: rfc2822(createdAt + afterMs), ...more }) // prettier-ignore
    tell(0, 0, 'initiated')
    tell(500, 1, 'ringing')
    if (durationS !== undefined) tell(ringMs, 2, 'in-progress')
    tell(endedAt - createdAt, durationS === undefined ? 2 : 3, endStatus, durationS === undefined ? {} : { CallDuration: String(durationS), Duration: String(Math.ceil(durationS / 60)) }) // prettier-ignore
    return call
  }

  /** Twice, late by up to eight seconds each, or never. */
  #tell(afterMs: number, url: string, params: Record<string, string>): void {
    if (this.random() < this.faults.webhookLost) {
      this.counts.webhookLost = (this.counts.webhookLost ?? 0) + 1
      return
    }
    for (let copy = 0; copy < 2; copy++) {
      this.clock.setTimeout(
        () => {
          this.deliver(url, params)
        },
        afterMs + Math.floor(this.random() * 8000),
      )
    }
  }

  #resource({ callSid, to, createdAt, endStatus, durationS, endedAt }: TrueCall): object {
    const isOver = this.clock.now() >= endedAt
    return {
      sid: callSid,
      status: isOver ? endStatus : 'ringing',
      to,
      from: '+12025550199',
      direction: 'outbound-api',
      duration: isOver ? String(durationS ?? 0) : null,
      answered_by: null,
      date_created: rfc2822(createdAt),
      start_time: null,
      end_time: isOver ? rfc2822(endedAt) : null,
    }
  }
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): FetchAnswer {
  const bytes = new TextEncoder().encode(JSON.stringify(body))
  let isRead = false
  return {
    status,
    headers: { get: (name) => headers[name.toLowerCase()] ?? null },
    body: {
      getReader: () => ({
        read: async () => (isRead ? { done: true } : ((isRead = true), { done: false, value: bytes })),
        cancel: async () => undefined,
      }),
    },
  }
}

export interface ManyCallsOptions {
  readonly store: Store
  readonly clock: ManualClock
  readonly seed: number
  readonly faults: Faults
  /** Resolves once nothing is under way that is not waiting for the clock. */
  readonly settled: () => Promise<void>
}

/** Sets everything up: two workers who share nothing but the store. */
export function manyCalls({ store, clock, seed, faults, settled }: ManyCallsOptions) {
  const random = seededRandom(seed)
  const ends = new Map<string, number>()
  let handlerErrors = 0
  const gate: Pick<Gate, 'admit'> = {
    async admit({ tenantId, leadId, attemptId = '' }): Promise<Admission> {
      const phoneNumber = numberOf(leadId)
      const attempt = { tenantId, attemptId, phoneNumber, leadId, campaignId: null, decisionId: 'd', attemptedAt: clock.now(), state: 'reserved' as const, callSid: null, disposition: null } // prettier-ignore
      const reserved = await store.reserveAttempt({ attempt, caps: [CAP] })
      if (reserved.outcome === 'refused') return { outcome: 'refused', decision: { nextAllowedAt: reserved.nextAllowedAt } as never, decisionId: 'd', isLeadFlagged: false } // prettier-ignore
      return { outcome: 'admitted', decision: {} as never, decisionId: 'd', attemptId, phoneNumber }
    },
  }
  const handlers: HostHandler[] = []
  const inFlight = new Set<Promise<unknown>>()
  const track = (work: Promise<unknown>): void => {
    inFlight.add(work)
    void work.catch(() => undefined).finally(() => inFlight.delete(work))
  }
  const company = new TelephoneCompany(clock, random, faults, (url, params) => {
    const handle = handlers[Math.floor(random() * handlers.length)]!
    const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url, params })
    const headers: Record<string, string> = { 'x-twilio-signature': signature, 'content-type': 'application/x-www-form-urlencoded' } // prettier-ignore
    const answered = handle({
      method: 'POST',
      target: url.slice(PUBLIC_URL.length),
      header: (name) => headers[name],
      readBody: async () => ({ bytes: new URLSearchParams(params).toString() }),
    })
    track(
      answered.then((answer) => {
        if (answer?.status !== 200) throw new Error(`a webhook was answered with ${String(answer?.status)}`)
      }),
    )
  })

  const workers = [0, 1].map(() => {
    const telephone = new TwilioTelephone({ accountSid: 'AC1', auth: AUTH_TOKEN, fetch: company.fetch, clock })
    const kick = (): void => loop.kick()
    const onStatus = ({ call, isEnd }: { call: { callSid: string }; isEnd: boolean }): void => {
      if (random() < faults.handlerError) {
        handlerErrors++
        throw new Error('the host stumbles')
      }
      if (isEnd) ends.set(call.callSid, (ends.get(call.callSid) ?? 0) + 1)
    }
    const shared = { store, telephone, clock, random, kick }
    const placer = new CallPlacer({
      ...shared,
      gate: gate as Gate,
      urls: ({ attemptId = '' }) => ({
        voice: (attempt) => `${PUBLIC_URL}/voice?attempt=${attempt}`,
        status: `${PUBLIC_URL}/status?attempt=${attemptId}`,
        recording: `${PUBLIC_URL}/recording`,
        machineDetection: `${PUBLIC_URL}/machine`,
      }),
      fromNumbers: ['+12025550199'],
    })
    const webhooks = new CallWebhooks({ ...shared, onStatus })
    const reconciler = new Reconciler({ ...shared, onStatus })
    const loop = new WorkLoop({
      store,
      clock,
      handlers: { [WEBHOOK_QUEUE]: webhooks.process, [RECONCILE_QUEUE]: reconciler.process, [RETRY_QUEUE]: retryHandler(placer, clock) }, // prettier-ignore
    })
    handlers.push(
      createWebhookHandler({
        publicUrl: PUBLIC_URL,
        authToken: AUTH_TOKEN,
        routes: {
          '/status': async ({ params, query }) => {
            await webhooks.accept({ kind: 'status', tenantId: TENANT, attemptId: query.get('attempt') ?? undefined, params }) // prettier-ignore
            return textResponse(200, 'OK')
          },
        },
      }),
    )
    loop.start()
    return { placer, loop, reconciler }
  })

  /** Moves time on in steps, and between two steps lets everything happen that can. */
  async function pass(ms: number, stepMs: number): Promise<void> {
    for (let doneMs = 0; doneMs < ms; doneMs += stepMs) {
      clock.advance(stepMs)
      await settled()
      for (const { loop } of workers) loop.kick()
      await settled()
    }
  }

  /** Asks both workers for the same call. */
  function place(i: number): Promise<unknown> {
    const request: PlaceCallRequest = { tenantId: TENANT, leadId: `lead-${i}`, sellerId: 's', via: 'bridge', recording: 'off', attemptId: `a${i}` } // prettier-ignore
    const both = Promise.all(workers.map(({ placer }) => placer.place(request)))
    track(both)
    return both
  }

  return {
    company,
    workers,
    ends,
    place,
    pass,
    inFlight,
    get handlerErrors() {
      return handlerErrors
    },
    close: () => Promise.all(workers.map(({ loop }) => loop.close())),
  }
}

/** A number of its own for each lead. */
export function numberOf(leadId: string): string {
  const digits = createHash('sha256').update(leadId).digest().readUIntBE(0, 6) % 10_000_000
  return `+1202${String(digits).padStart(7, '0')}${leadId.replace(/\D/g, '')}`.slice(0, 16)
}

export { TENANT }
