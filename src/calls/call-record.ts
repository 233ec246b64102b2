/**
 * How a call gets its record, whoever is first to know of it: the one who dialled, a webhook, reconciliation.
 *
 * @module
 */
import type { CallRecord } from '../records/call.js'
import type { OutgoingEvent } from '../storage/queues.js'
import type { CallStore } from '../storage/store.js'
import type { PlaceCallRequest } from './plan.js'

/** A call's record as it begins. */
export function callRecordOf(
  request: PlaceCallRequest & { readonly attemptId: string },
  call: { readonly callSid: string; readonly status: string; readonly to: string; readonly from: string },
): Parameters<CallStore['addCall']>[0] {
  const { answer } = request
  const agentId = typeof answer?.agentId === 'string' ? answer.agentId : null
  const record: Partial<CallRecord> = {
    via: request.via,
    attemptId: request.attemptId,
    leadId: request.leadId,
    agentId,
    campaignId: request.campaignId ?? null,
    ownerId: request.ownerId ?? null,
    metadata: { ...request.metadata, ...(request.tryNumber === undefined ? {} : { tryNumber: request.tryNumber }) },
  }
  return {
    ...record,
    tenantId: request.tenantId,
    callSid: call.callSid,
    direction: 'outbound',
    from: call.from,
    to: call.to,
    callStatus: call.status,
  }
}

/**
 * Writes the record of an attempt's call, or completes the one that a webhook left of it.
 *
 * @returns `'of-another'`: the call is another attempt's, and its record stays as it is.
 */
export async function recordCall(
  store: Pick<CallStore, 'addCall' | 'findCall' | 'updateCall'>,
  record: Parameters<CallStore['addCall']>[0],
  events: readonly OutgoingEvent[],
): Promise<'recorded' | 'of-another'> {
  const { tenantId, callSid, attemptId = null } = record
  if ((await store.addCall(record, events)) === 'added') return 'recorded'
  const known = await store.findCall({ tenantId, callSid })
  if (known?.attemptId === attemptId) return 'recorded'
  if (!known || known.attemptId !== null || known.direction !== 'outbound') return 'of-another'
  const { via, leadId, agentId, campaignId, ownerId, metadata } = record
  const changes = { attemptId, via, leadId, agentId, campaignId, ownerId, metadata }
  await store.updateCall({
    tenantId,
    callSid,
    changes: Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)),
    events,
  })
  return 'recorded'
}
