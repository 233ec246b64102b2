/**
 * What the caller has heard, as opposed to what was sent.
 *
 * Twilio buffers the audio it is sent and plays it in real time. A `mark` queued behind some audio comes back once that audio
 * was played, and also when a `clear` threw it away; so marks carry a generation, and an echo from before a clear says nothing.
 * Audio is sent in slices with a bounded lead, so that a barge-in leaves little to throw away and the position is known to
 * within a slice.
 *
 * @see https://www.twilio.com/docs/voice/media-streams/websocket-messages (read 2026-11-21)
 * @module
 */
import { EventEmitter } from 'eventemitter3'
import { base64ByteLength, BASE64_CHARS_PER_60_MS } from '../core/base64.js'
import { systemClock, type Clock, type TimerHandle } from '../core/clock.js'
import { runListeners } from '../core/listeners.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { sharedTicker, type Ticker } from '../core/ticker.js'

/** Where audio goes: the three things that may be sent on a media stream. */
export interface PlaybackSink {
  /** Base64 μ-law, 8000 Hz, mono. */
  media(payload: string): void
  mark(name: string): void
  clear(): void
}

export interface PlaybackOptions {
  readonly clock?: Clock
  /** Audio that may lie at Twilio unheard, in milliseconds. Default 1200: enough to ride out a slow second of the network. */
  readonly leadMs?: number
  /** Length of a slice, in milliseconds, a multiple of 60. Default 300. One mark follows each. */
  readonly sliceMs?: number
  /** Audio that may wait here, in milliseconds. Default 300 000. Beyond it new audio is refused and `overflowed` emitted. */
  readonly maxQueuedMs?: number
  readonly logger?: Logger
}

/** How much of a turn was heard when it was cut. */
export interface ClearedTurn {
  readonly turnId: string
  readonly heardMs: number
  readonly totalMs: number
}

export interface PlaybackEvents {
  /** The first slice of a turn was heard; `startedMs` is when its playing began, on the clock's monotonic time. */
  started: [turnId: string, startedMs: number]
  /** A slice was heard to its end; `heardMs` is what was heard of the turn by then. */
  played: [turnId: string, heardMs: number]
  /** What was not heard was dropped: the turns that it belonged to, oldest first. */
  cleared: [turns: readonly ClearedTurn[]]
  /** Audio was refused, for too much is waiting. Once until the queue has room again. */
  overflowed: [turnId: string]
}

/** Audio that waits to be sent. */
interface Chunk {
  readonly turn: TurnAudio
  readonly payload: string
  offset: number
}

/** Audio at Twilio, from one mark to the next. */
interface Span {
  readonly turn: TurnAudio
  readonly isFirst: boolean
  durationMs: number
  /** The number in its mark; `undefined` while the span may still grow. */
  mark: number | undefined
}

interface TurnAudio {
  readonly turnId: string
  totalMs: number
  heardMs: number
  hasBegun: boolean
}

const CHARS_PER_MS = BASE64_CHARS_PER_60_MS / 60
const BYTES_PER_MS = 8
const TICK_MS = 100
/** Turns whose numbers are kept after they were played. */
const MAX_TURNS = 64
/** A mark that is so late was lost; what it stood for counts as heard when somebody waits for the end. */
const MARK_SLACK_MS = 2000

/**
 * Keeps the ledger of one stream's outbound audio.
 *
 * It works before there is a stream: audio waits, and {@link attach} sends it.
 *
 * @example
 * ```ts
 * const playback = new Playback()
 * playback.on('played', (turnId, heardMs) => { … })
 * playback.attach(session)
 * playback.enqueue('turn-7', base64Mulaw)
 * ```
 */
export class Playback extends EventEmitter<PlaybackEvents> {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #leadMs: number
  readonly #sliceChars: number
  readonly #sliceMs: number
  readonly #maxQueuedMs: number
  readonly #ticker: Ticker
  readonly #tick = (): void => this.#onTick()
  readonly #turns = new Map<string, TurnAudio>()
  readonly #waiters = new Set<{ readonly resolve: (isHeard: boolean) => void; readonly timer: TimerHandle }>()
  #sink: PlaybackSink | undefined
  #queue: Chunk[] = []
  #queuedMs = 0
  #spans: Span[] = []
  #bufferedMs = 0
  /** When the front span began to play, on the monotonic clock, as well as we know. */
  #frontStartedMs = 0
  /** When all that was sent will have been played, on the monotonic clock, as well as we know. */
  #endsAtMs = 0
  #generation = 0
  #marks = 0
  #isTicking = false
  #isClosed = false
  #isFull = false
  #staleMarks = 0
  #unknownMarks = 0

  constructor(options: PlaybackOptions = {}) {
    super()
    const { clock = systemClock, leadMs = 1200, sliceMs = 300, maxQueuedMs = 300_000 } = options
    if (!(sliceMs > 0 && sliceMs % 60 === 0)) throw new RangeError(`sliceMs must be a multiple of 60, got ${sliceMs}`)
    if (!(leadMs >= sliceMs)) throw new RangeError(`leadMs must be at least sliceMs, got ${leadMs}`)
    if (!(maxQueuedMs > 0)) throw new RangeError(`maxQueuedMs must be positive, got ${maxQueuedMs}`)
    this.#clock = clock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    this.#leadMs = leadMs
    this.#sliceMs = sliceMs
    this.#sliceChars = sliceMs * CHARS_PER_MS
    this.#maxQueuedMs = maxQueuedMs
    this.#ticker = sharedTicker(clock, TICK_MS)
  }

  /** Audio at Twilio that the caller has not heard, by the marks, in milliseconds. */
  get bufferedMs(): number {
    return this.#bufferedMs
  }

  /** Audio that waits here to be sent, in milliseconds. */
  get queuedMs(): number {
    return this.#queuedMs
  }

  /** Marks that came back from before a clear, and marks that were never sent (or came twice). */
  get markCounts(): { readonly stale: number; readonly unknown: number } {
    return { stale: this.#staleMarks, unknown: this.#unknownMarks }
  }

  /** What was heard of a turn, in milliseconds: by its marks, and by the clock within the slice that is being played. */
  heardMs(turnId: string): number {
    const turn = this.#turns.get(turnId)
    if (!turn) return 0
    const front = this.#spans[0]
    return turn.heardMs + (front?.turn === turn ? this.#heardOfFrontMs(front) : 0)
  }

  /** Sends what waits, and all that follows, to `sink`. */
  attach(sink: PlaybackSink): void {
    if (this.#isClosed) return
    this.#sink = sink
    this.#pump()
  }

  /**
   * Takes audio for the caller.
   *
   * @param turnId - The agent turn that it belongs to.
   * @param payload - Base64 μ-law, 8000 Hz, mono, without a header. It is cut, and never decoded.
   * @returns `false` when it was refused: the ledger is closed, or too much is waiting.
   */
  enqueue(turnId: string, payload: string): boolean {
    if (this.#isClosed) return false
    const durationMs = base64ByteLength(payload) / BYTES_PER_MS
    if (durationMs === 0) return true
    if (this.#queuedMs + durationMs > this.#maxQueuedMs) {
      if (!this.#isFull) this.#tell('overflowed', turnId)
      this.#isFull = true
      return false
    }
    this.#isFull = false
    const turn = this.#turnOf(turnId)
    turn.totalMs += durationMs
    this.#queue.push({ turn, payload, offset: 0 })
    this.#queuedMs += durationMs
    this.#pump()
    return true
  }

  /** Drops whatever the caller has not heard. `clear` is sent before anything else is done. */
  clear(): readonly ClearedTurn[] {
    this.#generation++ // first: an echo may come back while the order is being sent
    if (this.#spans.length > 0) this.#sink?.clear()
    const front = this.#spans[0]
    if (front) front.turn.heardMs += this.#heardOfFrontMs(front)
    const turns = new Set([...this.#spans, ...this.#queue].map(({ turn }) => turn))
    const cleared = [...turns].map(({ turnId, heardMs, totalMs }) => ({ turnId, heardMs, totalMs }))
    this.#forget()
    this.#settle(false)
    this.#keepTicking()
    if (cleared.length > 0) this.#tell('cleared', cleared)
    return cleared
  }

  /** Takes in a mark that Twilio sent back. */
  receiveMark(name: string): void {
    const [, generation, number] = /^g(\d{1,9})-(\d{1,9})$/.exec(name) ?? []
    if (generation === undefined || Number(generation) > this.#generation) {
      this.#unknownMarks++
      return
    }
    if (Number(generation) < this.#generation) {
      this.#staleMarks++ // the echo of a clear, not of playback
      return
    }
    const index = this.#spans.findIndex(({ mark }) => mark === Number(number))
    if (index < 0) {
      this.#unknownMarks++
      return
    }
    // Marks come back in order, so what stands before it was heard as well, echo or not.
    for (const span of this.#spans.splice(0, index + 1)) this.#heard(span)
    this.#settle()
    this.#pump()
  }

  /**
   * Resolves when everything was heard: `true`; or `false` when it was dropped, the ledger was closed, or `timeoutMs` have
   * passed. Lost marks do not hold it up for longer than the audio itself plus two seconds.
   */
  drained(timeoutMs: number): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false)
    if (this.#isEmpty) return Promise.resolve(true)
    return new Promise((resolve) => {
      const waiter = {
        resolve,
        timer: this.#clock.setTimeout(() => {
          this.#waiters.delete(waiter)
          resolve(false)
        }, timeoutMs),
      }
      this.#waiters.add(waiter)
      this.#keepTicking()
    })
  }

  /** Stops. Nothing is sent any more, and who waits for the end is told `false`. Safe to call twice. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const front = this.#spans[0]
    if (front) front.turn.heardMs += this.#heardOfFrontMs(front)
    const isHeard = this.#isEmpty
    this.#forget()
    this.#sink = undefined
    this.#settle(isHeard)
    this.#keepTicking()
  }

  #tell<T extends keyof PlaybackEvents>(event: T, ...args: EventEmitter.EventArgs<PlaybackEvents, T>): void {
    runListeners(this.#logger, event, () => this.emit(event, ...args))
  }

  get #isEmpty(): boolean {
    return this.#queue.length === 0 && this.#spans.length === 0
  }

  #heardOfFrontMs(front: Span): number {
    return Math.min(front.durationMs, Math.max(0, this.#clock.monotonicMs() - this.#frontStartedMs))
  }

  #turnOf(turnId: string): TurnAudio {
    let turn = this.#turns.get(turnId)
    if (turn) return turn
    turn = { turnId, totalMs: 0, heardMs: 0, hasBegun: false }
    this.#turns.set(turnId, turn)
    if (this.#turns.size > MAX_TURNS) {
      const [oldest] = this.#turns.keys()
      if (oldest !== undefined) this.#turns.delete(oldest)
    }
    return turn
  }

  /** Sends as much as the lead allows. */
  #pump(): void {
    const sink = this.#sink
    if (sink) {
      const nowMs = this.#clock.monotonicMs()
      let sent = 0
      for (const chunk of this.#queue) {
        while (!this.#isClosed && chunk.offset < chunk.payload.length && this.#endsAtMs - nowMs < this.#leadMs)
          this.#sendSlice(sink, chunk, nowMs)
        if (chunk.offset < chunk.payload.length) break
        sent++
      }
      if (sent > 0) this.#queue.splice(0, sent)
    }
    this.#keepTicking()
  }

  #sendSlice(sink: PlaybackSink, chunk: Chunk, nowMs: number): void {
    const { turn, payload, offset } = chunk
    const isFirst = !turn.hasBegun
    // A short first slice: its mark tells to within 60 ms when the turn was first heard.
    const end = offset + (isFirst ? BASE64_CHARS_PER_60_MS : this.#sliceChars)
    const slice = offset === 0 && end >= payload.length ? payload : payload.slice(offset, end)
    const durationMs = base64ByteLength(slice) / BYTES_PER_MS
    chunk.offset = end
    turn.hasBegun = true
    const last = this.#spans.at(-1)
    if (last?.mark === undefined && last?.turn === turn) last.durationMs += durationMs
    else {
      if (last) this.#sendMark(sink, last)
      if (this.#spans.length === 0) this.#frontStartedMs = nowMs
      this.#spans.push({ turn, isFirst, durationMs, mark: undefined })
    }
    this.#queuedMs -= durationMs
    this.#bufferedMs += durationMs
    this.#endsAtMs = Math.max(this.#endsAtMs, nowMs) + durationMs
    sink.media(slice)
    const span = this.#spans.at(-1)
    if (span && (span.isFirst || span.durationMs >= this.#sliceMs)) this.#sendMark(sink, span)
  }

  #sendMark(sink: PlaybackSink, span: Span): void {
    if (span.mark !== undefined) return
    span.mark = ++this.#marks
    sink.mark(`g${this.#generation}-${span.mark}`)
  }

  #heard(span: Span): void {
    const nowMs = this.#clock.monotonicMs()
    const { turn, durationMs } = span
    turn.heardMs += durationMs
    this.#bufferedMs = this.#spans.length === 0 ? 0 : this.#bufferedMs - durationMs
    this.#frontStartedMs = nowMs
    this.#endsAtMs = nowMs + this.#bufferedMs // the mark knows better than the estimate did
    if (span.isFirst) this.#tell('started', turn.turnId, nowMs - durationMs)
    this.#tell('played', turn.turnId, turn.heardMs)
  }

  #onTick(): void {
    this.#pump()
    const last = this.#spans.at(-1)
    if (this.#sink && last && this.#queue.length === 0) this.#sendMark(this.#sink, last)
    const isOverdue = this.#spans.length > 0 && this.#clock.monotonicMs() > this.#endsAtMs + MARK_SLACK_MS
    if (isOverdue && this.#queue.length === 0 && this.#waiters.size > 0) {
      for (const span of this.#spans.splice(0)) this.#heard(span)
    }
    this.#settle()
    this.#keepTicking()
  }

  /** Tells who waits for the end, if it has come. */
  #settle(isHeard = true): void {
    if (!this.#isEmpty) return
    for (const { resolve, timer } of this.#waiters) {
      this.#clock.clear(timer)
      resolve(isHeard)
    }
    this.#waiters.clear()
  }

  #forget(): void {
    this.#queue = []
    this.#spans = []
    this.#queuedMs = 0
    this.#bufferedMs = 0
    this.#endsAtMs = 0
  }

  #keepTicking(): void {
    const isNeeded =
      !this.#isClosed &&
      this.#sink !== undefined &&
      (this.#queue.length > 0 || this.#waiters.size > 0 || this.#spans.at(-1)?.mark === undefined) &&
      !this.#isEmpty
    if (isNeeded === this.#isTicking) return
    this.#isTicking = isNeeded
    if (isNeeded) this.#ticker.add(this.#tick)
    else this.#ticker.remove(this.#tick)
  }
}
