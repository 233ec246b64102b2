/**
 * What a call is told to be: who, where its TwiML is, what the people on it do, what goes wrong.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import type { CallerStep } from './caller-script.js'
import type { SpeakText } from './prompt-audio.js'
import type { PublicHosts } from './public-hosts.js'
import type { SimulatedCall } from './simulated-call.js'
import type { CallProgressEvent, StatusCallbackFaults } from './status-callbacks.js'
import type { StreamFaults } from './stream-faults.js'
import type { DialOutcome, TwimlHost, TwimlSource } from './twiml-host.js'
import type { Violation, ViolationCode } from './violations.js'
import type { CallDirection } from './voice-parameters.js'
import type { WebhookSender } from './webhook-sender.js'

/** What a caller, or whoever picks up, does on a call. */
export interface CallBehaviour {
  /**
   * What they do, step by step, from the moment the call is answered; at the end of it they hang up. Without a script they
   * do what the test does by hand.
   */
  readonly script?: readonly CallerStep<SimulatedCall>[]
  /** How the numbers behave that `<Dial>` calls, in order. One that is never called is a failure. Default: answered. */
  readonly dials?: readonly DialOutcome[]
  readonly streamFaults?: StreamFaults
  readonly statusCallbackFaults?: StatusCallbackFaults
  /** Codes that this call is meant to provoke. Any other fails the scenario, and so does one that does not come. */
  readonly expectViolations?: readonly ViolationCode[]
}

/** Where the status of a call is reported. */
export interface StatusCallbackTarget {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly events: readonly CallProgressEvent[]
}

/** What a call is made of. */
export interface SimulatedCallOptions {
  readonly direction: CallDirection
  readonly from: string
  readonly to: string
  readonly accountSid: string
  readonly authToken: string
  readonly source: TwimlSource
  readonly fallback: TwimlHost['fallback']
  readonly statusCallback: StatusCallbackTarget | undefined
  readonly behaviour: CallBehaviour
  /** Parameters of the voice webhook besides the standard ones. */
  readonly parameters: Readonly<Record<string, string>>
  readonly timeLimitMs: number
  readonly maxRecordingMs: number
  readonly clock: Clock
  readonly publicHosts: PublicHosts
  readonly speakText: SpeakText
  readonly seed: number
  readonly sender: WebhookSender
  readonly onViolation: (violation: Violation) => void
}
