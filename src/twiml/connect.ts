/**
 * `<Connect>`: hands the call's audio to a noun, until that ends.
 *
 * @see https://www.twilio.com/docs/voice/twiml/connect (read 2026-11-21)
 * @module
 */
import { VoiceError } from '../core/errors.js'
import { kind, make, type Extra, type ExtraElement } from './element.js'
import { configElements, parameterElements, type Parameters } from './parameters.js'
import { events, flag, method, oneOf, text, whole } from './rules.js'
import type { StreamElement } from './stream.js'
import type { TwimlElement } from './xml.js'

type Method = 'GET' | 'POST'

export interface ConnectAttributes extends Extra {
  /** Asked for TwiML when what was connected has ended. Without it the next verb runs. */
  readonly action?: string
  readonly method?: Method
}

export interface VirtualAgentAttributes extends Extra {
  readonly connectorName?: string
  readonly language?: string
  readonly sentimentAnalysis?: boolean
  readonly statusCallback?: string
  readonly statusCallbackMethod?: Method
  /** Settings of the connector, as `<Config>`. */
  readonly config?: Parameters
  readonly parameters?: Parameters
}

export interface ConversationAttributes extends Extra {
  readonly serviceInstanceSid?: string
  readonly inboundAutocreation?: boolean
  /** Seconds. */
  readonly routingAssignmentTimeout?: number
  /** Seconds. */
  readonly inboundTimeout?: number
  readonly url?: string
  readonly method?: Method
  readonly record?:
    | boolean
    | 'do-not-record'
    | 'record-from-answer'
    | 'record-from-ringing'
    | 'record-from-answer-dual'
    | 'record-from-ringing-dual'
  readonly trim?: 'trim-silence' | 'do-not-trim'
  readonly recordingStatusCallback?: string
  readonly recordingStatusCallbackMethod?: Method
  readonly recordingStatusCallbackEvent?: readonly string[]
  readonly statusCallback?: string
  readonly statusCallbackMethod?: Method
  readonly statusCallbackEvent?: readonly string[]
}

export interface AiSessionAttributes extends Extra {
  readonly aiConnector?: string
  readonly aiSessionConfiguration?: string
}

export interface ConversationRelaySessionAttributes extends Extra {
  readonly connector?: string
  readonly sessionConfiguration?: string
}

/** What a call may be connected to. A stream only with what the caller says: other tracks Twilio refuses here (31941). */
export type ConnectNoun =
  | StreamElement<'inbound_track'>
  | TwimlElement<
      'ConversationRelay' | 'ConversationRelaySession' | 'AiSession' | 'VirtualAgent' | 'Conversation' | 'Room'
    >
  | ExtraElement

const CONNECT = kind<ConnectAttributes, 'Connect'>(
  'Connect',
  { action: text, method },
  { children: 'Stream ConversationRelay ConversationRelaySession AiSession VirtualAgent Conversation Room' },
)
const VIRTUAL_AGENT = kind<VirtualAgentAttributes, 'VirtualAgent', 'config' | 'parameters'>(
  'VirtualAgent',
  { connectorName: text, language: text, sentimentAnalysis: flag, statusCallback: text, statusCallbackMethod: method },
  { children: 'Config Parameter', aside: ['config', 'parameters'] },
)
const RECORDS = oneOf(
  'do-not-record',
  'record-from-answer',
  'record-from-ringing',
  'record-from-answer-dual',
  'record-from-ringing-dual',
)
const CONVERSATION = kind<ConversationAttributes, 'Conversation'>('Conversation', {
  serviceInstanceSid: text,
  inboundAutocreation: flag,
  routingAssignmentTimeout: whole(0),
  inboundTimeout: whole(0),
  url: text,
  method,
  record: (value, ...where) => (typeof value === 'boolean' ? flag : RECORDS)(value, ...where),
  trim: oneOf('trim-silence', 'do-not-trim'),
  recordingStatusCallback: text,
  recordingStatusCallbackMethod: method,
  recordingStatusCallbackEvent: events,
  statusCallback: text,
  statusCallbackMethod: method,
  statusCallbackEvent: events,
})
const ROOM = kind<{ participantIdentity?: string }, 'Room'>('Room', { participantIdentity: text }, { text: true })
const AI_SESSION = kind<AiSessionAttributes, 'AiSession'>('AiSession', {
  aiConnector: text,
  aiSessionConfiguration: text,
})
const RELAY_SESSION = kind<ConversationRelaySessionAttributes, 'ConversationRelaySession'>('ConversationRelaySession', {
  connector: text,
  sessionConfiguration: text,
})

/**
 * Hands the call's audio to a noun, until that ends.
 *
 * @throws VoiceError `twiml_invalid` for a stream of another track than the caller's (31941).
 */
export function connect(attributes: ConnectAttributes, noun: ConnectNoun): TwimlElement<'Connect'> {
  const element = make(CONNECT, attributes, [noun])
  const { track } = noun.attributes
  if (noun.name === 'Stream' && track !== undefined && track !== 'inbound_track') {
    throw new VoiceError(
      'twiml_invalid',
      `Under <Connect> a stream has the caller's track only, and not ${track} (Twilio's error 31941)`,
      { remedy: 'Leave track out; to hear both sides without speaking, use start instead of connect.' },
    )
  }
  return element
}

/** An agent that Twilio connects by itself, by the name of its connector. */
export function virtualAgent(attributes: VirtualAgentAttributes): TwimlElement<'VirtualAgent'> {
  return make(VIRTUAL_AGENT, attributes, [
    ...configElements(attributes.config),
    ...parameterElements(attributes.parameters),
  ])
}

/** A Twilio Conversation. */
export function conversation(attributes: ConversationAttributes): TwimlElement<'Conversation'> {
  return make(CONVERSATION, attributes)
}

/** A Twilio Video room. */
export function room(
  name: string,
  attributes: { readonly participantIdentity?: string } & Extra = {},
): TwimlElement<'Room'> {
  return make(ROOM, attributes, [name])
}

/** An AI session that is configured at Twilio. */
export function aiSession(attributes: AiSessionAttributes): TwimlElement<'AiSession'> {
  return make(AI_SESSION, attributes)
}

/** A conversation relay whose settings are kept at Twilio. */
export function conversationRelaySession(
  attributes: ConversationRelaySessionAttributes,
): TwimlElement<'ConversationRelaySession'> {
  return make(RELAY_SESSION, attributes)
}
