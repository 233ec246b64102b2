import fc from 'fast-check'
import { DateTime } from 'luxon'
import { describe, expect, test } from 'vitest'
import { addDays, instantOfWallTime, isTimeZone, wallTimeAt, weekdayOf } from '../../src/core/wall-clock.js'

const zones = ['America/New_York', 'America/Phoenix', 'Pacific/Honolulu', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe', 'UTC'] // prettier-ignore
const instants = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2040, 0) })

test('a wall clock shows what luxon says', () => {
  fc.assert(
    fc.property(instants, fc.constantFrom(...zones), (instantMs, zone) => {
      const there = DateTime.fromMillis(instantMs, { zone })
      expect(wallTimeAt(instantMs, zone)).toEqual({
        date: there.toISODate(),
        minutes: there.hour * 60 + there.minute,
        weekday: there.weekday % 7,
      })
    }),
    { numRuns: 2000 },
  )
})

describe('the instant that a wall clock means', () => {
  test('is the one at which it shows that time', () => {
    fc.assert(
      fc.property(instants, fc.constantFrom(...zones), (instantMs, zone) => {
        const { date, minutes } = wallTimeAt(instantMs, zone)
        const back = instantOfWallTime(date, minutes, zone)
        expect(wallTimeAt(back, zone)).toMatchObject({ date, minutes })
        expect(back).toBeLessThanOrEqual(instantMs)
      }),
      { numRuns: 2000 },
    )
  })

  test('is after the change for a time that is skipped, and the first of two for one that comes twice', () => {
    expect(new Date(instantOfWallTime('2026-03-08', 150, 'America/New_York')).toISOString()).toBe('2026-03-08T07:30:00.000Z') // prettier-ignore
    expect(new Date(instantOfWallTime('2026-11-01', 90, 'America/New_York')).toISOString()).toBe('2026-11-01T05:30:00.000Z') // prettier-ignore
  })
})

test('dates count across months, and know their weekday', () => {
  expect(addDays('2026-02-28', 1)).toBe('2026-03-01')
  expect(addDays('2024-03-01', -1)).toBe('2024-02-29')
  expect(weekdayOf('2026-11-27')).toBe(5)
})

test.each([['America/New_York', true], ['UTC', true], ['EST', false], ['Mars/Base', false], ['', false]])('%s is a time zone: %s', (zone, is) => expect(isTimeZone(zone)).toBe(is)) // prettier-ignore
