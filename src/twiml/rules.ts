/**
 * What an attribute may be given as, and how it is written.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'
import { checkCharacters } from './xml.js'

/** Turns a value into what is written, or throws. `element` and `attribute` say where, for the message. */
export type Rule = (value: unknown, element: string, attribute: string) => string

/** A text. */
export const text: Rule = (value, element, attribute) => {
  if (typeof value !== 'string') throw wrongType(value, 'a string', element, attribute)
  checkCharacters(value, element, attribute)
  return value
}

/** `true` or `false`. */
export const flag: Rule = (value, element, attribute) => {
  if (typeof value !== 'boolean') throw wrongType(value, 'true or false', element, attribute)
  return value ? 'true' : 'false'
}

/** A whole number within bounds, both of them allowed. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER): Rule {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`
  return (value, element, attribute) => {
    if (typeof value !== 'number') throw wrongType(value, 'a number', element, attribute)
    if (Number.isInteger(value) && value >= min && value <= max) return String(value)
    throw new RangeError(`${attribute} of <${element}> must be a whole number, ${range}, and is ${value}`)
  }
}

/** A number within bounds, fractions allowed. */
export function fraction(min: number, max: number): Rule {
  return (value, element, attribute) => {
    if (typeof value !== 'number') throw wrongType(value, 'a number', element, attribute)
    if (value >= min && value <= max) return String(value)
    throw new RangeError(`${attribute} of <${element}> must be ${min} to ${max}, and is ${value}`)
  }
}

/** `word`, or what another rule takes. */
export function wordOr(word: string, other: Rule): Rule {
  return (value, element, attribute) => (value === word ? word : other(value, element, attribute))
}

/** One of these words, in this case. */
export function oneOf(...words: readonly string[]): Rule {
  return (value, element, attribute) => {
    if (typeof value === 'string' && words.includes(value)) return value
    const list = words.map((word) => `"${word}"`).join(', ')
    throw wrongType(value, `one of ${list}, in this case`, element, attribute)
  }
}

/** A list of words or numbers that a rule takes, written with spaces between them. */
export function listOf(rule: Rule): Rule {
  return (value, element, attribute) => {
    if (!Array.isArray(value)) throw wrongType(value, 'an array', element, attribute)
    const written = value.map((item: unknown) => rule(item, element, attribute))
    if (written.some((item) => /\s/.test(item) || item === '')) {
      throw new TypeError(`${attribute} of <${element}> has an entry that is empty or has white space`)
    }
    return written.join(' ')
  }
}

/** Keys and pauses to be sent as tones: `0-9 * # w W` (https://www.twilio.com/docs/voice/twiml/number, read 2026-11-21). */
export const tones: Rule = (value, element, attribute) => {
  if (typeof value !== 'string') throw wrongType(value, 'a string', element, attribute)
  if (/^[0-9*#wW]+$/.test(value)) return value
  throw new VoiceError(
    'twiml_invalid',
    `${attribute} of <${element}> may have only 0-9 * # w W, and at least one of them`,
  )
}

/** How a callback is requested. */
export const method = oneOf('GET', 'POST')

/** An event list: Twilio adds to these, so any word is taken. */
export const events = listOf(text)

function wrongType(value: unknown, expected: string, element: string, attribute: string): TypeError {
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return new TypeError(`${attribute} of <${element}> must be ${expected}; it was given as ${type}`)
}
