/**
 * The front door: everything that a phone agent needs, composed from the parts in a few lines.
 *
 * @module
 */
import { EventEmitter } from 'eventemitter3'
import { ToolRegistry } from './agent-tools/registry.js'
import type { AgentTool } from './agent-tools/tool.js'
import { bridgeLimits } from './bridge/bridge-limits.js'
import type { CallStatusTaken } from './calls/call-end.js'
import type { TelephoneCall } from './calls/telephone.js'
import { TwilioTelephone } from './calls/twilio-telephone.js'
import { parseConfig } from './config.js'
import { systemClock } from './core/clock.js'
import { runListeners } from './core/listeners.js'
import { maskingLogger, silentLogger } from './core/logger.js'
import { createOneTimeTokens } from './core/one-time-tokens.js'
import { ElevenLabsApi } from './elevenlabs/api.js'
import { OutboxDispatcher } from './events/outbox-dispatcher.js'
import { AgentVariables } from './front/agent-variables.js'
import type { AnswerPlan, IncomingCall } from './front/answer-plan.js'
import { AnswerWays } from './front/answer-ways.js'
import { Answering } from './front/answering.js'
import { BridgedCalls } from './front/bridged-calls.js'
import { CallController } from './front/call-control.js'
import { CallRecords } from './front/call-records.js'
import { callTools, type CallToolsOptions } from './front/call-tools.js'
import { ClientTools } from './front/client-tools.js'
import { within, type FrontContext, type VoiceEvents } from './front/context.js'
import { elevenLabsRoutes } from './front/elevenlabs-routes.js'
import { Following } from './front/following.js'
import { frontHealth } from './front/health-checks.js'
import { Menu } from './front/menu.js'
import { OptOuts } from './front/opt-outs.js'
import type { VoiceOptions } from './front/options.js'
import { FrontUrls, pathsOf } from './front/paths.js'
import { closeOn, type SignalledProcess } from './front/signals.js'
import { Tenants } from './front/tenants.js'
import { VoiceCalls } from './front/voice-calls.js'
import type { HealthReport } from './health/checks.js'
import { firstOf, type HostHandler, type HostResponse } from './middleware/host-request.js'
import { attachUpgrades, type UpgradableServer } from './middleware/upgrade.js'
import { createWebhookHandler, type ProvenRequest, type WebhookRoute } from './middleware/webhook-handler.js'
import { isTerminalCallStatus } from './records/call-status.js'
import { createMemoryStore } from './storage/memory.js'
import { CallMetrics } from './telemetry/call-metrics.js'
import { Metrics } from './telemetry/metrics.js'

export type { AnswerPlan, IncomingCall } from './front/answer-plan.js'
export type { ToolContext, ToolHandler } from './front/client-tools.js'
export type { LiveCall, VoiceEvents } from './front/context.js'
export type { VoiceOptions } from './front/options.js'

const DEFAULT_MAX_CALLS = 1000
const DEFAULT_REAP_EVERY_MS = 900_000
/** How long a hand-off of a call may take to reach Twilio when the process stops. */
const HANDOFF_TIMEOUT_MS = 10_000
/** How long the last events may take to reach their sinks when the process stops. What does not waits in the store. */
const DRAIN_EVENTS_MS = 5000

/**
 * Composes a phone agent. Nothing is opened until a call comes or is placed.
 *
 * @throws ConfigError `config_invalid` that lists every setting that is missing or wrong.
 * @throws RangeError or TypeError for a limit that is none.
 *
 * @example
 * ```ts
 * const voice = createVoice({ publicUrl, twilio: { accountSid, authToken }, elevenlabs: { apiKey, agentId } })
 * app.use('/voice', voiceRouter(voice))
 * voice.attach(server)
 * ```
 */
export function createVoice(options: VoiceOptions): Voice {
  return new Voice(options)
}

/** A phone agent: places calls and answers them, joins each to its agent, follows it to its end. Made by {@link createVoice}. */
export class Voice extends EventEmitter<VoiceEvents> {
  /** Answers one request of Twilio or of ElevenLabs. Host adapters call it; `undefined` is for a path that is not ours. */
  readonly handle: HostHandler
  /** Places calls, finds them, and changes those under way. */
  readonly calls: VoiceCalls
  /** What is counted about calls. */
  readonly metrics: Metrics
  /** Whether Twilio, ElevenLabs and the store are there. */
  readonly health: () => Promise<HealthReport>

  readonly #options: VoiceOptions
  readonly #context: FrontContext
  readonly #bridged: BridgedCalls
  readonly #ways: AnswerWays
  readonly #answering: Answering
  readonly #following: Following
  readonly #records: CallRecords
  readonly #optOuts: OptOuts
  readonly #dispatcher: OutboxDispatcher | undefined
  readonly #detach: (() => void)[] = []
  #isDraining = false
  #hasStartedEvents = false

  constructor(options: VoiceOptions) {
    super()
    const { allowInsecure, maxCalls = DEFAULT_MAX_CALLS, toolTimeoutMs, reapEveryMs = DEFAULT_REAP_EVERY_MS } = options
    bridgeLimits(options.bridge ?? {}) // now, and not with the first call
    if (!(maxCalls > 0)) throw new RangeError(`maxCalls must be a positive number, got ${maxCalls}`)
    if (!(reapEveryMs > 0)) throw new RangeError(`reapEveryMs must be a positive number, got ${reapEveryMs}`)
    if (toolTimeoutMs !== undefined && !(toolTimeoutMs > 0))
      throw new RangeError(`toolTimeoutMs must be a positive number, got ${toolTimeoutMs}`)
    const config = parseConfig(options, allowInsecure === undefined ? {} : { allowInsecure })
    const clock = options.clock ?? systemClock
    const logger = maskingLogger(options.logger ?? silentLogger)
    const { accountSid, authToken, from, baseUrl } = config.twilio
    const auth = typeof authToken === 'string' ? authToken : (authToken[0] ?? '')
    const { apiKey, baseUrl: apiBaseUrl } = config.elevenlabs
    this.#options = options
    this.metrics = options.metrics ?? new Metrics({ clock })
    const api = new ElevenLabsApi({ apiKey, ...(apiBaseUrl === undefined ? {} : { baseUrl: apiBaseUrl }) })
    const context: FrontContext = {
      config,
      urls: new FrontUrls(config.publicUrl, pathsOf(options.paths)),
      clock,
      logger,
      tokens: options.tokens ?? createOneTimeTokens({ clock }),
      api,
      store: options.store ?? createMemoryStore({ clock }),
      telephone:
        options.telephone ??
        new TwilioTelephone({ accountSid, auth, clock, ...(baseUrl === undefined ? {} : { baseUrl }) }),
      metrics: new CallMetrics(this.metrics),
      tools: new ClientTools(
        options.tools,
        options.telephoneTools ? new ToolRegistry(this.telephoneTools(options.telephoneTools), { clock, logger }) : undefined, // prettier-ignore
      ),
      variables: new AgentVariables({ api, clock, logger }, options.agentVariables),
      tell: (event, ...args) => this.#tell(event, ...args),
    }
    this.#context = context

    const isDraining = (): boolean => this.#isDraining
    const texts = options.texts ?? {}
    const lastResort = (): HostResponse => this.#answering.lastResort()
    const defaultTenantId = options.defaultTenantId ?? 'default'
    const tenants = new Tenants({ tenants: options.tenants ?? 'one', defaultTenantId, store: context.store, logger })
    this.#records = new CallRecords(context, {
      transcripts: options.transcripts ?? 'store',
      turnEvents: options.events?.turns ?? 'off',
      defaultTenantId,
    })
    this.#dispatcher = dispatcherOf(options, context, config.publicUrl)
    this.#bridged = new BridgedCalls({ context, bridge: options.bridge, stream: options.stream, toolTimeoutMs, lastResort }) // prettier-ignore
    const parts = { context, bridged: this.#bridged, ways: () => this.#ways }
    const controller = new CallController({ ...parts, texts, answerAgain: (request) => this.#answering.answerAgain(request) }) // prettier-ignore
    this.#optOuts = new OptOuts({
      context,
      options: options.optOut ?? {},
      sayAndHangUp: (callSid, text, how) => this.calls.live(callSid).sayAndHangUp(text, how),
    })
    this.calls = new VoiceCalls({
      context,
      bridged: this.#bridged,
      findLive: (callSid) => this.#bridged.live.get(callSid) ?? this.#ways.find(callSid),
      controller,
      blockList: this.#optOuts.blockList,
      defaultTenantId,
      fromNumbers: options.fromNumbers ?? (from === undefined ? [] : [from]),
      policy: options.policy,
      compliance: options.compliance ?? {},
      placing: placingOf(options),
      tracer: options.tracer,
      transcriptOf: (call) => this.#records.transcriptOf(call),
      isDecidedLater: options.answerPlaced !== undefined,
      isDraining,
      start: () => this.start(),
    })
    this.#following = new Following({
      context,
      tenants,
      placer: {
        // What is due while the process stops waits for another.
        place: (request) =>
          isDraining()
            ? Promise.resolve({ outcome: 'in-progress', attemptId: request.attemptId ?? '' })
            : this.calls.placeAgain(request),
      },
      updateCall: (callSid, update) => controller.updateCall(callSid, update),
      retries: options.retries,
      cost: options.cost,
      onRecording: options.onRecording,
      reapEveryMs,
      onStatus: (taken) => this.#statusTaken(taken),
      onLook: () => this.#optOuts.retry(),
    })
    this.#answering = new Answering({
      ...parts,
      tenants,
      answer: options.answer,
      answerPlaced: options.answerPlaced,
      answerOther: options.answerOther,
      outsideHours: options.outsideHours,
      limits: options.limits ?? {},
      maxCalls,
      isDraining,
      texts,
      fallbackMessage: options.fallbackMessage,
      findRequest: (tenantId, attemptId) => this.calls.findRequest(tenantId, attemptId),
      onAnswered: (call, attemptId, plan) => this.#answered(call, attemptId, plan),
    })
    this.#ways = new AnswerWays({
      urls: context.urls,
      accountSid,
      agentId: config.elevenlabs.agentId,
      api: context.api,
      tokens: context.tokens,
      clock,
      logger,
      toolTimeoutMs,
      runTool: ({ callSid, tenantId, direction, from: caller, to }, call, signal) =>
        context.tools.run(call, { call: { callSid, remoteNumber: direction === 'outbound' ? to : caller }, tenantId }, signal), // prettier-ignore
      answer: (call, plan) => this.#answering.answerWith(call, plan),
      lastResort,
      tell: (event, ...args) => this.#tell(event, ...(args as unknown as VoiceEvents[typeof event])),
    })
    const menu = new Menu({ context, controller, optOuts: this.#optOuts, menu: options.menu ?? {}, defaultTenantId })
    this.handle = this.#handlerOf(controller, menu, tenants)
    this.health = frontHealth(context, this.#dispatcher, options.healthChecks ?? {})
  }

  /**
   * Starts the work that waits in the store: webhooks, retries, open attempts, events. A call and {@link Voice.attach} start it; call it yourself where
   * neither comes soon. Safe to call twice.
   */
  start(): void {
    if (this.#isDraining) return
    this.#following.start()
    this.#startEvents()
  }

  /** The telephone's tools for a registry of yours, wired to the calls of this process. */
  telephoneTools(options: CallToolsOptions = {}): AgentTool[] {
    return callTools(options, {
      live: (callSid, tenantId) => this.calls.live(callSid, { tenantId }),
      optOuts: { record: (...args: Parameters<OptOuts['record']>) => this.#optOuts.record(...args) },
    })
  }

  /** Takes the sockets of `server`: each is checked before it is accepted, and must show its one-time token. */
  attach(server: UpgradableServer): void {
    const { config, logger, urls } = this.#context
    const { publicUrl } = config
    this.#startEvents() // what waits from before does not wait for a call
    const { authToken } = config.twilio
    this.#detach.push(
      attachUpgrades(server, {
        ...this.#options.upgrades,
        publicUrl,
        authToken,
        path: urls.paths.stream,
        accept: (socket, upgrade) => this.#bridged.accept(socket, upgrade),
        refuse: () => (this.#isDraining && this.#bridged.live.size === 0 ? 'draining' : undefined),
        logger,
      }),
      attachUpgrades(server, {
        publicUrl,
        authToken,
        path: urls.paths.relay,
        accept: (socket, upgrade) => this.#ways.accept(socket, upgrade),
        refuse: () => (this.#isDraining && this.#ways.size === 0 ? 'draining' : undefined),
        logger,
        unsigned: 'refuse', // signed since 2025-04-01, in every region
      }),
    )
  }

  /**
   * Stops: no new calls from now on, and live ones may finish within `drainMs`, in milliseconds. Default 30 000; 0 ends them
   * at once. What still lasts then goes where `drainTo` says, or is ended. Safe to call twice.
   */
  async close({ drainMs = 30_000 }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#isDraining = true
    const { clock } = this.#context
    const calls = [...this.#bridged.live.values()]
    const allEnded = Promise.all([this.#ways.untilEmpty(), ...calls.map(({ bridge }) => bridge.ended)])
    await within(clock, drainMs, allEnded)
    await within(clock, HANDOFF_TIMEOUT_MS, this.#handOff())
    this.#ways.close()
    await this.#bridged.close()
    await allEnded
    await this.#records.settled()
    await this.#following.close()
    await this.#drainEvents()
    for (const detach of this.#detach.splice(0)) detach()
  }

  /**
   * Closes when the process is told to stop, and then lets it stop; a second signal stops it at once. @returns A function that listens no more.
   *
   * @param signals - E.g. `['SIGTERM', 'SIGINT']`.
   */
  closeOnSignals(
    signals: readonly string[],
    { drainMs, signalled }: { readonly drainMs?: number; readonly signalled?: SignalledProcess } = {},
  ): () => void {
    return closeOn(signals, () => this.close(drainMs === undefined ? {} : { drainMs }), signalled)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ drainMs: 0 })
  }

  #handlerOf(controller: CallController, menu: Menu, tenants: Tenants): HostHandler {
    const { config, logger, urls } = this.#context
    const { paths } = urls
    const answer: WebhookRoute = (request) => {
      this.start()
      return this.#answering.answer(request)
    }
    const twilio = createWebhookHandler({
      publicUrl: config.publicUrl,
      authToken: config.twilio.authToken,
      logger,
      routes: {
        [paths.inbound]: answer,
        [paths.outbound]: answer,
        [paths.voice]: (request) => this.#answering.answerOther(request),
        [paths.streamEnded]: (request) => this.#bridged.afterStream(request),
        [paths.relayEnded]: (request) => this.#ways.afterRelay(request),
        [paths.status]: (request) => this.#receiveStatus(request),
        [paths.recording]: (request) => this.#following.accept('recording', request),
        [paths.machineDetection]: (request) => this.#following.accept('machine-detection', request),
        [paths.menu]: (request) => controller.showMenu(request),
        [paths.gather]: (request) => menu.choose(request),
        [paths.transferEnded]: (request) => controller.afterTransfer(request),
        [paths.transferWhisper]: (request) => controller.whisper(request),
        [paths.fallback]: (request) => this.#answering.fallBack(request),
      },
    })
    const { tools } = this.#options
    const elevenlabs = elevenLabsRoutes({
      context: this.#context,
      bridged: this.#bridged,
      records: this.#records,
      tenants,
      options: this.#options.elevenLabsRoutes,
      registry: tools instanceof ToolRegistry ? tools : undefined,
    })
    return elevenlabs ? firstOf(twilio, elevenlabs) : twilio
  }

  /** Sends out what can go now. */
  async #drainEvents(): Promise<void> {
    const dispatcher = this.#dispatcher
    if (!dispatcher || !this.#hasStartedEvents) return
    dispatcher.kick()
    await within(this.#context.clock, DRAIN_EVENTS_MS, dispatcher.idle())
    await dispatcher.close()
  }

  #startEvents(): void {
    if (this.#isDraining || !this.#dispatcher) return
    this.#hasStartedEvents = true
    this.#dispatcher.start()
  }

  #receiveStatus(request: ProvenRequest): Promise<HostResponse> {
    this.start()
    const { params } = request
    const { CallSid: callSid = '', CallStatus: status = '' } = params
    if (isTerminalCallStatus(status)) {
      this.#bridged.callEnded(callSid)
      this.#ways.callEnded(callSid)
    }
    this.#tell('callStatus', params)
    return this.#following.accept('status', request)
  }

  #statusTaken(taken: CallStatusTaken): void {
    const { call, isEnd } = taken
    const { clock, logger } = this.#context
    logger.info(`[CALL] ${call.callSid}: ${call.callStatus} at ${new Date(clock.now()).toISOString()}`)
    if (isEnd) {
      this.#context.metrics.ended(call.callStatus, call.durationS)
      if (call.attemptId !== null) this.calls.forget(call.attemptId)
    }
    this.#tell('callUpdated', taken)
  }

  /** A call is answered: it is written down, and an attempt of which nobody knew what became is this call. */
  #answered(call: IncomingCall, attemptId: string | undefined, plan: AnswerPlan): void {
    if (attemptId === undefined) {
      this.#records.answered(call, plan)
      return
    }
    const { store } = this.#context
    const { tenantId, callSid } = call
    const isSpeech = 'twiml' in plan || ('via' in plan && plan.via === 'say')
    this.#records.write(callSid, async () => {
      const attempt = await store.findAttempt({ tenantId, attemptId })
      const isKnown = attempt?.callSid === callSid && (await store.findCall({ tenantId, callSid })) !== undefined
      if (attempt && !isKnown) await this.#following.reconciler.adopt(tenantId, attemptId, telephoneCallOf(call))
    })
    this.#records.placedAnswered(call, isSpeech)
  }

  /** Sends what still lasts where it was said to go. */
  async #handOff(): Promise<void> {
    const { drainTo } = this.#options
    if (!drainTo) return
    const bridged = [...this.calls].filter(({ bridge }) => !bridge.end)
    const live = [
      ...bridged.map(({ callSid, bridge }) => ({ callSid, ended: bridge.ended })),
      ...this.#ways.live.map(({ callSid, session }) => ({ callSid, ended: session.ended })),
    ]
    await Promise.all(
      live.map(async ({ callSid, ended }) => {
        await this.calls.live(callSid).transfer({ ...drainTo, afterSpeech: false, whenNobodyAnswers: 'say' })
        await ended
      }),
    ).catch((error: unknown) => this.#context.logger.error('Calls could not be handed off', { error }))
  }

  /** Tells the parts first, and then the host; what a listener throws harms nobody. */
  #tell<T extends keyof VoiceEvents>(event: T, ...args: VoiceEvents[T]): void {
    const [first] = args as [unknown]
    if (event === 'call') {
      const call = first as VoiceEvents['call'][0]
      this.#records.follow(call)
      this.#optOuts.follow(call)
    } else if (event === 'relayCall') {
      const call = first as VoiceEvents['relayCall'][0]
      this.#records.followRelay(call)
      this.#optOuts.followRelay(call)
    } else if (event === 'callRegistered') this.#records.registered(first as VoiceEvents['callRegistered'][0])
    const { callSid } = first as { readonly callSid?: string }
    runListeners(this.#context.logger, event, () => this.emit(event, ...(args as unknown as EventEmitter.EventArgs<VoiceEvents, T>)), callSid === undefined ? {} : { callSid }) // prettier-ignore
  }
}

/** Carries events where sinks or a feed are named; and out of a memory that is ours alone, where they would only pile up. */
function dispatcherOf(
  { events = {}, store: given, random }: VoiceOptions,
  { store, clock, logger, metrics }: FrontContext,
  publicUrl: string,
): OutboxDispatcher | undefined {
  const { sinks = {}, turns: _, ...rest } = events
  if (!events.sinks && !events.feed && given) return undefined
  return new OutboxDispatcher({
    source: publicUrl,
    ...rest,
    sinks,
    onParked: (event, reason) => {
      metrics.eventParked()
      events.onParked?.(event, reason)
    },
    store,
    clock,
    logger,
    ...(random ? { random } : {}),
  })
}

function placingOf({ retries, hooks, onAlert, random }: VoiceOptions) {
  return {
    ...(retries ? { retries } : {}),
    ...(hooks ? { hooks } : {}),
    ...(onAlert ? { onAlert } : {}),
    ...(random ? { random } : {}),
  }
}

/** What an answered call's webhook says, as Twilio's REST API would. */
function telephoneCallOf({ callSid, from, to, params }: IncomingCall): TelephoneCall {
  const unknown = undefined
  return {
    callSid,
    status: params.CallStatus ?? 'in-progress',
    to,
    from,
    direction: params.Direction ?? 'outbound-api',
    durationS: unknown,
    answeredBy: params.AnsweredBy,
    createdAt: unknown,
    startedAt: unknown,
    endedAt: unknown,
    price: unknown,
    currency: unknown,
  }
}
