/**
 * Calls whose audio goes through this process: the agent opened at the webhook, the stream let in by its token, both joined.
 *
 * @module
 */
import type { BridgeEnd } from '../bridge/bridge-end.js'
import type { BridgeLimits } from '../bridge/bridge-limits.js'
import { MediaStreamBridge } from '../bridge/media-bridge.js'
import { createTelephoneTranscoder } from '../bridge/transcode.js'
import type { TimerHandle } from '../core/clock.js'
import type { Socket } from '../core/socket.js'
import { connectConversation } from '../elevenlabs/connect.js'
import type { ConversationInitiation } from '../elevenlabs/initiation.js'
import { MediaStreamSession } from '../media-stream/session.js'
import type { MediaStreamSessionOptions, StreamStart } from '../media-stream/session-options.js'
import { twimlResponse, type HostResponse } from '../middleware/host-request.js'
import type { AcceptedUpgrade } from '../middleware/upgrade.js'
import type { ProvenRequest } from '../middleware/webhook-handler.js'
import { isTerminalCallStatus } from '../records/call-status.js'
import { hangup } from '../twiml/call-control.js'
import { connect } from '../twiml/connect.js'
import { response } from '../twiml/response.js'
import { stream } from '../twiml/stream.js'
import { initiationOf, type IncomingCall } from './answer-plan.js'
import { within, type FrontContext, type LiveCall } from './context.js'

/** Limits of each media stream. */
export type StreamLimits = Pick<
  MediaStreamSessionOptions,
  'startTimeoutMs' | 'silenceTimeoutMs' | 'maxMessageChars' | 'maxGapMs' | 'maxHeldMs' | 'maxUnsentBytes'
>

export interface BridgedCallsOptions {
  readonly context: FrontContext
  readonly bridge: Partial<BridgeLimits> | undefined
  readonly stream: StreamLimits | undefined
  readonly toolTimeoutMs: number | undefined
  /** The answer when nothing else is left. */
  readonly lastResort: () => HostResponse
}

/** How long the end of a call is remembered for the webhook that follows it. */
const REMEMBER_END_MS = 60_000
const ACTION_WAIT_MS = 2000

/** The calls that are bridged. */
export class BridgedCalls {
  readonly live = new Map<string, LiveCall>()
  readonly #options: BridgedCallsOptions
  readonly #context: FrontContext
  /** How calls ended, for the webhook that follows, until their timer. */
  readonly #ends = new Map<string, { readonly end: BridgeEnd; readonly timer: TimerHandle }>()
  readonly #streams = new Set<MediaStreamSession>()

  constructor(options: BridgedCallsOptions) {
    this.#options = options
    this.#context = options.context
  }

  isTalking(callSid: string): boolean {
    const call = this.live.get(callSid)
    return call !== undefined && !call.bridge.end
  }

  /** Opens the agent now, while Twilio is still reading the answer and connecting its stream. */
  open(incoming: IncomingCall, agentId: string, initiation: ConversationInitiation | undefined): void {
    const { callSid, tenantId, direction, from, to } = incoming
    const { api, clock, logger, tell, tools } = this.#context
    const { toolTimeoutMs } = this.#options
    const aborted = new AbortController()
    const remoteNumber = direction === 'outbound' ? to : from
    const conversation = connectConversation({
      api,
      agentId,
      clock,
      logger,
      signal: aborted.signal,
      transcode: createTelephoneTranscoder,
      initiation: this.#initiationOf(incoming, initiation),
      onToolCall: (call, { signal }) => tools.run(call, { call: { callSid, agentId, remoteNumber }, tenantId }, signal),
      ...(toolTimeoutMs === undefined ? {} : { toolTimeoutMs }),
    })
    const bridge = new MediaStreamBridge({ ...this.#options.bridge, conversation, clock, logger })
    const call: LiveCall = { ...incoming, bridge, language: initiation?.overrides?.agent?.language }
    this.live.set(callSid, call)
    void bridge.ended.then((end) => {
      aborted.abort()
      if (this.live.get(callSid) === call) this.live.delete(callSid)
      this.#rememberEnd(callSid, end)
      tell('callEnded', call, end)
    })
    bridge.on('joined', ({ conversationId }) => {
      logger.info(`Twilio-ElevenLabs: Connected call ${callSid} to ElevenLabs agent ${agentId} for tenant ${tenantId}`, { callSid, conversationId, agentId, tenantId }) // prettier-ignore
    })
    tell('call', call)
  }

  /** The document that connects a call's stream, with a fresh token. */
  async connectTwiml(callSid: string): Promise<HostResponse> {
    const { tokens, urls } = this.#context
    const token = await tokens.issue(callSid)
    const url = urls.socket('stream')
    return twimlResponse(response(connect({ action: urls.of('streamEnded') }, stream({ url, parameters: { token } }))).toString()) // prettier-ignore
  }

  /** Takes a media socket that was checked at its upgrade. */
  accept(socket: Socket, upgrade: AcceptedUpgrade): void {
    const { clock, logger } = this.#context
    const session = new MediaStreamSession({
      ...this.#options.stream,
      socket,
      clock,
      logger,
      authorize: (start) => this.#isAuthorized(start),
    })
    this.#streams.add(session)
    session.on('start', (start) => {
      upgrade.authenticated()
      const call = this.live.get(start.callSid)
      // The call ended while its token was being redeemed, or a second stream came: nothing is there to talk to.
      if (!call || call.bridge.stream || call.bridge.end) session.close(1000)
      else call.bridge.attach(session)
    })
    void session.ended.then(() => this.#streams.delete(session))
  }

  /** Twilio asks what to do now that the stream is over. */
  async afterStream({ params }: ProvenRequest): Promise<HostResponse> {
    const { CallSid: callSid = '', CallStatus: callStatus = '' } = params
    const live = this.live.get(callSid)
    // Twilio may be quicker to ask than the closing handshake is to finish. A call whose stream never came is over now; where the whole call
    // is, its caller has hung up, and whether this or the status callback says so first does not matter.
    if (isTerminalCallStatus(callStatus)) this.callEnded(callSid)
    else if (live && !live.bridge.stream) live.bridge.close('stream-not-attached')
    const end =
      live?.bridge.end ??
      this.#ends.get(callSid)?.end ??
      (live && (await within(this.#context.clock, ACTION_WAIT_MS, live.bridge.ended)))
    const wasServed = end && !end.reason.endsWith('failed') && end.durationMs > 0
    return wasServed ? twimlResponse(response(hangup()).toString()) : this.#options.lastResort()
  }

  /** The call is over, as Twilio says. A stream that is there tells it itself, and better. */
  callEnded(callSid: string): void {
    const call = this.live.get(callSid)
    if (call && !call.bridge.stream) call.bridge.close('caller-hung-up')
  }

  /** Ends every call at once. */
  async close(): Promise<void> {
    const calls = [...this.live.values()]
    for (const { bridge } of calls) bridge.close()
    await Promise.all(calls.map(({ bridge }) => bridge.ended))
    for (const session of this.#streams) session.close(1001)
    for (const { timer } of this.#ends.values()) this.#context.clock.clear(timer)
    this.#ends.clear()
  }

  async #isAuthorized(start: StreamStart): Promise<boolean> {
    const { config, tokens } = this.#context
    const { token } = start.customParameters
    if (token === undefined || start.accountSid !== config.twilio.accountSid) return false
    return tokens.redeem(token, start.callSid)
  }

  #initiationOf(call: IncomingCall, initiation: ConversationInitiation = {}): ConversationInitiation {
    const { overrides } = initiation
    const { voiceId } = this.#context.config.elevenlabs
    const withVoice = voiceId === undefined ? {} : { overrides: { ...overrides, tts: { voiceId, ...overrides?.tts } } }
    return { ...initiationOf(call, initiation), ...withVoice }
  }

  #rememberEnd(callSid: string, end: BridgeEnd): void {
    const { clock } = this.#context
    clock.clear(this.#ends.get(callSid)?.timer)
    const timer = clock.setTimeout(() => this.#ends.delete(callSid), REMEMBER_END_MS)
    this.#ends.set(callSid, { end, timer })
  }
}
