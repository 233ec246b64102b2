/**
 * The caller's ear: whether the other side can be heard talking, judged from the sound that was really played.
 *
 * @module
 */
import { decodeMulaw } from '../../audio/mulaw.js'
import { FRAME_MS } from './player.js'

/** Mean sample (of 32 124 at most) from which 20 ms count as speech: above line noise, below a whisper. */
const LOUD_MEAN = 150

/** Silence inside one stretch of speech: gaps between words are shorter. */
const STRETCH_GAP_MS = 400

const MAGNITUDES = Int32Array.from(decodeMulaw(Uint8Array.from({ length: 256 }, (_, byte) => byte)), Math.abs)

/** Whether a piece of μ-law is loud enough to be speech. */
export function isLoud(mulaw: Uint8Array): boolean {
  let sum = 0
  for (const byte of mulaw) sum += MAGNITUDES[byte] ?? 0
  return sum > LOUD_MEAN * mulaw.byteLength
}

/** Hears that speech begins and ends. */
export interface EarListener {
  speechStarted(atMs: number): void
  speechEnded(atMs: number): void
}

/** What the caller hears, as stretches of speech. Time is handed in. */
export class Ear {
  readonly #listener: EarListener
  #stretchStartMs: number | undefined
  #lastLoudMs: number | undefined
  #heardMs = 0

  constructor(listener: EarListener) {
    this.#listener = listener
  }

  /** Whether a stretch of speech is going on. Gaps up to 400 ms belong to it. */
  get isHearing(): boolean {
    return this.#stretchStartMs !== undefined
  }

  /** Loud sound in all, in milliseconds. */
  get heardMs(): number {
    return this.#heardMs
  }

  /** How long the current stretch has lasted; 0 when there is none. */
  stretchMs(nowMs: number): number {
    return this.#stretchStartMs === undefined ? 0 : nowMs - this.#stretchStartMs
  }

  /** How long nothing was heard: since the last loud sound, or since the call began. */
  quietMs(nowMs: number): number {
    return nowMs - (this.#lastLoudMs ?? 0)
  }

  /** Takes in 20 ms that were played from `atMs` on. */
  hear(frame: Uint8Array, atMs: number): void {
    if (!isLoud(frame)) return
    this.advanceTo(atMs)
    this.#lastLoudMs = atMs + FRAME_MS
    this.#heardMs += FRAME_MS
    if (this.#stretchStartMs !== undefined) return
    this.#stretchStartMs = atMs
    this.#listener.speechStarted(atMs)
  }

  /** Ends the stretch when it has been quiet for long enough. */
  advanceTo(nowMs: number): void {
    if (this.#stretchStartMs === undefined || this.#lastLoudMs === undefined) return
    if (nowMs - this.#lastLoudMs >= STRETCH_GAP_MS) this.#end(this.#lastLoudMs)
  }

  /** The call is over: so is the stretch. */
  close(): void {
    if (this.#stretchStartMs !== undefined) this.#end(this.#lastLoudMs ?? this.#stretchStartMs)
  }

  #end(atMs: number): void {
    this.#stretchStartMs = undefined
    this.#listener.speechEnded(atMs)
  }
}
