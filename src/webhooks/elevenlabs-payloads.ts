/**
 * What ElevenLabs' webhooks say: one schema a type.
 *
 * Only what identifies a conversation is required. ElevenLabs adds fields without notice and sends `null` for any that is optional;
 * `null` is read as absent, and what is not named here is kept as it came. Facts of
 * https://elevenlabs.io/docs/eleven-agents/workflows/post-call-webhooks and /customization/personalization, read 2026-11-21.
 *
 * @module
 */
import { z } from 'zod'
import { parseWith } from '../core/parse.js'

/** Absent and `null` mean the same. */
const maybe = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema.optional())

const record = z.record(z.string(), z.unknown())

const conversationIds = { agent_id: z.string().min(1), conversation_id: z.string().min(1) }

const toolCallSchema = z.looseObject({
  request_id: maybe(z.string()),
  tool_name: maybe(z.string()),
  /** JSON text. */
  params_as_json: maybe(z.string()),
})

const toolResultSchema = z.looseObject({
  request_id: maybe(z.string()),
  tool_name: maybe(z.string()),
  result_value: maybe(z.string()),
  is_error: maybe(z.boolean()),
  tool_latency_secs: maybe(z.number()),
})

const transcriptTurnSchema = z.looseObject({
  role: z.string(),
  message: maybe(z.string()),
  time_in_call_secs: maybe(z.number()),
  interrupted: maybe(z.boolean()),
  /** What the agent was about to say before it was interrupted. */
  original_message: maybe(z.string()),
  tool_calls: maybe(z.array(toolCallSchema)),
  tool_results: maybe(z.array(toolResultSchema)),
})

const conversationSchema = z.looseObject({
  ...conversationIds,
  agent_name: maybe(z.string()),
  /** `done` says that it is over, not that it went well: see `metadata.error`. */
  status: maybe(z.string()),
  user_id: maybe(z.string()),
  has_audio: maybe(z.boolean()),
  /** Absent when the webhook is set to leave it out. */
  transcript: maybe(z.array(transcriptTurnSchema)),
  metadata: maybe(
    z.looseObject({
      start_time_unix_secs: maybe(z.number()),
      call_duration_secs: maybe(z.number()),
      /** Credits. */
      cost: maybe(z.number()),
      /** Free text: show it, never branch on it. */
      termination_reason: maybe(z.string()),
      error: maybe(z.looseObject({ code: maybe(z.number()), reason: maybe(z.string()) })),
      /** Absent for conversations that a bridge carries: ElevenLabs knows nothing of their telephone leg. */
      phone_call: maybe(z.looseObject({ type: maybe(z.string()), call_sid: maybe(z.string()) })),
    }),
  ),
  analysis: maybe(
    z.looseObject({
      call_successful: maybe(z.string()),
      transcript_summary: maybe(z.string()),
      evaluation_criteria_results: maybe(record),
      data_collection_results: maybe(record),
    }),
  ),
  conversation_initiation_client_data: maybe(z.looseObject({ dynamic_variables: maybe(record) })),
})

const envelope = { event_timestamp: z.number() }

/** A conversation is over and was transcribed. */
export const postCallTranscriptionSchema = z.looseObject({
  type: z.literal('post_call_transcription'),
  ...envelope,
  data: conversationSchema,
})

/** The sound of a conversation that is over. */
export const postCallAudioSchema = z.looseObject({
  type: z.literal('post_call_audio'),
  ...envelope,
  data: z.looseObject({
    ...conversationIds,
    /** MP3 in base64. May be tens of megabytes. */
    full_audio: z.string(),
  }),
})

/** A call that ElevenLabs placed itself never became a conversation. */
export const callInitiationFailureSchema = z.looseObject({
  type: z.literal('call_initiation_failure'),
  ...envelope,
  data: z.looseObject({
    ...conversationIds,
    /** `busy`, `no-answer` or `unknown` at the time of reading. */
    failure_reason: maybe(z.string()),
    /** What the carrier said: for `twilio`, the parameters of its status callback. */
    metadata: maybe(z.looseObject({ type: maybe(z.string()), body: maybe(record) })),
  }),
})

const KNOWN = {
  post_call_transcription: postCallTranscriptionSchema,
  post_call_audio: postCallAudioSchema,
  call_initiation_failure: callInitiationFailureSchema,
} as const

/** A type that this version does not know. Answer 200: ElevenLabs switches off a webhook that keeps failing. */
export interface UnknownElevenLabsWebhook {
  readonly type: 'unknown'
  /** The type on the wire. */
  readonly name: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** What a workspace webhook says, by `type`. */
export type ElevenLabsWebhook =
  | z.output<typeof postCallTranscriptionSchema>
  | z.output<typeof postCallAudioSchema>
  | z.output<typeof callInitiationFailureSchema>
  | UnknownElevenLabsWebhook

/**
 * Reads a proven workspace webhook.
 *
 * @throws {@link ProtocolError} `webhook_payload_invalid` when it has no type, or is of a known type and malformed.
 */
export function readElevenLabsWebhook(json: unknown): ElevenLabsWebhook {
  const named = parseWith(
    z.looseObject({ type: z.string() }),
    json,
    'webhook_payload_invalid',
    'The ElevenLabs webhook',
  )
  const { type } = named
  if (!Object.hasOwn(KNOWN, type)) return { type: 'unknown', name: type, payload: named }
  const schema: z.ZodType<ElevenLabsWebhook> = KNOWN[type as keyof typeof KNOWN]
  return parseWith(schema, json, 'webhook_payload_invalid', `The ElevenLabs webhook "${type}"`)
}

/** A native call, message or chat begins, and ElevenLabs asks for its variables and overrides. Answer within a second. */
export const initiationRequestSchema = z.looseObject({
  agent_id: z.string().min(1),
  /** Inbound: who calls. Outbound: our number. */
  caller_id: maybe(z.string()),
  /** Inbound: our number. Outbound: who is called. */
  called_number: maybe(z.string()),
  /** Absent where there is no call, as in a chat. */
  call_sid: z.preprocess((value) => (value === '' || value === null ? undefined : value), z.string().optional()),
  /** Absent in older traffic. */
  conversation_id: maybe(z.string()),
  /** SIP trunks only. */
  call_id: maybe(z.string()),
  sip_headers: maybe(record),
})

/** What the conversation initiation webhook asks about. */
export type InitiationRequest = z.output<typeof initiationRequestSchema>

/**
 * Reads a proven conversation initiation webhook.
 *
 * @throws {@link ProtocolError} `webhook_payload_invalid`.
 */
export function readInitiationRequest(json: unknown): InitiationRequest {
  return parseWith(initiationRequestSchema, json, 'webhook_payload_invalid', 'The conversation initiation webhook')
}
