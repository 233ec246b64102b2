import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FRAME_BYTES, FRAME_MS, MAX_QUEUED_MS, Player } from '../../../src/simulator/twilio/player.js'

function setUp() {
  const log: string[] = []
  const bytes: number[] = []
  const player = new Player({
    played: (audio, atMs) => {
      log.push(`played ${atMs}`)
      bytes.push(...audio)
    },
    marked: (name) => log.push(`mark ${name}`),
  })
  return { player, log, bytes }
}

const sound = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value)

test('a mark comes back once everything before it was played, and not earlier', () => {
  const { player, log } = setUp()
  player.enqueue(sound(2 * FRAME_BYTES), 0)
  player.mark('end')
  player.advanceTo(39)
  expect(log).toEqual(['played 0'])
  player.advanceTo(40)
  expect(log).toEqual(['played 0', 'played 20', 'mark end'])
})

test('a mark comes back at once when nothing is queued', () => {
  const { player, log } = setUp()
  player.mark('now')
  expect(log).toEqual(['mark now'])
})

test('a mark between two sounds that share a packet comes back with that packet, after it was played', () => {
  const { player, log } = setUp()
  player.enqueue(sound(100), 0)
  player.mark('middle')
  player.enqueue(sound(60), 0)
  player.advanceTo(20)
  expect(log).toEqual(['played 0', 'mark middle'])
})

test('clear gives back every mark that waited, in order, and what comes after it plays from then on', () => {
  const { player, log } = setUp()
  for (const name of ['a', 'b']) {
    player.enqueue(sound(FRAME_BYTES), 0)
    player.mark(name)
  }
  expect(player.clear()).toEqual(['a', 'b'])
  expect(player.queuedMs).toBe(0)
  player.enqueue(sound(FRAME_BYTES), 500)
  player.advanceTo(600)
  expect(log).toEqual(['played 500'])
})

test('the last packet is filled up with silence', () => {
  const { player, bytes } = setUp()
  player.enqueue(sound(10), 0)
  player.advanceTo(FRAME_MS)
  expect(bytes).toEqual([...sound(10), ...sound(FRAME_BYTES - 10, 0xff)])
})

test('ten minutes are queued and not a byte more', () => {
  const { player } = setUp()
  expect(player.enqueue(sound(MAX_QUEUED_MS * 8), 0)).toBe(true)
  expect(player.enqueue(sound(1), 0)).toBe(false)
  player.advanceTo(FRAME_MS)
  expect(player.enqueue(sound(FRAME_BYTES), 0)).toBe(true)
})

test('after a stall everything that is due is played at the times at which it was due', () => {
  const { player, log } = setUp()
  player.enqueue(sound(3 * FRAME_BYTES), 7)
  player.advanceTo(1000)
  expect(log).toEqual(['played 7', 'played 27', 'played 47'])
})

test('whatever comes in which order, sound is played whole and in order, and each mark comes back exactly once', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('audio' as const), length: fc.integer({ min: 0, max: 700 }) }),
    fc.record({ kind: fc.constant('mark' as const) }),
    fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 120 }) }),
    fc.record({ kind: fc.constant('clear' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let nowMs = 0
      let sent = 0
      let marks = 0
      const played: number[] = []
      const returned: number[] = []
      const behind: number[] = [] // per mark: how many sounds were queued before it
      const player = new Player({
        played: (audio) => played.push(...audio.filter((byte) => byte !== 0xff)),
        marked: (name) => {
          const mark = Number(name)
          expect(played.length).toBeGreaterThanOrEqual(behind[mark]!)
          returned.push(mark)
        },
      })
      const expected: number[] = []
      for (const step of steps) {
        if (step.kind === 'audio') {
          const audio = Uint8Array.from({ length: step.length }, () => sent++ % 255)
          player.enqueue(audio, nowMs)
          expected.push(...audio)
        } else if (step.kind === 'mark') {
          behind.push(expected.length)
          player.mark(String(marks++))
        } else if (step.kind === 'time') {
          nowMs += step.ms
          player.advanceTo(nowMs)
        } else {
          returned.push(...player.clear().map(Number))
          expected.length = played.length
        }
      }
      player.advanceTo(nowMs + 1_000_000)
      expect(played).toEqual(expected)
      expect(returned).toEqual(Array.from({ length: marks }, (_, mark) => mark))
      expect(player.queuedMs).toBe(0)
    }),
    { numRuns: 300 },
  )
})
