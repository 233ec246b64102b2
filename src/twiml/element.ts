/**
 * Makes an element as its kind allows: known attributes in a fixed order, nothing shadowed, only children that Twilio takes.
 *
 * @module
 */
import { checkCharacters, isElement, makeElement, type TwimlElement } from './xml.js'
import type { Rule } from './rules.js'

/** Attributes that this version does not know, written as they are, after the known ones. */
export interface Extra {
  /** Attributes that Twilio has and this version does not know. A name that is known, in whatever case, is refused. */
  readonly extra?: Readonly<Record<string, string | number | boolean>>
}

declare const IS_EXTRA: unique symbol

/** An element that this version does not know. It may stand in any other. */
export interface ExtraElement extends TwimlElement {
  /** In types only: keeps a known element from passing for one. */
  readonly [IS_EXTRA]: true
}

/** What one kind of element allows. */
export interface Kind<Name extends string> {
  readonly name: Name
  /** Each attribute with its rule, in the order in which they are written. */
  readonly rules: ReadonlyMap<string, { readonly write: Rule; readonly place: number }>
  readonly children: ReadonlySet<string>
  readonly holdsText: boolean
  /** What may be given with the attributes and is none: it becomes children, or is a setting of ours. */
  readonly aside: ReadonlySet<string>
}

type Rules<Attributes, Aside extends string> = { readonly [Key in Exclude<keyof Attributes, 'extra' | Aside>]-?: Rule }

const NO_RULES: Kind<string>['rules'] = new Map()
const KNOWN_ELEMENTS = new Set<string>()
// Names as TwiML has them: `voice`, `xml:lang`, `interpret-as`. Nothing that could end a tag.
const NAME = /^[A-Za-z][\w.-]*(?::[A-Za-z][\w.-]*)?$/

/** Declares a kind of element. `children` is a list of names with spaces between them. */
export function kind<Attributes, Name extends string, Aside extends string = never>(
  name: Name,
  rules: Rules<Attributes, Aside>,
  options: { readonly children?: string; readonly text?: boolean; readonly aside?: readonly Aside[] } = {},
): Kind<Name> {
  KNOWN_ELEMENTS.add(name)
  const placed = Object.entries<Rule>(rules).map(([key, write], place) => [key, { write, place }] as const)
  return {
    name,
    rules: new Map(placed),
    children: new Set((options.children ?? '').split(' ').filter(Boolean)),
    holdsText: options.text === true,
    aside: new Set(options.aside),
  }
}

/**
 * Makes an element.
 *
 * @throws TypeError for an attribute or a child that the kind does not have, RangeError for a number out of bounds.
 * @throws VoiceError `twiml_invalid` for a character that XML cannot carry.
 */
export function make<Name extends string>(
  { name, rules, children: allowed, holdsText, aside }: Kind<Name>,
  given: object,
  children: readonly (TwimlElement | string)[] = [],
): TwimlElement<Name> {
  const values = given as Readonly<Record<string, unknown>>
  let attributes: Record<string, string> = {}
  let last = 0
  let isOrdered = true
  for (const key in values) {
    const value = values[key]
    if (value === undefined || key === 'extra') continue
    const rule = rules.get(key)
    if (!rule) {
      if (aside.has(key)) continue
      throw new TypeError(`<${name}> has no attribute ${JSON.stringify(key)}${hint(key, rules)}`)
    }
    if (rule.place < last) isOrdered = false
    last = rule.place
    attributes[key] = rule.write(value, name, key)
  }
  if (!isOrdered) attributes = inOrder(attributes, rules)
  if (values['extra'] !== undefined) addExtra(attributes, values['extra'], name, rules)
  for (const child of children) checkChild(child, name, allowed, holdsText)
  return makeElement(name, attributes, children)
}

/**
 * Makes an element that this version does not know, to stand in any other.
 *
 * @throws TypeError when the name is known or could not stand in XML.
 */
export function extraElement(
  name: string,
  attributes: Readonly<Record<string, string | number | boolean>> = {},
  ...children: readonly (TwimlElement | string)[]
): ExtraElement {
  if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of an element`)
  const known = [...KNOWN_ELEMENTS].find((other) => other.toLowerCase() === name.toLowerCase())
  if (known !== undefined) throw new TypeError(`<${known}> is known: use its function`)
  const written: Record<string, string> = {}
  addExtra(written, attributes, name, NO_RULES)
  for (const child of children) checkChild(child, name, undefined, true)
  return makeElement(name, written, children) as ExtraElement
}

function inOrder(attributes: Record<string, string>, rules: Kind<string>['rules']): Record<string, string> {
  const ordered: Record<string, string> = {}
  for (const key of rules.keys()) {
    const value = attributes[key]
    if (value !== undefined) ordered[key] = value
  }
  return ordered
}

function addExtra(
  written: Record<string, string>,
  extra: unknown,
  element: string,
  known: Kind<string>['rules'],
): void {
  if (typeof extra !== 'object' || extra === null) throw new TypeError(`extra of <${element}> must be an object`)
  for (const [key, value] of Object.entries(extra) as [string, unknown][]) {
    if (!NAME.test(key)) throw new TypeError(`${JSON.stringify(key)} is no name of an attribute`)
    const shadowed = [...known.keys()].find((other) => other.toLowerCase() === key.toLowerCase())
    if (shadowed !== undefined) {
      throw new TypeError(`extra of <${element}> has ${key}; ${shadowed} is known: give it outside extra`)
    }
    if (typeof value !== 'string' && typeof value !== 'boolean' && !Number.isFinite(value)) {
      throw new TypeError(`extra.${key} of <${element}> must be a string, a finite number or a boolean`)
    }
    const text = String(value)
    checkCharacters(text, element, key)
    written[key] = text
  }
}

function checkChild(
  child: unknown,
  parent: string,
  allowed: ReadonlySet<string> | undefined,
  holdsText: boolean,
): void {
  if (typeof child === 'string') {
    if (!holdsText) throw new TypeError(`<${parent}> holds no text`)
    checkCharacters(child, parent)
  } else if (!isElement(child)) {
    throw new TypeError(`A child of <${parent}> was not made by a function of callweave/twiml`)
  } else if (allowed && !allowed.has(child.name) && KNOWN_ELEMENTS.has(child.name)) {
    const list = [...allowed].map((name) => `<${name}>`).join(', ') || 'nothing'
    throw new TypeError(`<${parent}> cannot hold <${child.name}>; it holds ${list}`)
  }
}

function hint(key: string, known: Kind<string>['rules']): string {
  const meant = [...known.keys()].find((other) => other.toLowerCase() === key.toLowerCase())
  return meant === undefined ? '. What Twilio added since goes into extra' : `. Write ${meant}: TwiML is case-sensitive`
}
