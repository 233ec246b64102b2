/**
 * What a conversation tells: its events, and how it starts and ends.
 *
 * @module
 */
import type { VendorError } from '../core/errors.js'
import type { ServerMessageOf } from './messages.js'
import type { ClientToolCall, ClientToolResult } from './tool-calls.js'

/** What the agent hears and what it speaks: `ulaw_8000` or `pcm_16000` and its like; `none` where there is no audio. */
export interface AudioFormats {
  readonly input: string
  readonly output: string
}

/** What is known once the agent has started. */
export interface ConversationMetadata {
  readonly conversationId: string
  readonly formats: AudioFormats
}

/** How a conversation ended. */
export interface ConversationEnd {
  readonly reason: 'agent-ended' | 'closed-by-us' | 'failed'
  /** What broke when the reason is `failed`; `retry` says whether a new conversation can help. */
  readonly error: VendorError | undefined
  readonly closeCode: number
  /** In the vendor's words. May hold anything: show it to nobody unread. */
  readonly closeReason: string
  /** The agent used its `end_call` tool: what it has said is a goodbye, to be heard before the hang-up. */
  readonly endCallRequested: boolean
  readonly conversationId: string | undefined
}

/** What happens in a conversation. Text and parameters are what people said: keep them out of logs. */
export interface ConversationEvents {
  /** The agent has started, and hears what is sent. */
  ready: [metadata: ConversationMetadata]
  /** The agent's turn as text. Its audio goes to `onAudio`, before or after. */
  agentResponse: [response: ServerMessageOf<'agentResponse'>]
  /** What of an interrupted turn was spoken, as far as ElevenLabs knows. */
  agentResponseCorrection: [correction: ServerMessageOf<'agentResponseCorrection'>]
  /** A piece of the agent's text as it is written; in text-only conversations, and where the agent is set to send it. */
  agentResponsePart: [part: ServerMessageOf<'agentResponsePart'>]
  /** The agent has said all of its turn. */
  agentResponseComplete: [complete: ServerMessageOf<'agentResponseComplete'>]
  /** What a custom model attached to its response. */
  agentResponseMetadata: [metadata: ServerMessageOf<'agentResponseMetadata'>]
  /** A piece of the model's reasoning. Experimental at ElevenLabs. */
  agentReasoningPart: [part: ServerMessageOf<'agentReasoningPart'>]
  /** What the agent may be about to say. */
  tentativeAgentResponse: [response: ServerMessageOf<'tentativeAgentResponse'>]
  /** The agent types, in a conversation by text. */
  agentTyping: [typing: ServerMessageOf<'agentTyping'>]
  /** What the caller said. */
  userTranscript: [transcript: ServerMessageOf<'userTranscript'>]
  /** What the caller seems to be saying. */
  tentativeUserTranscript: [transcript: ServerMessageOf<'tentativeUserTranscript'>]
  /** The caller talks over the agent: drop what was not heard yet. Audio of that turn comes no more. */
  interruption: [interruption: ServerMessageOf<'interruption'>]
  /** The agent asks for a tool; `onToolCall` is about to run. */
  toolCall: [call: ClientToolCall]
  /** The agent got its answer. */
  toolResult: [result: ClientToolResult]
  /** The agent uses one of its own tools, `end_call` among them. */
  agentToolRequest: [request: ServerMessageOf<'agentToolRequest'>]
  /** One of the agent's own tools answered. */
  agentToolResponse: [response: ServerMessageOf<'agentToolResponse'>]
  /** The same with the whole answer; another setting of the agent. */
  agentToolResult: [result: ServerMessageOf<'agentToolResult'>]
  /** The agent uses a tool of an MCP server; `awaiting_approval` asks for `sendMcpToolApproval`. */
  mcpToolCall: [call: ServerMessageOf<'mcpToolCall'>]
  /** Which MCP servers the agent reaches. */
  mcpConnectionStatus: [status: ServerMessageOf<'mcpConnectionStatus'>]
  /** How likely it is that the caller speaks, 0 to 1. */
  vadScore: [vad: ServerMessageOf<'vadScore'>]
  /** How likely it is that the caller's turn is over, 0 to 1. Internal to ElevenLabs. */
  turnProbability: [turn: ServerMessageOf<'turnProbability'>]
  /** How full the model's context is. */
  contextUsage: [usage: ServerMessageOf<'contextUsage'>]
  /** Something about the speech recognition. Carries nothing that is documented. */
  asrMetadata: [metadata: ServerMessageOf<'asrMetadata'>]
  /** One of the agent's guardrails stepped in. */
  guardrailTriggered: [guardrail: ServerMessageOf<'guardrailTriggered'>]
  /** Something to show, in a conversation on a screen. */
  richContent: [content: ServerMessageOf<'richContent'>]
  /** A person took over from the agent. */
  externalAgentConnected: [connected: ServerMessageOf<'externalAgentConnected'>]
  /** The person left again. */
  externalAgentDisconnected: [disconnected: ServerMessageOf<'externalAgentDisconnected'>]
  /** The agent wants tones played. ElevenLabs does not document what it carries. */
  dtmfRequest: [request: ServerMessageOf<'dtmfRequest'>]
  /** The conversation waits for a free agent (`waiting`), has one (`admitted`), or has waited too long (`timed_out`). */
  queueStatus: [status: ServerMessageOf<'queueStatus'>]
  /** ElevenLabs reported an error. A close normally follows; `ended` tells it again. */
  vendorError: [error: VendorError]
  /** A message came of a type that this version does not know. It is ignored. */
  unknown: [type: string]
  /** It is over. Comes once, last. */
  ended: [end: ConversationEnd]
}
