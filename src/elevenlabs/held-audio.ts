/**
 * Audio that waits for somebody to take it, bounded by how long it plays.
 *
 * @module
 */
import { base64ByteLength } from '../core/base64.js'
import type { AudioAlignment } from './messages.js'

/** One chunk that waits. */
export interface HeldChunk {
  /** Base64 of μ-law 8000 Hz. */
  readonly payload: string
  readonly eventId: number
  readonly alignment: AudioAlignment | undefined
}

const BYTES_PER_MS = 8

/** Audio in order of arrival. */
export class HeldAudio {
  readonly #maxBytes: number
  readonly #drops: 'oldest' | 'newest'
  #chunks: HeldChunk[] = []
  #bytes = 0

  /** @param drops - Which end gives way when there is too much: the end that matters less to whoever will listen. */
  constructor(maxMs: number, drops: 'oldest' | 'newest') {
    this.#maxBytes = maxMs * BYTES_PER_MS
    this.#drops = drops
  }

  /** @returns How many chunks were dropped for it, itself included. */
  add(payload: string, eventId = 0, alignment?: AudioAlignment): number {
    const bytes = base64ByteLength(payload)
    if (bytes > this.#maxBytes) return 1
    if (this.#drops === 'newest' && this.#bytes + bytes > this.#maxBytes) return 1
    this.#chunks.push({ payload, eventId, alignment })
    this.#bytes += bytes
    let dropped = 0
    while (this.#bytes > this.#maxBytes) {
      this.#bytes -= base64ByteLength(this.#chunks.shift()?.payload ?? '')
      dropped++
    }
    return dropped
  }

  /** Drops the chunks that `isUnwanted` says. @returns How many. */
  drop(isUnwanted: (eventId: number) => boolean): number {
    const before = this.#chunks.length
    this.#chunks = this.#chunks.filter(({ eventId }) => !isUnwanted(eventId))
    this.#bytes = this.#chunks.reduce((sum, { payload }) => sum + base64ByteLength(payload), 0)
    return before - this.#chunks.length
  }

  /** Hands everything out; nothing is left. */
  take(): readonly HeldChunk[] {
    const chunks = this.#chunks
    this.#chunks = []
    this.#bytes = 0
    return chunks
  }
}
