/**
 * What a session is made from, what it tells, and how it ends.
 *
 * @module
 */
import type { Clock } from '../core/clock.js'
import type { VendorError, VoiceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { Socket } from '../core/socket.js'
import type { HandoffData, InterruptedReply, RelayBrain, RelayBrainFunction, RelaySetup } from './brain.js'
import type { PhraseChoice } from './phrases.js'
import type { RelayAgentTurn, RelayCallerTurn } from './transcript.js'

export interface ConversationRelaySessionOptions extends Omit<RelayCallOptions, 'brain'> {
  readonly socket: Socket
  /** Answers the caller. Required, unless `accept` chooses. */
  readonly brain?: RelayCallOptions['brain']
  readonly clock?: Clock
  readonly logger?: Logger
  /**
   * Decides, before anything that the caller says is handed on, whether this session belongs to the call it names: redeem the
   * one-time token here, and compare the account. Default: everybody is let in, for sockets that were proven before.
   */
  readonly authorize?: (setup: RelaySetup) => boolean | Promise<boolean>
  /**
   * Chooses, for a session that was authorised, who answers and how, when that is known only by the call; `undefined` refuses it.
   * Its options take the place of those that stand here.
   */
  readonly accept?: (setup: RelaySetup) => RelayCallOptions | undefined | Promise<RelayCallOptions | undefined>
  /** Longest message, in characters. Default 65 536. A longer one closes the session (1009). */
  readonly maxMessageChars?: number
  /** How long `setup` and its authorisation may take, in milliseconds. Default 10 000. Then the socket is closed (1008). */
  readonly setupTimeoutMs?: number
}

/** Who answers one call, and how. */
export interface RelayCallOptions {
  /** Answers the caller. */
  readonly brain: RelayBrain | RelayBrainFunction
  /** The `welcomeGreeting` of the TwiML, which Twilio speaks by itself: it then stands in the transcript. */
  readonly welcomeGreeting?: string
  /** Gives the brain a turn of source `start` at once, for TwiML without a `welcomeGreeting`. Default `false`. */
  readonly greetsFirst?: boolean
  /** The language of the TwiML, BCP-47. Default: empty, until Twilio reports or the brain sets one. */
  readonly language?: string
  /** Sentences that the session says by itself. Default: English ones. */
  readonly phrases?: PhraseChoice

  /** Nothing of an answer after so long: the filler is said, in milliseconds. Default 3000. */
  readonly fillerAfterMs?: number
  /** Nothing from the brain for so long, at the start or in mid-reply: an apology, in milliseconds. Default 15 000. */
  readonly replyTimeoutMs?: number
  /** The longest that one reply may take to say, in milliseconds. Default 60 000. What would come after it is not read. */
  readonly agentTurnTimeoutMs?: number
  /** How long the caller may be silent when nobody speaks, in milliseconds. Default 12 000. */
  readonly turnTimeoutMs?: number
  /**
   * What happens then: `'phrase'` (default) asks whether they are there, `'brain'` gives the brain a turn of source `silence`,
   * `'off'` waits.
   */
  readonly onSilence?: 'phrase' | 'brain' | 'off'
  /** How often in a row, before the session says goodbye and ends. Default 2. */
  readonly maxSilences?: number
  /** Whether keys become turns of the brain (`'turn'`, default) or only `digit` events. */
  readonly digits?: 'turn' | 'event'

  /** The session is ended after so long, in milliseconds. Default 3 600 000. */
  readonly maxDurationMs?: number
  /** How long the last words may take to be heard before the session is ended, in milliseconds. Default 30 000. */
  readonly goodbyeTimeoutMs?: number
  /** Longest reply, in characters. Default 20 000, twenty minutes of speech. It is cut there. */
  readonly maxReplyChars?: number
  /** Longest prompt that is handed on, in characters. Default 10 000; the beginning of a longer one is dropped. */
  readonly maxPromptChars?: number
  /** Prompts in ten seconds. Default 30. Those beyond are dropped and counted. */
  readonly maxPromptsPerTenSeconds?: number
  /** Aborted replies that have not come back, beyond which no new one is begun. Default 8. */
  readonly maxAbandonedReplies?: number
  /** Failed replies in a row, after which the session says goodbye and ends. Default 3. */
  readonly maxFailuresInARow?: number
  /** Turns that are kept. Default 200; the oldest is forgotten. */
  readonly maxTranscriptTurns?: number
  /** Data that may wait because Twilio does not read, in bytes. Default 1 048 576. Beyond it the session fails. */
  readonly maxBufferedBytes?: number
}

/** Where a session is. */
export type ConversationRelayState = 'awaiting-setup' | 'authorizing' | 'talking' | 'ending' | 'ended'

/** How a session ended. */
export interface ConversationRelayEnd {
  /**
   * `caller-hung-up`: Twilio closed the socket in order. `ended`: by us, in words. `closed`: by us, without a word. `socket-closed`: it is
   * gone, and Twilio will say why at the `action` webhook. `failed`: see `error`.
   */
  readonly reason: 'caller-hung-up' | 'ended' | 'closed' | 'socket-closed' | 'failed'
  readonly error: VoiceError | undefined
  /** The WebSocket close code that was sent or came; 1005 when there was none. */
  readonly closeCode: number
  readonly setup: RelaySetup | undefined
  /** From the setup to the end, in milliseconds; 0 when no setup was authorised. */
  readonly durationMs: number
  /** What whoever takes over was given. */
  readonly handoffData: HandoffData | undefined
}

/** What passed in a session, for diagnosis. */
export interface ConversationRelayCounts {
  readonly prompts: number
  /** Prompts beyond `maxPromptsPerTenSeconds`. */
  readonly droppedPrompts: number
  readonly interruptions: number
  /** Messages that were sent. */
  readonly sent: number
  /** Pieces that came from a reply after it was aborted, and reached nobody. */
  readonly stalePieces: number
  /** Messages that could not be read, or came at a time at which they mean nothing. */
  readonly ignored: number
}

/** What happens in a session. Text and digits are what people said and keyed: keep them out of logs. */
export interface ConversationRelayEvents {
  /** The call has begun, and was authorised. */
  setup: [setup: RelaySetup]
  /** What the caller seems to be saying; only with `partialPrompts` in the TwiML. Each replaces the one before. */
  partialPrompt: [partial: { readonly text: string; readonly lang: string }]
  /** The caller said something, or pressed keys. */
  callerTurn: [turn: RelayCallerTurn]
  /** The first token of an agent turn is on the wire. */
  agentTurnStarted: [turn: { readonly turnId: string; readonly latencyMs: number | undefined; readonly at: number }]
  /** An agent turn is over: heard, or cut. */
  agentTurnEnded: [turn: RelayAgentTurn]
  /** The caller cut in. */
  interrupted: [
    cut: { readonly reply: InterruptedReply | undefined; readonly heardText: string; readonly heardMs: number },
  ]
  /** The caller pressed a key. */
  digit: [digit: string]
  /** Somebody began or stopped to speak; only with `speaker-events` in the TwiML. */
  speaking: [speaker: { readonly who: 'agent' | 'caller'; readonly isSpeaking: boolean }]
  /** A piece of text, or keys, was played; only with `tokens-played` in the TwiML. */
  tokensPlayed: [text: string]
  /** Any other `info` of Twilio's, as it came: `roundTripDelayMs`, `configUpdated`, and whatever comes next. */
  info: [info: { readonly name: string; readonly value: string }]
  /** The language was changed by us. */
  languageChanged: [language: { readonly tts: string; readonly transcription: string }]
  /** The caller has been silent for `turnTimeoutMs`, for the `count`th time in a row. */
  silence: [silence: { readonly count: number }]
  /** A reply failed, broke off, took too long or was too long. */
  replyFailed: [failure: { readonly turnId: string; readonly error: VoiceError }]
  /** A reply was cut because it took longer than `agentTurnTimeoutMs` to say. */
  replyLimited: [reply: { readonly turnId: string }]
  /** Twilio reported an error; `vendorCode` is its number. */
  vendorError: [error: VendorError]
  /** The session is over. Comes once, last. */
  ended: [end: ConversationRelayEnd]
}
