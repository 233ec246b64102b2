/**
 * `<Parameter>`: values that go to our own server with a call. They stand in Twilio's logs, so no secret may be among them.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'
import { kind, make } from './element.js'
import { text } from './rules.js'
import type { TwimlDocument } from './response.js'
import { checkCharacters, makeElement, type TwimlElement } from './xml.js'

/** Names and values. Name and value have fewer than 500 characters together. Never a lasting secret: a one-time token at most. */
export type Parameters = Readonly<Record<string, string>>

interface NameAndValue {
  readonly name: string
  readonly value: string
}

/** Name and value of a `<Parameter>` together (https://www.twilio.com/docs/voice/twiml/stream, read 2026-11-21). */
const MAX_PARAMETER_CHARS = 500

/** A secret shorter than this would be found in innocent text. */
const MIN_SECRET_CHARS = 8

/** Declared like any other, and made by hand: it has no options, and a document may have many. */
const PARAMETER = kind<NameAndValue, 'Parameter'>('Parameter', { name: text, value: text })
const CONFIG = kind<NameAndValue, 'Config'>('Config', { name: text, value: text })

const SECRET_NAME =
  /api[^a-z]*key|auth[^a-z]*token|access[^a-z]*(?:token|key)|private[^a-z]*key|secret(?!ar)|passw(?:or)?d|credential|bearer/i
// Keys of ElevenLabs, OpenAI, Anthropic, Stripe (sk_…, sk-…), and an Authorization header
const SECRET_VALUE = /^(?:sk|xi)[_-][\w-]{16,}$|^(?:Bearer|Basic) \S{8,}/

/** Parameters as elements, in the order in which they were given. */
export function parameterElements(parameters: Parameters = {}): readonly TwimlElement<'Parameter'>[] {
  const elements: TwimlElement<'Parameter'>[] = []
  for (const name in parameters) {
    const value = parameters[name] as string
    checkParameter(name, value)
    elements.push(makeElement(PARAMETER.name, { name, value }, []))
  }
  return elements
}

/** Settings of a connector, as elements. */
export function configElements(config: Parameters = {}): readonly TwimlElement<'Config'>[] {
  return Object.entries(config).map(([name, value]) => make(CONFIG, { name, value }))
}

function checkParameter(name: string, value: string): void {
  if (typeof value !== 'string')
    throw new TypeError(`The parameter "${brief(name)}" must be a string, and is a ${typeof value}`)
  checkCharacters(name, 'Parameter', 'name')
  checkCharacters(value, 'Parameter', 'value')
  if (name.length + value.length >= MAX_PARAMETER_CHARS) {
    throw new VoiceError(
      'twiml_invalid',
      `The parameter "${brief(name)}" has with its value ${name.length + value.length} characters; Twilio takes fewer than ${MAX_PARAMETER_CHARS}`,
    )
  }
  const isNamedSo = SECRET_NAME.test(name)
  if (!isNamedSo && !SECRET_VALUE.test(value)) return
  throw new VoiceError(
    'twiml_invalid',
    `The parameter "${brief(name)}" ${isNamedSo ? 'is named like' : 'has the form of'} a secret, and TwiML is kept in Twilio's logs`,
    { remedy: 'Keep keys on your server; send a one-time token or an id, and look the rest up there.' },
  )
}

/**
 * Checks that none of these secrets stands anywhere in a document, not even as a part of something.
 *
 * @param secrets For example the auth token and the API key of the configuration. Under eight characters they are not looked for.
 * @returns The document.
 * @throws VoiceError `twiml_invalid`; the message names the place and never the secret.
 */
export function withoutSecrets(document: TwimlDocument, secrets: readonly string[]): TwimlDocument {
  const sought = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS)
  if (sought.length > 0) searchSecrets(document.root, sought)
  return document
}

function searchSecrets({ name, attributes, children }: TwimlElement, secrets: readonly string[]): void {
  const holds = (value: string): boolean => secrets.some((secret) => value.includes(secret))
  for (const [key, value] of Object.entries(attributes)) {
    if (holds(value)) throw secretFound(`The attribute ${key} of <${name}>`)
  }
  for (const child of children) {
    if (typeof child !== 'string') searchSecrets(child, secrets)
    else if (holds(child)) throw secretFound(`The text of <${name}>`)
  }
}

function secretFound(where: string): VoiceError {
  return new VoiceError('twiml_invalid', `${where} has a secret in it, and TwiML is kept in Twilio's logs`)
}

const brief = (name: string): string => name.slice(0, 40)
