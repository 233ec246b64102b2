/**
 * Hears a request not to be called, in speech or text.
 *
 * These are rules and not sentiment: both an angry person who wants to buy and a friendly one who wants no more calls are
 * common. Any reasonable way of asking counts (47 CFR 64.1200(a)(10), read 2026-11-21), so no list of phrases is ever whole:
 * an agent tool is to be offered beside it. How well the rules do on a corpus stands in docs/guides/opt-out.md.
 *
 * @module
 */
import { lastSentence, normaliseUtterance } from './normalise.js'
import { ENGLISH_RULES } from './rules-en.js'
import { SPANISH_RULES } from './rules-es.js'
import type { OptOutLanguage, OptOutRule } from './phrase-rule.js'

/** A request that was heard. */
export interface OptOutMatch {
  /** The rule that heard it, e.g. `'en-stop-calling'`: for the record, and to find out why. */
  readonly ruleId: string
  readonly language: OptOutLanguage
}

export interface DetectOptOutOptions {
  /** Languages whose rules are tried, in this order. Default: all of them, since people switch when they are annoyed. */
  readonly languages?: readonly OptOutLanguage[]
}

const RULES: Readonly<Record<OptOutLanguage, readonly OptOutRule[]>> = { en: ENGLISH_RULES, es: SPANISH_RULES }

/**
 * Whether somebody asks, in these words, not to be called again.
 *
 * @param utterance - What was said in one turn, as the recogniser wrote it. At most 2000 characters are looked at.
 * @returns the rule that heard it, or `undefined`.
 *
 * @example
 * ```ts
 * detectOptOut('Please take me off your list.') // { ruleId: 'en-off-the-list', language: 'en' }
 * detectOptOut("Don't call me before nine.") // undefined
 * ```
 */
export function detectOptOut(utterance: string, options: DetectOptOutOptions = {}): OptOutMatch | undefined {
  const text = normaliseUtterance(utterance)
  const last = lastSentence(utterance)
  for (const language of options.languages ?? (['en', 'es'] as const)) {
    for (const rule of RULES[language])
      if (isHeard(rule.isLastSentence ? last : text, rule)) return { ruleId: rule.id, language }
  }
  return undefined
}

/** How far around a match is looked, so that an endless speech takes no endless time. */
const CONTEXT_CHARS = 100

function isHeard(text: string, rule: OptOutRule): boolean {
  if (!rule.pattern.test(text)) return false // nearly always, and the rest of this is slow
  if (rule.unless?.test(text) === true) return false
  for (const match of text.matchAll(new RegExp(rule.pattern, 'g'))) {
    const before = text.slice(Math.max(0, match.index - CONTEXT_CHARS), match.index)
    const end = match.index + match[0].length
    const after = text.slice(end, end + CONTEXT_CHARS)
    if (rule.unlessBefore?.test(before) === true) continue
    if (rule.unlessAfter?.test(after) === true) continue
    return true
  }
  return false
}

/** Words that alone are a request in a reply to a text message: 47 CFR 64.1200(a)(10) (read 2026-11-21), and their kin. */
const TEXT_WORDS: ReadonlyMap<string, OptOutLanguage> = new Map([
  ...['stop', 'stopall', 'stop all', 'quit', 'end', 'revoke', 'opt out', 'optout', 'cancel', 'unsubscribe'].map(
    (word) => [word, 'en'] as const,
  ),
  ...['alto', 'parar', 'pare', 'baja', 'cancelar', 'basta', 'revocar', 'no mas'].map((word) => [word, 'es'] as const),
])

/** Whether a text message asks for no more calls: one of the words that are always enough, or any phrase that is heard in speech. */
export function detectOptOutText(message: string): OptOutMatch | undefined {
  const language = TEXT_WORDS.get(normaliseUtterance(message))
  return language ? { ruleId: `${language}-text-word`, language } : detectOptOut(message)
}
