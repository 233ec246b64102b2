/**
 * Every way this library can say that the world broke: one root class, a literal code each, and with every code
 * the sentence that says what to do about it.
 *
 * @module
 */

/**
 * Every code with its default remedy. The codes are public and pinned by a test; `docs/errors.md` has a paragraph
 * for each.
 */
export const ERROR_REMEDIES = {
  // media streams
  media_stream_message_invalid:
    'The peer is not speaking the Twilio Media Streams protocol. Check what the <Stream url> points at.',
  media_stream_message_too_large: 'Raise maxMessageBytes only if you know why a frame is larger than 64 KiB.',
  media_stream_start_timeout:
    'The socket was opened but no start message came. Check that the peer is Twilio and that no proxy buffers frames.',
  media_stream_silent: 'Twilio stopped sending audio while the socket stayed open. The call has most likely ended.',
  media_stream_stalled:
    'Twilio, or a proxy before it, stopped reading from the socket. Look for a proxy that buffers, or a machine that cannot keep up.',
  media_stream_unauthorized:
    'Put a fresh token from the voice webhook into <Parameter name="token">. A token serves one call, once, for a short time.',

  // ElevenLabs
  elevenlabs_message_invalid:
    'ElevenLabs sent a message this version cannot read. Update callweave, or report the message type.',
  elevenlabs_message_too_large: 'A message from ElevenLabs was larger than maxMessageBytes.',
  elevenlabs_connect_failed: 'Check network access to ElevenLabs and the agent id, then retry as a new conversation.',
  elevenlabs_connect_timeout:
    'ElevenLabs did not accept the socket in time. Retry as a new conversation, or use the fallback.',
  elevenlabs_metadata_timeout:
    'The conversation opened but never started. Check the agent in the ElevenLabs dashboard, then retry as a new conversation.',
  elevenlabs_audio_format_unsupported:
    'Set the agent’s input and output audio format to “μ-law 8000 Hz” (ulaw_8000) in the ElevenLabs dashboard, under Voice and Advanced.',
  elevenlabs_override_not_allowed:
    'In the ElevenLabs dashboard open the agent, Security, Overrides, and enable the field that is named; or stop sending it.',
  elevenlabs_dynamic_variable_missing:
    'Send every dynamic variable that the agent’s prompt, first message and tools use.',
  elevenlabs_contract_violation:
    'ElevenLabs closed the conversation because of what was sent (1008). Read the reason; do not retry.',
  elevenlabs_quota_exceeded:
    'The ElevenLabs workspace is out of credits or over its quota. Add credits; a retry cannot help.',
  elevenlabs_agent_misconfigured:
    'Open the agent in the ElevenLabs dashboard and run it there first; a retry cannot help.',
  elevenlabs_unauthorized:
    'Check the API key, the agent id and the region. A key works only in its own region, and a signed URL only for 15 minutes.',
  elevenlabs_agent_not_found: 'Check the agent id, and that the base URL is of the region that the agent lives in.',
  elevenlabs_queue_timeout:
    'No agent became free in time. Raise the concurrency limit or the queue time in ElevenLabs.',
  elevenlabs_operational_failure: 'A part of ElevenLabs failed (1002). One retry as a new conversation may help.',
  elevenlabs_server_error: 'ElevenLabs failed (1011). Retry as a new conversation.',
  elevenlabs_connection_lost: 'The connection to ElevenLabs broke. Retry as a new conversation: there is no resume.',
  elevenlabs_closed: 'The conversation is over. Start a new one.',
  elevenlabs_request_failed: 'ElevenLabs refused the request. The status and the code say why.',
  elevenlabs_rate_limited: 'Too many requests or conversations at once. Back off, then retry.',
  elevenlabs_response_invalid: 'ElevenLabs answered with something this version cannot read. Check the base URL.',

  // conversation relay
  conversation_relay_message_invalid:
    'The peer is not speaking the ConversationRelay protocol. Check what the <ConversationRelay url> points at.',
  conversation_relay_message_too_large: 'Raise maxMessageChars only if you know why a message is larger than 64 KiB.',
  conversation_relay_setup_timeout:
    'The socket was opened but no authorised setup came. Check that the peer is Twilio and that no proxy buffers frames.',
  conversation_relay_unauthorized:
    'Put a fresh token from the voice webhook into <Parameter name="token">. A token serves one call, once, for a short time.',
  conversation_relay_stalled: 'Twilio stopped reading from the socket. The call has most likely ended.',
  conversation_relay_reported:
    'Twilio reported an error in the session. Look the code up in Twilio’s error dictionary: 64101 and 64106 are settings, 64107 is a message it could not read.',
  relay_brain_failed: 'What answers the caller threw. The caller heard an apology; the cause says what happened.',
  relay_brain_timeout: 'Make what answers the caller faster, or raise replyTimeoutMs. The caller heard an apology.',
  relay_brain_busy: 'What answers the caller does not stop when its signal aborts. Make it heed the signal.',
  relay_reply_too_long: 'A reply was longer than maxReplyChars and was cut. Tell the model to be brief.',

  // HTTP
  http_timeout: 'The other side did not answer in time. Retry where that is safe, or raise the time limit.',
  http_aborted: 'The request was aborted by its caller.',
  http_connection_failed: 'The other side cannot be reached. Check the address, DNS, TLS and the network.',
  http_response_too_large: 'The answer is larger than maxResponseBytes.',

  // webhooks and sockets that come in
  webhook_signature_missing:
    'The request carries no signature. Check that it comes from the vendor and that no proxy drops headers.',
  webhook_signature_malformed: 'The signature header cannot be read. Check that no proxy rewrites it.',
  webhook_signature_mismatch:
    'Check the auth token or secret, and that the public URL is exactly the one the vendor was given (scheme, host, path, query).',
  webhook_body_hash_mismatch:
    'The body is not the one that was signed. Hand over the raw bytes, from before any parser.',
  webhook_body_unsigned:
    'A body of this content type is covered by no signature. Twilio signs JSON through bodySHA256 in the URL; refuse anything else.',
  webhook_timestamp_out_of_tolerance:
    'The signed time is too far from now. Check the clock of this machine; it may also be a replay.',
  webhook_payload_invalid:
    'The signature is right but the body cannot be read. Update callweave, or report the payload type.',
  webhook_body_too_large: 'The body is larger than maxBodyBytes.',
  webhook_body_already_parsed:
    'A body parser ran first. Mount callweave before it, or keep the raw bytes on req.rawBody.',

  // agent tools
  agent_tool_unknown:
    'The agent called a tool that is not registered. Names are case-sensitive and must match the dashboard.',
  agent_tool_failed: 'A tool threw. The agent was told that it failed.',
  agent_tool_timeout:
    'A tool did not answer in time. Make it faster, or raise toolTimeoutMs below the limit in the dashboard.',

  // calls
  telephone_refused: 'Twilio refused. The vendor code says why: see https://www.twilio.com/docs/api/errors.',
  telephone_rate_limited: 'Too many requests to Twilio at once. Back off, then ask again.',
  telephone_outcome_unknown:
    'Do not repeat it: the call may have been made. Look for it in the account’s calls, or let reconciliation do so.',
  bridge_closed: 'The bridge is closed. Make a new one for a new call.',
  voice_closed: 'This process takes its leave. Place the call from another one, or after the restart.',

  // compliance
  compliance_refused:
    'The call may not be placed now. The decision says which checks failed and, where time alone stands in the way, when it may be.',
  compliance_lead_unknown: 'Store the lead before it is called: the decision is made from the stored record.',
  compliance_facts_unavailable:
    'A store or a lookup that the decision needs failed or was too slow, so no call was placed. Mend what the message names and ask again.',
  compliance_audit_failed:
    'The audit log could not be written, so no call was placed and the place under the caps was given back. Mend the store and ask again.',
  compliance_audit_unreadable: 'The file is no export of the audit log, or it was cut or edited. Export it again.',

  // do-not-call list and opt-out
  do_not_call_list_line_invalid:
    'Look at the line that is named. Download the file again, or import with wrongLines: “skip” when the rest of it is right.',
  do_not_call_list_file_unusable:
    'Hand over the unzipped flat text file of the registry, whole, and the area codes that it was ordered for.',
  do_not_call_list_out_of_order:
    'A change list needs the full list before it, and the lists of an area code are imported in the order of their dates.',
  do_not_call_list_corrupt:
    'Import the full list of this area code again. Until then none of its numbers may be called.',
  do_not_call_list_busy: 'Wait until the other import into this directory is done.',
  do_not_call_list_io_failed: 'Check the directory: its path, its permissions, the space on the disk.',
  opt_out_not_recorded:
    'This process blocks the number until the opt-out is stored. Mend the store and call retryOptOuts; other processes do not know yet.',

  // TwiML
  twiml_invalid: 'Twilio would refuse this TwiML. The message says what to change.',
  relay_language_unknown: 'Use a name or a code that is among the languages, or add yours to them.',
  relay_profile_unknown: 'Use a phase that is among the profiles, or add yours to them.',
  template_value_missing: 'Give a value for every placeholder of the template, or use a template without it.',

  // configuration
  config_invalid: 'Correct every setting that the message names.',

  // events
  event_not_taken:
    'A sink did not take an event; it is tried again, and parked after maxTries. Look at the receiver that the message names.',

  // storage
  storage_connection_lost:
    'The database cannot be reached, or hung up. Reads were tried again; whether a write stands is not known until it is asked for again.',
  storage_timeout:
    'The database did not answer within operationTimeoutMs. Look at its load; whether a write stands is not known until it is asked for again.',
  storage_conflict: 'Too many writers changed the same record at once. Try the whole operation again.',
  storage_schema_missing: 'Call migrate() of the store once, when the application is deployed or starts.',
  storage_schema_too_new: 'The database was migrated by a newer callweave. Update this one before it writes.',
  storage_record_invalid:
    'A record does not have the shape that this version knows. The message names the fields; correct what wrote it.',
  storage_key_invalid: 'Ids and keys are 1 to 512 characters without control characters. Correct what made this one.',
  storage_full: 'The store in memory holds as many records as maxRecords allows. Use a database, or raise it.',
  storage_failed: 'The database refused the operation. The cause is its own error.',

  // simulator
  simulator_scenario_failed:
    'The call did not go as scripted. The message lists each unmet step and each leftover message.',
} as const

/** Every code this library can throw. Switch on the code; the message may be reworded in any release. */
export type VoiceErrorCode = keyof typeof ERROR_REMEDIES

const KINDS = Symbol.for('callweave.error-kinds')

/** What an error may be given besides its code and message. */
export interface VoiceErrorOptions extends ErrorOptions {
  /** What to do about it. Default: the general remedy of the code. */
  readonly remedy?: string
  /** Ids and numbers that a person needs to find the call. Never a secret, a phone number, digits or speech. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>
}

/** The root of every error thrown here. */
export class VoiceError extends Error {
  static readonly kind: string = 'VoiceError'

  /**
   * Matches by kind and not by prototype: the ESM and the CommonJS build each carry their own copy of this class, and
   * one process can load both.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    const kinds = (value as Record<symbol, ReadonlySet<string> | undefined> | null | undefined)?.[KINDS]
    return kinds?.has(this.kind) === true
  }

  readonly code: VoiceErrorCode
  /** What to do about it, in one or two sentences. */
  readonly remedy: string
  /** Ids and numbers that help to find the call. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>

  constructor(code: VoiceErrorCode, message: string, options: VoiceErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = new.target.kind
    this.code = code
    this.remedy = options.remedy ?? ERROR_REMEDIES[code]
    this.details = options.details ?? {}
    const kinds = new Set<string>()
    for (let c: unknown = new.target; typeof c === 'function' && c !== Error; c = Object.getPrototypeOf(c)) {
      kinds.add((c as typeof VoiceError).kind)
    }
    Object.defineProperty(this, KINDS, { value: kinds })
  }
}

/** The peer broke its protocol. The connection it came from is closed; the process is fine. */
export class ProtocolError extends VoiceError {
  static override readonly kind: string = 'ProtocolError'
}

/** A webhook or a socket could not be proven to come from the vendor. */
export class SignatureError extends VoiceError {
  static override readonly kind: string = 'SignatureError'
}

/** Settings are missing or wrong. Every one of them is named, so that one look is enough. */
export class ConfigError extends VoiceError {
  static override readonly kind: string = 'ConfigError'
  /** A line each: the setting's name, and what is wrong with it. Never its value. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super('config_invalid', `The configuration is not usable: ${problems.join('; ')}`)
    this.problems = problems
  }
}

/** What a vendor answered when it did not do what was asked. */
export interface VendorErrorOptions extends VoiceErrorOptions {
  /** HTTP status, when there was an answer over HTTP. */
  readonly status?: number
  /** WebSocket close code, when the answer was a close. */
  readonly closeCode?: number
  /** The vendor's own code or status word, as it came. */
  readonly vendorCode?: string
  /** The vendor's id of the request, to quote in a support ticket. */
  readonly requestId?: string
  /** How long the vendor asked to wait, in milliseconds. */
  readonly retryAfterMs?: number
  /** Whether a repeat can help. `'never'` when the same request must fail again. Default `'never'`. */
  readonly retry?: 'never' | 'once' | 'backoff'
}

/** A vendor refused, failed or hung up. */
export class VendorError extends VoiceError {
  static override readonly kind: string = 'VendorError'
  readonly status: number | undefined
  readonly closeCode: number | undefined
  readonly vendorCode: string | undefined
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined
  readonly retry: 'never' | 'once' | 'backoff'

  constructor(code: VoiceErrorCode, message: string, options: VendorErrorOptions = {}) {
    super(code, message, options)
    this.status = options.status
    this.closeCode = options.closeCode
    this.vendorCode = options.vendorCode
    this.requestId = options.requestId
    this.retryAfterMs = options.retryAfterMs
    this.retry = options.retry ?? 'never'
  }
}

/** What is known about a storage operation that failed. */
export interface StorageErrorOptions extends VoiceErrorOptions {
  /** The method that failed, e.g. `reserveAttempt`. */
  readonly operation: string
  /**
   * Whether the operation may have been done all the same: the answer was lost, not the request. `false`: it is certain that nothing was
   * written. Default `false`.
   */
  readonly isOutcomeUnknown?: boolean
}

/** A store could not do what was asked. Nobody may take it for a "no". */
export class StorageError extends VoiceError {
  static override readonly kind: string = 'StorageError'
  readonly operation: string
  readonly isOutcomeUnknown: boolean

  constructor(code: VoiceErrorCode, message: string, options: StorageErrorOptions) {
    super(code, message, options)
    this.operation = options.operation
    this.isOutcomeUnknown = options.isOutcomeUnknown ?? false
  }
}
