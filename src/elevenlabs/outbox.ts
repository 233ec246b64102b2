/**
 * What a conversation sends: kept until the agent has started, and held back from a connection that cannot keep up.
 *
 * @module
 */
import type { Clock } from '../core/clock.js'
import type { Socket } from '../core/socket.js'
import { HeldAudio } from './held-audio.js'
import { encodeUserAudio, encodeUserAudioInPlace, USER_AUDIO_MARGINS } from './user-audio.js'

/** Messages that are kept until the conversation starts. */
const MAX_PENDING_MESSAGES = 32
/** Unsent bytes beyond which caller audio is dropped: about five seconds of it. */
const MAX_UNSENT_AUDIO_BYTES = 64 * 1024
/** Unsent bytes beyond which the connection is given up. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024
/** For so long may a connection take no audio before it is given up, in milliseconds. */
const MAX_STALL_MS = 10_000

export interface OutboxOptions {
  readonly socket: Socket
  readonly clock: Clock
  /** How much caller audio is kept until {@link Outbox.open}, in milliseconds; the oldest is dropped. */
  readonly maxPendingAudioMs: number
  /** The connection takes no more: it is to be given up. */
  readonly onStalled: () => void
}

/** The way out of one conversation. */
export class Outbox {
  /** Frames of caller audio that never went out. */
  droppedFrames = 0
  readonly #options: OutboxOptions
  readonly #socket: Socket
  readonly #heldAudio: HeldAudio
  #held: string[] = []
  #state: 'held' | 'open' | 'closed' = 'held'
  #transcode: ((payloadBase64: string) => string | undefined) | undefined
  #stalledSinceMs: number | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#socket = options.socket
    this.#heldAudio = new HeldAudio(options.maxPendingAudioMs, 'oldest')
  }

  /** The agent listens: what was kept goes out, in order. @param transcode - Applied to all audio, if there is one. */
  open(transcode: ((payloadBase64: string) => string | undefined) | undefined): void {
    if (this.#state !== 'held') return
    this.#state = 'open'
    this.#transcode = transcode
    for (const { payload } of this.#heldAudio.take()) this.sendAudio(payload)
    for (const text of this.#held.splice(0)) this.sendNow(text)
  }

  /** Nothing goes out any more, and nothing is kept. */
  close(): void {
    this.#state = 'closed'
    this.#heldAudio.take()
    this.#held = []
  }

  /** Sends caller audio, keeps it, or drops it. */
  sendAudio(payloadBase64: string): void {
    if (this.#state === 'open') this.#sendAudio(payloadBase64)
    else if (this.#state === 'held') this.droppedFrames += this.#heldAudio.add(payloadBase64)
  }

  /**
   * {@link sendAudio} for base64 that lies in `bytes` from `start` to `end`. Where nothing has to be done to it, it is sent from
   * where it lies, and what stands on either side of it is overwritten.
   */
  sendAudioBytes(bytes: Buffer, start: number, end: number): void {
    const socket = this.#socket
    const hasMargins = start >= USER_AUDIO_MARGINS.before && end + USER_AUDIO_MARGINS.after <= bytes.length
    const isAsItIs = hasMargins && this.#state === 'open' && this.#transcode === undefined
    if (isAsItIs && socket.sendBytes && socket.bufferedAmount <= MAX_UNSENT_AUDIO_BYTES) {
      this.#stalledSinceMs = undefined
      socket.sendBytes(encodeUserAudioInPlace(bytes, start, end))
    } else this.sendAudio(bytes.toString('latin1', start, end))
  }

  /** Sends a message, or keeps it until {@link open}. @returns `false` when it did neither. */
  send(text: string): boolean {
    if (this.#state === 'open') this.sendNow(text)
    else if (this.#state === 'closed' || this.#held.length >= MAX_PENDING_MESSAGES) return false
    else this.#held.push(text)
    return true
  }

  /** Sends an answer that cannot wait for {@link open}. */
  sendNow(text: string): void {
    if (this.#state === 'closed') return
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) this.#options.onStalled()
    else this.#socket.send(text)
  }

  #sendAudio(payload: string): void {
    const socket = this.#socket
    if (socket.bufferedAmount > MAX_UNSENT_AUDIO_BYTES) {
      this.#dropForStall()
      return
    }
    this.#stalledSinceMs = undefined
    // A quote in it would end the string and begin a message of somebody else's making.
    const isClean = !payload.includes('"') && !payload.includes('\\')
    const audio = isClean && this.#transcode ? this.#transcode(payload) : payload
    if (isClean && audio !== undefined) socket.send(encodeUserAudio(audio))
    else this.droppedFrames++
  }

  #dropForStall(): void {
    this.droppedFrames++
    const nowMs = this.#options.clock.monotonicMs()
    this.#stalledSinceMs ??= nowMs
    if (nowMs - this.#stalledSinceMs >= MAX_STALL_MS) this.#options.onStalled()
  }
}
