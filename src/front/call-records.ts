/**
 * Writes down what becomes of the calls that are answered here. A caller never waits for it, and never suffers from it.
 *
 * @module
 */
import type { CallChanges } from '../storage/store.js'
import { joinTranscript, postCallTurns, type JoinedTurn, type PostCallConversation, type TranscriptTurn } from '../calls/joined-transcript.js' // prettier-ignore
import type { AnswerPlan, IncomingCall } from './answer-plan.js'
import type { LiveRelayCall } from './answer-ways.js'
import type { FrontContext, LiveCall } from './context.js'

/** Turns of one call that are kept for its transcript; later ones are left out. */
const MAX_TURNS = 5000

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

  constructor(
    context: FrontContext,
    options: { readonly transcripts: 'store' | 'off'; readonly defaultTenantId: string },
  ) {
    this.#context = context
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
    this.write(callSid, () => store.addCall(record, [{ type: 'call.received', data: { callSid, via: record.via } }]))
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
    bridge.on('joined', ({ conversationId, streamSid }) => {
      const { clock, logger } = this.#context
      logger.info(`[CONV] Created: ${conversationId} at ${new Date(clock.now()).toISOString()}`, { callSid })
      this.#update(tenantId, callSid, { conversationId, streamSid })
      this.#index(conversationId, { tenantId, callSid })
    })
    bridge.on('callerTurn', ({ text, at }) => keep('caller', text, at))
    bridge.on('agentTurnStarted', ({ latencyMs }) => metrics.agentAnswered(latencyMs))
    bridge.on('agentTurnEnded', ({ heardText, at }) => keep('agent', heardText, at))
    bridge.on('toolAnswered', ({ isError }) => metrics.toolAnswered(isError))
    bridge.on('ended', ({ conversationId = null, durationMs }) => {
      this.#ledger({ tenantId, callSid, conversationId, turns, durationS: durationMs / 1000 })
    })
  }

  /** A relay session has begun. */
  followRelay(call: LiveRelayCall): void {
    const { callSid, tenantId, session, bridge } = call
    const { metrics } = this.#context
    const startedAt = this.#context.clock.now()
    let conversationId: string | null = null
    bridge?.on('joined', (joined) => {
      conversationId = joined.conversationId
      this.#update(tenantId, callSid, { conversationId })
      this.#index(joined.conversationId, { tenantId, callSid })
    })
    bridge?.on('toolAnswered', ({ isError }) => metrics.toolAnswered(isError))
    session.on('agentTurnStarted', ({ latencyMs }) => metrics.agentAnswered(latencyMs))
    void session.ended.then(() => {
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
    const { conversation_id: conversationId, metadata } = data
    const turns = postCallTurns(data)
    const { tenantId, callSid } = call
    await this.#context.store.putTranscript({
      ...transcriptOf({ tenantId, callSid, conversationId, turns, source: SAID }),
      durationS: metadata?.call_duration_secs ?? null,
    })
    await this.#context.store.updateCall({ tenantId, callSid, changes: { conversationId } })
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

  /** Resolves when everything that was to be written is written, or has failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#writes.values())
  }

  #ledger(what: Omit<Parameters<typeof transcriptOf>[0], 'source'> & { readonly durationS: number | null }): void {
    if (!this.#hasTranscripts || what.turns.length === 0) return
    const { durationS, ...rest } = what
    this.write(what.callSid, () =>
      this.#context.store.putTranscript({ ...transcriptOf({ ...rest, source: HEARD }), durationS }),
    )
  }

  #index(conversationId: string, value: CallOfTenant): void {
    const key = conversationKey(conversationId)
    this.write(value.callSid, () =>
      this.#context.store.setCached({ tenantId: this.#defaultTenantId, key, value, ttlMs: INDEXED_MS }),
    )
  }

  #update(tenantId: string, callSid: string, changes: CallChanges): void {
    this.write(callSid, () => this.#context.store.updateCall({ tenantId, callSid, changes }))
  }

  /** Writes something about a call once everything before it is written. A failure is logged. */
  write(callSid: string, write: () => Promise<unknown>): void {
    const before = this.#writes.get(callSid) ?? Promise.resolve()
    const writing = before
      .then(write)
      .catch((error: unknown) => {
        this.#context.logger.error('The record of a call could not be written', { callSid, error })
      })
      .then(() => {
        if (this.#writes.get(callSid) === writing) this.#writes.delete(callSid)
      })
    this.#writes.set(callSid, writing)
  }
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
