/**
 * `<Dial>`: another party, joined to the caller.
 *
 * @see https://www.twilio.com/docs/voice/twiml/dial (read 2026-11-21)
 * @module
 */
import { kind, make, type Extra, type ExtraElement } from './element.js'
import { parameterElements, type Parameters } from './parameters.js'
import { events, flag, method, oneOf, text, tones, whole, type Rule } from './rules.js'
import type { TwimlElement } from './xml.js'

type Method = 'GET' | 'POST'

export interface DialAttributes extends Extra {
  /** Asked for TwiML when the other leg is over; verbs after `<Dial>` are never run then. */
  readonly action?: string
  readonly method?: Method
  /** How long it rings, in seconds, at most 600. Default 30. */
  readonly timeout?: number
  /** Longest call, in seconds. Default 14400, which is 4 hours; accounts that asked for it may go to 24 hours. */
  readonly timeLimit?: number
  readonly callerId?: string
  /** Whether the caller hears ringing until the other side answers. Default false. */
  readonly answerOnBridge?: boolean
  /** Whether the caller can end the other leg with `*`. Default false. */
  readonly hangupOnStar?: boolean
  readonly record?:
    | 'do-not-record'
    | 'record-from-answer'
    | 'record-from-ringing'
    | 'record-from-answer-dual'
    | 'record-from-ringing-dual'
  readonly recordingTrack?: 'both' | 'inbound' | 'outbound'
  readonly recordingConfigurationId?: string
  readonly recordingStatusCallback?: string
  readonly recordingStatusCallbackMethod?: Method
  readonly recordingStatusCallbackEvent?: readonly string[]
  readonly trim?: 'trim-silence' | 'do-not-trim'
  /** The country whose ringing is heard, for example `us`. */
  readonly ringTone?: string
  /** Whether several numbers are called one after the other. Default false: all at once. */
  readonly sequential?: boolean
  readonly referUrl?: string
  readonly referMethod?: Method
  readonly events?: string
  readonly passports?: string
}

interface CallbackAttributes extends Extra {
  /** TwiML that the called party hears before the two are joined. */
  readonly url?: string
  readonly method?: Method
  readonly statusCallback?: string
  readonly statusCallbackMethod?: Method
  /** `initiated`, `ringing`, `answered`, `completed`. */
  readonly statusCallbackEvent?: readonly string[]
}

interface MachineDetectionAttributes {
  /** `Enable` or `DetectMessageEnd`. */
  readonly machineDetection?: string
  /** Seconds. */
  readonly machineDetectionTimeout?: number
  /** Milliseconds. */
  readonly machineDetectionSpeechThreshold?: number
  /** Milliseconds, 500 to 5000. Default 1200. */
  readonly machineDetectionSpeechEndThreshold?: number
  /** Milliseconds, 2000 to 10000. Default 5000. */
  readonly machineDetectionSilenceTimeout?: number
  readonly amdStatusCallback?: string
  readonly amdStatusCallbackMethod?: Method
}

export interface NumberAttributes extends CallbackAttributes, MachineDetectionAttributes {
  /** Keys pressed when the call is answered: `0-9 * #`, `w` waits half a second, `W` one second. */
  readonly sendDigits?: string
  readonly byoc?: string
}

export interface ClientAttributes extends CallbackAttributes {
  /** Reach the client's application. */
  readonly parameters?: Parameters
}

export interface SipAttributes extends CallbackAttributes, MachineDetectionAttributes {
  readonly username?: string
  /** The SIP domain's, and nothing else's: TwiML is kept in Twilio's logs. */
  readonly password?: string
  readonly headers?: Parameters
}

export interface SipUriAttributes extends Extra {
  readonly priority?: string
  readonly weight?: string
  readonly username?: string
  readonly password?: string
}

export interface ApplicationAttributes extends CallbackAttributes {
  readonly customerId?: string
  readonly copyParentTo?: boolean
  readonly parameters?: Parameters
}

export interface ConferenceAttributes extends Extra {
  readonly muted?: boolean
  readonly startConferenceOnEnter?: boolean
  readonly endConferenceOnExit?: boolean
  readonly participantLabel?: string
  readonly jitterBufferSize?: 'large' | 'medium' | 'small' | 'off'
  readonly beep?: boolean | 'onEnter' | 'onExit'
  /** What is heard before the conference starts. `''` for silence. */
  readonly waitUrl?: string
  readonly waitMethod?: Method
  /** Default and most: 250. */
  readonly maxParticipants?: number
  readonly record?: 'do-not-record' | 'record-from-start'
  readonly region?: string
  /** The Call SID of the participant who alone hears this one. */
  readonly coach?: string
  readonly trim?: 'trim-silence' | 'do-not-trim'
  readonly statusCallback?: string
  readonly statusCallbackMethod?: Method
  readonly statusCallbackEvent?: readonly string[]
  readonly recordingConfigurationId?: string
  readonly recordingStatusCallback?: string
  readonly recordingStatusCallbackMethod?: Method
  readonly recordingStatusCallbackEvent?: readonly string[]
  readonly eventCallbackUrl?: string
}

const TRIM = oneOf('trim-silence', 'do-not-trim')
const CALLBACKS = {
  url: text,
  method,
  statusCallback: text,
  statusCallbackMethod: method,
  statusCallbackEvent: events,
}
const MACHINE_DETECTION = {
  machineDetection: text,
  machineDetectionTimeout: whole(1),
  machineDetectionSpeechThreshold: whole(1),
  machineDetectionSpeechEndThreshold: whole(500, 5000),
  machineDetectionSilenceTimeout: whole(2000, 10_000),
  amdStatusCallback: text,
  amdStatusCallbackMethod: method,
}
const trueFalseOr =
  (other: Rule): Rule =>
  (value, element, attribute) =>
    typeof value === 'boolean' ? String(value) : other(value, element, attribute)

const DIAL = kind<DialAttributes, 'Dial'>(
  'Dial',
  {
    action: text,
    method,
    timeout: whole(1, 600),
    timeLimit: whole(1, 86_400),
    callerId: text,
    answerOnBridge: flag,
    hangupOnStar: flag,
    record: oneOf(
      'do-not-record',
      'record-from-answer',
      'record-from-ringing',
      'record-from-answer-dual',
      'record-from-ringing-dual',
    ),
    recordingTrack: oneOf('both', 'inbound', 'outbound'),
    recordingConfigurationId: text,
    recordingStatusCallback: text,
    recordingStatusCallbackMethod: method,
    recordingStatusCallbackEvent: events,
    trim: TRIM,
    ringTone: text,
    sequential: flag,
    referUrl: text,
    referMethod: method,
    events: text,
    passports: text,
  },
  { children: 'Number Client Sip Conference Queue Sim Application WhatsApp', text: true },
)
const NUMBER = kind<NumberAttributes, 'Number'>(
  'Number',
  { sendDigits: tones, byoc: text, ...CALLBACKS, ...MACHINE_DETECTION },
  { text: true },
)
const CLIENT = kind<ClientAttributes, 'Client', 'parameters'>('Client', CALLBACKS, {
  aside: ['parameters'],
  children: 'Identity Parameter',
  text: true,
})
const IDENTITY = kind<object, 'Identity'>('Identity', {}, { text: true })
const SIP = kind<SipAttributes, 'Sip', 'headers'>(
  'Sip',
  { username: text, password: text, ...CALLBACKS, ...MACHINE_DETECTION },
  { children: 'Headers Uri', text: true, aside: ['headers'] },
)
const HEADERS = kind<object, 'Headers'>('Headers', {}, { children: 'Header' })
const HEADER = kind<{ name: string; value: string }, 'Header'>('Header', { name: text, value: text })
const URI = kind<SipUriAttributes, 'Uri'>(
  'Uri',
  { priority: text, weight: text, username: text, password: text },
  { text: true },
)
const SIM = kind<object, 'Sim'>('Sim', {}, { text: true })
const WHATS_APP = kind<CallbackAttributes, 'WhatsApp'>('WhatsApp', CALLBACKS, { text: true })
const APPLICATION = kind<ApplicationAttributes, 'Application', 'parameters'>(
  'Application',
  { customerId: text, copyParentTo: flag, ...CALLBACKS },
  { children: 'ApplicationSid Parameter', text: true, aside: ['parameters'] },
)
const APPLICATION_SID = kind<object, 'ApplicationSid'>('ApplicationSid', {}, { text: true })
const CONFERENCE = kind<ConferenceAttributes, 'Conference'>(
  'Conference',
  {
    muted: flag,
    startConferenceOnEnter: flag,
    endConferenceOnExit: flag,
    participantLabel: text,
    jitterBufferSize: oneOf('large', 'medium', 'small', 'off'),
    beep: trueFalseOr(oneOf('onEnter', 'onExit')),
    waitUrl: text,
    waitMethod: method,
    maxParticipants: whole(2, 250),
    record: oneOf('do-not-record', 'record-from-start'),
    region: text,
    coach: text,
    trim: TRIM,
    statusCallback: text,
    statusCallbackMethod: method,
    statusCallbackEvent: events,
    recordingConfigurationId: text,
    recordingStatusCallback: text,
    recordingStatusCallbackMethod: method,
    recordingStatusCallbackEvent: events,
    eventCallbackUrl: text,
  },
  { text: true },
)

/** Who may be dialled. A string is a telephone number. */
export type DialNoun =
  | string
  | TwimlElement<'Number' | 'Client' | 'Sip' | 'Conference' | 'Queue' | 'Sim' | 'Application' | 'WhatsApp'>
  | ExtraElement

/** Calls someone and joins the two. Several nouns ring at once, unless `sequential`. */
export function dial(attributes: DialAttributes, ...nouns: readonly DialNoun[]): TwimlElement<'Dial'> {
  return make(DIAL, attributes, nouns)
}

/** A telephone number to dial, with attributes of its own. */
export function number(phoneNumber: string, attributes: NumberAttributes = {}): TwimlElement<'Number'> {
  return make(NUMBER, attributes, [phoneNumber])
}

/** A Voice SDK client to dial. */
export function client(identity: string, attributes: ClientAttributes = {}): TwimlElement<'Client'> {
  const { parameters } = attributes
  if (!parameters) return make(CLIENT, attributes, [identity])
  return make(CLIENT, attributes, [make(IDENTITY, {}, [identity]), ...parameterElements(parameters)])
}

/** A SIP address to dial, or several of them with priorities ({@link sipUri}). */
export function sip(uri: string | readonly TwimlElement<'Uri'>[], attributes: SipAttributes = {}): TwimlElement<'Sip'> {
  const { headers } = attributes
  if (!headers && typeof uri === 'string') return make(SIP, attributes, [uri])
  const list = Object.entries(headers ?? {}).map(([name, value]) => make(HEADER, { name, value }))
  const uris = typeof uri === 'string' ? [make(URI, {}, [uri])] : uri
  return make(SIP, attributes, [...(list.length > 0 ? [make(HEADERS, {}, list)] : []), ...uris])
}

/** One of several SIP addresses. */
export function sipUri(uri: string, attributes: SipUriAttributes = {}): TwimlElement<'Uri'> {
  return make(URI, attributes, [uri])
}

/** A SIM to dial, by its SID. */
export function sim(simSid: string, attributes: Extra = {}): TwimlElement<'Sim'> {
  return make(SIM, attributes, [simSid])
}

/** A WhatsApp user to dial. */
export function whatsApp(phoneNumber: string, attributes: CallbackAttributes = {}): TwimlElement<'WhatsApp'> {
  return make(WHATS_APP, attributes, [phoneNumber])
}

/** A TwiML application to dial. */
export function application(
  applicationSid: string,
  attributes: ApplicationAttributes = {},
): TwimlElement<'Application'> {
  const { parameters } = attributes
  if (!parameters) return make(APPLICATION, attributes, [applicationSid])
  return make(APPLICATION, attributes, [make(APPLICATION_SID, {}, [applicationSid]), ...parameterElements(parameters)])
}

/** A conference to join. */
export function conference(name: string, attributes: ConferenceAttributes = {}): TwimlElement<'Conference'> {
  return make(CONFERENCE, attributes, [name])
}
