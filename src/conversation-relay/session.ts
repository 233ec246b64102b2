/**
 * One Twilio ConversationRelay session as a state machine over a socket.
 *
 * `awaiting-setup` → `authorizing` (after `setup`) → `talking` → `ending` (the last words are being heard) → `ended`.
 *
 * @see https://www.twilio.com/docs/voice/conversationrelay/websocket-messages (read 2026-11-21)
 * @module
 */
import { EventEmitter } from 'eventemitter3'
import { systemClock, type Clock, type TimerHandle } from '../core/clock.js'
import { DigitRow } from '../core/digit-row.js'
import { ProtocolError, SignatureError, VendorError, VoiceError } from '../core/errors.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import type { Socket } from '../core/socket.js'
import { sharedTicker, type Ticker } from '../core/ticker.js'
import { asBrain, partsOf, type HandoffData, type LanguageChoice, type RelayBrain, type RelayCall, type RelaySetup, type RelayTurn, type ReplyPart } from './brain.js' // prettier-ignore
import { codeOfRelayError, encodeRelayMessage, parseRelayMessage, type InboundRelayMessage, type InboundSetup } from './messages.js' // prettier-ignore
import { phrasesFor } from './phrases.js'
import { Replies } from './replies.js'
import { RollingCount } from './rolling-count.js'
import { relayLimits, type RelayLimits } from './session-limits.js'
import type {
  ConversationRelayCounts,
  ConversationRelayEnd,
  ConversationRelayEvents,
  ConversationRelaySessionOptions,
  ConversationRelayState,
  RelayCallOptions,
} from './session-options.js'
import { SpeechEstimate, spokenMs } from './speech-estimate.js'
import { RelayTranscript, type RelayTranscriptTurn } from './transcript.js'

const MAX_CONSECUTIVE_BAD = 10
/** Messages that come while the token is being checked. */
const MAX_EARLY_MESSAGES = 64
/** How often limits are looked at. One timer serves all sessions. */
const TICK_MS = 100
/** How long Twilio may take to close after `end`, which takes about 90 ms (recorded traffic, read 2026-11-21). */
const CLOSE_TIMEOUT_MS = 5000
const PROMPT_WINDOW_MS = 10_000
const MAX_HANDOFF_CHARS = 16_384
/** Until it is known who answers. */
const NOBODY: RelayBrain = { respond: () => partsOf([]) }
/** A report that the caller stopped speaking can be lost. */
const MAX_CALLER_SPEECH_MS = 60_000

/**
 * Speaks Twilio's side of a ConversationRelay session: what the caller says goes to a brain, what the brain says to the caller.
 *
 * @example
 * ```ts
 * const session = new ConversationRelaySession({
 *   socket,
 *   authorize: (setup) => tokens.redeem(setup.customParameters.token ?? '', setup.callSid),
 *   brain: async function* (turn, { signal }) {
 *     for await (const token of model.stream(turn.history, turn.text, signal)) yield token
 *   },
 * })
 * const { reason } = await session.ended
 * ```
 */
export class ConversationRelaySession extends EventEmitter<ConversationRelayEvents> implements RelayCall {
  /** How the session ended. Never rejects. */
  readonly ended: Promise<ConversationRelayEnd>

  readonly #socket: Socket
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #accept: NonNullable<ConversationRelaySessionOptions['accept']>
  readonly #estimate = new SpeechEstimate()
  readonly #promptRate = new RollingCount(PROMPT_WINDOW_MS)
  readonly #ticker: Ticker
  readonly #tick = (): void => this.#look()
  #resolveEnded: (end: ConversationRelayEnd) => void = () => undefined

  #state: ConversationRelayState = 'awaiting-setup'
  #options: RelayCallOptions
  #limits: RelayLimits
  #brain: RelayBrain
  #transcript: RelayTranscript
  #replies: Replies
  #digitRow: DigitRow
  #setup: RelaySetup | undefined
  #early: InboundRelayMessage[] = []
  #ttsLanguage: string
  #transcriptionLanguage: string
  #timer: TimerHandle | undefined
  #startedMs = 0
  #lastActivityMs = 0
  #callerSpeaksSinceMs: number | undefined
  #silences = 0
  #callerTurns = 0
  /** Turns of the caller that the present one goes on from. */
  #goneOn = 0
  #hasInterrupted = false
  #badInARow = 0
  #ending: { readonly handoffData: HandoffData | undefined; readonly untilMs: number; isSent: boolean } | undefined
  #counts = { prompts: 0, droppedPrompts: 0, interruptions: 0, sent: 0, ignored: 0 }

  constructor(options: ConversationRelaySessionOptions) {
    super()
    const { brain, accept, authorize } = options
    if (!brain && !accept) throw new TypeError('A session needs a brain, or accept to choose one')
    this.#socket = options.socket
    this.#clock = options.clock ?? systemClock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    this.#accept = async (setup) => {
      if (authorize && !(await authorize(setup))) return undefined
      return accept ? accept(setup) : this.#options
    }
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
    const parts = this.#partsFor({ ...options, brain: brain ?? NOBODY })
    this.#options = parts.options
    this.#limits = parts.limits
    this.#brain = parts.brain
    this.#transcript = parts.transcript
    this.#replies = parts.replies
    this.#digitRow = parts.digitRow
    this.#ttsLanguage = this.#transcriptionLanguage = options.language ?? ''
    this.#ticker = sharedTicker(this.#clock, TICK_MS)
    const { setupTimeoutMs } = this.#limits
    this.#timer = this.#clock.setTimeout(() => {
      const message = `No authorised setup came within ${setupTimeoutMs} ms`
      this.#fail(new ProtocolError('conversation_relay_setup_timeout', message), 1008)
    }, setupTimeoutMs)
    this.#socket.listen({
      message: (text) => this.#receive(text),
      binary: (byteLength) => this.#reject(`a binary message of ${byteLength} bytes`),
      close: (code) => this.#socketClosed(code),
    })
  }

  get state(): ConversationRelayState {
    return this.#state
  }

  /** What Twilio said at the start; `undefined` until the session is authorised. */
  get setup(): RelaySetup | undefined {
    return this.#setup
  }

  get language(): string {
    return this.#ttsLanguage
  }

  /** The call so far as it was heard, oldest first. What is being said stands in it once it is over. */
  get transcript(): readonly RelayTranscriptTurn[] {
    return this.#transcript.turns
  }

  get counts(): ConversationRelayCounts {
    return { ...this.#counts, stalePieces: this.#replies.stalePieces }
  }

  /** Whether the caller is being spoken to, as far as can be known. */
  get isSpeaking(): boolean {
    return this.#estimate.isSpeaking(this.#clock.monotonicMs())
  }

  speak(parts: string | AsyncIterable<ReplyPart>): void {
    if (this.#state !== 'talking') return
    this.#replies.speak(() => (typeof parts === 'string' ? partsOf([parts]) : parts))
  }

  /** Goes on in another language. It must be one that the TwiML configures. @throws TypeError for what is no language. */
  setLanguage(choice: LanguageChoice): void {
    const { tts, transcription } =
      typeof choice === 'string' ? { tts: choice, transcription: choice } : { tts: undefined, transcription: undefined, ...choice } // prettier-ignore
    const message = encodeRelayMessage({
      type: 'language',
      ...(tts === undefined ? {} : { ttsLanguage: tts }),
      ...(transcription === undefined ? {} : { transcriptionLanguage: transcription }),
    })
    if (this.#state !== 'talking') return
    this.#send(message)
    this.#ttsLanguage = tts ?? this.#ttsLanguage
    this.#transcriptionLanguage = transcription ?? this.#transcriptionLanguage
    this.#tell('languageChanged', { tts: this.#ttsLanguage, transcription: this.#transcriptionLanguage })
  }

  /** Presses keys for the other end, after what is being said. @throws TypeError for anything but `0-9`, `*`, `#` and `w`. */
  sendDigits(digits: string): void {
    const message = encodeRelayMessage({ type: 'sendDigits', digits })
    if (this.#state === 'talking') this.#send(message)
  }

  /**
   * Ends the session in order: Twilio then asks the `action` of the TwiML how to go on. Safe to call twice.
   *
   * @throws RangeError when the data have more than 16 384 characters.
   */
  end({
    handoffData,
    afterSpeech = true,
  }: { readonly handoffData?: HandoffData; readonly afterSpeech?: boolean } = {}): void {
    const chars = handoffText(handoffData)?.length ?? 0
    if (chars > MAX_HANDOFF_CHARS)
      throw new RangeError(`handoffData has ${chars} characters, more than ${MAX_HANDOFF_CHARS}`)
    if (this.#state !== 'talking') return
    const nowMs = this.#clock.monotonicMs()
    this.#ending = { handoffData, untilMs: nowMs + (afterSpeech ? this.#limits.goodbyeTimeoutMs : 0), isSent: false }
    this.#state = 'ending'
    this.#replies.stop()
    this.#digitRow.close()
    if (!afterSpeech || !this.isSpeaking) this.#sendEnd()
  }

  /** Drops the session: Twilio takes it for a failure, and asks the `action` of the TwiML. Safe to call twice. */
  close(code = 1000, reason = ''): void {
    this.#finish({ reason: 'closed', error: undefined, closeCode: code }, reason)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.ended
  }

  /** What depends on which call it is. */
  #partsFor(options: RelayCallOptions) {
    const clock = this.#clock
    const limits = relayLimits(options)
    const brain = asBrain(options.brain)
    const transcript = new RelayTranscript(limits.maxTranscriptTurns, (turn) => this.#tell('agentTurnEnded', turn))
    const replies = new Replies({
      clock,
      brain,
      call: this,
      transcript,
      limits,
      phrases: () => phrasesFor(options.phrases, this.#ttsLanguage),
      send: (message) => this.#send(message),
      queued: (durationMs) => this.#estimate.sent(durationMs, clock.monotonicMs()),
      setLanguage: (choice) => this.setLanguage(choice),
      end: (handoffData) => this.end(handoffData === undefined ? {} : { handoffData }),
      started: ({ turnId, latencyMs, at }) => this.#tell('agentTurnStarted', { turnId, latencyMs, at }),
      failed: (turnId, error) => {
        this.#logger.warn('A reply failed', { ...this.#ids, code: error.code })
        this.#tell('replyFailed', { turnId, error })
      },
      limited: (turnId) => this.#tell('replyLimited', { turnId }),
    })
    const digitRow = new DigitRow(clock, (digits) => this.#takeTurn('digits', { digits }), brain.digitPauseMs)
    return { options, limits, brain, transcript, replies, digitRow }
  }

  #receive(text: string): void {
    if (this.#state === 'ended') return
    const { maxMessageChars } = this.#limits
    if (text.length > maxMessageChars) {
      const message = `A message of ${text.length} characters came; the limit is ${maxMessageChars}`
      this.#fail(new ProtocolError('conversation_relay_message_too_large', message), 1009)
      return
    }
    try {
      const message = parseRelayMessage(text)
      this.#badInARow = 0
      if (message.type === 'unknown') this.#ignore(`a message of the unknown type "${message.name}"`)
      else if (message.type === 'setup') this.#receiveSetup(message)
      else if (this.#state === 'awaiting-setup') this.#ignore(`"${message.type}" before setup`)
      else if (this.#state === 'authorizing') this.#hold(message)
      else this.#handle(message)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#reject(error.message)
    }
  }

  #receiveSetup(message: InboundSetup): void {
    if (this.#state !== 'awaiting-setup') {
      this.#ignore('a second setup')
      return
    }
    this.#state = 'authorizing'
    void this.#authorizeSetup(setupOf(message))
  }

  async #authorizeSetup(setup: RelaySetup): Promise<void> {
    let accepted: RelayCallOptions | undefined
    let cause: unknown
    try {
      accepted = await this.#accept(setup)
      if (accepted && accepted !== this.#options && this.#state === 'authorizing') this.#become(accepted)
    } catch (error) {
      cause = error
    }
    if (this.#state !== 'authorizing') return // closed meanwhile
    if (!accepted || cause !== undefined) {
      const message =
        cause === undefined ? 'The session showed no valid token' : 'The token of the session could not be checked'
      const options = cause === undefined ? {} : { cause }
      this.#fail(new SignatureError('conversation_relay_unauthorized', message, options), 1008)
      return
    }
    this.#clock.clear(this.#timer)
    this.#setup = setup
    this.#state = 'talking'
    this.#startedMs = this.#lastActivityMs = this.#clock.monotonicMs()
    this.#ticker.add(this.#tick)
    this.#openGreeting()
    this.#tell('setup', setup)
    this.#guard('start', () => this.#brain.start?.(this))
    if (this.#options.greetsFirst === true) this.#takeTurn('start', {})
    const early = this.#early
    this.#early = []
    for (const message of early) this.#handle(message)
  }

  #become(options: RelayCallOptions): void {
    const parts = this.#partsFor(options)
    this.#options = parts.options
    this.#limits = { ...parts.limits, maxMessageChars: this.#limits.maxMessageChars }
    this.#brain = parts.brain
    this.#transcript = parts.transcript
    this.#replies = parts.replies
    this.#digitRow = parts.digitRow
    this.#ttsLanguage = this.#transcriptionLanguage = options.language ?? ''
  }

  #openGreeting(): void {
    const { welcomeGreeting = '' } = this.#options
    if (welcomeGreeting === '') return
    const turn = this.#transcript.begin({ turnId: 'greeting', at: this.#clock.now(), latencyMs: undefined })
    turn.text = welcomeGreeting
    turn.isComplete = true
    this.#estimate.sent(spokenMs(welcomeGreeting.length), this.#clock.monotonicMs())
  }

  #hold(message: InboundRelayMessage): void {
    if (this.#early.length < MAX_EARLY_MESSAGES) this.#early.push(message)
    else this.#ignore('too much before the authorisation')
  }

  #handle(message: InboundRelayMessage): void {
    if (this.#state !== 'talking' && this.#state !== 'ending') return
    switch (message.type) {
      case 'prompt':
        this.#receivePrompt(message.voicePrompt, message.lang, message.last)
        return
      case 'interrupt':
        this.#interrupt(message.utteranceUntilInterrupt, message.durationUntilInterruptMs ?? 0)
        return
      case 'dtmf':
        this.#active()
        this.#tell('digit', message.digit)
        if (this.#options.digits !== 'event' && this.#state === 'talking') this.#digitRow.receive(message.digit)
        return
      case 'info':
        this.#receiveInfo(message.name, message.value)
        return
      case 'error':
        this.#receiveError(message.description)
    }
  }

  #receivePrompt(voicePrompt: string, lang: string | undefined, isLast: boolean): void {
    this.#active()
    const { maxPromptChars, maxPromptsPerTenSeconds: limit } = this.#limits
    const text = voicePrompt.slice(-maxPromptChars)
    if (!isLast) {
      this.#tell('partialPrompt', { text, lang: lang ?? this.#transcriptionLanguage })
      return
    }
    this.#counts.prompts++
    if (!this.#promptRate.takes(limit, this.#clock.monotonicMs())) {
      if (this.#counts.droppedPrompts++ === 0) this.#logger.warn('Prompts come too fast; some are dropped', this.#ids)
      return
    }
    this.#takeTurn('speech', { text, ...(lang === undefined ? {} : { lang }) })
  }

  /** The caller had a turn, or it is taken for them. */
  #takeTurn(source: RelayTurn['source'], said: { text?: string; digits?: string; lang?: string }): void {
    const setup = this.#setup
    if (!setup || this.#state !== 'talking') return
    const { text = '', digits = '', lang = this.#transcriptionLanguage } = said
    if (!this.isSpeaking) this.#transcript.completeSpoken()
    // A caller who goes on before anything of the answer was sent is answered once, on all of it.
    const pending = this.#replies.unanswered
    const before = source === 'speech' && pending?.turn.source === 'speech' ? pending : undefined
    this.#goneOn = before ? this.#goneOn + 1 : 0
    const after = (earlier: string): string => `${earlier} ${text}`.slice(-this.#limits.maxPromptChars)
    const isCallers = source === 'speech' || source === 'digits'
    const turnId = isCallers ? `caller-${++this.#callerTurns}` : source
    const history = this.#transcript.turns
    const turn: RelayTurn = {
      turnId,
      source,
      text: before ? after(before.turn.text) : text,
      newText: before && !before.hasBegun ? after(before.turn.newText) : text,
      digits,
      lang,
      hasInterrupted: this.#hasInterrupted || before?.turn.hasInterrupted === true,
      history: history.slice(0, history.length - this.#goneOn),
      call: setup,
    }
    this.#hasInterrupted = false
    if (isCallers) {
      const callerTurn = { speaker: 'caller', turnId, text, digits, lang, at: this.#clock.now() } as const
      this.#transcript.addCallerTurn(callerTurn)
      this.#tell('callerTurn', callerTurn)
    }
    if (this.state === 'talking') this.#replies.answer(turn) // a listener may have ended it
  }

  #interrupt(heardText: string, heardMs: number): void {
    const reply = this.#replies.interrupt(heardText) // before anything else: a stale token would be spoken
    this.#estimate.stopped()
    this.#active()
    this.#counts.interruptions++
    this.#hasInterrupted = true
    if (reply) this.#guard('interrupted', () => this.#brain.interrupted?.(reply))
    this.#tell('interrupted', { reply, heardText, heardMs })
    if (this.#state === 'ending') this.#sendEnd()
  }

  #receiveInfo(name: string, value: string): void {
    switch (name) {
      case 'agentSpeaking':
        this.#estimate.reported(value === 'on')
        this.#tell('speaking', { who: 'agent', isSpeaking: value === 'on' })
        return
      case 'clientSpeaking':
        this.#active()
        this.#callerSpeaksSinceMs = value === 'on' ? this.#clock.monotonicMs() : undefined
        this.#tell('speaking', { who: 'caller', isSpeaking: value === 'on' })
        return
      case 'tokensPlayed':
        this.#transcript.played(value)
        this.#tell('tokensPlayed', value)
        return
      default:
        this.#tell('info', { name, value })
    }
  }

  #receiveError(description: string): void {
    const vendorCode = codeOfRelayError(description)
    this.#logger.warn('Twilio reported an error in a conversation relay session', { ...this.#ids, vendorCode })
    const message = `Twilio reported ${vendorCode ?? 'an error without a code'}`
    const details = vendorCode === undefined ? {} : { vendorCode }
    this.#tell('vendorError', new VendorError('conversation_relay_reported', message, details))
  }

  /** The caller is there. */
  #active(): void {
    this.#lastActivityMs = this.#clock.monotonicMs()
    this.#silences = 0
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#state === 'ending') {
      if (this.#ending && !this.#ending.isSent && (!this.isSpeaking || nowMs >= this.#ending.untilMs)) this.#sendEnd()
      return
    }
    if (nowMs - this.#startedMs >= this.#limits.maxDurationMs) {
      this.end({ handoffData: { reasonCode: 'max-duration' }, afterSpeech: false })
      return
    }
    this.#replies.tick(nowMs)
    const callerMs = this.#callerSpeaksSinceMs === undefined ? Infinity : nowMs - this.#callerSpeaksSinceMs
    if (this.#replies.isRunning || this.isSpeaking || callerMs < MAX_CALLER_SPEECH_MS) this.#lastActivityMs = nowMs
    else this.#transcript.completeSpoken()
    if (nowMs - this.#lastActivityMs >= this.#limits.turnTimeoutMs) this.#callerIsSilent(nowMs)
  }

  #callerIsSilent(nowMs: number): void {
    this.#lastActivityMs = nowMs
    const { onSilence = 'phrase' } = this.#options
    if (onSilence === 'off') return
    const { reengage, goodbye } = phrasesFor(this.#options.phrases, this.#ttsLanguage)
    const count = ++this.#silences
    this.#tell('silence', { count })
    if (count > this.#limits.maxSilences) {
      this.#replies.say(goodbye)
      this.end({ handoffData: { reasonCode: 'caller-silent' } })
    } else if (onSilence === 'brain') this.#takeTurn('silence', {})
    else this.#replies.say(reengage)
  }

  #sendEnd(): void {
    if (!this.#ending || this.#ending.isSent) return
    this.#ending.isSent = true
    const handoffData = handoffText(this.#ending.handoffData)
    this.#send(encodeRelayMessage({ type: 'end', ...(handoffData === undefined ? {} : { handoffData }) }))
    this.#clock.clear(this.#timer)
    this.#timer = this.#clock.setTimeout(() => {
      this.#finish({ reason: 'ended', error: undefined, closeCode: 1000 })
    }, CLOSE_TIMEOUT_MS)
  }

  #send(message: string): void {
    if (this.#state === 'ended') return
    this.#counts.sent++
    this.#socket.send(message)
    if (this.#socket.bufferedAmount <= this.#limits.maxBufferedBytes) return
    this.#fail(new VoiceError('conversation_relay_stalled', 'Twilio does not read what it is sent'), 1008)
  }

  #ignore(what: string): void {
    if (this.#counts.ignored++ === 0) this.#logger.warn(`Ignored in a conversation relay session: ${what}`, this.#ids)
  }

  /** A message that breaks the protocol: one is dropped, ten in a row close the session, as Twilio does. */
  #reject(what: string): void {
    if (this.#state === 'ended') return
    this.#ignore(what)
    if (++this.#badInARow < MAX_CONSECUTIVE_BAD) return
    const message = `${MAX_CONSECUTIVE_BAD} messages in a row broke the protocol; the last was ${what}`
    const error = new ProtocolError('conversation_relay_message_invalid', message)
    this.#fail(error, 1007, 'Too many consecutive malformed messages.')
  }

  #socketClosed(code: number): void {
    const isOurs = this.#ending?.isSent === true
    const reason = isOurs ? 'ended' : code === 1000 ? 'caller-hung-up' : 'socket-closed'
    this.#finish({ reason, error: undefined, closeCode: code })
  }

  #fail(error: VoiceError, closeCode: number, closeReason = ''): void {
    if (this.#state === 'ended') return
    this.#logger.warn('A conversation relay session failed', { ...this.#ids, code: error.code })
    this.#finish({ reason: 'failed', error, closeCode }, closeReason)
  }

  #finish(how: Pick<ConversationRelayEnd, 'reason' | 'error' | 'closeCode'>, closeReason = ''): void {
    if (this.#state === 'ended') return
    const wasSpeaking = this.isSpeaking && this.#ending?.isSent !== true
    this.#state = 'ended'
    this.#ticker.remove(this.#tick)
    this.#clock.clear(this.#timer)
    this.#digitRow.close()
    this.#early = []
    this.#replies.stop()
    this.#transcript.close(wasSpeaking)
    if (how.reason !== 'caller-hung-up' && how.reason !== 'socket-closed')
      this.#socket.close(how.closeCode, closeReason)
    this.#guard('close', () => this.#brain.close?.())
    const durationMs = this.#setup ? this.#clock.monotonicMs() - this.#startedMs : 0
    const end = { ...how, setup: this.#setup, durationMs, handoffData: this.#ending?.handoffData }
    this.#resolveEnded(end)
    this.#tell('ended', end)
  }

  get #ids(): Readonly<Record<string, string | undefined>> {
    return { callSid: this.#setup?.callSid, sessionId: this.#setup?.sessionId }
  }

  /** Emits, and keeps what a listener throws from the socket. */
  #tell<T extends keyof ConversationRelayEvents>(
    event: T,
    ...args: EventEmitter.EventArgs<ConversationRelayEvents, T>
  ): void {
    this.#guard(event, () => this.emit(event, ...args))
  }

  #guard(what: string, run: () => unknown): void {
    try {
      run()
    } catch (error) {
      this.#logger.error(`A listener threw at "${what}"`, { ...this.#ids, error })
    }
  }
}

function setupOf(message: InboundSetup): RelaySetup {
  const { sessionId, callSid, accountSid, parentCallSid, from, to, forwardedFrom } = message
  const { callerName, callType, direction, callStatus, customParameters } = message
  return { sessionId, callSid, accountSid, parentCallSid, from, to, forwardedFrom, callerName, callType, direction, callStatus, customParameters } // prettier-ignore
}

function handoffText(data: HandoffData | undefined): string | undefined {
  return data === undefined || typeof data === 'string' ? data : JSON.stringify(data)
}
