/**
 * The parameters that stand in every voice webhook.
 *
 * @see https://www.twilio.com/docs/voice/twiml#request-parameters (read 2026-11-21)
 * @module
 */

/** Twilio's word for where a call stands. */
export type CallStatus =
  'queued' | 'initiated' | 'ringing' | 'in-progress' | 'completed' | 'busy' | 'failed' | 'no-answer' | 'canceled'

/** Who placed a call: a caller, the host over REST, or the host's `<Dial>`. */
export type CallDirection = 'inbound' | 'outbound-api' | 'outbound-dial'

/** What a call is, for the parameters. */
export interface CallIdentity {
  readonly sid: string
  readonly accountSid: string
  readonly direction: CallDirection
  readonly from: string
  readonly to: string
}

export const API_VERSION = '2010-04-01'

/** The standard parameters; every value is a string, and places that are not known are empty. */
export function voiceParameters(call: CallIdentity, status: CallStatus): Record<string, string> {
  const params: Record<string, string> = {
    CallSid: call.sid,
    AccountSid: call.accountSid,
    ApiVersion: API_VERSION,
    CallStatus: status,
    Direction: call.direction,
    From: call.from,
    To: call.to,
    Caller: call.from,
    Called: call.to,
  }
  for (const party of ['From', 'To', 'Caller', 'Called']) {
    const isNorthAmerican = params[party]?.startsWith('+1') === true
    params[`${party}City`] = ''
    params[`${party}State`] = ''
    params[`${party}Zip`] = ''
    params[`${party}Country`] = isNorthAmerican ? 'US' : ''
  }
  return params
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A moment as RFC 2822 writes it, e.g. `Sun, 30 Aug 2026 08:33:12 +0000`: call callbacks and REST dates. */
export function rfc2822(atMs: number): string {
  const at = new Date(atMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${DAYS[at.getUTCDay()] ?? ''}, ${two(at.getUTCDate())} ${MONTHS[at.getUTCMonth()] ?? ''} ${at.getUTCFullYear()}`
  return `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`
}
