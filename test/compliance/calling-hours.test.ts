import { describe, expect, test } from 'vitest'
import { evaluate } from '../../src/compliance/evaluate.js'
import type { CallFacts } from '../../src/compliance/facts.js'
import type { PolicyOptions } from '../../src/compliance/policy.js'
import { factsOf, numberIn, policyOf } from './support/facts.js'

/** What the hours say about a number at a moment given in ISO 8601. */
function hours(areaCode: string, iso: string, changes: Partial<CallFacts> = {}, options: PolicyOptions = {}): string {
  const decision = evaluate(
    factsOf({ phoneNumber: numberIn(areaCode), ...changes }),
    policyOf(options),
    Date.parse(iso),
  )
  const finding = decision.findings.find(({ check }) => check === 'withinCallingHours')!
  return finding.outcome === 'failed' ? finding.reasons.join(' ') : finding.outcome
}

describe('the edges of the window', () => {
  test.each([
    ['07:59:59.999', 'too-early'],
    ['08:00:00.000', 'passed'],
    ['20:59:59.999', 'passed'],
    ['21:00:00.000', 'too-late'],
    ['23:59:59.999', 'too-late'],
    ['00:00:00.000', 'too-early'],
  ])('New York at %s: %s', (time, expected) => {
    expect(hours('212', `2026-11-30T${time}-05:00`)).toBe(expected)
    expect(hours('212', `2026-07-15T${time}-04:00`)).toBe(expected)
  })
})

describe('states, as their statutes were read', () => {
  test.each([
    // state, area code, moment with the local offset, in all modes from the narrowest: stateAutomated, state, federal
    ['California: devices from 9', '415', '2026-11-30T08:59:59-08:00', 'too-early', 'passed', 'passed'],
    ['California: devices from 9', '415', '2026-11-30T09:00:00-08:00', 'passed', 'passed', 'passed'],
    ['Illinois: devices from 9', '312', '2026-11-30T08:30:00-06:00', 'too-early', 'passed', 'passed'],
    ['Indiana: devices 9 to 20', '317', '2026-11-30T20:00:00-05:00', 'too-late', 'passed', 'passed'],
    ['Florida to 20', '305', '2026-11-30T20:00:00-05:00', 'too-late', 'too-late', 'passed'],
    ['Florida to 20', '305', '2026-11-30T19:59:59-05:00', 'passed', 'passed', 'passed'],
    ['Connecticut from 9', '203', '2026-11-30T08:59:00-05:00', 'too-early', 'too-early', 'passed'],
    ['Kentucky from 10', '502', '2026-11-30T09:59:00-05:00', 'too-early', 'too-early', 'passed'],
    ['Alabama on Sunday', '205', '2026-11-29T12:00:00-06:00', 'closed-weekday', 'closed-weekday', 'passed'],
    ['Mississippi on Sunday', '601', '2026-11-29T12:00:00-06:00', 'closed-weekday', 'closed-weekday', 'passed'],
    ['Texas on Sunday from 12', '214', '2026-11-29T11:59:00-06:00', 'too-early', 'too-early', 'passed'],
    ['Texas on Sunday from 12', '214', '2026-11-29T12:00:00-06:00', 'passed', 'passed', 'passed'],
    ['Maine: devices on weekdays', '207', '2026-11-28T12:00:00-05:00', 'closed-weekday', 'passed', 'passed'],
    ['Maine: devices to 17', '207', '2026-11-30T17:00:00-05:00', 'too-late', 'passed', 'passed'],
    ['Nebraska: devices on Sunday from 13', '402', '2026-11-29T12:59:00-06:00', 'too-early', 'passed', 'passed'],
    ['Nebraska: devices on Thanksgiving from 13', '402', '2026-11-26T12:59:00-06:00', 'too-early', 'passed', 'passed'],
    ['Nebraska: devices on Thanksgiving from 13', '402', '2026-11-26T13:00:00-06:00', 'passed', 'passed', 'passed'],
    ['South Dakota: devices not on Saturday', '605', '2026-11-28T12:00:00-06:00', 'closed-weekday', 'passed', 'passed'],
    ['South Carolina: devices to 19', '803', '2026-11-30T19:00:00-05:00', 'too-late', 'passed', 'passed'],
    ['Rhode Island to 18', '401', '2026-11-30T18:00:00-05:00', 'too-late', 'too-late', 'passed'],
    ['Rhode Island on Saturday from 10', '401', '2026-11-28T09:59:00-05:00', 'too-early', 'too-early', 'passed'],
    ['Rhode Island on Victory Day', '401', '2026-08-10T12:00:00-04:00', 'holiday', 'holiday', 'passed'],
    ['Pennsylvania to 19', '215', '2026-11-30T19:00:00-05:00', 'too-late', 'too-late', 'passed'],
    ['Pennsylvania on Christmas', '215', '2026-12-25T12:00:00-05:00', 'holiday', 'holiday', 'passed'],
    ['Utah on Pioneer Day', '801', '2026-07-24T12:00:00-06:00', 'holiday', 'holiday', 'passed'],
    ['Louisiana on Mardi Gras', '504', '2026-02-17T12:00:00-06:00', 'holiday', 'holiday', 'passed'],
    ['Nevada 9 to 20', '702', '2026-11-30T08:30:00-08:00', 'too-early', 'too-early', 'passed'],
    ['Oregon to 20', '503', '2026-11-30T20:00:00-08:00', 'too-late', 'too-late', 'passed'],
    ['Washington to 20', '206', '2026-11-30T20:00:00-08:00', 'too-late', 'too-late', 'passed'],
    ['Puerto Rico keeps one clock', '787', '2026-07-15T20:59:00-04:00', 'passed', 'passed', 'passed'],
    ['Hawaii keeps one clock', '808', '2026-07-15T08:00:00-10:00', 'passed', 'passed', 'passed'],
    ['Guam', '671', '2026-11-30T07:59:00+10:00', 'too-early', 'too-early', 'too-early'],
  ])('%s (%s at %s)', (_name, areaCode, iso, stateAutomated, state, federal) => {
    expect(hours(areaCode, iso)).toBe(stateAutomated)
    expect(hours(areaCode, iso, {}, { mode: 'state' })).toBe(state)
    expect(hours(areaCode, iso, {}, { mode: 'federal' })).toBe(federal)
  })

  test('a moment is judged by the law of its day: Pennsylvania before Act 47 closed at 21:00', () => {
    expect(hours('215', '2026-10-17T20:30:00-04:00')).toBe('passed')
    expect(hours('215', '2026-10-19T20:30:00-04:00')).toBe('too-late')
  })

  test('a year whose holidays are not known is closed where holidays are', () => {
    expect(hours('215', '2031-03-05T12:00:00-05:00')).toBe('holidays-unknown')
    expect(hours('212', '2031-03-05T12:00:00-05:00')).toBe('passed')
  })

  test('the rules of the lead’s state and of the area code’s state both hold', () => {
    // A Florida number (to 20:00) of somebody in Kentucky (from 10:00), whose two zones both have to be open.
    const kentucky = { state: 'KY' }
    expect(hours('305', '2026-11-30T10:59:00-05:00', kentucky)).toBe('too-early')
    expect(hours('305', '2026-11-30T11:00:00-05:00', kentucky)).toBe('passed')
    expect(hours('305', '2026-11-30T20:00:00-05:00', kentucky)).toBe('too-late')
  })
})

describe('zones', () => {
  test('a split area code has to be inside on every clock', () => {
    expect(hours('850', '2026-11-30T08:30:00-05:00')).toBe('too-early') // 07:30 in Pensacola
    expect(hours('850', '2026-11-30T09:00:00-05:00')).toBe('passed')
    expect(hours('850', '2026-11-30T20:00:00-05:00')).toBe('too-late')
  })

  test('the Navajo Nation changes its clock and the rest of Arizona does not', () => {
    expect(hours('928', '2026-07-15T08:00:00-06:00')).toBe('too-early') // 07:00 in Flagstaff
    expect(hours('928', '2026-07-15T08:00:00-07:00')).toBe('passed')
    expect(hours('928', '2026-01-15T08:00:00-07:00')).toBe('passed')
    expect(hours('602', '2026-07-15T08:00:00-07:00')).toBe('passed')
  })

  test('the western Aleutians hold Alaska back by an hour', () => {
    expect(hours('907', '2026-11-30T08:30:00-09:00')).toBe('too-early')
    expect(hours('907', '2026-11-30T08:00:00-10:00')).toBe('passed')
  })

  test('evidence in order: explicit zone, postal code, named state, area code', () => {
    const early = '2026-11-30T09:30:00-05:00' // 09:30 New York, 08:30 Chicago, 07:30 Denver
    const denver = { timeZones: ['America/Denver'], state: 'CO' }
    expect(hours('212', early)).toBe('passed')
    expect(hours('212', early, { state: 'CO' })).toBe('too-early')
    expect(hours('212', early, { state: 'CO', postalCode: { timeZones: ['America/Chicago'] } })).toBe('passed')
    expect(hours('212', early, { postalCode: denver, timeZone: 'America/New_York' })).toBe('passed')
    expect(hours('212', early, { timeZone: 'America/Denver' })).toBe('too-early')
    expect(hours('212', early, { postalCode: { timeZones: ['America/New_York', 'America/Denver'] } })).toBe('too-early')
    expect(hours('212', early, { postalCode: { timeZones: [], state: 'NY' } })).toBe('passed')
  })

  test('an explicit zone in a split area code settles which clock it is', () => {
    expect(hours('850', '2026-11-30T08:30:00-05:00', { timeZone: 'America/New_York' })).toBe('passed')
  })

  test.each(['EST', 'Mars/Olympus', '', 'America', 'America/New_York; DROP', 'UTC', 'Eastern Standard Time', 7, {}])(
    'a zone that cannot be read refuses and does not fall back: %j',
    (timeZone) => {
      expect(hours('212', '2026-11-30T12:00:00-05:00', { timeZone: timeZone as never })).toBe('zone-unknown')
    },
  )

  test.each(['XX', 'New York', 'ny', ''])('a state that does not exist refuses: %j', (state) => {
    expect(hours('212', '2026-11-30T12:00:00-05:00', { state })).toBe('state-unknown')
  })

  test('a number whose place is not supported is not asked about its hours', () => {
    expect(hours('800', '2026-11-30T12:00:00-05:00')).toBe('skipped')
    expect(hours('416', '2026-11-30T12:00:00-05:00', { timeZone: 'America/Toronto' })).toBe('skipped')
  })
})

describe('clock changes of 2026', () => {
  test('the day the clock goes forward opens at 08:00 of the new clock', () => {
    expect(hours('212', '2026-03-08T11:59:59.999Z')).toBe('too-early')
    expect(hours('212', '2026-03-08T12:00:00Z')).toBe('passed')
  })

  test('the day the clock goes back opens at 08:00 of the old clock', () => {
    expect(hours('212', '2026-11-01T12:59:59.999Z')).toBe('too-early')
    expect(hours('212', '2026-11-01T13:00:00Z')).toBe('passed')
  })

  test('24 hours are elapsed hours on a day of 25', () => {
    const call = Date.parse('2026-10-31T20:00:00-04:00')
    const doNotCall = { ...factsOf().doNotCall!, national: { isListed: false, copiedAt: call } }
    const facts = factsOf({ attemptsAt: [call, call - 1, call - 2], doNotCall })
    const at = Date.parse('2026-11-01T18:59:00-05:00') // 23:59 elapsed, nearly a calendar day
    const decision = evaluate(facts, policyOf(), at)
    expect(decision).toMatchObject({ outcome: 'refuse', failedChecks: ['rateLimitOK'] })
    expect(decision).toMatchObject({ nextAllowedAt: Date.parse('2026-11-01T19:00:00-05:00') - 2 })
  })
})

describe('what a host narrows', () => {
  test('its own hours', () => {
    const options = { callingHours: { start: '10:30', end: '18:00' } }
    expect(hours('212', '2026-11-30T10:29:00-05:00', {}, options)).toBe('too-early')
    expect(hours('212', '2026-11-30T18:00:00-05:00', {}, options)).toBe('too-late')
  })

  test('hours and dates of one state', () => {
    const options: PolicyOptions = { states: { NY: { callingHours: [600, 1440], closedDates: ['2026-12-24'] } } }
    expect(hours('212', '2026-11-30T09:59:00-05:00', {}, options)).toBe('too-early')
    expect(hours('212', '2026-11-30T21:00:00-05:00', {}, options)).toBe('too-late')
    expect(hours('212', '2026-12-24T12:00:00-05:00', {}, options)).toBe('closed-date')
    expect(hours('415', '2026-12-24T12:00:00-08:00', {}, options)).toBe('passed')
  })

  test('down to nothing', () => {
    const options: PolicyOptions = { states: { RI: { callingHours: [480, 540] } } }
    expect(hours('401', '2026-11-30T08:30:00-05:00', {}, options)).toBe('no-common-hours')
  })
})
