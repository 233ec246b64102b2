/**
 * Languages of a conversation: by name or by code, each with its first message.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'
import type { ElevenLabsVoice } from './elevenlabs-voice.js'

/** One language that an agent speaks. */
export interface LanguageConfig {
  /** Other names that it goes by, besides its key and its codes. In whatever case. */
  readonly names: readonly string[]
  /** The short code, as ElevenLabs takes it: `es`. */
  readonly language: string
  /** The long code, as Twilio takes it: `es-ES`. */
  readonly relayCode: string
  /** A template: see {@link fillTemplate}. */
  readonly firstMessage: string
  /** Yours: there is no voice that suits everyone. */
  readonly voice?: ElevenLabsVoice
}

/**
 * Four languages to start from; spread them and replace what is yours. That Twilio takes `zh-CN` and `pt-BR` from every
 * provider is not confirmed; `es-ES` and `en-US` stand in its examples (read 2026-11-21).
 */
export const LANGUAGES = {
  english: {
    names: [],
    language: 'en',
    relayCode: 'en-US',
    firstMessage: 'Hi [Name], this is calling from {{business}}.',
  },
  spanish: {
    names: ['español', 'espanol', 'castellano'],
    language: 'es',
    relayCode: 'es-ES',
    firstMessage: 'Hola [Nombre], te llamo de {{business}}.',
  },
  portuguese: {
    names: ['português', 'portugues'],
    language: 'pt',
    relayCode: 'pt-BR',
    firstMessage: 'Oi [Nome], estou ligando da {{business}}.',
  },
  mandarin: {
    names: ['chinese', 'cmn', '中文', '普通话'],
    language: 'zh',
    relayCode: 'zh-CN',
    firstMessage: '您好 [Name]，我是{{business}}的。',
  },
} as const satisfies Readonly<Record<string, LanguageConfig>>

/** The longer English first message, for a call about a property. */
export const PROPERTY_FIRST_MESSAGE =
  'Hi {{name}}, this is calling from {{business}} about your property at {{address}}. Do you have a moment to chat?'

type Languages = Readonly<Record<string, LanguageConfig>>

/**
 * Finds a language by its key, another name, or a code: `spanish`, `Español`, `es`, `es-MX`, `es_MX`.
 *
 * A regional code that is not the configured one is kept as `relayCode`.
 *
 * @returns `undefined` when it is not among them.
 */
export function findLanguage(nameOrCode: string, languages: Languages = LANGUAGES): LanguageConfig | undefined {
  const sought = nameOrCode.trim().toLowerCase().replaceAll('_', '-')
  const entries = Object.entries(languages)
  const exact = entries.find(
    ([key, { names, language, relayCode }]) =>
      [key, language, relayCode].some((name) => name.toLowerCase() === sought) ||
      names.some((name) => name.toLowerCase() === sought),
  )
  if (exact) return exact[1]
  if (!/^[a-z]{2,3}(-[a-z0-9]{2,8})+$/.test(sought)) return undefined
  const primary = sought.slice(0, sought.indexOf('-'))
  const related = entries.find(([, { language, names }]) => language === primary || names.includes(primary))?.[1]
  return related && { ...related, relayCode: regionalCode(sought) }
}

/**
 * Finds a language, or throws.
 *
 * @throws VoiceError `relay_language_unknown`
 */
export function resolveLanguage(nameOrCode: string, languages: Languages = LANGUAGES): LanguageConfig {
  const found = findLanguage(nameOrCode, languages)
  if (found) return found
  const known = Object.entries(languages).map(([key, { language }]) => `${key} (${language})`)
  throw new VoiceError(
    'relay_language_unknown',
    `There is no language ${JSON.stringify(nameOrCode.slice(0, 40))}; there are ${known.join(', ')}`,
  )
}

/**
 * The first of these that is known: what the lead prefers, then what was detected; otherwise the fallback.
 *
 * @param candidates In order of preference. What is missing or unknown is passed over, so that a call is never lost to a typing error.
 * @param options.fallback Default `english`.
 * @throws VoiceError `relay_language_unknown` when the fallback itself is not known.
 */
export function chooseLanguage(
  candidates: readonly (string | null | undefined)[],
  options: { readonly languages?: Languages; readonly fallback?: string } = {},
): LanguageConfig {
  const { languages = LANGUAGES, fallback = 'english' } = options
  for (const candidate of candidates) {
    const found = candidate ? findLanguage(candidate, languages) : undefined
    if (found) return found
  }
  return resolveLanguage(fallback, languages)
}

/** `es-mx` → `es-MX`, `zh-hans-cn` → `zh-Hans-CN`. */
function regionalCode(code: string): string {
  const [primary = '', ...subtags] = code.split('-')
  const written = subtags.map((tag) =>
    tag.length === 4 ? tag.charAt(0).toUpperCase() + tag.slice(1) : tag.toUpperCase(),
  )
  return [primary, ...written].join('-')
}

// `[Name]` and its translations mean the same value; `{{name}}` may have spaces inside.
const PLACEHOLDER = /\[(?:Name|Nombre|Nome)\]|\{\{\s*([A-Za-z_]\w*)\s*\}\}/g

/**
 * Fills a template. `[Name]`, `[Nombre]` and `[Nome]` all mean `name`; `{{anything}}` means that value. Each placeholder is replaced
 * wherever it stands, and once: what looks like a placeholder in a value stays as it is.
 *
 * @throws VoiceError `template_value_missing` when a value is missing or empty: a caller must never hear the word "name".
 * @example
 * ```ts
 * fillTemplate('Hola [Nombre], te llamo de {{business}}.', { name: 'Ana', business: 'Next Level Real Estate' })
 * ```
 */
export function fillTemplate(template: string, values: Readonly<Record<string, string | undefined>>): string {
  return template.replaceAll(PLACEHOLDER, (placeholder: string, key: string | undefined = 'name') => {
    const value = Object.hasOwn(values, key) ? values[key] : undefined
    if (value !== undefined && value.trim() !== '') return value
    throw new VoiceError('template_value_missing', `The template has ${placeholder}, and there is no value for it`)
  })
}
