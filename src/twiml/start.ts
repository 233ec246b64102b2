/**
 * `<Start>` and `<Stop>`: what runs beside the call, such as a stream that only listens, a recording or a transcription.
 *
 * @see https://www.twilio.com/docs/voice/twiml/start (read 2026-11-21)
 * @module
 */
import { configElements, parameterElements, type Parameters } from './parameters.js'
import { kind, make, type Extra, type ExtraElement } from './element.js'
import { events, flag, method, oneOf, text } from './rules.js'
import { track, type StreamElement, type StreamTrack } from './stream.js'
import type { TwimlElement } from './xml.js'

type Method = 'GET' | 'POST'

export interface StartAttributes extends Extra {
  readonly action?: string
  readonly method?: Method
}

export interface SiprecAttributes extends Extra {
  readonly name?: string
  readonly connectorName?: string
  readonly track?: StreamTrack
  readonly statusCallback?: string
  readonly statusCallbackMethod?: Method
  readonly parameters?: Parameters
}

export interface TranscriptionAttributes extends Extra {
  readonly name?: string
  readonly track?: StreamTrack
  readonly statusCallbackUrl?: string
  readonly statusCallbackMethod?: Method
  readonly inboundTrackLabel?: string
  readonly outboundTrackLabel?: string
  /** Whether unfinished sentences are sent too. Default false. */
  readonly partialResults?: boolean
  /** BCP-47. */
  readonly languageCode?: string
  /** `google`, `deepgram` or `auto`. */
  readonly transcriptionEngine?: string
  readonly profanityFilter?: boolean
  readonly speechModel?: string
  /** Likely phrases, with commas between them. */
  readonly hints?: string
  readonly enableAutomaticPunctuation?: boolean
  readonly intelligenceService?: string
  /** Settings, as `<Config>`. */
  readonly config?: Parameters
  readonly parameters?: Parameters
}

export interface RecordingAttributes extends Extra {
  readonly channels?: 'mono' | 'dual'
  readonly track?: 'inbound' | 'outbound' | 'both'
  readonly trim?: 'trim-silence' | 'do-not-trim'
  readonly recordingConfigurationId?: string
  readonly recordingStatusCallback?: string
  readonly recordingStatusCallbackMethod?: Method
  readonly recordingStatusCallbackEvent?: readonly string[]
}

/** What may run beside a call. */
export type StartNoun = StreamElement | TwimlElement<'Recording' | 'Siprec' | 'Transcription'> | ExtraElement

/** What can be stopped, by its name. */
export type StopNoun = TwimlElement<'Stream' | 'Siprec' | 'Transcription'> | ExtraElement

const START = kind<StartAttributes, 'Start'>(
  'Start',
  { action: text, method },
  { children: 'Stream Recording Siprec Transcription' },
)
const STOP = kind<object, 'Stop'>('Stop', {}, { children: 'Stream Siprec Transcription' })
const SIPREC = kind<SiprecAttributes, 'Siprec', 'parameters'>(
  'Siprec',
  { name: text, connectorName: text, track, statusCallback: text, statusCallbackMethod: method },
  { children: 'Parameter', aside: ['parameters'] },
)
const TRANSCRIPTION = kind<TranscriptionAttributes, 'Transcription', 'config' | 'parameters'>(
  'Transcription',
  {
    name: text,
    track,
    statusCallbackUrl: text,
    statusCallbackMethod: method,
    inboundTrackLabel: text,
    outboundTrackLabel: text,
    partialResults: flag,
    languageCode: text,
    transcriptionEngine: text,
    profanityFilter: flag,
    speechModel: text,
    hints: text,
    enableAutomaticPunctuation: flag,
    intelligenceService: text,
  },
  { children: 'Config Parameter', aside: ['config', 'parameters'] },
)
const RECORDING = kind<RecordingAttributes, 'Recording'>('Recording', {
  channels: oneOf('mono', 'dual'),
  track: oneOf('inbound', 'outbound', 'both'),
  trim: oneOf('trim-silence', 'do-not-trim'),
  recordingConfigurationId: text,
  recordingStatusCallback: text,
  recordingStatusCallbackMethod: method,
  recordingStatusCallbackEvent: events,
})

/** Starts something beside the call, and goes on with the next verb at once. */
export function start(attributes: StartAttributes, ...nouns: readonly StartNoun[]): TwimlElement<'Start'> {
  return make(START, attributes, nouns)
}

/** Stops what was started: `stop(namedStream('monitor'))`. */
export function stop(...nouns: readonly StopNoun[]): TwimlElement<'Stop'> {
  return make(STOP, {}, nouns)
}

/** Sends the call's audio to a SIPREC recorder. */
export function siprec(attributes: SiprecAttributes): TwimlElement<'Siprec'> {
  return make(SIPREC, attributes, parameterElements(attributes.parameters))
}

/** Transcribes the call while it goes on. */
export function transcription(attributes: TranscriptionAttributes): TwimlElement<'Transcription'> {
  return make(TRANSCRIPTION, attributes, [
    ...configElements(attributes.config),
    ...parameterElements(attributes.parameters),
  ])
}

/** Records the call. The way to record one that goes into a conversation relay: `record` of the call itself records nothing there. */
export function recording(attributes: RecordingAttributes = {}): TwimlElement<'Recording'> {
  return make(RECORDING, attributes)
}
