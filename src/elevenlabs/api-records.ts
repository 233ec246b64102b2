/**
 * What the REST calls give back: the fields that a telephone backend uses, in our names, and the whole answer beside them.
 *
 * @see https://elevenlabs.io/docs/api-reference/agents/get and …/conversations/get (read 2026-11-21)
 * @module
 */
import { z } from 'zod'
import { optional, required, shape } from './wire-shape.js'

const text = z.string()
const flag = z.boolean()
const number = z.number()
const open = z.record(z.string(), z.unknown())

export const signedUrlShape = shape({ signedUrl: required('signed_url', text) })

/** Where a conversation may be opened, once, within 15 minutes. */
export interface SignedUrl {
  /** A secret: whoever has it can talk to the agent. Keep it out of logs. */
  readonly signedUrl: string
  /** The id that the conversation will have; `undefined` when it was not asked for. */
  readonly conversationId: string | undefined
}

const agentSettings = shape({
  asr: optional('asr', shape({ inputFormat: optional('user_input_audio_format', text) })),
  tts: optional(
    'tts',
    shape({
      outputFormat: optional('agent_output_audio_format', text),
      voiceId: optional('voice_id', text),
      modelId: optional('model_id', text),
    }),
  ),
  conversation: optional(
    'conversation',
    shape({
      textOnly: optional('text_only', flag),
      maxDurationSeconds: optional('max_duration_seconds', number),
      clientEvents: optional('client_events', z.array(text)),
    }),
  ),
  agent: optional(
    'agent',
    shape({ firstMessage: optional('first_message', text), language: optional('language', text) }),
  ),
})

const platformSettings = shape({
  auth: optional('auth', shape({ isAuthRequired: optional('enable_auth', flag) })),
  overrides: optional('overrides', shape({ allowed: optional('conversation_config_override', open) })),
})

export const agentShape = shape({
  agentId: required('agent_id', text),
  name: optional('name', text),
  settings: optional('conversation_config', agentSettings),
  platform: optional('platform_settings', platformSettings),
})

/** An agent's settings, as far as a call depends on them. */
export interface AgentRecord {
  readonly agentId: string
  readonly name: string | undefined
  /** What the agent hears. A telephone needs `ulaw_8000`, or a transcoder. */
  readonly inputFormat: string | undefined
  /** What the agent speaks. A telephone needs `ulaw_8000`, or a transcoder. */
  readonly outputFormat: string | undefined
  /** Empty: the agent waits for the caller to speak. */
  readonly firstMessage: string | undefined
  readonly language: string | undefined
  readonly voiceId: string | undefined
  readonly modelId: string | undefined
  readonly isTextOnly: boolean
  /** The agent ends a conversation after so long, in seconds. */
  readonly maxDurationSeconds: number | undefined
  /** The messages that the agent sends, in the vendor's names; `undefined` means its default set. */
  readonly clientEvents: readonly string[] | undefined
  /** The agent takes only signed URLs. */
  readonly isAuthRequired: boolean
  /** The overrides that a conversation may make, in the vendor's names: `agent.first_message`. */
  readonly allowedOverrides: readonly string[]
  /** The whole answer, in the vendor's names. */
  readonly raw: Readonly<Record<string, unknown>>
}

const conversationToolCall = shape({
  toolName: required('tool_name', text),
  requestId: optional('request_id', text),
  type: optional('type', text),
  parametersJson: optional('params_as_json', text),
})
const conversationToolResult = shape({
  toolName: required('tool_name', text),
  requestId: optional('request_id', text),
  type: optional('type', text),
  result: optional('result_value', z.unknown()),
  isError: optional('is_error', flag),
  latencySeconds: optional('tool_latency_secs', number),
})
const conversationTurn = shape({
  role: required('role', text),
  message: optional('message', text),
  timeInCallSeconds: optional('time_in_call_secs', number),
  interrupted: optional('interrupted', flag),
  originalMessage: optional('original_message', text),
  toolCalls: optional('tool_calls', z.array(conversationToolCall)),
  toolResults: optional('tool_results', z.array(conversationToolResult)),
})

export const conversationShape = shape({
  conversationId: required('conversation_id', text),
  agentId: required('agent_id', text),
  status: required('status', text),
  userId: optional('user_id', text),
  transcript: optional('transcript', z.array(conversationTurn)),
  metadata: optional(
    'metadata',
    shape({
      startTimeUnixSeconds: optional('start_time_unix_secs', number),
      durationSeconds: optional('call_duration_secs', number),
      costCredits: optional('cost', number),
      terminationReason: optional('termination_reason', text),
      error: optional('error', shape({ code: optional('code', number), reason: optional('reason', text) })),
    }),
  ),
  analysis: optional(
    'analysis',
    shape({
      callSuccessful: optional('call_successful', text),
      summary: optional('transcript_summary', text),
      title: optional('call_summary_title', text),
      evaluationCriteria: optional('evaluation_criteria_results', open),
      dataCollection: optional('data_collection_results', open),
    }),
  ),
  hasAudio: optional('has_audio', flag),
})

/**
 * A conversation as ElevenLabs keeps it. `status` is `initiated`, `in-progress`, `processing`, `done` or `failed`; `done` alone is
 * no success: look at `metadata.error` too. `transcript` names its speakers `user` and `agent`.
 */
export type ConversationRecord = z.output<typeof conversationShape> & {
  /** The whole answer, in the vendor's names. */
  readonly raw: Readonly<Record<string, unknown>>
}

export const userShape = shape({
  userId: required('user_id', text),
  workspaceId: optional('workspace_id', text),
  subscription: optional(
    'subscription',
    shape({
      tier: optional('tier', text),
      status: optional('status', text),
      characterCount: optional('character_count', number),
      characterLimit: optional('character_limit', number),
    }),
  ),
})

/** Whose API key it is. */
export type UserRecord = z.output<typeof userShape>

/** Turns the answer about an agent into our record of it. */
export function agentRecordOf(agent: z.output<typeof agentShape>, raw: Readonly<Record<string, unknown>>): AgentRecord {
  const { agentId, name, settings, platform } = agent
  return {
    agentId,
    name,
    inputFormat: settings?.asr?.inputFormat,
    outputFormat: settings?.tts?.outputFormat,
    firstMessage: settings?.agent?.firstMessage,
    language: settings?.agent?.language,
    voiceId: settings?.tts?.voiceId,
    modelId: settings?.tts?.modelId,
    isTextOnly: settings?.conversation?.textOnly ?? false,
    maxDurationSeconds: settings?.conversation?.maxDurationSeconds,
    clientEvents: settings?.conversation?.clientEvents,
    isAuthRequired: platform?.auth?.isAuthRequired ?? false,
    allowedOverrides: allowedPaths(platform?.overrides?.allowed ?? {}),
    raw,
  }
}

/** The paths of a tree of flags at which it says yes. */
function allowedPaths(tree: Readonly<Record<string, unknown>>, depth = 0): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    if (value === true) return [key]
    if (typeof value !== 'object' || value === null || depth > 4) return []
    return allowedPaths(value as Record<string, unknown>, depth + 1).map((path) => `${key}.${path}`)
  })
}

/** The workspace's settings pass through in the vendor's names. */
export const settingsShape = open

export const toolShape = shape({ toolId: required('id', text), config: required('tool_config', open) })
export const toolsShape = shape({
  tools: required('tools', z.array(toolShape)),
  hasMore: optional('has_more', flag),
  nextCursor: optional('next_cursor', text),
})

/** A tool of the workspace; `config` is in the vendor's names. */
export type ToolRecord = z.output<typeof toolShape>
