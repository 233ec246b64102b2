/**
 * The caller's mouth: utterances one after the other, in packets of 20 ms.
 *
 * @module
 */
import { MULAW_SILENCE } from '../../audio/mulaw.js'
import { FRAME_BYTES } from './player.js'

/** Something to say. */
export interface Utterance {
  /** The words, for the timeline and for `<Gather input="speech">`. */
  readonly text: string
  /** How it sounds: μ-law, 8000 Hz, mono, no header. */
  readonly audio: Uint8Array
}

/** Hears that an utterance begins and ends. */
export interface MouthListener {
  started(utterance: Utterance): void
  finished(utterance: Utterance): void
}

/** What the caller says. */
export class Mouth {
  readonly #listener: MouthListener
  #waiting: Utterance[] = []
  #current: Utterance | undefined
  #offset = 0

  constructor(listener: MouthListener) {
    this.#listener = listener
  }

  get isSpeaking(): boolean {
    return this.#current !== undefined || this.#waiting.length > 0
  }

  /** Says this after what is being said. */
  say(utterance: Utterance): void {
    this.#waiting.push(utterance)
  }

  /** The next 20 ms; `undefined` is silence. */
  next(): Uint8Array | undefined {
    if (!this.#current) {
      this.#current = this.#waiting.shift()
      if (!this.#current) return undefined
      this.#offset = 0
      this.#listener.started(this.#current)
    }
    const said = this.#current
    let frame = said.audio.subarray(this.#offset, this.#offset + FRAME_BYTES)
    this.#offset += FRAME_BYTES
    if (frame.byteLength < FRAME_BYTES) {
      const padded = new Uint8Array(FRAME_BYTES).fill(MULAW_SILENCE)
      padded.set(frame)
      frame = padded
    }
    if (this.#offset >= said.audio.byteLength) {
      this.#current = undefined
      this.#listener.finished(said)
    }
    return frame
  }
}
