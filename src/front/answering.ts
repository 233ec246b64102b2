/**
 * Answers calls: whose number was called, which agent speaks, and what a caller hears when nobody can.
 *
 * @module
 */
import { menuResponse, messageResponse, inboundProblemResponse, type InboundProblem, type PresetTexts } from '../twiml/presets.js' // prettier-ignore
import { businessHoursSummary, isOpenAt } from '../core/business-hours.js'
import { VoiceError } from '../core/errors.js'
import type { PlaceCallRequest } from '../calls/plan.js'
import type { ConversationInitiation } from '../elevenlabs/initiation.js'
import { textResponse, twimlResponse, type HostResponse } from '../middleware/host-request.js'
import type { ProvenRequest } from '../middleware/webhook-handler.js'
import { hangup, reject } from '../twiml/call-control.js'
import { response } from '../twiml/response.js'
import { say } from '../twiml/speech.js'
import type { AnswerPlan, IncomingCall } from './answer-plan.js'
import type { AnswerWays } from './answer-ways.js'
import type { BridgedCalls } from './bridged-calls.js'
import { CallerLimits, type AnswerLimits } from './caller-limits.js'
import { within, type FrontContext } from './context.js'
import type { Tenants } from './tenants.js'

/** Decides how a call is answered. */
export type AnswerFunction = (call: IncomingCall) => AnswerPlan | Promise<AnswerPlan>

export interface AnsweringOptions {
  readonly context: FrontContext
  readonly tenants: Tenants
  readonly bridged: BridgedCalls
  readonly ways: () => AnswerWays
  readonly answer: AnswerFunction | undefined
  readonly answerPlaced: AnswerFunction | undefined
  readonly answerOther: ((call: IncomingCall) => string | Promise<string>) | undefined
  readonly outsideHours: AnswerPlan | undefined
  readonly limits: AnswerLimits
  readonly maxCalls: number
  readonly isDraining: () => boolean
  readonly texts: PresetTexts
  readonly fallbackMessage: string | undefined
  /** What was asked for when this call was placed. */
  readonly findRequest: (tenantId: string, attemptId: string) => Promise<PlaceCallRequest | undefined>
  /** Told of each call that is answered, with the way that was chosen. Must not wait. */
  readonly onAnswered: (call: IncomingCall, attemptId: string | undefined, plan: AnswerPlan) => void
}

const DEFAULT_FALLBACK = 'We are sorry, we cannot take your call right now. Please try again later. Goodbye.'
/** Twilio waits 15 seconds for a webhook; what the host decides must leave time for the answer to arrive. */
const ANSWER_TIMEOUT_MS = 5000

/** Answers calls. */
export class Answering {
  readonly #options: AnsweringOptions
  readonly #limits: CallerLimits

  constructor(options: AnsweringOptions) {
    this.#options = options
    this.#limits = new CallerLimits(options.limits, options.context.clock)
  }

  /** The voice webhook, of a number or of a call that we placed: those name their attempt. */
  async answer({ params, query }: ProvenRequest): Promise<HostResponse> {
    const { bridged, ways } = this.#options
    const { CallSid: callSid } = params
    if (!callSid) return textResponse(400, 'CallSid is missing')
    if (bridged.isTalking(callSid)) return bridged.connectTwiml(callSid) // Twilio asked twice: the same call, a fresh token
    const again = await ways().answerAgain(callSid)
    if (again) return again
    if (this.#isFull()) return this.lastResort()
    const attemptId = query.get('attempt') ?? undefined
    return attemptId === undefined ? this.#answerInbound(params) : this.#answerPlaced(params, query, attemptId)
  }

  /** The voice webhook of a number that no agent answers. */
  async answerOther({ params }: ProvenRequest): Promise<HostResponse> {
    const { answerOther, context } = this.#options
    const call = answerOther && (await this.#incoming(params))
    if (!call) return this.lastResort()
    if ('problem' in call) return this.#explain(call.problem)
    try {
      const twiml = await within(context.clock, ANSWER_TIMEOUT_MS, Promise.resolve(answerOther(call)))
      if (twiml !== undefined) {
        this.#options.onAnswered(call, undefined, { twiml })
        return twimlResponse(twiml)
      }
      context.logger.error('The function for other calls took too long', { callSid: call.callSid })
    } catch (error) {
      context.logger.error('The function for other calls failed', { callSid: call.callSid, error })
    }
    return this.lastResort()
  }

  /** Twilio could not use another of our answers. */
  fallBack({ params }: ProvenRequest): HostResponse {
    const { CallSid: callSid = '', ErrorCode: vendorCode = '' } = params
    this.#options.context.logger.error('Twilio could not use our answer', { callSid, vendorCode })
    return this.lastResort()
  }

  /** Answers a call anew that comes back from a transfer which reached nobody. */
  async answerAgain({ params, query }: ProvenRequest): Promise<HostResponse> {
    const { DialCallStatus: transferStatus = 'failed' } = params
    if (this.#isFull()) return this.lastResort()
    const attemptId = query.get('attempt') ?? undefined
    return attemptId === undefined
      ? this.#answerInbound(params, transferStatus)
      : this.#answerPlaced(params, query, attemptId, transferStatus)
  }

  async answerWith(incoming: IncomingCall, plan: AnswerPlan): Promise<HostResponse> {
    const { bridged, context, ways } = this.#options
    const { callSid, tenant } = incoming
    if ('reject' in plan) return twimlResponse(response(reject({ reason: plan.reject })).toString())
    if ('twiml' in plan) return twimlResponse(plan.twiml)
    if (plan.via === 'say') return ways().answer(incoming, plan)
    const agentId = plan.agentId ?? tenant?.settings?.elevenLabsAgentId ?? context.config.elevenlabs.agentId
    const isOurBrain = plan.via === 'conversation-relay' && plan.brain !== undefined
    const initiation = await this.#completed(incoming, isOurBrain ? undefined : agentId, plan.initiation)
    if (initiation === 'incomplete') {
      const fallback = plan.via === 'conversation-relay' || plan.via === 'register-call' ? plan.fallback : undefined
      return fallback ? this.answerWith(incoming, fallback) : this.lastResort()
    }
    if (plan.via === 'conversation-relay' || plan.via === 'register-call') {
      const agent = agentId === undefined ? {} : { agentId }
      return ways().answer(incoming, { ...plan, ...agent, ...(initiation ? { initiation } : {}) })
    }
    if (agentId === undefined) {
      context.logger.error('No agent is configured for a call', { callSid })
      return this.#explain('agentIdMissing')
    }
    if (!bridged.isTalking(callSid)) {
      if (this.#isFull()) return this.lastResort() // others came while this one was being decided
      bridged.open(incoming, agentId, initiation)
    }
    return bridged.connectTwiml(callSid)
  }

  /** What a caller hears when nothing else is left. */
  lastResort(): HostResponse {
    const message = this.#options.fallbackMessage ?? DEFAULT_FALLBACK
    return twimlResponse(response(say(message), hangup()).toString())
  }

  async #answerInbound(params: Readonly<Record<string, string>>, transferStatus?: string): Promise<HostResponse> {
    const { context, answer, outsideHours } = this.#options
    const call = await this.#incoming(params)
    if ('problem' in call) return this.#explain(call.problem)
    const { callSid, from, to, tenantId } = call
    if (transferStatus === undefined) {
      context.logger.info(`Twilio-ElevenLabs: Incoming call ${callSid} from ${masked(from)} to ${masked(to)}`, { callSid, tenantId }) // prettier-ignore
      if (this.#limits.isOver(from, this.#liveOf(tenantId))) {
        context.logger.warn('A call is over a limit', { callSid, tenantId })
        return twimlResponse(response(reject({ reason: 'busy' })).toString())
      }
    }
    const incoming = transferStatus === undefined ? call : { ...call, transferStatus }
    const byHours: AnswerPlan = call.isOpen === false && outsideHours ? outsideHours : {}
    return this.#decideAndAnswer(incoming, undefined, answer ?? (() => byHours))
  }

  async #answerPlaced(
    params: Readonly<Record<string, string>>,
    query: URLSearchParams,
    attemptId: string,
    transferStatus?: string,
  ): Promise<HostResponse> {
    const { context, tenants, answerPlaced, findRequest } = this.#options
    const { CallSid: callSid = '', From: from = '', To: to = '' } = params
    const tenantId = query.get('tenant') ?? tenants.defaultTenantId
    let request: PlaceCallRequest | undefined
    try {
      request = await within(context.clock, ANSWER_TIMEOUT_MS, findRequest(tenantId, attemptId))
    } catch (error) {
      context.logger.error('What a call was placed for could not be looked up', { callSid, attemptId, error })
    }
    const incoming: IncomingCall = {
      callSid, direction: 'outbound', from, to, tenantId, tenant: undefined, isOpen: undefined, request, params,
      ...(transferStatus === undefined ? {} : { transferStatus }),
    } // prettier-ignore
    if (!request && !answerPlaced) {
      context.logger.error('Nobody knows what a call was placed for', { callSid, attemptId })
      this.#options.onAnswered(incoming, attemptId, {})
      return this.#explain('connectionError')
    }
    return this.#decideAndAnswer(incoming, attemptId, answerPlaced ?? (() => this.#planOf(request)))
  }

  async #decideAndAnswer(
    incoming: IncomingCall,
    attemptId: string | undefined,
    decide: AnswerFunction,
  ): Promise<HostResponse> {
    const { context, onAnswered } = this.#options
    const { callSid } = incoming
    let plan: AnswerPlan | undefined
    try {
      plan = await within(context.clock, ANSWER_TIMEOUT_MS, Promise.resolve(decide(incoming)))
      if (plan === undefined)
        throw new VoiceError('http_timeout', `The answer function took over ${ANSWER_TIMEOUT_MS} ms`)
    } catch (error) {
      context.logger.error('The answer function failed', { callSid, error })
      return this.lastResort()
    }
    if (incoming.transferStatus === undefined) onAnswered(incoming, attemptId, plan)
    return this.answerWith(incoming, plan)
  }

  /** What was asked for when the call was placed, as a way to answer it. */
  #planOf(request: PlaceCallRequest | undefined): AnswerPlan {
    const { context, texts } = this.#options
    const { via, answer = {}, tenantId: tenant, attemptId: attempt } = request ?? { via: 'bridge' as const }
    if (via !== 'say') return { ...answer, via }
    if (typeof answer.twiml === 'string') return { twiml: answer.twiml }
    if (answer.menu !== undefined && answer.menu !== false) {
      return { twiml: menuResponse({ action: context.urls.of('gather', { tenant, attempt }), texts }).toString() }
    }
    if (typeof answer.message === 'string') return { twiml: messageResponse(answer.message, { texts }).toString() }
    if (typeof answer.text === 'string') return { via, text: answer.text }
    throw new TypeError('A call via say needs answer.message, answer.text, answer.menu or answer.twiml')
  }

  async #incoming(
    params: Readonly<Record<string, string>>,
  ): Promise<IncomingCall | { readonly problem: InboundProblem }> {
    const { tenants, context } = this.#options
    const { CallSid: callSid = '', From: from = '', To: to = '' } = params
    const found = (await within(context.clock, ANSWER_TIMEOUT_MS, tenants.find(to))) ?? { problem: 'connectionError' }
    if ('problem' in found) return found
    const { tenant, tenantId } = found
    const { businessHours, timeZone } = tenant?.settings ?? {}
    const hasHours = businessHours !== undefined && Object.keys(businessHours).length > 0
    const isOpen = hasHours ? isOpenAt(context.clock.now(), businessHours, timeZone ?? 'UTC') : undefined
    return { callSid, direction: 'inbound', from, to, tenantId, tenant, isOpen, request: undefined, params } // prettier-ignore
  }

  /** What the agent is told; `'incomplete'` when it uses variables that nobody gave, and would hang up at once. */
  async #completed(
    incoming: IncomingCall,
    agentId: string | undefined,
    given: ConversationInitiation | undefined,
  ): Promise<ConversationInitiation | 'incomplete' | undefined> {
    const initiation = initiationFor(incoming, given)
    if (agentId === undefined) return initiation
    const { variables: known, logger } = this.#options.context
    const { callSid, tenantId } = incoming
    const { dynamicVariables = {}, overrides } = initiation ?? {}
    const { standIns, missing, error } = await known.lacking(
      agentId,
      { ...dynamicVariables, call_sid: callSid },
      { firstMessage: overrides?.agent?.firstMessage, prompt: overrides?.agent?.prompt?.prompt },
    )
    if (error) {
      const variables = missing.join(', ')
      logger.error('A call lacks variables that its agent uses', { callSid, tenantId, agentId, variables, error })
      return 'incomplete'
    }
    if (Object.keys(standIns).length === 0) return initiation
    return { ...initiation, dynamicVariables: { ...dynamicVariables, ...standIns } }
  }

  #explain(problem: InboundProblem): HostResponse {
    return twimlResponse(inboundProblemResponse(problem, { texts: this.#options.texts }).toString())
  }

  #isFull(): boolean {
    const { bridged, ways, isDraining, maxCalls } = this.#options
    return isDraining() || bridged.live.size + ways().size >= maxCalls
  }

  #liveOf(tenantId: string): number {
    const { bridged, ways } = this.#options
    let live = ways().sizeOf(tenantId)
    for (const call of bridged.live.values()) if (call.tenantId === tenantId) live++
    return live
  }
}

/** What the agent is told of the tenant; what the host says itself wins. */
function initiationFor(
  { tenant, isOpen, from, transferStatus }: IncomingCall,
  initiation: ConversationInitiation | undefined,
): ConversationInitiation | undefined {
  const back = transferStatus === undefined ? {} : { transfer_status: transferStatus }
  if (!tenant && transferStatus === undefined) return initiation
  const { aiGreeting, aiTone, businessHours = {} } = tenant?.settings ?? {}
  const variables = tenant
    ? {
        tenant_id: tenant.tenantId,
        business_name: tenant.name ?? '',
        caller_number: from,
        business_hours_summary: businessHoursSummary(businessHours),
        ...(isOpen === undefined ? {} : { is_open: isOpen }),
        ...(aiTone ? { ai_tone: aiTone } : {}),
      }
    : {}
  const greeting = aiGreeting && transferStatus === undefined ? { firstMessage: aiGreeting } : {}
  const { overrides, dynamicVariables } = initiation ?? {}
  return {
    ...initiation,
    ...(Object.keys(greeting).length === 0 ? {} : { overrides: { ...overrides, agent: { ...greeting, ...overrides?.agent } } }), // prettier-ignore
    dynamicVariables: { ...variables, ...back, ...dynamicVariables },
  }
}

/** Enough of a number to recognise a region by, and nobody. */
function masked(number: string): string {
  return number.startsWith('+') ? `${number.slice(0, 5)}...` : '...'
}
