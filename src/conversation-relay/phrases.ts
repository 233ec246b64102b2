/**
 * What a session says by itself, so that a caller never hears silence.
 *
 * @module
 */

/** Sentences for the moments in which nobody else has one. Empty text says nothing. */
export interface RelayPhrases {
  /** The answer takes a while. */
  readonly filler: string
  /** The answer failed, broke off or did not come. */
  readonly apology: string
  /** The caller has said nothing for `turnTimeoutMs`. */
  readonly reengage: string
  /** The caller still says nothing, or the answer failed again and again: the session ends. */
  readonly goodbye: string
}

/** The sentences that are used where the host has none of its own. */
export const DEFAULT_RELAY_PHRASES: RelayPhrases = {
  filler: 'One moment, please.',
  apology: 'I am sorry, something went wrong. Could you say that again?',
  reengage: 'Are you still there?',
  goodbye: 'I will end the call now. Goodbye.',
}

/** Sentences of the host: the same in every language, or by the language that is spoken (BCP-47, or empty). */
export type PhraseChoice = Partial<RelayPhrases> | ((language: string) => Partial<RelayPhrases>)

/** The sentences for one language. */
export function phrasesFor(choice: PhraseChoice | undefined, language: string): RelayPhrases {
  const chosen = typeof choice === 'function' ? choice(language) : choice
  return { ...DEFAULT_RELAY_PHRASES, ...chosen }
}
