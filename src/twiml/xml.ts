/**
 * Elements as data, and their XML: escaping and serialising, nothing else.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'

const MADE: unique symbol = Symbol.for('callweave.twiml-element') as never

/** One element: a verb, a noun, speech mark-up, or the `<Response>`. Made by this package's functions only, and never changed. */
export interface TwimlElement<Name extends string = string> {
  readonly name: Name
  /** In the order in which they are written. */
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (TwimlElement | string)[]
  /** Says that the element was checked when it was made. JSON cannot carry it, so data from outside never passes for an element. */
  readonly [MADE]: true
}

// XML 1.0 knows no control characters but tab, line feed and carriage return, and no half of a surrogate pair.
// The first finds nearly every good text good, in one quick pass; emoji go on to the second.
const SUSPECT = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uD800-\uDFFF\uFFFE\uFFFF]/
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF\p{Surrogate}]/u

const NONE: readonly never[] = Object.freeze([])

class Element {
  // Declared and not defined: a field that is defined first costs as much again as to set it.
  declare readonly [MADE]: true
  declare readonly name: string
  declare readonly attributes: Readonly<Record<string, string>>
  declare readonly children: readonly (TwimlElement | string)[]

  constructor(
    name: string,
    attributes: Readonly<Record<string, string>>,
    children: readonly (TwimlElement | string)[],
  ) {
    this.name = name
    this.attributes = Object.freeze(attributes)
    this.children = children.length === 0 ? NONE : Object.freeze(children)
    Object.freeze(this)
  }
}
Object.defineProperty(Element.prototype, MADE, { value: true })

/** Makes an element of parts that were checked. Who calls this answers for names; characters are checked by {@link checkCharacters}. */
export function makeElement<Name extends string>(
  name: Name,
  attributes: Readonly<Record<string, string>>,
  children: readonly (TwimlElement | string)[],
): TwimlElement<Name> {
  return new Element(name, attributes, children) as TwimlElement<Name>
}

/** Whether a value is an element of ours, whichever copy of the package made it. */
export function isElement(value: unknown): value is TwimlElement {
  return (value as { [MADE]?: unknown } | null | undefined)?.[MADE] === true
}

/**
 * Checks that XML can carry a text.
 *
 * @throws {@link VoiceError} `twiml_invalid`; the message names the place, the character and its index.
 */
export function checkCharacters(text: string, element: string, attribute?: string): void {
  if (!SUSPECT.test(text)) return
  const match = FORBIDDEN.exec(text)
  if (!match) return
  const code = match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
  const where = attribute === undefined ? `The text of <${element}>` : `The attribute ${attribute} of <${element}>`
  throw new VoiceError(
    'twiml_invalid',
    `${where} has the character U+${code} at ${match.index}, which XML cannot carry`,
  )
}

/** Writes an element as XML. */
export function serialise({ name, attributes, children }: TwimlElement): string {
  let xml = `<${name}`
  for (const key in attributes) xml += ` ${key}="${escapeAttribute(attributes[key] ?? '')}"`
  if (children.length === 0) return `${xml}/>`
  xml += '>'
  for (const child of children) xml += typeof child === 'string' ? escapeText(child) : serialise(child)
  return `${xml}</${name}>`
}

// A carriage return that stands as it is would reach the reader as a line feed, and any white space in an attribute as a space.
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}
const SPECIAL_IN_TEXT = /[&<>\r]/g
const SPECIAL_IN_ATTRIBUTE = /[&<>"\t\n\r]/g
const entity = (character: string): string => ENTITIES[character] ?? character

// Nearly every value has nothing to escape, and to look costs a tenth of a replacement that finds nothing.
const escapeText = (text: string): string => (/[&<>\r]/.test(text) ? text.replace(SPECIAL_IN_TEXT, entity) : text)
const escapeAttribute = (text: string): string =>
  /[&<>"\t\n\r]/.test(text) ? text.replace(SPECIAL_IN_ATTRIBUTE, entity) : text
