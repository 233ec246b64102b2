/**
 * What a vendor's failure means and what to do about it: one catalogue by vendor, code and status.
 *
 * Meanings are the vendors' own (Twilio's error dictionary and ElevenLabs' API reference, read 2026-11-21). Where older documents say
 * something else it stands in `hint`: wrong as a meaning, sometimes right as the thing to look at.
 *
 * @module
 */
import { VendorError, VoiceError } from '../core/errors.js'

/**
 * What to do:
 * - `retry`: the same request again, soon.
 * - `retry-later`: another attempt at the call, later, through the whole gate.
 * - `give-up`: it cannot work.
 * - `ask-person`: somebody has to look at it.
 * - `alert`: nothing works until somebody acts, for any call.
 * - `flag-lead`: this number is wrong.
 */
export type FailureAction = 'retry' | 'retry-later' | 'give-up' | 'ask-person' | 'alert' | 'flag-lead'

export type FailureVendor = 'twilio' | 'elevenlabs' | 'network' | 'callweave'

/** One way to fail. */
export interface FailureMeaning {
  readonly vendor: FailureVendor
  /** The vendor's code, an HTTP status, or the code of an error of the network. */
  readonly code: string
  readonly meaning: string
  readonly action: FailureAction
  /** How often at most, for the two retries. */
  readonly maxRetries?: number
  /** What older documents say. */
  readonly hint?: string
}

const twilio = (code: number, meaning: string, action: FailureAction, more: { maxRetries?: number; hint?: string } = {}) => ({ vendor: 'twilio' as const, code: String(code), meaning, action, ...more }) // prettier-ignore
const elevenlabs = (code: string, meaning: string, action: FailureAction, more: { maxRetries?: number; hint?: string } = {}) => ({ vendor: 'elevenlabs' as const, code, meaning, action, ...more }) // prettier-ignore
const network = (code: string, meaning: string, action: FailureAction, maxRetries: number) => ({ vendor: 'network' as const, code, meaning, action, maxRetries }) // prettier-ignore

/** Every failure that is known by name. A code that is not here is read by its HTTP status. */
export const FAILURES: readonly FailureMeaning[] = [
  twilio(10001, 'The account is not active', 'alert'),
  twilio(10003, 'The account is not active', 'alert'),
  twilio(20005, 'The account is not active: suspended, or out of funds', 'alert'),
  twilio(10004, 'Too many calls at once for this account', 'retry-later', { maxRetries: 3 }),
  twilio(11100, 'A webhook address is malformed', 'alert'),
  twilio(21205, 'A webhook address is malformed', 'alert'),
  twilio(11200, 'Twilio could not fetch our address: an HTTP error, no answer in time, or a wrong content type', 'alert', { hint: 'Check that numbers are in E.164' }),
  twilio(11205, 'Twilio could not connect to our address', 'alert'),
  twilio(11750, 'The TwiML is longer than 64 kB', 'give-up'),
  twilio(12100, 'The TwiML is no XML', 'give-up'),
  twilio(12200, 'The TwiML has something that is not allowed there; names are case-sensitive', 'give-up'),
  twilio(13223, 'The number that was dialled is malformed', 'flag-lead'),
  twilio(13224, 'The number that was dialled is not supported, or not in service', 'flag-lead'),
  twilio(13225, 'The number that was dialled is blocked by Twilio', 'give-up'),
  twilio(13227, 'The account may not call that country', 'ask-person', { hint: 'Add funds' }),
  twilio(20001, 'A parameter is not known', 'give-up'),
  twilio(20003, 'The credentials are wrong, or the account is suspended', 'alert', { hint: 'On a trial account: verify the number that is called, or upgrade' }),
  twilio(20404, 'There is no such thing; for a call: it is over', 'give-up'),
  twilio(20403, 'Forbidden', 'alert'),
  twilio(20429, 'Too many requests', 'retry', { maxRetries: 3 }),
  twilio(20500, 'Twilio failed', 'retry-later', { maxRetries: 3 }),
  twilio(20503, 'Twilio is not available', 'retry-later', { maxRetries: 3 }),
  twilio(21201, 'The number to call is missing', 'give-up'),
  twilio(21210, 'The number that calls is neither ours nor verified', 'alert'),
  twilio(21211, 'The number to call is not valid', 'flag-lead'),
  twilio(21212, 'The number that calls is not valid', 'alert'),
  twilio(21213, 'The number that calls is missing', 'alert'),
  twilio(21214, 'The number to call cannot be reached', 'flag-lead'),
  twilio(21215, 'The account may not call that country', 'ask-person'),
  twilio(21216, 'The number to call is on Twilio\u2019s block list', 'give-up'),
  twilio(21217, 'The number to call is not valid', 'flag-lead'),
  twilio(21219, 'A trial account calls verified numbers only', 'ask-person'),
  twilio(21220, 'The call is not in a state in which it can be changed: it is over', 'give-up'),
  twilio(21608, 'A trial account sends messages to verified numbers only', 'ask-person', { hint: 'Check TWILIO_PHONE_NUMBER' }),
  twilio(21610, 'The person has opted out of messages', 'give-up'),
  twilio(22005, 'The call waited in the queue for more than a day', 'retry-later', { maxRetries: 1 }),
  twilio(31901, 'The media socket could not be opened in time', 'ask-person'),
  twilio(31920, 'The media socket was refused: our answer was not 101', 'ask-person'),
  twilio(31921, 'The media socket was closed by its server', 'give-up', { hint: 'ElevenLabs closed at once: check the agent\u2019s settings' }),
  twilio(31930, 'Audio towards our server was dropped: it reads too slowly', 'alert'),
  twilio(31931, 'More than ten minutes of audio waited to be played', 'give-up'),
  twilio(31941, 'The track of a stream is not valid; under <Connect> only inbound_track is', 'give-up'),
  twilio(31951, 'A frame on the media socket was not valid', 'ask-person'),
  twilio(32018, 'Inline TwiML is longer than 4000 characters', 'give-up'),
  twilio(64105, 'A conversation relay session ended in an error', 'ask-person'),
  twilio(70051, 'The API key lacks a permission', 'alert'),

  elevenlabs('elevenlabs_unauthorized', 'The API key is wrong, lacks a scope, or is of another region', 'alert', { hint: 'Refresh the key, then once more' }),
  elevenlabs('elevenlabs_quota_exceeded', 'The workspace is out of credits', 'alert'),
  elevenlabs('elevenlabs_agent_misconfigured', 'The agent is misconfigured', 'alert'),
  elevenlabs('elevenlabs_agent_not_found', 'There is no such agent', 'alert'),
  elevenlabs('elevenlabs_override_not_allowed', 'An override is not allowed by the agent', 'alert'),
  elevenlabs('elevenlabs_dynamic_variable_missing', 'A dynamic variable is missing', 'ask-person'),
  elevenlabs('elevenlabs_contract_violation', 'Something that was sent is not allowed', 'ask-person'),
  elevenlabs('elevenlabs_audio_format_unsupported', 'The agent speaks an audio format that we do not', 'alert'),
  elevenlabs('elevenlabs_rate_limited', 'Too many requests or conversations at once', 'retry-later', { maxRetries: 3 }),
  elevenlabs('elevenlabs_queue_timeout', 'No agent became free in time', 'retry-later', { maxRetries: 3 }),
  elevenlabs('elevenlabs_server_error', 'ElevenLabs failed', 'retry-later', { maxRetries: 3 }),
  elevenlabs('elevenlabs_operational_failure', 'A part of ElevenLabs failed', 'retry-later', { maxRetries: 1 }),
  elevenlabs('elevenlabs_connection_lost', 'The connection to ElevenLabs broke', 'retry-later', { maxRetries: 1 }),
  elevenlabs('elevenlabs_connect_failed', 'ElevenLabs could not be reached', 'retry-later', { maxRetries: 3 }),
  elevenlabs('elevenlabs_connect_timeout', 'ElevenLabs did not answer in time', 'retry-later', { maxRetries: 3 }),

  network('ECONNREFUSED', 'The connection was refused', 'retry', 3),
  network('ETIMEDOUT', 'No answer in time', 'retry', 3),
  network('UND_ERR_CONNECT_TIMEOUT', 'No connection in time', 'retry', 3),
  network('ENOTFOUND', 'The name is not known', 'retry-later', 5),
  network('EAI_AGAIN', 'The name could not be looked up', 'retry', 5),
  network('ECONNRESET', 'The connection was reset', 'ask-person', 0),
] // prettier-ignore

const BY_CODE = new Map(FAILURES.map((failure) => [`${failure.vendor}:${failure.code}`, failure]))

/** What is known of one code of one vendor. */
export function explainFailure(vendor: FailureVendor, code: string | number): FailureMeaning | undefined {
  return BY_CODE.get(`${vendor}:${code}`)
}

/** Where Twilio explains a code. */
export function twilioErrorUrl(code: string | number): string {
  return `https://www.twilio.com/docs/api/errors/${encodeURIComponent(code)}`
}

/**
 * Reads an error: by vendor and code where it has one, else by its HTTP status.
 *
 * `telephone_outcome_unknown` is `ask-person` here and never a retry: what became of the call is for reconciliation to find out.
 */
export function failureOf(error: unknown): FailureMeaning {
  if (error instanceof VendorError && error.code === 'telephone_outcome_unknown') {
    return { vendor: 'twilio', code: error.code, meaning: 'The call may have been made', action: 'ask-person' }
  }
  if (error instanceof VendorError && error.code.startsWith('telephone_')) {
    const known = error.vendorCode === undefined ? undefined : explainFailure('twilio', error.vendorCode)
    return known ?? byStatus('twilio', error.vendorCode ?? String(error.status ?? 'unknown'), error.status)
  }
  if (error instanceof VoiceError && error.code.startsWith('elevenlabs_')) {
    const known = explainFailure('elevenlabs', error.code)
    return known ?? byStatus('elevenlabs', error.code, error instanceof VendorError ? error.status : undefined)
  }
  if (error instanceof VoiceError) {
    const { reason } = error.details
    const known = typeof reason === 'string' ? explainFailure('network', reason) : undefined
    if (known) return known
    if (error.code === 'http_timeout') return { vendor: 'network', code: error.code, meaning: 'No answer in time', action: 'retry', maxRetries: 3 } // prettier-ignore
    return { vendor: 'callweave', code: error.code, meaning: error.remedy, action: 'ask-person' }
  }
  return { vendor: 'callweave', code: 'unexpected', meaning: 'Something unexpected was thrown', action: 'ask-person' }
}

function byStatus(vendor: FailureVendor, code: string, status: number | undefined): FailureMeaning {
  if (status === 401 || status === 403) return { vendor, code, meaning: 'Not authorised', action: 'alert' }
  if (status === 429) return { vendor, code, meaning: 'Too many requests', action: 'retry', maxRetries: 3 }
  if (status !== undefined && status >= 500) return { vendor, code, meaning: 'The vendor failed', action: 'retry-later', maxRetries: 3 } // prettier-ignore
  return { vendor, code, meaning: 'The vendor refused', action: 'ask-person' }
}
