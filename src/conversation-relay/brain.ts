/**
 * What answers the caller: one interface, whether a function of the host, an ElevenLabs agent or a script is behind it.
 *
 * @module
 */
import type { InboundSetup } from './messages.js'
import type { RelayTranscriptTurn } from './transcript.js'

/** What Twilio says of a call when its session starts. What is not known is empty. */
export type RelaySetup = Readonly<
  Pick<
    InboundSetup,
    | 'sessionId'
    | 'callSid'
    | 'accountSid'
    | 'parentCallSid'
    | 'from'
    | 'to'
    | 'forwardedFrom'
    | 'callerName'
    | 'callType'
    | 'direction'
    | 'callStatus'
  >
> & {
  /** The `<Parameter>`s of the TwiML. */
  readonly customParameters: Readonly<Record<string, string>>
}

/** What is to be answered. */
export interface RelayTurn {
  readonly turnId: string
  /**
   * `speech`: the caller spoke. `digits`: the caller pressed keys. `silence`: the caller has said nothing for `turnTimeoutMs`.
   * `start`: the call has begun and the brain speaks first.
   */
  readonly source: 'speech' | 'digits' | 'silence' | 'start'
  /**
   * What was said; empty for the other sources. A caller who goes on before anything of the answer was sent is answered once,
   * on all of it.
   */
  readonly text: string
  /** What of `text` the brain has not been given before: for one that remembers by itself. */
  readonly newText: string
  /** The keys that were pressed, as one row; empty for the other sources. */
  readonly digits: string
  /** The language that Twilio recognised, or else the one that is set: BCP-47. */
  readonly lang: string
  /** The caller cut into what was being said; the last agent turn of `history` says how much of it was heard. */
  readonly hasInterrupted: boolean
  /** The call so far, as it was heard, oldest first, without this turn. At most `maxTranscriptTurns`. */
  readonly history: readonly RelayTranscriptTurn[]
  readonly call: RelaySetup
}

/** Data for whoever takes over: text as it is, anything else as JSON. Arrives at the `action` webhook as `HandoffData`. */
export type HandoffData = string | Readonly<Record<string, unknown>>

/** How text is spoken. */
export interface SpeechOptions {
  /** BCP-47; default: the language that is set. Must be one that the TwiML configures. */
  readonly lang?: string
  /** Whether the caller can cut it short. Default: what the TwiML says. */
  readonly interruptible?: boolean
  /** Whether what comes next may cut it short. Default `false`. */
  readonly preemptible?: boolean
}

/** Text that is spoken otherwise than the rest. */
export interface SpokenPart extends SpeechOptions {
  readonly say: string
}

/** A sound from a URL. */
export interface PlayPart extends Omit<SpeechOptions, 'lang'> {
  readonly play: string
  /** How often. Default 1; 0 is a thousand times. */
  readonly loop?: number
}

/** A language to go on in, for what is spoken, what is recognised, or (as text) both. */
export type LanguageChoice = string | { readonly tts?: string; readonly transcription?: string }

/** One piece of a reply. A string is a token: spoken as soon as it is there, so spaces belong to it. */
export type ReplyPart =
  | string
  | SpokenPart
  | PlayPart
  /** Keys for the other end: `0-9`, `*`, `#`, and `w` for half a second. */
  | { readonly sendDigits: string }
  | { readonly language: LanguageChoice }
  /** Ends the session once everything before it was heard. Nothing of the reply after it is read. */
  | { readonly end: true | HandoffData }

/** What a brain may do of its own accord. Every session is one. */
export interface RelayCall {
  readonly setup: RelaySetup | undefined
  /** The language that is spoken: BCP-47, or empty while nobody has set or heard one. */
  readonly language: string
  readonly transcript: readonly RelayTranscriptTurn[]
  /** Says something without being asked, after what is being said. */
  speak(parts: string | AsyncIterable<ReplyPart>): void
  /** Ends the session, by default once everything that was sent has been heard. */
  end(options?: { readonly handoffData?: HandoffData; readonly afterSpeech?: boolean }): void
}

/** What a reply is made with. */
export interface ReplyContext {
  /** Aborts at once when the caller cuts in, when another turn takes over, when a limit is reached, when the call ends. */
  readonly signal: AbortSignal
  readonly call: RelayCall
}

/** How far a reply got before the caller cut in. */
export interface InterruptedReply {
  readonly turnId: string
  /** Everything that was sent of it. */
  readonly text: string
  readonly heardText: string
}

/** Answers turns. What it yields after its signal has aborted reaches nobody. */
export interface RelayBrain {
  respond(turn: RelayTurn, context: ReplyContext): AsyncIterable<ReplyPart>
  /** The call is authorised and has begun. */
  start?(call: RelayCall): void
  /** The caller cut in. Comes before the turn that the caller takes. */
  interrupted?(reply: InterruptedReply): void
  /** The call is over. */
  close?(): void
  /** A pause that ends a row of keys, in milliseconds. Default 1500; 0 makes each key a turn of its own. */
  readonly digitPauseMs?: number
}

/** A brain that is one function. */
export type RelayBrainFunction = RelayBrain['respond']

/** Either kind of brain as the one kind. */
export function asBrain(brain: RelayBrain | RelayBrainFunction): RelayBrain {
  return typeof brain === 'function' ? { respond: brain } : brain
}

/** Parts that are there already, as a reply. */
export function partsOf(parts: Iterable<ReplyPart>): AsyncIterable<ReplyPart> {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = parts[Symbol.iterator]()
      return { next: () => Promise.resolve(iterator.next()) }
    },
  }
}
