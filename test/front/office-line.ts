/**
 * A phone line whose office places calls: a store with a lead who may be called, the shipped rules but for the hour of the day, and Twilio's REST API
 * simulated.
 *
 * @module
 */
import { createPolicy } from '../../src/compliance/policy.js'
import { loadRulePack } from '../../src/compliance/rule-pack.js'
import { STANDARD_RULES } from '../../src/compliance/rules/standard.js'
import { TwilioTelephone } from '../../src/calls/twilio-telephone.js'
import type { CallRequest, Telephone } from '../../src/calls/telephone.js'
import type { Store } from '../../src/storage/store.js'
import { createMemoryStore } from '../../src/storage/memory.js'
import type { SimulatedCall } from '../../src/simulator/index.js'
import { signTwilioRequest } from '../../src/webhooks/twilio-signing.js'
import type { VoiceCallRequest } from '../../src/front/voice-calls.js'
import { ACCOUNT_SID, AUTH_TOKEN, CALLED, CALLER, phoneLine, PUBLIC_URL, type PhoneLine, type PhoneLineOptions } from '../scenarios/phone-line.js' // prettier-ignore
import { steppedClock, type SteppedClock } from '../support/stepped-clock.js'

/** Whom the office calls, and from where. */
export const LEAD_NUMBER = CALLER
export const OFFICE_NUMBER = CALLED

export const REQUEST: VoiceCallRequest = { leadId: 'lead-1', sellerId: 'riverside', recording: 'off', purpose: 'informational' } // prettier-ignore

export interface OfficeLine extends PhoneLine {
  readonly store: Store
  /** What the telephone does besides, before each call that it makes; may throw, before or after. */
  readonly telephone: { beforeCreate: () => void; afterCreate: () => void }
  /** What Twilio was asked to dial, as it was asked. */
  readonly dialled: readonly CallRequest[]
  /** Whether the store answers. */
  readonly database: { isDown: boolean }
  /** Posts a signed webhook by hand. */
  readonly post: (path: string, params: Record<string, string>) => Promise<{ readonly status: number; readonly text: string }> // prettier-ignore
  /** The call that was placed last, once it is there. */
  readonly placed: () => SimulatedCall
}

/** @param makeStore - Default: in memory. */
export async function officeLine(
  options: PhoneLineOptions = {},
  makeStore: (clock: SteppedClock) => Store | Promise<Store> = (clock) => createMemoryStore({ clock }),
): Promise<OfficeLine> {
  const clock = options.clock ?? steppedClock()
  const database = { isDown: false }
  const inner = await makeStore(clock)
  const store = new Proxy(inner, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name)
      if (!database.isDown || typeof member !== 'function') return member
      return () => Promise.reject(new Error('the database is down'))
    },
  })
  const policy = createPolicy(await loadRulePack(), {
    unknownDnc: 'allow',
    unknownStateList: 'allow',
    rules: STANDARD_RULES.filter(({ check }) => check !== 'withinCallingHours'),
  })
  await inner.putLead({ tenantId: 'default', leadId: 'lead-1', phoneNumber: LEAD_NUMBER, automatedCallsAllowed: true })
  await inner.grantConsent({
    tenantId: 'default', consentId: 'c-1', phoneNumber: LEAD_NUMBER, sellerId: 'riverside', leadId: 'lead-1', kind: 'express-written',
    purposes: ['marketing', 'informational'], obtainedAt: clock.now() - 86_400_000, expiresAt: null, source: 'form',
    evidence: {
      signatureMethod: 'web-form', disclosureText: 'I agree to be called by an artificial voice.', disclosureVersion: null, isArtificialVoiceDisclosed: true,
      isNotConditionDisclosed: true, formUrl: null, ipAddress: null, userAgent: null, reference: null,
    },
  }) // prettier-ignore
  const later: { twilio?: TwilioTelephone } = {}
  const real = (): TwilioTelephone => {
    if (!later.twilio) throw new Error('Twilio is not there yet')
    return later.twilio
  }
  const faults = { beforeCreate: (): void => undefined, afterCreate: (): void => undefined }
  const dialled: CallRequest[] = []
  const telephone: Telephone = {
    createCall: async (request) => {
      dialled.push(request)
      faults.beforeCreate()
      const call = await real().createCall(request)
      faults.afterCreate()
      return call
    },
    updateCall: (callSid, update) => real().updateCall(callSid, update),
    fetchCall: (callSid) => real().fetchCall(callSid),
    findCalls: (query) => real().findCalls(query),
    accountStatus: () => real().accountStatus(),
  }
  const line = await phoneLine({
    ...options,
    clock,
    voice: { store, policy, telephone, fromNumbers: [OFFICE_NUMBER], random: () => 0, ...options.voice },
  })
  later.twilio = new TwilioTelephone({ accountSid: ACCOUNT_SID, auth: AUTH_TOKEN, baseUrl: line.twilio.url, clock })
  return {
    ...line,
    store: inner,
    database,
    telephone: faults,
    dialled,
    placed: () => {
      const call = line.twilio.calls.at(-1)
      if (!call) throw new Error('no call was placed')
      return call
    },
    post: async (path, params) => {
      const answer = await fetch(`${line.origin}/voice${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url: PUBLIC_URL + path, params }),
        },
        body: new URLSearchParams(params).toString(),
      })
      return { status: answer.status, text: await answer.text() }
    },
  }
}

/** What the call heard as plain sentences. */
export const verbsOf = (call: SimulatedCall): unknown[] =>
  call.timeline.flatMap(({ kind, details }) => (kind === 'verb' && details.name !== 'skipped' ? [details.name] : []))
