/**
 * What Twilio would put into its debugger: codes with their true meaning.
 *
 * Levels and meanings are those of Twilio's error dictionary (https://www.twilio.com/docs/api/errors, read 2026-11-21).
 *
 * @module
 */

const CODES = {
  11200: ['error', 'the URL could not be retrieved: an error status, or no answer in time'],
  11205: ['error', 'no connection to the host of the URL'],
  11215: ['error', 'too many redirects'],
  11750: ['error', 'the TwiML is larger than 64 kB'],
  11770: ['error', 'the answer has no body'],
  12100: ['error', 'the TwiML is not well-formed XML'],
  12102: ['error', 'the root element is not <Response>'],
  12200: ['warning', 'the TwiML does not follow the schema; what is wrong was skipped'],
  12300: ['error', 'the content type is neither TwiML, text nor audio'],
  13201: ['error', '<Dial> inside a dialled leg'],
  13223: ['error', '<Dial>: the number has an invalid format'],
  15003: ['warning', 'a status callback was not answered with 2xx'],
  21205: ['error', 'the URL is not absolute'],
  31900: ['error', 'stream: unknown error'],
  31901: ['error', 'stream: connecting to the WebSocket took too long'],
  31902: ['error', 'stream: the connection was refused'],
  31903: ['error', 'stream: the connection broke'],
  31904: ['error', 'stream: the host cannot be reached'],
  31910: ['error', 'stream: TLS failed'],
  31920: ['error', 'stream: the WebSocket handshake was answered with something other than 101'],
  31921: ['error', 'stream: the server closed the WebSocket'],
  31922: ['error', 'stream: the URL must begin with wss://'],
  31923: ['error', 'stream: the URL is malformed'],
  31924: ['error', 'stream: the server broke the WebSocket protocol'],
  31931: ['warning', 'stream: more than ten minutes of audio are queued; audio was refused'],
  31940: ['error', 'stream: unknown connectorName'],
  31941: ['error', 'stream: <Connect> takes only track="inbound_track"'],
  31950: ['warning', 'stream: a binary message came; it was dropped'],
  31951: ['warning', 'stream: a message is not JSON, of unknown type, has a missing or extra field, or another streamSid; it was dropped'],
  64101: ['error', 'relay: invalid parameter'],
  64102: ['error', 'relay: unable to connect to the WebSocket URL'],
  64105: ['error', 'relay: the WebSocket ended'],
  64107: ['warning', 'relay: a message could not be read; it was ignored'],
} as const satisfies Record<number, readonly ['error' | 'warning', string]> // prettier-ignore

/** A code of Twilio's error dictionary that this simulator can report. */
export type ViolationCode = keyof typeof CODES

/** One entry of Twilio's debugger. */
export interface Violation {
  readonly code: ViolationCode
  readonly level: 'error' | 'warning'
  /** What the code means, then what was seen. Carries no number, digit, speech or secret. */
  readonly message: string
  readonly callSid: string
  /** Milliseconds since the call was made. */
  readonly atMs: number
}

/** @param seen - What was found, and where; without values that could be private. */
export function makeViolation(code: ViolationCode, seen: string, where: { callSid: string; atMs: number }): Violation {
  const [level, meaning] = CODES[code]
  return { code, level, message: seen ? `${meaning} (${seen})` : meaning, ...where }
}
