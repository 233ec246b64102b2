/**
 * What a conversation is made from, and what it hands its audio and its tool calls to.
 *
 * @module
 */
import type { Clock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import type { Socket } from '../core/socket.js'
import type { AudioFormats } from './conversation-events.js'
import type { ConversationInitiation } from './initiation.js'
import type { AudioAlignment } from './messages.js'
import type { ToolCallHandler } from './tool-calls.js'

/** Changes audio between the telephone's μ-law 8000 Hz and what the agent speaks. Base64 in, base64 out, one chunk a call. */
export interface AudioTranscoder {
  readonly toAgent: (payloadBase64: string) => string
  readonly fromAgent: (payloadBase64: string) => string
}

/** Takes the agent's audio: base64 of μ-law 8000 Hz, whole, any length, faster than it is spoken. */
export type AudioHandler = (payloadBase64: string, eventId: number, alignment?: AudioAlignment) => void

/** What a conversation hands its audio and its tool calls to. */
export interface ConversationHandlers {
  readonly onAudio?: AudioHandler | undefined
  readonly onToolCall?: ToolCallHandler | undefined
}

export interface ConversationOptions extends ConversationHandlers {
  /** An open socket to the agent. The conversation owns it from here on. */
  readonly socket: Socket
  /** Overrides and dynamic variables; sent first. Default: none. */
  readonly initiation?: ConversationInitiation
  /**
   * There is no audio: the agent is set to text only in the dashboard, or `overrides.conversation.textOnly` makes it so. Default:
   * what that override says.
   */
  readonly textOnly?: boolean
  readonly clock?: Clock
  readonly logger?: Logger
  /**
   * Makes the transcoder when the agent's formats are not μ-law 8000 Hz both ways; `undefined` means that it cannot. Default:
   * such an agent is refused with `elevenlabs_audio_format_unsupported`.
   */
  readonly transcode?: (formats: AudioFormats) => AudioTranscoder | undefined
  /** How long a tool may take, in milliseconds. Default 10 000. Keep it below the limit in the dashboard. */
  readonly toolTimeoutMs?: number
  /** How long ElevenLabs may take to start the conversation, in milliseconds. Default 5000. */
  readonly metadataTimeoutMs?: number
  /** How long a conversation may wait in ElevenLabs’ own queue for a free agent, in milliseconds. Default 60 000. */
  readonly queueTimeoutMs?: number
  /** How much caller audio is kept until the conversation starts, in milliseconds. Default 5000; the oldest is dropped. */
  readonly maxPendingAudioMs?: number
  /** The longest message taken from ElevenLabs, in characters. Default 16 MiB; a longer one ends the conversation. */
  readonly maxMessageBytes?: number
}

/** `starting` until the metadata came, `active` while both sides talk, `closing` while the socket closes. */
export type ConversationState = 'starting' | 'active' | 'closing' | 'closed'

/** What was counted, to see at a glance what went wrong. */
export interface ConversationCounters {
  /** Chunks of agent audio that came. */
  readonly audioMessages: number
  /** Chunks that came after the interruption of their turn, and were dropped. */
  readonly lateAudioMessages: number
  /** Frames of caller audio that were dropped: too early, too many for the connection, or not base64. */
  readonly droppedCallerFrames: number
  /** Messages that could not be read. */
  readonly badMessages: number
  /** Messages of a type that this version does not know. */
  readonly unknownMessages: number
}
