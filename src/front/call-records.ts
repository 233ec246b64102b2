/**
 * Writes down what becomes of the calls that are answered here. A caller never waits for it, and never suffers from it.
 *
 * @module
 */
import { isWorthHolding } from '../calls/held-writes.js'
import type { CallChanges } from '../storage/store.js'
import type { ElevenLabsWebhook } from '../webhooks/elevenlabs-payloads.js'
import type { NewTranscript } from '../records/transcript.js'
import type { AnswerPlan, IncomingCall } from './answer-plan.js'
import type { LiveRelayCall } from './answer-ways.js'
import { within, type FrontContext, type LiveCall } from './context.js'

/** Turns of one call that are kept for its transcript; later ones are left out. */
const MAX_TURNS = 5000

/** What the store does not take is written again after so long, in milliseconds, and then after twice as long, up to the longest; for an hour. */
const FIRST_AGAIN_MS = 1000
const MAX_AGAIN_MS = 30_000
const GIVE_UP_MS = 3_600_000
/** So many calls may wait for their writes; what fails beyond it is left out. */
const MAX_WAITING = 10_000

/** How long it is known whose call a conversation was: longer than ElevenLabs takes to write of it. */
const INDEXED_MS = 26 * 3_600_000

const conversationKey = (conversationId: string): string => `conversation:${conversationId}`

interface CallOfTenant {
  readonly tenantId: string
  readonly callSid: string
}

type PostCall = Extract<ElevenLabsWebhook, { type: 'post_call_transcription' }>
type TranscriptTurn = NonNullable<NewTranscript['turns']>[number]

/** Keeps records. */
export class CallRecords {
  readonly #context: FrontContext
  readonly #hasTranscripts: boolean
  /** The last write of each call: they follow each other. */
  readonly #writes = new Map<string, Promise<void>>()

  readonly #defaultTenantId: string
  #settle: () => void = () => undefined
  #isSettling = false
  readonly #settling = new Promise<void>((resolve) => (this.#settle = resolve))

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
  async transcribed({ data }: PostCall, call: CallOfTenant): Promise<void> {
    if (!this.#hasTranscripts) return
    const { conversation_id: conversationId, transcript = [], metadata } = data
    const turns = transcript.slice(0, MAX_TURNS).flatMap(({ role, message, time_in_call_secs: seconds }) =>
      typeof message === 'string' && message !== ''
        ? [{ speaker: role === 'user' ? 'caller' : role, text: message, atMs: typeof seconds === 'number' ? seconds * 1000 : null }] // prettier-ignore
        : [],
    )
    const { tenantId, callSid } = call
    await this.#context.store.putTranscript({
      ...transcriptOf({ tenantId, callSid, conversationId, turns, source: 'elevenlabs' }),
      durationS: metadata?.call_duration_secs ?? null,
    })
    await this.#context.store.updateCall({ tenantId, callSid, changes: { conversationId } })
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
    this.write(what.callSid, () =>
      this.#context.store.putTranscript({ ...transcriptOf({ ...rest, source: 'playback-ledger' }), durationS }),
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

/** One transcript of a call; the same one again takes its own place. */
function transcriptOf(what: {
  readonly tenantId: string
  readonly callSid: string
  readonly conversationId: string | null
  readonly turns: readonly TranscriptTurn[]
  readonly source: 'elevenlabs' | 'playback-ledger'
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
