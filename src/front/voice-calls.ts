/**
 * Everything that a host does with calls: place them, find them, change them while they last.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { REPEATED } from '../calls/call-webhooks.js'
import { CallPlacer, type CallPlacerOptions, type PlaceCallHooks, type PlaceCallResult } from '../calls/place-call.js'
import type { JoinedTurn } from '../calls/joined-transcript.js'
import { findPlan, type PlaceCallRequest } from '../calls/plan.js'
import { createGate, type GateOptions } from '../compliance/gate.js'
import { guardedBy, type OptOutBlockList } from '../compliance/opt-out/block-list.js'
import { createPolicy } from '../compliance/policy.js'
import type { Policy } from '../compliance/rule.js'
import { loadRulePack } from '../compliance/rule-pack.js'
import { VoiceError } from '../core/errors.js'
import type { ConversationInitiation } from '../elevenlabs/initiation.js'
import type { CallRecord } from '../records/call.js'
import type { CallFilter, Page, PageQuery } from '../storage/store.js'
import { withinSpan, type Tracer } from '../telemetry/tracer.js'
import type { IncomingCall } from './answer-plan.js'
import type { BridgedCalls } from './bridged-calls.js'
import type { CallControl, CallController } from './call-control.js'
import type { FrontContext, LiveCall } from './context.js'

/** What the gate is told besides policy and store: lists, look-ups, the key of audit records. */
export type ComplianceOptions = Omit<GateOptions, 'store' | 'policy' | 'clock' | 'logger' | 'newId'>

/** How a call is answered once it is picked up. Plain JSON: it may wait in a store. */
export interface PlacedAnswer {
  /** The agent that talks. Default: the configured one. */
  readonly agentId?: string
  /** What the agent is told, and how it is changed for this call. */
  readonly initiation?: Readonly<Record<string, unknown>>
  /** Via `conversation-relay`: attributes of the relay. */
  readonly relay?: Readonly<Record<string, unknown>>
  readonly isTextOnlyAgent?: boolean
  /** Via `say`: what is said, before a pause and a goodbye. */
  readonly message?: string
  /** Via `say`: the menu by keypad. */
  readonly menu?: boolean
  /** Via `say`: a document of your own. */
  readonly twiml?: string
}

/** A call that you want. What is left out of `tenantId` and `via` is the only tenant, and the bridge. */
export type VoiceCallRequest = Omit<PlaceCallRequest, 'tenantId' | 'via' | 'answer'> &
  Partial<Pick<PlaceCallRequest, 'tenantId' | 'via'>> & { readonly answer?: PlacedAnswer }

export interface VoiceCallsOptions {
  readonly context: FrontContext
  readonly bridged: BridgedCalls
  /** A call of any way that talks here. */
  readonly findLive: (callSid: string) => IncomingCall | undefined
  readonly controller: CallController
  readonly blockList: OptOutBlockList
  readonly defaultTenantId: string
  readonly fromNumbers: readonly string[]
  readonly policy: GateOptions['policy'] | undefined
  readonly compliance: ComplianceOptions
  readonly placing: Pick<CallPlacerOptions, 'retries' | 'hooks' | 'onAlert' | 'random'>
  readonly tracer: Tracer | undefined
  readonly transcriptOf: (call: { readonly tenantId: string; readonly callSid: string }) => Promise<JoinedTurn[]>
  /** How a call is answered is decided once it is picked up. */
  readonly isDecidedLater: boolean
  readonly isDraining: () => boolean
  /** Starts the work that follows calls. */
  readonly start: () => void
}

/** Requests of this process that are remembered for a store that is down when the call is picked up. */
const MAX_REMEMBERED = 5000

let defaultPolicy: Promise<Policy> | undefined

/** The calls of a phone agent. */
export class VoiceCalls {
  readonly #options: VoiceCallsOptions
  readonly #requests = new Map<string, PlaceCallRequest>()
  #placer: CallPlacer | undefined

  constructor(options: VoiceCallsOptions) {
    this.#options = options
  }

  /** Bridged calls that are being answered or talk. */
  get size(): number {
    return this.#options.bridged.live.size
  }

  /** A bridged call that is being answered or talks. */
  get(callSid: string): LiveCall | undefined {
    return this.#options.bridged.live.get(callSid)
  }

  /** Every bridged call that is being answered or talks. */
  [Symbol.iterator](): IterableIterator<LiveCall> {
    return this.#options.bridged.live.values()
  }

  /**
   * Places a call, if the policy lets it: what it says is the result. Nothing else in this package dials.
   *
   * Safe to repeat under one `attemptId`: a repeat gets the first one's result, and no second call.
   *
   * @throws VoiceError when the facts cannot be had, the decision cannot be put on record, or the store fails before the dial: then nothing was
   * dialled. `voice_closed` while the process drains. `elevenlabs_dynamic_variable_missing` when the agent uses variables that `answer` does not
   * give.
   * @throws TypeError or RangeError for a wrong request, and where there is no number to call from.
   */
  async place(request: VoiceCallRequest): Promise<PlaceCallResult> {
    const { defaultTenantId, isDraining, start, tracer } = this.#options
    if (isDraining()) throw new VoiceError('voice_closed', 'No call is placed while this process stops')
    const placer = this.#ready()
    start()
    const { answer, ...rest } = request
    const named: PlaceCallRequest = {
      tenantId: defaultTenantId,
      via: 'bridge',
      ...rest,
      ...(answer === undefined ? {} : { answer: { ...answer } }),
      attemptId: request.attemptId ?? randomUUID(),
    }
    await this.#checkVariables(named.via, answer)
    const attributes = { service: 'twilio', tenant_id: named.tenantId, lead_id: named.leadId }
    return withinSpan(tracer, 'twilio.make-call', attributes, async (add) => {
      const result = await placer.place(named)
      add({ outcome: result.outcome, ...('callSid' in result ? { call_sid: result.callSid, status: result.status } : {}) }) // prettier-ignore
      return result
    })
  }

  /** Places a request that is due again: through the whole gate. For the work of retries. */
  placeAgain(request: PlaceCallRequest): Promise<PlaceCallResult> {
    return this.#ready().place(request)
  }

  /** The record of a call. */
  find(query: { readonly callSid: string; readonly tenantId?: string }): Promise<CallRecord | undefined> {
    const { context, defaultTenantId } = this.#options
    return context.store.findCall({ tenantId: defaultTenantId, ...query })
  }

  /**
   * What was said in a call, as ElevenLabs wrote it down, next to what was heard of it. Before ElevenLabs has written of the call only the one
   * side is there, and empty where transcripts are switched off.
   */
  transcript(query: { readonly callSid: string; readonly tenantId?: string }): Promise<JoinedTurn[]> {
    const { defaultTenantId, transcriptOf } = this.#options
    return transcriptOf({ tenantId: defaultTenantId, ...query })
  }

  /** Records of calls, newest first. */
  list(
    query: PageQuery & { readonly tenantId?: string; readonly filter?: CallFilter } = {},
  ): Promise<Page<CallRecord>> {
    // prettier-ignore
    const { context, defaultTenantId } = this.#options
    return context.store.listCalls({ tenantId: defaultTenantId, ...query })
  }

  /** A handle on a call under way. Of one that is over everything is answered with `'already-over'`, and harms nothing. */
  live(callSid: string, of: { readonly tenantId?: string; readonly ourNumber?: string } = {}): CallControl {
    const { controller, defaultTenantId, findLive } = this.#options
    const call = findLive(callSid)
    const ourNumber = call && (call.direction === 'inbound' ? call.to : call.from)
    return controller.control(callSid, {
      tenantId: of.tenantId ?? call?.tenantId ?? defaultTenantId,
      attemptId: call?.request?.attemptId,
      ourNumber: of.ourNumber ?? ourNumber,
    })
  }

  /** What was asked for when a call was placed. Known here even while the store is down. */
  async findRequest(tenantId: string, attemptId: string): Promise<PlaceCallRequest | undefined> {
    const own = this.#requests.get(attemptId)
    if (own) return own.tenantId === tenantId ? own : undefined
    const plan = await findPlan(this.#options.context.store, tenantId, attemptId)
    return plan && { ...plan, attemptId }
  }

  /** The call of an attempt is over, or another process has it. */
  forget(attemptId: string): void {
    this.#requests.delete(attemptId)
  }

  /** Nobody is called by an agent that would hang up at once. */
  async #checkVariables(via: PlaceCallRequest['via'], { agentId, initiation = {} }: PlacedAnswer = {}): Promise<void> {
    const { context, isDecidedLater } = this.#options
    const speaker = agentId ?? context.config.elevenlabs.agentId
    if (via === 'say' || isDecidedLater || speaker === undefined) return
    const { dynamicVariables, overrides } = initiation as ConversationInitiation
    const given = { ...dynamicVariables, call_sid: '' }
    const own = { firstMessage: overrides?.agent?.firstMessage, prompt: overrides?.agent?.prompt?.prompt }
    const { error } = await context.variables.lacking(speaker, given, own)
    if (error) throw error
  }

  #ready(): CallPlacer {
    return (this.#placer ??= this.#createPlacer())
  }

  #createPlacer(): CallPlacer {
    const { context, blockList, fromNumbers, policy, compliance, placing } = this.#options
    const { store, telephone, clock, logger, urls } = context
    if (fromNumbers.length === 0) throw new TypeError('To place calls give twilio.from or fromNumbers')
    const gate = createGate({
      ...compliance,
      // What was heard a moment ago counts, also while the store cannot be told.
      store: guardedBy(blockList, store),
      policy: policy ?? (() => (defaultPolicy ??= loadRulePack().then((rules) => createPolicy(rules)))),
      clock,
      logger,
    })
    return new CallPlacer({
      ...placing,
      gate,
      telephone,
      store,
      clock,
      logger,
      fromNumbers,
      hooks: this.#hooks(placing.hooks),
      urls: ({ tenantId: tenant, attemptId: attempt }) => ({
        voice: (attempt) => urls.of('outbound', { tenant, attempt }),
        status: urls.of('status', { tenant, attempt }) + REPEATED,
        recording: urls.of('recording', { tenant }) + REPEATED,
        machineDetection: urls.of('machineDetection', { tenant }) + REPEATED,
        fallback: urls.of('fallback', { tenant }),
      }),
    })
  }

  #hooks(hooks: PlaceCallHooks = {}): PlaceCallHooks {
    const { logger, metrics, clock } = this.#options.context
    return {
      beforeDial: async (request, admission) => {
        this.#remember(request)
        await hooks.beforeDial?.(request, admission)
      },
      afterPlace: async (request, result) => {
        const { tenantId, attemptId, leadId, metadata } = request
        const fields = { tenantId, attemptId, leadId, ...(metadata?.testCall === true ? { tag: 'TEST CALL' } : {}) }
        if (result.outcome === 'placed') {
          metrics.initiated('outbound')
          logger.info(`[CALL] Initiated: ${result.callSid} at ${new Date(clock.now()).toISOString()}`, fields)
        } else if (result.outcome === 'refused') {
          metrics.refused(result.decision.failedChecks)
          logger.info('The policy refused a call', { ...fields, decisionId: result.decisionId, failedChecks: result.decision.failedChecks }) // prettier-ignore
        } else if (attemptId !== undefined && result.outcome === 'failed') this.forget(attemptId)
        await hooks.afterPlace?.(request, result)
      },
    }
  }

  #remember(request: PlaceCallRequest): void {
    if (request.attemptId === undefined) return
    this.#requests.set(request.attemptId, request)
    for (const oldest of this.#requests.keys()) {
      if (this.#requests.size <= MAX_REMEMBERED) break
      this.#requests.delete(oldest)
    }
  }
}
