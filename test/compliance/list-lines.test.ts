import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ListLines } from '../../src/compliance/do-not-call-list/list-lines.js'

function read(text: string | Uint8Array, kind: 'full' | 'changes' = 'full', cuts: readonly number[] = []) {
  const found: string[] = []
  const lines = new ListLines(kind, {
    onNumber: (areaCode, subscriber, change) =>
      found.push(`${change[0]} ${areaCode} ${String(subscriber).padStart(7, '0')}`),
    onWrong: (line, reason) => found.push(`line ${line}: ${reason}`),
  })
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  let at = 0
  for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    lines.push(bytes.subarray(at, cut))
    at = cut
  }
  lines.end()
  return { found, lines: lines.lines }
}

describe('a full list', () => {
  test('is one number a line, area code and number apart by a comma', () => {
    expect(read('201,2345678\n201,0000001\n').found).toEqual(['a 201 2345678', 'a 201 0000001'])
  })

  test.each([
    ['LF', '201,2345678\n202,5550123\n'],
    ['CR LF', '201,2345678\r\n202,5550123\r\n'],
    ['CR', '201,2345678\r202,5550123\r'],
    ['no end after the last line', '201,2345678\n202,5550123'],
    ['empty lines', '\n201,2345678\n\r\n\n202,5550123\n\n'],
    ['a byte order mark', '\ufeff201,2345678\n202,5550123\n'],
    ['ten digits', '2012345678\n2025550123\n'],
    ['spaces', ' 201 , 2345678 \n202,5550123\t\n'],
  ])('is read with %s', (_, text) => {
    expect(read(text).found).toEqual(['a 201 2345678', 'a 202 5550123'])
  })

  test.each([
    ['a header', 'AreaCode,Phone', 'not-a-number'],
    ['six digits', '201,234567', 'not-a-number'],
    ['eight digits', '201,23456789', 'not-a-number'],
    ['letters', '201,23456A8', 'not-a-number'],
    ['a sign', '201,-234567', 'not-a-number'],
    ['an area code that cannot be', '101,2345678', 'not-an-area-code'],
    ['a line of the change list', '201,2345678,2026-11-20,A', 'too-many-items'],
    ['a line that does not end', '2'.repeat(101), 'too-long'],
    ['a very long line', '2'.repeat(100_000), 'too-long'],
    ['zeros of memory', '\0\0\0\0', 'not-a-number'],
  ])('with %s has a wrong line, and the next one is read', (_, line, reason) => {
    expect(read(`201,0000001\n${line}\n201,0000002`).found).toEqual([
      'a 201 0000001',
      `line 2: ${reason}`,
      'a 201 0000002',
    ])
  })

  test('counts lines as an editor does, empty ones too', () => {
    expect(read('\r\n\r\n201,1234567\r\nwrong\r\n')).toEqual({
      found: ['a 201 1234567', 'line 4: not-a-number'],
      lines: 4,
    })
  })
})

describe('a change list', () => {
  test.each([
    ['date, letter', '201,2345678,2026-11-20,D'],
    ['letter, date', '201,2345678,D,2026-11-20'],
    ['a time of day', '201,2345678,2026-11-20T08:30:00,D'],
    ['a time with a zone', '201,2345678,2026-11-20 08:30:00.5-05:00,D'],
    ['the American form', '201,2345678,11/20/2026 8:30:00 AM,D'],
    ['eight digits', '2012345678,20261120,d'],
  ])('is read with %s', (_, line) => {
    expect(read(line, 'changes').found).toEqual(['d 201 2345678'])
  })

  test.each([
    ['no letter', '201,2345678,2026-11-20', 'no-change-letter'],
    ['another letter', '201,2345678,2026-11-20,C', 'no-change-letter'],
    ['no date', '201,2345678,A', 'not-a-date'],
    ['a day that is not', '201,2345678,2026-02-30,A', 'not-a-date'],
    ['a month that is not', '201,2345678,2026-13-01,A', 'not-a-date'],
    ['more items', '201,2345678,2026-11-20,A,B', 'too-many-items'],
    ['a line of a full list', '201,2345678', 'no-change-letter'],
  ])('with %s has a wrong line', (_, line, reason) => {
    expect(read(line, 'changes').found).toEqual([`line 1: ${reason}`])
  })

  test('keeps the order of its lines', () => {
    const text = '201,1234567,2026-11-20,A\n201,1234567,2026-11-21,D\n201,1234567,2026-11-22,A\n'
    expect(read(text, 'changes').found).toEqual(['a 201 1234567', 'd 201 1234567', 'a 201 1234567'])
  })
})

const messy = fc.array(
  fc.oneof(
    fc.constantFrom('201,2345678', '2025550123', 'x', '', '999,0000000', '100,1111111', '2'.repeat(120), '201,1,A'),
    fc.constantFrom('201,2345678,2026-11-20,A', '201,2345678,D,20261120', '201,2345678,2026-99-20,A'),
    fc.string({ maxLength: 20 }),
  ),
  { maxLength: 12 },
)

test('is read the same however the file is cut into chunks', () => {
  fc.assert(
    fc.property(
      messy,
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.constantFrom('full' as const, 'changes' as const),
      fc.array(fc.nat(), { maxLength: 30 }),
      (texts, end, kind, cuts) => {
        const text = texts.join(end)
        expect(read(text, kind, cuts)).toEqual(read(text, kind))
      },
    ),
    { numRuns: 500 },
  )
})

test('any bytes give numbers or wrong lines, and never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.boolean(), (bytes, isFull) => {
      for (const line of read(bytes, isFull ? 'full' : 'changes').found)
        expect(line).toMatch(/^([ad] \d{3} \d{7}|line )/)
    }),
    { numRuns: 500 },
  )
})
