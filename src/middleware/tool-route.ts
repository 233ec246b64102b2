/**
 * Tools over HTTP: server tools of ElevenLabs, whose body is exactly the tool's parameters, and the older `tool_call` event.
 *
 * @module
 */
import { CONVERSATION_ID_PARAMETER } from '../agent-tools/definitions.js'
import type { ToolAnswer } from '../agent-tools/tool.js'
import { admittedCall, type CallHints, type ElevenLabsRouteContext } from './elevenlabs-options.js'
import { failure, jsonResponse, type HostResponse } from './host-request.js'

/**
 * Runs a server tool. Whatever comes of it, the answer is a 200 that the model reads: to a failure of HTTP it would have nothing to say. Only a
 * request that belongs to no tenant is refused as one.
 */
export async function answerTool(
  toolName: string,
  json: unknown,
  query: URLSearchParams,
  context: ElevenLabsRouteContext,
): Promise<HostResponse> {
  const body = (typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {}) as Record<
    string,
    unknown
  >
  const { [CONVERSATION_ID_PARAMETER]: conversationId, ...parameters } = body
  const hints: CallHints = {
    conversationId: textOf(conversationId),
    tenantId: query.get('tenantId') ?? undefined,
  }
  return run(toolName, Array.isArray(json) || typeof json === 'string' ? json : parameters, hints, context)
}

/** Answers the older event: `{ event: 'tool_call', data: { tool_name, parameters }, agentId, sessionId }`. */
export async function answerLegacyToolCall(
  event: Readonly<Record<string, unknown>>,
  context: ElevenLabsRouteContext,
): Promise<HostResponse> {
  const data = (typeof event.data === 'object' && event.data !== null ? event.data : {}) as Record<string, unknown>
  const toolName = textOf(data.tool_name)
  if (toolName === undefined || !context.options.tools) {
    return jsonResponse(200, failure('There is no such tool.', 'UNKNOWN_TOOL'))
  }
  const hints: CallHints = {
    conversationId: textOf(data.conversation_id) ?? textOf(event.sessionId) ?? textOf(event.conversation_id),
    agentId: textOf(event.agentId) ?? textOf(event.agent_id) ?? textOf(data.agent_id),
    tenantId: textOf(data.tenant_id) ?? textOf(event.tenantId),
  }
  return run(toolName, data.parameters, hints, context)
}

async function run(
  toolName: string,
  parameters: unknown,
  hints: CallHints,
  context: ElevenLabsRouteContext,
): Promise<HostResponse> {
  const { options, logger } = context
  const call = await admittedCall(context, hints)
  if ('status' in call) return call
  const { tenantId, callSid, remoteNumber } = call
  const answer: ToolAnswer =
    (await options.tools?.run({
      toolName,
      parameters,
      context: {
        tenantId,
        call: { callSid, remoteNumber, conversationId: hints.conversationId, agentId: hints.agentId },
      },
    })) ?? failure('There is no such tool.', 'UNKNOWN_TOOL')
  logger.debug('A tool was called over HTTP', { toolName, tenantId })
  return jsonResponse(200, answer)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 256 ? value : undefined
}
