import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { Playback, type PlaybackOptions } from '../../src/media-stream/playback.js'

const audio = (ms: number) => Buffer.alloc(ms * 8, 0x7f).toString('base64')
const msOf = (payload: string) => Buffer.from(payload, 'base64').length / 8

/** Plays as Twilio does: in order, in real time, marks come back when what is before them was played, or on a clear. */
class ModelTwilio {
  heardMs = 0
  readonly sent: string[] = []
  clears = 0
  maxBufferedMs = 0
  #queue: ({ mark: string } | { ms: number })[] = []
  #echo: (name: string) => void = () => undefined

  attach(playback: Playback): void {
    this.#echo = (name) => playback.receiveMark(name)
    playback.attach({
      media: (payload) => {
        this.sent.push(payload)
        this.#queue.push({ ms: msOf(payload) })
        this.maxBufferedMs = Math.max(this.maxBufferedMs, this.bufferedMs)
      },
      mark: (name) => {
        this.#queue.push({ mark: name })
        this.#echoDue()
      },
      clear: () => {
        this.clears++
        const marks = this.#queue.flatMap((one) => ('mark' in one ? [one.mark] : []))
        this.#queue = []
        for (const name of marks) this.#echo(name)
      },
    })
  }

  get bufferedMs(): number {
    return this.#queue.reduce((sum, one) => sum + ('ms' in one ? one.ms : 0), 0)
  }

  /** Lets `ms` of real time pass. */
  play(ms: number): void {
    this.#echoDue()
    let left = ms
    while (left > 0) {
      const first = this.#queue[0]
      if (!first || 'mark' in first) break
      const part = Math.min(left, first.ms)
      first.ms -= part
      left -= part
      this.heardMs += part
      if (first.ms === 0) this.#queue.shift()
      this.#echoDue()
    }
  }

  #echoDue(): void {
    for (;;) {
      const first = this.#queue[0]
      if (!first || !('mark' in first)) return
      this.#queue.shift()
      this.#echo(first.mark)
    }
  }
}

function setup(options: PlaybackOptions = {}) {
  const clock = new ManualClock()
  const playback = new Playback({ clock, ...options })
  const twilio = new ModelTwilio()
  const log: unknown[][] = []
  for (const name of ['started', 'played', 'cleared', 'overflowed'] as const)
    playback.on(name, (...args: unknown[]) => log.push([name, ...args]))
  const pass = (ms: number) => {
    for (let i = 0; i < ms; i += 10) {
      clock.advance(10)
      twilio.play(10)
    }
  }
  return { clock, playback, twilio, log, pass }
}

describe('Playback', () => {
  test('sends the first 60 ms of a turn by themselves, then slices of 300 ms, and no more than the lead', () => {
    const { playback, twilio } = setup({ leadMs: 600 })
    twilio.attach(playback)
    playback.enqueue('turn-1', audio(2000))
    expect(twilio.sent.map(msOf)).toEqual([60, 300, 300])
    expect([playback.bufferedMs, playback.queuedMs]).toEqual([660, 1340])
  })

  test('goes on sending as the caller hears, until all is heard', async () => {
    const { playback, twilio, pass, clock } = setup({ leadMs: 600 })
    twilio.attach(playback)
    playback.enqueue('turn-1', audio(2000))
    const drained = playback.drained(10_000)
    pass(2100)
    expect(await drained).toBe(true)
    expect(twilio.heardMs).toBe(2000)
    expect(playback.heardMs('turn-1')).toBe(2000)
    expect(twilio.maxBufferedMs).toBeLessThanOrEqual(600 + 300)
    expect(clock.pendingTimers).toBe(0)
  })

  test('what was cut and sent is byte for byte what came', () => {
    const { playback, twilio, pass } = setup()
    twilio.attach(playback)
    const bytes = Buffer.from(Array.from({ length: 12_345 }, (_, i) => (i * 7) % 256))
    playback.enqueue('turn-1', bytes.toString('base64'))
    pass(2000)
    expect(Buffer.concat(twilio.sent.map((payload) => Buffer.from(payload, 'base64')))).toEqual(bytes)
  })

  test('audio that came before the stream waits for it', () => {
    const { playback, twilio } = setup()
    playback.enqueue('greeting', audio(300))
    expect([playback.bufferedMs, playback.queuedMs]).toEqual([0, 300])
    twilio.attach(playback)
    expect(playback.bufferedMs).toBe(300)
  })

  test('says when a turn was first heard, to the millisecond of its first slice', () => {
    const { playback, twilio, pass, clock, log } = setup()
    twilio.attach(playback)
    clock.advance(500)
    const startedMs = clock.monotonicMs()
    playback.enqueue('turn-1', audio(400))
    pass(500)
    expect(log[0]).toEqual(['started', 'turn-1', startedMs])
    expect(log.filter(([name]) => name === 'started')).toHaveLength(1)
  })

  test('a barge-in sends clear first, tells what was heard, and echoes of the clear are not playback', () => {
    const { playback, twilio, pass, log } = setup()
    twilio.attach(playback)
    playback.enqueue('turn-1', audio(500))
    playback.enqueue('turn-2', audio(500))
    pass(300)
    expect(playback.clear()).toEqual([
      { turnId: 'turn-1', heardMs: 300, totalMs: 500 },
      { turnId: 'turn-2', heardMs: 0, totalMs: 500 },
    ])
    expect(twilio.clears).toBe(1)
    expect(playback.heardMs('turn-1')).toBe(300)
    expect([playback.bufferedMs, playback.queuedMs]).toEqual([0, 0])
    pass(1000)
    expect(playback.heardMs('turn-2')).toBe(0)
    expect(playback.markCounts.stale).toBeGreaterThan(0)
    expect(log.at(-1)?.[0]).toBe('cleared')
  })

  test('inside a slice the heard position is the clock\u2019s, and never more than the slice', () => {
    const { playback, clock } = setup()
    playback.attach({ media: () => undefined, mark: () => undefined, clear: () => undefined })
    playback.enqueue('turn-1', audio(60))
    clock.advance(40)
    expect(playback.heardMs('turn-1')).toBe(40)
    clock.advance(400)
    expect(playback.heardMs('turn-1')).toBe(60)
  })

  test('a clear with nothing at Twilio sends nothing', () => {
    const { playback, twilio } = setup()
    twilio.attach(playback)
    expect(playback.clear()).toEqual([])
    expect(twilio.clears).toBe(0)
  })

  test('after a barge-in the next turn is sent and heard as ever', () => {
    const { playback, twilio, pass } = setup()
    twilio.attach(playback)
    playback.enqueue('turn-1', audio(5000))
    pass(500)
    playback.clear()
    playback.enqueue('turn-2', audio(700))
    pass(900)
    expect(playback.heardMs('turn-2')).toBe(700)
  })

  test('small chunks share a mark', () => {
    const { playback, pass } = setup()
    let marks = 0
    playback.attach({ media: () => undefined, mark: () => marks++, clear: () => undefined })
    for (let i = 0; i < 50; i++) playback.enqueue('turn-1', audio(20))
    pass(60)
    expect(marks).toBeLessThanOrEqual(9)
  })

  test('a mark that was never sent, and one that comes twice, are counted and do nothing', () => {
    const { playback, twilio, pass } = setup()
    twilio.attach(playback)
    playback.enqueue('turn-1', audio(60))
    pass(100)
    for (const name of ['g0-1', 'g0-999', 'g7-1', 'hello', '', 'g0-', 'g-1-1']) playback.receiveMark(name)
    expect(playback.markCounts).toEqual({ stale: 0, unknown: 7 })
    expect(playback.heardMs('turn-1')).toBe(60)
  })

  test('a lost mark holds nothing up: the next one stands for it', () => {
    const { playback } = setup()
    const marks: string[] = []
    playback.attach({ media: () => undefined, mark: (name) => marks.push(name), clear: () => undefined })
    playback.enqueue('turn-1', audio(900))
    playback.receiveMark(marks[2]!)
    expect(playback.heardMs('turn-1')).toBe(60 + 300 + 300)
  })

  test('when no mark comes back at all, who waits for the end waits for the audio and two seconds', async () => {
    const { playback, clock } = setup()
    playback.attach({ media: () => undefined, mark: () => undefined, clear: () => undefined })
    playback.enqueue('turn-1', audio(1000))
    let result: boolean | undefined
    void playback.drained(60_000).then((isHeard) => (result = isHeard))
    await clock.advanceAsync(2900)
    expect(result).toBeUndefined()
    await clock.advanceAsync(300)
    expect(result).toBe(true)
  })

  test.each([
    ['a barge-in', (playback: Playback) => void playback.clear()],
    ['a close', (playback: Playback) => playback.close()],
  ])('who waits for the end is told by %s that it will not come', async (_, end) => {
    const { playback, twilio, clock } = setup()
    twilio.attach(playback)
    playback.enqueue('turn-1', audio(1000))
    const drained = playback.drained(60_000)
    end(playback)
    expect(await drained).toBe(false)
    expect(clock.pendingTimers).toBe(0)
  })

  test('who waits is told false when the time is up', async () => {
    const { playback, clock } = setup()
    playback.enqueue('turn-1', audio(1000)) // no stream comes
    const drained = playback.drained(500)
    clock.advance(500)
    expect(await drained).toBe(false)
  })

  test('nothing is sent after a close, and closing twice is fine', () => {
    const { playback, twilio, clock, pass } = setup()
    twilio.attach(playback)
    playback.enqueue('turn-1', audio(5000))
    const before = twilio.sent.length
    playback.close()
    playback.close()
    expect(playback.enqueue('turn-1', audio(100))).toBe(false)
    playback.attach({ media: () => { throw new Error('sent') }, mark: () => undefined, clear: () => undefined }) // prettier-ignore
    pass(1000)
    expect(twilio.sent.length).toBe(before)
    expect(clock.pendingTimers).toBe(0)
  })

  test('refuses audio beyond what may wait, says so once, and takes it again when there is room', () => {
    const { playback, twilio, pass, log } = setup({ maxQueuedMs: 2000, leadMs: 180, sliceMs: 180 })
    twilio.attach(playback)
    expect(playback.enqueue('turn-1', audio(2000))).toBe(true)
    expect(playback.enqueue('turn-1', audio(900))).toBe(false)
    expect(playback.enqueue('turn-1', audio(900))).toBe(false)
    expect(log.filter(([name]) => name === 'overflowed')).toEqual([['overflowed', 'turn-1']])
    pass(1000)
    expect(playback.enqueue('turn-1', audio(900))).toBe(true)
  })

  test.each([{ sliceMs: 100 }, { sliceMs: 0 }, { leadMs: 60 }, { maxQueuedMs: 0 }])(
    'refuses options that make no sense: %o',
    (options) => {
      expect(() => new Playback(options)).toThrow(RangeError)
    },
  )

  test('whatever happens in whatever order, the ledger agrees with what was really played', () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('enqueue' as const), ms: fc.integer({ min: 1, max: 1500 }) }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 10, max: 700 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), ms: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('turn' as const), ms: fc.constant(0) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { playback, twilio, pass, clock } = setup({ leadMs: 700 })
        twilio.attach(playback)
        let turn = 0
        let enqueuedMs = 0
        let droppedMs = 0
        for (const { do: what, ms } of steps) {
          if (what === 'enqueue') {
            playback.enqueue(`turn-${turn}`, audio(ms))
            enqueuedMs += ms
          } else if (what === 'pass') pass(ms)
          else {
            if (what === 'clear') for (const { heardMs, totalMs } of playback.clear()) droppedMs += totalMs - heardMs
            turn++
          }
          const heard = Array.from({ length: turn + 1 }, (_, i) => playback.heardMs(`turn-${i}`)).reduce(
            (a, b) => a + b,
            0,
          )
          // By marks and clock the position is known to within one slice.
          expect(Math.abs(heard - twilio.heardMs)).toBeLessThanOrEqual(300)
          expect(twilio.maxBufferedMs).toBeLessThanOrEqual(700 + 300 + 20) // the model moves in steps of 10 ms
        }
        pass(enqueuedMs + 500)
        const heard = Array.from({ length: turn + 1 }, (_, i) => playback.heardMs(`turn-${i}`)).reduce(
          (a, b) => a + b,
          0,
        )
        expect(heard + droppedMs).toBeCloseTo(enqueuedMs, 6)
        expect(clock.pendingTimers).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})
