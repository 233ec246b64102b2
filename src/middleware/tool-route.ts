/**
 * Tools over HTTP: server tools of ElevenLabs, whose body is exactly the tool's parameters, and the older `tool_call` event.
 *
 * @module
 */
import { CONVERSATION_ID_PARAMETER } from '../agent-tools/definitions.js'
import { NO_OBJECT_SENTENCE } from '../agent-tools/parameters.js'
import type { ToolAnswer } from '../agent-tools/tool.js'
import { admittedCall, type CallHints, type ElevenLabsRouteContext } from './elevenlabs-options.js'
import { failure, jsonResponse, type HostResponse } from './host-request.js'

const NO_OBJECT = jsonResponse(200, failure(NO_OBJECT_SENTENCE, 'VALIDATION_ERROR'))

/**
 * Runs a server tool. Whatever comes of it, the answer is a 200 that the model reads: to a failure of HTTP it would have nothing to say. Only a
 * request that belongs to no tenant is refused as one. A body that is no object cannot say whose call it is on: that is the model's mistake,
 * and it is told of it.
 */
export async function answerTool(
  toolName: string,
  json: unknown,
  query: URLSearchParams,
  context: ElevenLabsRouteContext,
): Promise<HostResponse> {
  const body = objectOf(json) ?? objectOf(objectInText(json))
  const { [CONVERSATION_ID_PARAMETER]: conversationId, ...parameters } = body ?? {}
  const hints: CallHints = {
    conversationId: textOf(conversationId),
    tenantId: query.get('tenantId') ?? undefined,
  }
  const answer = await run(toolName, body ? parameters : json, hints, context)
  return answer.status === 404 && !objectOf(json) ? NO_OBJECT : answer
}

/** Answers the older event: `{ event: 'tool_call', data: { tool_name, parameters }, agentId, sessionId }`. */
export async function answerLegacyToolCall(
  event: Readonly<Record<string, unknown>>,
  context: ElevenLabsRouteContext,
): Promise<HostResponse> {
  const data = objectOf(event.data) ?? {}
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

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

/** What a model wrote as text where an object was wanted. */
function objectInText(value: unknown): unknown {
  if (typeof value !== 'string') return undefined
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}
