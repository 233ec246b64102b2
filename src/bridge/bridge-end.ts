/**
 * How a call ended, and what passed on it.
 *
 * @module
 */
import type { VoiceError } from '../core/errors.js'

/** Why a call ended. */
export type BridgeEndReason =
  | 'caller-hung-up'
  /** The call goes on elsewhere: it was transferred, put to a menu, or told something before its end. */
  | 'handed-off'
  | 'agent-ended'
  | 'closed'
  | 'idle'
  | 'max-duration'
  | 'stream-not-attached'
  | 'stream-failed'
  | 'agent-failed'

/** How a call ended. */
export interface BridgeEnd {
  readonly reason: BridgeEndReason
  /** What broke, for the reasons that end in `failed`. */
  readonly error: VoiceError | undefined
  readonly callSid: string | undefined
  readonly streamSid: string | undefined
  readonly conversationId: string | undefined
  /** From the stream's start to the moment that ended the call, in milliseconds; 0 when no stream came. */
  readonly durationMs: number
  readonly stats: BridgeStats
}

/** What passed, to see a one-way call at a glance. */
export interface BridgeStats {
  /** Frames of 20 ms from the caller. */
  readonly callerFrames: number
  /** Audio from the agent, and how much of it was heard, in milliseconds. */
  readonly agentAudioMs: number
  readonly agentHeardMs: number
  readonly callerTurns: number
  readonly agentTurns: number
  readonly interruptions: number
  readonly toolCalls: number
}
