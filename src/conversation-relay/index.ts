/**
 * Twilio ConversationRelay: one session as a state machine on the host's own socket, and what answers the caller.
 *
 * @module
 */
export type {
  HandoffData,
  InterruptedReply,
  LanguageChoice,
  PlayPart,
  RelayBrain,
  RelayBrainFunction,
  RelayCall,
  RelaySetup,
  RelayTurn,
  ReplyContext,
  ReplyPart,
  SpeechOptions,
  SpokenPart,
} from './brain.js'
export { menuBrain, scriptedBrain, type MenuChoice, type MenuOptions, type ScriptedRelayReply } from './menu.js'
export {
  codeOfRelayError,
  encodeRelayMessage,
  parseRelayMessage,
  type InboundRelayMessage,
  type OutboundRelayMessage,
  type UnknownRelayMessage,
} from './messages.js'
export { DEFAULT_RELAY_PHRASES, type PhraseChoice, type RelayPhrases } from './phrases.js'
export { ConversationRelaySession } from './session.js'
export type {
  ConversationRelayCounts,
  ConversationRelayEnd,
  ConversationRelayEvents,
  ConversationRelaySessionOptions,
  ConversationRelayState,
  RelayCallOptions,
} from './session-options.js'
export type { RelayAgentTurn, RelayCallerTurn, RelayTranscriptTurn } from './transcript.js'
