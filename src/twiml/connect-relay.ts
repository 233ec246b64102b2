/**
 * `<ConversationRelay>`: Twilio hears and speaks, our server answers with text.
 *
 * Attributes are those of the reference of 2026-11-18, in its case; the `twilio` package 6.2.0 writes four of them otherwise.
 *
 * @see https://www.twilio.com/docs/voice/twiml/connect/conversationrelay (read 2026-11-21)
 * @module
 */
import { kind, make, type Extra, type ExtraElement } from './element.js'
import { elevenLabsVoice, type ElevenLabsVoice } from './elevenlabs-voice.js'
import { parameterElements, type Parameters } from './parameters.js'
import { flag, fraction, listOf, oneOf, text, whole, wordOr, type Rule } from './rules.js'
import { checkRelayUrl } from './socket-url.js'
import type { TwimlElement } from './xml.js'

/** What may interrupt: nothing, keys, speech, both. `true` is `any`, `false` is `none`. */
export type Interruptible = 'none' | 'dtmf' | 'speech' | 'any' | boolean

/** Who speaks. */
export type TtsProvider = 'ElevenLabs' | 'Google' | 'Amazon'

/** Who listens. */
export type TranscriptionProvider = 'Deepgram' | 'Google'

export interface RelayLanguage extends Extra {
  /** BCP-47, or `multi`. */
  readonly code: string
  /** Default: the relay's. */
  readonly ttsProvider?: TtsProvider
  /** As the provider names it; an {@link ElevenLabsVoice} is written for you. */
  readonly voice?: string | ElevenLabsVoice
  /** Default: the relay's. */
  readonly transcriptionProvider?: TranscriptionProvider
  readonly speechModel?: string
}

export interface ConversationRelayAttributes extends Extra {
  /** `wss://…`, your own server. `ws:` only on this machine. */
  readonly url: string
  /** What is said first. Text: mark-up in it is spoken or dropped, never run. */
  readonly welcomeGreeting?: string
  /** Default `any`. */
  readonly welcomeGreetingInterruptible?: Interruptible
  /** BCP-47; `multi` or `auto` for several at once. For both directions, unless the two below say otherwise. Default `en-US`. */
  readonly language?: string
  readonly ttsLanguage?: string
  readonly transcriptionLanguage?: string
  /** Default at Twilio: `ElevenLabs`. Written for you when `voice` is an {@link ElevenLabsVoice}. */
  readonly ttsProvider?: TtsProvider
  /** As the provider names it; an {@link ElevenLabsVoice} is written for you. */
  readonly voice?: string | ElevenLabsVoice
  /** Default at Twilio: `Deepgram`; `Google` for accounts that were active before 2025-09-12. */
  readonly transcriptionProvider?: TranscriptionProvider
  /** For example `nova-3-general`, `flux`, `telephony`. */
  readonly speechModel?: string
  /** Default `any`. */
  readonly interruptible?: Interruptible
  /** Default `high`. */
  readonly interruptSensitivity?: 'low' | 'medium' | 'high'
  /** Whether keys reach your server. Default here true; Twilio's is false. */
  readonly dtmfDetection?: boolean
  /** What reaches your server while the agent speaks. Default `none`. */
  readonly reportInputDuringAgentSpeech?: 'none' | 'dtmf' | 'speech' | 'any'
  /** Whether text that comes later cuts off what is being said. Default false. */
  readonly preemptible?: boolean
  /** Whether unfinished sentences of the caller are sent too. Default false. */
  readonly partialPrompts?: boolean
  readonly profanityFilter?: boolean
  /** Likely phrases; none with a comma in it. */
  readonly hints?: readonly string[]
  /** `debugging`, `speaker-events`, `tokens-played`. Default: none. */
  readonly debug?: readonly string[]
  /** `speaker-events`, `tokens-played`, `config-updated`. Default: none. */
  readonly events?: readonly string[]
  /** `auto` acts as `off`. Default `off`. */
  readonly elevenlabsTextNormalization?: 'on' | 'auto' | 'off'
  /** A `GA…` SID or its unique name. */
  readonly intelligenceService?: string
  readonly backgroundNoiseReduction?: boolean
  /** Default true. */
  readonly deepgramSmartFormat?: boolean
  /** Whether "mm-hm" and the like are no interruption. Default false. */
  readonly ignoreBackchannel?: boolean
  /** Silence that ends the caller's turn, in milliseconds, or `'auto'`. */
  readonly speechTimeout?: number | 'auto'
  /** How sure Deepgram Flux must be that the caller has finished, 0 to 1. */
  readonly eotThreshold?: number
  readonly conversationConfiguration?: string
  readonly conversationId?: string
  /** Since 2026-10-28. */
  readonly echoPromptFiltering?: boolean
  /** Whether Twilio connects again when your socket drops, and sends what it kept. Since 2026-10-28. Default false. */
  readonly applicationReconnect?: boolean
  /** Since 2026-11-13; not for calls under PCI or HIPAA. */
  readonly turnDetection?: string
  /** What the `language` message may switch to. Configures, and does not select. Each code once. */
  readonly languages?: readonly RelayLanguage[]
  /** Arrive in `setup.customParameters`. Never a lasting secret. */
  readonly parameters?: Parameters
  /** Takes a `url` at ElevenLabs, which cannot work as far as is known. Default false. */
  readonly allowUnsafeUrl?: boolean
}

const INTERRUPTIBLE = oneOf('none', 'dtmf', 'speech', 'any')
const interruptible: Rule = (value, ...where) => {
  if (typeof value === 'boolean') return value ? 'any' : 'none'
  return INTERRUPTIBLE(value, ...where)
}
const language: Rule = (value, ...where) => (value === 'auto' ? 'multi' : text(value, ...where))
const voice: Rule = (value, ...where) =>
  typeof value === 'object' && value !== null ? elevenLabsVoice(value as ElevenLabsVoice) : text(value, ...where)
const ttsProvider = oneOf('ElevenLabs', 'Google', 'Amazon')
const transcriptionProvider = oneOf('Deepgram', 'Google')
const words = listOf(text)

const phrases: Rule = (value, element, attribute) => {
  if (!Array.isArray(value)) throw new TypeError(`${attribute} of <${element}> must be an array of phrases`)
  const written = value.map((item: unknown) => text(item, element, attribute))
  if (written.some((phrase) => phrase.includes(','))) {
    throw new TypeError(`${attribute} of <${element}> has a phrase with a comma, which would part it in two`)
  }
  return written.join(',')
}

const RELAY = kind<ConversationRelayAttributes, 'ConversationRelay', 'languages' | 'parameters' | 'allowUnsafeUrl'>(
  'ConversationRelay',
  {
    url: text,
    welcomeGreeting: text,
    welcomeGreetingInterruptible: interruptible,
    language,
    ttsLanguage: language,
    transcriptionLanguage: language,
    ttsProvider,
    voice,
    transcriptionProvider,
    speechModel: text,
    interruptible,
    interruptSensitivity: oneOf('low', 'medium', 'high'),
    dtmfDetection: flag,
    reportInputDuringAgentSpeech: INTERRUPTIBLE,
    preemptible: flag,
    partialPrompts: flag,
    profanityFilter: flag,
    hints: phrases,
    debug: words,
    events: words,
    elevenlabsTextNormalization: oneOf('on', 'auto', 'off'),
    intelligenceService: text,
    backgroundNoiseReduction: flag,
    deepgramSmartFormat: flag,
    ignoreBackchannel: flag,
    speechTimeout: wordOr('auto', whole(1)),
    eotThreshold: fraction(0, 1),
    conversationConfiguration: text,
    conversationId: text,
    echoPromptFiltering: flag,
    applicationReconnect: flag,
    turnDetection: text,
  },
  { children: 'Language Parameter', aside: ['languages', 'parameters', 'allowUnsafeUrl'] },
)
const LANGUAGE = kind<RelayLanguage, 'Language'>('Language', {
  code: language,
  ttsProvider,
  voice,
  transcriptionProvider,
  speechModel: text,
})

/**
 * A conversation relay to your own WebSocket server.
 *
 * @param children Elements that this version does not know, such as `extraElement('Failover', { … })`.
 * @throws VoiceError `twiml_invalid` for a `url` that is not `wss:`, or at ElevenLabs: the remedy says what to use instead.
 * @throws TypeError when voice and provider do not fit, or a language stands twice.
 */
export function conversationRelay(
  attributes: ConversationRelayAttributes,
  ...children: readonly ExtraElement[]
): TwimlElement<'ConversationRelay'> {
  const { url, dtmfDetection = true, languages = [], parameters, allowUnsafeUrl = false } = attributes
  const element = make(RELAY, withProvider({ ...attributes, dtmfDetection }, 'ConversationRelay'), [
    ...languages.map((item) => make(LANGUAGE, withProvider(item, 'Language'))),
    ...parameterElements(parameters),
    ...children,
  ])
  if (!allowUnsafeUrl) checkRelayUrl(url)
  checkMulti(element.attributes)
  const codes = new Set(languages.map(({ code }) => code.toLowerCase()))
  if (codes.size < languages.length) throw new TypeError('A <Language> stands twice')
  return element
}

/** An ElevenLabs voice says who speaks it. */
function withProvider(attributes: RelayLanguage | ConversationRelayAttributes, element: string): object {
  if (typeof attributes.voice !== 'object') return attributes
  const { ttsProvider: provider = 'ElevenLabs' } = attributes
  if (provider === 'ElevenLabs') return { ...attributes, ttsProvider: provider }
  throw new TypeError(`voice of <${element}> is an ElevenLabs voice, and ttsProvider is ${provider}`)
}

/** Several languages at once: https://www.twilio.com/docs/voice/conversationrelay (read 2026-11-21). */
function checkMulti(attributes: Readonly<Record<string, string>>): void {
  const { language: both, ttsLanguage = both, transcriptionLanguage = both } = attributes
  const { ttsProvider: speaker, transcriptionProvider: listener, speechModel } = attributes
  if (ttsLanguage === 'multi' && speaker !== undefined && speaker !== 'ElevenLabs') {
    throw new TypeError(`Speaking several languages ("multi") needs ttsProvider ElevenLabs, and not ${speaker}`)
  }
  if (transcriptionLanguage !== 'multi') return
  const isNova = speechModel === undefined || /^nova-[23]-general$/.test(speechModel)
  if ((listener !== undefined && listener !== 'Deepgram') || !isNova) {
    throw new TypeError('Hearing several languages ("multi") needs Deepgram with nova-2-general or nova-3-general')
  }
}
