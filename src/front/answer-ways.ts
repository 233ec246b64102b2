/**
 * The ways to answer a call besides the media bridge: relay sessions, calls registered at ElevenLabs, plain sentences.
 *
 * @module
 */
import { initiationOf, type AnswerPlan, type IncomingCall, type RegisterCallPlan, type RelayOutcome, type RelayPlan, type SayPlan } from './answer-plan.js' // prettier-ignore
import { RelayBridge } from '../bridge/relay-bridge.js'
import type { RelaySetup } from '../conversation-relay/brain.js'
import { ConversationRelaySession } from '../conversation-relay/session.js'
import type { ConversationRelayEnd, RelayCallOptions } from '../conversation-relay/session-options.js'
import type { Clock, TimerHandle } from '../core/clock.js'
import { VendorError, VoiceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { OneTimeTokens } from '../core/one-time-tokens.js'
import type { Socket } from '../core/socket.js'
import type { ElevenLabsApi } from '../elevenlabs/api.js'
import { connectConversation } from '../elevenlabs/connect.js'
import type { ConversationInitiation } from '../elevenlabs/initiation.js'
import type { ClientToolCall } from '../elevenlabs/tool-calls.js'
import type { AcceptedUpgrade } from '../middleware/upgrade.js'
import { twimlResponse, type HostResponse } from '../middleware/host-request.js'
import type { ProvenRequest } from '../middleware/webhook-handler.js'
import type { FrontUrls } from './paths.js'
import { relayTwiml } from './relay-twiml.js'
import { hangup } from '../twiml/call-control.js'
import { agentFailureResponse } from '../twiml/presets.js'
import { response } from '../twiml/response.js'
import { say } from '../twiml/speech.js'
import { readTwilioWebhook } from '../webhooks/twilio-payloads.js'

/** A relay session of one call. */
export interface LiveRelayCall extends IncomingCall {
  /** Its turns, tokens, keys and end are told here. */
  readonly session: ConversationRelaySession
  /** The join with the agent, when an agent answers. */
  readonly bridge: RelayBridge | undefined
}

/** What the ways tell. */
export interface AnswerWaysEvents {
  /** A relay session has begun: listen to it here, before anything happens in it. */
  relayCall: [call: LiveRelayCall]
  /** A relay session is over. */
  relayCallEnded: [call: LiveRelayCall, end: ConversationRelayEnd]
  /** A call was handed to ElevenLabs, before any sound of it; its conversation can be looked up afterwards. */
  callRegistered: [call: IncomingCall & { readonly conversationId: string | undefined }]
}

/** What the ways need of the front door. */
export interface AnswerWaysHost {
  readonly urls: FrontUrls
  readonly accountSid: string
  readonly agentId: string | undefined
  readonly api: ElevenLabsApi
  readonly tokens: OneTimeTokens
  readonly clock: Clock
  readonly logger: Logger
  readonly toolTimeoutMs: number | undefined
  readonly runTool: (caller: IncomingCall, call: ClientToolCall, signal: AbortSignal) => unknown
  /** Answers with another plan: the fallback that was declared. */
  readonly answer: (call: IncomingCall, plan: AnswerPlan) => Promise<HostResponse>
  /** The answer when nothing else is left. */
  readonly lastResort: () => HostResponse
  readonly tell: <T extends keyof AnswerWaysEvents>(event: T, ...args: AnswerWaysEvents[T]) => void
}

/** How long a relay call is remembered for the webhook that follows its session. */
const REMEMBER_MS = 60_000
/** How long the session of an answered call may take to come; Twilio gives up before that. */
const AWAIT_SESSION_MS = 30_000
const REGISTER_TIMEOUT_MS = 5000

interface RelayCallRecord {
  readonly incoming: IncomingCall
  readonly plan: RelayPlan
  readonly bridge: RelayBridge | undefined
  readonly abort: AbortController
  session: ConversationRelaySession | undefined
  timer: TimerHandle | undefined
  isOver: boolean
}

/** Answers calls in every way but over a media stream. */
export class AnswerWays {
  readonly #host: AnswerWaysHost
  readonly #calls = new Map<string, RelayCallRecord>()
  /** Calls that are over, for the webhook that follows. */
  readonly #over = new Map<string, RelayCallRecord>()
  readonly #sessions = new Set<ConversationRelaySession>()

  constructor(host: AnswerWaysHost) {
    this.#host = host
  }

  /** Relay calls that are being answered or talk. */
  get size(): number {
    return this.#calls.size
  }

  /** The relay call of that Call SID, once its session is there and until it is over. */
  find(callSid: string): LiveRelayCall | undefined {
    const call = this.#calls.get(callSid)
    if (!call?.session) return undefined
    return { ...call.incoming, session: call.session, bridge: call.bridge }
  }

  /** Every relay call whose session is there and not over. */
  get live(): LiveRelayCall[] {
    return [...this.#calls.keys()].flatMap((callSid) => this.find(callSid) ?? [])
  }

  /** Relay calls of a tenant that are being answered or talk. */
  sizeOf(tenantId: string): number {
    let size = 0
    for (const { incoming } of this.#calls.values()) if (incoming.tenantId === tenantId) size++
    return size
  }

  /** Twilio asked again how to answer a call that is being answered. */
  async answerAgain(callSid: string): Promise<HostResponse | undefined> {
    const call = this.#calls.get(callSid)
    return call && this.#connect(call)
  }

  async answer(incoming: IncomingCall, plan: RelayPlan | RegisterCallPlan | SayPlan): Promise<HostResponse> {
    switch (plan.via) {
      case 'conversation-relay':
        return this.#answerByRelay(incoming, plan)
      case 'register-call':
        return this.#register(incoming, plan)
      case 'say': {
        const { text, voice, language } = plan
        const how = { ...(voice === undefined ? {} : { voice }), ...(language === undefined ? {} : { language }) }
        return twimlResponse(response(say(text, how), hangup()).toString())
      }
    }
  }

  /** Takes a relay socket that was checked at its upgrade. */
  accept(socket: Socket, upgrade: AcceptedUpgrade): void {
    const { clock, logger } = this.#host
    let call: RelayCallRecord | undefined
    const session = new ConversationRelaySession({
      socket,
      clock,
      logger,
      authorize: (setup) => this.#isAuthorized(setup),
      accept: (setup) => {
        const found = this.#calls.get(setup.callSid)
        if (!found || found.session) return undefined // it ended meanwhile, or a second session came
        call = found
        return optionsOf(found)
      },
    })
    this.#sessions.add(session)
    session.on('setup', () => {
      upgrade.authenticated()
      if (call) this.#begin(call, session)
    })
    void session.ended.then(() => this.#sessions.delete(session))
  }

  /** The call is over, as Twilio's status callback says. */
  callEnded(callSid: string): void {
    const call = this.#calls.get(callSid)
    if (call && !call.session) this.#end(call)
  }

  /** The route that Twilio asks when a session is over. */
  async afterRelay({ params }: ProvenRequest): Promise<HostResponse> {
    const outcome = outcomeOf(params)
    const call = this.#calls.get(outcome.callSid) ?? this.#over.get(outcome.callSid)
    if (outcome.status === 'completed') return twimlResponse(response(hangup()).toString())
    if (!call) return this.#host.lastResort()
    this.#end(call)
    this.#forget(call) // the number may be answered anew, by the fallback
    const { handoffData } = outcome
    const isAgentLost = typeof handoffData === 'object' && handoffData.reasonCode === 'agent-failed'
    if (outcome.status === 'failed' || isAgentLost) return this.#fallBack(call.incoming, call.plan.fallback)
    try {
      const twiml = await call.plan.afterwards?.(outcome)
      return twimlResponse(twiml ?? response(hangup()).toString())
    } catch (error) {
      this.#host.logger.error('The afterwards function failed', { callSid: outcome.callSid, error })
      return this.#fallBack(call.incoming, call.plan.fallback)
    }
  }

  /** Resolves when every session is over. */
  async untilEmpty(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.ended))
  }

  /** Ends every session at once. */
  close(): void {
    for (const session of this.#sessions) session.close(1001)
    for (const call of this.#calls.values()) this.#end(call)
    for (const call of this.#over.values()) this.#forget(call)
  }

  async #answerByRelay(incoming: IncomingCall, plan: RelayPlan): Promise<HostResponse> {
    const { clock, logger, agentId: defaultAgentId } = this.#host
    const { callSid } = incoming
    const agentId = plan.agentId ?? defaultAgentId
    const abort = new AbortController()
    let bridge: RelayBridge | undefined
    if (!plan.brain) {
      if (agentId === undefined) {
        logger.error('No agent is configured for a call', { callSid })
        return this.#fallBack(incoming, plan.fallback)
      }
      const conversation = this.#connectAgent(incoming, agentId, plan, abort.signal)
      bridge = new RelayBridge({ conversation, clock, logger, attachTimeoutMs: AWAIT_SESSION_MS })
    }
    const call: RelayCallRecord = { incoming, plan, bridge, abort, session: undefined, timer: undefined, isOver: false }
    call.timer = clock.setTimeout(() => this.#end(call), AWAIT_SESSION_MS)
    this.#calls.set(callSid, call)
    try {
      return await this.#connect(call)
    } catch (error) {
      logger.error('The TwiML of a relay call cannot be written', { callSid, error })
      this.#end(call)
      this.#forget(call)
      return this.#fallBack(incoming, plan.fallback)
    }
  }

  /** Opens the agent now, while Twilio is still reading the answer and connecting its socket. */
  #connectAgent(incoming: IncomingCall, agentId: string, plan: RelayPlan, signal: AbortSignal) {
    const { api, clock, logger, toolTimeoutMs, runTool } = this.#host
    return connectConversation({
      api,
      agentId,
      clock,
      logger,
      signal,
      textOnly: true,
      initiation: textInitiation(incoming, plan),
      onToolCall: (call, context) => runTool(incoming, call, context.signal),
      ...(toolTimeoutMs === undefined ? {} : { toolTimeoutMs }),
    })
  }

  async #connect({ incoming, plan }: RelayCallRecord): Promise<HostResponse> {
    const { urls, tokens } = this.#host
    const token = await tokens.issue(incoming.callSid)
    const action = urls.of('relayEnded')
    return twimlResponse(relayTwiml({ url: urls.socket('relay'), action, token, attributes: plan.relay ?? {} }))
  }

  async #isAuthorized({ callSid, accountSid, customParameters }: RelaySetup): Promise<boolean> {
    const { token } = customParameters
    if (token === undefined || accountSid !== this.#host.accountSid) return false
    return this.#host.tokens.redeem(token, callSid)
  }

  #begin(call: RelayCallRecord, session: ConversationRelaySession): void {
    const { clock, tell } = this.#host
    clock.clear(call.timer)
    call.session = session
    const live: LiveRelayCall = { ...call.incoming, session, bridge: call.bridge }
    void session.ended.then((end) => {
      this.#end(call)
      tell('relayCallEnded', live, end)
    })
    tell('relayCall', live)
    try {
      call.bridge?.attach(session)
    } catch {
      session.close() // the agent was gone before the session came: the fallback follows
    }
  }

  #end(call: RelayCallRecord): void {
    if (call.isOver) return
    call.isOver = true
    call.abort.abort()
    if (!call.session) call.bridge?.close()
    const { clock } = this.#host
    const { callSid } = call.incoming
    if (this.#calls.get(callSid) === call) this.#calls.delete(callSid)
    const before = this.#over.get(callSid)
    if (before) this.#forget(before)
    this.#over.set(callSid, call)
    clock.clear(call.timer)
    call.timer = clock.setTimeout(() => this.#forget(call), REMEMBER_MS)
  }

  #forget(call: RelayCallRecord): void {
    const { callSid } = call.incoming
    this.#host.clock.clear(call.timer)
    if (this.#over.get(callSid) === call) this.#over.delete(callSid)
  }

  async #register(incoming: IncomingCall, plan: RegisterCallPlan): Promise<HostResponse> {
    const { api, agentId: defaultAgentId, clock, logger, tell } = this.#host
    const { callSid, from, to } = incoming
    const agentId = plan.agentId ?? defaultAgentId
    const abort = new AbortController()
    const timer = clock.setTimeout(() => abort.abort(), plan.timeoutMs ?? REGISTER_TIMEOUT_MS)
    try {
      if (agentId === undefined) throw new VoiceError('elevenlabs_agent_not_found', 'No agent is configured for a call')
      const initiation = initiationOf(incoming, plan.initiation)
      const { twiml, conversationId } = await api.registerCall({
        agentId,
        fromNumber: from,
        toNumber: to,
        initiation,
        signal: abort.signal,
      })
      tell('callRegistered', { ...incoming, conversationId })
      return twimlResponse(twiml)
    } catch (error) {
      const status = error instanceof VendorError ? error.status : undefined
      const code = error instanceof VoiceError ? error.code : undefined
      logger.warn('A call could not be registered', { callSid, status, code })
      if (plan.fallback) return await this.#fallBack(incoming, plan.fallback)
      return twimlResponse(agentFailureResponse(status, plan.texts ? { texts: plan.texts } : {}).toString())
    } finally {
      clock.clear(timer)
    }
  }

  async #fallBack(incoming: IncomingCall, plan: AnswerPlan | undefined): Promise<HostResponse> {
    return plan ? this.#host.answer(incoming, plan) : this.#host.lastResort()
  }
}

function optionsOf({ plan, bridge }: RelayCallRecord): RelayCallOptions | undefined {
  const brain = plan.brain ?? bridge?.brain
  if (!brain) return undefined
  const { welcomeGreeting, language, ttsLanguage = language } = plan.relay ?? {}
  return {
    ...plan.session,
    brain,
    ...(typeof welcomeGreeting === 'string' ? { welcomeGreeting } : {}),
    ...(typeof ttsLanguage === 'string' ? { language: ttsLanguage } : {}),
  }
}

function textInitiation(
  call: IncomingCall,
  { initiation, isTextOnlyAgent = false }: RelayPlan,
): ConversationInitiation {
  const whole = initiationOf(call, initiation)
  if (isTextOnlyAgent) return whole
  const { overrides } = whole
  return { ...whole, overrides: { ...overrides, conversation: { ...overrides?.conversation, textOnly: true } } }
}

function outcomeOf(params: Readonly<Record<string, string>>): RelayOutcome {
  const { CallSid, SessionId = '', SessionStatus, SessionDuration, HandoffData, ErrorCode, ErrorMessage } =
    readTwilioWebhook('connect-action', params) // prettier-ignore
  return {
    callSid: CallSid,
    sessionId: SessionId,
    // A status of tomorrow is taken for the one that needs help.
    status: SessionStatus === 'ended' || SessionStatus === 'completed' ? SessionStatus : 'failed',
    durationSeconds: SessionDuration,
    handoffData: HandoffData === undefined ? undefined : jsonOrText(HandoffData),
    errorCode: ErrorCode,
    errorMessage: ErrorMessage,
  }
}

function jsonOrText(text: string): string | Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : text
  } catch {
    return text
  }
}
