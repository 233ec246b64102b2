/**
 * TwiML text as a tree, read as strictly as Twilio reads it.
 *
 * @module
 */
import { SaxesParser } from 'saxes'
import { schemaOf } from './twiml-schema.js'
import type { ViolationCode } from './violations.js'

/** One element. */
export interface TwimlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly TwimlElement[]
  /** The text in it, its descendants' included, trimmed. */
  readonly text: string
  /** Whether this simulator knows how to play it. */
  readonly isPlayed: boolean
}

/** What reading a document gave: verbs to run, or an error that ends the call; and warnings either way. */
export type TwimlDocument =
  | { readonly ok: true; readonly verbs: readonly TwimlElement[]; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly code: ViolationCode; readonly seen: string }

/** Twilio reads 64 kB of TwiML, and no more (https://www.twilio.com/docs/api/errors/11750, read 2026-11-21). */
export const MAX_TWIML_BYTES = 65_536

const MAX_DEPTH = 16
const MAX_WARNINGS = 20

interface OpenElement {
  readonly name: string
  readonly attributes: Record<string, string>
  readonly children: OpenElement[]
  text: string
}

/** Reads TwiML. Elements and attributes outside the schema are left out with a warning (12200), as Twilio does. */
export function parseTwiml(xml: string): TwimlDocument {
  if (xml.trim() === '') return { ok: false, code: 11770, seen: 'empty document' }
  if (Buffer.byteLength(xml) > MAX_TWIML_BYTES) {
    return { ok: false, code: 11750, seen: `${Buffer.byteLength(xml)} bytes` }
  }
  const parsed = parseXml(xml)
  if (typeof parsed === 'string') return { ok: false, code: 12100, seen: parsed }
  if (parsed.name !== 'Response') return { ok: false, code: 12102, seen: `root <${parsed.name}>` }
  const warnings: string[] = []
  if (parsed.text.trim() !== '') warnings.push('text in <Response>')
  const verbs = checkChildren(parsed, warnings)
  return { ok: true, verbs, warnings: warnings.slice(0, MAX_WARNINGS) }
}

/** The root element, or what is wrong with the text. */
function parseXml(xml: string): OpenElement | string {
  const parser = new SaxesParser({ xmlns: false, position: true })
  const open: OpenElement[] = []
  let root: OpenElement | undefined
  let problem: string | undefined
  parser.on('error', (error) => {
    problem ??= /^(\d+:\d+)/.exec(error.message)?.[1] ?? 'unreadable' // the place; the text itself may quote the document
  })
  parser.on('doctype', () => (problem ??= 'a DOCTYPE')) // entities of its own making: nothing that TwiML has
  parser.on('opentag', (tag) => {
    const element: OpenElement = { name: tag.name, attributes: tag.attributes, children: [], text: '' }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
    if (open.length > MAX_DEPTH) problem ??= 'nested too deeply'
  })
  parser.on('closetag', () => {
    const closed = open.pop()
    const parent = open.at(-1)
    const isSpoken = open.some((element) => element.name === 'Say') // speech mark-up is part of what is said
    if (closed && parent && isSpoken) parent.text += closed.text
  })
  const addText = (text: string): void => {
    const element = open.at(-1)
    if (element) element.text += text
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  try {
    parser.write(xml).close()
  } catch {
    problem ??= 'unreadable'
  }
  if (problem !== undefined) return `at ${problem}`
  return root ?? 'at the end: no element'
}

function checkChildren(parent: OpenElement, warnings: string[]): TwimlElement[] {
  const kept: TwimlElement[] = []
  for (const child of parent.children) {
    const schema = schemaOf(child.name, parent.name)
    if (!schema) {
      warnings.push(`<${child.name}> in <${parent.name}>`)
      continue
    }
    if (schema.isOpen) {
      kept.push({ ...child, text: child.text.trim(), children: [], isPlayed: schema.isPlayed })
      continue
    }
    const attributes: Record<string, string> = {}
    for (const [name, value] of Object.entries(child.attributes)) {
      if (schema.attributes.has(name)) attributes[name] = value
      else warnings.push(`attribute ${name} of <${child.name}>`)
    }
    const text = child.text.trim()
    if (text && !schema.hasText) warnings.push(`text in <${child.name}>`)
    kept.push({ name: child.name, attributes, children: checkChildren(child, warnings), text, isPlayed: true })
  }
  return kept
}
