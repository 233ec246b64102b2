/**
 * Calls leads about their property, and only those who may be called now. What you would deploy.
 *
 * @module
 */
import { createVoice, type Voice, type VoiceOptions } from 'callweave'
import {
  createPolicy,
  loadRulePack,
  relayGreetingWithDisclosures,
  type DisclosureOptions,
  type NationalRegistry,
} from 'callweave/compliance'
import { promptText } from 'callweave/context'
import { CALL_API_PATHS, createCallsApi, firstOf, limitByIp, type HostHandler } from 'callweave/http'
import type { Store } from 'callweave/storage'
import { verifySharedSecret } from 'callweave/webhooks'

/** On whose behalf we call: consent is to a seller, and nobody else may use it. */
export const SELLER_ID = 'next-level-homes'

/** What has to be said before anything else, in words that cannot drift. */
const OPENING: DisclosureOptions = {
  seller: { name: 'Next Level Homes LLC', callbackNumber: '+12125550111' },
  purpose: { kind: 'marketing', goods: 'selling your property' },
  isRecorded: false,
}

export interface LeadCallsOptions extends Omit<
  VoiceOptions,
  'store' | 'policy' | 'compliance' | 'answerPlaced' | 'paths'
> {
  /** Leads, consent, the house's own do-not-call list, attempts, calls, the audit log. */
  readonly store: Store
  /** The national do-not-call registry: `NationalDoNotCallList` of `callweave/do-not-call-list`. */
  readonly national: NationalRegistry
  /** What our own backend shows to start a call. */
  readonly apiKey: string
}

/** Everything that depends on the account comes from outside, so that the same code runs on real accounts and on simulated ones. */
export async function leadCalls(options: LeadCallsOptions): Promise<{ voice: Voice; handle: HostHandler }> {
  const { store, national, apiKey, ...rest } = options
  const voice = createVoice({
    ...rest,
    store,
    paths: 'nextLevel', // the webhooks are where they were: /webhooks/twilio/call-status …
    policy: createPolicy(await loadRulePack()), // the strictest reading that is shipped; yours may only narrow it
    compliance: { national },
    // Asked once somebody has picked up.
    answerPlaced: async ({ tenantId, request }) => {
      const lead = request && (await store.findStoredLead({ tenantId, leadId: request.leadId }))
      return {
        via: 'conversation-relay',
        relay: { language: 'en-US', ttsProvider: 'ElevenLabs', ...relayGreetingWithDisclosures(OPENING, '') },
        // What people typed into a form is made harmless before a model reads it.
        initiation: {
          dynamicVariables: { lead_name: promptText(lead?.name), property: promptText(lead?.metadata.property) },
        },
        fallback: { via: 'say', text: 'We are sorry, something went wrong. Goodbye.' },
      }
    },
  })
  const api = createCallsApi({
    placer: voice.calls, // through the gate, like every other call
    store,
    authorize: ({ header }) =>
      verifySharedSecret({ secret: apiKey, header: header('x-api-key') }).ok
        ? { tenantId: 'default', sellerId: SELLER_ID }
        : undefined,
    defaults: { via: 'conversation-relay', recording: 'off', purpose: 'marketing', ringSeconds: 30 },
    ...(rest.logger ? { logger: rest.logger } : {}),
  })
  // Ten an hour from one address; what else the host has is not counted.
  const paths = Object.keys(CALL_API_PATHS)
  const limited = limitByIp(api, { paths, ...(rest.clock ? { clock: rest.clock } : {}) })
  return { voice, handle: firstOf(voice.handle, limited) }
}
