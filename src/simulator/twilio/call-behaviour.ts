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
  /**
   * Who picks up, where the host asked for machine detection (`AsyncAmd`), and what Twilio then tells. Default: it has not told by the end of
   * the call. A machine is `machine_start`, or, where the host waits for the end of its greeting, `machine_end_beep`.
   */
  readonly answeredBy?: 'human' | 'machine' | 'fax' | 'unknown'
  /** How long machine detection takes from the answer, in milliseconds. Default 4000. */
  readonly detectionMs?: number
  /** What goes wrong with the callback of a recording that the host asked for. `lost`: it never comes. */
  readonly recordingFaults?: { readonly lost?: boolean; readonly twice?: boolean }
  /** Codes that this call is meant to provoke. Any other fails the scenario, and so does one that does not come. */
  readonly expectViolations?: readonly ViolationCode[]
}

/** Where the status of a call is reported. */
export interface StatusCallbackTarget {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly events: readonly CallProgressEvent[]
}

/** Where one kind of thing is reported. */
export interface CallbackTarget {
  readonly url: string
  readonly method: 'GET' | 'POST'
}

/** Machine detection beside the call, as the host asked for it. */
export interface AskedDetection extends CallbackTarget {
  readonly waitsForEnd: boolean
}

/** A recording of the whole call, as the host asked for it. */
export interface AskedRecording {
  readonly channels: 1 | 2
  /** `undefined`: it is made, and nobody is told. */
  readonly callback: (CallbackTarget & { readonly events: readonly string[] }) | undefined
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
  /** Asked for over REST. */
  readonly detection?: AskedDetection | undefined
  readonly recording?: AskedRecording | undefined
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
