/**
 * What running TwiML needs of the call that it runs on.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import type { Line } from './line.js'
import type { MediaStreamLeg } from './media-stream-leg.js'
import type { SpeakText } from './prompt-audio.js'
import type { PublicHosts } from './public-hosts.js'
import { resolveAddress } from './relative-address.js'
import type { StreamFaults } from './stream-faults.js'
import type { RelayLeg } from './relay-leg.js'
import type { ViolationCode } from './violations.js'
import type { CallIdentity } from './voice-parameters.js'
import type { WebhookAnswer, WebhookPurpose } from './webhook-sender.js'

/** Where TwiML comes from. */
export type TwimlSource = { readonly kind: 'inline'; readonly twiml: string } | TwimlAddress

/** Where TwiML is fetched. */
export interface TwimlAddress {
  readonly kind: 'url'
  readonly purpose: WebhookPurpose
  readonly url: string
  readonly method: 'GET' | 'POST'
  /** Parameters besides the standard ones. */
  readonly params?: Readonly<Record<string, string>>
}

/** What comes after a verb: the next one, another document, or nothing. */
export type AfterVerb = TwimlSource | 'next' | 'end'

/** A document to go on with, at an address that may be relative; without an address, the current document again. */
export function actionSource(
  purpose: WebhookPurpose,
  address: string | undefined,
  method: string | undefined,
  documentUrl: string | undefined,
  params?: Readonly<Record<string, string>>,
): TwimlAddress {
  return {
    kind: 'url',
    purpose,
    url: resolveAddress(address, documentUrl),
    method: method?.toUpperCase() === 'GET' ? 'GET' : 'POST',
    ...(params ? { params } : {}),
  }
}

/** How a number that `<Dial>` calls behaves. */
export interface DialOutcome {
  readonly status: 'completed' | 'busy' | 'no-answer' | 'failed' | 'canceled'
  /** How long it rings, in milliseconds. Default 500. Beyond the verb's timeout it is no answer. */
  readonly ringMs?: number
  /** How long the two talk when it is answered, in milliseconds. Default 1000. */
  readonly talkMs?: number
}

/** What the verbs do to their call. */
export interface TwimlHost {
  readonly sid: string
  readonly accountSid: string
  readonly authToken: string
  readonly identity: Pick<CallIdentity, 'direction' | 'from' | 'to'>
  readonly clock: Clock
  readonly publicHosts: PublicHosts
  readonly line: Line
  readonly speakText: SpeakText
  readonly streamFaults: StreamFaults
  readonly seed: number
  readonly fallback: { readonly url: string; readonly method: 'GET' | 'POST' } | undefined
  /** Picks up. Does nothing when the call is answered. */
  answer(): void
  /** Refuses an unanswered call; hangs up an answered one. */
  reject(reason: 'rejected' | 'busy'): void
  hangUp(by: 'twiml' | 'twilio'): void
  report(code: ViolationCode, seen: string): void
  /** Sends a webhook with the standard parameters and these. Never rejects. */
  request(
    purpose: WebhookPurpose,
    url: string,
    method: 'GET' | 'POST',
    params?: Readonly<Record<string, string>>,
  ): Promise<WebhookAnswer>
  /** Takes the next scripted outcome. */
  nextDialOutcome(number: string): DialOutcome
  /** Tells the call about its stream, so that it can be stopped, dropped and looked at. */
  streamOpened(leg: MediaStreamLeg): void
  /** The same for a relay session. */
  relayOpened(leg: RelayLeg): void
  /** Whether there was a relay session before. */
  hadRelay(): boolean
  /** What is requested when the caller hangs up. Returns a function that takes it back. */
  onHangUp(request: () => Promise<unknown>): () => void
}
