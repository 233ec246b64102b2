/**
 * Everything that ElevenLabs sends over HTTP: what happened in a conversation, the question at its start, server tools, and the routes
 * of a receptionist's services and appointments.
 *
 * @module
 */
import { systemClock } from '../core/clock.js'
import { maskingLogger, silentLogger } from '../core/logger.js'
import { LATE, within } from '../core/within.js'
import { ELEVENLABS_MAX_BODY_BYTES, readJson } from '../webhooks/body.js'
import { readEventBody } from '../webhooks/event-body.js'
import type { WebhookRefusal } from '../webhooks/verdict.js'
import { appointmentRoute, servicesRoute } from './appointment-routes.js'
import { elevenLabsProof } from './elevenlabs-auth.js'
import { receiveEvent } from './elevenlabs-events.js'
import { answerInitiation } from './elevenlabs-initiation.js'
import { memoryClaims } from './event-claims.js'
import { Gate } from './gate.js'
import type { ElevenLabsHandlerOptions, ElevenLabsRoute, ElevenLabsRouteContext } from './elevenlabs-options.js'
import { failure, jsonResponse, type HostHandler, type HostRequest, type HostResponse } from './host-request.js'
import { answerTool } from './tool-route.js'

const DEFAULT_PATHS: Readonly<Record<ElevenLabsRoute, string>> = {
  events: '/elevenlabs/events',
  initiation: '/elevenlabs/initiation',
  services: '/elevenlabs/services',
  appointments: '/elevenlabs/appointments',
  tools: '/elevenlabs/tools',
}

/** The paths of the multi-tenant receptionist, below `/api`. */
export const RECEPTIONIST_PATHS: Readonly<Record<ElevenLabsRoute, string>> = {
  events: '/ai/webhook/elevenlabs',
  initiation: '/webhooks/elevenlabs/conversation-initiation',
  services: '/webhooks/elevenlabs/services',
  appointments: '/webhooks/elevenlabs/appointments',
  tools: '/webhooks/elevenlabs/tools',
}

/** What is not an event is small. In bytes. */
const MAX_REQUEST_BYTES = 256 * 1024
/** An event up to this length does not wait for the large ones. */
const SMALL_EVENT_BYTES = 1024 * 1024
const MAX_WAITING_EVENTS = 16
/** How long a large event keeps its place while the host works on it. */
const MAX_HOLD_MS = 60_000
const DEFAULT_BODY_TIMEOUT_MS = 30_000

/**
 * Makes the handler.
 *
 * A request that proves nothing is answered with 401 and nothing else; why goes to the log.
 *
 * @throws TypeError when no way to prove anything is given.
 */
export function createElevenLabsHandler(options: ElevenLabsHandlerOptions): HostHandler {
  const { clock = systemClock, maxEventBytes = ELEVENLABS_MAX_BODY_BYTES, maxLargeEvents = 2 } = options
  const { bodyTimeoutMs = DEFAULT_BODY_TIMEOUT_MS } = options
  checkLimits({ maxEventBytes, maxLargeEvents, bodyTimeoutMs, ...timeoutsOf(options) })
  const logger = maskingLogger(options.logger ?? silentLogger)
  const proof = elevenLabsProof(options.auth, clock, maxEventBytes)
  const paths = { ...DEFAULT_PATHS, ...options.paths }
  const claims = options.claims ?? memoryClaims()
  const context: ElevenLabsRouteContext = { options, clock, logger, claims, atWork: new Map() }
  const gate = new Gate({ places: maxLargeEvents, maxWaiting: MAX_WAITING_EVENTS })

  type Route = (json: unknown, query: URLSearchParams) => Promise<HostResponse>
  const routes: readonly (readonly [path: string, method: string, route: Route | undefined])[] = [
    [paths.initiation, 'POST', options.onInitiation && ((json) => answerInitiation(json, context))],
    [paths.services, 'GET', options.scheduling && ((_json, query) => servicesRoute(query, context))],
    [paths.appointments, 'POST', options.scheduling && ((json, query) => appointmentRoute(json, query, context))],
  ]

  function refused(verdict: WebhookRefusal): HostResponse {
    logger.warn('A request in the name of ElevenLabs was refused', { code: verdict.code, reason: verdict.reason })
    return verdict.code === 'webhook_payload_invalid' ? INVALID : UNAUTHORIZED
  }

  /** The body of a request that proved itself, or the answer to one that did not. */
  async function provenBody(
    request: HostRequest,
    maxBytes: number,
  ): Promise<{ readonly bytes: Uint8Array | string } | HostResponse> {
    if (!proof.isClaimed(request)) return refused(proof.missing)
    const body =
      request.method === 'GET' ? { bytes: '' } : await within(clock, bodyTimeoutMs, request.readBody(maxBytes))
    if (body === LATE) return TOO_SLOW
    if ('problem' in body) return body.problem === 'too-large' ? tooLarge(maxBytes) : ALREADY_PARSED
    const verdict = proof.prove(request, body.bytes)
    return verdict.ok ? body : refused(verdict)
  }

  async function answerSmall(request: HostRequest, route: Route): Promise<HostResponse> {
    const body = await provenBody(request, MAX_REQUEST_BYTES)
    if ('status' in body) return body
    const read = body.bytes.length === 0 ? { ok: true as const, json: undefined } : readJson(body.bytes)
    if (!read.ok) return refused(read)
    return route(read.json, new URLSearchParams(request.target.split('?', 2)[1] ?? ''))
  }

  async function answerEvent(request: HostRequest): Promise<HostResponse> {
    const length = Number(request.header('content-length') ?? NaN)
    if (length <= SMALL_EVENT_BYTES) return takeEvent(request, Math.min(SMALL_EVENT_BYTES, maxEventBytes))
    if (length > maxEventBytes) return tooLarge(maxEventBytes)
    if (!proof.isClaimed(request)) return refused(proof.missing)
    const leave = await gate.enter()
    if (!leave) return BUSY
    let work: Promise<unknown> | undefined
    try {
      return await takeEvent(request, maxEventBytes, (later) => {
        work = later
      })
    } finally {
      // The body is in memory for as long as the host works on it.
      if (work) void within(clock, MAX_HOLD_MS, work).then(leave, leave)
      else leave()
    }
  }

  async function takeEvent(
    request: HostRequest,
    maxBytes: number,
    hold?: (work: Promise<unknown>) => void,
  ): Promise<HostResponse> {
    const body = await provenBody(request, maxBytes)
    if ('status' in body) return body
    const read = readEventBody(body.bytes)
    return read.ok ? receiveEvent(read, context, hold) : refused(read)
  }

  return async (request) => {
    const path = request.target.split('?', 1)[0] ?? '/'
    const isEvent = path === paths.events && path !== ''
    const found = routes.find(([at, , route]) => at !== '' && at === path && route)
    const toolName = toolNameIn(path, paths.tools)
    const [, method, route] = found ?? [undefined, 'POST', options.tools && toolName !== undefined
      ? (json: unknown, query: URLSearchParams) => answerTool(toolName, json, query, context)
      : undefined] // prettier-ignore
    if (!route && !isEvent) return undefined
    if (request.method !== (isEvent ? 'POST' : method)) {
      return { ...METHOD_NOT_ALLOWED, headers: { allow: isEvent ? 'POST' : method } }
    }
    try {
      return isEvent || !route ? await answerEvent(request) : await answerSmall(request, route)
    } catch (error) {
      logger.error('A request of ElevenLabs could not be answered', { path, error })
      return jsonResponse(500, failure('Internal error', 'INTERNAL_ERROR'))
    }
  }
}

function timeoutsOf(options: ElevenLabsHandlerOptions): Record<string, number> {
  const { eventTimeoutMs = 1, initiationTimeoutMs = 1, lookupTimeoutMs = 1 } = options
  return { eventTimeoutMs, initiationTimeoutMs, lookupTimeoutMs }
}

function checkLimits(limits: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${name} must be a positive number, got ${value}`)
  }
}

const UNAUTHORIZED = jsonResponse(401, failure('Unauthorized', 'UNAUTHORIZED'))
const INVALID = jsonResponse(400, failure('The body is no JSON', 'VALIDATION_ERROR'))
const METHOD_NOT_ALLOWED = jsonResponse(405, failure('Method not allowed', 'METHOD_NOT_ALLOWED'))
const TOO_SLOW = jsonResponse(408, failure('The body did not arrive in time', 'BODY_TIMEOUT'))
const BUSY = {
  ...jsonResponse(503, failure('Too many large events at once. Send it again later.', 'BUSY')),
  headers: { 'retry-after': '30' },
}
const ALREADY_PARSED = jsonResponse(
  500,
  failure('A body parser ran before the signature was checked: mount callweave before it', 'BODY_ALREADY_PARSED'),
)

function tooLarge(maxBytes: number): HostResponse {
  return jsonResponse(413, failure(`The body is larger than ${maxBytes} bytes. Send less.`, 'BODY_TOO_LARGE'))
}

function toolNameIn(path: string, base: string): string | undefined {
  if (base === '' || !path.startsWith(`${base}/`)) return undefined
  const name = path.slice(base.length + 1)
  return /^[A-Za-z0-9_-]{1,64}$/.test(name) ? name : undefined
}
