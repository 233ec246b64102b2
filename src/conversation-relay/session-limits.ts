/**
 * The limits of a session with every default filled in.
 *
 * @module
 */
import type { ConversationRelaySessionOptions, RelayCallOptions } from './session-options.js'

const DEFAULTS = {
  fillerAfterMs: 3000,
  replyTimeoutMs: 15_000,
  agentTurnTimeoutMs: 60_000,
  turnTimeoutMs: 12_000,
  maxSilences: 2,
  maxMessageChars: 65_536,
  setupTimeoutMs: 10_000,
  maxDurationMs: 3_600_000,
  goodbyeTimeoutMs: 30_000,
  maxReplyChars: 20_000,
  maxPromptChars: 10_000,
  maxPromptsPerTenSeconds: 30,
  maxAbandonedReplies: 8,
  maxFailuresInARow: 3,
  maxTranscriptTurns: 200,
  maxBufferedBytes: 1_048_576,
}

/** Every limit of a session. */
export type RelayLimits = Readonly<typeof DEFAULTS>

/** Fills in the defaults. @throws RangeError for a limit that is no positive number. */
export function relayLimits(options: RelayCallOptions & Partial<ConversationRelaySessionOptions>): RelayLimits {
  const limits = { ...DEFAULTS }
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = options[name]
    if (value === undefined) continue
    if (!(value > 0)) throw new RangeError(`${name} must be a positive number, got ${value}`)
    limits[name] = value
  }
  return limits
}
