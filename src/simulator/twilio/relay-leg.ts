/**
 * Twilio's end of one ConversationRelay session: hears the caller, speaks what the host writes, and is as strict as Twilio.
 *
 * @see https://www.twilio.com/docs/voice/conversationrelay/websocket-messages (read 2026-11-21)
 * @module
 */
import { outboundRelayMessageSchema, type OutboundRelayMessage } from '../../conversation-relay/messages.js'
import type { Clock, TimerHandle } from '../../core/clock.js'
import { counts, type RelaySettings } from './relay-settings.js'
import { RelaySpeech, type HeardSpeech, type PieceOptions } from './relay-speech.js'
import type { SpeakText } from './prompt-audio.js'
import type { StreamSocket } from './stream-socket.js'
import type { Timeline } from './timeline.js'
import type { ViolationCode } from './violations.js'

/** How a session ended. */
export interface RelayLegEnd {
  /** `ended`: the host said so. `failed`: its socket went, or it broke the protocol. `completed`: the call is over. */
  readonly status: 'ended' | 'failed' | 'completed'
  readonly closeCode: number
  readonly handoffData: string | undefined
  readonly errorCode: ViolationCode | undefined
  readonly durationMs: number
  /** Speech that was queued and not heard when it ended, in milliseconds, loud packets only. */
  readonly unheardMs: number
}

/** What went over one session. */
export interface RelayCounters {
  textReceived: number
  promptsSent: number
  interruptsSent: number
  /** Messages that Twilio could not read. */
  invalid: number
}

export interface RelayLegOptions {
  readonly connection: StreamSocket
  readonly settings: RelaySettings
  /** The fields of `setup`. */
  readonly setup: Readonly<Record<string, unknown>> & { readonly sessionId: string }
  readonly speakText: SpeakText
  readonly clock: Clock
  /** Milliseconds since the call was made. */
  readonly nowMs: () => number
  readonly timeline: Timeline
  /** Hears what the caller hears. */
  readonly sound: (audio: Uint8Array, atMs: number) => void
  readonly report: (code: ViolationCode, seen: string) => void
  /** Fetches a sound and decodes it; `undefined` when it cannot be had. */
  readonly fetchSound: (url: string) => Promise<Uint8Array | undefined>
}

type Closing = Pick<RelayLegEnd, 'status' | 'handoffData' | 'errorCode'>

/** The caller while they speak. */
interface Speaking {
  readonly text: string
  readonly sinceMs: number
  /** Whether the agent was speaking when they began. */
  readonly overAgent: boolean
  /** Partial results that were sent. */
  partials: number
}

/** From the caller's last sound to the prompt, in milliseconds. */
const ENDPOINTING_MS = 300
const PARTIAL_EVERY_MS = 400
/** How fast a partial result grows. */
const WORDS_PER_SECOND = 2.5
const MAX_INVALID_IN_A_ROW = 10
const CLOSE_GRACE_MS = 2000
const ENDLESS_LOOPS = 1000
const MAX_KEPT = 5000

/** One session. Construct it on an open socket; it says `setup` at once. */
export class RelayLeg {
  readonly sessionId: string
  readonly settings: RelaySettings
  readonly counters: RelayCounters = { textReceived: 0, promptsSent: 0, interruptsSent: 0, invalid: 0 }
  /** What the host sent, as far as it could be read, oldest first; the first 5000 are kept. */
  readonly received: OutboundRelayMessage[] = []
  /** Resolves once the socket is closed. Never rejects. */
  readonly ended: Promise<RelayLegEnd>

  readonly #options: RelayLegOptions
  readonly #speech: RelaySpeech
  readonly #startMs: number
  #ttsLanguage: string
  #transcriptionLanguage: string
  /** Messages wait while a sound is being fetched. */
  #waiting: OutboundRelayMessage[] = []
  #isFetching = false
  #invalidInARow = 0
  #speaks: Speaking | undefined
  #hasCut = false
  #prompt: { readonly text: string; readonly dueMs: number } | undefined
  #closing: Closing | undefined
  #unheardMs = 0
  #closeTimer: TimerHandle | undefined
  #end: RelayLegEnd | undefined
  #resolveEnded: (end: RelayLegEnd) => void = () => undefined

  constructor(options: RelayLegOptions) {
    this.#options = options
    this.settings = options.settings
    this.sessionId = options.setup.sessionId
    this.#startMs = options.nowMs()
    this.#ttsLanguage = options.settings.ttsLanguage
    this.#transcriptionLanguage = options.settings.transcriptionLanguage
    this.#speech = new RelaySpeech(options.speakText, {
      sound: options.sound,
      played: (text) => this.#info('tokens-played', 'tokensPlayed', text),
      speaking: (isSpeaking) => this.#info('speaker-events', 'agentSpeaking', isSpeaking ? 'on' : 'off'),
    })
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
    options.timeline.add('relay-open', { sessionId: this.sessionId })
    this.#send({ type: 'setup', ...options.setup })
    const { welcomeGreeting, welcomeGreetingInterruptible } = options.settings
    if (welcomeGreeting !== '') {
      const greeting = { interruptible: welcomeGreetingInterruptible, preemptible: false, lang: this.#ttsLanguage }
      this.#speech.say(welcomeGreeting, greeting, this.#startMs)
      this.#speech.flush(this.#startMs)
    }
    options.connection.socket.listen({
      message: (text) => this.#receive(text),
      binary: (bytes) => this.#refuse(`binary message of ${bytes} bytes`),
      close: (code) => this.#closed(code),
    })
  }

  /** Whether the socket still carries messages. */
  get isLive(): boolean {
    return this.#closing === undefined && this.#end === undefined
  }

  /** What the caller heard of the host's text, a stretch of speech an entry. */
  get heard(): readonly HeardSpeech[] {
    return this.#speech.heard
  }

  /** What is spoken and what is recognised: BCP-47. */
  get languages(): { readonly tts: string; readonly transcription: string } {
    return { tts: this.#ttsLanguage, transcription: this.#transcriptionLanguage }
  }

  /** A relay session carries no sound. */
  callerFrame(): void {
    // what the caller says comes as text, through `callerSpeech`
  }

  /** The caller begins to say something, or has said it. */
  callerSpeech(text: string, isFinal: boolean): void {
    if (!this.isLive) return
    const nowMs = this.#options.nowMs()
    if (!isFinal) {
      const before = this.#prompt ? `${this.#prompt.text} ` : ''
      this.#prompt = undefined
      this.#hasCut = false
      this.#speaks = { text: before + text, sinceMs: nowMs, overAgent: this.#speech.isBusy, partials: 0 }
      this.#info('speaker-events', 'clientSpeaking', 'on')
      return
    }
    const speaks = this.#speaks
    if (!speaks) return
    this.#cutBySpeech()
    this.#speaks = undefined
    this.#info('speaker-events', 'clientSpeaking', 'off')
    const isReported = counts(this.settings.reportInputDuringAgentSpeech, 'speech')
    if (speaks.overAgent && !this.#hasCut && !isReported) {
      this.#options.timeline.add('relay-prompt', { reported: false })
      return
    }
    this.#prompt = { text: speaks.text, dueMs: nowMs + ENDPOINTING_MS }
  }

  /** The caller pressed a key. */
  digit(digit: string): void {
    if (!this.isLive || !this.settings.dtmfDetection) return
    if (this.#speech.isBusy) {
      if (counts(this.#speech.interruptible, 'dtmf')) this.#interrupt()
      else if (!counts(this.settings.reportInputDuringAgentSpeech, 'dtmf')) return
    }
    this.#send({ type: 'dtmf', digit })
  }

  /** Speaks what is due, and tells what falls due. */
  advanceTo(nowMs: number): void {
    if (!this.isLive) return
    this.#speech.advanceTo(nowMs)
    const speaks = this.#speaks
    if (speaks) {
      if (nowMs - speaks.sinceMs >= this.settings.bargeInMs) this.#cutBySpeech()
      if (this.settings.partialPrompts) this.#sendPartial(speaks, nowMs)
    }
    if (this.#prompt && nowMs >= this.#prompt.dueMs) {
      const { text } = this.#prompt
      this.#prompt = undefined
      this.#sendPrompt(text, true)
    }
  }

  /** The call is over: Twilio closes the session. */
  stop(): void {
    this.#close(1000, 'Closing websocket session', {
      status: 'completed',
      handoffData: undefined,
      errorCode: undefined,
    })
  }

  /** The network breaks. */
  drop(): void {
    if (this.#end) return
    this.#options.timeline.add('fault', { name: 'dropped-socket' })
    this.#finish(1006, { status: 'failed', handoffData: undefined, errorCode: 64105 })
    this.#options.connection.socket.terminate()
  }

  /** Sends text as it is, e.g. to see what the host makes of it. */
  sendRaw(text: string): void {
    if (this.isLive) this.#options.connection.socket.send(text)
  }

  #send(message: object): void {
    this.#options.connection.socket.send(JSON.stringify(message))
  }

  #info(subscription: string, name: string, value: string): void {
    if (this.isLive && this.settings.events.has(subscription)) this.#send({ type: 'info', name, value })
  }

  #sendPartial(speaks: Speaking, nowMs: number): void {
    const elapsedMs = nowMs - speaks.sinceMs
    if (elapsedMs < PARTIAL_EVERY_MS * (speaks.partials + 1)) return
    speaks.partials++
    const words = speaks.text.split(/\s+/).slice(0, Math.ceil((elapsedMs / 1000) * WORDS_PER_SECOND))
    if (!speaks.overAgent || this.#hasCut) this.#sendPrompt(words.join(' '), false)
  }

  #sendPrompt(voicePrompt: string, last: boolean): void {
    if (last) this.counters.promptsSent++
    this.#options.timeline.add('relay-prompt', { text: voicePrompt, last, reported: true })
    const lang = this.#transcriptionLanguage === 'multi' ? 'en' : this.#transcriptionLanguage
    this.#send({ type: 'prompt', voicePrompt, lang, last })
  }

  #cutBySpeech(): void {
    if (this.#hasCut || !this.#speech.isBusy || !counts(this.#speech.interruptible, 'speech')) return
    this.#hasCut = true
    this.#interrupt()
  }

  #interrupt(): void {
    this.counters.interruptsSent++
    this.#waiting = []
    const { heardText, heardMs } = this.#speech.cut(this.#options.nowMs())
    this.#options.timeline.add('relay-interrupt', { heardMs })
    this.#send({ type: 'interrupt', utteranceUntilInterrupt: heardText, durationUntilInterruptMs: heardMs })
  }

  #receive(text: string): void {
    if (!this.isLive) return
    this.#speech.advanceTo(this.#options.nowMs())
    const message = readMessage(text)
    if (typeof message === 'string') {
      this.#refuse(message)
      return
    }
    this.#invalidInARow = 0
    if (this.received.length < MAX_KEPT) this.received.push(message)
    if (this.#isFetching && message.type !== 'end') this.#waiting.push(message)
    else this.#do(message)
  }

  #do(message: OutboundRelayMessage): void {
    const nowMs = this.#options.nowMs()
    switch (message.type) {
      case 'text': {
        this.counters.textReceived++
        const { token, lang = this.#ttsLanguage, last = false } = message
        if (token !== '') this.#speech.say(token, { ...this.#pieceOptions(message), lang }, nowMs)
        if (last) this.#speech.flush(nowMs)
        return
      }
      case 'play':
        this.#speech.flush(nowMs)
        void this.#play(message)
        return
      case 'sendDigits':
        this.#options.timeline.add('relay-digits', { digits: message.digits })
        this.#speech.keys(message.digits, nowMs)
        return
      case 'language':
        this.#ttsLanguage = message.ttsLanguage ?? this.#ttsLanguage
        this.#transcriptionLanguage = message.transcriptionLanguage ?? this.#transcriptionLanguage
        this.#options.timeline.add('relay-language', this.languages)
        return
      case 'end':
        this.#close(1000, '', { status: 'ended', handoffData: message.handoffData, errorCode: undefined })
    }
  }

  #pieceOptions(message: { interruptible?: boolean | undefined; preemptible?: boolean | undefined }): PieceOptions {
    const { interruptible, preemptible } = this.settings
    const input = message.interruptible === undefined ? interruptible : message.interruptible ? 'any' : 'none'
    return { interruptible: input, preemptible: message.preemptible ?? preemptible, lang: this.#ttsLanguage }
  }

  async #play(message: Extract<OutboundRelayMessage, { type: 'play' }>): Promise<void> {
    this.#isFetching = true
    const audio = await this.#options.fetchSound(message.source)
    this.#isFetching = false
    if (!this.isLive) return
    const loops = Math.min(message.loop === 0 ? ENDLESS_LOOPS : (message.loop ?? 1), ENDLESS_LOOPS)
    for (let i = 0; i < loops && audio && audio.byteLength > 0; i++)
      this.#speech.sound(audio, this.#pieceOptions(message), this.#options.nowMs())
    this.#doWaiting()
  }

  #doWaiting(): void {
    while (!this.#isFetching) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#do(next)
    }
  }

  /** What Twilio cannot read is told to the host; ten in a row end the session. */
  #refuse(seen: string): void {
    if (!this.isLive) return
    this.counters.invalid++
    this.#options.report(64107, seen)
    this.#send({ type: 'error', description: `Invalid message received, code: 64107, ${seen}` })
    if (++this.#invalidInARow < MAX_INVALID_IN_A_ROW) return
    const end = { status: 'failed', handoffData: undefined, errorCode: 64105 } as const
    this.#close(1007, 'Too many consecutive malformed messages.', end)
  }

  #close(code: number, reason: string, end: Closing): void {
    if (!this.isLive) return
    this.#closing = end
    this.#unheardMs = this.#speech.unheardMs
    this.#speech.cut(this.#options.nowMs())
    const { clock, connection } = this.#options
    this.#closeTimer = clock.setTimeout(() => connection.socket.terminate(), CLOSE_GRACE_MS)
    connection.socket.close(code, reason)
  }

  #closed(code: number): void {
    if (this.#end) return
    if (this.#closing) {
      if (this.#closing.errorCode !== undefined) this.#options.report(this.#closing.errorCode, `close code ${code}`)
      this.#finish(code, this.#closing)
      return
    }
    this.#options.report(64105, code === 1006 ? 'without a closing handshake' : `close code ${code}`)
    this.#unheardMs = this.#speech.unheardMs
    this.#finish(code, { status: 'failed', handoffData: undefined, errorCode: 64105 })
  }

  #finish(closeCode: number, end: Closing): void {
    this.#options.clock.clear(this.#closeTimer)
    this.#speech.cut(this.#options.nowMs())
    this.#waiting = []
    const durationMs = this.#options.nowMs() - this.#startMs
    const ended = { ...end, closeCode, durationMs, unheardMs: this.#unheardMs }
    this.#end = ended
    this.#options.timeline.add('relay-end', { sessionId: this.sessionId, status: end.status, closeCode, unheardMs: this.#unheardMs }) // prettier-ignore
    this.#resolveEnded(ended)
  }
}

/** The message, or what is wrong with it, without its values. */
function readMessage(text: string): OutboundRelayMessage | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'not JSON'
  }
  const result = outboundRelayMessageSchema.safeParse(value)
  if (result.success) return result.data
  const type = (value as { type?: unknown } | null)?.type
  const known = ['text', 'play', 'sendDigits', 'language', 'end'].find((name) => name === type) ?? 'unknown type'
  const issue = result.error.issues[0]
  return `${known}: ${issue?.path.join('.') || 'message'} ${issue?.code ?? ''}`
}
