/**
 * Finds the caller's turns in the audio that arrives, by its energy alone.
 *
 * @module
 */
import { decodeMulaw } from '../../audio/mulaw.js'

const FRAME_BYTES = 160
const FRAME_MS = 20
/** What is kept from before the first loud frame: soft consonants begin there. */
const LEAD_IN_FRAMES = 5
/** Silence that stays at the end of a turn's audio. */
const LEAD_OUT_FRAMES = 2

/** The square of each mu-law code's sample, full scale being 1. */
const POWER = Float64Array.from(decodeMulaw(Uint8Array.from({ length: 256 }, (_, code) => code)), (sample) => {
  return (sample / 32768) ** 2
})

export interface HearingOptions {
  /** A 20 ms frame at least this loud is speech, in decibels below full scale. */
  readonly thresholdDb: number
  /** So much loud audio begins a turn, in milliseconds. */
  readonly startMs: number
  /** So much quiet audio ends it, in milliseconds. */
  readonly endOfTurnMs: number
  /** A turn is cut off when it has lasted so long, in milliseconds. */
  readonly maxTurnMs: number
  /** The caller began to speak. */
  readonly onStart: () => void
  /** The caller has finished: the turn's audio, mu-law 8000 Hz, without the silence around it. */
  readonly onEnd: (audio: Uint8Array) => void
}

/** Listens to one caller. Time is the time of the audio, so bursts and accelerated clocks change nothing. */
export class Hearing {
  readonly #options: HearingOptions
  readonly #threshold: number
  /** The end of the last message, when it was no whole frame. */
  #rest = new Uint8Array(0)
  #frames: Uint8Array[] = []
  #loudFrames = 0
  #quietFrames = 0
  #isSpeaking = false

  constructor(options: HearingOptions) {
    this.#options = options
    this.#threshold = 10 ** (options.thresholdDb / 10) * FRAME_BYTES
  }

  /** Whether the caller is in the middle of a turn. */
  get isSpeaking(): boolean {
    return this.#isSpeaking
  }

  /** How long the present turn has lasted, in milliseconds of audio. */
  get turnMs(): number {
    return this.#isSpeaking ? this.#frames.length * FRAME_MS : 0
  }

  /** How much of the present turn's end is silence, in milliseconds of audio. */
  get quietMs(): number {
    return this.#quietFrames * FRAME_MS
  }

  /** The present turn's audio so far. */
  turnSoFar(): Uint8Array {
    return this.#isSpeaking ? join(this.#frames) : new Uint8Array(0)
  }

  /** Takes in audio of any length. */
  hear(mulaw: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? mulaw : join([this.#rest, mulaw])
    let at = 0
    for (; at + FRAME_BYTES <= bytes.length; at += FRAME_BYTES) this.#hearFrame(bytes.subarray(at, at + FRAME_BYTES))
    this.#rest = bytes.slice(at)
  }

  /** Ends the present turn now, e.g. because no more audio comes. */
  finish(): void {
    if (!this.#isSpeaking) return
    const surplus = Math.max(0, this.#quietFrames - LEAD_OUT_FRAMES)
    const audio = join(this.#frames.slice(0, this.#frames.length - surplus))
    this.#frames = []
    this.#loudFrames = 0
    this.#quietFrames = 0
    this.#isSpeaking = false
    this.#options.onEnd(audio)
  }

  #hearFrame(frame: Uint8Array): void {
    let power = 0
    for (const code of frame) power += POWER[code] ?? 0
    const isLoud = power >= this.#threshold
    this.#frames.push(frame)
    if (this.#isSpeaking) {
      this.#quietFrames = isLoud ? 0 : this.#quietFrames + 1
      const isOver = this.#quietFrames * FRAME_MS >= this.#options.endOfTurnMs
      if (isOver || this.turnMs >= this.#options.maxTurnMs) this.finish()
      return
    }
    this.#loudFrames = isLoud ? this.#loudFrames + 1 : Math.max(0, this.#loudFrames - 1)
    if (this.#frames.length > LEAD_IN_FRAMES + this.#loudFrames) this.#frames.shift()
    if (this.#loudFrames * FRAME_MS < this.#options.startMs) return
    this.#isSpeaking = true
    this.#quietFrames = 0
    this.#options.onStart()
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
