/**
 * One phone line: the caller's mouth and ear, the recording, and the one tick that moves all of it.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { sharedTicker, type Ticker } from '../../core/ticker.js'
import { Ear } from './ear.js'
import { Mouth } from './mouth.js'
import { FRAME_MS, Player } from './player.js'
import { Recorder } from './recorder.js'
import { Timeline } from './timeline.js'

/** A wait was cut short: the call ended, or other TwiML took over. Caught where the TwiML is run. */
export class Interrupted extends Error {}

interface Waiter {
  readonly isMet: () => boolean
  readonly untilMs: number
  readonly signal: AbortSignal
  readonly resolve: (met: boolean) => void
  readonly reject: (error: Interrupted) => void
}

/** What a line is connected to. */
export interface LineEnd {
  readonly isLive: boolean
  /** The caller's next 20 ms; `undefined` is silence. */
  callerFrame(audio: Uint8Array | undefined): void
  digit(digit: string): void
  advanceTo(nowMs: number): void
}

/** What collects the caller's input. */
export interface InputListener {
  /** A key; answers whether it was taken. */
  digit(digit: string): boolean
  /** An utterance begins, or has been said. */
  speech(text: string, isFinal: boolean): void
}

/** After a stall, so many packets are made up for in one tick; the rest in the next ones. */
const MAX_FRAMES_A_TICK = 500

/** The line of one call. All lines of a clock share one timer; each catches up by the time that has really gone by. */
export class Line {
  readonly timeline: Timeline
  readonly ear: Ear
  readonly mouth: Mouth
  /** What `<Say>` and `<Play>` play. */
  readonly prompts: Player
  readonly recorder: Recorder

  readonly #clock: Clock
  readonly #startMs: number
  readonly #ticker: Ticker
  readonly #waiters = new Set<Waiter>()
  #leg: LineEnd | undefined
  #input: InputListener | undefined
  #frames = 0
  #isAnswered = false
  #closedAtMs: number | undefined
  readonly #tick = (): void => this.#advance()

  constructor(clock: Clock, maxRecordingMs: number) {
    this.#clock = clock
    this.#startMs = clock.monotonicMs()
    this.timeline = new Timeline(() => this.nowMs)
    this.recorder = new Recorder(maxRecordingMs)
    this.ear = new Ear({
      speechStarted: (atMs) => this.timeline.add('agent-speech', {}, atMs),
      speechEnded: (atMs) => this.timeline.add('agent-quiet', {}, atMs),
    })
    this.mouth = new Mouth({
      started: ({ text }) => {
        this.timeline.add('caller-speech', { text }, this.#frames * FRAME_MS)
        this.#input?.speech(text, false)
      },
      finished: ({ text }) => {
        this.timeline.add('caller-quiet', {}, (this.#frames + 1) * FRAME_MS)
        this.#input?.speech(text, true)
      },
    })
    this.prompts = new Player({ played: (audio, atMs) => this.hear(audio, atMs), marked: () => undefined })
    this.#ticker = sharedTicker(clock, FRAME_MS)
    this.#ticker.add(this.#tick)
  }

  /** Milliseconds since the call was made. Stands still once the line is closed. */
  get nowMs(): number {
    return this.#closedAtMs ?? this.#clock.monotonicMs() - this.#startMs
  }

  get isClosed(): boolean {
    return this.#closedAtMs !== undefined
  }

  /** From here on the caller can be heard. */
  answer(): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    this.#frames = Math.floor(this.nowMs / FRAME_MS)
  }

  /** What carries the caller's voice from now on. Returns a function that ends that. */
  attach(leg: LineEnd): () => void {
    this.#leg = leg
    return () => {
      if (this.#leg === leg) this.#leg = undefined
    }
  }

  /** Whoever collects input from now on. Returns a function that ends that. */
  listen(input: InputListener): () => void {
    this.#input = input
    return () => {
      if (this.#input === input) this.#input = undefined
    }
  }

  /** What the caller hears. */
  hear(audio: Uint8Array, atMs: number): void {
    this.recorder.agent(atMs, audio)
    this.ear.hear(audio, atMs)
  }

  /** One key press. Goes to the stream, or to whatever gathers keys. */
  press(digit: string): void {
    const taken = this.#leg?.isLive === true || this.#input?.digit(digit) === true
    this.timeline.add('dtmf', { digit, taken })
    this.#leg?.digit(digit)
  }

  /**
   * Waits until something is true, looking every 20 ms. Resolves to `false` when it did not come true in time.
   *
   * @throws {@link Interrupted} when the signal fires or the line closes.
   */
  until(isMet: () => boolean, signal: AbortSignal, withinMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal.aborted || this.isClosed) reject(new Interrupted())
      else if (isMet()) resolve(true)
      else this.#waiters.add({ isMet, untilMs: this.nowMs + withinMs, signal, resolve, reject })
    })
  }

  /** Waits. @throws {@link Interrupted} */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    await this.until(() => false, signal, ms)
  }

  /** Rejects every wait whose signal has fired, now and not at the next tick. */
  release(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.signal.aborted && !this.isClosed) continue
      this.#waiters.delete(waiter)
      waiter.reject(new Interrupted())
    }
  }

  /** The call is over. */
  close(): void {
    if (this.isClosed) return
    this.ear.close()
    this.#closedAtMs = this.nowMs
    this.#ticker.remove(this.#tick)
    this.release()
  }

  #advance(): void {
    const nowMs = this.nowMs
    if (this.#isAnswered) {
      const due = Math.min(Math.floor(nowMs / FRAME_MS), this.#frames + MAX_FRAMES_A_TICK)
      for (; this.#frames < due; this.#frames++) this.#callerFrame()
    }
    this.#leg?.advanceTo(nowMs)
    this.prompts.advanceTo(nowMs)
    this.ear.advanceTo(nowMs)
    if (this.#waiters.size > 0) this.#lookAtWaiters(nowMs)
  }

  #callerFrame(): void {
    const audio = this.mouth.next()
    if (audio) this.recorder.caller(this.#frames * FRAME_MS, audio)
    this.#leg?.callerFrame(audio)
  }

  #lookAtWaiters(nowMs: number): void {
    for (const waiter of this.#waiters) {
      const isMet = waiter.isMet()
      if (!isMet && nowMs < waiter.untilMs) continue
      this.#waiters.delete(waiter)
      waiter.resolve(isMet)
    }
  }
}
