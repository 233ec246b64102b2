/**
 * Who said what, and what of it was heard: turns made from the agent's messages and the playback ledger.
 *
 * ElevenLabs sends the text of a turn once and its audio in chunks, in either order, and says only sometimes that a turn is
 * complete. A turn of the agent therefore ends with the first of: its completion, the caller's next words, a tool call, an
 * interruption, or the text of another turn.
 *
 * @module
 */
import { MULAW_BYTES_PER_MS } from '../audio/mulaw.js'
import { base64ByteLength } from '../core/base64.js'
import type { Clock } from '../core/clock.js'
import type { AudioAlignment } from '../elevenlabs/conversation.js'
import type { Playback } from '../media-stream/playback.js'

/** What the caller said, as the agent understood it. */
export interface CallerTurn {
  readonly speaker: 'caller'
  readonly turnId: string
  readonly text: string
  /** When the agent reported it, in milliseconds since 1970. */
  readonly at: number
}

/** What the agent said, and how much of it was heard. */
export interface AgentTurn {
  readonly speaker: 'agent'
  readonly turnId: string
  /** The whole turn, as the agent meant it. Empty while the agent has not told it. */
  readonly text: string
  /** What the caller heard of it. The same as `text` when nothing was cut. */
  readonly heardText: string
  /** Length of the audio that was heard, in milliseconds, known to within one slice (300 ms by default). */
  readonly heardMs: number
  /** Length of the audio that came from the agent, in milliseconds. */
  readonly totalMs: number
  /** Not all of it was heard: the caller barged in, the call ended, or it was more than could be queued. */
  readonly interrupted: boolean
  /**
   * From the end of the caller's last speech to the first audio of this turn that was played, in milliseconds. `undefined`
   * when the caller had not spoken since the agent's last turn, and when nothing of the turn was heard.
   */
  readonly latencyMs: number | undefined
  /** When the first audio of it was played, in milliseconds since 1970; else when it came from the agent. */
  readonly at: number
}

export type Turn = CallerTurn | AgentTurn

/** An agent turn while it goes on. */
interface OpenAgentTurn {
  readonly turnId: string
  text: string
  /** No more text or audio will be counted to it. */
  isComplete: boolean
  /** Characters as they are spoken, and beside each the moment in the turn's audio at which it begins. */
  readonly spokenChars: string[]
  readonly spokenAtMs: number[]
  totalMs: number
  /** Of it, what could not be queued and will never be heard. */
  refusedMs: number
  at: number
  latencyMs: number | undefined
}

/** More characters than anyone says in one turn; beyond it the text is cut by proportion. */
const MAX_SPOKEN_CHARS = 20_000
/** What is nearer to the end than this was heard to the end: less than one byte of audio, so only what rounding leaves. */
const HEARD_ALL_WITHIN_MS = 0.1

/** Keeps the turns of one call. */
export class TurnKeeper {
  readonly #clock: Clock
  readonly #playback: Pick<Playback, 'heardMs'>
  readonly #onAgentTurnEnded: (turn: AgentTurn) => void
  readonly #open = new Map<string, OpenAgentTurn>()
  #current: OpenAgentTurn | undefined
  /** A turn that was cut before its text was there. The text, or the agent's correction of it, ends it. */
  #textless: { readonly turn: OpenAgentTurn; readonly heardMs: number } | undefined
  #agentTurns = 0
  #callerTurns = 0
  #lastStartedMs = -Infinity
  #audioMs = 0
  #heardMs = 0

  constructor(clock: Clock, playback: Pick<Playback, 'heardMs'>, onAgentTurnEnded: (turn: AgentTurn) => void) {
    this.#clock = clock
    this.#playback = playback
    this.#onAgentTurnEnded = onAgentTurnEnded
  }

  /** Audio that came from the agent, in milliseconds. */
  get audioMs(): number {
    return this.#audioMs
  }

  /** Audio of turns that are over which the caller heard, in milliseconds. */
  get heardMs(): number {
    return this.#heardMs
  }

  /** Audio came. @returns The id of the turn that it belongs to. */
  receiveAudio(payloadBase64: string, alignment?: AudioAlignment): string {
    const durationMs = base64ByteLength(payloadBase64) / MULAW_BYTES_PER_MS
    const turn = this.#current && !this.#current.isComplete ? this.#current : this.#start()
    if (alignment && turn.spokenChars.length < MAX_SPOKEN_CHARS) {
      for (const char of alignment.chars) turn.spokenChars.push(char)
      for (let i = 0; i < alignment.chars.length; i++) {
        turn.spokenAtMs.push(turn.totalMs + (alignment.charStartTimesMs[i] ?? 0))
      }
    }
    turn.totalMs += durationMs
    this.#audioMs += durationMs
    return turn.turnId
  }

  /** The audio that just came could not be queued: it belongs to its turn, and will not be heard. */
  refuseAudio(turnId: string, payloadBase64: string): void {
    const turn = this.#open.get(turnId)
    if (turn) turn.refusedMs += base64ByteLength(payloadBase64) / MULAW_BYTES_PER_MS
  }

  /** The whole text of an agent turn came. */
  receiveText(text: string): void {
    if (this.#textless) {
      this.#textless.turn.text = text
      this.#endTextless()
      return
    }
    const current = this.#current
    const turn = current && !current.isComplete && current.text === '' ? current : this.#start()
    turn.text = text
  }

  /** The agent corrected the text of a turn that was cut. Ours is exact where it has the text; else this is the best there is. */
  receiveCorrection(corrected: string): void {
    const textless = this.#textless
    if (!textless) return
    this.#textless = undefined
    textless.turn.text = corrected
    this.#end(textless.turn, textless.heardMs, true, corrected)
  }

  /** The agent has said all of its turn: what comes next is another one. */
  completeAgentTurn(): void {
    this.#endTextless()
    if (this.#current) this.#current.isComplete = true
    this.closeHeard()
  }

  /** The first audio of a turn is heard, since `atMs` on the monotonic clock. `lastSpeechMs` is the caller's last speech. */
  started(turnId: string, atMs: number, lastSpeechMs: number | undefined): StartedAgentTurn | undefined {
    const turn = this.#open.get(turnId)
    if (!turn) return undefined
    if (lastSpeechMs !== undefined && lastSpeechMs > this.#lastStartedMs && lastSpeechMs <= atMs) {
      turn.latencyMs = atMs - lastSpeechMs
    }
    this.#lastStartedMs = atMs
    turn.at = this.#clock.now() - (this.#clock.monotonicMs() - atMs)
    return { turnId, latencyMs: turn.latencyMs, at: turn.at }
  }

  /** Ends every turn that is complete and was heard to its end. */
  closeHeard(): void {
    for (const turn of this.#open.values()) {
      const hearableMs = turn.totalMs - turn.refusedMs
      const isHeard = this.#playback.heardMs(turn.turnId) >= hearableMs - HEARD_ALL_WITHIN_MS
      if (turn.isComplete && isHeard) this.#end(turn, hearableMs, turn.refusedMs > 0)
    }
  }

  /** The caller barged in, and playback was cleared. @returns The turn that was being heard. */
  interrupt(): { readonly turnId: string; readonly heardMs: number } | undefined {
    this.#endTextless()
    let heard: { turnId: string; heardMs: number } | undefined
    for (const turn of this.#open.values()) {
      const heardMs = Math.min(this.#playback.heardMs(turn.turnId), turn.totalMs)
      if (heardMs > 0) heard ??= { turnId: turn.turnId, heardMs }
      if (turn.text === '' && turn.spokenChars.length === 0 && turn === this.#current) {
        this.#open.delete(turn.turnId)
        this.#textless = { turn, heardMs }
      } else this.#end(turn, heardMs, heardMs < turn.totalMs - HEARD_ALL_WITHIN_MS)
    }
    this.#current = undefined
    return heard
  }

  /** What the caller said, as a turn. */
  callerTurn(text: string): CallerTurn {
    return { speaker: 'caller', turnId: `caller-${++this.#callerTurns}`, text, at: this.#clock.now() }
  }

  /** The call is over: ends every turn as it stands. */
  close(): void {
    this.#endTextless()
    for (const turn of this.#open.values()) {
      const heardMs = Math.min(this.#playback.heardMs(turn.turnId), turn.totalMs)
      this.#end(turn, heardMs, heardMs < turn.totalMs - HEARD_ALL_WITHIN_MS)
    }
  }

  #endTextless(): void {
    const textless = this.#textless
    this.#textless = undefined
    if (textless) this.#end(textless.turn, textless.heardMs, true)
  }

  #end(turn: OpenAgentTurn, heardMs: number, interrupted: boolean, heardText?: string): void {
    this.#open.delete(turn.turnId)
    if (this.#current === turn) this.#current = undefined
    this.#heardMs += heardMs
    this.#onAgentTurnEnded({
      speaker: 'agent',
      turnId: turn.turnId,
      text: turn.text || turn.spokenChars.join(''),
      heardText: heardText ?? heardTextOf(turn, interrupted ? heardMs : turn.totalMs),
      heardMs,
      totalMs: turn.totalMs,
      interrupted,
      latencyMs: turn.latencyMs,
      at: turn.at,
    })
  }

  #start(): OpenAgentTurn {
    this.#endTextless()
    const turn: OpenAgentTurn = {
      turnId: `agent-${++this.#agentTurns}`,
      text: '',
      isComplete: false,
      spokenChars: [],
      spokenAtMs: [],
      totalMs: 0,
      refusedMs: 0,
      at: this.#clock.now(),
      latencyMs: undefined,
    }
    if (this.#current) this.#current.isComplete = true
    this.closeHeard() // or an agent that sends texts without audio would make the list grow
    this.#current = turn
    this.#open.set(turn.turnId, turn)
    return turn
  }
}

/** An agent turn of which the first audio is being heard. */
export interface StartedAgentTurn {
  readonly turnId: string
  readonly latencyMs: number | undefined
  /** When its first audio was played, in milliseconds since 1970. */
  readonly at: number
}

/**
 * The part of a turn's text that was heard. Exact to the character where the agent announced character times; else cut by
 * proportion, at a word's end, so that no word is claimed that was not said.
 */
export function heardTextOf(
  turn: Pick<OpenAgentTurn, 'text' | 'spokenChars' | 'spokenAtMs' | 'totalMs'>,
  heardMs: number,
): string {
  const spoken = turn.spokenChars
  if (heardMs >= turn.totalMs) return turn.text || spoken.join('')
  if (heardMs <= 0) return ''
  if (spoken.length > 0) {
    const next = turn.spokenAtMs.findIndex((atMs) => atMs >= heardMs)
    return next < 0 ? spoken.join('').trimEnd() : wholeWords(spoken.slice(0, next).join(''), spoken[next])
  }
  const length = Math.floor((turn.text.length * heardMs) / turn.totalMs)
  return wholeWords(turn.text.slice(0, length), turn.text.charAt(length))
}

/** `text` without the word that `next` would have gone on with. */
function wholeWords(text: string, next = ' '): string {
  return (/\s/.test(next) ? text : text.replace(/\S+$/, '')).trimEnd()
}
