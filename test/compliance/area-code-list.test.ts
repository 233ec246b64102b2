import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AREA_CODE_LIST_BYTES, AreaCodeList } from '../../src/compliance/do-not-call-list/area-code-list.js'
import { VoiceError } from '../../src/core/errors.js'

const AT = Date.UTC(2026, 10, 20)
const list = (...numbers: number[]): AreaCodeList => {
  const made = AreaCodeList.empty({ areaCode: 212, copiedAt: AT })
  for (const number of numbers) made.add(number)
  return made
}
const codeOf = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return error instanceof VoiceError ? error.code : error
  }
  return 'nothing was thrown'
}

describe('a list in memory', () => {
  test('holds the first and the last number that there can be', () => {
    const both = list(0, 9_999_999)
    expect([both.has(0), both.has(9_999_999), both.has(1), both.has(9_999_998)]).toEqual([true, true, false, false])
    expect(both.count).toBe(2)
  })

  test('counts a number once, and says whether it was new', () => {
    const some = list(5)
    expect([some.add(5), some.add(6), some.delete(5), some.delete(5)]).toEqual([false, true, true, false])
    expect(some.count).toBe(1)
  })

  test.each([-1, 10_000_000, 1.5, NaN])('refuses %s, which is no number within an area code', (number) => {
    expect(() => list().add(number)).toThrow(RangeError)
    expect(() => list().delete(number)).toThrow(RangeError)
    expect(list().has(number)).toBe(false)
  })

  test.each([199, 1000, 212.5, NaN])('is of no area code %s', (areaCode) => {
    expect(() => AreaCodeList.empty({ areaCode, copiedAt: AT })).toThrow(RangeError)
  })

  test('equals a set, whatever is added and deleted', () => {
    const change = fc.tuple(fc.integer({ min: 0, max: 9_999_999 }), fc.boolean())
    const near = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.boolean())
    fc.assert(
      fc.property(fc.array(fc.oneof(change, near), { maxLength: 200 }), (changes) => {
        const set = new Set<number>()
        const bits = list()
        for (const [number, isAdded] of changes) {
          if (isAdded) bits.add(number)
          else bits.delete(number)
          if (isAdded) set.add(number)
          else set.delete(number)
        }
        const asked = changes.flatMap(([number]) => [number, number + 1, Math.max(0, number - 8)])
        for (const number of asked) expect(bits.has(number)).toBe(set.has(number))
        expect(bits.count).toBe(set.size)
      }),
      { numRuns: 50 },
    )
  })
})

describe('a list as a file', () => {
  test('comes back as it was', () => {
    const bytes = list(0, 5550123, 9_999_999).encode()
    expect(bytes.byteLength).toBe(AREA_CODE_LIST_BYTES)
    const back = AreaCodeList.decode(bytes, 212)
    expect(back).toMatchObject({ areaCode: 212, copiedAt: AT, count: 3 })
    expect([back.has(5550123), back.has(5550124), back.has(9_999_999)]).toEqual([true, false, true])
  })

  test('is at most 1.3 MB', () => {
    expect(AREA_CODE_LIST_BYTES).toBeLessThanOrEqual(1_300_000)
  })

  test('that is cut anywhere, or too long, does not open', () => {
    const bytes = list(1).encode()
    for (const length of [0, 1, 63, 64, 65, 1000, AREA_CODE_LIST_BYTES - 1]) {
      expect(codeOf(() => AreaCodeList.decode(bytes.subarray(0, length), 212))).toBe('do_not_call_list_corrupt')
    }
    expect(codeOf(() => AreaCodeList.decode(Buffer.concat([bytes, Buffer.alloc(1)]), 212))).toBe(
      'do_not_call_list_corrupt',
    )
  })

  test('of another area code does not open', () => {
    expect(codeOf(() => AreaCodeList.decode(list(1).encode(), 213))).toBe('do_not_call_list_corrupt')
  })

  test('in which any one bit was turned does not open', () => {
    const bytes = list(1, 2, 3).encode()
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 64, max: AREA_CODE_LIST_BYTES - 1 })),
        fc.integer({ min: 0, max: 7 }),
        (at, bit) => {
          const broken = Uint8Array.from(bytes)
          broken[at]! ^= 1 << bit
          expect(codeOf(() => AreaCodeList.decode(broken, 212))).toBe('do_not_call_list_corrupt')
        },
      ),
      { numRuns: 120 },
    )
  })

  test('that is noise of the right length gives the typed error and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        const bytes = new Uint8Array(AREA_CODE_LIST_BYTES)
        bytes.set(noise)
        expect(codeOf(() => AreaCodeList.decode(bytes, 212))).toBe('do_not_call_list_corrupt')
        expect(codeOf(() => AreaCodeList.decode(noise, 212))).toBe('do_not_call_list_corrupt')
      }),
      { numRuns: 50 },
    )
  })

  test('the error names the area code and no number', () => {
    expect(() => AreaCodeList.decode(new Uint8Array(3), 212)).toThrow(
      expect.objectContaining({ details: { areaCode: 212 }, message: expect.stringContaining('it has 3 bytes') }),
    )
  })
})
