/**
 * Places calls again that are due again, through the whole gate.
 *
 * @module
 */
import type { Clock } from '../core/clock.js'
import { VoiceError } from '../core/errors.js'
import type { TakenWork } from '../storage/queues.js'
import type { CallPlacer, PlaceCallResult } from './place-call.js'
import type { RetryPayload } from './retry-work.js'
import type { WorkHandler, WorkOutcome } from './work-loop.js'

/** A try that is being made by somebody else is looked at again after so long. */
const LOOK_AGAIN_MS = 30_000

/**
 * The handler of `RETRY_QUEUE`. A try that the policy refuses for time or caps alone waits for the moment that the policy names; any other
 * refusal ends it, for only a person can change that. So does a lead that is gone, and a wait of more than a week.
 */
export function retryHandler(placer: Pick<CallPlacer, 'place'>, clock: Clock): WorkHandler {
  return async ({ work }: TakenWork): Promise<WorkOutcome> => {
    // Only ever written by `retryWork`.
    const { request, untilAt } = work.payload as RetryPayload
    if (clock.now() > untilAt) return 'done'
    let result: PlaceCallResult
    try {
      result = await placer.place(request)
    } catch (error) {
      if (error instanceof VoiceError && error.code === 'compliance_lead_unknown') return 'done'
      throw error
    }
    if (result.outcome === 'in-progress') return { againAt: clock.now() + LOOK_AGAIN_MS }
    if (result.outcome !== 'refused') return 'done'
    const { nextAllowedAt } = result.decision
    return nextAllowedAt === null || nextAllowedAt > untilAt ? 'done' : { againAt: nextAllowedAt }
  }
}
