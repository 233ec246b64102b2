/**
 * Reads what the client of a conversation sends, as strictly as the contract is written.
 *
 * These schemas are the simulator's own on purpose: it is the second opinion on what the client in `callweave/elevenlabs`
 * sends, and a mistake in shared schemas would be seen by neither side.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/customization/events/client-to-server-events (read 2026-11-21)
 * @module
 */
import { z } from 'zod'

const variable = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** The fields that an override may hold; `undefined` and `null` mean "not overridden". */
const overrides = z.strictObject({
  agent: z
    .strictObject({
      first_message: z.string().nullish(),
      language: z.string().nullish(),
      max_conversation_duration_message: z.string().nullish(),
      prompt: z
        .strictObject({
          prompt: z.string().nullish(),
          llm: z.string().nullish(),
          tool_ids: z.array(z.string()).nullish(),
          tool_ids_strict: z.boolean().nullish(),
          native_mcp_server_ids: z.array(z.string()).nullish(),
          knowledge_base: z.array(z.unknown()).nullish(),
        })
        .nullish(),
      native_mcp_server_ids: z.array(z.string()).nullish(),
    })
    .nullish(),
  tts: z
    .strictObject({
      voice_id: z.string().nullish(),
      stability: z.number().min(0).max(1).nullish(),
      speed: z.number().min(0.7).max(1.2).nullish(),
      similarity_boost: z.number().min(0).max(1).nullish(),
      model_id: z.string().nullish(),
      supported_voices: z.array(z.unknown()).nullish(),
      pronunciation_dictionary_locators: z.array(z.unknown()).nullish(),
    })
    .nullish(),
  conversation: z
    .strictObject({
      text_only: z.boolean().nullish(),
      max_duration_seconds: z.int().positive().nullish(),
      client_events: z.array(z.string()).nullish(),
    })
    .nullish(),
  turn: z
    .strictObject({
      soft_timeout_config: z
        .strictObject({
          message: z.string().nullish(),
          additional_soft_timeout_messages: z.array(z.string()).nullish(),
        })
        .nullish(),
    })
    .nullish(),
  asr: z.strictObject({ keywords: z.array(z.string()).max(50).nullish() }).nullish(),
})

const initiation = z.strictObject({
  type: z.literal('conversation_initiation_client_data'),
  conversation_config_override: overrides.nullish(),
  dynamic_variables: z.record(z.string(), variable).nullish(),
  custom_llm_extra_body: z.record(z.string(), z.unknown()).nullish(),
  user_id: z.string().nullish(),
  source_info: z.looseObject({}).nullish(),
  tool_mock_config: z
    .strictObject({
      mocking_strategy: z.enum(['none', 'all', 'selected']),
      mocked_tool_names: z.array(z.string()).nullish(),
      fallback_strategy: z.enum(['raise_error', 'call_real_tool']).nullish(),
    })
    .nullish(),
  branch_id: z.string().nullish(),
  environment: z.string().nullish(),
  starting_workflow_node_id: z.string().nullish(),
  procedure_ids: z.array(z.string()).nullish(),
})

const userMessage = z.strictObject({
  type: z.literal('user_message'),
  text: z.string(),
  rich_content_id: z.string().nullish(),
})

const fileInput = z.strictObject({ type: z.literal('file_input'), file_id: z.string() })

const clientMessage = z.discriminatedUnion('type', [
  initiation,
  z.strictObject({ type: z.literal('pong'), event_id: z.int() }),
  z.strictObject({
    type: z.literal('client_tool_result'),
    tool_call_id: z.string(),
    result: z.string(),
    is_error: z.boolean(),
  }),
  z.strictObject({ type: z.literal('contextual_update'), text: z.string(), context_id: z.string().nullish() }),
  userMessage,
  z.strictObject({ type: z.literal('user_activity') }),
  z.strictObject({
    type: z.literal('feedback'),
    event_id: z.int(),
    score: z.enum(['like', 'dislike']).nullable(),
  }),
  z.strictObject({
    type: z.literal('mcp_tool_approval_result'),
    tool_call_id: z.string(),
    is_approved: z.boolean(),
  }),
  z.strictObject({
    type: z.literal('multimodal_message'),
    text: userMessage.nullish(),
    file: fileInput.nullish(),
    files: z.array(fileInput).nullish(),
  }),
])

const audioMessage = z.strictObject({ user_audio_chunk: z.string() })

/** The first message of a conversation. */
export type InitiationMessage = z.infer<typeof initiation>

/** Everything that a client may send. Audio is the one message without a type. */
export type ClientMessage =
  z.infer<typeof clientMessage> | { readonly type: 'user_audio_chunk'; readonly audio: Buffer }

/** A message that no client may send, by what is wrong with it. */
export interface MalformedMessage {
  readonly type: 'malformed'
  /** What is wrong: paths and kinds, never values. */
  readonly problem: string
}

const AUDIO_PREFIX = '{"user_audio_chunk":"'
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** Reads one text message. */
export function readClientMessage(text: string): ClientMessage | MalformedMessage {
  // Fifty of these a second and caller: the usual spelling is taken apart without a JSON parser.
  if (text.startsWith(AUDIO_PREFIX) && text.endsWith('"}')) return readAudio(text.slice(AUDIO_PREFIX.length, -2))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { type: 'malformed', problem: 'not JSON' }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { type: 'malformed', problem: 'not a JSON object' }
  }
  if ('user_audio_chunk' in value) {
    const audio = audioMessage.safeParse(value)
    return audio.success ? readAudio(audio.data.user_audio_chunk) : malformed('user_audio_chunk', audio.error)
  }
  const message = clientMessage.safeParse(value)
  if (message.success) return message.data
  const type = (value as { type?: unknown }).type
  return malformed(typeof type === 'string' && /^\w{1,40}$/.test(type) ? type : 'message', message.error)
}

function readAudio(base64: string): ClientMessage | MalformedMessage {
  if (base64.length % 4 !== 0 || !BASE64.test(base64)) {
    return { type: 'malformed', problem: 'user_audio_chunk: not base64' }
  }
  return { type: 'user_audio_chunk', audio: Buffer.from(base64, 'base64') }
}

function malformed(type: string, error: z.ZodError): MalformedMessage {
  const issues = error.issues.slice(0, 5).map((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? ` ${issue.keys.join(', ')}` : ''
    return `${issue.path.join('.') || '(root)'}: ${issue.code}${keys}`
  })
  return { type: 'malformed', problem: `${type}: ${issues.join('; ')}` }
}
