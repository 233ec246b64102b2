/**
 * What happened on a call, in order, on one time axis.
 *
 * @module
 */

/** What an entry of the timeline tells. */
export type TimelineKind =
  /** The call changed to `status`. */
  | 'status'
  /** A request to the host was answered: `purpose`, `path`, `httpStatus` (0: no answer), `tookMs`. */
  | 'webhook'
  /** A TwiML verb began: `name`. */
  | 'verb'
  /** Something that this simulator knows but does not play: `name`. */
  | 'not-simulated'
  /** The media socket is open: `streamSid`. */
  | 'stream-open'
  /** The stream is over: `streamSid`, `by` (`host`, `twilio`, `network`), `closeCode`. */
  | 'stream-stop'
  /** The caller begins to hear the other side; the entry's time is that of the first loud 20 ms. */
  | 'agent-speech'
  /** The caller hears nothing any more; the entry's time is the end of the last loud 20 ms. */
  | 'agent-quiet'
  /** The caller begins to say `text`. */
  | 'caller-speech'
  /** The caller has finished. */
  | 'caller-quiet'
  /** The host queued the mark `name`. */
  | 'mark-queued'
  /** The mark `name` went back: `cleared` says whether a clear threw it out rather than playback reaching it. */
  | 'mark-echoed'
  /** The host cleared: `unheardMs` of audio was thrown away. */
  | 'clear'
  /** The caller pressed `digit`; `taken` says whether anything listened. */
  | 'dtmf'
  /** A step of the caller's script begins: `index`, `step`. */
  | 'step'
  /** Twilio would report `code`. */
  | 'violation'
  /** A fault that was asked for: `name`. */
  | 'fault'
  /** A relay session is open: `sessionId`. */
  | 'relay-open'
  /** The session is over: `sessionId`, `status` (`ended`, `failed`, `completed`), `closeCode`, `unheardMs`. */
  | 'relay-end'
  /** What the caller said went to the host: `text`, `last`; with `reported: false` it did not, for the agent was speaking. */
  | 'relay-prompt'
  /** The caller cut in, having listened for `heardMs`. */
  | 'relay-interrupt'
  /** The host changed the languages: `tts`, `transcription`. */
  | 'relay-language'
  /** The host pressed `digits`. */
  | 'relay-digits'
  /** A dialled leg ended: `status`. */
  | 'dial'
  /** The call is over: `by` (`caller`, `host`, `twiml`, `twilio`). */
  | 'hang-up'

/** One thing that happened. */
export interface TimelineEntry {
  /** Milliseconds since the call was made, by the simulator's clock. The recording has the same zero. */
  readonly atMs: number
  readonly kind: TimelineKind
  /** The values that {@link TimelineKind} names. */
  readonly details: Readonly<Record<string, string | number | boolean>>
}

const MAX_ENTRIES = 50_000

/** The timeline of one call. Beyond 50 000 entries new ones are counted and not kept. */
export class Timeline {
  readonly #nowMs: () => number
  readonly #entries: TimelineEntry[] = []
  #dropped = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** In order of happening. The end of speech is known only when it has been quiet for a while, and stands where it was. */
  get entries(): readonly TimelineEntry[] {
    return this.#entries.toSorted((one, other) => one.atMs - other.atMs)
  }

  /** Entries that came after the limit. */
  get dropped(): number {
    return this.#dropped
  }

  add(kind: TimelineKind, details: TimelineEntry['details'] = {}, atMs = this.#nowMs()): void {
    if (this.#entries.length >= MAX_ENTRIES) this.#dropped++
    else this.#entries.push({ atMs, kind, details })
  }
}
