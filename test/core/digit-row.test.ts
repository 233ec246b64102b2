import { describe, expect, test } from 'vitest'
import { DigitRow } from '../../src/core/digit-row.js'
import { ManualClock } from '../../src/core/clock.js'

function setUp() {
  const clock = new ManualClock()
  const rows: string[] = []
  const row = new DigitRow(clock, (digits) => rows.push(digits))
  return { clock, rows, row, press: (digits: string) => { for (const digit of digits) row.receive(digit) } } // prettier-ignore
}

describe('DigitRow', () => {
  test('a pause of a second and a half ends a row; a key in time goes on with it', () => {
    const { clock, rows, press } = setUp()
    press('1')
    clock.advance(1400)
    press('2')
    clock.advance(1400)
    expect(rows).toEqual([])
    clock.advance(100)
    expect(rows).toEqual(['12'])
    expect(clock.pendingTimers).toBe(0)
  })

  test('# ends a row at once, and belongs to it', () => {
    const { clock, rows, press } = setUp()
    press('42#7')
    expect(rows).toEqual(['42#'])
    clock.advance(1500)
    expect(rows).toEqual(['42#', '7'])
  })

  test('a row that never pauses is handed on every 32 keys', () => {
    const { rows, press } = setUp()
    press('1'.repeat(70))
    expect(rows.map(({ length }) => length)).toEqual([32, 32])
  })

  test('closed it forgets, and leaves no timer', () => {
    const { clock, rows, row, press } = setUp()
    press('123')
    row.close()
    clock.advance(10_000)
    row.flush()
    expect(rows).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })
})
