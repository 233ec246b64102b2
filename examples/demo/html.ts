/**
 * HTML as text that was escaped once.
 *
 * The markup is well-formed XML too, so that any XML parser can check a page.
 *
 * @module
 */

/** Markup. Made only by {@link html} and {@link tag}. */
export interface Html {
  readonly markup: string
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Escapes text for an element or an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character)
}

/** Joins markup. A string is markup here, and must have been escaped. */
export function html(...parts: readonly (string | Html)[]): Html {
  return { markup: parts.map((part) => (typeof part === 'string' ? part : part.markup)).join('') }
}

/** One element. A string is text here, and is escaped. */
export function tag(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...content: readonly (string | Html)[]
): Html {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeHtml(String(value))}"`)
  const inside = content.map((part) => (typeof part === 'string' ? escapeHtml(part) : part.markup)).join('')
  return { markup: `<${name}${written.join('')}>${inside}</${name}>` }
}
