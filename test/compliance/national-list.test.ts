import { describe, expect, test } from 'vitest'
import { AreaCodeList } from '../../src/compliance/do-not-call-list/area-code-list.js'
import { NATIONAL_LIST_MAX_AGE_MS, NationalDoNotCallList } from '../../src/compliance/do-not-call-list/national-list.js'
import { ManualClock } from '../../src/core/clock.js'

const DAY_MS = 86_400_000

function setup({ maxOpenAreaCodes = 100, copiedAt }: { maxOpenAreaCodes?: number; copiedAt?: number } = {}) {
  const clock = new ManualClock()
  const stored = new Map<number, { bytes: Uint8Array; version: string }>()
  const reads: number[] = []
  let versions = 0
  const store = (areaCode: number, numbers: readonly number[], at = copiedAt ?? clock.now()) => {
    const list = AreaCodeList.empty({ areaCode, copiedAt: at })
    for (const number of numbers) list.add(number)
    stored.set(areaCode, { bytes: list.encode(), version: String(++versions) })
  }
  const registry = new NationalDoNotCallList({
    clock,
    maxOpenAreaCodes,
    lists: {
      read: async (areaCode) => {
        reads.push(areaCode)
        return stored.get(areaCode)?.bytes
      },
      versionOf: async (areaCode) => stored.get(areaCode)?.version,
    },
  })
  return { clock, registry, reads, store, stored }
}

describe('freshness', () => {
  test.each([
    ['exactly 31 × 24 hours', NATIONAL_LIST_MAX_AGE_MS, 'not-listed'],
    ['one millisecond more', NATIONAL_LIST_MAX_AGE_MS + 1, 'stale'],
    ['none at all', 0, 'not-listed'],
    ['less than none: it is dated in the future', -1, 'stale'],
  ])('a copy whose age is %s', async (_, ageMs, answer) => {
    const { registry, store, clock } = setup()
    store(212, [5550123], clock.now() - ageMs)
    await registry.open(212)
    expect(registry.lookup('+12125550124')).toBe(answer)
    expect(registry.lookup('+12125550123')).toBe('listed')
  })

  test('is 31 × 24 hours and no calendar month', () => {
    expect(NATIONAL_LIST_MAX_AGE_MS).toBe(2_678_400_000)
  })

  test('a copy grows stale while it is held', async () => {
    const { registry, store, clock } = setup()
    store(212, [])
    await registry.open(212)
    expect(registry.lookup('+12125550124')).toBe('not-listed')
    clock.advance(31 * DAY_MS + 1)
    expect(registry.lookup('+12125550124')).toBe('stale')
  })
})

describe('what no copy covers', () => {
  test('an area code without a list is unknown, and never a pass', async () => {
    const { registry } = setup()
    expect(await registry.findNational('+12125550123')).toBeUndefined()
    expect(registry.lookup('+12125550123')).toBe('not-open')
  })

  test.each(['2125550123', '+442071234567', '+1212555012', '+121255501234', '+12125550i23', '+11125550123', ''])(
    'a number such as "%s" is unknown',
    async (number) => {
      const { registry, reads } = setup()
      expect(registry.lookup(number)).toBe('unknown')
      expect(await registry.findNational(number)).toBeUndefined()
      expect(reads).toEqual([])
    },
  )

  test('a list that is broken is an error, and is not held', async () => {
    const { registry, store, stored } = setup()
    store(212, [])
    stored.get(212)!.bytes[500_000]! ^= 1
    await expect(registry.findNational('+12125550123')).rejects.toMatchObject({ code: 'do_not_call_list_corrupt' })
    expect(registry.lookup('+12125550123')).toBe('not-open')
    expect(registry.openAreaCodes).toBe(0)
  })

  test('a list that cannot be read is an error, and the one that was held answers no more', async () => {
    const { registry, store, stored, clock } = setup()
    store(212, [5550123])
    await registry.findNational('+12125550123')
    clock.advance(60_000)
    stored.get(212)!.version = 'another'
    stored.get(212)!.bytes = new Uint8Array(7)
    await expect(registry.findNational('+12125550123')).rejects.toMatchObject({ code: 'do_not_call_list_corrupt' })
    expect(registry.lookup('+12125550123')).toBe('not-open')
  })
})

describe('memory', () => {
  test('a list is read when it is first asked for, once for many at the same time', async () => {
    const { registry, store, reads, clock } = setup()
    store(212, [5550123])
    store(213, [])
    const answers = await Promise.all(['+12125550123', '+12125550124'].map((number) => registry.findNational(number)))
    expect(answers).toEqual([
      { isListed: true, copiedAt: clock.now() },
      { isListed: false, copiedAt: clock.now() },
    ])
    expect(reads).toEqual([212])
  })

  test('the area code that was not asked for longest is let go', async () => {
    const { registry, store, reads } = setup({ maxOpenAreaCodes: 2 })
    for (const areaCode of [212, 213, 214]) store(areaCode, [])
    await registry.open(212)
    await registry.open(213)
    registry.lookup('+12125550123')
    await registry.open(214)
    expect([212, 213, 214].map((areaCode) => registry.lookup(`+1${areaCode}5550123`))).toEqual([
      'not-listed',
      'not-open',
      'not-listed',
    ])
    await registry.open(213)
    expect(reads).toEqual([212, 213, 214, 213])
    expect(registry.openAreaCodes).toBe(2)
  })

  test('many at once are each answered by the list of their area code, though only one is held', async () => {
    const { registry, store } = setup({ maxOpenAreaCodes: 1 })
    for (let areaCode = 201; areaCode < 220; areaCode++) store(areaCode, [areaCode])
    const numbers = Array.from({ length: 19 }, (_, i) => `+1${201 + i}0000${201 + i}`)
    const answers = await Promise.all(numbers.map((number) => registry.findNational(number)))
    expect(answers.map((answer) => answer?.isListed)).toEqual(numbers.map(() => true))
    expect(registry.openAreaCodes).toBe(1)
  })
})

describe('a list that was replaced', () => {
  test('is seen at the next look after recheckMs, and an unchanged one is not read again', async () => {
    const { registry, store, reads, clock } = setup()
    store(212, [])
    await registry.findNational('+12125550123')
    store(212, [5550123])
    clock.advance(59_999)
    expect(await registry.findNational('+12125550123')).toMatchObject({ isListed: false })
    clock.advance(1)
    expect(await registry.findNational('+12125550123')).toMatchObject({ isListed: true })
    clock.advance(60_000)
    await registry.findNational('+12125550123')
    expect(reads).toEqual([212, 212])
  })

  test('that was taken away covers nothing any more', async () => {
    const { registry, store, stored, clock } = setup()
    store(212, [])
    await registry.findNational('+12125550123')
    stored.delete(212)
    clock.advance(60_000)
    expect(await registry.findNational('+12125550123')).toBeUndefined()
    expect(registry.lookup('+12125550123')).toBe('not-open')
  })
})

test('wrong options are refused at once', () => {
  const { clock } = setup()
  const lists = { read: async () => undefined, versionOf: async () => undefined }
  expect(() => new NationalDoNotCallList({ lists, clock, maxOpenAreaCodes: 0 })).toThrow(RangeError)
  expect(() => new NationalDoNotCallList({ lists, clock, recheckMs: -1 })).toThrow(RangeError)
})
