/**
 * The `<Response>`: a whole document, and its limits.
 *
 * @see https://www.twilio.com/docs/voice/twiml (read 2026-11-21)
 * @module
 */
import { VoiceError } from '../core/errors.js'
import { kind, make, type ExtraElement } from './element.js'
import { serialise, type TwimlElement } from './xml.js'

/** Twilio reads 64 kB of TwiML and no more (https://www.twilio.com/docs/api/errors/11750, read 2026-11-21). */
const MAX_TWIML_BYTES = 65_536
/** What the `Twiml` parameter of a call takes (https://www.twilio.com/docs/api/errors/32018, read 2026-11-21). */
export const MAX_INLINE_TWIML_CHARS = 4000

/** A verb: what may stand in a `<Response>`. */
export type Verb =
  | TwimlElement<
      | 'Connect'
      | 'Dial'
      | 'Echo'
      | 'Enqueue'
      | 'Gather'
      | 'Hangup'
      | 'Leave'
      | 'Pause'
      | 'Pay'
      | 'Play'
      | 'Prompt'
      | 'Queue'
      | 'Record'
      | 'Redirect'
      | 'Refer'
      | 'Reject'
      | 'Say'
      | 'Sms'
      | 'Start'
      | 'Stop'
    >
  | ExtraElement

const RESPONSE = kind<object, 'Response'>(
  'Response',
  {},
  {
    children:
      'Connect Dial Echo Enqueue Gather Hangup Leave Pause Pay Play Prompt Queue Record Redirect Refer Reject Say Sms Start Stop',
  },
)

/** A whole document. */
export interface TwimlDocument {
  readonly root: TwimlElement<'Response'>
  /**
   * The document as XML, declaration included. The same document always gives the same text.
   *
   * @throws VoiceError `twiml_invalid` when it is over 64 kB.
   */
  toString(): string
}

/** Makes a document of verbs, which Twilio executes in order. */
export function response(...verbs: readonly Verb[]): TwimlDocument {
  const root = make(RESPONSE, {}, verbs)
  return Object.freeze({ root, toString: () => write(root) })
}

/**
 * The document as text for the `Twiml` parameter of a call that is created or changed over REST.
 *
 * @throws VoiceError `twiml_invalid` when it has over {@link MAX_INLINE_TWIML_CHARS} characters: serve it from a `Url` instead.
 */
export function toInlineTwiml(document: TwimlDocument): string {
  const xml = document.toString()
  if (xml.length <= MAX_INLINE_TWIML_CHARS) return xml
  throw new VoiceError(
    'twiml_invalid',
    `The document has ${xml.length} characters; inlined in a call Twilio takes ${MAX_INLINE_TWIML_CHARS}`,
    { remedy: 'Serve the document from your own address, and give the call its Url.', details: { chars: xml.length } },
  )
}

function write(root: TwimlElement): string {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>${serialise(root)}`
  if (xml.length * 3 <= MAX_TWIML_BYTES) return xml // no character of a string takes more than three bytes
  const bytes = new TextEncoder().encode(xml).length
  if (bytes <= MAX_TWIML_BYTES) return xml
  throw new VoiceError('twiml_invalid', `The document has ${bytes} bytes; Twilio reads ${MAX_TWIML_BYTES}`)
}
