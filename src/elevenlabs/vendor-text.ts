/**
 * What ElevenLabs says of a failure, made fit for an error message: short, on one line, and without what could identify a
 * person or open a door.
 *
 * @module
 */

const MAX_CHARS = 200

/** Seven digits or more, as people write telephone numbers, that are no part of an id. */
const PHONE_LIKE = /(?<![\w-])\+?\(?\d(?:[ ().-]{0,3}\d){6,}(?![\w-])/g
const URL_LIKE = /\b(?:https?|wss?):\/\/\S+/gi
const SECRET_LIKE = /\b(?:sk|xi|wsec|secret)[_-][\w-]{8,}|(?:signature|token|key)=[^\s&"']+/gi

/** `text` as it may stand in a message; empty when there was none. */
export function cleanVendorText(text: string | undefined): string {
  if (!text) return ''
  const line = text
    .slice(0, MAX_CHARS * 4)

    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/g, ' ')
    .replaceAll(URL_LIKE, '[url]')
    .replaceAll(SECRET_LIKE, '[secret]')
    .replaceAll(PHONE_LIKE, '[number]')
    .trim()
  return line.length > MAX_CHARS ? `${line.slice(0, MAX_CHARS)}\u2026` : line
}
