/**
 * What a rule on spoken opt-outs is. The rules stand in one file a language.
 *
 * @module
 */

/** Languages that there are rules for. */
export type OptOutLanguage = 'en' | 'es'

/** One way of asking. The patterns see what `normaliseUtterance` leaves. */
export interface OptOutRule {
  readonly id: string
  readonly pattern: RegExp
  /** A match does not count behind this (it must end with `$`). */
  readonly unlessBefore?: RegExp
  /** A match does not count in front of this (it must begin with `^`). */
  readonly unlessAfter?: RegExp
  /** The rule does not count when this is anywhere. */
  readonly unless?: RegExp
  /** It looks at the last sentence only, for single words that say nothing in the middle of a speech. */
  readonly isLastSentence?: boolean
}
