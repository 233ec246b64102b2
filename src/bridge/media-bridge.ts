/**
 * One call: the caller's media stream joined to the agent's conversation, until either ends and both are closed.
 *
 * @module
 */
import { EventEmitter } from 'eventemitter3'
import { MULAW_BYTES_PER_MS } from '../audio/mulaw.js'
import { base64ByteLength } from '../core/base64.js'
import { systemClock, type Clock, type TimerHandle } from '../core/clock.js'
import { DigitRow } from '../core/digit-row.js'
import { VoiceError } from '../core/errors.js'
import { runListeners } from '../core/listeners.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { sharedTicker, type Ticker } from '../core/ticker.js'
import type { AudioAlignment, Conversation, ConversationEnd } from '../elevenlabs/conversation.js'
import { Playback } from '../media-stream/playback.js'
import type { MediaStreamSession } from '../media-stream/session.js'
import type { MediaStreamEnd } from '../media-stream/session-options.js'
import type { BridgeEnd, BridgeEndReason, BridgeStats } from './bridge-end.js'
import { bridgeLimits, type BridgeLimits } from './bridge-limits.js'
import { CallerSpeech } from './caller-speech.js'
import { TurnKeeper, type AgentTurn, type CallerTurn } from './turns.js'

export interface MediaStreamBridgeOptions extends Partial<BridgeLimits> {
  /**
   * The agent's leg. A promise may be handed in, so that the agent can be opened at the voice webhook, while Twilio is still
   * connecting the stream, and its greeting waits for nobody.
   */
  readonly conversation: Conversation | Promise<Conversation>
  readonly clock?: Clock
  readonly logger?: Logger
}

export interface MediaStreamBridgeEvents {
  /** Both legs are there and the agent has started its conversation. */
  joined: [call: { readonly callSid: string; readonly streamSid: string; readonly conversationId: string }]
  /** The caller said something. */
  callerTurn: [turn: CallerTurn]
  /** The first audio of an agent turn is being heard. */
  agentTurnStarted: [turn: { readonly turnId: string; readonly latencyMs: number | undefined; readonly at: number }]
  /** An agent turn is over: heard to its end, or cut. */
  agentTurnEnded: [turn: AgentTurn]
  /** The caller barged in; what the agent had still to say was dropped. */
  bargedIn: [bargeIn: { readonly turnId: string | undefined; readonly heardMs: number; readonly at: number }]
  /** The agent asks for a tool. */
  toolCalled: [call: { readonly toolName: string; readonly toolCallId: string; readonly at: number }]
  /** The agent got its answer. */
  toolAnswered: [
    answer: { readonly toolName: string; readonly toolCallId: string; readonly isError: boolean; readonly at: number },
  ]
  /** The caller pressed a key: `0`–`9`, `*` or `#`. */
  digit: [digit: string]
  /** Both legs are closed. Comes once, last. */
  ended: [end: BridgeEnd]
}

/** Caller audio from before the agent's socket exists, in bytes of μ-law: five seconds, the oldest dropped. */
const MAX_EARLY_BYTES = 5000 * MULAW_BYTES_PER_MS
/** Rows of digits from before the agent's socket exists. */
const MAX_EARLY_ROWS = 8
/** How often limits are looked at. One timer serves all calls. */
const LIMIT_CHECK_MS = 500
/** After `end_call` and silence the agent should close by itself; after so long we do. */
const END_CALL_GRACE_MS = 3000

/**
 * Joins a caller's leg to an agent's leg.
 *
 * @example
 * ```ts
 * const bridge = new MediaStreamBridge({ conversation: connectConversation({ api, agentId }) })
 * const stream = new MediaStreamSession({ socket, authorize })
 * stream.on('start', () => bridge.attach(stream))
 * const { reason } = await bridge.ended
 * ```
 */
export class MediaStreamBridge extends EventEmitter<MediaStreamBridgeEvents> {
  /** What the caller has heard. */
  readonly playback: Playback
  /**
   * How the call ended. Resolves when both legs are closed, two seconds after {@link MediaStreamBridge.end} is known at the
   * latest. Never rejects.
   */
  readonly ended: Promise<BridgeEnd>

  readonly #options: BridgeLimits
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #limitTicker: Ticker
  readonly #checkLimits = (): void => this.#endWhenOverLimit()
  readonly #callerSpeech: CallerSpeech
  readonly #digits: DigitRow
  readonly #turns: TurnKeeper
  #resolveEnded: (end: BridgeEnd) => void = () => undefined

  #conversation: Conversation | undefined
  #stream: MediaStreamSession | undefined
  #earlyFrames: string[] = []
  #earlyBytes = 0
  #earlyRows: string[] = []
  #attachTimer: TimerHandle | undefined
  #endCallTimer: TimerHandle | undefined
  #joinedMs: number | undefined
  #lastActivityMs: number
  #state: 'open' | 'saying-goodbye' | 'ended' = 'open'
  #goodbye: { readonly reason: 'agent-ended' | 'agent-failed'; readonly error: VoiceError | undefined } | undefined
  #expectedEnd: 'handed-off' | 'closed' | undefined
  #end: BridgeEnd | undefined
  #stopWaitingForStream: () => void = () => undefined
  #stats = { callerFrames: 0, callerTurns: 0, agentTurns: 0, interruptions: 0, toolCalls: 0 }

  constructor(options: MediaStreamBridgeOptions) {
    super()
    const clock = options.clock ?? systemClock
    this.#options = bridgeLimits(options)
    this.#clock = clock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    this.#lastActivityMs = clock.monotonicMs()
    this.#callerSpeech = new CallerSpeech(clock)
    this.#limitTicker = sharedTicker(clock, LIMIT_CHECK_MS)
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
    this.#digits = new DigitRow(clock, (digits) => this.#tellDigits(digits))

    this.playback = new Playback({ clock, logger: this.#logger })
    this.#turns = new TurnKeeper(clock, this.playback, (turn) => {
      this.#stats.agentTurns++
      this.#tell('agentTurnEnded', turn)
    })
    this.playback.on('started', (turnId, atMs) => {
      this.#noteActivity()
      const started = this.#turns.started(turnId, atMs, this.#callerSpeech.lastMs)
      if (started) this.#tell('agentTurnStarted', started)
    })
    this.playback.on('played', () => {
      this.#noteActivity()
      this.#turns.closeHeard()
    })
    this.playback.on('overflowed', () => {
      this.#logger.warn('The agent speaks faster than the caller can hear; audio is dropped', this.#ids)
    })

    this.#attachTimer = clock.setTimeout(() => this.#finish('stream-not-attached'), this.#options.attachTimeoutMs)
    if (options.conversation instanceof Promise) {
      options.conversation.then(
        (conversation) => this.#adopt(conversation),
        (error: unknown) => this.#agentFailed(asVoiceError(error)),
      )
    } else this.#adopt(options.conversation)
  }

  /** The agent's leg, once it is there. */
  get conversation(): Conversation | undefined {
    return this.#conversation
  }

  /** The caller's leg, once it is there. */
  get stream(): MediaStreamSession | undefined {
    return this.#stream
  }

  /** How the call ended, as soon as that is decided; the legs may take a moment to close. `undefined` while it lasts. */
  get end(): BridgeEnd | undefined {
    return this.#end
  }

  /** What has passed so far. */
  get stats(): BridgeStats {
    return { ...this.#stats, agentAudioMs: this.#turns.audioMs, agentHeardMs: this.#turns.heardMs }
  }

  /**
   * Joins the caller's leg. What the agent has said until now is played at once.
   *
   * @throws {@link VoiceError} `bridge_closed` when the call is over; close the stream then.
   * @throws TypeError when the stream has not started, or when there is one already.
   */
  attach(stream: MediaStreamSession): void {
    if (this.#isOver) throw new VoiceError('bridge_closed', 'The call was over before its stream came')
    if (this.#stream) throw new TypeError('This bridge has a stream already; make a bridge for each call')
    if (!stream.start) throw new TypeError('Attach the stream once it has started: listen to its start event')
    this.#stream = stream
    this.#clock.clear(this.#attachTimer)
    this.#joinedMs = this.#lastActivityMs = this.#clock.monotonicMs()
    this.#limitTicker.add(this.#checkLimits)
    stream.on('dtmf', (digit) => {
      this.#noteActivity()
      this.#tell('digit', digit)
      if (this.#options.digits !== 'off') this.#digits.receive(digit)
    })
    void stream.ended.then((end) => this.#streamEnded(end))
    stream.connect({
      playback: this.playback,
      onMedia: (payload) => this.#receiveCaller(payload),
      onMediaBytes: (bytes, start, end) => this.#receiveCallerBytes(bytes, start, end),
    })
    this.#stopWaitingForStream()
    this.#tellJoined()
  }

  /**
   * The call is about to be ended or sent elsewhere over REST: nothing more is played, and when its stream stops nobody has hung up.
   *
   * @param reason - What `end.reason` shall say then.
   * @returns A function that takes it back, for when Twilio did not do it after all.
   */
  expectEnd(reason: 'handed-off' | 'closed'): () => void {
    this.#expectedEnd = reason
    this.playback.clear()
    return () => (this.#expectedEnd = undefined)
  }

  /**
   * Ends the call now and closes both legs. Safe to call twice.
   *
   * @param reason - What `end.reason` shall say, for who learns by other ways than the legs that the call is over. Default
   * `'closed'`.
   */
  close(reason: 'closed' | 'caller-hung-up' | 'stream-not-attached' = 'closed'): void {
    this.#finish(reason)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.ended
  }

  #adopt(conversation: Conversation): void {
    if (this.#isOver) {
      conversation.close() // the caller was gone before the agent was there: nothing may stay open or be billed
      return
    }
    this.#conversation = conversation
    conversation.on('ready', () => this.#tellJoined())
    conversation.on('userTranscript', ({ text }) => {
      this.#noteActivity()
      this.#stats.callerTurns++
      this.#turns.completeAgentTurn()
      this.#tell('callerTurn', this.#turns.callerTurn(text))
    })
    conversation.on('agentResponse', ({ text }) => this.#turns.receiveText(text))
    conversation.on('agentResponseCorrection', ({ corrected }) => this.#turns.receiveCorrection(corrected))
    conversation.on('agentResponseComplete', () => this.#turns.completeAgentTurn())
    conversation.on('interruption', () => this.#interrupt())
    conversation.on('toolCall', ({ toolName, toolCallId }) => {
      this.#noteActivity()
      this.#stats.toolCalls++
      this.#turns.completeAgentTurn()
      this.#tell('toolCalled', { toolName, toolCallId, at: this.#clock.now() })
    })
    conversation.on('toolResult', ({ toolName, toolCallId, isError }) => {
      this.#noteActivity()
      this.#tell('toolAnswered', { toolName, toolCallId, isError, at: this.#clock.now() })
    })
    for (const event of ['agentToolResponse', 'agentToolResult'] as const) {
      conversation.on(event, ({ toolName, isCalled, isError }) => {
        if (toolName === 'end_call' && isCalled !== false && isError !== true) this.#awaitGoodbye()
      })
    }
    conversation.setHandlers({ onAudio: (payload, _eventId, alignment) => this.#receiveAgent(payload, alignment) })
    for (const payload of this.#earlyFrames.splice(0)) conversation.sendAudio(payload)
    for (const digits of this.#earlyRows.splice(0)) this.#tellDigits(digits)
    void conversation.ended.then((end) => this.#conversationEnded(end))
    if (conversation.state === 'active') this.#tellJoined()
  }

  #receiveAgent(payload: string, alignment: AudioAlignment | undefined): void {
    const turnId = this.#turns.receiveAudio(payload, alignment)
    const isHearable = this.#expectedEnd === undefined && this.playback.enqueue(turnId, payload)
    if (!isHearable) this.#turns.refuseAudio(turnId, payload)
  }

  #tellJoined(): void {
    const start = this.#stream?.start
    const conversationId = this.#conversation?.conversationId
    if (!start || conversationId === undefined || this.#isOver) return
    this.#tell('joined', { callSid: start.callSid, streamSid: start.streamSid, conversationId })
  }

  #receiveCaller(payload: string): void {
    this.#stats.callerFrames++
    if (this.#callerSpeech.receive(payload)) this.#noteActivity()
    if (this.#conversation) this.#conversation.sendAudio(payload)
    else {
      this.#earlyFrames.push(payload)
      this.#earlyBytes += base64ByteLength(payload)
      while (this.#earlyBytes > MAX_EARLY_BYTES) this.#earlyBytes -= base64ByteLength(this.#earlyFrames.shift() ?? '')
    }
  }

  /** As {@link #receiveCaller}, without a string: so nearly every frame comes. */
  #receiveCallerBytes(bytes: Buffer, start: number, end: number): void {
    if (!this.#conversation) {
      this.#receiveCaller(bytes.toString('latin1', start, end))
      return
    }
    this.#stats.callerFrames++
    if (this.#callerSpeech.receiveBytes(bytes, start, end)) this.#noteActivity()
    this.#conversation.sendAudioBytes(bytes, start, end)
  }

  #noteActivity(): void {
    this.#lastActivityMs = this.#clock.monotonicMs()
  }

  #interrupt(): void {
    this.playback.clear() // before anything else: every millisecond here is talked over the caller
    this.#stats.interruptions++
    this.#noteActivity()
    const cut = this.#turns.interrupt()
    this.#tell('bargedIn', { turnId: cut?.turnId, heardMs: cut?.heardMs ?? 0, at: this.#clock.now() })
  }

  #tellDigits(digits: string): void {
    if (!this.#conversation) {
      if (this.#earlyRows.length < MAX_EARLY_ROWS) this.#earlyRows.push(digits)
      return
    }
    const text = `The caller pressed ${digits.split('').join(' ')} on the telephone keypad.`
    if (this.#options.digits === 'user-message') this.#conversation.sendUserMessage(text)
    else this.#conversation.sendContextualUpdate(text)
  }

  #streamEnded(end: MediaStreamEnd): void {
    if (end.reason === 'failed') this.#finish('stream-failed', end.error)
    else this.#finish(this.#expectedEnd ?? this.#goodbye?.reason ?? 'caller-hung-up', this.#goodbye?.error)
  }

  #conversationEnded(end: ConversationEnd): void {
    if (end.reason === 'failed')
      this.#agentFailed(end.error ?? new VoiceError('elevenlabs_connection_lost', 'The agent left'))
    else void this.#sayGoodbye('agent-ended')
  }

  #agentFailed(error: VoiceError): void {
    if (this.#isOver) return // it was we who hung up on it
    const { code, cause } = error
    this.#logger.warn('The agent failed', { ...this.#ids, code, ...(cause instanceof Error ? { cause } : {}) })
    void this.#sayGoodbye('agent-failed', error)
  }

  /** Lets the caller hear what the agent has already said, and then ends the call. */
  async #sayGoodbye(reason: 'agent-ended' | 'agent-failed', error?: VoiceError): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'saying-goodbye'
    this.#goodbye = { reason, error }
    this.#turns.completeAgentTurn()
    if (!this.#stream && reason === 'agent-ended') await this.#untilAttachedOrEnded()
    if (this.#stream) await this.playback.drained(this.#options.goodbyeTimeoutMs)
    this.#turns.closeHeard()
    this.#finish(reason, error)
  }

  /** An agent may say its piece and leave before the stream is there; the piece is still to be heard. */
  #untilAttachedOrEnded(): Promise<void> {
    return new Promise((resolve) => (this.#stopWaitingForStream = resolve))
  }

  get #isOver(): boolean {
    return this.#state === 'ended'
  }

  /** `end_call` was answered: ElevenLabs closes by itself. Should it not, we do once the goodbye was heard. */
  #awaitGoodbye(): void {
    if (this.#endCallTimer !== undefined || this.#state !== 'open') return
    this.#endCallTimer = this.#clock.setTimeout(() => {
      void this.playback.drained(this.#options.goodbyeTimeoutMs).then(() => this.#conversation?.close())
    }, END_CALL_GRACE_MS)
  }

  #endWhenOverLimit(): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - (this.#joinedMs ?? nowMs) >= this.#options.maxDurationMs) this.#finish('max-duration')
    else if (nowMs - this.#lastActivityMs >= this.#options.idleTimeoutMs) this.#finish('idle')
  }

  #finish(reason: BridgeEndReason, error?: VoiceError): void {
    if (this.#isOver) return
    this.#state = 'ended'
    this.#clock.clear(this.#attachTimer)
    this.#clock.clear(this.#endCallTimer)
    this.#limitTicker.remove(this.#checkLimits)
    this.#digits.close()
    this.#earlyFrames = []
    this.#earlyRows = []
    this.#turns.close()
    this.playback.close()
    const durationMs = this.#joinedMs === undefined ? 0 : this.#clock.monotonicMs() - this.#joinedMs
    const { callSid, streamSid, conversationId } = this.#ids
    const end = { reason, error, callSid, streamSid, conversationId, durationMs, stats: this.stats }
    this.#end = end
    this.#conversation?.close()
    this.#stream?.close()
    this.#stopWaitingForStream()
    this.#warnOfOneWayAudio(end)
    void this.#settle(end)
  }

  async #settle(end: BridgeEnd): Promise<void> {
    await Promise.all([this.#conversation?.ended, this.#stream?.closed])
    this.#resolveEnded(end)
    this.#tell('ended', end)
  }

  #tell<T extends keyof MediaStreamBridgeEvents>(
    event: T,
    ...args: EventEmitter.EventArgs<MediaStreamBridgeEvents, T>
  ): void {
    runListeners(this.#logger, event, () => this.emit(event, ...args), this.#ids)
  }

  get #ids(): Pick<BridgeEnd, 'callSid' | 'streamSid' | 'conversationId'> {
    const start = this.#stream?.start
    return {
      callSid: start?.callSid,
      streamSid: start?.streamSid,
      conversationId: this.#conversation?.conversationId,
    }
  }

  #warnOfOneWayAudio({ stats, durationMs, callSid }: BridgeEnd): void {
    if (durationMs < 5000) return
    if (stats.callerFrames === 0) this.#logger.warn('No audio came from the caller', { callSid })
    if (stats.agentAudioMs === 0) this.#logger.warn('No audio came from the agent', { callSid })
  }
}

function asVoiceError(error: unknown): VoiceError {
  if (error instanceof VoiceError) return error
  return new VoiceError('elevenlabs_connect_failed', 'The agent could not be reached', { cause: error })
}
