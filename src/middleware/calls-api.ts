/**
 * Calls over HTTP: the requests and answers that the usual applications have, over the one operation that places a call.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import type { CallPlacer, PlaceCallResult } from '../calls/place-call.js'
import type { PlaceCallRequest } from '../calls/plan.js'
import type { CallStore, LeadStore } from '../storage/store.js'
import { readPhoneNumber } from '../core/phone-number.js'
import { failure, isAt, jsonResponse, type HostHandler, type HostRequest, type HostResponse } from './host-request.js'
import { CALL_ROUTES, type CallRoute, type CallRouteName } from './calls-api-routes.js'

/** Who asks, as the host's own authentication says. */
export interface CallsApiCaller {
  readonly tenantId: string
  /** Who it is within the tenant. Given: sees and calls only its own leads and calls. */
  readonly ownerId?: string
  /** On whose behalf calls are made. Default: the tenant. */
  readonly sellerId?: string
}

/** What the host adds to a call that was asked for. */
export type CallDefaults = Pick<PlaceCallRequest, 'via' | 'recording'> &
  Partial<Omit<PlaceCallRequest, 'tenantId' | 'leadId' | 'attemptId' | 'tryNumber'>>

/** An agent, as far as these routes need it. */
export interface CallableAgent {
  /** The agent's id at ElevenLabs. */
  readonly elevenLabsAgentId: string
}

export interface CallsApiOptions {
  readonly placer: Pick<CallPlacer, 'place'>
  readonly store: Pick<LeadStore, 'findStoredLead' | 'upsertLeadByPhone'> & Pick<CallStore, 'findCall'>
  /**
   * Says who asks: a session, a key, a token. `undefined`: nobody, which is answered with 401. There is no default: these routes spend money and
   * ring at people's homes.
   */
  readonly authorize: (request: Pick<HostRequest, 'method' | 'target' | 'header'>) => CallsApiCaller | undefined | Promise<CallsApiCaller | undefined> // prettier-ignore
  /** What every call of a route has, e.g. its `via`, whether it is recorded, its purpose. */
  readonly defaults: CallDefaults | ((route: CallRouteName, caller: CallsApiCaller) => CallDefaults)
  /** Finds an agent that belongs to the caller; `undefined` is answered with 404. Needed for test and live calls. */
  readonly findAgent?: (agentId: string, caller: CallsApiCaller) => CallableAgent | undefined | Promise<CallableAgent | undefined> // prettier-ignore
  /** Two letters, e.g. `'US'`: where numbers without a country code are. Default: they are refused. */
  readonly defaultCountry?: string
  /** Path → route, in place of {@link CALL_API_PATHS}. */
  readonly paths?: Readonly<Record<string, CallRouteName>>
  readonly logger?: Logger
}

/** The paths of the usual applications. A status has the call's id behind it. */
export const CALL_API_PATHS: Readonly<Record<string, CallRouteName>> = {
  '/api/calls/start-conversationrelay': 'start-call',
  '/api/calls/start-with-media-stream': 'start-media-stream',
  '/agents/test-call': 'test-call',
  '/api/call-initiation/live-call': 'live-call',
  '/api/calls/simple': 'simple-message',
  '/api/calls/menu': 'menu-call',
  '/api/call-initiation/status/': 'status',
}

/** No body that asks for a call is larger, in bytes. */
const MAX_BODY_BYTES = 16 * 1024
const CALL_SID = /^CA[0-9a-f]{32}$/i

/**
 * Makes the handler.
 *
 * Put {@link limitByIp} around it, and mount it behind the host's authentication.
 *
 * @throws TypeError without `authorize`.
 */
export function createCallsApi(options: CallsApiOptions): HostHandler {
  const { authorize, paths = CALL_API_PATHS } = options
  if (typeof (authorize as unknown) !== 'function') throw new TypeError('authorize is needed: it says who asks')
  const logger = maskingLogger(options.logger ?? silentLogger)
  return async (request) => {
    const path = request.target.split('?', 1)[0] ?? '/'
    const name = Object.keys(paths).find((known) => isAt(known, path))
    const route = name === undefined ? undefined : paths[name]
    if (name === undefined || route === undefined) return undefined
    if (request.method !== (route === 'status' ? 'GET' : 'POST')) {
      return jsonResponse(405, failure('Method not allowed', 'METHOD_NOT_ALLOWED'))
    }
    try {
      const caller = await authorize(request)
      if (!caller) return jsonResponse(401, failure('Unauthorized', 'UNAUTHORIZED'))
      if (route === 'status') return await showCall(options, caller, path.slice(name.length))
      return await startCall(options, caller, route, request)
    } catch (error) {
      logger.error('A call that was asked for over HTTP failed', { route, error })
      const code = error instanceof VoiceError ? error.code : 'internal'
      return jsonResponse(500, failure('The call could not be placed', code))
    }
  }
}

async function startCall(
  options: CallsApiOptions,
  caller: CallsApiCaller,
  name: Exclude<CallRouteName, 'status'>,
  request: HostRequest,
): Promise<HostResponse> {
  const body = await request.readBody(MAX_BODY_BYTES)
  if ('problem' in body) {
    return body.problem === 'too-large'
      ? jsonResponse(413, failure('The body is too large', 'BODY_TOO_LARGE'))
      : jsonResponse(400, failure('The body was parsed before: mount callweave before the body parser', 'BODY_PARSED'))
  }
  const json = objectIn(body.bytes)
  if (!json) return jsonResponse(400, failure('The body must be a JSON object', 'VALIDATION_ERROR'))
  const route: CallRoute = CALL_ROUTES[name]
  const fields = route.read(json)
  if ('error' in fields) return jsonResponse(400, failure(fields.error, 'VALIDATION_ERROR'))

  const agent = fields.agentId === undefined ? undefined : await options.findAgent?.(fields.agentId, caller)
  if (fields.agentId !== undefined && !agent) return jsonResponse(404, failure('Agent not found', 'AGENT_NOT_FOUND'))
  const lead = await leadOf(options, caller, fields)
  if ('status' in lead) return lead

  const { defaults } = options
  const given = typeof defaults === 'function' ? defaults(name, caller) : defaults
  const result = await options.placer.place({
    sellerId: caller.tenantId,
    ...(caller.sellerId === undefined ? {} : { sellerId: caller.sellerId }),
    ...given,
    ...(caller.ownerId === undefined ? {} : { ownerId: caller.ownerId }),
    tenantId: caller.tenantId,
    leadId: lead.leadId,
    ...(fields.via === undefined ? {} : { via: fields.via }),
    answer: { ...given.answer, ...(agent ? { agentId: agent.elevenLabsAgentId } : {}), ...fields.answer },
    metadata: { ...given.metadata, initiatedFrom: name, ...fields.metadata },
  })
  return answerOf(result, route, lead.leadId)
}

/** The lead that was named, or the one with the number, made if there is none. Of the caller's, and of nobody else's. */
async function leadOf(
  { store, defaultCountry }: CallsApiOptions,
  { tenantId, ownerId }: CallsApiCaller,
  fields: { readonly leadId?: string; readonly phone?: string; readonly name?: string; readonly notes?: string },
): Promise<{ readonly leadId: string } | HostResponse> {
  const unknown = jsonResponse(404, failure('Lead not found', 'LEAD_NOT_FOUND'))
  const read = fields.phone === undefined ? undefined : readPhoneNumber(fields.phone, defaultCountry)
  if (read?.ok === false) {
    const error = read.reason === 'no-country' ? 'The phone number needs its country code' : 'Invalid phone number'
    return jsonResponse(400, failure(error, 'INVALID_PHONE_NUMBER'))
  }
  if (fields.leadId !== undefined) {
    const lead = await store.findStoredLead({ tenantId, leadId: fields.leadId })
    if (!lead || (ownerId !== undefined && lead.ownerId !== ownerId)) return unknown
    // The number in the lead's record is what is judged and dialled. Another one is a mistake that must not ring at a stranger's.
    const kept = readPhoneNumber(lead.phoneNumber, defaultCountry)
    if (read && (!kept.ok || kept.phoneNumber !== read.phoneNumber)) {
      return jsonResponse(409, failure('The phone number is not the lead’s', 'PHONE_NUMBER_MISMATCH'))
    }
    return { leadId: lead.leadId }
  }
  if (!read) return unknown
  const { leadId } = await store.upsertLeadByPhone({
    tenantId,
    phoneNumber: read.phoneNumber,
    ...(ownerId === undefined ? {} : { ownerId }),
    ...(fields.name === undefined ? {} : { name: fields.name }),
    ...(fields.notes === undefined ? {} : { notes: fields.notes }),
  })
  return { leadId }
}

/** What came of it. A refusal of the policy is told by its checks; what a vendor said stays in the log. */
function answerOf(result: PlaceCallResult, route: CallRoute, leadId: string): HostResponse {
  switch (result.outcome) {
    case 'placed':
      return jsonResponse(200, route.show(result, leadId))
    case 'refused': {
      const { failedChecks, nextAllowedAt } = result.decision
      return jsonResponse(403, {
        ...failure('The call is not allowed', 'CALL_REFUSED'),
        failedChecks,
        nextAllowedAt: nextAllowedAt === null ? null : new Date(nextAllowedAt).toISOString(),
      })
    }
    case 'failed':
      return jsonResponse(502, {
        ...failure(result.failure.meaning, result.failure.action === 'flag-lead' ? 'INVALID_PHONE_NUMBER' : 'CALL_FAILED'), // prettier-ignore
        retryAt: result.retryAt === undefined ? null : new Date(result.retryAt).toISOString(),
      })
    case 'submission-unknown':
    case 'in-progress':
      return jsonResponse(202, { success: true, callSid: null, attemptId: result.attemptId, status: result.outcome })
  }
}

async function showCall(
  { store }: CallsApiOptions,
  { tenantId, ownerId }: CallsApiCaller,
  callSid: string,
): Promise<HostResponse> {
  const call = CALL_SID.test(callSid) ? await store.findCall({ tenantId, callSid }) : undefined
  if (!call || (ownerId !== undefined && call.ownerId !== ownerId)) {
    return jsonResponse(404, failure('Call not found', 'CALL_NOT_FOUND'))
  }
  const lead = call.leadId === null ? undefined : await store.findStoredLead({ tenantId, leadId: call.leadId })
  return jsonResponse(200, {
    success: true,
    call: {
      _id: callSid,
      status: call.callStatus,
      duration: call.durationS,
      durationMinutes: call.durationMinutes,
      cost: call.cost,
      outcome: call.outcome,
      agentId: call.agentId === null ? null : { _id: call.agentId },
      leadId: lead ? { _id: lead.leadId, name: lead.name } : null,
      metadata: call.metadata,
    },
  })
}

function objectIn(bytes: Uint8Array | string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes))
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : undefined // prettier-ignore
  } catch {
    return undefined
  }
}
