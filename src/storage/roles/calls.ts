/**
 * Calls over a driver's rows.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { callRecord, remotePartyOf, type CallRecord } from '../../records/call.js'
import { abandonmentOf, isTerminalCallStatus } from '../../records/call-status.js'
import { Shelf, type On } from '../shelf.js'
import type { CallFilter, CallStore, CallStatusApplied } from '../store.js'

/** How calls are kept. */
export function callShelf(on: On): Shelf<CallRecord> {
  return new Shelf<CallRecord>(on, {
    kind: 'calls',
    schema: callRecord,
    idOf: (call) => call.callSid,
    atOf: (call) => call.createdAt,
    keysOf: (call) => ({
      ...campaignKeysOf(call),
      lead: call.leadId,
      party: remotePartyOf(call),
      campaign: call.campaignId,
      agent: call.agentId,
      owner: call.ownerId,
      conversation: call.conversationId,
      stream: call.streamSid,
      status: call.callStatus,
      open: isTerminalCallStatus(call.callStatus) ? undefined : 'open',
    }),
  })
}

/** Calls over a driver. */
export function callStore(on: On, clock: Clock): CallStore {
  const calls = callShelf(on)
  return {
    addCall: (call, events) => {
      const createdAt = call.createdAt ?? clock.now()
      return calls.add('addCall', { ...call, createdAt, updatedAt: createdAt }, events)
    },

    findCall: ({ tenantId, callSid }) => calls.find('findCall', tenantId, callSid),

    async applyCallStatus({
      tenantId,
      callSid,
      callStatus,
      sequenceNumber,
      changes,
      events,
    }): Promise<CallStatusApplied> {
      let refusal: 'stale' | 'ended' | undefined
      const atMs = clock.now()
      const found = await calls.change(
        'applyCallStatus',
        { tenantId, id: callSid, atMs, ...(events && { events }) },
        (call) => {
          const isLate = sequenceNumber !== null && sequenceNumber <= call.sequenceNumber
          refusal = isLate ? 'stale' : isTerminalCallStatus(call.callStatus) ? 'ended' : undefined
          if (refusal) return undefined
          const isOver = isTerminalCallStatus(callStatus)
          return {
            ...call,
            ...(isOver && { endedAt: atMs }),
            ...defined(changes),
            ...(call.answeredAt !== null && { answeredAt: call.answeredAt }),
            callStatus,
            sequenceNumber: sequenceNumber ?? call.sequenceNumber,
            updatedAt: atMs,
          }
        },
      )
      if (!found) return { outcome: 'missing' }
      return { outcome: found.isChanged ? 'applied' : (refusal ?? 'stale'), call: found.record }
    },

    async updateCall({ tenantId, callSid, changes, events }) {
      const atMs = clock.now()
      const merge = (call: CallRecord): CallRecord => ({ ...call, ...defined(changes), updatedAt: atMs })
      return (await calls.change('updateCall', { tenantId, id: callSid, atMs, ...(events && { events }) }, merge))
        ?.record
    },

    listCalls: ({ tenantId, filter, ...query }) => calls.page('listCalls', tenantId, { ...query, ...indexOf(filter) }),

    countCalls: ({ tenantId, filter, sinceAt, untilAt }) =>
      on('countCalls').count('calls', tenantId, {
        ...indexOf(filter),
        ...(sinceAt !== undefined && { sinceAt }),
        ...(untilAt !== undefined && { untilAt }),
      }),
  }
}

/** Without what is `undefined`: left out means that it stays. */
export function defined<T extends object>(changes: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(changes ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>
}

/** Under what a campaign counts its calls that a person answered. */
function campaignKeysOf(call: CallRecord): Record<string, string | null> {
  const verdict = abandonmentOf(call)
  if (verdict === 'not-counted') return {}
  return { answered: call.campaignId, ...(verdict === 'abandoned' && { abandoned: call.campaignId }) }
}

const INDEX_OF_FIELD = {
  answeredCampaignId: 'answered',
  abandonedCampaignId: 'abandoned',
  leadId: 'lead',
  phoneNumber: 'party',
  campaignId: 'campaign',
  agentId: 'agent',
  ownerId: 'owner',
  conversationId: 'conversation',
  streamSid: 'stream',
  callStatus: 'status',
  isOpen: 'open',
} as const

function indexOf(filter: CallFilter | undefined): { index?: { name: string; value: string } } {
  const [entry] = Object.entries(filter ?? {}) as [keyof typeof INDEX_OF_FIELD, string | true][]
  if (!entry) return {}
  const [field, value] = entry
  return { index: { name: INDEX_OF_FIELD[field], value: value === true ? 'open' : value } }
}
