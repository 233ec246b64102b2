/**
 * One call as text: the caller's ConversationRelay session joined to an ElevenLabs agent that reads and writes, until either ends and
 * both are closed.
 *
 * Twilio hears and speaks; the agent's socket carries no sound. What the caller says becomes a user message, what the agent writes is
 * spoken part by part as it is written.
 *
 * @module
 */
import { EventEmitter } from 'eventemitter3'
import type { RelayBrain, RelayCall, RelayTurn } from '../conversation-relay/brain.js'
import type { ConversationRelaySession } from '../conversation-relay/session.js'
import type { ConversationRelayEnd } from '../conversation-relay/session-options.js'
import { systemClock, type Clock, type TimerHandle } from '../core/clock.js'
import { VoiceError } from '../core/errors.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import type { Conversation, ConversationEnd } from '../elevenlabs/conversation.js'
import type { MediaStreamBridgeOptions } from './media-bridge.js'
import { TextQueue } from './text-queue.js'

export interface RelayBridgeOptions {
  /**
   * The agent's leg: a conversation that is text only. A promise may be handed in, so that the agent can be opened at the voice
   * webhook, while Twilio is still connecting its socket.
   */
  readonly conversation: Conversation | Promise<Conversation>
  readonly clock?: Clock
  readonly logger?: Logger
  /** How long to wait for {@link RelayBridge.attach}, in milliseconds. Default 30 000. Then the agent is closed. */
  readonly attachTimeoutMs?: number
  /**
   * What the agent learns of keys that the caller presses: `'context'` (default) tells it without interrupting,
   * `'user-message'` makes it answer as if they had been spoken, `'off'` keeps them from it.
   */
  readonly digits?: MediaStreamBridgeOptions['digits']
}

/** Why a call ended. */
export type RelayBridgeEndReason =
  | 'caller-hung-up'
  | 'agent-ended'
  | 'agent-failed'
  | 'session-ended'
  | 'session-failed'
  | 'session-not-attached'
  | 'closed'

/** How a call ended. */
export interface RelayBridgeEnd {
  readonly reason: RelayBridgeEndReason
  /** What broke, for the reasons that end in `failed`. */
  readonly error: VoiceError | undefined
  readonly callSid: string | undefined
  readonly sessionId: string | undefined
  readonly conversationId: string | undefined
  /** From the session's start to the end, in milliseconds; 0 when no session came. */
  readonly durationMs: number
  readonly stats: RelayBridgeStats
}

/** What passed. */
export interface RelayBridgeStats {
  readonly userMessages: number
  /** Responses of the agent, as it counts them. */
  readonly agentResponses: number
  readonly interruptions: number
  /** Parts of an interrupted response that came too late and were dropped. */
  readonly staleParts: number
  readonly toolCalls: number
}

export interface RelayBridgeEvents {
  /** Both legs are there and the agent has started its conversation. */
  joined: [call: { readonly callSid: string; readonly sessionId: string; readonly conversationId: string }]
  /** The agent asks for a tool. */
  toolCalled: [call: { readonly toolName: string; readonly toolCallId: string; readonly at: number }]
  /** The agent got its answer. */
  toolAnswered: [
    answer: { readonly toolName: string; readonly toolCallId: string; readonly isError: boolean; readonly at: number },
  ]
  /** Both legs are closed. Comes once, last. The turns are told by the session. */
  ended: [end: RelayBridgeEnd]
}

/**
 * ElevenLabs ends a conversation in which nothing comes for 60 seconds (read 2026-11-21); sound is not sent here, so this is,
 * in milliseconds.
 */
const ACTIVITY_EVERY_MS = 25_000
/** After `end_call` the agent should close by itself; after so long we do. */
const END_CALL_GRACE_MS = 3000
/** What the caller says before the agent's socket exists. */
const MAX_EARLY_MESSAGES = 16

/**
 * Joins a relay session to an agent.
 *
 * @example
 * ```ts
 * const bridge = new RelayBridge({ conversation: connectConversation({ api, agentId, textOnly: true }) })
 * const session = new ConversationRelaySession({ socket, authorize, brain: bridge.brain })
 * session.on('setup', () => bridge.attach(session))
 * const { reason } = await bridge.ended
 * ```
 */
export class RelayBridge extends EventEmitter<RelayBridgeEvents> {
  /** The agent as the brain of the session. */
  readonly brain: RelayBrain
  /** How the call ended. Never rejects. */
  readonly ended: Promise<RelayBridgeEnd>

  readonly #clock: Clock
  readonly #logger: Logger
  readonly #digits: RelayBridgeOptions['digits']
  #resolveEnded: (end: RelayBridgeEnd) => void = () => undefined

  #conversation: Conversation | undefined
  #session: ConversationRelaySession | undefined
  #call: RelayCall | undefined
  #earlyMessages: ((conversation: Conversation) => void)[] = []
  #earlySpeech: TextQueue[] = []
  /** Asked for by the session, and not yet begun by the agent. */
  #awaited: TextQueue | undefined
  #writing: { readonly eventId: number; readonly queue: TextQueue } | undefined
  #lastEventId = -Infinity
  #hasComeInParts = false
  #staleUpTo = -Infinity
  #attachTimer: TimerHandle | undefined
  #activityTimer: TimerHandle | undefined
  #endCallTimer: TimerHandle | undefined
  #goodbye: { readonly reason: 'agent-ended' | 'agent-failed'; readonly error: VoiceError | undefined } | undefined
  #hasEnded = false
  #stats = { userMessages: 0, agentResponses: 0, interruptions: 0, staleParts: 0, toolCalls: 0 }

  constructor(options: RelayBridgeOptions) {
    super()
    const { attachTimeoutMs = 30_000 } = options
    if (!(attachTimeoutMs > 0))
      throw new RangeError(`attachTimeoutMs must be a positive number, got ${attachTimeoutMs}`)
    this.#clock = options.clock ?? systemClock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    this.#digits = options.digits ?? 'context'
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
    this.brain = {
      respond: (turn, { signal }) => this.#respond(turn, signal),
      start: (call) => this.#start(call),
      interrupted: ({ heardText }) => this.#tellInterruption(heardText),
    }
    this.#attachTimer = this.#clock.setTimeout(() => this.#finish('session-not-attached'), attachTimeoutMs)
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
  get session(): ConversationRelaySession | undefined {
    return this.#session
  }

  /** What has passed so far. */
  get stats(): RelayBridgeStats {
    return { ...this.#stats }
  }

  /**
   * Joins the caller's leg, whose brain must be this bridge's.
   *
   * @throws {@link VoiceError} `bridge_closed` when the call is over; close the session then.
   * @throws TypeError when the session has not begun, or when there is one already.
   */
  attach(session: ConversationRelaySession): void {
    if (this.#hasEnded) throw new VoiceError('bridge_closed', 'The call was over before its session came')
    if (this.#session) throw new TypeError('This bridge has a session already; make a bridge for each call')
    if (!session.setup) throw new TypeError('Attach the session once it has begun: listen to its setup event')
    this.#session = session
    this.#clock.clear(this.#attachTimer)
    void session.ended.then((end) => this.#sessionEnded(end))
    this.#emitJoined()
  }

  /** Ends the call now and closes both legs. Safe to call twice. */
  close(): void {
    this.#finish('closed')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.ended
  }

  #adopt(conversation: Conversation): void {
    if (this.#hasEnded) {
      conversation.close() // the caller was gone before the agent was there: nothing may stay open or be billed
      return
    }
    this.#conversation = conversation
    conversation.on('ready', () => this.#emitJoined())
    conversation.on('agentResponsePart', ({ part, text, eventId }) => {
      const isNew = part === 'start' || !this.#writing
      const id = eventId ?? (isNew ? this.#nextEventId() : (this.#writing?.eventId ?? 0))
      const queue = this.#queueFor(id)
      if (part !== 'stop' && text !== '') queue?.push(text)
      if (part !== 'stop') return
      this.#hasComeInParts = true
      this.#finishWriting(id)
    })
    conversation.on('agentResponse', ({ text, eventId }) => {
      const isKnown = eventId === undefined ? this.#hasComeInParts : eventId === this.#lastEventId
      this.#hasComeInParts = false
      if (isKnown) return // its parts have been read
      const id = eventId ?? this.#nextEventId()
      this.#queueFor(id)?.push(text)
      this.#finishWriting(id)
    })
    conversation.on('interruption', ({ eventId }) => {
      this.#staleUpTo = Math.max(this.#staleUpTo, eventId)
      if (this.#writing && this.#writing.eventId <= eventId) this.#finishWriting(this.#writing.eventId)
    })
    conversation.on('toolCall', ({ toolName, toolCallId }) => {
      this.#stats.toolCalls++
      this.emit('toolCalled', { toolName, toolCallId, at: this.#clock.now() })
    })
    conversation.on('toolResult', ({ toolName, toolCallId, isError }) => {
      this.emit('toolAnswered', { toolName, toolCallId, isError, at: this.#clock.now() })
    })
    conversation.on('agentToolResponse', ({ toolName, isError }) => {
      if (toolName === 'end_call' && isError !== true) this.#awaitGoodbye()
      if (toolName === 'skip_turn') this.#awaited?.finish() // it has nothing to say, and that is no failure
    })
    void conversation.ended.then((end) => this.#conversationEnded(end))
    this.#activityTimer = this.#clock.setInterval(() => void conversation.sendUserActivity(), ACTIVITY_EVERY_MS)
    const early = this.#earlyMessages
    this.#earlyMessages = []
    for (const send of early) send(conversation)
    if (conversation.state === 'active') this.#emitJoined()
  }

  #start(call: RelayCall): void {
    this.#call = call
    for (const queue of this.#earlySpeech.splice(0)) call.speak(queue)
    if (this.#goodbye) this.#endSession(this.#goodbye.reason)
  }

  #emitJoined(): void {
    const setup = this.#session?.setup
    const conversationId = this.#conversation?.conversationId
    if (!setup || conversationId === undefined || this.#hasEnded) return
    this.emit('joined', { callSid: setup.callSid, sessionId: setup.sessionId, conversationId })
  }

  #respond(turn: RelayTurn, signal: AbortSignal): TextQueue {
    const queue = new TextQueue()
    if (!this.#tellTurn(turn)) {
      queue.finish()
      return queue
    }
    this.#awaited = queue
    const onAbort = (): void => {
      if (this.#awaited === queue) this.#awaited = undefined
      if (this.#writing?.queue === queue) this.#staleUpTo = Math.max(this.#staleUpTo, this.#writing.eventId)
      queue.finish()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return queue
  }

  /** @returns Whether the agent is to answer. */
  #tellTurn({ source, newText, digits }: RelayTurn): boolean {
    if (source === 'speech') return this.#say(newText)
    if (source === 'silence') return this.#say('(The caller says nothing.)')
    if (source !== 'digits' || this.#digits === 'off') return false
    const text = `The caller pressed ${digits.split('').join(' ')} on the telephone keypad.`
    if (this.#digits === 'user-message') return this.#say(text)
    this.#tell((conversation) => conversation.sendContextualUpdate(text))
    return false
  }

  #say(text: string): boolean {
    this.#stats.userMessages++
    this.#tell((conversation) => conversation.sendUserMessage(text))
    return true
  }

  #tell(send: (conversation: Conversation) => void): void {
    if (this.#conversation) send(this.#conversation)
    else if (this.#earlyMessages.length < MAX_EARLY_MESSAGES) this.#earlyMessages.push(send)
  }

  /** The agent believes that all it wrote was heard, until it is told otherwise. */
  #tellInterruption(heardText: string): void {
    this.#stats.interruptions++
    this.#staleUpTo = Math.max(this.#staleUpTo, this.#lastEventId)
    if (this.#writing) this.#finishWriting(this.#writing.eventId)
    const heard = heardText === '' ? 'nothing of your last message' : `of your last message only: "${heardText}"`
    this.#tell((conversation) => conversation.sendContextualUpdate(`The caller interrupted you and heard ${heard}`))
  }

  /** Where the text of a response goes: into what the session waits for, or said unasked. `undefined` when it is stale. */
  #queueFor(eventId: number): TextQueue | undefined {
    if (eventId <= this.#staleUpTo) {
      this.#stats.staleParts++
      return undefined
    }
    if (this.#writing?.eventId === eventId) return this.#writing.queue
    if (this.#writing) this.#finishWriting(this.#writing.eventId)
    this.#lastEventId = Math.max(this.#lastEventId, eventId)
    this.#stats.agentResponses++
    const queue = this.#awaited ?? new TextQueue()
    if (queue !== this.#awaited) {
      if (this.#call) this.#call.speak(queue)
      else this.#earlySpeech.push(queue)
    }
    this.#awaited = undefined
    this.#writing = { eventId, queue }
    return queue
  }

  /** For an agent that does not number what it writes. */
  #nextEventId(): number {
    return Math.max(this.#lastEventId, 0) + 1
  }

  #finishWriting(eventId: number): void {
    if (this.#writing?.eventId !== eventId) return
    this.#writing.queue.finish()
    this.#writing = undefined
  }

  #awaitGoodbye(): void {
    this.#endCallTimer ??= this.#clock.setTimeout(() => this.#conversation?.close(), END_CALL_GRACE_MS)
  }

  #conversationEnded(end: ConversationEnd): void {
    if (this.#hasEnded) return
    if (end.reason !== 'failed') this.#endSession('agent-ended')
    else this.#agentFailed(end.error ?? new VoiceError('elevenlabs_connection_lost', 'The agent left'))
  }

  #agentFailed(error: VoiceError): void {
    if (this.#hasEnded) return
    this.#logger.warn('The agent failed', { callSid: this.#session?.setup?.callSid, code: error.code })
    this.#endSession('agent-failed', error)
  }

  /** Lets the caller hear what the agent has written, and then ends the session. */
  #endSession(reason: 'agent-ended' | 'agent-failed', error?: VoiceError): void {
    this.#goodbye ??= { reason, error }
    this.#awaited?.finish()
    if (this.#writing) this.#finishWriting(this.#writing.eventId)
    if (this.#call) {
      const end = new TextQueue()
      end.push({ end: { reasonCode: reason } })
      end.finish()
      this.#call.speak(end) // after what is being said
    } else if (reason === 'agent-failed') this.#finish(reason, error)
    // An agent may say its piece and leave before the session is there; the piece is still to be heard.
  }

  #sessionEnded(end: ConversationRelayEnd): void {
    if (this.#goodbye) this.#finish(this.#goodbye.reason, this.#goodbye.error)
    else if (end.reason === 'failed') this.#finish('session-failed', end.error)
    else if (end.reason === 'closed') this.#finish('closed')
    else this.#finish(end.reason === 'ended' ? 'session-ended' : 'caller-hung-up')
  }

  #finish(reason: RelayBridgeEndReason, error?: VoiceError): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    for (const timer of [this.#attachTimer, this.#activityTimer, this.#endCallTimer]) this.#clock.clear(timer)
    this.#earlyMessages = []
    this.#earlySpeech = []
    this.#awaited?.finish()
    this.#writing?.queue.finish()
    this.#conversation?.close()
    this.#session?.close()
    const setup = this.#session?.setup
    void this.#settle(reason, error, setup?.callSid, setup?.sessionId)
  }

  async #settle(
    reason: RelayBridgeEndReason,
    error: VoiceError | undefined,
    callSid: string | undefined,
    sessionId: string | undefined,
  ): Promise<void> {
    const durationMs = this.#session ? (await this.#session.ended).durationMs : 0
    const conversationId = this.#conversation?.conversationId
    const end: RelayBridgeEnd = { reason, error, callSid, sessionId, conversationId, durationMs, stats: this.stats }
    this.#resolveEnded(end)
    this.emit('ended', end)
  }
}

function asVoiceError(error: unknown): VoiceError {
  if (error instanceof VoiceError) return error
  return new VoiceError('elevenlabs_connect_failed', 'The agent could not be reached', { cause: error })
}
