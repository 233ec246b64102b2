/**
 * Where the caller's frames belong in time: gaps are filled with silence, and what comes too late is dropped.
 *
 * Twilio may leave frames out; `media.timestamp` says where
 * (https://www.twilio.com/docs/voice/media-streams/websocket-messages, read 2026-11-21). An agent that hears the rest run
 * together hears another rhythm than was spoken.
 *
 * @module
 */
const FRAME_MS = 20
const BYTES_PER_MS = 8
/** 20 ms of μ-law silence, 160 bytes of 0xFF. */
const SILENT_FRAME = Buffer.alloc(FRAME_MS * BYTES_PER_MS, 0xff).toString('base64')
const NOTHING: readonly string[] = []
/** So many frames in a row that come too late are no stragglers: the time line jumped, and is followed. */
const MAX_LATE_IN_A_ROW = 10

/** Places the frames of one stream. */
export class InboundTimeline {
  readonly #maxGapMs: number
  #nextMs: number | undefined
  #padded = 0
  #late = 0
  #lateInARow = 0

  /** @param maxGapMs - The longest gap that is filled whole; of a longer one only so much. */
  constructor(maxGapMs: number) {
    this.#maxGapMs = maxGapMs
  }

  /** Frames that were put in. */
  get padded(): number {
    return this.#padded
  }

  /** Frames that came too late. */
  get late(): number {
    return this.#late
  }

  /**
   * Places one frame that plays for `durationMs`.
   *
   * @returns The silent frames that belong before it, or `'late'` when its time is filled already.
   */
  place(timestampMs: number, durationMs: number): readonly string[] | 'late' {
    const nextMs = this.#nextMs
    if (nextMs === undefined) {
      this.#nextMs = timestampMs + durationMs
      return NOTHING
    }
    const gapMs = timestampMs - nextMs
    if (gapMs <= -FRAME_MS && timestampMs + durationMs <= nextMs) {
      if (++this.#lateInARow <= MAX_LATE_IN_A_ROW) {
        this.#late++
        return 'late'
      }
    }
    this.#lateInARow = 0
    this.#nextMs = timestampMs + durationMs
    if (gapMs < FRAME_MS) return NOTHING
    const frames = Math.floor(Math.min(gapMs, this.#maxGapMs) / FRAME_MS)
    this.#padded += frames
    return Array.from({ length: frames }, () => SILENT_FRAME)
  }
}
