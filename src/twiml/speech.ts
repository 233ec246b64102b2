/**
 * What the caller hears: `<Say>` with speech mark-up, `<Play>`, `<Pause>`.
 *
 * @see https://www.twilio.com/docs/voice/twiml/say (read 2026-11-21)
 * @module
 */
import { VoiceError } from '../core/errors.js'
import { kind, make, type Extra, type ExtraElement } from './element.js'
import { oneOf, text, tones, whole } from './rules.js'
import type { TwimlElement } from './xml.js'

type MarkupName = 'break' | 'emphasis' | 'lang' | 'p' | 'phoneme' | 'prosody' | 's' | 'say-as' | 'sub' | 'w'

/** Speech mark-up: what may stand in a `<Say>` beside text. */
export type SpeechMarkup<Name extends MarkupName = MarkupName> = TwimlElement<Name> | ExtraElement

type Content<Name extends MarkupName> = string | readonly (string | SpeechMarkup<Name>)[]

export interface SayAttributes extends Extra {
  /** For example `Polly.Joanna-Neural`, `Google.en-US-Chirp3-HD-Aoede`, `alice`. Default: the account's. */
  readonly voice?: string
  /** BCP-47. Default: the voice's. */
  readonly language?: string
  /** How often it is said. Default 1; 0 is a thousand times. */
  readonly loop?: number
}

export interface PlayAttributes extends Extra {
  /** How often it is played. Default 1; 0 is a thousand times. */
  readonly loop?: number
}

export interface BreakAttributes extends Extra {
  readonly strength?: 'none' | 'x-weak' | 'weak' | 'medium' | 'strong' | 'x-strong'
  /** For example `500ms` or `2s`. */
  readonly time?: string
}

export interface PhonemeAttributes extends Extra {
  readonly alphabet?:
    'ipa' | 'x-sampa' | 'x-amazon-jyutping' | 'x-amazon-pinyin' | 'x-amazon-pron-kana' | 'x-amazon-yomigana'
  /** The sounds, written in that alphabet. */
  readonly ph: string
}

export interface ProsodyAttributes extends Extra {
  readonly pitch?: string
  readonly rate?: string
  readonly volume?: string
}

export interface SayAsAttributes extends Extra {
  /** For example `telephone`, `date`, `digits`, `spell-out`. */
  readonly 'interpret-as': string
  /** For dates, for example `mdy`. */
  readonly format?: string
}

const ALL_MARKUP = 'break emphasis lang p phoneme prosody s say-as sub w'
const IN_SENTENCE = 'break emphasis lang phoneme prosody say-as sub w'
const IN_WORD = 'break emphasis phoneme prosody say-as sub'

const SAY = kind<SayAttributes, 'Say'>(
  'Say',
  { voice: text, language: text, loop: whole(0, 1000) },
  { children: ALL_MARKUP, text: true },
)
const PLAY = kind<PlayAttributes & { digits?: string }, 'Play'>(
  'Play',
  { loop: whole(0, 1000), digits: tones },
  { text: true },
)
const PAUSE = kind<{ length?: number }, 'Pause'>('Pause', { length: whole(0) })

const STRENGTHS = oneOf('none', 'x-weak', 'weak', 'medium', 'strong', 'x-strong')
const ALPHABETS = oneOf(
  'ipa',
  'x-sampa',
  'x-amazon-jyutping',
  'x-amazon-pinyin',
  'x-amazon-pron-kana',
  'x-amazon-yomigana',
)

const BREAK = kind<BreakAttributes, 'break'>('break', { strength: STRENGTHS, time: text })
const EMPHASIS = kind<{ level?: string }, 'emphasis'>(
  'emphasis',
  { level: oneOf('strong', 'moderate', 'reduced') },
  { children: IN_SENTENCE, text: true },
)
const LANG = kind<{ 'xml:lang': string }, 'lang'>('lang', { 'xml:lang': text }, { children: ALL_MARKUP, text: true })
const PARAGRAPH = kind<object, 'p'>('p', {}, { children: ALL_MARKUP.replace(' p ', ' '), text: true })
const PHONEME = kind<PhonemeAttributes, 'phoneme'>('phoneme', { alphabet: ALPHABETS, ph: text }, { text: true })
const PROSODY = kind<ProsodyAttributes, 'prosody'>(
  'prosody',
  { pitch: text, rate: text, volume: text },
  { children: ALL_MARKUP, text: true },
)
const SENTENCE = kind<object, 's'>('s', {}, { children: IN_SENTENCE, text: true })
const SAY_AS = kind<SayAsAttributes, 'say-as'>('say-as', { 'interpret-as': text, format: text }, { text: true })
const SUB = kind<{ alias: string }, 'sub'>('sub', { alias: text }, { text: true })
const WORD = kind<{ role?: string }, 'w'>('w', { role: text }, { children: IN_WORD, text: true })

/** How many characters a voice speaks at most (https://www.twilio.com/docs/voice/twiml/say, read 2026-11-21). */
const SAY_LIMITS = [
  ['Polly.', 3000],
  ['Google.', 5000],
] as const
const SAY_LIMIT_OTHERWISE = 4096

/**
 * Speaks a text, or text with speech mark-up in it.
 *
 * @throws VoiceError `twiml_invalid` when it is longer than its voice speaks: 3000 characters for `Polly.`, 5000 for `Google.`,
 * otherwise 4096.
 */
export function say(content: Content<MarkupName>, attributes: SayAttributes = {}): TwimlElement<'Say'> {
  const spoken = make(SAY, attributes, listed(content))
  const limit = SAY_LIMITS.find(([prefix]) => attributes.voice?.startsWith(prefix))?.[1] ?? SAY_LIMIT_OTHERWISE
  const length = spokenLength(spoken)
  if (length <= limit) return spoken
  throw new VoiceError('twiml_invalid', `<Say> has ${length} characters; this voice speaks ${limit}: use several <Say>`)
}

/** Plays a sound from a URL. */
export function play(url: string, attributes: PlayAttributes = {}): TwimlElement<'Play'> {
  return make(PLAY, attributes, [url])
}

/** Plays keypad tones: `0-9 * #`, `w` waits half a second, `W` one second. */
export function playDigits(digits: string, attributes: PlayAttributes = {}): TwimlElement<'Play'> {
  return make(PLAY, { ...attributes, digits })
}

/** Waits. `length` is in seconds; default 1. */
export function pause(attributes: { readonly length?: number } & Extra = {}): TwimlElement<'Pause'> {
  return make(PAUSE, attributes)
}

/** A pause in speech. `break` is a word of the language, hence the name. */
export function speechBreak(attributes: BreakAttributes = {}): SpeechMarkup<'break'> {
  return make(BREAK, attributes)
}

/** Stresses words. */
export function emphasis(
  content: Content<'break' | 'emphasis' | 'lang' | 'phoneme' | 'prosody' | 'say-as' | 'sub' | 'w'>,
  attributes: { readonly level?: 'strong' | 'moderate' | 'reduced' } & Extra = {},
): SpeechMarkup<'emphasis'> {
  return make(EMPHASIS, attributes, listed(content))
}

/** Speaks words of another language, as BCP-47. */
export function lang(
  content: Content<MarkupName>,
  attributes: { readonly 'xml:lang': string } & Extra,
): SpeechMarkup<'lang'> {
  return make(LANG, attributes, listed(content))
}

/** A paragraph. */
export function paragraph(content: Content<Exclude<MarkupName, 'p'>>, attributes: Extra = {}): SpeechMarkup<'p'> {
  return make(PARAGRAPH, attributes, listed(content))
}

/** A sentence. */
export function sentence(content: Content<Exclude<MarkupName, 'p' | 's'>>, attributes: Extra = {}): SpeechMarkup<'s'> {
  return make(SENTENCE, attributes, listed(content))
}

/** Says words as the sounds that are given. With ElevenLabs voices this is the only mark-up, and for `en-US` alone. */
export function phoneme(words: string, attributes: PhonemeAttributes): SpeechMarkup<'phoneme'> {
  return make(PHONEME, attributes, [words])
}

/** Changes pitch, rate or volume. */
export function prosody(content: Content<MarkupName>, attributes: ProsodyAttributes): SpeechMarkup<'prosody'> {
  return make(PROSODY, attributes, listed(content))
}

/** Says words as a date, a number, a telephone number and the like. */
export function sayAs(words: string, attributes: SayAsAttributes): SpeechMarkup<'say-as'> {
  return make(SAY_AS, attributes, [words])
}

/** Says `alias` in place of the words. */
export function substitute(words: string, attributes: { readonly alias: string } & Extra): SpeechMarkup<'sub'> {
  return make(SUB, attributes, [words])
}

/** A word whose role in the sentence changes how it is said. */
export function word(
  content: Content<'break' | 'emphasis' | 'phoneme' | 'prosody' | 'say-as' | 'sub'>,
  attributes: { readonly role?: string } & Extra = {},
): SpeechMarkup<'w'> {
  return make(WORD, attributes, listed(content))
}

function listed<T>(content: string | readonly T[]): readonly (string | T)[] {
  return typeof content === 'string' ? [content] : content
}

function spokenLength({ children }: TwimlElement): number {
  let length = 0
  for (const child of children) length += typeof child === 'string' ? child.length : spokenLength(child)
  return length
}
