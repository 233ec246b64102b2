/**
 * Keys that the caller presses, gathered into one row: whoever answers learns «1 2 3» and not three times a key.
 *
 * An agent's socket has no message for keypad tones (ElevenLabs protocol, read 2026-11-21), so digits travel as text.
 *
 * @module
 */
import type { Clock, TimerHandle } from './clock.js'

/** A pause of so many milliseconds ends the row. */
const DEFAULT_PAUSE_MS = 1500
/** A row is handed on when it is this long, pause or not. */
const MAX_DIGITS = 32

/** Gathers digits until a pause, a `#`, or 32 of them. */
export class DigitRow {
  readonly #clock: Clock
  readonly #onRow: (digits: string) => void
  readonly #pauseMs: number
  #digits = ''
  #timer: TimerHandle | undefined

  /** @param pauseMs - A pause that ends the row, in milliseconds. Default 1500; 0 hands each key on at once. */
  constructor(clock: Clock, onRow: (digits: string) => void, pauseMs = DEFAULT_PAUSE_MS) {
    this.#clock = clock
    this.#onRow = onRow
    this.#pauseMs = pauseMs
  }

  receive(digit: string): void {
    this.#digits += digit
    this.#clock.clear(this.#timer)
    if (digit === '#' || this.#pauseMs === 0 || this.#digits.length >= MAX_DIGITS) this.flush()
    else this.#timer = this.#clock.setTimeout(() => this.flush(), this.#pauseMs)
  }

  /** Hands on what is there. */
  flush(): void {
    const digits = this.#digits
    this.close()
    if (digits) this.#onRow(digits)
  }

  /** Forgets what is there. */
  close(): void {
    this.#clock.clear(this.#timer)
    this.#timer = undefined
    this.#digits = ''
  }
}
