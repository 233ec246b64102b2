import { describe, expect, test } from 'vitest'
import { businessHoursSummary, isOpenAt, openingOn, type BusinessHours } from '../../src/core/business-hours.js'

const day = { open: '09:00', close: '17:00', enabled: true }
const weekdays: BusinessHours = { monday: day, tuesday: day, wednesday: day, thursday: day, friday: day }

describe('in words', () => {
  test.each<[string, BusinessHours, string]>([
    ['a plain week', weekdays, "We're open Monday through Friday from 09:00 to 17:00."],
    ['a short Saturday', { ...weekdays, saturday: { open: '10:00', close: '14:00', enabled: true } }, "We're open Monday through Friday from 09:00 to 17:00 and Saturday from 10:00 to 14:00."],
    ['a day off in the middle', { ...weekdays, wednesday: { ...day, enabled: false } }, "We're open Monday and Tuesday from 09:00 to 17:00 and Thursday and Friday from 09:00 to 17:00."],
    ['three kinds of days', { monday: day, wednesday: { ...day, close: '20:00' }, sunday: day }, "We're open Monday from 09:00 to 17:00, Wednesday from 09:00 to 20:00 and Sunday from 09:00 to 17:00."],
    ['hours that make no sense are closed', { monday: { open: '17:00', close: '09:00', enabled: true }, tuesday: day }, "We're open Tuesday from 09:00 to 17:00."],
    ['never', {}, "We're currently closed on all days."],
  ])('%s', (_name, hours, sentence) => expect(businessHoursSummary(hours)).toBe(sentence)) // prettier-ignore
})

test('open from the first minute to just before the last, on the clock of the place', () => {
  const zone = 'America/Los_Angeles'
  const at = (iso: string): boolean => isOpenAt(Date.parse(iso), weekdays, zone)
  expect(at('2026-11-27T16:59:59Z')).toBe(false)
  expect(at('2026-11-27T17:00:00Z')).toBe(true)
  expect(at('2026-11-28T00:59:59Z')).toBe(true)
  expect(at('2026-11-28T01:00:00Z')).toBe(false)
  expect(at('2026-11-28T18:00:00Z')).toBe(false)
})

test('a day that lasts to midnight ends with the next', () => {
  const opening = openingOn('2026-11-27', { friday: { open: '22:00', close: '24:00', enabled: true } }, 'UTC')
  expect(opening).toEqual({ startMs: Date.UTC(2026, 10, 27, 22), endMs: Date.UTC(2026, 10, 28) })
})
