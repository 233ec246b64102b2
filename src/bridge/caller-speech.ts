/**
 * When the caller last spoke, read from the loudness of the audio as it passes.
 *
 * It decides nothing: turn-taking is the agent's. It is the start of the clock for latency, and the proof of life for the
 * idle limit.
 *
 * @module
 */
import { speechLevel, speechLevelOfBytes } from '../audio/speech-level.js'
import type { Clock } from '../core/clock.js'

/** Louder than this is speech: well over line noise, well under a quiet talker. */
const SPEECH_LEVEL = 0.02
/** So many loud frames of 20 ms in a row are speech; fewer are a click. */
const MIN_FRAMES = 3

/** Follows one caller. */
export class CallerSpeech {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #loudFrames = 0
  #lastMs: number | undefined

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** The moment of the last frame of speech, on the clock's monotonic time. */
  get lastMs(): number | undefined {
    return this.#lastMs
  }

  /** Takes in one frame. @returns Whether the caller is speaking now. */
  receive(payloadBase64: string): boolean {
    return this.#hear(speechLevel(payloadBase64))
  }

  /** {@link receive} for a frame that lies in `bytes` from `start` to `end`. */
  receiveBytes(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#hear(speechLevelOfBytes(bytes, start, end))
  }

  #hear(level: number): boolean {
    if (level < SPEECH_LEVEL) {
      this.#loudFrames = 0
      return false
    }
    if (++this.#loudFrames < MIN_FRAMES) return false
    this.#lastMs = this.#clock.monotonicMs() // not asked for every frame of silence
    return true
  }
}
