/**
 * What each route of the calls API takes and gives.
 *
 * @module
 */
import type { Via } from '../calls/plan.js'
import type { PlaceCallResult } from '../calls/place-call.js'

/** The routes. */
export type CallRouteName =
  'start-call' | 'start-media-stream' | 'test-call' | 'live-call' | 'simple-message' | 'menu-call' | 'status'

type Placed = Extract<PlaceCallResult, { readonly outcome: 'placed' }>

/** What was asked for. */
export interface CallFields {
  readonly leadId?: string
  readonly phone?: string
  readonly name?: string
  readonly notes?: string
  readonly agentId?: string
  readonly via?: Via
  readonly answer?: Readonly<Record<string, unknown>>
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** One route. */
export interface CallRoute {
  readonly read: (json: Readonly<Record<string, unknown>>) => CallFields | { readonly error: string }
  readonly show: (placed: Placed, leadId: string) => Readonly<Record<string, unknown>>
}

const MAX_TEXT = 2000

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' && value.length <= MAX_TEXT ? value.trim() : undefined
}

/** Only what is there, so that nothing is `undefined` on purpose. */
function fields(given: { readonly [name in keyof CallFields]: CallFields[name] | undefined }): CallFields {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

/** Lead or number, one of them. */
const startOf =
  (via: Via): CallRoute['read'] =>
  (json) => {
    const leadId = textOf(json.leadId)
    const phone = textOf(json.phone)
    if (leadId === undefined && phone === undefined) return { error: 'leadId or phone is required' }
    return fields({ leadId, phone, via })
  }

const toNumber = (json: Readonly<Record<string, unknown>>): string | undefined =>
  textOf(json.toNumber) ?? textOf(json.phoneNumber) ?? textOf(json.phone)

/** Each route, but for the status. */
export const CALL_ROUTES: Readonly<Record<Exclude<CallRouteName, 'status'>, CallRoute>> = {
  'start-call': {
    read: startOf('conversation-relay'),
    // The conversation begins when the call is picked up; until then it has no id.
    show: ({ callSid, status }) => ({ success: true, callSid, conversationId: null, status }),
  },
  'start-media-stream': {
    read: startOf('bridge'),
    show: ({ callSid }) => ({ callSid }),
  },
  'test-call': {
    read: (json) => {
      const agentId = textOf(json.agentId)
      const phone = textOf(json.phoneNumber)
      if (agentId === undefined || phone === undefined) return { error: 'agentId and phoneNumber are required' }
      return { agentId, phone, metadata: { testCall: true } }
    },
    show: ({ callSid }) => ({ success: true, callId: callSid }),
  },
  'live-call': {
    read: (json) => {
      const agentId = textOf(json.agentId)
      const phone = textOf(json.phoneNumber)
      if (agentId === undefined || phone === undefined) return { error: 'agentId and phoneNumber are required' }
      return fields({ agentId, phone, name: textOf(json.leadName), notes: textOf(json.leadNotes), metadata: { liveCall: true } }) // prettier-ignore
    },
    show: ({ callSid }, leadId) => ({ success: true, callId: callSid, callLogId: callSid, leadId }),
  },
  'simple-message': {
    read: (json) => {
      const phone = toNumber(json)
      const message = textOf(json.message)
      if (phone === undefined || message === undefined) return { error: 'toNumber and message are required' }
      return { phone, via: 'say', answer: { message } }
    },
    show: ({ callSid, status }) => ({ success: true, callSid, status }),
  },
  'menu-call': {
    read: (json) => {
      const phone = toNumber(json)
      if (phone === undefined) return { error: 'toNumber is required' }
      return { phone, via: 'say', answer: { menu: true } }
    },
    show: ({ callSid, status }) => ({ success: true, callSid, status }),
  },
}
