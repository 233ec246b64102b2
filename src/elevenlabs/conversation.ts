/**
 * One conversation with an ElevenLabs agent, as a state machine over a socket.
 *
 * `starting` (the initiation is sent, metadata is awaited) → `active` → `closing` → `closed`. There is no way back: ElevenLabs
 * has no resume, and a new socket is a new conversation.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/api-reference/eleven-agents/websocket (read 2026-11-21)
 * @module
 */
import { EventEmitter } from 'eventemitter3'
import { systemClock, type Clock, type TimerHandle } from '../core/clock.js'
import { ProtocolError, VendorError, type VendorErrorOptions, type VoiceErrorCode } from '../core/errors.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import type { Socket } from '../core/socket.js'
import { conversationError, type ErrorFrame } from './close-codes.js'
import type { ConversationEvents, ConversationMetadata, AudioFormats, ConversationEnd } from './conversation-events.js'
import type {
  AudioHandler,
  AudioTranscoder,
  ConversationCounters,
  ConversationHandlers,
  ConversationOptions,
  ConversationState,
} from './conversation-options.js'
import { HeldAudio } from './held-audio.js'
import {
  encodeClientMessage,
  encodeInitiation,
  parseServerMessage,
  type AudioAlignment,
  type ServerMessage,
  type ServerMessageOf,
  type UnknownServerMessage,
} from './messages.js'
import { Outbox } from './outbox.js'
import { ToolCalls } from './tool-calls.js'

export type { AudioFormats, ConversationEnd, ConversationEvents, ConversationMetadata } from './conversation-events.js'
export type {
  AudioTranscoder,
  ConversationHandlers,
  ConversationOptions,
  ConversationState,
} from './conversation-options.js'
export type { AudioAlignment } from './messages.js'

/** Malformed messages in a row that end a conversation: the peer is not what it should be. */
const MAX_BAD_IN_A_ROW = 10
/** Agent audio that is kept until somebody takes it, in milliseconds: a long greeting and then some. */
const MAX_HELD_AGENT_AUDIO_MS = 60_000
/** How long the closing handshake may take, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2000
/** An `error` message explains a close that follows within so long, in milliseconds. */
const ERROR_EXPLAINS_MS = 5000
const MAX_LOGGED_UNKNOWN_TYPES = 32

/** What needs nothing done and is told as it is. */
type PassedOn = Exclude<
  Extract<ServerMessage, { type: keyof ConversationEvents }>,
  { type: 'interruption' | 'toolCall' }
>

/** Whether audio belongs to what was interrupted. Equality does: it names the very chunk that was being spoken. */
export function isInterrupted(eventId: number, lastInterruptedId: number): boolean {
  return eventId <= lastInterruptedId
}

/**
 * One conversation with an agent.
 *
 * Attach listeners in the turn of the event loop in which it was made: nothing is told before. A listener or handler that
 * throws is logged and harms nothing. How it ended is told by {@link ended}, which never rejects.
 *
 * @example
 * ```ts
 * const conversation = await connectConversation({ agentId, onAudio: (payload) => speaker.play(payload) })
 * conversation.on('agentResponse', ({ text }) => console.log(text))
 * microphone.on('frame', (payload) => conversation.sendAudio(payload))
 * const { reason, error } = await conversation.ended
 * ```
 */
export class Conversation extends EventEmitter<ConversationEvents> {
  /** The agent has started. Rejects with what went wrong when it never does; need not be handled. */
  readonly ready: Promise<ConversationMetadata>
  /** How it ended. Never rejects. */
  readonly ended: Promise<ConversationEnd>

  readonly #socket: Socket
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #limits: Required<Pick<ConversationOptions, 'metadataTimeoutMs' | 'queueTimeoutMs' | 'maxMessageBytes'>>
  readonly #transcode: ConversationOptions['transcode']
  readonly #isTextOnly: boolean
  readonly #tools: ToolCalls
  readonly #outbox: Outbox
  readonly #agentAudio = new HeldAudio(MAX_HELD_AGENT_AUDIO_MS, 'newest')
  readonly #unknownTypes = new Set<string>()
  readonly #counters = { audioMessages: 0, lateAudioMessages: 0, badMessages: 0, unknownMessages: 0 }
  #resolveReady: (metadata: ConversationMetadata) => void = () => undefined
  #rejectReady: (error: VendorError) => void = () => undefined
  #resolveEnded: (end: ConversationEnd) => void = () => undefined

  #state: ConversationState = 'starting'
  #metadata: ConversationMetadata | undefined
  #transcoder: AudioTranscoder | undefined
  #onAudio: AudioHandler | undefined
  #startTimer: TimerHandle | undefined
  #closeTimer: TimerHandle | undefined
  #lastInterruptedId = -Infinity // ids start at 0, and 0 is as good as any
  #lastError: { readonly frame: ErrorFrame; readonly atMs: number } | undefined
  #failure: VendorError | undefined
  #badInARow = 0
  #endCallRequested = false

  constructor(options: ConversationOptions) {
    super()
    this.#socket = options.socket
    this.#clock = options.clock ?? systemClock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    this.#limits = {
      metadataTimeoutMs: limit('metadataTimeoutMs', options.metadataTimeoutMs, 5000),
      queueTimeoutMs: limit('queueTimeoutMs', options.queueTimeoutMs, 60_000),
      maxMessageBytes: limit('maxMessageBytes', options.maxMessageBytes, 16 * 1024 * 1024),
    }
    this.#transcode = options.transcode
    this.#isTextOnly = options.textOnly ?? options.initiation?.overrides?.conversation?.textOnly ?? false
    this.#outbox = new Outbox({
      socket: this.#socket,
      clock: this.#clock,
      maxPendingAudioMs: limit('maxPendingAudioMs', options.maxPendingAudioMs, 5000),
      onStalled: () => this.#giveUp(),
    })
    this.#tools = new ToolCalls({
      clock: this.#clock,
      timeoutMs: limit('toolTimeoutMs', options.toolTimeoutMs, 10_000),
      answer: (toolCallId, result, isError) => {
        this.#outbox.sendNow(encodeClientMessage({ type: 'toolResult', toolCallId, result, isError }))
      },
      onResult: (result) => this.#tell('toolResult', result),
    })
    const initiation = encodeInitiation(options.initiation)

    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    this.ready.catch(() => undefined)
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))

    this.setHandlers(options)
    this.#awaitStart(this.#limits.metadataTimeoutMs, 'elevenlabs_metadata_timeout')
    this.#socket.send(initiation) // before anything else: a server may refuse whatever comes first
    this.#socket.listen({
      message: (text) => this.#receive(text),
      binary: () => this.#countBad(new ProtocolError('elevenlabs_message_invalid', 'ElevenLabs sent a binary message')),
      close: (code, reason) => this.#socketClosed(code, reason),
    })
  }

  get state(): ConversationState {
    return this.#state
  }

  /** The conversation's id, once the agent has started. */
  get conversationId(): string | undefined {
    return this.#metadata?.conversationId
  }

  /** What the agent speaks and hears, once it has started. */
  get formats(): AudioFormats | undefined {
    return this.#metadata?.formats
  }

  get counters(): ConversationCounters {
    return { ...this.#counters, droppedCallerFrames: this.#outbox.droppedFrames }
  }

  /** Sets who takes the audio, the tool calls, or both. Audio that came before is handed over now. */
  setHandlers({ onAudio, onToolCall }: ConversationHandlers): void {
    if (onToolCall) this.#tools.handler = onToolCall
    if (!onAudio) return
    this.#onAudio = onAudio
    for (const { payload, eventId, alignment } of this.#agentAudio.take()) this.#handOver(payload, eventId, alignment)
  }

  /**
   * Sends caller audio: base64 of μ-law 8000 Hz, any length. Before the start it is kept, the oldest dropped beyond
   * `maxPendingAudioMs`; while the connection cannot keep up, and after the end, it is dropped.
   */
  sendAudio(payloadBase64: string): void {
    if (!this.#isTextOnly) this.#outbox.sendAudio(payloadBase64)
  }

  /**
   * {@link sendAudio} for audio that lies in `bytes` from `start` to `end`, of which the caller knows that it is base64. Whatever
   * else is in `bytes` may be overwritten: they belong to the conversation from then on.
   */
  sendAudioBytes(bytes: Buffer, start: number, end: number): void {
    if (!this.#isTextOnly) this.#outbox.sendAudioBytes(bytes, start, end)
  }

  /**
   * Tells the agent something without interrupting it. With a `contextId` it replaces what was told under the same one.
   *
   * @returns Whether it was sent, or kept until the start. `false` when the conversation is over.
   */
  sendContextualUpdate(text: string, options: { readonly contextId?: string } = {}): boolean {
    return this.#outbox.send(encodeClientMessage({ type: 'contextualUpdate', text, ...options }))
  }

  /** Says something as the caller: the agent answers, and stops talking if it was. @returns As {@link sendContextualUpdate}. */
  sendUserMessage(text: string): boolean {
    return this.#outbox.send(encodeClientMessage({ type: 'userMessage', text }))
  }

  /** Says that somebody is there, so that the agent holds back for a moment. @returns As {@link sendContextualUpdate}. */
  sendUserActivity(): boolean {
    return this.#outbox.send(encodeClientMessage({ type: 'userActivity' }))
  }

  /** Judges an agent response by its `eventId`; `null` takes it back. @returns As {@link sendContextualUpdate}. */
  sendFeedback(feedback: { readonly eventId: number; readonly score: 'like' | 'dislike' | null }): boolean {
    return this.#outbox.send(encodeClientMessage({ type: 'feedback', ...feedback }))
  }

  /** Answers an `mcpToolCall` whose state is `awaiting_approval`. @returns As {@link sendContextualUpdate}. */
  sendMcpToolApproval(approval: { readonly toolCallId: string; readonly isApproved: boolean }): boolean {
    return this.#outbox.send(encodeClientMessage({ type: 'mcpToolApproval', ...approval }))
  }

  /** Sends text with files that were uploaded to the conversation before. @returns As {@link sendContextualUpdate}. */
  sendMultimodalMessage(message: { readonly text?: string; readonly fileIds?: string[] }): boolean {
    return this.#outbox.send(encodeClientMessage({ type: 'multimodalMessage', ...message }))
  }

  /** Ends the conversation. Safe to call twice. */
  close(): void {
    this.#close(1000, 'call ended')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.ended
  }

  #receive(text: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    if (text.length > this.#limits.maxMessageBytes) {
      this.#fail('elevenlabs_message_too_large', `A message of ${text.length} characters came`, 1009)
      return
    }
    let message: ServerMessage | UnknownServerMessage
    try {
      message = parseServerMessage(text)
    } catch (error) {
      this.#countBad(error)
      return
    }
    this.#badInARow = 0
    this.#dispatch(message)
  }

  #dispatch(message: ServerMessage | UnknownServerMessage): void {
    switch (message.type) {
      case 'ping':
        this.#outbox.sendNow(encodeClientMessage({ type: 'pong', eventId: message.eventId }))
        break
      case 'metadata':
        this.#start(message)
        break
      case 'audio':
        this.#receiveAudio(message.payload, message.eventId, message.alignment)
        break
      case 'interruption':
        this.#interrupt(message)
        break
      case 'toolCall':
        this.#callTool(message)
        break
      case 'error':
      case 'clientError':
        this.#noteError(message)
        break
      case 'unknown':
        this.#ignoreUnknown(message.name)
        break
      default:
        if (message.type === 'queueStatus') this.#queue(message.status)
        if (message.type === 'agentToolResponse' || message.type === 'agentToolResult') this.#noteEndCall(message)
        this.#passOn(message)
    }
  }

  /** Tells a message as the event of the same name; the event map has one for each type that comes here. */
  #passOn(message: PassedOn): void {
    this.#tell(message.type, ...([message] as unknown as EventEmitter.EventArgs<ConversationEvents, PassedOn['type']>))
  }

  #noteEndCall({ toolName, isCalled, isError }: ServerMessageOf<'agentToolResponse' | 'agentToolResult'>): void {
    if (toolName === 'end_call' && isCalled !== false && isError !== true) this.#endCallRequested = true
  }

  /** Waiting in the vendor's queue is no failure to start. */
  #queue(status: string): void {
    const { queueTimeoutMs, metadataTimeoutMs } = this.#limits
    if (status === 'waiting') this.#awaitStart(queueTimeoutMs, 'elevenlabs_queue_timeout')
    if (status === 'admitted') this.#awaitStart(metadataTimeoutMs, 'elevenlabs_metadata_timeout')
  }

  #awaitStart(limitMs: number, code: VoiceErrorCode): void {
    if (this.#state !== 'starting') return
    this.#clock.clear(this.#startTimer)
    this.#startTimer = this.#clock.setTimeout(() => {
      this.#fail(code, `The conversation did not start within ${limitMs} ms`, 1000, { retry: 'once' })
    }, limitMs)
  }

  #start({ conversationId, inputFormat, outputFormat }: ServerMessageOf<'metadata'>): void {
    if (this.#state !== 'starting') return
    const formats: AudioFormats = { input: inputFormat ?? 'none', output: outputFormat ?? 'none' }
    if (!this.#isTextOnly && (formats.input !== 'ulaw_8000' || formats.output !== 'ulaw_8000')) {
      this.#transcoder = this.#guard('transcode', () => this.#transcode?.(formats))
      if (!this.#transcoder) {
        const spoken = `The agent hears ${printable(formats.input)} and speaks ${printable(formats.output)}`
        this.#fail('elevenlabs_audio_format_unsupported', `${spoken}, and the telephone only ulaw_8000`, 1000)
        return
      }
    }
    this.#clock.clear(this.#startTimer)
    this.#state = 'active'
    const metadata = { conversationId, formats }
    this.#metadata = metadata
    const transcoder = this.#transcoder
    this.#outbox.open(transcoder && ((payload) => this.#guard('toAgent', () => transcoder.toAgent(payload))))
    this.#resolveReady(metadata)
    this.#tell('ready', metadata)
  }

  #receiveAudio(payload: string, eventId: number, alignment?: AudioAlignment): void {
    if (this.#state !== 'active') {
      this.#counters.badMessages++ // its format is not known yet
      return
    }
    this.#counters.audioMessages++
    if (isInterrupted(eventId, this.#lastInterruptedId)) {
      this.#counters.lateAudioMessages++
      return
    }
    const audio = this.#transcoder ? this.#guard('fromAgent', () => this.#transcoder?.fromAgent(payload)) : payload
    if (audio) this.#handOver(audio, eventId, alignment)
  }

  #handOver(payload: string, eventId: number, alignment: AudioAlignment | undefined): void {
    if (!this.#onAudio) this.#agentAudio.add(payload, eventId, alignment)
    else {
      try {
        if (alignment) this.#onAudio(payload, eventId, alignment)
        else this.#onAudio(payload, eventId)
      } catch (error) {
        this.#logThrown('onAudio', error)
      }
    }
  }

  #interrupt(message: ServerMessageOf<'interruption'>): void {
    this.#lastInterruptedId = Math.max(this.#lastInterruptedId, message.eventId)
    this.#counters.lateAudioMessages += this.#agentAudio.drop((eventId) =>
      isInterrupted(eventId, this.#lastInterruptedId),
    )
    this.#tell('interruption', message)
  }

  #callTool(message: ServerMessageOf<'toolCall'>): void {
    const call = this.#tools.accept(message)
    if (!call) return
    this.#tell('toolCall', call)
    this.#tools.run(call)
  }

  #noteError(message: ServerMessageOf<'error'> | ServerMessageOf<'clientError'>): void {
    this.#lastError = { frame: message, atMs: this.#clock.monotonicMs() }
    const { code, errorType } = message
    this.#logger.warn('ElevenLabs reported an error', { ...this.#ids(), errorCode: code, errorType })
    this.#tell('vendorError', conversationError(code ?? 1002, '', message))
  }

  #ignoreUnknown(name: string): void {
    this.#counters.unknownMessages++
    if (!this.#unknownTypes.has(name) && this.#unknownTypes.size < MAX_LOGGED_UNKNOWN_TYPES) {
      this.#unknownTypes.add(name)
      this.#logger.info('ElevenLabs sent a message of an unknown type', { ...this.#ids(), type: printable(name) })
    }
    this.#tell('unknown', name)
  }

  #countBad(error: unknown): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#counters.badMessages++
    const what = error instanceof ProtocolError ? error.message : 'A message could not be read'
    this.#logger.warn(what, this.#ids())
    if (++this.#badInARow < MAX_BAD_IN_A_ROW) return
    this.#fail('elevenlabs_message_invalid', `${MAX_BAD_IN_A_ROW} messages in a row could not be read`, 1007, {
      cause: error,
    })
  }

  #giveUp(): void {
    this.#fail('elevenlabs_connection_lost', 'The connection to ElevenLabs takes no more data', 1006, { retry: 'once' })
  }

  #fail(code: VoiceErrorCode, message: string, closeCode: number, options: VendorErrorOptions = {}): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#failure = new VendorError(code, message, { ...options, details: this.#ids() })
    if (closeCode === 1006) {
      this.#close(1000, '')
      this.#socket.terminate()
    } else this.#close(closeCode, 'failed')
  }

  #close(code: number, reason: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#state = 'closing'
    this.#release()
    this.#closeTimer = this.#clock.setTimeout(() => {
      this.#socket.terminate()
      this.#finish(code, reason)
    }, CLOSE_TIMEOUT_MS)
    this.#socket.close(code, reason)
  }

  #socketClosed(code: number, reason: string): void {
    if (this.#state === 'starting' || this.#state === 'active') {
      // A normal close is the agent's goodbye, unless it never said hello.
      if (code !== 1000 || this.#state === 'starting') this.#failure = this.#errorOfClose(code, reason)
      this.#release()
      this.#finish(code, reason, this.#failure ? 'failed' : 'agent-ended')
    } else this.#finish(code, reason)
  }

  /** Lets go of what only a living conversation needs. */
  #release(): void {
    this.#clock.clear(this.#startTimer)
    this.#outbox.close()
    this.#tools.close()
  }

  #errorOfClose(code: number, reason: string): VendorError {
    const last = this.#lastError
    const isRecent = last !== undefined && this.#clock.monotonicMs() - last.atMs <= ERROR_EXPLAINS_MS
    return conversationError(code, reason, isRecent ? last.frame : undefined)
  }

  #finish(closeCode: number, closeReason: string, reason: ConversationEnd['reason'] = 'closed-by-us'): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#clock.clear(this.#closeTimer)
    const error = this.#failure
    const end: ConversationEnd = {
      reason: error ? 'failed' : reason,
      error,
      closeCode,
      closeReason,
      endCallRequested: this.#endCallRequested,
      conversationId: this.conversationId,
    }
    this.#rejectReady(error ?? new VendorError('elevenlabs_closed', 'The conversation was closed before it started'))
    this.#resolveEnded(end)
    this.#tell('ended', end)
  }

  #ids(): Readonly<Record<string, string>> {
    return this.#metadata ? { conversationId: this.#metadata.conversationId } : {}
  }

  /** Emits, and keeps what a listener throws from the socket. */
  #tell<T extends keyof ConversationEvents>(event: T, ...args: EventEmitter.EventArgs<ConversationEvents, T>): void {
    try {
      this.emit(event, ...args)
    } catch (error) {
      this.#logThrown(event, error)
    }
  }

  #guard<T>(what: string, run: () => T): T | undefined {
    try {
      return run()
    } catch (error) {
      this.#logThrown(what, error)
      return undefined
    }
  }

  #logThrown(what: string, error: unknown): void {
    this.#logger.error('A handler of the conversation threw', { ...this.#ids(), handler: what, error })
  }
}

function limit(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise
  if (!(value > 0)) throw new RangeError(`${name} must be a positive number, got ${value}`)
  return value
}

function printable(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : 'something unknown'
}
