/**
 * ElevenLabs agents: the conversation client and the REST calls.
 *
 * @module
 */
export { ElevenLabsApi } from './api.js'
export type {
  ApiCallOptions,
  ElevenLabsApiOptions,
  RegisterCallRequest,
  RegisteredCall,
  SignedUrlRequest,
  WireObject,
} from './api.js'
export type { AgentRecord, ConversationRecord, SignedUrl, ToolRecord, UserRecord } from './api-records.js'
export { conversationError, type ErrorFrame } from './close-codes.js'
export { connectConversation, type AgentAddress, type ConnectConversationOptions } from './connect.js'
export { Conversation } from './conversation.js'
export type { AudioFormats, ConversationEnd, ConversationEvents, ConversationMetadata } from './conversation-events.js'
export type {
  AudioHandler,
  AudioTranscoder,
  ConversationCounters,
  ConversationHandlers,
  ConversationOptions,
  ConversationState,
} from './conversation-options.js'
export type { ConversationInitiation, ConversationOverrides, DynamicVariables } from './initiation.js'
export {
  encodeClientMessage,
  encodeInitiation,
  encodeServerMessage,
  parseClientMessage,
  parseServerMessage,
} from './messages.js'
export type { AudioAlignment, ClientMessage, ServerMessage, ServerMessageOf, UnknownServerMessage } from './messages.js'
export type { ClientToolCall, ClientToolResult, ToolCallHandler } from './tool-calls.js'
export {
  describeChanges,
  provisionAgent,
  provisionWorkspace,
  REQUIRED_CLIENT_EVENTS,
  type InitiationWebhook,
  type PostCallWebhook,
  type ProvisionChange,
  type Provisioned,
  type ProvisionOptions,
  type ProvisionWorkspaceOptions,
} from './provision.js'
export { encodeUserAudio } from './user-audio.js'
