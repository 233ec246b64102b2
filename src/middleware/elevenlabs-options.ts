/**
 * What the routes of ElevenLabs are told by the host.
 *
 * @module
 */
import type { Scheduling } from '../agent-tools/scheduling.js'
import type { ToolRegistry } from '../agent-tools/registry.js'
import type { AgentToolContext } from '../agent-tools/tool.js'
import type { Clock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import { LATE, within } from '../core/within.js'
import type { ElevenLabsWebhook } from '../webhooks/elevenlabs-payloads.js'
import type { EventAudio } from '../webhooks/event-body.js'
import type { ElevenLabsAuth } from './elevenlabs-auth.js'
import type { EventClaims } from './event-claims.js'
import { failure, jsonResponse, type HostResponse } from './host-request.js'

/** The routes by name. */
export type ElevenLabsRoute = 'events' | 'initiation' | 'services' | 'appointments' | 'tools'

/** What is known of a call when ElevenLabs speaks about it. */
export interface KnownCall extends Pick<AgentToolContext, 'tenantId'> {
  readonly callSid?: string | undefined
  /** The person at the other end. */
  readonly remoteNumber?: string | undefined
}

/** What a request says of itself, to find its call and its tenant by. All of it is the sender's word. */
export interface CallHints {
  readonly conversationId?: string | undefined
  readonly callSid?: string | undefined
  readonly agentId?: string | undefined
  /** The number that was called. */
  readonly calledNumber?: string | undefined
  readonly callerNumber?: string | undefined
  readonly tenantId?: string | undefined
}

/** An event that came for the first time, and the call that it is about. */
export interface ReceivedElevenLabsEvent {
  readonly event: ElevenLabsWebhook
  /** `undefined` when nobody knows the call. */
  readonly call: KnownCall | undefined
  /**
   * The sound of a `post_call_audio`, as a stream of MP3; the event's own `full_audio` makes a second copy of it when it is read. Its
   * bytes are held until {@link ElevenLabsHandlerOptions.onEvent} has ended.
   */
  readonly audio?: EventAudio | undefined
}

export interface ElevenLabsHandlerOptions {
  readonly auth: ElevenLabsAuth
  /**
   * Which call and which tenant a request is about. Asked with everything that the request says; answer from your own records.
   * `undefined` refuses what needs a tenant. Longer than {@link lookupTimeoutMs} fails the request.
   */
  readonly findCall: (hints: CallHints) => KnownCall | undefined | Promise<KnownCall | undefined>
  /**
   * Takes an event, once. Keep it before you return: ElevenLabs is answered after that, with 200, or with 500 when you throw, so that a webhook
   * with retries switched on comes again. After {@link eventTimeoutMs} it is answered 200 while you go on.
   */
  readonly onEvent?: (received: ReceivedElevenLabsEvent) => void | Promise<void>
  /**
   * Where an event that comes twice is told from a new one. Default: the memory of this process; several processes behind one address
   * need `storeEventClaims`.
   */
  readonly claims?: EventClaims
  /** How long ElevenLabs waits for {@link onEvent}, in milliseconds. Default 5000. */
  readonly eventTimeoutMs?: number
  /**
   * Answers the initiation webhook: the body, as `initiationAnswer` makes it. Within {@link initiationTimeoutMs}, for somebody's telephone
   * is ringing.
   */
  readonly onInitiation?: (hints: CallHints, call: KnownCall | undefined) => unknown
  /** Default 1500. Then the request fails with 503 and ElevenLabs decides. */
  readonly initiationTimeoutMs?: number
  /** How long {@link findCall} and {@link scheduling} may take for one request, in milliseconds. Default 5000. */
  readonly lookupTimeoutMs?: number
  readonly tools?: ToolRegistry
  readonly scheduling?: Scheduling
  /** Paths below the mount point. An empty text leaves a route out. */
  readonly paths?: Partial<Record<ElevenLabsRoute, string>>
  /** Largest event, in bytes. Default 50 MiB, for `post_call_audio`. */
  readonly maxEventBytes?: number
  /**
   * Events of more than 1 MiB, or of a length that is not told, that are in memory at once, from the first byte until {@link onEvent} has
   * ended or a minute has passed. Default 2. Sixteen more wait; beyond that the answer is 503.
   */
  readonly maxLargeEvents?: number
  /** How long a body may take to arrive, in milliseconds. Default 30 000; then the answer is 408. */
  readonly bodyTimeoutMs?: number
  readonly clock?: Clock
  readonly logger?: Logger
}

/** What each route is given. */
export interface ElevenLabsRouteContext {
  readonly options: ElevenLabsHandlerOptions
  readonly clock: Clock
  readonly logger: Logger
  readonly claims: EventClaims
  /** Events that this process is taking in, by key. */
  readonly atWork: Map<string, Promise<boolean>>
}

const DEFAULT_LOOKUP_TIMEOUT_MS = 5000

/** Waits for the host, within its time. `undefined` where it answers so; the refusal of the request where it takes too long. */
export async function inTime<T>(
  { options, clock, logger }: ElevenLabsRouteContext,
  what: string,
  ask: () => T | Promise<T>,
): Promise<T | HostResponse> {
  const { lookupTimeoutMs = DEFAULT_LOOKUP_TIMEOUT_MS } = options
  const answer = await within(clock, lookupTimeoutMs, (async () => ask())())
  if (answer !== LATE) return answer
  logger.error('The host did not answer in time', { what, lookupTimeoutMs })
  return jsonResponse(503, failure('No answer in time. Try again.', 'TIMEOUT'))
}

const UNKNOWN_TENANT = jsonResponse(404, failure('Tenant not found', 'UNKNOWN_TENANT'))

/** The call, or why a request about it is refused: it may name a tenant, which must then be the one whose call it is. */
export async function admittedCall(
  context: ElevenLabsRouteContext,
  hints: CallHints,
): Promise<KnownCall | HostResponse> {
  const call = await inTime(context, 'findCall', () => context.options.findCall(hints))
  if (call && 'status' in call) return call
  if (!call) return UNKNOWN_TENANT
  if (hints.tenantId === undefined || hints.tenantId === call.tenantId) return call
  return jsonResponse(403, failure('The tenant is not the one of this call', 'TENANT_MISMATCH'))
}
