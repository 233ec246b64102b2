/**
 * What a simulated agent is: the settings of a real one that matter on the wire, and its script.
 *
 * @module
 */
import type { AgentAudioFormat } from './audio-format.js'
import type { ConversationFault } from './faults.js'
import type { ToolEndpoint } from './server-tools.js'
import type { Script, Speech } from './script.js'

/** Which overrides an agent allows: the booleans of `platform_settings.overrides.conversation_config_override`. */
export interface AllowedOverrides {
  readonly [section: string]: boolean | AllowedOverrides
}

/** The settings of one simulated agent. */
export interface SimulatedAgentOptions {
  readonly agentId: string
  /** Default: the agent id. */
  readonly name?: string
  /** What the agent says to what it hears. Default: nothing. */
  readonly script?: Script
  /** Said first. Default: nothing, the agent waits for the caller. May hold `{{variables}}`. */
  readonly firstMessage?: Speech
  /** The system prompt; only its `{{variables}}` matter. */
  readonly prompt?: string
  /** The agent's tools, as shown by the REST API; only their `{{variables}}` matter otherwise. */
  readonly tools?: readonly Readonly<Record<string, unknown>>[]
  /** Where the tools are that a script calls by the road `http`. Default: nowhere; such a call fails. */
  readonly serverTools?: ToolEndpoint
  /** Where the older `tool_call` events go, which a script sends by the road `event`. Default: nowhere; such a call fails. */
  readonly toolEvents?: ToolEndpoint
  /** Whether a signed URL or a key is needed (`auth.enable_auth`). Default false: anyone with the agent id may connect. */
  readonly isPrivate?: boolean
  /** Format of the caller's audio. Default `ulaw_8000`; a real new agent has `pcm_16000`. */
  readonly userInputAudioFormat?: AgentAudioFormat
  /** Format of the agent's audio. Default `ulaw_8000`; a real new agent has `pcm_16000`. */
  readonly agentOutputAudioFormat?: AgentAudioFormat
  /** Whether the agent writes and reads text only. Default false. */
  readonly textOnly?: boolean
  /** Default `en`. */
  readonly language?: string
  /** Languages besides its own that an override may choose. Default none. */
  readonly languagePresets?: readonly string[]
  /** Default: none is allowed, as with a real new agent. */
  readonly allowedOverrides?: AllowedOverrides
  /**
   * The events that are sent, replacing the default: everything in {@link DEFAULT_CLIENT_EVENTS}. A real agent whose list was
   * never set does not send `client_tool_call`, `agent_tool_response` and `agent_response_correction`.
   */
  readonly clientEvents?: readonly string[]

  /** A 20 ms frame at least this loud is speech, in decibels below full scale. Default -40. */
  readonly speechThresholdDb?: number
  /** So much silence ends the caller's turn, in milliseconds. Default 600. */
  readonly endOfTurnMs?: number
  /** So much speech over the agent's talks it down, in milliseconds. Default 120. */
  readonly bargeInMs?: number
  /** Silence of both, in milliseconds, after which the script gets a turn of source `silence`. Default: never. */
  readonly turnTimeoutMs?: number
  /** From the end of the caller's turn to the reply's first audio, in milliseconds. Default 200. */
  readonly thinkMs?: number
  /** Audio in one message, in milliseconds. Default 400. */
  readonly chunkMs?: number
  /** How many times faster than real time audio is sent. Default 4. */
  readonly pace?: number
  /** From one part of text to the next, in milliseconds; in text-only conversations. Default 20. */
  readonly textPartMs?: number
  /** Whether audio tells when each character is heard. Default true. */
  readonly sendsAlignment?: boolean
  /** Chunks of the old utterance that are sent late, after an interruption, with event ids up to its own. Default 0. */
  readonly lateChunks?: number

  /** The first event id of what is said. Pings count for themselves, from 0. Default 1. */
  readonly firstEventId?: number
  /** Default 2000. ElevenLabs publishes none. */
  readonly pingIntervalMs?: number
  /** A ping that is not answered for so long is a violation, in milliseconds. Default 20 000. */
  readonly pongTimeoutMs?: number
  /** The conversation is closed when the client sent nothing but pongs for so long, in milliseconds. Default 60 000. */
  readonly inputTimeoutMs?: number
  /** The conversation is closed with 1000 after so long, in milliseconds. Default 600 000. */
  readonly maxDurationMs?: number
  /** What goes wrong in each conversation. */
  readonly faults?: readonly ConversationFault[]
}

/** The settings of an agent with every default filled in. */
export type SimulatedAgent = Readonly<Required<Omit<SimulatedAgentOptions, OptionalSetting>>> &
  Pick<SimulatedAgentOptions, OptionalSetting>

type OptionalSetting = 'firstMessage' | 'turnTimeoutMs' | 'serverTools' | 'toolEvents'

/** The events that a simulated agent sends when nothing else is said. */
export const DEFAULT_CLIENT_EVENTS: readonly string[] = [
  'conversation_initiation_metadata',
  'ping',
  'audio',
  'interruption',
  'user_transcript',
  'tentative_user_transcript',
  'agent_response',
  'agent_response_correction',
  'agent_response_complete',
  'agent_chat_response_part',
  'client_tool_call',
  'agent_tool_request',
  'agent_tool_response',
]

/** Fills in the defaults. @throws RangeError for a setting that no agent can have. */
export function agentWithDefaults(options: SimulatedAgentOptions): SimulatedAgent {
  const agent: SimulatedAgent = {
    name: options.agentId,
    script: [],
    prompt: '',
    tools: [],
    isPrivate: false,
    userInputAudioFormat: 'ulaw_8000',
    agentOutputAudioFormat: 'ulaw_8000',
    textOnly: false,
    language: 'en',
    languagePresets: [],
    allowedOverrides: {},
    clientEvents: DEFAULT_CLIENT_EVENTS,
    speechThresholdDb: -40,
    endOfTurnMs: 600,
    bargeInMs: 120,
    thinkMs: 200,
    chunkMs: 400,
    pace: 4,
    textPartMs: 20,
    sendsAlignment: true,
    lateChunks: 0,
    firstEventId: 1,
    pingIntervalMs: 2000,
    pongTimeoutMs: 20_000,
    inputTimeoutMs: 60_000,
    maxDurationMs: 600_000,
    faults: [],
    ...options,
  }
  if (agent.agentId === '') throw new RangeError('agentId must not be empty')
  for (const name of ['endOfTurnMs', 'bargeInMs', 'chunkMs', 'pace', 'pingIntervalMs', 'maxDurationMs'] as const) {
    if (!(agent[name] > 0)) throw new RangeError(`${name} must be a positive number, got ${agent[name]}`)
  }
  return agent
}
