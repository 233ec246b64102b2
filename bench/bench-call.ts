/**
 * One call as both of its ends know it: what was sent, what came, what is measured.
 *
 * @module
 */
import { PieceAccount } from './accounting.js'
import type { Measured } from './measurements.js'

/** One call. Its two ends share it. */
export class BenchCall {
  readonly callSid: string
  readonly streamSid: string
  /** The caller's frames. */
  readonly up: PieceAccount
  /** The agent's audio. */
  readonly down: PieceAccount
  /** Where delays go; `undefined` while nothing is measured. */
  readonly measured: () => Measured | undefined

  /** Pieces of the agent's turn that lie within what may be sent at once: only those tell of delay, the rest is paced. */
  promptFrom = 0
  promptTo = 0
  /** When an interruption was sent that no `clear` answered yet. */
  interruptedMs: number | undefined
  /** When all audio that came will have been played to the caller. */
  playedOutMs = 0
  /** Silence within the agent's turns because audio came too late, in milliseconds. */
  starvedMs = 0
  startSentMs = 0
  hasHeard = false
  unansweredPings = 0

  constructor(number: number, measured: () => Measured | undefined) {
    const id = number.toString(16).padStart(32, '0')
    this.callSid = `CA${id}`
    this.streamSid = `MZ${id}`
    this.up = new PieceAccount(number)
    this.down = new PieceAccount(number)
    this.number = number
    this.measured = measured
  }

  readonly number: number
}
