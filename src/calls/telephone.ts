/**
 * What we need of a telephone company: to make a call, to change one, to look one up.
 *
 * @module
 */

/** A call to be made, in Twilio's terms. */
export interface CallRequest {
  /** E.164; also `sip:` and `client:` addresses where the policy allows them. */
  readonly to: string
  readonly from: string
  /** Where Twilio asks what to do once the call is answered. */
  readonly url: string
  /** Asked when `url` fails. */
  readonly fallbackUrl?: string
  readonly statusCallback: string
  /** How long it may ring, in seconds. */
  readonly ringSeconds: number
  /** Longest call, in seconds. */
  readonly maxSeconds: number
  /** Left out: not recorded. Always dual: each side on its own channel. */
  readonly recording?: { readonly statusCallback: string }
  /** Left out: nobody asks whether a machine answered. Always asynchronous, so that a person hears the agent at once. */
  readonly machineDetection?: { readonly waitForBeep: boolean; readonly statusCallback: string }
  readonly sendDigits?: string
}

/** A call as Twilio has it. */
export interface TelephoneCall {
  readonly callSid: string
  /** `queued`, `ringing`, `in-progress`, `completed`, `busy`, `failed`, `no-answer`, `canceled`. */
  readonly status: string
  readonly to: string
  readonly from: string
  readonly direction: string
  /** Seconds; `undefined` until it is over. */
  readonly durationS: number | undefined
  readonly answeredBy: string | undefined
  /** Milliseconds since 1970. */
  readonly createdAt: number | undefined
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  /** What Twilio charges for it, once it says so; positive. */
  readonly price: number | undefined
  readonly currency: string | undefined
}

/** How a call under way is changed. */
export type CallUpdate =
  { readonly twiml: string } | { readonly url: string } | { readonly status: 'completed' | 'canceled' }

/**
 * A telephone company.
 *
 * Errors are {@link VendorError}s. One matters above all: `telephone_outcome_unknown` from {@link createCall} says that the call may have been
 * made; whoever gets it must look and never repeat.
 */
export interface Telephone {
  createCall(request: CallRequest, options?: { readonly signal?: AbortSignal }): Promise<TelephoneCall>
  /** `'already-over'`: there is nothing left to change. */
  updateCall(callSid: string, update: CallUpdate): Promise<'updated' | 'already-over'>
  /** `undefined`: there is no such call. */
  fetchCall(callSid: string): Promise<TelephoneCall | undefined>
  /** Calls to a number that were created at or after a moment, newest first; a hundred at most. */
  findCalls(query: {
    readonly to: string
    readonly from?: string
    readonly sinceAt: number
  }): Promise<readonly TelephoneCall[]>
  /** Whether the account may be used, e.g. `active`. For health checks; a telephone without it is taken to be well. */
  accountStatus?(): Promise<string>
}
