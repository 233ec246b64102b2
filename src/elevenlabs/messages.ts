/**
 * Every message of the agent socket, both directions: our names inside, the vendor's on the wire.
 *
 * `ServerMessage` is what ElevenLabs sends, `ClientMessage` what it is sent. The conversation reads the one and writes the
 * other; the simulator does it the other way round.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/api-reference/eleven-agents/websocket (read 2026-11-21)
 * @module
 */
import { z, type ZodType } from 'zod'
import { isBase64 } from '../core/base64.js'
import { ProtocolError } from '../core/errors.js'
import { parseJson, parseWith } from '../core/parse.js'
import {
  encodeInitiationFields,
  INITIATION_FIELDS,
  overridePathsOf,
  type ConversationInitiation,
} from './initiation.js'
import { USER_AUDIO_HEAD, USER_AUDIO_TAIL } from './user-audio.js'
import { optional, required, shape, type Fields, type Shaped, type Simplify } from './wire-shape.js'

export { type ConversationInitiation } from './initiation.js'

const INVALID = 'elevenlabs_message_invalid'
/** How much of an unknown type's name is kept. */
const MAX_NAME_CHARS = 64

const text = z.string()
const flag = z.boolean()
const id = required('event_id', z.int())
const optionalId = optional('event_id', z.int())
/** Open objects that pass through as they came. */
const open = z.record(z.string(), z.unknown())
const base64 = z.string().refine(isBase64, { error: 'base64' })

interface ServerShape<F extends Fields> {
  readonly wireType: string
  readonly fields: F
  readonly schema: ZodType<Record<string, unknown>>
  readonly payloadKey: string | undefined
}

/** A message `{ type, [payloadKey]: { …fields } }`; without `payloadKey` it is its type alone. */
function message<const F extends Fields>(wireType: string, payloadKey?: string, fields?: F): ServerShape<F> {
  const schema = shape(fields ?? {}) as unknown as ZodType<Record<string, unknown>>
  return { wireType, payloadKey, fields: fields ?? ({} as F), schema }
}

const alignment = shape({
  chars: required('chars', z.array(text)),
  charStartTimesMs: required('char_start_times_ms', z.array(z.number())),
  charDurationsMs: required('char_durations_ms', z.array(z.number())),
})
const attachment = shape({
  url: required('url', text),
  name: required('name', text),
  mimeType: optional('mime_type', text),
})
const integration = shape({
  integrationId: required('integration_id', text),
  integrationType: required('integration_type', text),
  isConnected: required('is_connected', flag),
  toolCount: required('tool_count', z.int()),
})
const agentTool = {
  toolName: required('tool_name', text),
  toolCallId: required('tool_call_id', text),
  toolType: optional('tool_type', text),
  eventId: optionalId,
} as const
const agentToolAnswer = {
  ...agentTool,
  isError: optional('is_error', flag),
  isCalled: optional('is_called', flag),
} as const
const failure = {
  code: optional('code', z.int()),
  message: optional('message', text),
  errorType: optional('error_type', text),
  reason: optional('reason', text),
  debugMessage: optional('debug_message', text),
  details: optional('details', z.unknown()),
} as const
const part = required('type', z.enum(['start', 'delta', 'stop']))

const SERVER = {
  /** The conversation has started. The formats are absent only where there is no audio. */
  metadata: message('conversation_initiation_metadata', 'conversation_initiation_metadata_event', {
    conversationId: required('conversation_id', text.min(1)),
    outputFormat: optional('agent_output_audio_format', text),
    inputFormat: optional('user_input_audio_format', text),
  }),
  audio: message('audio', 'audio_event', {
    payload: required('audio_base_64', base64),
    eventId: id,
    alignment: optional('alignment', alignment),
    isFinal: optional('is_final', flag),
  }),
  interruption: message('interruption', 'interruption_event', { eventId: id }),
  ping: message('ping', 'ping_event', { eventId: id, pingMs: optional('ping_ms', z.number()) }),
  userTranscript: message('user_transcript', 'user_transcription_event', {
    text: required('user_transcript', text),
    eventId: optionalId,
  }),
  tentativeUserTranscript: message('tentative_user_transcript', 'tentative_user_transcription_event', {
    text: required('user_transcript', text),
    eventId: optionalId,
  }),
  agentResponse: message('agent_response', 'agent_response_event', {
    text: required('agent_response', text),
    eventId: optionalId,
    responseId: optional('response_id', text),
    attachments: optional('attachments', z.array(attachment)),
  }),
  agentResponseCorrection: message('agent_response_correction', 'agent_response_correction_event', {
    original: required('original_agent_response', text),
    corrected: required('corrected_agent_response', text),
    eventId: optionalId,
  }),
  agentResponseMetadata: message('agent_response_metadata', 'agent_response_metadata_event', {
    metadata: optional('metadata', z.unknown()),
    eventId: optionalId,
  }),
  agentResponseComplete: message('agent_response_complete', 'agent_response_complete_event', { eventId: optionalId }),
  agentResponsePart: message('agent_chat_response_part', 'text_response_part', {
    text: required('text', text),
    part,
    eventId: optionalId,
  }),
  agentReasoningPart: message('agent_reasoning_response_part', 'reasoning_response_part', {
    text: required('text', text),
    part,
    eventId: optional('event_id', z.union([text, z.int()])),
  }),
  toolCall: message('client_tool_call', 'client_tool_call', {
    toolName: required('tool_name', text),
    toolCallId: required('tool_call_id', text.min(1)),
    // A call must be answered whatever stands here: an object as text is that object, anything else reads as none, and the tool says
    // what it misses.
    parameters: required(
      'parameters',
      open.catch(({ value }) => objectInText(value) ?? {}),
    ),
    eventId: optionalId,
    expectsResponse: optional('expects_response', flag),
  }),
  agentToolRequest: message('agent_tool_request', 'agent_tool_request', agentTool),
  agentToolResponse: message('agent_tool_response', 'agent_tool_response', agentToolAnswer),
  agentToolResult: message('agent_tool_response_full_payload', 'agent_tool_response_full_payload', {
    ...agentToolAnswer,
    isBlocked: optional('is_blocked', flag),
    result: optional('full_tool_result', text),
    isTruncated: optional('truncated', flag),
  }),
  mcpToolCall: message('mcp_tool_call', 'mcp_tool_call', {
    toolCallId: required('tool_call_id', text),
    toolName: required('tool_name', text),
    state: required('state', text),
    serviceId: optional('service_id', text),
    toolDescription: optional('tool_description', text),
    parameters: optional('parameters', open),
    timestamp: optional('timestamp', text),
    approvalTimeoutSeconds: optional('approval_timeout_secs', z.number()),
    result: optional('result', z.array(z.unknown())),
    errorMessage: optional('error_message', text),
  }),
  mcpConnectionStatus: message('mcp_connection_status', 'mcp_connection_status', {
    integrations: required('integrations', z.array(integration)),
  }),
  vadScore: message('vad_score', 'vad_score_event', { score: required('vad_score', z.number()) }),
  contextUsage: message('context_usage', 'context_usage_event', {
    contextTokens: required('context_tokens', z.number()),
    contextLimitTokens: optional('context_limit_tokens', z.number()),
    model: optional('model', text),
    eventId: optionalId,
  }),
  asrMetadata: message('asr_initiation_metadata', 'asr_initiation_metadata_event', {}),
  guardrailTriggered: message('guardrail_triggered'),
  richContent: message('rich_content', 'rich_content', {
    richContentId: required('rich_content_id', text),
    component: required('component', text),
    props: optional('props', z.unknown()),
    eventId: optionalId,
  }),
  agentTyping: message('agent_typing', 'agent_typing_event', {
    isTyping: required('is_typing', flag),
    durationMs: optional('duration_ms', z.number()),
  }),
  externalAgentConnected: message('external_agent_connected'),
  externalAgentDisconnected: message('external_agent_disconnected'),
  turnProbability: message('internal_turn_probability', 'turn_probability_internal_event', {
    probability: required('turn_probability', z.number()),
  }),
  tentativeAgentResponse: message('internal_tentative_agent_response', 'tentative_agent_response_internal_event', {
    text: required('tentative_agent_response', text),
  }),
  /** Something went wrong; a close normally follows. */
  error: message('error', 'error_event', failure),
  clientError: message('client_error', 'error_event', failure),
  /** The agent wants tones played. What the message carries is not documented. */
  dtmfRequest: message('dtmf_request'),
  queueStatus: message('queue_status', 'queue_status_event', { status: required('status', text) }),
} as const

type ServerTable = typeof SERVER
type ServerFields<T extends keyof ServerTable> = ServerTable[T] extends ServerShape<infer F> ? F : never

/** The message of one type that ElevenLabs sends, in our names. */
export type ServerMessageOf<T extends keyof ServerTable> = Simplify<{ readonly type: T } & Shaped<ServerFields<T>>>

/** A message that ElevenLabs sends, in our names. */
export type ServerMessage = { [T in keyof ServerTable]: ServerMessageOf<T> }[keyof ServerTable]

/** A message of a type that this version does not know. Ignore it: ElevenLabs adds some every month. */
export interface UnknownServerMessage {
  readonly type: 'unknown'
  /** The type on the wire, its first 64 characters. */
  readonly name: string
}

/** When each character of a chunk of agent audio is spoken, in milliseconds from the start of the chunk. */
export type AudioAlignment = NonNullable<ServerMessageOf<'audio'>['alignment']>

const SERVER_TYPES = new Map(Object.entries(SERVER).map(([type, entry]) => [entry.wireType, { type, ...entry }]))

/**
 * Reads one message of the server's.
 *
 * @throws {@link ProtocolError} `elevenlabs_message_invalid` when it is not JSON, has no type, or is of a known type and
 * malformed. The message names the field, never what stood there.
 */
export function parseServerMessage(json: string): ServerMessage | UnknownServerMessage {
  const plain = scanAudio(json) ?? scanInterruption(json)
  if (plain) return plain
  const { wireType, value } = readEnvelope(json, 'The message from ElevenLabs')
  const entry = SERVER_TYPES.get(wireType)
  if (!entry) return { type: 'unknown', name: wireType.slice(0, MAX_NAME_CHARS) }
  const payload = entry.payloadKey === undefined ? {} : (value[entry.payloadKey] ?? {})
  const fields = parseWith(entry.schema, payload, INVALID, `${entry.wireType} from ElevenLabs`)
  return { type: entry.type, ...fields } as ServerMessage
}

/** Writes one message as the server does. For the simulator and for tests. */
export function encodeServerMessage(message: ServerMessage): string {
  const { type, ...fields } = message
  const { wireType, payloadKey, schema } = SERVER[type]
  const payload = z.encode(schema, fields)
  return JSON.stringify(payloadKey === undefined ? { type: wireType } : { type: wireType, [payloadKey]: payload })
}

function objectInText(value: unknown): Record<string, unknown> | undefined {
  try {
    const parsed = typeof value === 'string' ? open.safeParse(JSON.parse(value)) : undefined
    return parsed?.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

const WS = '[ \\t\\n\\r]*'
const spaced = (json: string) => json.replaceAll(/[{}:,]/g, (mark) => `${WS}\\${mark}${WS}`)
const PLAIN_AUDIO_HEAD = new RegExp(`^${spaced('{"type":"audio","audio_event":{"audio_base_64":')}"`)
const PLAIN_AUDIO_TAIL = new RegExp(`^"${spaced(',"event_id":')}(0|[1-9][0-9]{0,14})${spaced('}}')}$`)

/**
 * The short way to audio, which is most of what comes: its kilobytes of base64 see no JSON parser, and what stands around them
 * no schema. Gives `undefined` for whatever is not plainly well-formed audio; then the schema says what it is, and the two
 * never disagree.
 */
export function scanAudio(json: string): ServerMessageOf<'audio'> | undefined {
  const head = PLAIN_AUDIO_HEAD.exec(json)?.[0]
  if (head === undefined) return undefined
  const end = json.indexOf('"', head.length)
  if (end < 0) return undefined
  const payload = json.slice(head.length, end)
  const tail = json.slice(end)
  const plain = PLAIN_AUDIO_TAIL.exec(tail)
  // Of a message that names its audio twice the last one counts.
  if ((!plain && tail.includes('audio_')) || !isBase64(payload)) return undefined
  return plain ? { type: 'audio', payload, eventId: Number(plain[1]) } : readAudio(payload, head + tail)
}

const PLAIN_INTERRUPTION = new RegExp(
  `^${spaced('{"type":"interruption","interruption_event":{"event_id":')}(0|[1-9][0-9]{0,14})${spaced('}}')}$`,
)

/** The short way to an interruption, since a caller is being talked over meanwhile. As {@link scanAudio}, whole or nothing. */
function scanInterruption(json: string): ServerMessageOf<'interruption'> | undefined {
  const eventId = PLAIN_INTERRUPTION.exec(json)?.[1]
  return eventId === undefined ? undefined : { type: 'interruption', eventId: Number(eventId) }
}

function readAudio(payload: string, withoutPayload: string): ServerMessageOf<'audio'> | undefined {
  let parsed: { readonly type?: unknown; readonly audio_event?: Readonly<Record<string, unknown>> | null }
  try {
    parsed = JSON.parse(withoutPayload) as typeof parsed
  } catch {
    return undefined
  }
  const event = parsed.audio_event
  if (parsed.type !== 'audio' || event?.audio_base_64 !== '') return undefined // said twice, in another spelling
  const { event_id: eventId, is_final: isFinal, alignment: timing } = event
  if (!Number.isSafeInteger(eventId) || !isAbsentOr('boolean', isFinal) || !isAbsentOr('object', timing))
    return undefined
  const message = { type: 'audio', payload, eventId: eventId as number } as const
  const final = typeof isFinal === 'boolean' ? { isFinal } : {}
  if (timing === undefined || timing === null) return { ...message, ...final }
  const {
    chars,
    char_start_times_ms: charStartTimesMs,
    char_durations_ms: charDurationsMs,
  } = timing as Readonly<Record<string, unknown>>
  if (!isListOf<string>(isText, chars)) return undefined
  if (!isListOf<number>(Number.isFinite, charStartTimesMs) || !isListOf<number>(Number.isFinite, charDurationsMs))
    return undefined
  return { ...message, alignment: { chars, charStartTimesMs, charDurationsMs }, ...final }
}

function isAbsentOr(type: 'boolean' | 'object', value: unknown): boolean {
  return value === undefined || value === null || typeof value === type
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isListOf<T>(isOne: (value: unknown) => boolean, value: unknown): value is T[] {
  return Array.isArray(value) && value.every(isOne)
}

const filePart = z.codec(z.strictObject({ type: z.literal('file_input'), file_id: text }), text, {
  decode: ({ file_id: fileId }) => fileId,
  encode: (fileId) => ({ type: 'file_input' as const, file_id: fileId }),
})
const textPart = z.codec(z.strictObject({ type: z.literal('user_message'), text }), text, {
  decode: ({ text: inner }) => inner,
  encode: (inner) => ({ type: 'user_message' as const, text: inner }),
})

const CLIENT = {
  /** Answers a ping with its own id, which may be 0. */
  pong: { wireType: 'pong', fields: { eventId: id } },
  toolResult: {
    wireType: 'client_tool_result',
    fields: {
      toolCallId: required('tool_call_id', text),
      result: required('result', text),
      isError: required('is_error', flag),
    },
  },
  /** Something the agent should know. Interrupts nobody; the same `contextId` replaces what was said under it. */
  contextualUpdate: {
    wireType: 'contextual_update',
    fields: { text: required('text', text), contextId: optional('context_id', text) },
  },
  /** As if the caller had said it. */
  userMessage: {
    wireType: 'user_message',
    fields: { text: required('text', text), richContentId: optional('rich_content_id', text) },
  },
  /** Somebody is there: the agent holds back for a moment. */
  userActivity: { wireType: 'user_activity', fields: {} },
  feedback: {
    wireType: 'feedback',
    fields: { eventId: id, score: required('score', z.enum(['like', 'dislike']).nullable()) },
  },
  mcpToolApproval: {
    wireType: 'mcp_tool_approval_result',
    fields: { toolCallId: required('tool_call_id', text), isApproved: required('is_approved', flag) },
  },
  multimodalMessage: {
    wireType: 'multimodal_message',
    fields: {
      text: optional('text', textPart),
      fileId: optional('file', filePart),
      fileIds: optional('files', z.array(filePart)),
    },
  },
} as const

type ClientTable = typeof CLIENT
type PlainClientMessage = {
  [T in keyof ClientTable]: Simplify<{ readonly type: T } & Shaped<ClientTable[T]['fields']>>
}[keyof ClientTable]

/** A message that ElevenLabs is sent, in our names. */
export type ClientMessage =
  | PlainClientMessage
  | {
      readonly type: 'initiation'
      readonly initiation: ConversationInitiation
      readonly overridePaths: readonly string[]
    }
  | { readonly type: 'userAudio'; readonly payload: string }

const INITIATION_TYPE = 'conversation_initiation_client_data'
/** Official clients say who they are; a third party's should not, so it is read and never written. */
const initiationFromAnyone = shape({ ...INITIATION_FIELDS, sourceInfo: optional('source_info', open) }, 'refuse')

const CLIENT_SCHEMAS = Object.fromEntries(
  Object.entries(CLIENT).map(([type, { fields }]) => [type, shape(fields, 'refuse')]),
) as unknown as Record<keyof ClientTable, ZodType<Record<string, unknown>>>
const CLIENT_TYPES = new Map(
  Object.entries(CLIENT).map(([type, { wireType }]) => [wireType as string, type as keyof ClientTable]),
)

/**
 * Writes the first message.
 *
 * @throws TypeError for a field that a conversation cannot set, an audio format, or a variable named `system__…`.
 */
export function encodeInitiation(initiation: ConversationInitiation = {}): string {
  return JSON.stringify({ type: INITIATION_TYPE, ...encodeInitiationFields(initiation) })
}

/** Writes any message but the first and audio. */
export function encodeClientMessage(message: PlainClientMessage): string {
  if (message.type === 'pong' && Number.isSafeInteger(message.eventId)) {
    return `{"type":"pong","event_id":${message.eventId}}` // one every other second on every call
  }
  const { type, ...fields } = message
  return JSON.stringify({ type: CLIENT[type].wireType, ...(z.encode(CLIENT_SCHEMAS[type], fields) as object) })
}

/**
 * Reads one message of a client's, as strictly as the server does. For the simulator and for tests.
 *
 * @throws {@link ProtocolError} `elevenlabs_message_invalid` for anything that a real agent might refuse: an unknown type, a
 * missing field, a field too many.
 */
export function parseClientMessage(json: string): ClientMessage {
  if (json.startsWith(USER_AUDIO_HEAD) && json.endsWith(USER_AUDIO_TAIL)) {
    const payload = json.slice(USER_AUDIO_HEAD.length, -USER_AUDIO_TAIL.length)
    if (isBase64(payload)) return { type: 'userAudio', payload }
  }
  const { wireType, value } = readEnvelope(json, 'The message to ElevenLabs', 'user_audio_chunk')
  const rest = without(value, 'type')
  const what = `${wireType.slice(0, MAX_NAME_CHARS)} to ElevenLabs`
  if (wireType === 'user_audio_chunk') {
    return { type: 'userAudio', ...parseWith(USER_AUDIO, value, INVALID, what) }
  }
  if (wireType === INITIATION_TYPE) {
    const initiation = without(parseWith(initiationFromAnyone, rest, INVALID, what), 'sourceInfo')
    return { type: 'initiation', initiation, overridePaths: overridePathsOf(initiation) }
  }
  const type = CLIENT_TYPES.get(wireType)
  if (!type) throw new ProtocolError(INVALID, 'The message to ElevenLabs is of a type that does not exist')
  return { type, ...parseWith(CLIENT_SCHEMAS[type], rest, INVALID, what) } as PlainClientMessage
}

const USER_AUDIO = shape({ payload: required('user_audio_chunk', base64) }, 'refuse')

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const rest = { ...value }
  Reflect.deleteProperty(rest, key)
  return rest
}

/** @param untyped - The key by which a message without a type is known. */
function readEnvelope(
  json: string,
  what: string,
  untyped?: string,
): { wireType: string; value: Record<string, unknown> } {
  const value = parseJson(json, INVALID, what)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const record = value as Record<string, unknown>
    if (typeof record.type === 'string') return { wireType: record.type, value: record }
    if (untyped !== undefined && untyped in record && !('type' in record)) return { wireType: untyped, value: record }
  }
  throw new ProtocolError(INVALID, `${what} is not an object with a type`)
}
