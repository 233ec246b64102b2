/**
 * Which elements TwiML has, what each may carry, and what may stand in it.
 *
 * Names are case-sensitive. Attributes are those of the TwiML reference (https://www.twilio.com/docs/voice/twiml) and of the
 * types of the `twilio` package 6.2.0, read 2026-11-21.
 *
 * @module
 */

/** What one element allows. */
export interface ElementSchema {
  readonly attributes: ReadonlySet<string>
  readonly children: ReadonlySet<string>
  /** Whether it may hold text. Without it, text other than white space is an error of schema. */
  readonly hasText: boolean
  /** Whether this simulator plays it. Others are skipped, and say so on the timeline. */
  readonly isPlayed: boolean
  /** Whether children and attributes go unchecked: elements that this simulator does not play. */
  readonly isOpen: boolean
}

function element(attributes: string, options: { children?: string; text?: true } = {}): ElementSchema {
  return {
    attributes: words(attributes),
    children: words(options.children ?? ''),
    hasText: options.text === true,
    isPlayed: true,
    isOpen: false,
  }
}

const words = (list: string): ReadonlySet<string> => new Set(list.split(' ').filter(Boolean))

const NOT_PLAYED: ElementSchema = {
  attributes: new Set(),
  children: new Set(),
  hasText: true,
  isPlayed: false,
  isOpen: true,
}

const PLAYED_VERBS: Readonly<Record<string, ElementSchema>> = {
  Say: element('voice language loop', { children: 'break emphasis lang p phoneme prosody s say-as sub w', text: true }),
  Play: element('loop digits', { text: true }),
  Pause: element('length'),
  Gather: element(
    'input action method timeout speechTimeout maxSpeechTime profanityFilter finishOnKey numDigits partialResultCallback partialResultCallbackMethod language hints bargeIn debug actionOnEmptyResult speechModel enhanced',
    { children: 'Say Play Pause' },
  ),
  Redirect: element('method', { text: true }),
  Hangup: element(''),
  Reject: element('reason'),
  Dial: element(
    'action method timeout hangupOnStar timeLimit callerId record trim recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent answerOnBridge ringTone recordingTrack sequential referUrl referMethod',
    { children: 'Number Sip Client Conference Queue Sim Application WhatsApp', text: true },
  ),
  Connect: element('action method', {
    children: 'Stream ConversationRelay ConversationRelaySession AiSession Room Conversation VirtualAgent Autopilot',
  }),
}

const NESTED: Readonly<Record<string, ElementSchema>> = {
  Stream: element('name connectorName url track statusCallback statusCallbackMethod audioFormat sampleRate', {
    children: 'Parameter',
  }),
  ConversationRelay: element(
    'url welcomeGreeting welcomeGreetingInterruptible language ttsLanguage transcriptionLanguage ttsProvider voice transcriptionProvider speechModel interruptible interruptSensitivity dtmfDetection reportInputDuringAgentSpeech preemptible partialPrompts profanityFilter hints debug events elevenlabsTextNormalization intelligenceService backgroundNoiseReduction deepgramSmartFormat ignoreBackchannel speechTimeout eotThreshold conversationConfiguration conversationId echoPromptFiltering applicationReconnect turnDetection',
    { children: 'Language Parameter Failover' },
  ),
  Language: element('code ttsProvider voice transcriptionProvider speechModel'),
  Parameter: element('name value'),
  Number: element(
    'sendDigits url method statusCallbackEvent statusCallback statusCallbackMethod byoc machineDetection amdStatusCallbackMethod amdStatusCallback machineDetectionTimeout machineDetectionSpeechThreshold machineDetectionSpeechEndThreshold machineDetectionSilenceTimeout clientNotificationUrl',
    { text: true },
  ),
}

const OTHER_VERBS = words('Start Stop Record Enqueue Leave Refer Pay Prompt Sms Queue Echo')

/** What `name` allows, as a child of `parent`; `undefined` when it may not stand there. */
export function schemaOf(name: string, parent: string): ElementSchema | undefined {
  if (parent === 'Response') return PLAYED_VERBS[name] ?? (OTHER_VERBS.has(name) ? NOT_PLAYED : undefined)
  const above = PLAYED_VERBS[parent] ?? NESTED[parent]
  if (!above?.children.has(name)) return undefined
  return NESTED[name] ?? PLAYED_VERBS[name] ?? NOT_PLAYED
}
