/**
 * What Twilio does with the audio it is sent: a queue that plays in real time, with marks between the sounds.
 *
 * A mark comes back when everything queued before it has been played, at once when nothing is queued, and also when a clear
 * throws it out; the queue holds ten minutes
 * (https://www.twilio.com/docs/voice/media-streams/websocket-messages and
 * https://www.twilio.com/docs/api/errors/31931, read 2026-11-21).
 *
 * @module
 */
import { MULAW_BYTES_PER_MS, MULAW_SILENCE } from '../../audio/mulaw.js'

/** Twilio plays, and sends, in packets of this length. */
export const FRAME_MS = 20
/** One packet of μ-law. */
export const FRAME_BYTES = FRAME_MS * MULAW_BYTES_PER_MS

/** How much audio Twilio queues, in milliseconds. */
export const MAX_QUEUED_MS = 600_000

/** Marks that may wait at once. Twilio states no limit; one that cannot be met by a sane host keeps memory bounded. */
const MAX_QUEUED_MARKS = 50_000

/** Hears what is played. */
export interface PlayerListener {
  /** Up to 20 ms were played, beginning at `atMs`. */
  played(audio: Uint8Array, atMs: number): void
  /** Everything before this mark was played. */
  marked(name: string): void
}

/** One queue of sound. Time is handed in; nothing happens between calls. */
export class Player {
  readonly #listener: PlayerListener
  #queue: (Uint8Array | string)[] = []
  #head = 0
  #offset = 0
  #queuedBytes = 0
  #queuedMarks = 0
  #cursorMs = 0
  readonly #passed: string[] = []

  constructor(listener: PlayerListener) {
    this.#listener = listener
  }

  /** Audio that waits or is being played, in milliseconds. */
  get queuedMs(): number {
    return this.#queuedBytes / MULAW_BYTES_PER_MS
  }

  /** Queues audio. `false` when ten minutes are queued already: the audio is refused whole. */
  enqueue(audio: Uint8Array, nowMs: number): boolean {
    if (this.#queuedBytes + audio.byteLength > MAX_QUEUED_MS * MULAW_BYTES_PER_MS) return false
    if (audio.byteLength === 0) return true
    if (this.#queuedBytes === 0) this.#cursorMs = Math.max(nowMs, this.#cursorMs)
    this.#queue.push(audio)
    this.#queuedBytes += audio.byteLength
    return true
  }

  /** Queues a mark behind all audio; tells the listener at once when there is none. `false` when too many wait. */
  mark(name: string): boolean {
    if (this.#queuedBytes === 0) {
      this.#listener.marked(name)
      return true
    }
    if (this.#queuedMarks >= MAX_QUEUED_MARKS) return false
    this.#queue.push(name)
    this.#queuedMarks++
    return true
  }

  /** Throws everything away. Returns the marks that waited, in order; they have to go back too. */
  clear(): string[] {
    const marks: string[] = []
    for (let i = this.#head; i < this.#queue.length; i++) {
      const item = this.#queue[i]
      if (typeof item === 'string') marks.push(item)
    }
    this.#queue = []
    this.#head = 0
    this.#offset = 0
    this.#queuedBytes = 0
    this.#queuedMarks = 0
    return marks
  }

  /** The audio that was not played, in order, without taking it out. */
  *unplayed(): Generator<Uint8Array> {
    for (let i = this.#head; i < this.#queue.length; i++) {
      const item = this.#queue[i]
      if (item && typeof item !== 'string') yield i === this.#head ? item.subarray(this.#offset) : item
    }
  }

  /** Plays every packet that is due by `nowMs`. */
  advanceTo(nowMs: number): void {
    while (this.#queuedBytes > 0 && this.#cursorMs + FRAME_MS <= nowMs) {
      const atMs = this.#cursorMs
      this.#cursorMs += FRAME_MS
      this.#playFrame(atMs)
    }
  }

  #playFrame(atMs: number): void {
    const first = this.#queue[this.#head]
    let frame: Uint8Array
    if (first instanceof Uint8Array && first.byteLength - this.#offset >= FRAME_BYTES) {
      frame = first.subarray(this.#offset, this.#offset + FRAME_BYTES)
      this.#take(FRAME_BYTES)
    } else {
      frame = this.#gather()
    }
    this.#skipMarks()
    this.#listener.played(frame, atMs)
    while (this.#passed.length > 0) this.#listener.marked(this.#passed.shift() ?? '')
  }

  /** A packet made of several short pieces; the last one of a queue is filled up with silence. */
  #gather(): Uint8Array {
    const frame = new Uint8Array(FRAME_BYTES).fill(MULAW_SILENCE)
    let filled = 0
    while (filled < FRAME_BYTES && this.#queuedBytes > 0) {
      this.#skipMarks()
      const piece = this.#queue[this.#head]
      if (!(piece instanceof Uint8Array)) break
      const length = Math.min(FRAME_BYTES - filled, piece.byteLength - this.#offset)
      frame.set(piece.subarray(this.#offset, this.#offset + length), filled)
      filled += length
      this.#take(length)
    }
    return frame
  }

  #take(bytes: number): void {
    this.#queuedBytes -= bytes
    this.#offset += bytes
    const piece = this.#queue[this.#head]
    if (piece instanceof Uint8Array && this.#offset >= piece.byteLength) this.#shift()
  }

  /** Takes the marks at the head of the queue: all audio before them is in the packet that is being played. */
  #skipMarks(): void {
    for (;;) {
      const item = this.#queue[this.#head]
      if (typeof item !== 'string') return
      this.#shift()
      this.#queuedMarks--
      this.#passed.push(item)
    }
  }

  #shift(): void {
    this.#head++
    this.#offset = 0
    if (this.#head < 256 && this.#head < this.#queue.length) return
    this.#queue = this.#queue.slice(this.#head) // rarely, so that a long call does not keep what it has played
    this.#head = 0
  }
}
