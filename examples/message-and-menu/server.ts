/**
 * Calls without an agent: a message, and a menu by keypad in which one key means never again. What you would deploy.
 *
 * @module
 */
import { createVoice, type Voice, type VoiceOptions } from 'callweave'
import { createPolicy, loadRulePack, type NationalRegistry } from 'callweave/compliance'
import { createCallsApi, firstOf, type HostHandler } from 'callweave/http'
import type { Store } from 'callweave/storage'
import { verifySharedSecret } from 'callweave/webhooks'

export const SELLER_ID = 'riverside-homes'

export interface AnnouncementsOptions extends Omit<VoiceOptions, 'store' | 'policy' | 'compliance' | 'menu' | 'paths'> {
  readonly store: Store
  /** The national do-not-call registry: `NationalDoNotCallList` of `callweave/do-not-call-list`. */
  readonly national: NationalRegistry
  /** What our own backend shows to start a call. */
  readonly apiKey: string
  /** Told who wants to be called back. */
  readonly onCallback: (phoneNumber: string | undefined, reason: string) => void
}

/** Everything that depends on the account comes from outside, so that the same code runs on real accounts and on simulated ones. */
export async function announcements(options: AnnouncementsOptions): Promise<{ voice: Voice; handle: HostHandler }> {
  const { store, national, apiKey, onCallback, ...rest } = options
  const voice = createVoice({
    ...rest,
    store,
    paths: 'voiceApi', // /twiml/gather-input, /twiml/process-input, /webhooks/twilio/status …
    policy: createPolicy(await loadRulePack()),
    compliance: { national },
    texts: {
      menu: 'This is Riverside Homes. Press 1 to schedule a viewing. Press 2 to speak with an agent. Press 3 to be removed from our list.',
    },
    menu: {
      keys: {
        '1': { action: 'call-back', reason: 'viewing', text: 'Thank you. We will call you to find a time.' },
        '2': { action: 'transfer', transfer: { to: '+12025550166' }, text: 'Connecting you to an agent now.' },
        '3': { action: 'opt-out' }, // stored first, then confirmed
      },
    },
  })
  voice.on('callbackRequested', ({ phoneNumber, reason }) => onCallback(phoneNumber, reason))

  const api = createCallsApi({
    placer: voice.calls,
    store,
    authorize: ({ header }) =>
      verifySharedSecret({ secret: apiKey, header: header('x-api-key') }).ok
        ? { tenantId: 'default', sellerId: SELLER_ID }
        : undefined,
    defaults: (route) => ({
      via: 'say',
      recording: 'off',
      purpose: route === 'simple-message' ? 'informational' : 'marketing', // a reminder sells nothing; the menu does
    }),
  })
  return { voice, handle: firstOf(voice.handle, api) }
}
