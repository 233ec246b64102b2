/**
 * Whether the caller is being spoken to: from what Twilio reports when the TwiML subscribes to `speaker-events`, else from the length of
 * what was sent.
 *
 * @module
 */

/** A calm English speaker: rather too long, so that a goodbye is not cut. */
const MS_PER_CHAR = 75
/** From the first token to the first sound: 320 ms in recorded traffic (read 2026-11-21), and some room. */
const LATENCY_MS = 500
/** How long a report that the agent speaks may lag behind the text. */
const REPORT_GRACE_MS = 2000

/** How long a text takes to be spoken, in milliseconds. */
export function spokenMs(chars: number): number {
  return chars * MS_PER_CHAR
}

/** Keeps the estimate of one session. Moments are on the monotonic clock, in milliseconds. */
export class SpeechEstimate {
  #untilMs = -Infinity
  #sentMs = -Infinity
  #report: boolean | undefined

  /** Something that takes so long was sent. */
  sent(durationMs: number, nowMs: number): void {
    this.#sentMs = nowMs
    this.#untilMs = (this.#untilMs > nowMs ? this.#untilMs : nowMs + LATENCY_MS) + durationMs
  }

  /** Twilio reports that the agent is heard, or no more. */
  reported(isSpeaking: boolean): void {
    this.#report = isSpeaking
    if (!isSpeaking) this.#sentMs = -Infinity
  }

  /** Twilio dropped everything. */
  stopped(): void {
    this.#untilMs = this.#sentMs = -Infinity
    if (this.#report !== undefined) this.#report = false
  }

  isSpeaking(nowMs: number): boolean {
    if (this.#report === undefined) return nowMs < this.#untilMs
    return this.#report || nowMs - this.#sentMs < REPORT_GRACE_MS
  }
}
