import { describe, expect, test } from 'vitest'
import { ManualClock, scaledClock } from '../../src/core/clock.js'
import { sharedTicker } from '../../src/core/ticker.js'

describe('ManualClock', () => {
  test('fires timers in the order in which they fall due, at their own time', () => {
    const clock = new ManualClock(0)
    const log: [string, number][] = []
    clock.setTimeout(() => log.push(['late', clock.now()]), 20)
    clock.setTimeout(() => log.push(['early', clock.now()]), 10)
    clock.setTimeout(() => log.push(['early too', clock.now()]), 10)
    clock.advance(25)
    expect(log).toEqual([
      ['early', 10],
      ['early too', 10],
      ['late', 20],
    ])
    expect(clock.now()).toBe(25)
    expect(clock.pendingTimers).toBe(0)
  })

  test('a timer that is set while time moves still fires when it falls due within the move', () => {
    const clock = new ManualClock(0)
    let fired = false
    clock.setTimeout(() => clock.setTimeout(() => (fired = true), 5), 5)
    clock.advance(10)
    expect(fired).toBe(true)
  })

  test('an interval goes on until it is cleared', () => {
    const clock = new ManualClock(0)
    let count = 0
    const timer = clock.setInterval(() => count++, 10)
    clock.advance(35)
    clock.clear(timer)
    clock.advance(100)
    expect(count).toBe(3)
  })
})

test('a scaled clock runs faster than the machine by its factor', () => {
  const clock = scaledClock(1000)
  const start = clock.monotonicMs()
  const realStart = performance.now()
  while (performance.now() - realStart < 2);
  expect(clock.monotonicMs() - start).toBeGreaterThanOrEqual(2000)
  expect(() => scaledClock(0)).toThrow(RangeError)
})

describe('sharedTicker', () => {
  test('is one per clock and period, ticks everyone, and holds a timer only while somebody listens', () => {
    const clock = new ManualClock()
    const ticker = sharedTicker(clock, 40)
    expect(sharedTicker(clock, 40)).toBe(ticker)
    expect(sharedTicker(clock, 20)).not.toBe(ticker)
    let a = 0
    let b = 0
    const tickA = (): void => {
      a++
    }
    const tickB = (): void => {
      b++
    }
    ticker.add(tickA)
    ticker.add(tickB)
    expect(clock.pendingTimers).toBe(1)
    clock.advance(80)
    ticker.remove(tickA)
    clock.advance(40)
    expect([a, b]).toEqual([2, 3])
    ticker.remove(tickB)
    expect(clock.pendingTimers).toBe(0)
  })
})
