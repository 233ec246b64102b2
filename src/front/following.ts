/**
 * Follows calls to their end: webhooks kept and taken in, attempts reconciled, retries placed, orphans found.
 *
 * @module
 */
import type { CallStatusTaken } from '../calls/call-end.js'
import { CallWebhooks, webhookId, type CallWebhookKind } from '../calls/call-webhooks.js'
import type { CostOptions } from '../calls/cost.js'
import { HeldWrites } from '../calls/held-writes.js'
import type { CallPlacer } from '../calls/place-call.js'
import { Reconciler } from '../calls/reconcile.js'
import { retryHandler } from '../calls/retry-calls.js'
import type { RetryPolicies } from '../calls/retry-policy.js'
import type { Telephone } from '../calls/telephone.js'
import { WorkLoop } from '../calls/work-loop.js'
import { RECONCILE_QUEUE, RETRY_QUEUE, WEBHOOK_QUEUE } from '../calls/work-queues.js'
import type { TimerHandle } from '../core/clock.js'
import { VoiceError } from '../core/errors.js'
import { textResponse, type HostResponse } from '../middleware/host-request.js'
import type { ProvenRequest } from '../middleware/webhook-handler.js'
import type { FrontContext } from './context.js'
import { RECORDING_QUEUE, recordingHandler, recordingWork, type OnRecording } from './recordings.js'
import type { Tenants } from './tenants.js'

export interface FollowingOptions {
  readonly context: FrontContext
  readonly tenants: Tenants
  readonly placer: Pick<CallPlacer, 'place'>
  /** Changes a call that a machine has answered. */
  readonly updateCall: Telephone['updateCall']
  readonly retries: RetryPolicies | undefined
  readonly cost: CostOptions | undefined
  /** How often calls are looked for whose end was never told, in milliseconds. */
  readonly reapEveryMs: number
  readonly onStatus: (taken: CallStatusTaken) => void
  /** What is done with a finished recording. */
  readonly onRecording: OnRecording | undefined
  /** Done at every look: what waits for a store that is back. */
  readonly onLook: () => Promise<void>
}

/** The process before this one may have died with calls under way: a first look comes soon, in milliseconds. */
const FIRST_LOOK_MS = 30_000
/** Said when a webhook is not in the store: Twilio repeats it where its address says so. */
const NOT_KEPT = textResponse(503, 'The store does not answer')
const NO_CONTENT: HostResponse = { status: 204, contentType: 'text/plain', body: '' }

/** Follows calls. */
export class Following {
  readonly reconciler: Reconciler
  readonly #options: FollowingOptions
  readonly #webhooks: CallWebhooks
  readonly #loop: WorkLoop
  readonly #held: HeldWrites
  #reaper: TimerHandle | undefined
  #state: 'waiting' | 'started' | 'closed' = 'waiting'

  constructor(options: FollowingOptions) {
    const { context, retries, cost, placer, onRecording } = options
    const { store, telephone, clock, logger } = context
    this.#options = options
    const shared = {
      store,
      telephone,
      clock,
      logger,
      kick: (queue?: string) => this.#loop.kick(queue),
      onStatus: (taken: CallStatusTaken) => options.onStatus(taken),
      ...(retries === undefined ? {} : { retries }),
      ...(cost === undefined ? {} : { cost }),
    }
    this.#webhooks = new CallWebhooks({ ...shared, telephone: { updateCall: options.updateCall } })
    this.#held = new HeldWrites({ clock, logger })
    this.reconciler = new Reconciler(shared)
    this.#loop = new WorkLoop({
      store,
      clock,
      logger,
      isBusy: () => this.#webhooks.isBusy,
      handlers: {
        [WEBHOOK_QUEUE]: this.#webhooks.process,
        [RECONCILE_QUEUE]: this.reconciler.process,
        [RETRY_QUEUE]: retryHandler(placer, clock),
        ...(onRecording ? { [RECORDING_QUEUE]: recordingHandler(context, onRecording) } : {}),
      },
    })
  }

  /** Starts the work that waits in the store. Safe to call twice. */
  start(): void {
    if (this.#state !== 'waiting') return
    this.#state = 'started'
    const { context, reapEveryMs } = this.#options
    this.#loop.start()
    this.#reaper = context.clock.setTimeout(() => void this.#look(), Math.min(FIRST_LOOK_MS, reapEveryMs))
  }

  /** Takes nothing new, and waits for what is being done. */
  async close(): Promise<void> {
    const wasStarted = this.#state === 'started'
    this.#state = 'closed'
    this.#options.context.clock.clear(this.#reaper)
    await this.#held.close()
    if (wasStarted) await this.#loop.close()
  }

  /** Resolves once nothing is due that could be done here. */
  idle(): Promise<void> {
    return this.#loop.idle()
  }

  /**
   * Keeps a webhook before it is acknowledged: whatever dies afterwards, it is taken in. One that the store does not take is not acknowledged, and
   * is held here as well, until the store is back or this process ends.
   */
  async accept(kind: CallWebhookKind, { params, query }: ProvenRequest): Promise<HostResponse> {
    this.start()
    const attemptId = query.get('attempt') ?? undefined
    const keep = async (): Promise<void> => {
      const tenantId = query.get('tenant') ?? (await this.#tenantOf(params))
      await this.#webhooks.accept({ kind, tenantId, attemptId, params })
      const { context, onRecording } = this.#options
      const work =
        kind === 'recording' && onRecording ? recordingWork(tenantId, params, context.clock.now()) : undefined
      if (work) await context.store.scheduleWork(work)
    }
    try {
      await keep()
      return NO_CONTENT
    } catch (error) {
      if (!this.#held.hold(webhookId({ kind, params }), keep, error)) throw error
      return NOT_KEPT
    }
  }

  /** A number's own callback names no tenant. */
  async #tenantOf({ Direction: direction, To: to = '' }: Readonly<Record<string, string>>): Promise<string> {
    const { tenants } = this.#options
    if (direction?.startsWith('outbound')) return tenants.defaultTenantId
    const found = await tenants.find(to)
    if (!('problem' in found)) return found.tenantId
    if (found.problem === 'tenantNotFound') return tenants.defaultTenantId
    throw new VoiceError('storage_failed', 'Nobody knows yet whose call a webhook is about')
  }

  async #look(): Promise<void> {
    const { context, tenants, onLook, reapEveryMs } = this.#options
    const { store, logger, clock } = context
    try {
      await onLook()
      await this.reconciler.reap(tenants.defaultTenantId)
      let cursor: string | undefined
      do {
        const page = await store.listTenants(cursor === undefined ? {} : { cursor })
        for (const { tenantId } of page.items) {
          if (tenantId !== tenants.defaultTenantId) await this.reconciler.reap(tenantId)
        }
        cursor = page.nextCursor
      } while (cursor !== undefined && this.#state === 'started')
    } catch (error) {
      logger.error('Calls without an end could not be looked for', { error })
    }
    // One look after the other, however long each takes.
    if (this.#state === 'started') this.#reaper = clock.setTimeout(() => void this.#look(), reapEveryMs)
  }
}
