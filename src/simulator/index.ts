/**
 * The other side of a phone call, for tests and for trying things out: Twilio, ElevenLabs, and the people on the line.
 *
 * {@link TwilioSimulator} dials, fetches TwiML with signed webhooks, opens media sockets and plays what it is sent.
 * {@link ElevenLabsSimulator} answers its REST API and its agent socket, and takes turns by the sound that arrives. Both are
 * told what the people do as plain data, and `verify()` says whether it went so. Hand both, and the app, one `Clock`.
 *
 * @see docs/guides/simulator.md
 *
 * @module
 */
export {
  TwilioSimulator,
  type Callee,
  type InboundCallOptions,
  type TwilioSimulatorEvents,
  type TwilioSimulatorOptions,
} from './twilio/twilio-simulator.js'
export { SimulatedCall, type CallEnd, type HangUpBy, type WebhookRecord } from './twilio/simulated-call.js'
export { type CallBehaviour } from './twilio/call-behaviour.js'
export { type CallerStep } from './twilio/caller-script.js'
export { type StreamCounters, type StreamEnd, type MediaStreamLeg } from './twilio/media-stream-leg.js'
export { type RelayCounters, type RelayLeg, type RelayLegEnd } from './twilio/relay-leg.js'
export { type RelayInput, type RelaySettings } from './twilio/relay-settings.js'
export { type HeardSpeech } from './twilio/relay-speech.js'
export { type StreamFaults, type StreamMoment } from './twilio/stream-faults.js'
export { type CallProgressEvent, type StatusCallbackFaults } from './twilio/status-callbacks.js'
export { type DialOutcome } from './twilio/twiml-host.js'
export { type PublicHosts } from './twilio/public-hosts.js'
export { type Recording } from './twilio/recorder.js'
export { type SpeakText } from './twilio/prompt-audio.js'
export { type TimelineEntry, type TimelineKind } from './twilio/timeline.js'
export { type Violation, type ViolationCode } from './twilio/violations.js'
export { type CallDirection, type CallStatus } from './twilio/voice-parameters.js'
export { type WebhookPurpose } from './twilio/webhook-sender.js'
export { ElevenLabsSimulator } from './elevenlabs/simulator.js'
export type { ElevenLabsSimulatorOptions, ReceivedRequest } from './elevenlabs/simulator.js'
export { DEFAULT_CLIENT_EVENTS } from './elevenlabs/agent.js'
export type { AllowedOverrides, SimulatedAgentOptions } from './elevenlabs/agent.js'
export type { AgentAudioFormat } from './elevenlabs/audio-format.js'
export type { ClientMessage, InitiationMessage } from './elevenlabs/client-messages.js'
export { SimulatedConversation } from './elevenlabs/conversation.js'
export type { ElevenLabsViolation, SimulatedConversationEvents } from './elevenlabs/conversation.js'
export type {
  CloseFault,
  ConversationFault,
  FaultAction,
  FaultMoment,
  HangFault,
  RefuseFault,
  SendFault,
  TerminateFault,
} from './elevenlabs/faults.js'
export type { InitiationQuestion, InitiationReply } from './elevenlabs/initiation-question.js'
export type { PostCallWebhookOptions, WebhookDelivery, WebhookSigning } from './elevenlabs/post-call.js'
export type { ParameterFault, ToolEndpoint } from './elevenlabs/server-tools.js'
export type { RecordedEnd, TranscriptTurn } from './elevenlabs/record.js'
export type { RestErrorShape, RestFault } from './elevenlabs/rest-answer.js'
export type {
  AgentStep,
  CallToolStep,
  EndCallStep,
  Heard,
  Reply,
  ReplyFunction,
  SayStep,
  Script,
  ScriptContext,
  ScriptedTurn,
  SimulatedToolResult,
  Speech,
  UseToolStep,
  WaitStep,
} from './elevenlabs/script.js'
export { syntheticSpeech } from './elevenlabs/utterance.js'
export type { Utterance } from './elevenlabs/utterance.js'
