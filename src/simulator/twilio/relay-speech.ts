/**
 * Twilio's voice in a relay session: text becomes sound word by word, on the line's own clock, so that it is known at every moment
 * which words were heard.
 *
 * @module
 */
import { isLoud } from './ear.js'
import { FRAME_BYTES, FRAME_MS, Player } from './player.js'
import type { SpeakText } from './prompt-audio.js'
import type { RelayInput } from './relay-settings.js'

/** From the first token to the first sound: as seen in recorded traffic (read 2026-11-21). */
const TTS_LATENCY_MS = 320
/** A word without its end is spoken when nothing more came for so long. */
const FLUSH_MS = 300
/** Silence that ends a stretch of speech. */
const QUIET_MS = 200
const KEY_MS = 200
const WAIT_MS = 500

/** How a piece may be cut. */
export interface PieceOptions {
  readonly interruptible: RelayInput
  readonly preemptible: boolean
  readonly lang: string
}

interface Piece extends PieceOptions {
  readonly text: string
  /** Whether it stands in what was heard. */
  readonly isText: boolean
}

/** A stretch of speech as the caller heard it. */
export interface HeardSpeech {
  text: string
  readonly lang: string
  isInterrupted: boolean
}

export interface RelaySpeechListener {
  /** Hears 20 ms. */
  sound(audio: Uint8Array, atMs: number): void
  /** A word, or keys, were played. */
  played(text: string): void
  speaking(isSpeaking: boolean): void
}

/** What one session says. Time is handed in. */
export class RelaySpeech {
  /** Everything that was heard, oldest first. */
  readonly heard: HeardSpeech[] = []
  readonly #speakText: SpeakText
  readonly #listener: RelaySpeechListener
  readonly #player: Player
  readonly #pieces = new Map<string, Piece>()
  #marks = 0
  #word: Piece | undefined
  #wordMs = 0
  #isSpeaking = false
  #lastSoundMs = -Infinity
  #lastInterruptible: RelayInput = 'any'
  #startedMs = 0
  #utterance = ''

  constructor(speakText: SpeakText, listener: RelaySpeechListener) {
    this.#speakText = speakText
    this.#listener = listener
    this.#player = new Player({
      played: (audio, atMs) => this.#sounded(audio, atMs),
      marked: (name) => this.#passed(name),
    })
  }

  /** Whether something is heard, or about to be. */
  get isBusy(): boolean {
    return this.#isSpeaking || this.#player.queuedMs > 0 || this.#word !== undefined
  }

  /** What cuts what is being heard; `none` when nothing is. */
  get interruptible(): RelayInput {
    const [piece] = this.#pieces.values()
    return piece?.interruptible ?? this.#word?.interruptible ?? (this.#isSpeaking ? this.#lastInterruptible : 'none')
  }

  /** Speech that waits and was not heard, in milliseconds, loud packets only. */
  get unheardMs(): number {
    let ms = 0
    for (const audio of this.#player.unplayed()) {
      for (let at = 0; at < audio.byteLength; at += FRAME_BYTES)
        if (isLoud(audio.subarray(at, at + FRAME_BYTES))) ms += FRAME_MS
    }
    return ms
  }

  /** Text comes, in pieces of any size. */
  say(token: string, options: PieceOptions, nowMs: number): void {
    this.#makeWay()
    const text = (this.#word?.text ?? '') + token
    const words = text.match(/\s*\S+\s+/g) ?? []
    for (const word of words) this.#enqueue({ ...options, text: word, isText: true }, nowMs)
    const rest = text.slice(words.join('').length)
    this.#word = rest === '' ? undefined : { ...options, text: rest, isText: true }
    this.#wordMs = nowMs
  }

  /** The text is complete. */
  flush(nowMs: number): void {
    const word = this.#word
    this.#word = undefined
    if (word && word.text.trim() !== '') this.#enqueue(word, nowMs)
  }

  /** A sound is played after what waits. */
  sound(audio: Uint8Array, options: Omit<PieceOptions, 'lang'>, nowMs: number): void {
    this.#makeWay()
    this.flush(nowMs)
    this.#queue({ ...options, lang: '', text: '', isText: false }, audio, nowMs)
  }

  /** Keys are pressed for the other end, after what waits. */
  keys(digits: string, nowMs: number): void {
    this.flush(nowMs)
    let ms = 0
    for (const key of digits) ms += key === 'w' ? WAIT_MS : KEY_MS
    const options = { interruptible: 'any', preemptible: false, lang: '' } as const
    this.#queue({ ...options, text: digits, isText: false }, new Uint8Array(ms * 8).fill(0xff), nowMs)
  }

  advanceTo(nowMs: number): void {
    if (this.#word && nowMs - this.#wordMs >= FLUSH_MS) this.flush(nowMs)
    this.#player.advanceTo(nowMs)
    if (!this.#isSpeaking || this.#player.queuedMs > 0 || nowMs - this.#lastSoundMs < QUIET_MS) return
    this.#isSpeaking = false
    this.#utterance = ''
    this.#listener.speaking(false)
  }

  /** Drops everything. @returns What was heard of the present stretch, and for how long. */
  cut(nowMs: number): { readonly heardText: string; readonly heardMs: number } {
    const heardText = this.#utterance.trim()
    const heardMs = this.#isSpeaking ? Math.round(nowMs - this.#startedMs) : 0
    this.#player.clear()
    this.#pieces.clear()
    this.#word = undefined
    this.#utterance = ''
    const last = this.heard.at(-1)
    if (last && heardText !== '') last.isInterrupted = true
    if (this.#isSpeaking) this.#listener.speaking(false)
    this.#isSpeaking = false
    return { heardText, heardMs }
  }

  /** What may be cut short gives way to what comes. */
  #makeWay(): void {
    if (this.#pieces.size === 0 || [...this.#pieces.values()].some(({ preemptible }) => !preemptible)) return
    this.#player.clear()
    this.#pieces.clear()
  }

  #enqueue(piece: Piece, nowMs: number): void {
    this.#queue(piece, this.#speakText(piece.text), nowMs)
  }

  #queue(piece: Piece, audio: Uint8Array, nowMs: number): void {
    const isFirst = this.#player.queuedMs === 0 && !this.#isSpeaking
    const name = String(++this.#marks)
    this.#pieces.set(name, piece)
    this.#player.enqueue(audio, isFirst ? nowMs + TTS_LATENCY_MS : nowMs)
    this.#player.mark(name)
  }

  #sounded(audio: Uint8Array, atMs: number): void {
    if (!this.#isSpeaking) {
      this.#isSpeaking = true
      this.#startedMs = atMs
      this.#listener.speaking(true)
    }
    this.#lastSoundMs = atMs + FRAME_MS
    this.#listener.sound(audio, atMs)
  }

  #passed(name: string): void {
    const piece = this.#pieces.get(name)
    if (!piece) return
    this.#pieces.delete(name)
    this.#lastInterruptible = piece.interruptible
    if (piece.isText) {
      const last = this.heard.at(-1)
      if (last && this.#utterance !== '' && last.lang === piece.lang) last.text += piece.text
      else this.heard.push({ text: piece.text, lang: piece.lang, isInterrupted: false })
      this.#utterance += piece.text
    }
    if (piece.text !== '') this.#listener.played(piece.text)
  }
}
