/**
 * What is kept of a conversation, in the shape in which the REST API and the post-call webhook tell it.
 *
 * @see https://elevenlabs.io/docs/api-reference/conversations/get (read 2026-11-21)
 * @module
 */
import type { Clock } from '../../core/clock.js'
import type { InitiationMessage } from './client-messages.js'

/** Who runs a tool. */
export type ToolType = 'client' | 'system' | 'webhook' | 'mcp'

interface ToolCall {
  type: ToolType
  request_id: string
  tool_name: string
  params_as_json: string
  tool_has_been_called: boolean
}

interface ToolResult {
  type: ToolType
  request_id: string
  tool_name: string
  result_value: string
  is_error: boolean
  tool_has_been_called: boolean
  tool_latency_secs: number
}

/** One turn of the transcript. */
export interface TranscriptTurn {
  readonly role: 'user' | 'agent'
  message: string | null
  readonly time_in_call_secs: number
  readonly tool_calls: ToolCall[]
  readonly tool_results: ToolResult[]
  interrupted: boolean
  original_message: string | null
  readonly source_medium: 'audio' | 'text' | null
}

/** How a conversation ended. */
export interface RecordedEnd {
  readonly code: number
  readonly reason: string
  readonly by: 'agent' | 'client'
}

export interface RecordOptions {
  readonly conversationId: string
  readonly agentId: string
  readonly agentName: string
  readonly clock: Clock
  readonly authorizationMethod: 'public' | 'signed_url' | 'authorization_header'
  /** `metadata.phone_call`: `null` for a bridge's socket, since ElevenLabs does not know of the telephone. */
  readonly phoneCall: Readonly<Record<string, unknown>> | null
}

/** Turns kept of one conversation. */
const MAX_TURNS = 1000

/** The record of one conversation. */
export class ConversationRecord {
  readonly options: RecordOptions
  readonly transcript: TranscriptTurn[] = []
  status: 'initiated' | 'in-progress' | 'processing' | 'done' = 'initiated'
  initiation: InitiationMessage | undefined
  textOnly = false
  hasUserAudio = false
  hasResponseAudio = false
  readonly #startedAtMs: number
  readonly #startedMs: number
  #endedMs: number | undefined
  #end: RecordedEnd | undefined
  readonly #agentTurns = new Map<number, TranscriptTurn>()

  constructor(options: RecordOptions) {
    this.options = options
    this.#startedAtMs = options.clock.now()
    this.#startedMs = options.clock.monotonicMs()
  }

  /** How long the conversation has lasted, in milliseconds. */
  get durationMs(): number {
    return (this.#endedMs ?? this.options.clock.monotonicMs()) - this.#startedMs
  }

  userSaid(message: string, medium: 'audio' | 'text'): void {
    this.#add('user', message, medium)
  }

  agentSaid(eventId: number, message: string): void {
    this.#agentTurns.set(eventId, this.#add('agent', message, null))
  }

  /** The caller talked the agent down: only `heard` was heard of what was said under `eventId`. */
  corrected(eventId: number, heard: string): void {
    const turn = this.#agentTurns.get(eventId)
    if (!turn) return
    turn.original_message = turn.message
    turn.message = heard
    turn.interrupted = true
  }

  toolCalled(type: ToolType, id: string, name: string, parameters: unknown): void {
    const turn = this.#add('agent', null, null)
    const params_as_json = JSON.stringify(parameters)
    turn.tool_calls.push({ type, request_id: id, tool_name: name, params_as_json, tool_has_been_called: true })
  }

  toolAnswered(id: string, result: string, isError: boolean, latencyMs: number): void {
    const turn = this.transcript.findLast(({ tool_calls }) => tool_calls.some(({ request_id }) => request_id === id))
    const call = turn?.tool_calls[0]
    if (!turn || !call) return
    turn.tool_results.push({
      type: call.type,
      request_id: id,
      tool_name: call.tool_name,
      result_value: result,
      is_error: isError,
      tool_has_been_called: true,
      tool_latency_secs: latencyMs / 1000,
    })
  }

  ended(end: RecordedEnd): void {
    this.#end ??= end
    this.#endedMs ??= this.options.clock.monotonicMs()
    this.status = 'processing'
  }

  /** The answer of `GET /v1/convai/conversations/{id}`, and the `data` of the post-call webhook. */
  toJSON(): Record<string, unknown> {
    const { conversationId, agentId, agentName, authorizationMethod, phoneCall } = this.options
    const { dynamic_variables, conversation_config_override, custom_llm_extra_body, user_id } = this.initiation ?? {}
    const isDone = this.status === 'done'
    const end = this.#end
    return {
      agent_id: agentId,
      agent_name: agentName,
      conversation_id: conversationId,
      status: this.status,
      user_id: user_id ?? null,
      environment: this.initiation?.environment ?? 'production',
      branch_id: this.initiation?.branch_id ?? null,
      has_audio: isDone && !this.textOnly && (this.hasUserAudio || this.hasResponseAudio),
      has_user_audio: isDone && this.hasUserAudio,
      has_response_audio: isDone && this.hasResponseAudio,
      transcript: this.transcript.map((turn) => ({ ...turn, feedback: null, conversation_turn_metrics: null })),
      metadata: {
        start_time_unix_secs: Math.floor(this.#startedAtMs / 1000),
        accepted_time_unix_secs: Math.floor(this.#startedAtMs / 1000),
        call_duration_secs: Math.round(this.durationMs / 1000),
        cost: Math.round(this.durationMs / 100),
        authorization_method: authorizationMethod,
        termination_reason: end ? terminationReason(end) : '',
        error: end && end.by === 'agent' && end.code !== 1000 ? { code: end.code, reason: end.reason } : null,
        phone_call: phoneCall,
        text_only: this.textOnly,
        main_language: 'en',
      },
      analysis: isDone ? analysisOf(this.transcript, end) : null,
      conversation_initiation_client_data: {
        conversation_config_override: conversation_config_override ?? {},
        custom_llm_extra_body: custom_llm_extra_body ?? {},
        dynamic_variables: {
          ...dynamic_variables,
          system__conversation_id: conversationId,
          system__agent_id: agentId,
        },
      },
    }
  }

  /** The entry of `GET /v1/convai/conversations`. */
  summary(): Record<string, unknown> {
    const { conversationId, agentId, agentName } = this.options
    return {
      agent_id: agentId,
      agent_name: agentName,
      conversation_id: conversationId,
      start_time_unix_secs: Math.floor(this.#startedAtMs / 1000),
      call_duration_secs: Math.round(this.durationMs / 1000),
      message_count: this.transcript.filter(({ message }) => message !== null).length,
      status: this.status,
      call_successful: this.status === 'done' ? verdictOf(this.#end) : 'unknown',
      termination_reason: this.#end ? terminationReason(this.#end) : null,
    }
  }

  #add(role: 'user' | 'agent', message: string | null, medium: 'audio' | 'text' | null): TranscriptTurn {
    const turn: TranscriptTurn = {
      role,
      message,
      time_in_call_secs: Math.floor(this.durationMs / 1000),
      tool_calls: [],
      tool_results: [],
      interrupted: false,
      original_message: null,
      source_medium: medium,
    }
    if (this.transcript.length < MAX_TURNS) this.transcript.push(turn)
    return turn
  }
}

function terminationReason({ by, code, reason }: RecordedEnd): string {
  if (by === 'client') return `Client disconnected: ${code}`
  return reason === '' ? `Agent closed: ${code}` : reason
}

function verdictOf(end: RecordedEnd | undefined): 'success' | 'failure' {
  return end?.code === 1000 ? 'success' : 'failure'
}

function analysisOf(transcript: readonly TranscriptTurn[], end: RecordedEnd | undefined): Record<string, unknown> {
  const turns = transcript.filter(({ message }) => message !== null).length
  return {
    call_successful: verdictOf(end),
    transcript_summary: `A simulated conversation of ${turns} turns.`,
    call_summary_title: 'Simulated conversation',
    evaluation_criteria_results: {},
    data_collection_results: {},
  }
}
