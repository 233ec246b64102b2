/**
 * `<Gather>`: asks the caller for keys or speech.
 *
 * @see https://www.twilio.com/docs/voice/twiml/gather (read 2026-11-21)
 * @module
 */
import { kind, make, type Extra, type ExtraElement } from './element.js'
import { flag, listOf, method, oneOf, text, whole, wordOr } from './rules.js'
import type { TwimlElement } from './xml.js'

export interface GatherAttributes extends Extra {
  /** Default `['dtmf']`. */
  readonly input?: readonly ('dtmf' | 'speech')[]
  /** Where what was gathered is sent; nothing after `<Gather>` runs then. Default: this document's URL. */
  readonly action?: string
  /** Default `POST`. */
  readonly method?: 'GET' | 'POST'
  /** Silence after which the gathering ends, in seconds, or `'auto'`. Default 5. */
  readonly timeout?: number | 'auto'
  /** Silence after which speech has ended, in seconds, or `'auto'`. Default: `timeout`. */
  readonly speechTimeout?: number | 'auto'
  /** How long the caller may speak, in seconds. */
  readonly maxSpeechTime?: number
  /** Default true. */
  readonly profanityFilter?: boolean
  /** The key that ends the input; `''` for none. Default `#`. */
  readonly finishOnKey?: string
  /** How many keys to wait for. Default: any number. */
  readonly numDigits?: number
  readonly partialResultCallback?: string
  readonly partialResultCallbackMethod?: 'GET' | 'POST'
  /** What the recogniser should expect. BCP-47. Default `en-US`. */
  readonly language?: string
  /** Likely phrases, with commas between them. */
  readonly hints?: string
  /** Whether input stops the prompt. Default true. */
  readonly bargeIn?: boolean
  readonly debug?: boolean
  /** Whether `action` is asked when nothing came. Default false: the next verb runs. */
  readonly actionOnEmptyResult?: boolean
  readonly speechModel?: string
  readonly enhanced?: boolean
}

const GATHER = kind<GatherAttributes, 'Gather'>(
  'Gather',
  {
    input: listOf(oneOf('dtmf', 'speech')),
    action: text,
    method,
    timeout: wordOr('auto', whole(0)),
    speechTimeout: wordOr('auto', whole(0)),
    maxSpeechTime: whole(1),
    profanityFilter: flag,
    finishOnKey: oneOf('', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#'),
    numDigits: whole(1),
    partialResultCallback: text,
    partialResultCallbackMethod: method,
    language: text,
    hints: text,
    bargeIn: flag,
    debug: flag,
    actionOnEmptyResult: flag,
    speechModel: text,
    enhanced: flag,
  },
  { children: 'Say Play Pause' },
)

/** What may stand in a `<Gather>`: the prompt. */
export type GatherPrompt = TwimlElement<'Say' | 'Play' | 'Pause'> | ExtraElement

/** Asks for keys or speech while the prompt is heard. */
export function gather(attributes: GatherAttributes, ...prompt: readonly GatherPrompt[]): TwimlElement<'Gather'> {
  return make(GATHER, attributes, prompt)
}
