/**
 * What ElevenLabs tells of conversations: each event once, and joined to its call.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { ProtocolError } from '../core/errors.js'
import { LATE, within } from '../core/within.js'
import type { EventAudio } from '../webhooks/event-body.js'
import { parseElevenLabsWebhook } from '../webhooks/payloads.js'
import type { ElevenLabsWebhook } from '../webhooks/elevenlabs-payloads.js'
import type { CallHints, ElevenLabsRouteContext } from './elevenlabs-options.js'
import { failure, jsonResponse, type HostResponse } from './host-request.js'
import { answerLegacyToolCall } from './tool-route.js'

const OK: HostResponse = { status: 200, contentType: 'text/plain; charset=utf-8', body: 'OK' }
const DEFAULT_EVENT_TIMEOUT_MS = 5000

/** How often a process asks whether another has taken an event in. */
const POLL_MS = 250
const IN_PROGRESS = {
  ...jsonResponse(503, failure('The same event is being taken in. Send it again later.', 'IN_PROGRESS')),
  headers: { 'retry-after': '30' },
}
const FAILED = jsonResponse(500, failure('Internal error', 'INTERNAL_ERROR'))

/**
 * Takes in one proven event.
 *
 * Of several deliveries of one event the first does the work and the others are answered as it is: what fails is told to all, so that one of
 * them comes again.
 *
 * @param hold - Told of what still needs the body after the answer.
 */
export async function receiveEvent(
  { json, audio }: { readonly json: unknown; readonly audio?: EventAudio | undefined },
  context: ElevenLabsRouteContext,
  hold: (work: Promise<unknown>) => void = () => undefined,
): Promise<HostResponse> {
  const named = withType(json)
  if (named?.type === 'tool_call') return answerLegacyToolCall(named, context)
  let event: ElevenLabsWebhook
  try {
    event = await parseElevenLabsWebhook(named)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    context.logger.warn('An event of ElevenLabs could not be read', { error })
    return jsonResponse(400, failure(error.message, 'VALIDATION_ERROR'))
  }
  const { options, claims, clock, logger, atWork } = context
  const { onEvent, eventTimeoutMs = DEFAULT_EVENT_TIMEOUT_MS } = options
  if (!onEvent) return OK
  if (event.type === 'post_call_audio' && audio) {
    Object.defineProperty(event.data, 'full_audio', { enumerable: true, get: () => audio.base64() })
  }
  const key = eventKey(event)
  const untilMs = clock.monotonicMs() + eventTimeoutMs
  let state = await claims.claim(key)
  if (state !== 'new') logger.info('An event of ElevenLabs came again', { type: event.type, state })
  while (state === 'running' && !atWork.has(key)) {
    if (clock.monotonicMs() >= untilMs) return IN_PROGRESS
    await new Promise<void>((resolve) => clock.setTimeout(resolve, POLL_MS))
    state = await claims.claim(key) // new, when the other process failed: then it is ours
  }
  if (state === 'done') return OK
  const work = state === 'new' ? takeIn(key, { event, audio }, onEvent, context) : atWork.get(key)
  if (!work) return IN_PROGRESS
  hold(work)
  const outcome = await within(clock, Math.max(1, untilMs - clock.monotonicMs()), work)
  if (outcome === LATE) logger.warn('An event of ElevenLabs is still being taken in', { type: event.type })
  return outcome === false ? FAILED : OK
}

/** Does it. `false`: it failed, and is new again for whoever comes next. */
function takeIn(
  key: string,
  { event, audio }: { readonly event: ElevenLabsWebhook; readonly audio: EventAudio | undefined },
  onEvent: NonNullable<ElevenLabsRouteContext['options']['onEvent']>,
  { options, claims, logger, atWork }: ElevenLabsRouteContext,
): Promise<boolean> {
  const settle = async (outcome: 'done' | 'failed'): Promise<void> => {
    try {
      await claims.settle(key, outcome)
    } catch (error) {
      logger.error('A claim on an event could not be settled', { type: event.type, outcome, error })
    }
  }
  const work = (async (): Promise<boolean> => {
    try {
      const call = await options.findCall(hintsOf(event))
      await onEvent({ event, call, audio })
    } catch (error) {
      logger.error('An event of ElevenLabs could not be taken in', { type: event.type, error })
      await settle('failed')
      return false
    }
    await settle('done') // and where that fails, it is done all the same
    return true
  })().finally(() => atWork.delete(key))
  atWork.set(key, work)
  return work
}

/** Older senders say `event` where ElevenLabs says `type`, and leave out the time. */
function withType(json: unknown): (Record<string, unknown> & { readonly type?: unknown }) | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const record = json as Record<string, unknown>
  return record.type === undefined && typeof record.event === 'string' ? { ...record, type: record.event } : record
}

/** What tells one event from another: its type, its conversation and its time; for a type that nobody knows, all of it. */
function eventKey(event: ElevenLabsWebhook): string {
  if (event.type === 'unknown') {
    return `elevenlabs:${createHash('sha256').update(JSON.stringify(event.payload)).digest('base64url')}`
  }
  return `elevenlabs:${event.type}:${event.data.conversation_id}:${event.event_timestamp}`
}

/** Everything in an event by which its call can be found. */
function hintsOf(event: ElevenLabsWebhook): CallHints {
  if (event.type === 'unknown') return {}
  const { conversation_id: conversationId, agent_id: agentId } = event.data
  if (event.type === 'call_initiation_failure') {
    // What Twilio said of a call that ElevenLabs placed; other carriers say other things.
    const { CallSid: callSid } = event.data.metadata?.body ?? {}
    return { conversationId, agentId, callSid: typeof callSid === 'string' && callSid !== '' ? callSid : undefined }
  }
  if (event.type !== 'post_call_transcription') return { conversationId, agentId }
  const { metadata, conversation_initiation_client_data: initiation } = event.data
  const variables = initiation?.dynamic_variables ?? {}
  const named = (...names: readonly string[]): string | undefined => {
    const value = names.map((name) => variables[name]).find((one) => typeof one === 'string' && one !== '')
    return value as string | undefined
  }
  return {
    conversationId,
    agentId,
    // A bridge's call is known to ElevenLabs by our variable alone; its own calls by their metadata.
    callSid: metadata?.phone_call?.call_sid ?? named('call_sid', 'twilio_call_sid', 'system__call_sid'),
    tenantId: named('tenant_id'),
    calledNumber: named('system__called_number'),
    callerNumber: named('caller_number', 'system__caller_id'),
  }
}
