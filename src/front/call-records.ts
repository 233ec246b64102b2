/**
 * Writes down what becomes of the calls that are answered here. A caller never waits for it, and never suffers from it.
 *
 * @module
 */
import { isWorthHolding } from '../calls/held-writes.js'
import { voiceEvent, type EventMap } from '../events/map.js'
import type { CallChanges } from '../storage/store.js'
import type { CallRecord } from '../records/call.js'
import { joinTranscript, postCallTurns, type JoinedTurn, type PostCallConversation, type TranscriptTurn } from '../calls/joined-transcript.js' // prettier-ignore
import type { AnswerPlan, IncomingCall } from './answer-plan.js'
import type { LiveRelayCall } from './answer-ways.js'
import { CallEvents, toolCalledEvent, type TurnEvents } from './call-events.js'
import { within, type FrontContext, type LiveCall } from './context.js'

/** Turns of one call that are kept for its transcript; later ones are left out. */
const MAX_TURNS = 5000

/** Tools of calls of other processes whose events wait for the store; what is more is left out. */
const MAX_TOOL_WRITES = 100
/** What the store does not take is written again after so long, in milliseconds, and then after twice as long, up to the longest; for an hour. */
const FIRST_AGAIN_MS = 1000
const MAX_AGAIN_MS = 30_000
const GIVE_UP_MS = 3_600_000
/** So many calls may wait for their writes; what fails beyond it is left out. */
const MAX_WAITING = 10_000

/** How long it is known whose call a conversation was: longer than ElevenLabs takes to write of it. */
const INDEXED_MS = 26 * 3_600_000

/** Who made a transcript. */
const SAID = 'elevenlabs'
const HEARD = 'playback-ledger'

const conversationKey = (conversationId: string): string => `conversation:${conversationId}`

interface CallOfTenant {
  readonly tenantId: string
  readonly callSid: string
}

/** Keeps records. */
export class CallRecords {
  readonly #context: FrontContext
  readonly #hasTranscripts: boolean
  /** The last write of each call: they follow each other. */
  readonly #writes = new Map<string, Promise<void>>()

  readonly #defaultTenantId: string
  readonly #turnEvents: TurnEvents
  readonly #events = new Map<string, CallEvents>()
  #toolWrites = 0
  #settle: () => void = () => undefined
  #isSettling = false
  readonly #settling = new Promise<void>((resolve) => (this.#settle = resolve))

  constructor(
    context: FrontContext,
    options: {
      readonly transcripts: 'store' | 'off'
      readonly turnEvents: TurnEvents
      readonly defaultTenantId: string
    },
  ) {
    this.#context = context
    this.#turnEvents = options.turnEvents
    this.#defaultTenantId = options.defaultTenantId
    this.#hasTranscripts = options.transcripts === 'store'
  }

  /** Somebody called. */
  answered(call: IncomingCall, plan: AnswerPlan): void {
    const { callSid, tenantId, from, to, params } = call
    const { store, metrics } = this.#context
    metrics.initiated('inbound')
    const isAgent = !('reject' in plan) && !('twiml' in plan)
    const agentId = isAgent && 'agentId' in plan ? plan.agentId : undefined
    const record = {
      tenantId,
      callSid,
      direction: 'inbound' as const,
      from,
      to,
      callStatus: params.CallStatus ?? 'ringing',
      via: isAgent ? (plan.via ?? 'bridge') : null,
      agentId: agentId ?? call.tenant?.settings?.elevenLabsAgentId ?? this.#context.config.elevenlabs.agentId ?? null,
    }
    const via = record.via === null ? {} : { via: record.via }
    this.write(callSid, () => store.addCall(record, [voiceEvent('call.received', { callSid, ...via })]))
  }

  /** Somebody took up a call that we placed. `isSpeech`: what they were answered with speaks to them at once. */
  placedAnswered({ tenantId, callSid }: IncomingCall, isSpeech: boolean): void {
    const { store, clock } = this.#context
    const at = clock.now()
    this.write(callSid, async () => {
      const call = await store.findCall({ tenantId, callSid })
      // The moment on our clock, to the millisecond, in place of Twilio's whole seconds: two seconds are counted from it.
      const changes = { answeredAt: at, ...(isSpeech && { messageStartedAt: at }) }
      if (call?.messageStartedAt === null) await store.updateCall({ tenantId, callSid, changes })
    })
  }

  /** A bridged call has begun: its conversation is written down once it is known, and its turns at its end. */
  follow(call: LiveCall): void {
    const { callSid, tenantId, bridge } = call
    const turns: TranscriptTurn[] = []
    const startedAt = this.#context.clock.now()
    const keep = (speaker: string, text: string, at: number): void => {
      if (turns.length < MAX_TURNS && text !== '') turns.push({ speaker, text, atMs: Math.max(0, at - startedAt) })
    }
    const { metrics } = this.#context
    const events = this.#eventsOf(call)
    bridge.on('joined', ({ conversationId, streamSid }) => {
      const { clock, logger } = this.#context
      logger.info(`[CONV] Created: ${conversationId} at ${new Date(clock.now()).toISOString()}`, { callSid })
      this.#update(tenantId, callSid, { conversationId, streamSid })
      this.#index(conversationId, { tenantId, callSid })
    })
    bridge.on('callerTurn', (turn) => {
      keep('caller', turn.text, turn.at)
      events.callerTurn(turn)
    })
    bridge.on('agentTurnStarted', (turn) => {
      metrics.agentAnswered(turn.latencyMs)
      events.agentTurnStarted(turn)
    })
    bridge.once('agentTurnStarted', ({ at, latencyMs }) => this.#spokenTo(call, at, latencyMs))
    bridge.on('agentTurnEnded', (turn) => {
      keep('agent', turn.heardText, turn.at)
      events.agentTurnEnded(turn)
    })
    bridge.on('toolCalled', (tool) => events.toolCalled(tool))
    bridge.on('toolAnswered', (tool) => {
      metrics.toolAnswered(tool.isError)
      events.toolAnswered(tool)
    })
    bridge.on('ended', ({ conversationId = null, durationMs }) => {
      events.ended()
      this.#ledger({ tenantId, callSid, conversationId, turns, durationS: durationMs / 1000 })
    })
  }

  /** A relay session has begun. */
  followRelay(call: LiveRelayCall): void {
    const { callSid, tenantId, session, bridge } = call
    const { metrics } = this.#context
    const events = this.#eventsOf(call)
    const startedAt = this.#context.clock.now()
    let conversationId: string | null = null
    bridge?.on('joined', (joined) => {
      conversationId = joined.conversationId
      this.#update(tenantId, callSid, { conversationId })
      this.#index(joined.conversationId, { tenantId, callSid })
    })
    bridge?.on('toolCalled', (tool) => events.toolCalled(tool))
    bridge?.on('toolAnswered', (tool) => {
      metrics.toolAnswered(tool.isError)
      events.toolAnswered(tool)
    })
    session.on('callerTurn', (turn) => events.callerTurn(turn))
    session.on('agentTurnStarted', (turn) => {
      metrics.agentAnswered(turn.latencyMs)
      events.agentTurnStarted(turn)
    })
    session.on('agentTurnEnded', (turn) => events.agentTurnEnded(turn))
    const onSpeaking = ({ who, isSpeaking }: { readonly who: string; readonly isSpeaking: boolean }): void => {
      if (who !== 'agent' || !isSpeaking) return
      session.off('speaking', onSpeaking)
      this.#spokenTo(call, this.#context.clock.now(), undefined)
    }
    session.on('speaking', onSpeaking)
    void session.ended.then(() => {
      events.ended()
      const turns = session.transcript.slice(0, MAX_TURNS).map((turn) => ({
        speaker: turn.speaker,
        text: turn.speaker === 'caller' ? turn.text : turn.heardText,
        atMs: Math.max(0, turn.at - startedAt),
      }))
      this.#ledger({ tenantId, callSid, conversationId, turns, durationS: null })
    })
  }

  /** ElevenLabs carries the call; its conversation is known. */
  registered({
    tenantId,
    callSid,
    conversationId,
  }: IncomingCall & { readonly conversationId: string | undefined }): void {
    // prettier-ignore
    if (conversationId === undefined) return
    this.#update(tenantId, callSid, { conversationId })
    this.#index(conversationId, { tenantId, callSid })
  }

  /** Whose call a conversation is: ElevenLabs knows no tenants. */
  async ofConversation(conversationId: string): Promise<CallOfTenant | undefined> {
    const key = conversationKey(conversationId)
    // Only ever written below.
    return (await this.#context.store.getCached({ tenantId: this.#defaultTenantId, key })) as CallOfTenant | undefined
  }

  /** Keeps ElevenLabs' transcript beside ours. Rejects when it cannot be stored, so that ElevenLabs sends it again. */
  async transcribed(data: PostCallConversation, call: CallOfTenant): Promise<void> {
    if (!this.#hasTranscripts) return
    const { conversation_id: conversationId, transcript = [], metadata } = data
    const turns = postCallTurns(data)
    const { tenantId, callSid } = call
    const kept = transcriptOf({ tenantId, callSid, conversationId, turns, source: SAID })
    const durationS = metadata?.call_duration_secs ?? null
    // The same again changes nothing, and is not told again.
    await this.#context.store.putTranscript({ ...kept, durationS }, [transcriptReady(kept)])
    await this.#context.store.updateCall({ tenantId, callSid, changes: { conversationId } })
    // In whole seconds, and the only word there is of a call whose sound ElevenLabs carried.
    const seconds = transcript.find(({ role }) => role === 'agent')?.time_in_call_secs
    const startedAt = metadata?.start_time_unix_secs
    if (typeof seconds === 'number' && typeof startedAt === 'number') {
      await this.#fillIn(tenantId, callSid, { messageStartedAt: (startedAt + seconds) * 1000 })
    }
  }

  /** A tool was asked for over HTTP, and has its answer. */
  toolAnswered(tenantId: string, tool: EventMap['tool.called']): void {
    const { callSid } = tool
    const live = this.#events.get(callSid)
    if (live) {
      live.toolCalledOverHttp(tool)
      return
    }
    // Another process has the call.
    const { store, logger } = this.#context
    if (this.#toolWrites >= MAX_TOOL_WRITES) {
      logger.error('A tool of a call was not told as an event', { callSid })
      return
    }
    this.#toolWrites++
    this.write(callSid, () =>
      store
        .updateCall({ tenantId, callSid, changes: {}, events: [toolCalledEvent(tool)] })
        .finally(() => this.#toolWrites--),
    )
  }

  /** What was said in a call next to what was heard of it, conversation by conversation. */
  async transcriptOf({ tenantId, callSid }: CallOfTenant): Promise<JoinedTurn[]> {
    const { items } = await this.#context.store.listTranscripts({ tenantId, filter: { callSid } })
    const byAge = items
      .filter(({ source }) => source === SAID || source === HEARD)
      .sort((a, b) => a.createdAt - b.createdAt)
    return [...new Set(byAge.map(({ conversationId }) => conversationId))].flatMap((conversation) => {
      const turnsOf = (wanted: string): readonly TranscriptTurn[] =>
        byAge.find(({ conversationId, source }) => conversationId === conversation && source === wanted)?.turns ?? []
      return joinTranscript({ said: turnsOf(SAID), heard: turnsOf(HEARD) })
    })
  }

  /** Resolves when everything that was to be written is written, or has failed: from now on nothing waits for a store that is down. */
  async settled(): Promise<void> {
    this.#isSettling = true
    this.#settle()
    await Promise.all(this.#writes.values())
  }

  #ledger(what: Omit<Parameters<typeof transcriptOf>[0], 'source'> & { readonly durationS: number | null }): void {
    if (!this.#hasTranscripts || what.turns.length === 0) return
    const { durationS, ...rest } = what
    const transcript = transcriptOf({ ...rest, source: HEARD })
    this.write(what.callSid, () =>
      this.#context.store.putTranscript({ ...transcript, durationS }, [transcriptReady(transcript)]),
    )
  }

  #eventsOf({ tenantId, callSid }: IncomingCall): CallEvents {
    const write = (act: () => Promise<unknown>): void => this.write(callSid, act)
    const onEnded = (): void => {
      if (this.#events.get(callSid) === events) this.#events.delete(callSid)
    }
    const events = new CallEvents({
      context: this.#context,
      tenantId,
      callSid,
      turns: this.#turnEvents,
      write,
      onEnded,
    })
    this.#events.set(callSid, events)
    return events
  }

  #index(conversationId: string, value: CallOfTenant): void {
    const key = conversationKey(conversationId)
    this.write(value.callSid, () =>
      this.#context.store.setCached({ tenantId: this.#defaultTenantId, key, value, ttlMs: INDEXED_MS }),
    )
  }

  #spokenTo({ direction, tenantId, callSid }: IncomingCall, at: number, latencyMs: number | undefined): void {
    if (direction !== 'outbound') return
    const greeting = latencyMs === undefined ? {} : { greetingEndedAt: at - latencyMs }
    this.write(callSid, () => this.#fillIn(tenantId, callSid, { messageStartedAt: at, ...greeting }))
  }

  /** Writes moments of a call that happen once, where none stands: a call that comes back to its agent is answered again. */
  async #fillIn(tenantId: string, callSid: string, moments: CallChanges): Promise<void> {
    const { store } = this.#context
    const call = await store.findCall({ tenantId, callSid })
    if (!call) return
    const missing = Object.entries(moments).filter(([name]) => call[name as keyof CallRecord] === null)
    if (missing.length > 0) await store.updateCall({ tenantId, callSid, changes: Object.fromEntries(missing) })
  }

  #update(tenantId: string, callSid: string, changes: CallChanges): void {
    this.write(callSid, () => this.#context.store.updateCall({ tenantId, callSid, changes }))
  }

  /** Writes something about a call once everything before it is written. A store that is down is waited for; another failure is logged. */
  write(callSid: string, write: () => Promise<unknown>): void {
    const before = this.#writes.get(callSid) ?? Promise.resolve()
    const writing = before
      .then(() => this.#untilTaken(callSid, write))
      .catch((error: unknown) => {
        this.#context.logger.error('The record of a call could not be written', { callSid, error })
      })
      .then(() => {
        if (this.#writes.get(callSid) === writing) this.#writes.delete(callSid)
      })
    this.#writes.set(callSid, writing)
  }

  async #untilTaken(callSid: string, write: () => Promise<unknown>): Promise<void> {
    const { clock, logger } = this.#context
    const untilMs = clock.monotonicMs() + GIVE_UP_MS
    for (let againMs = FIRST_AGAIN_MS; ; againMs = Math.min(againMs * 2, MAX_AGAIN_MS)) {
      try {
        await write()
        return
      } catch (error) {
        const mayWait = !this.#isSettling && this.#writes.size <= MAX_WAITING && clock.monotonicMs() < untilMs
        if (!mayWait || !isWorthHolding(error)) throw error
        if (againMs === FIRST_AGAIN_MS) logger.warn('The record of a call waits for the store', { callSid, error })
        await within(clock, againMs, this.#settling)
      }
    }
  }
}

function transcriptReady(transcript: ReturnType<typeof transcriptOf>) {
  const { callSid, transcriptId, conversationId, source } = transcript
  return voiceEvent('transcript.ready', {
    callSid,
    transcriptId,
    ...(conversationId === null ? {} : { conversationId }),
    source,
  })
}

/** One transcript of a call; the same one again takes its own place. */
function transcriptOf(what: {
  readonly tenantId: string
  readonly callSid: string
  readonly conversationId: string | null
  readonly turns: readonly TranscriptTurn[]
  readonly source: typeof SAID | typeof HEARD
}) {
  const { tenantId, callSid, conversationId, turns, source } = what
  return {
    tenantId,
    // A call that comes back to the agent has a second conversation.
    transcriptId: `${callSid}:${conversationId ?? 'none'}:${source}`,
    callSid,
    conversationId,
    source,
    text: turns.map(({ speaker, text }) => `${speaker}: ${text}`).join('\n'),
    turns: [...turns],
  }
}
