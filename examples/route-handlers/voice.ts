/**
 * The phone agent of the app, one for the process. Every route handler takes it from here.
 *
 * @module
 */
import { createVoice, loadConfigFromEnv, PATH_PRESETS, type AnswerPlan, type Clock, type Voice } from 'callweave'
import { createPolicy, loadRulePack, type NationalRegistry } from 'callweave/compliance'
import type { Store } from 'callweave/storage'
import { voiceFetch } from 'callweave/web'

export interface Parts {
  /** One that all processes share: a request may be answered by another one than placed the call. */
  readonly store: Store
  /** The national do-not-call registry: `NationalDoNotCallList` of `callweave/do-not-call-list`. */
  readonly national: NationalRegistry
  readonly clock?: Clock
}

let parts: Parts | undefined
let voice: Promise<Voice> | undefined

/** Says what the app is made of, before the first request. In an app of yours the store and the list are made in this file instead. */
export function setUp(given: Parts): void {
  parts = given
}

/** Made with the first request, from the environment: a build needs no account. */
export function theVoice(): Promise<Voice> {
  if (!parts) throw new Error('setUp comes first')
  return (voice ??= makeVoice(parts))
}

/** ElevenLabs talks with Twilio itself; we only answer the webhook. So no socket has to be open here, and any host will do. */
const byElevenLabs: AnswerPlan = { via: 'register-call' }

async function makeVoice({ national, ...rest }: Parts): Promise<Voice> {
  return createVoice({
    ...loadConfigFromEnv(),
    ...rest,
    paths: { ...PATH_PRESETS.closeLoop, fallback: '/api/twilio/fallback' },
    policy: createPolicy(await loadRulePack()),
    compliance: { national },
    answer: () => byElevenLabs,
    answerPlaced: () => byElevenLabs,
  })
}

/** Answers Twilio's webhooks, signatures first. */
export async function answerTwilio(request: Request): Promise<Response> {
  return voiceFetch(await theVoice())(request)
}
