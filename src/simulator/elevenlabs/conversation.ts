/**
 * One conversation, played from the side of ElevenLabs.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/libraries/web-sockets (read 2026-11-21)
 * @module
 */
import { EventEmitter } from 'eventemitter3'
import type { Clock } from '../../core/clock.js'
import type { Socket } from '../../core/socket.js'
import { Agenda } from './agenda.js'
import { AgentTurns } from './agent-turns.js'
import type { SimulatedAgent } from './agent.js'
import { sampleBytes, telephoneDecoder } from './audio-format.js'
import { readClientMessage, type ClientMessage, type InitiationMessage } from './client-messages.js'
import type { ConversationFault } from './faults.js'
import { Hearing } from './hearing.js'
import { decideInitiation, type DynamicVariable } from './initiation.js'
import { Line } from './line.js'
import type { Recogniser } from './recogniser.js'
import type { ConversationRecord, RecordedEnd } from './record.js'
import type { Heard, Reply, ScriptContext, Speech } from './script.js'
import type { Utterance } from './utterance.js'

/** Something that the client did against the protocol. */
export interface ElevenLabsViolation {
  readonly conversationId: string
  /** What kind: `message_invalid`, `initiation_not_first`, `audio_before_metadata`, `pong_missing`, … */
  readonly kind: string
  /** What exactly, without any value that was sent. */
  readonly message: string
  /** Since the conversation began, in milliseconds. */
  readonly atMs: number
}

export interface SimulatedConversationEvents {
  /** The metadata was sent, and the agent takes the conversation. */
  started: []
  /** The caller had a turn. */
  heard: [heard: Heard]
  /** The caller talked the agent down; the event id is the one that was sent. */
  interrupted: [eventId: number]
  /** The conversation is over. The promise `ended` tells it, too. */
  ended: [end: RecordedEnd]
}

export interface SimulatedConversationOptions {
  readonly agent: SimulatedAgent
  readonly clock: Clock
  readonly socket: Socket
  readonly record: ConversationRecord
  readonly recogniser: Recogniser
  /** The sound of some words. */
  readonly pronounce: (speech: Speech) => Utterance
  readonly faults: readonly ConversationFault[]
  readonly onViolation: (violation: ElevenLabsViolation) => void
}

/** How long a refused conversation looks healthy after its metadata. */
const REFUSAL_DELAY_MS = 100
const HEARING_START_MS = 60
/** What one tick of 20 ms counts for at most. */
const MAX_TICK_MS = 40
const MAX_TURN_MS = 60_000
const TENTATIVE_EVERY_MS = 600
const MULAW_BYTES_PER_MS = 8
/** How many things of a kind are kept of one conversation. The oldest are forgotten. */
const MAX_KEPT = 500
const NO_AUDIO = new Uint8Array(0)

/** One conversation of an {@link ElevenLabsSimulator}. */
export class SimulatedConversation extends EventEmitter<SimulatedConversationEvents> implements ScriptContext {
  readonly conversationId: string
  readonly agentId: string
  /** What the caller said so far, oldest first. */
  readonly heard: Heard[] = []
  /** What the client sent besides audio, oldest first. */
  readonly received: ClientMessage[] = []
  readonly violations: ElevenLabsViolation[] = []
  readonly contextualUpdates: { readonly text: string; readonly contextId: string | undefined }[] = []
  /** Resolves when the conversation is over. Never rejects. */
  readonly ended: Promise<RecordedEnd>

  readonly #options: SimulatedConversationOptions
  readonly #agenda: Agenda
  readonly #line: Line
  readonly #turns: AgentTurns
  readonly #hearing: Hearing
  readonly #decode: (bytes: Buffer) => Uint8Array
  readonly #settleEnded: (end: RecordedEnd) => void
  /** Pings without a pong: event id → when it was sent. */
  readonly #pings = new Map<number, number>()
  #state: 'initiating' | 'starting' | 'active' | 'refused' = 'initiating'
  #dynamicVariables: Readonly<Record<string, DynamicVariable>> = {}
  #nextPingId = 0
  #pingMs: number | undefined
  #audioMs = 0
  /** How long the caller has been talking over the agent. */
  #overlapMs = 0
  #hasInterrupted = false
  #turnsHeard = 0
  #nextTentativeMs = TENTATIVE_EVERY_MS
  #lastInputMs: number
  #lastActivityMs: number
  /** How long no audio came, in milliseconds, as {@link SimulatedConversation.#tick} counted it. */
  #audiolessMs = 0
  #lastTickMs: number

  constructor(options: SimulatedConversationOptions) {
    super()
    const { agent, clock, socket, record, pronounce } = options
    this.#options = options
    this.conversationId = record.options.conversationId
    this.agentId = agent.agentId
    this.#lastInputMs = this.#lastActivityMs = this.#lastTickMs = clock.monotonicMs()
    let settle: (end: RecordedEnd) => void = () => undefined
    this.ended = new Promise((resolve) => {
      settle = resolve
    })
    this.#settleEnded = settle
    const agenda = (this.#agenda = new Agenda(clock, () => this.#tick()))
    this.#line = new Line({
      socket,
      agenda,
      clientEvents: agent.clientEvents,
      faults: [...agent.faults, ...options.faults],
      onEnd: (end) => this.#end(end),
    })
    this.#turns = new AgentTurns({ agent, clock, agenda, line: this.#line, record, context: this, pronounce })
    this.#decode = telephoneDecoder(agent.userInputAudioFormat)
    this.#hearing = new Hearing({
      thresholdDb: agent.speechThresholdDb,
      startMs: Math.min(HEARING_START_MS, agent.bargeInMs),
      endOfTurnMs: agent.endOfTurnMs,
      maxTurnMs: MAX_TURN_MS,
      onStart: () => this.#callerStarts(),
      onEnd: (audio) => this.#callerFinished(audio),
    })
    socket.listen({
      message: (text) => this.#receive(text),
      binary: () => this.#violate('message_invalid', 'a binary frame'),
      close: (code, reason) => this.#line.hasClosed({ code, reason, by: 'client' }),
    })
    agenda.after(agent.pongTimeoutMs, () => {
      if (this.#state === 'initiating') this.#violate('initiation_missing', 'the initiation never came')
    })
    this.#line.reach('open')
  }

  get dynamicVariables(): Readonly<Record<string, DynamicVariable>> {
    return this.#dynamicVariables
  }

  /** Where the call left the script: turns in which something else was heard than the script says. */
  get scriptProblems(): readonly string[] {
    return this.#turns.scriptProblems
  }

  /** How much audio arrived from the caller, in milliseconds. */
  get audioReceivedMs(): number {
    return this.#audioMs
  }

  /** Whether the caller hears the agent now, by ElevenLabs' estimate. */
  get isSpeaking(): boolean {
    return this.#turns.isSpeaking
  }

  /** What the REST API tells of this conversation. */
  get record(): ConversationRecord {
    return this.#options.record
  }

  /** Does something now, out of turn: what the agent was doing is dropped. Resolves when all of it was sent. */
  async perform(reply: Reply): Promise<void> {
    if (this.#state === 'active') await this.#turns.perform(reply)
  }

  /** Acts as if the caller had talked the agent down. Does nothing while the agent is silent. */
  interrupt(): void {
    const eventId = this.#turns.interrupt()
    if (eventId === undefined) return
    this.#hasInterrupted = true
    this.emit('interrupted', eventId)
  }

  #receive(text: string): void {
    if (!this.#line.isLive) return
    const message = readClientMessage(text)
    if (message.type === 'malformed') {
      this.#violate('message_invalid', message.problem)
      return
    }
    if (message.type !== 'user_audio_chunk') keep(this.received, message)
    if (message.type !== 'pong') this.#lastInputMs = this.#options.clock.monotonicMs()
    if (this.#state !== 'initiating') this.#handle(message)
    else if (message.type === 'conversation_initiation_client_data') this.#initiate(message)
    else this.#violate('initiation_not_first', `${message.type} came before the initiation`)
  }

  #handle(message: ClientMessage): void {
    if (this.#state === 'refused') return
    switch (message.type) {
      case 'user_audio_chunk':
        this.#receiveAudio(message.audio)
        break
      case 'pong':
        this.#receivePong(message.event_id)
        break
      case 'client_tool_result':
        this.#receiveToolResult(message.tool_call_id, message.result, message.is_error)
        break
      case 'contextual_update':
        this.#receiveContext(message.text, message.context_id ?? undefined)
        break
      case 'user_message':
        this.#receiveText(message.text)
        break
      case 'multimodal_message':
        if (message.text) this.#receiveText(message.text.text)
        break
      case 'user_activity':
        this.#lastActivityMs = this.#options.clock.monotonicMs()
        break
      case 'conversation_initiation_client_data':
        this.#violate('initiation_repeated', 'the initiation came twice')
        break
      case 'feedback':
      case 'mcp_tool_approval_result':
        break // kept in `received`
    }
  }

  #initiate(message: InitiationMessage): void {
    this.#state = 'starting'
    this.#options.record.initiation = message
    this.#line.reachThen('metadata', () => this.#start(message))
  }

  #start(message: InitiationMessage): void {
    const { agent, record, clock } = this.#options
    this.#line.send('conversation_initiation_metadata', 'conversation_initiation_metadata_event', {
      conversation_id: this.conversationId,
      agent_output_audio_format: agent.agentOutputAudioFormat,
      user_input_audio_format: agent.userInputAudioFormat,
    })
    const decision = decideInitiation(agent, message)
    if ('reason' in decision) {
      // The metadata says nothing about health: a refusal comes after it. What the client sends until then is no fault of it.
      this.#state = 'refused'
      this.#agenda.after(REFUSAL_DELAY_MS, () => this.#line.close(1008, decision.reason, decision.errorType))
      return
    }
    this.#state = 'active'
    record.status = 'in-progress'
    record.textOnly = decision.textOnly
    this.#dynamicVariables = decision.dynamicVariables
    this.#lastInputMs = this.#lastActivityMs = clock.monotonicMs()
    this.#agenda.after(decision.maxDurationMs, () => {
      this.#line.close(1000, 'The conversation reached its maximum duration.', 'max_duration_exceeded')
    })
    this.emit('started')
    this.#ping()
    if (this.#line.reach('started')) void this.#turns.perform(decision.firstMessage)
  }

  #tick(): void {
    if (this.#state !== 'active') return
    const { agent, clock } = this.#options
    const nowMs = clock.monotonicMs()
    this.#turns.tick()
    // Audio that stops in the middle of a word ends the turn, too. A tick counts for little, however late it is: when this
    // process had no time, the audio was not late but unread.
    this.#audiolessMs += Math.min(nowMs - this.#lastTickMs, MAX_TICK_MS)
    this.#lastTickMs = nowMs
    if (this.#hearing.isSpeaking && this.#audiolessMs > agent.endOfTurnMs + 300) this.#hearing.finish()
    if (this.#hearing.isSpeaking || this.#turns.isBusy || this.#turns.isSpeaking) this.#lastActivityMs = nowMs
    if (agent.turnTimeoutMs !== undefined && nowMs - this.#lastActivityMs >= agent.turnTimeoutMs) {
      this.#lastActivityMs = nowMs
      this.#takeTurn({ source: 'silence', text: '', similarity: 1, audio: NO_AUDIO })
    }
    if (nowMs - this.#lastInputMs < agent.inputTimeoutMs) return
    this.#line.close(1002, 'No user input was received.', 'transport_receive_timeout')
  }

  #receiveAudio(bytes: Buffer): void {
    const { agent, record } = this.#options
    if (this.#state === 'starting') {
      this.#note('audio_before_metadata', 'audio came before its format was announced; it is lost')
      return
    }
    if (record.textOnly) {
      this.#note('audio_in_text_only', 'audio came into a conversation that is text only; it is lost')
      return
    }
    if (bytes.length % sampleBytes(agent.userInputAudioFormat) !== 0) {
      this.#violate('audio_invalid', 'the audio ends in the middle of a sample')
      return
    }
    this.#audiolessMs = 0
    record.hasUserAudio = true
    const mulaw = this.#decode(bytes)
    const durationMs = mulaw.length / MULAW_BYTES_PER_MS
    this.#audioMs += durationMs
    const wasSpeaking = this.#hearing.isSpeaking
    this.#hearing.hear(mulaw)
    if (this.#hearing.isSpeaking) this.#callerSpeaks(wasSpeaking ? durationMs : HEARING_START_MS)
  }

  #callerStarts(): void {
    this.#overlapMs = 0
    this.#nextTentativeMs = TENTATIVE_EVERY_MS
    this.#line.reach('listening')
  }

  #callerSpeaks(durationMs: number): void {
    const { agent, recogniser } = this.#options
    if (!this.#turns.isSpeaking) this.#overlapMs = 0
    else if (this.#hearing.quietMs === 0) this.#overlapMs += durationMs
    if (this.#overlapMs >= agent.bargeInMs && this.#turns.isInterruptible) {
      this.#overlapMs = 0
      this.interrupt()
    }
    if (this.#hearing.turnMs < this.#nextTentativeMs || !this.#line.sends('tentative_user_transcript')) return
    this.#nextTentativeMs += TENTATIVE_EVERY_MS
    const words = recogniser.recogniseBeginning(this.#hearing.turnSoFar())
    if (words === undefined) return
    this.#line.send('tentative_user_transcript', 'tentative_user_transcription_event', {
      user_transcript: words,
      event_id: this.#turns.takeEventId(),
    })
  }

  #callerFinished(audio: Uint8Array): void {
    const { record, recogniser } = this.#options
    const { text, similarity } = recogniser.recognise(audio) ?? { text: '', similarity: 0 }
    // Dots are what ElevenLabs writes when it heard speech and understood nothing.
    const transcript = text === '' ? '...' : text
    record.userSaid(transcript, 'audio')
    const event = { user_transcript: transcript, event_id: this.#turns.takeEventId() }
    this.#line.send('user_transcript', 'user_transcription_event', event)
    this.#takeTurn({ source: 'audio', text, similarity, audio })
  }

  #receiveText(text: string): void {
    if (this.#state === 'starting') {
      this.#note('message_before_metadata', 'a user message came before the metadata; it is lost')
      return
    }
    this.#options.record.userSaid(text, 'text')
    this.interrupt()
    this.#takeTurn({ source: 'text', text, similarity: 1, audio: NO_AUDIO })
  }

  #takeTurn(turn: Omit<Heard, 'turn' | 'hasInterrupted'>): void {
    const heard: Heard = { ...turn, hasInterrupted: this.#hasInterrupted, turn: this.#turnsHeard++ }
    this.#hasInterrupted = false
    keep(this.heard, heard)
    this.emit('heard', heard)
    if (this.#line.reach('heard')) this.#turns.hear(heard)
  }

  #receiveContext(text: string, contextId: string | undefined): void {
    const same = this.contextualUpdates.findIndex((update) => update.contextId === contextId)
    if (contextId !== undefined && same >= 0) this.contextualUpdates.splice(same, 1)
    keep(this.contextualUpdates, { text, contextId })
  }

  #receiveToolResult(id: string, result: string, isError: boolean): void {
    const verdict = this.#turns.answerTool(id, { result, isError, hasTimedOut: false })
    if (verdict === 'unknown') this.#violate('tool_call_unknown', 'a result came for a tool call that was never made')
    if (verdict === 'repeated') this.#note('tool_result_repeated', 'a second result came for the same tool call')
  }

  #ping(): void {
    const { agent, clock } = this.#options
    if (this.#line.sends('ping')) {
      const eventId = this.#nextPingId++
      const latency = this.#pingMs === undefined ? {} : { ping_ms: this.#pingMs }
      this.#pings.set(eventId, clock.monotonicMs())
      this.#agenda.after(agent.pongTimeoutMs, () => {
        if (this.#pings.has(eventId)) this.#violate('pong_missing', 'a ping was not answered')
      })
      this.#line.send('ping', 'ping_event', { event_id: eventId, ...latency })
    }
    this.#agenda.after(agent.pingIntervalMs, () => this.#ping())
  }

  #receivePong(eventId: number): void {
    const sentMs = this.#pings.get(eventId)
    if (sentMs === undefined) {
      this.#note('pong_unknown', 'a pong came for no open ping')
      return
    }
    this.#pings.delete(eventId)
    this.#pingMs = Math.round(this.#options.clock.monotonicMs() - sentMs)
  }

  /** Notes a violation that ElevenLabs puts up with. */
  #note(kind: string, message: string): void {
    const atMs = Math.round(this.#options.record.durationMs)
    const violation = { conversationId: this.conversationId, kind, message, atMs }
    keep(this.violations, violation)
    this.#options.onViolation(violation)
  }

  /** Notes a violation, and ends the conversation for it. */
  #violate(kind: string, message: string): void {
    if (!this.#line.isLive) return
    this.#note(kind, message)
    this.#line.close(1008, `Invalid message received: ${message}`, 'invalid_message')
  }

  #end(end: RecordedEnd): void {
    this.#agenda.stop()
    this.#turns.stop()
    this.#options.record.ended(end)
    this.#settleEnded(end)
    this.emit('ended', end)
  }
}

function keep<T>(list: T[], item: T): void {
  list.push(item)
  if (list.length > MAX_KEPT) list.shift()
}
