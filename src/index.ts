/**
 * The front door: the names that most users need.
 *
 * @module
 */
export {
  createVoice,
  Voice,
  type AnswerPlan,
  type IncomingCall,
  type LiveCall,
  type ToolContext,
  type ToolHandler,
  type VoiceEvents,
  type VoiceOptions,
} from './voice.js'
export type { CallAbilities, CallChange, CallControl, TransferOptions } from './front/call-control.js'
export type { TurnEvents } from './front/call-events.js'
export type { CallToolsOptions, Destination } from './front/call-tools.js'
export type { AnswerLimits } from './front/caller-limits.js'
export type { VoiceTools } from './front/client-tools.js'
export type { CallbackRequested, OptedOut } from './front/context.js'
export type { ElevenLabsRoutesOptions } from './front/elevenlabs-routes.js'
export type { MenuKey, MenuOptions } from './front/menu.js'
export type { OptOutOptions } from './front/opt-outs.js'
export type { EventOptions } from './front/options.js'
export { PATH_PRESETS, type PathPreset, type VoicePaths, type VoiceRoute } from './front/paths.js'
export type { OnRecording, ProcessedRecording } from './front/recordings.js'
export type { AnsweringTenant, FindTenant } from './front/tenants.js'
export type { ComplianceOptions, PlacedAnswer, VoiceCallRequest, VoiceCalls } from './front/voice-calls.js'
export type { BridgePlan, RegisterCallPlan, RelayOutcome, RelayPlan, SayPlan } from './front/answer-plan.js'
export type { AnswerWaysEvents, LiveRelayCall } from './front/answer-ways.js'
export type { RelayAttributes } from './front/relay-twiml.js'
export { parseConfig, type ParseConfigOptions, type VoiceConfig } from './config.js'
export { loadConfigFromEnv, type LoadConfigOptions } from './from-env.js'
export { scaledClock, systemClock, type Clock, type TimerHandle } from './core/clock.js'
export {
  ConfigError,
  ProtocolError,
  SignatureError,
  VendorError,
  VoiceError,
  type VoiceErrorCode,
} from './core/errors.js'
export { silentLogger, type Logger, type LogFields } from './core/logger.js'
export type { BridgeEnd, BridgeEndReason, BridgeStats } from './bridge/bridge-end.js'
export type { AgentTurn, CallerTurn, Turn } from './bridge/turns.js'
