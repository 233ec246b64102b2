/**
 * The question that ElevenLabs asks while the telephone rings: which variables and overrides this call has.
 *
 * @module
 */
import { ProtocolError } from '../core/errors.js'
import { LATE, within } from '../core/within.js'
import { parseInitiationRequest } from '../webhooks/payloads.js'
import type { CallHints, ElevenLabsRouteContext } from './elevenlabs-options.js'
import { failure, jsonResponse, type HostResponse } from './host-request.js'

const DEFAULT_TIMEOUT_MS = 1500

/** Answers in time, or says so. */
export async function answerInitiation(json: unknown, context: ElevenLabsRouteContext): Promise<HostResponse> {
  const { options, clock, logger } = context
  const { onInitiation, initiationTimeoutMs = DEFAULT_TIMEOUT_MS } = options
  if (!onInitiation) return jsonResponse(404, failure('Not found', 'NOT_FOUND'))
  let hints: CallHints
  try {
    hints = await hintsOfInitiation(json)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return jsonResponse(400, failure(error.message, 'VALIDATION_ERROR'))
  }
  const asked = (async () => ({ body: await onInitiation(hints, await options.findCall(hints)) }))()
  const outcome = await within(clock, initiationTimeoutMs, asked)
  if (outcome !== LATE) return jsonResponse(200, outcome.body)
  logger.error('The initiation webhook was not answered in time', { callSid: hints.callSid, initiationTimeoutMs })
  return jsonResponse(503, failure('No answer in time', 'TIMEOUT'))
}

/** The vendor's shape, or the older one that carries variables. */
async function hintsOfInitiation(json: unknown): Promise<CallHints> {
  const { dynamic_variables: variables } = (json ?? {}) as { dynamic_variables?: unknown }
  const request = await parseInitiationRequest(json)
  const given = (typeof variables === 'object' && variables !== null ? variables : {}) as Record<string, unknown>
  const text = (name: string): string | undefined => {
    const value = given[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  return {
    agentId: request.agent_id,
    conversationId: request.conversation_id,
    callSid: request.call_sid ?? text('call_sid'),
    callerNumber: request.caller_id ?? text('caller_number'),
    calledNumber: request.called_number,
    tenantId: text('tenant_id'),
  }
}
