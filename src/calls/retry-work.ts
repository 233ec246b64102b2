/**
 * A call to be tried again, as work that waits in the store.
 *
 * @module
 */
import { voiceEvent, type VoiceEvent } from '../events/map.js'
import { nextAttemptIdOf, retryWorkIdOf } from '../storage/attempt-names.js'
import type { ScheduledWork } from '../storage/queues.js'
import type { PlaceCallRequest } from './plan.js'
import { RETRY_QUEUE } from './work-queues.js'

/** What waits. It is about a person: it does not wait for longer than {@link KEEP_TRYING_MS}. */
export interface RetryPayload {
  readonly request: PlaceCallRequest & { readonly attemptId: string }
  /** After this it is given up, in milliseconds since 1970. */
  readonly untilAt: number
}

/** A try, as it waits. */
export interface RetryWork extends ScheduledWork {
  readonly payload: RetryPayload
}

/** How long a try may wait for a lawful moment: over a long weekend, and not until nobody remembers why. */
const KEEP_TRYING_MS = 7 * 86_400_000

/** The next try of a request: through the whole gate again, under a name of its own. */
export function retryWork(request: PlaceCallRequest & { readonly attemptId: string }, dueAt: number): RetryWork {
  const { tryNumber = 1, tenantId } = request
  const next = { ...request, attemptId: nextAttemptIdOf(request.attemptId), tryNumber: tryNumber + 1 }
  const payload: RetryPayload = { request: next, untilAt: dueAt + KEEP_TRYING_MS }
  return { tenantId, workId: retryWorkIdOf(next.attemptId), queue: RETRY_QUEUE, dueAt, payload }
}

/** Tells that the next try has its moment. */
export function retryScheduled(
  attemptId: string,
  { dueAt, payload }: RetryWork,
  callSid?: string,
): VoiceEvent<'retry.scheduled'> {
  const nextAttemptId = payload.request.attemptId
  return voiceEvent('retry.scheduled', { attemptId, nextAttemptId, dueAt, ...(callSid === undefined ? {} : { callSid }) }) // prettier-ignore
}
