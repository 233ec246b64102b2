/**
 * TwiML as typed data.
 *
 * @module
 */
export { MAX_INLINE_TWIML_CHARS, response, toInlineTwiml, type TwimlDocument, type Verb } from './response.js'
export {
  emphasis,
  lang,
  paragraph,
  pause,
  phoneme,
  play,
  playDigits,
  prosody,
  say,
  sayAs,
  sentence,
  speechBreak,
  substitute,
  word,
  type BreakAttributes,
  type PhonemeAttributes,
  type PlayAttributes,
  type ProsodyAttributes,
  type SayAsAttributes,
  type SayAttributes,
  type SpeechMarkup,
} from './speech.js'
export { gather, type GatherAttributes, type GatherPrompt } from './gather.js'
export {
  echo,
  enqueue,
  hangup,
  leave,
  queue,
  record,
  redirect,
  refer,
  reject,
  sms,
  task,
  type EnqueueAttributes,
  type QueueAttributes,
  type RecordAttributes,
  type SmsAttributes,
} from './call-control.js'
export {
  application,
  client,
  conference,
  dial,
  number,
  sim,
  sip,
  sipUri,
  whatsApp,
  type ApplicationAttributes,
  type ClientAttributes,
  type ConferenceAttributes,
  type DialAttributes,
  type DialNoun,
  type NumberAttributes,
  type SipAttributes,
  type SipUriAttributes,
} from './dial.js'
export {
  aiSession,
  connect,
  conversation,
  conversationRelaySession,
  room,
  virtualAgent,
  type AiSessionAttributes,
  type ConnectAttributes,
  type ConnectNoun,
  type ConversationAttributes,
  type ConversationRelaySessionAttributes,
  type VirtualAgentAttributes,
} from './connect.js'
export { namedStream, stream, type StreamAttributes, type StreamElement, type StreamTrack } from './stream.js'
export {
  recording,
  siprec,
  start,
  stop,
  transcription,
  type RecordingAttributes,
  type SiprecAttributes,
  type StartAttributes,
  type StartNoun,
  type StopNoun,
  type TranscriptionAttributes,
} from './start.js'
export { pay, prompt, type PayAttributes, type PromptAttributes } from './pay.js'
export {
  conversationRelay,
  type ConversationRelayAttributes,
  type Interruptible,
  type RelayLanguage,
  type TranscriptionProvider,
  type TtsProvider,
} from './connect-relay.js'
export { elevenLabsVoice, type ElevenLabsVoice } from './elevenlabs-voice.js'
export { PHASE_PROFILES, relayProfile, type PhaseProfile, type RelayProfile } from './relay-profiles.js'
export {
  LANGUAGES,
  PROPERTY_FIRST_MESSAGE,
  chooseLanguage,
  fillTemplate,
  findLanguage,
  resolveLanguage,
  type LanguageConfig,
} from './relay-languages.js'
export {
  PRESET_TEXTS,
  agentFailureResponse,
  inboundProblemResponse,
  mediaStreamResponse,
  menuResponse,
  messageResponse,
  technicalDifficultyResponse,
  type InboundProblem,
  type MediaStreamResponseOptions,
  type MenuResponseOptions,
  type MessageResponseOptions,
  type PresetOptions,
  type PresetTexts,
} from './presets.js'
export { withoutSecrets, type Parameters } from './parameters.js'
export { extraElement, type Extra, type ExtraElement } from './element.js'
export type { TwimlElement } from './xml.js'
