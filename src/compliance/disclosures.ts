/**
 * What has to be said at the beginning of a call, in the order and words in which it can be said in time.
 *
 * Fixed text and not generated: it cannot drift or come late. One sentence says that a machine is calling, that the line is
 * recorded and for whom; the offer to opt out follows at once. Sources, read 2026-11-21: identification 47 CFR 64.1200(b)(1), number
 * (b)(2), opt-out within two seconds of the identification (b)(3) and 16 CFR 310.4(b)(1)(v)(B)(ii)(A), sales disclosures 16 CFR
 * 310.4(d). That an AI voice says so is asked by some states (`disclosureNotes`) and done everywhere here; so is the notice of
 * recording.
 *
 * @module
 */
import { MESSAGE_START_MAX_MS } from '../records/call-status.js'
import { OPT_OUT_KEY } from './opt-out/record.js'
import type { OptOutLanguage } from './opt-out/phrase-rule.js'
import type { Confidence, RulePack } from './rule-pack.js'

/** From the end of the identification to the beginning of the offer to opt out. */
export const OPT_OUT_OFFER_MAX_MS = 2000

/** On whose behalf a call is made, as it has to be told. */
export interface Seller {
  /** The name under which the business is registered with the state. */
  readonly name: string
  /** E.164. Takes do-not-call requests in business hours; no premium number, and not the number that dials. */
  readonly callbackNumber: string
  /** E.164, toll-free. Leads straight to an automated opt-out. Without it no sales message may be left on a machine. */
  readonly tollFreeOptOutNumber?: string
}

/** Why the call is made. Anything to be sold makes the whole call a sales call. */
export type Purpose =
  | {
      readonly kind: 'marketing'
      /** What is sold, as it stands behind "a sales call about": `'home insurance'`. */
      readonly goods: string
    }
  | { readonly kind: 'informational' }

export interface DisclosureOptions {
  readonly seller: Seller
  readonly purpose: Purpose
  /** Default `'en'`. */
  readonly language?: OptOutLanguage
  /** Whether the call is recorded; then it is said. Default `true`. */
  readonly isRecorded?: boolean
  /** The key that opts out: `0` to `9`, `*` or `#`. Default `'9'`. Say it only if it works from the first second. */
  readonly optOutKey?: string
  /** The number that dials, to check that it is not the callback number. Default: not checked. */
  readonly fromNumber?: string
}

/** What a sentence discloses. */
export type DisclosureKind = 'ai' | 'recording' | 'seller' | 'opt-out' | 'sales' | 'callback-number'

/** One sentence of the opening. */
export interface DisclosureSentence {
  readonly text: string
  readonly discloses: readonly DisclosureKind[]
  readonly cite: string
}

/**
 * The sentences that open a call, in their order.
 *
 * @throws TypeError, RangeError for a seller that cannot be named or called back as the rules ask.
 *
 * @example
 * ```ts
 * const opening = openingDisclosures({
 *   seller: { name: 'Acme Homes LLC', callbackNumber: '+12125550100' },
 *   purpose: { kind: 'marketing', goods: 'homes in Queens' },
 * })
 * opening[0]?.text // 'Hello, this is an automated call by an AI assistant, on a recorded line, for Acme Homes LLC.'
 * ```
 */
export function openingDisclosures(options: DisclosureOptions): readonly DisclosureSentence[] {
  const { seller, purpose, language = 'en', isRecorded = true, optOutKey = OPT_OUT_KEY } = options
  checkOptions(options)
  const words = WORDS[language]
  const sentences: DisclosureSentence[] = [
    {
      text: words.identify(seller.name, isRecorded),
      discloses: isRecorded ? ['ai', 'recording', 'seller'] : ['ai', 'seller'],
      cite: '47 CFR 64.1200(b)(1)',
    },
    { text: words.optOut(optOutKey), discloses: ['opt-out'], cite: '47 CFR 64.1200(b)(3)' },
  ]
  if (purpose.kind === 'marketing') {
    sentences.push({ text: words.sales(purpose.goods), discloses: ['sales'], cite: '16 CFR 310.4(d)' })
  }
  sentences.push({
    text: words.callback(speakNumber(seller.callbackNumber)),
    discloses: ['callback-number'],
    cite: '47 CFR 64.1200(b)(2)',
  })
  return sentences
}

/** The opening in front of what the agent says first. Use it where an agent's first message is set or overridden. */
export function firstMessageWithDisclosures(options: DisclosureOptions, firstMessage: string): string {
  return [...openingDisclosures(options).map(({ text }) => text), firstMessage].join(' ').trim()
}

/**
 * The opening as the greeting of a conversation relay. Speech and keys may cut it, since an opt-out has to be heard from the
 * first second.
 */
export function relayGreetingWithDisclosures(
  options: DisclosureOptions,
  greeting: string,
): { readonly welcomeGreeting: string; readonly welcomeGreetingInterruptible: 'any' } {
  return { welcomeGreeting: firstMessageWithDisclosures(options, greeting), welcomeGreetingInterruptible: 'any' }
}

/** What may be left on a machine, or why nothing may. */
export type VoicemailMessage =
  | { readonly outcome: 'leave'; readonly text: string }
  | { readonly outcome: 'leave-nothing'; readonly reason: 'no-toll-free-opt-out-number'; readonly cite: string }

/**
 * A message for an answering machine: who calls, how to opt out toll-free, what it is about. A sales message needs the
 * toll-free number (47 CFR 64.1200(b)(3)); without one, hang up.
 */
export function voicemailWithDisclosures(options: DisclosureOptions, message: string): VoicemailMessage {
  const { seller, purpose, language = 'en', isRecorded = false } = options
  checkOptions(options)
  const words = WORDS[language]
  const { tollFreeOptOutNumber } = seller
  if (tollFreeOptOutNumber === undefined && purpose.kind === 'marketing') {
    return { outcome: 'leave-nothing', reason: 'no-toll-free-opt-out-number', cite: '47 CFR 64.1200(b)(3)' }
  }
  const sentences = [words.identify(seller.name, isRecorded)]
  if (tollFreeOptOutNumber !== undefined) sentences.push(words.tollFree(speakNumber(tollFreeOptOutNumber)))
  if (purpose.kind === 'marketing') sentences.push(words.sales(purpose.goods))
  sentences.push(message, words.callback(speakNumber(seller.callbackNumber)))
  return { outcome: 'leave', text: sentences.join(' ') }
}

/** When things were heard at the opening of a call, in milliseconds on one clock; `null`: never. */
export interface OpeningTimes {
  /** The end of the called person's greeting. */
  readonly greetingEndedAt: number
  readonly messageStartedAt: number | null
  /** The end of the seller's name. */
  readonly identifiedAt: number | null
  /** The beginning of the offer to opt out. */
  readonly optOutOfferedAt: number | null
}

/** Whether one of the two time limits of the opening was kept. */
export interface OpeningFinding {
  readonly rule: 'message-in-time' | 'opt-out-offer-in-time'
  readonly passed: boolean
  /** How long it took; `null` when it never came. */
  readonly tookMs: number | null
  readonly limitMs: number
  readonly cite: string
}

/** Judges the opening of a call that was made. */
export function judgeOpening(times: OpeningTimes): readonly OpeningFinding[] {
  const { greetingEndedAt, messageStartedAt, identifiedAt, optOutOfferedAt } = times
  return [
    finding('message-in-time', greetingEndedAt, messageStartedAt, MESSAGE_START_MAX_MS, '47 CFR 64.1200(a)(7)(ii)'),
    finding('opt-out-offer-in-time', identifiedAt, optOutOfferedAt, OPT_OUT_OFFER_MAX_MS, '47 CFR 64.1200(b)(3)'),
  ]
}

function finding(
  rule: OpeningFinding['rule'],
  from: number | null,
  to: number | null,
  limitMs: number,
  cite: string,
): OpeningFinding {
  const tookMs = from === null || to === null ? null : to - from
  return { rule, passed: tookMs !== null && tookMs <= limitMs, tookMs, limitMs, cite }
}

/** Something that a state asks beyond the opening, told in a sentence for people. */
export interface DisclosureNote {
  /** Two letters. */
  readonly state: string
  readonly kind: 'recording' | 'ai' | 'automated-voice'
  readonly summary: string
  readonly cite: string | null
  readonly confidence: Confidence
}

/**
 * What the states of a call say about recording and artificial voices. The opening already does what all of them ask, but for
 * those that want a live voice first (`'automated-voice'`): there, let a person open the call, or do not call.
 *
 * @param states - Postal codes. One that the rules do not know has no note.
 */
export function disclosureNotes(states: readonly string[], rules: Pick<RulePack, 'states'>): readonly DisclosureNote[] {
  const notes: DisclosureNote[] = []
  for (const state of states) {
    const row = rules.states.get(state)
    if (!row) continue
    if (row.recording.consent === 'all-party') {
      const { cite, confidence } = row.recording
      notes.push({ state, kind: 'recording', summary: ALL_PARTY, cite, confidence })
    }
    if (row.aiDisclosure) notes.push({ state, ...noteOf('ai', row.aiDisclosure) })
    if (row.automatedVoice) notes.push({ state, ...noteOf('automated-voice', row.automatedVoice) })
  }
  return notes
}

const ALL_PARTY =
  'Everybody on the line must agree to a recording: announce it before anything is captured, and stop recording or end the call when the person objects.'

function noteOf<K extends DisclosureNote['kind']>(
  kind: K,
  { summary, cite, confidence }: { summary: string; cite: string | null; confidence: Confidence },
): { kind: K; summary: string; cite: string | null; confidence: Confidence } {
  return { kind, summary, cite, confidence }
}

const WORDS = {
  en: {
    identify: (name: string, isRecorded: boolean) =>
      `Hello, this is an automated call by an AI assistant,${isRecorded ? ' on a recorded line,' : ''} for ${sentenceEnd(name)}`,
    optOut: (key: string) =>
      `To stop these calls at any time, press ${keyName(key, 'star', 'pound')} or say: stop calling.`,
    sales: (goods: string) => `This is a sales call about ${sentenceEnd(goods)}`,
    callback: (number: string) => `You can reach us at ${number}.`,
    tollFree: (number: string) => `To stop these calls, call toll-free ${number}.`,
  },
  es: {
    identify: (name: string, isRecorded: boolean) =>
      `Hola, esta es una llamada automática de un asistente de inteligencia artificial,${isRecorded ? ' en una línea grabada,' : ''} de parte de ${sentenceEnd(name)}`,
    optOut: (key: string) =>
      `Para no recibir más llamadas, en cualquier momento, oprima ${keyName(key, 'asterisco', 'numeral')} o diga: no me llame más.`,
    sales: (goods: string) => `Esta es una llamada de ventas sobre ${sentenceEnd(goods)}`,
    callback: (number: string) => `Puede comunicarse con nosotros al ${number}.`,
    tollFree: (number: string) => `Para no recibir más llamadas, llame gratis al ${number}.`,
  },
} as const satisfies Record<OptOutLanguage, unknown>

/** The name with a full stop behind it, unless it ends with one of its own, as `Acme Inc.` does. */
function sentenceEnd(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}

function keyName(key: string, star: string, pound: string): string {
  return key === '*' ? star : key === '#' ? pound : key
}

/** Digit by digit, in the groups in which people say a number. */
function speakNumber(number: string): string {
  const digits = number.replace(/^\+1(?=\d{10}$)/, '').replace('+', '')
  const groups = digits.length === 10 ? [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)] : [digits]
  return groups.map((group) => group.split('').join(' ')).join(', ')
}

const E164 = /^\+[1-9]\d{1,14}$/
const TOLL_FREE = /^\+18(?:00|33|44|55|66|77|88)\d{7}$/
const MAX_NAME_CHARS = 200

function checkOptions({ seller, purpose, optOutKey = OPT_OUT_KEY, fromNumber }: DisclosureOptions): void {
  checkWords('seller.name', seller.name)
  if (purpose.kind === 'marketing') checkWords('purpose.goods', purpose.goods)
  if (!E164.test(seller.callbackNumber)) throw new TypeError('seller.callbackNumber must be E.164')
  if (seller.callbackNumber.startsWith('+1900'))
    throw new RangeError('seller.callbackNumber must not be a premium number')
  if (seller.callbackNumber === fromNumber) {
    throw new RangeError('seller.callbackNumber must be another one than the number that dials (47 CFR 64.1200(b)(2))')
  }
  if (seller.tollFreeOptOutNumber !== undefined && !TOLL_FREE.test(seller.tollFreeOptOutNumber)) {
    throw new RangeError(
      'seller.tollFreeOptOutNumber must be a toll-free number (+1 800, 833, 844, 855, 866, 877, 888)',
    )
  }
  if (!/^[0-9*#]$/.test(optOutKey)) throw new RangeError('optOutKey must be one of 0 to 9, * and #')
}

function checkWords(what: string, text: string): void {
  if (text.trim() === '' || text.length > MAX_NAME_CHARS) {
    throw new RangeError(`${what} must have 1 to ${MAX_NAME_CHARS} characters`)
  }
  if (/[\u0000-\u001f]/.test(text)) throw new RangeError(`${what} must have no control characters`)
}
