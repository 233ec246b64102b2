/**
 * The attributes of `<ConversationRelay>`, read as Twilio reads them.
 *
 * @see https://www.twilio.com/docs/voice/twiml/connect/conversationrelay (read 2026-11-21)
 * @module
 */
import type { TwimlElement } from './twiml-document.js'

/** Which input counts. */
export type RelayInput = 'none' | 'dtmf' | 'speech' | 'any'

/** What a session was set to. */
export interface RelaySettings {
  readonly welcomeGreeting: string
  readonly welcomeGreetingInterruptible: RelayInput
  readonly interruptible: RelayInput
  readonly reportInputDuringAgentSpeech: RelayInput
  readonly preemptible: boolean
  readonly dtmfDetection: boolean
  readonly partialPrompts: boolean
  readonly ttsLanguage: string
  readonly transcriptionLanguage: string
  /** How long the caller speaks over the agent before it counts, in milliseconds. */
  readonly bargeInMs: number
  readonly events: ReadonlySet<string>
}

const INPUTS: Readonly<Record<string, RelayInput>> = {
  none: 'none',
  dtmf: 'dtmf',
  speech: 'speech',
  any: 'any',
  true: 'any',
  false: 'none',
}
/** Twilio gives no figures for the three; these keep their order. */
const BARGE_IN_MS: Readonly<Record<string, number>> = { low: 600, medium: 400, high: 200 }
const PROVIDERS = { ttsProvider: ['ElevenLabs', 'Google', 'Amazon'], transcriptionProvider: ['Deepgram', 'Google'] }
const LANGUAGE = /^(multi|[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)$/

/** Whether `kind` of input is among those that count. */
export function counts(input: RelayInput, kind: 'speech' | 'dtmf'): boolean {
  return input === 'any' || input === kind
}

/** @returns The settings, or the attribute that Twilio refuses (64101). */
export function readRelaySettings({
  attributes,
  children,
}: TwimlElement): RelaySettings | { readonly refused: string } {
  const refused: string[] = []
  const input = (name: string, fallback: RelayInput): RelayInput => {
    const text = attributes[name]
    const value = text === undefined ? fallback : INPUTS[text]
    if (value === undefined) refused.push(name)
    return value ?? fallback
  }
  const flag = (name: string): boolean => {
    const text = attributes[name] ?? 'false'
    if (text !== 'true' && text !== 'false') refused.push(name)
    return text === 'true'
  }
  const { language = 'en-US', interruptSensitivity = 'high', debug = '', events = '' } = attributes
  const { ttsLanguage = language, transcriptionLanguage = language } = attributes
  const settings: RelaySettings = {
    welcomeGreeting: attributes.welcomeGreeting ?? '',
    welcomeGreetingInterruptible: input('welcomeGreetingInterruptible', 'any'),
    interruptible: input('interruptible', 'any'),
    reportInputDuringAgentSpeech: input('reportInputDuringAgentSpeech', 'none'),
    preemptible: flag('preemptible'),
    dtmfDetection: flag('dtmfDetection'),
    partialPrompts: flag('partialPrompts'),
    ttsLanguage,
    transcriptionLanguage,
    bargeInMs: BARGE_IN_MS[interruptSensitivity] ?? 0,
    events: new Set(`${events} ${debug}`.split(/\s+/).filter(Boolean)),
  }
  if (!(interruptSensitivity in BARGE_IN_MS)) refused.push('interruptSensitivity')
  for (const element of [attributes, ...children.filter(({ name }) => name === 'Language').map((c) => c.attributes)]) {
    for (const [name, known] of Object.entries(PROVIDERS)) {
      const value = element[name]
      if (value !== undefined && !known.includes(value)) refused.push(name)
    }
  }
  for (const tag of [ttsLanguage, transcriptionLanguage]) if (!LANGUAGE.test(tag)) refused.push('language')
  const [first] = refused
  return first === undefined ? settings : { refused: first }
}
