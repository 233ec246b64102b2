import { expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { createCachedLoader } from '../../src/storage/cached-loader.js'

function setup(options: { maxEntries?: number } = {}) {
  const clock = new ManualClock()
  const loads: string[] = []
  let isBroken = false
  const loader = createCachedLoader({
    clock,
    ttlMs: 1000,
    ...options,
    load: async (key) => {
      loads.push(key)
      if (isBroken) throw new Error('no context')
      return `${key}${loads.length}`
    },
  })
  return { clock, loads, loader, breakIt: (broken: boolean) => (isBroken = broken) }
}

test('a value is loaded once while it is good, and again when it is too old', async () => {
  const { loader, loads, clock } = setup()
  expect(await loader.get('a')).toBe('a1')
  clock.advance(999)
  expect(await loader.get('a')).toBe('a1')
  clock.advance(1)
  expect(await loader.get('a')).toBe('a2')
  expect(loads).toEqual(['a', 'a'])
})

test('all who ask while it is being loaded share one load', async () => {
  const { loader, loads } = setup()
  expect(await Promise.all([loader.get('a'), loader.get('a'), loader.get('a')])).toEqual(['a1', 'a1', 'a1'])
  expect(loads).toEqual(['a'])
})

test('a load that failed is not kept', async () => {
  const { loader, breakIt } = setup()
  breakIt(true)
  await expect(loader.get('a')).rejects.toThrow('no context')
  breakIt(false)
  expect(await loader.get('a')).toBe('a2')
})

test('beyond the bound the one that was not asked for the longest goes, and a dropped one is loaded again', async () => {
  const { loader, loads } = setup({ maxEntries: 2 })
  for (const key of ['a', 'b', 'a', 'c', 'a']) await loader.get(key)
  expect(loads).toEqual(['a', 'b', 'c'])
  await loader.get('b')
  expect(loads).toEqual(['a', 'b', 'c', 'b'])
  loader.drop('b')
  await loader.get('b')
  expect(loads.at(-1)).toBe('b')
  expect(loads).toHaveLength(5)
})

test.each([0, -1, Number.NaN])('a lifetime of %s is a RangeError', (ttlMs) => {
  expect(() => createCachedLoader({ ttlMs, load: async () => 1 })).toThrow(RangeError)
})
