import { expect, test } from 'vitest'
import { HeldWrites } from '../../src/calls/held-writes.js'
import { ManualClock } from '../../src/core/clock.js'
import { StorageError } from '../../src/core/errors.js'
import type { Logger } from '../../src/core/logger.js'

function setUp(max?: number) {
  const clock = new ManualClock()
  const lines: string[] = []
  const log = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const held = new HeldWrites({ clock, logger, ...(max === undefined ? {} : { max }) })
  const store = { isDown: true, has: [] as string[], tries: 0 }
  const write = (name: string) => async (): Promise<void> => {
    store.tries++
    if (store.isDown) throw new Error('down')
    store.has.push(name)
  }
  const hold = (name: string, error: unknown = new Error('down')): boolean => held.hold(name, write(name), error)
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < ms; i += 100) {
      clock.advance(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { clock, held, hold, store, pass, lines }
}

test('what is held is written once, in its order, when the store is back', async () => {
  const { hold, held, store, pass, clock } = setUp()
  expect([hold('a'), hold('b'), hold('a')]).toEqual([true, true, true])
  await pass(60_000)
  expect(store.has).toEqual([])
  expect(store.tries).toBeLessThan(15) // a store that is down is not hammered, whatever waits for it
  store.isDown = false
  await pass(10_000)
  expect(store.has).toEqual(['a', 'b'])
  expect([held.size, clock.pendingTimers]).toEqual([0, 0])
})

test('there is room for so many and no more', () => {
  const { hold, held, lines } = setUp(2)
  expect([hold('a'), hold('b'), hold('c')]).toEqual([true, true, false])
  expect(held.size).toBe(2)
  expect(lines.at(-1)).toContain('no more room')
})

test('what the store would refuse for ever is not held, and holds up nothing', async () => {
  const { hold, held, store, pass } = setUp()
  const invalid = new StorageError('storage_key_invalid', 'x', { operation: 'scheduleWork' })
  expect(hold('x', invalid)).toBe(false)
  held.hold('y', () => Promise.reject(invalid), new Error('down')) // found out only once the store is back
  hold('z')
  store.isDown = false
  await pass(2000)
  expect(store.has).toEqual(['z'])
})

test('the end of the process is a last try, and says what is lost', async () => {
  const saved = setUp()
  saved.hold('a')
  saved.store.isDown = false
  await saved.held.close()
  expect(saved.store.has).toEqual(['a'])

  const lost = setUp()
  lost.hold('a')
  await lost.held.close()
  expect(lost.lines.at(-1)).toBe('What was held for the store is lost {"lost":1}')
  expect([lost.hold('b'), lost.held.size, lost.clock.pendingTimers]).toEqual([false, 0, 0])
})
