/**
 * What one conversation may change of its agent, as it is told in the first message.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/customization/personalization/overrides (read 2026-11-21)
 * @module
 */
import { z } from 'zod'
import { optional, required, shape, type Shaped } from './wire-shape.js'

const text = z.string()
const texts = z.array(z.string())
const flag = z.boolean()
/** Objects that pass through in the vendor's own spelling: lists of ids and locators made by its other tools. */
const asGiven = z.record(z.string(), z.unknown())

const prompt = shape(
  {
    prompt: optional('prompt', text),
    llm: optional('llm', text),
    toolIds: optional('tool_ids', texts),
    toolIdsStrict: optional('tool_ids_strict', flag),
    nativeMcpServerIds: optional('native_mcp_server_ids', texts),
    knowledgeBase: optional('knowledge_base', z.array(asGiven)),
  },
  'refuse',
)

const overrides = shape(
  {
    agent: optional(
      'agent',
      shape(
        {
          firstMessage: optional('first_message', text),
          language: optional('language', text),
          maxConversationDurationMessage: optional('max_conversation_duration_message', text),
          prompt: optional('prompt', prompt),
        },
        'refuse',
      ),
    ),
    tts: optional(
      'tts',
      shape(
        {
          voiceId: optional('voice_id', text),
          modelId: optional('model_id', text),
          stability: optional('stability', z.number().min(0).max(1)),
          speed: optional('speed', z.number().min(0.7).max(1.2)),
          similarityBoost: optional('similarity_boost', z.number().min(0).max(1)),
          supportedVoices: optional('supported_voices', z.array(asGiven)),
          pronunciationDictionaryLocators: optional('pronunciation_dictionary_locators', z.array(asGiven)),
        },
        'refuse',
      ),
    ),
    conversation: optional(
      'conversation',
      shape(
        {
          textOnly: optional('text_only', flag),
          maxDurationSeconds: optional('max_duration_seconds', z.int().positive()),
          clientEvents: optional('client_events', texts),
        },
        'refuse',
      ),
    ),
    turn: optional(
      'turn',
      shape(
        {
          softTimeout: optional(
            'soft_timeout_config',
            shape(
              {
                message: optional('message', text),
                additionalMessages: optional('additional_soft_timeout_messages', texts),
              },
              'refuse',
            ),
          ),
        },
        'refuse',
      ),
    ),
    asr: optional('asr', shape({ keywords: optional('keywords', texts.max(50)) }, 'refuse')),
  },
  'refuse',
)

const toolMocks = shape(
  {
    strategy: required('mocking_strategy', z.enum(['none', 'all', 'selected'])),
    toolNames: optional('mocked_tool_names', texts),
    fallback: optional('fallback_strategy', z.enum(['raise_error', 'call_real_tool'])),
  },
  'refuse',
)

/** The fields of the first message; {@link ConversationInitiation} says what each is for. */
export const INITIATION_FIELDS = {
  overrides: optional('conversation_config_override', overrides),
  dynamicVariables: optional(
    'dynamic_variables',
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  ),
  customLlmExtraBody: optional('custom_llm_extra_body', asGiven),
  userId: optional('user_id', text),
  branchId: optional('branch_id', text),
  environment: optional('environment', text),
  startingWorkflowNodeId: optional('starting_workflow_node_id', text),
  procedureIds: optional('procedure_ids', texts),
  toolMocks: optional('tool_mock_config', toolMocks),
} as const

const initiation = shape(INITIATION_FIELDS, 'refuse')

/**
 * What the agent is told before a conversation starts.
 *
 * - `overrides`: settings that this conversation has instead of the agent's own. Each has to be allowed in the agent's
 *   dashboard (Security, Overrides); one that is not ends the conversation with `elevenlabs_override_not_allowed`, except
 *   `asr.keywords`, which is then ignored. An absent field is not overridden; an empty `firstMessage` is a real override:
 *   the agent waits for the caller to speak. There is no override of the audio format.
 * - `dynamicVariables`: every variable that the agent's prompt, first message and tools name. Names that begin with
 *   `system__` belong to ElevenLabs; `secret__` keeps a value from the model.
 * - `customLlmExtraBody`: passed on to a custom model; has to be allowed too.
 * - `userId`: your id of the person, for your own later look-up.
 * - `branchId`, `environment`, `startingWorkflowNodeId`, `procedureIds`: which variant of the agent to run.
 * - `toolMocks`: answers tools with the mocks from the dashboard. For tests.
 */
export type ConversationInitiation = Shaped<typeof INITIATION_FIELDS>

/** Settings that one conversation has instead of its agent's own. */
export type ConversationOverrides = NonNullable<ConversationInitiation['overrides']>

/** Values that a prompt is filled with. */
export type DynamicVariables = NonNullable<ConversationInitiation['dynamicVariables']>

const AUDIO_FORMAT_KEY = /^(agent_?output_?audio_?format|user_?input_?audio_?format|output_?format)$/i

/**
 * Writes the fields of the first message as they stand on the wire.
 *
 * @throws TypeError when a field is not one that a conversation can set; the message says which and why.
 */
export function encodeInitiationFields(value: ConversationInitiation): Record<string, unknown> {
  refuseAudioFormats(value.overrides)
  for (const name of Object.keys(value.dynamicVariables ?? {})) {
    if (name.startsWith('system__')) {
      throw new TypeError(
        `dynamicVariables.${name}: names that begin with system__ are set by ElevenLabs and refused from others. ` +
          'Send it under a name of your own and use that name in the prompt.',
      )
    }
  }
  const result = z.safeEncode(initiation, withoutUndefinedVariables(value))
  if (result.success) return result.data as Record<string, unknown>
  const [issue] = result.error.issues
  const path = ['initiation', ...(issue?.path ?? [])].join('.')
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : undefined
  throw new TypeError(
    keys === undefined
      ? `${path} is not what a conversation can be started with (${issue?.code ?? 'invalid'})`
      : `${path} has no field ${keys}: ElevenLabs ends a conversation over a field that it does not allow`,
  )
}

/**
 * The overrides that an initiation makes, as the vendor names them: `agent.first_message`, `tts.voice_id`. Each has to be
 * allowed under the same path in the agent's settings.
 */
export function overridePathsOf(value: ConversationInitiation): string[] {
  return value.overrides ? leafPaths(z.encode(overrides, value.overrides)) : []
}

function leafPaths(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ['']
  return Object.entries(value).flatMap(([key, inner]) =>
    leafPaths(inner).map((path) => (path === '' ? key : `${key}.${path}`)),
  )
}

function refuseAudioFormats(value: unknown, path = 'overrides'): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (AUDIO_FORMAT_KEY.test(key)) {
      throw new TypeError(
        `${path}.${key}: the audio format is a setting of the agent and cannot be overridden in a conversation. ` +
          'Set “μ-law 8000 Hz” for input and output in the ElevenLabs dashboard, or hand over a transcode function.',
      )
    }
    refuseAudioFormats(inner, `${path}.${key}`)
  }
}

function withoutUndefinedVariables(value: ConversationInitiation): ConversationInitiation {
  if (!value.dynamicVariables) return value
  const entries = Object.entries<unknown>(value.dynamicVariables).filter(([, variable]) => variable !== undefined)
  return { ...value, dynamicVariables: Object.fromEntries(entries) as DynamicVariables }
}
