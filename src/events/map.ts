/**
 * Everything that happens, by name: what each event carries, and which of it tells of a person.
 *
 * Names and data hold ids and numbers only. What is more (whom the call went to, what was said) is looked up under the id by who may,
 * so that an event that is kept somewhere for years does not keep a person. The few fields that do tell of one are marked in
 * {@link EVENT_FIELDS} and leave the process only where a sink was named for them.
 *
 * @module
 */

/** Names a call. */
interface OfCall {
  readonly callSid: string
}

/** Event → what it carries. Optional fields are left out where nothing is known. */
export interface EventMap {
  /** A call was placed, and is on record. */
  readonly 'call.placed': OfCall & {
    readonly attemptId: string
    readonly leadId: string
    /** How it is connected: `bridge`, `conversation-relay`, `register-call`, `say`. */
    readonly via: string
  }
  /** Somebody called, and the call is on record. */
  readonly 'call.received': OfCall & {
    /** How it is answered: `bridge`, `conversation-relay`, `register-call`, `say`; left out where no agent answers. */
    readonly via?: string
  }
  /** The policy refused a call; nothing was dialled. */
  readonly 'call.refused': {
    readonly attemptId: string
    readonly leadId: string
    /** The decision, as the audit log has it. */
    readonly decisionId: string
    /** The checks that failed, in order. */
    readonly failedChecks: readonly string[]
    /** The next lawful moment, in milliseconds since 1970; `null` where only a person can change it. */
    readonly nextAllowedAt: number | null
  }
  /** Twilio told a new status, and it counts. */
  readonly 'call.status-changed': OfCall & {
    /** Twilio's own word: `initiated`, `ringing`, `in-progress`, `completed`, … */
    readonly callStatus: string
    /** Length of the call, in seconds, where the status has one. */
    readonly durationS?: number
  }
  /** Machine detection gave its verdict. */
  readonly 'call.answered-by': OfCall & {
    /** Twilio's own word: `human`, `machine_end_beep`, … */
    readonly answeredBy: string
  }
  /** A call is over. Comes once for each call, in the same step as its last status. */
  readonly 'call.ended': OfCall & {
    readonly callStatus: string
    /** How it ended, for people: `answered`, `no-answer`, `voicemail`, … */
    readonly outcome: string
    readonly durationS?: number
  }
  /** Somebody asked, in a menu, to be called back. */
  readonly 'call.callback-requested': OfCall & {
    /** Why, in a word of the host's menu. */
    readonly reason: string
  }
  /** A call of which nobody knew whether it was made was found, and is on record. */
  readonly 'call.reconciled': OfCall & { readonly attemptId: string }
  /** The next try of a call was scheduled. After a crash it may be told twice, with the same `nextAttemptId`. */
  readonly 'retry.scheduled': {
    readonly attemptId: string
    readonly nextAttemptId: string
    /** When it is due, in milliseconds since 1970. */
    readonly dueAt: number
    /** The call that ended without success; left out when none was made. */
    readonly callSid?: string
  }
  /** A lead waits for a person. */
  readonly 'lead.flagged': {
    readonly leadId: string
    /** `refused`: by the policy. `phone-invalid`: Twilio says that there is no such number. */
    readonly why: 'refused' | 'phone-invalid'
    readonly decisionId?: string
  }
  /** Somebody asked not to be called again, and it is on record. */
  readonly 'opt-out.recorded': {
    readonly revocationId: string
    /** How they asked: `speech`, `keypress`, … */
    readonly channel: string
    readonly callSid?: string
    readonly leadId?: string
    /** E.164, for systems that must not call it either. */
    readonly phoneNumber?: string
  }
  /** Twilio has finished a recording. */
  readonly 'recording.completed': OfCall & { readonly recordingSid: string }
  /** A recording went through everything that the host does with one. */
  readonly 'recording.processed': OfCall & {
    readonly recordingSid: string
    /** The transcript that was made of it, if one was. */
    readonly transcriptId?: string
  }
  /** A transcript is on record. */
  readonly 'transcript.ready': OfCall & {
    readonly transcriptId: string
    readonly recordingSid?: string
    readonly conversationId?: string
    /** Who made it, e.g. `elevenlabs`, `playback-ledger`. */
    readonly source: string
  }
  /** The agent used a tool and has its answer. */
  readonly 'tool.called': OfCall & {
    readonly toolName: string
    /** The agent's own name of the request; of one over HTTP, which has none, a fresh one. */
    readonly toolCallId: string
    readonly isError: boolean
    /** From the question to the answer, in milliseconds. */
    readonly tookMs?: number
  }
  /** The first of an agent's turn is being heard. Turns are told only where `events.turns` asks for them. */
  readonly 'turn.started': OfCall & {
    readonly turnId: string
    readonly speaker: 'agent'
    /** From the end of the caller's speech, in milliseconds. */
    readonly latencyMs?: number
  }
  /** A turn of the caller or of the agent is over. */
  readonly 'turn.ended': OfCall & {
    readonly turnId: string
    readonly speaker: 'caller' | 'agent'
    /** Audio of it that was heard, in milliseconds. */
    readonly heardMs?: number
    /** The caller barged in. */
    readonly isInterrupted?: boolean
    /** What was said, as far as it was heard; its first 1000 characters. */
    readonly text?: string
  }
}

/** The name of an event. */
export type EventName = keyof EventMap

/** One event, as it is written. An outbox takes it as it is. */
export interface VoiceEvent<Name extends EventName = EventName> {
  readonly type: Name
  readonly data: EventMap[Name]
}

/** The compiler holds it to {@link EventMap}, field by field. */
type FieldTable = { readonly [Name in EventName]: { readonly [Field in keyof Required<EventMap[Name]>]: FieldKind } }

/** `'personal'`: tells of a person. */
export type FieldKind = 'plain' | 'personal'

/** Event → field → whether it tells of a person. */
export const EVENT_FIELDS = {
  'call.placed': { callSid: 'plain', attemptId: 'plain', leadId: 'plain', via: 'plain' },
  'call.received': { callSid: 'plain', via: 'plain' },
  'call.refused': {
    attemptId: 'plain',
    leadId: 'plain',
    decisionId: 'plain',
    failedChecks: 'plain',
    nextAllowedAt: 'plain',
  },
  'call.status-changed': { callSid: 'plain', callStatus: 'plain', durationS: 'plain' },
  'call.answered-by': { callSid: 'plain', answeredBy: 'plain' },
  'call.ended': { callSid: 'plain', callStatus: 'plain', outcome: 'plain', durationS: 'plain' },
  'call.callback-requested': { callSid: 'plain', reason: 'plain' },
  'call.reconciled': { callSid: 'plain', attemptId: 'plain' },
  'retry.scheduled': { attemptId: 'plain', nextAttemptId: 'plain', dueAt: 'plain', callSid: 'plain' },
  'lead.flagged': { leadId: 'plain', why: 'plain', decisionId: 'plain' },
  'opt-out.recorded': {
    revocationId: 'plain',
    channel: 'plain',
    callSid: 'plain',
    leadId: 'plain',
    phoneNumber: 'personal',
  },
  'recording.completed': { callSid: 'plain', recordingSid: 'plain' },
  'recording.processed': { callSid: 'plain', recordingSid: 'plain', transcriptId: 'plain' },
  'transcript.ready': {
    callSid: 'plain',
    transcriptId: 'plain',
    recordingSid: 'plain',
    conversationId: 'plain',
    source: 'plain',
  },
  'tool.called': { callSid: 'plain', toolName: 'plain', toolCallId: 'plain', isError: 'plain', tookMs: 'plain' },
  'turn.started': { callSid: 'plain', turnId: 'plain', speaker: 'plain', latencyMs: 'plain' },
  'turn.ended': {
    callSid: 'plain',
    turnId: 'plain',
    speaker: 'plain',
    heardMs: 'plain',
    isInterrupted: 'plain',
    text: 'personal',
  },
} as const satisfies FieldTable

/** An event with the data that its name asks for. */
export function voiceEvent<Name extends EventName>(type: Name, data: EventMap[Name]): VoiceEvent<Name> {
  return { type, data }
}

/** Whether the library has an event of this name. A host may keep its own beside them. */
export function isEventName(name: string): name is EventName {
  return Object.hasOwn(EVENT_FIELDS, name)
}

/** The data of an event without the fields that tell of a person. A host's own event is a matter of the host's, and stays whole. */
export function withoutPersonalFields(type: string, data: unknown): unknown {
  if (!isEventName(type) || typeof data !== 'object' || data === null) return data
  const fields: Readonly<Record<string, FieldKind>> = EVENT_FIELDS[type]
  return Object.fromEntries(Object.entries(data).filter(([name]) => fields[name] !== 'personal'))
}
