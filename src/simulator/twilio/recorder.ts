/**
 * Both sides of a call as sound: the caller left, the other side right.
 *
 * @module
 */
import { MULAW_BYTES_PER_MS, MULAW_SILENCE, decodeMulaw } from '../../audio/mulaw.js'
import { encodeWav } from '../../audio/wav.js'

/** What was said and heard on a call. Both sides have the same length and the timeline's zero. */
export interface Recording {
  /** What the caller said, as it was said (before any fault): μ-law, 8000 Hz, mono. */
  readonly caller: Uint8Array
  /** What the caller heard: μ-law, 8000 Hz, mono. */
  readonly agent: Uint8Array
  readonly durationMs: number
  /** The two sides as 16-bit samples: left the caller, right the other side. */
  toPcm(): [Int16Array, Int16Array]
  /** The two sides as the bytes of a stereo WAV file, 8000 Hz, 16 bit: left the caller, right the other side. */
  toWav(): Uint8Array
}

const SEGMENT_BYTES = 1000 * MULAW_BYTES_PER_MS

/** One side: seconds that are silent throughout cost nothing. */
class Track {
  readonly #segments: (Uint8Array | undefined)[] = []

  write(atMs: number, audio: Uint8Array, maxBytes: number): void {
    let at = Math.max(0, Math.round(atMs * MULAW_BYTES_PER_MS))
    const until = Math.min(at + audio.byteLength, maxBytes)
    let from = 0
    while (at < until) {
      const index = Math.floor(at / SEGMENT_BYTES)
      const offset = at - index * SEGMENT_BYTES
      const length = Math.min(until - at, SEGMENT_BYTES - offset)
      const segment = (this.#segments[index] ??= new Uint8Array(SEGMENT_BYTES).fill(MULAW_SILENCE))
      segment.set(audio.subarray(from, from + length), offset)
      at += length
      from += length
    }
  }

  toMulaw(bytes: number): Uint8Array {
    const out = new Uint8Array(bytes).fill(MULAW_SILENCE)
    for (const [index, segment] of this.#segments.entries()) {
      const at = index * SEGMENT_BYTES
      if (segment && at < bytes) out.set(segment.subarray(0, bytes - at), at)
    }
    return out
  }
}

/** Keeps the sound of one call, up to a limit; what comes later is not kept. */
export class Recorder {
  readonly #caller = new Track()
  readonly #agent = new Track()
  readonly #maxBytes: number

  /** @param maxMs - How much is kept, from the start of the call, in milliseconds. 0 keeps nothing. */
  constructor(maxMs: number) {
    this.#maxBytes = maxMs * MULAW_BYTES_PER_MS
  }

  caller(atMs: number, audio: Uint8Array): void {
    this.#caller.write(atMs, audio, this.#maxBytes)
  }

  agent(atMs: number, audio: Uint8Array): void {
    this.#agent.write(atMs, audio, this.#maxBytes)
  }

  /** The call so far: `untilMs` from its start. */
  recording(untilMs: number): Recording {
    const bytes = Math.min(Math.max(0, Math.round(untilMs)) * MULAW_BYTES_PER_MS, this.#maxBytes)
    const caller = this.#caller.toMulaw(bytes)
    const agent = this.#agent.toMulaw(bytes)
    const toPcm = (): [Int16Array, Int16Array] => [decodeMulaw(caller), decodeMulaw(agent)]
    return {
      caller,
      agent,
      durationMs: bytes / MULAW_BYTES_PER_MS,
      toPcm,
      toWav: () => encodeWav({ channels: toPcm(), sampleRateHz: 8000 }),
    }
  }
}
