import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evaluate } from '../../src/compliance/evaluate.js'
import { consentOf, DAY, factsOf, HOUR, MINUTE, NOON, numberIn, policyOf } from './support/facts.js'
import { AREA_CODES, isLawful, STATE_RULES, type OracleCall } from './support/oracle.js'

const MODES = ['stateAutomated', 'state', 'federal'] as const
const policies = Object.fromEntries(MODES.map((mode) => [mode, policyOf({ mode })]))
const usCodes = AREA_CODES.npas
  .filter((row) => row.country === 'US' && row.type === 'geographic' && row.status === 'in-service')
  .map((row) => row.npa)
const splitCodes = AREA_CODES.npas
  .filter((row) => row.country === 'US' && row.timezones.length > 1)
  .map((row) => row.npa)
const narrowStates = Object.keys(STATE_RULES.states).filter((code) => STATE_RULES.states[code]!.stricterThanFederal)

const FROM = Date.UTC(2026, 0, 3)
const UNTIL = Date.UTC(2030, 10, 1)
const MARCH = Date.UTC(2027, 2, 14, 7) // clocks go forward at 02:00 in New York
const NOVEMBER = Date.UTC(2027, 10, 7, 6) // and back
const CHRISTMAS = Date.UTC(2026, 11, 24, 12)

const moment = fc.oneof(
  fc.integer({ min: FROM, max: UNTIL }),
  fc.integer({ min: FROM / MINUTE, max: UNTIL / MINUTE }).map((minute) => minute * MINUTE),
  fc.constantFrom(MARCH, NOVEMBER, CHRISTMAS).chain((at) => fc.integer({ min: at - 2 * DAY, max: at + 2 * DAY })),
)

const call = moment.chain((at) =>
  fc.record({
    at: fc.constant(at),
    call: fc.record<OracleCall>({
      areaCode: fc.oneof(
        fc.constantFrom(...usCodes),
        fc.constantFrom(...splitCodes, '207', '401', '215', '504', '928'),
      ),
      state: fc.option(fc.oneof(fc.constantFrom(...Object.keys(STATE_RULES.states)), fc.constantFrom(...narrowStates))),
      timeZone: fc.option(
        fc.constantFrom(
          'America/Denver',
          'America/Indiana/Knox',
          'America/Phoenix',
          'Pacific/Honolulu',
          'Asia/Kathmandu',
        ),
        { freq: 6 },
      ),
      attemptsAt: fc.array(fc.integer({ min: at - 26 * HOUR, max: at + HOUR }), { maxLength: 6 }),
      mode: fc.constantFrom(...MODES),
    }),
  }),
)

function decide({ areaCode, state, timeZone, attemptsAt, mode }: OracleCall, at: number): ReturnType<typeof evaluate> {
  const clear = { isListed: false, copiedAt: at }
  const states = Object.fromEntries(Object.keys(STATE_RULES.states).map((code) => [code, clear]))
  const doNotCall = { national: clear, states, isInternal: false }
  const facts = factsOf({ phoneNumber: numberIn(areaCode), state, timeZone, attemptsAt, doNotCall })
  return evaluate(facts, policies[mode]!, at)
}

describe('against a second reading of the sources, with luxon', () => {
  test('a call is allowed exactly when hours and caps are', () => {
    fc.assert(
      fc.property(call, ({ call, at }) => {
        expect(decide(call, at).outcome).toBe(isLawful(call, at) ? 'allow' : 'refuse')
      }),
      { numRuns: 1500 },
    )
  })

  test('the next moment is allowed, and no minute before it is', () => {
    fc.assert(
      fc.property(call, ({ call, at }) => {
        const decision = decide(call, at)
        if (decision.outcome === 'allow') return
        const next = decision.nextAllowedAt
        expect(next).not.toBeNull()
        expect(next!).toBeGreaterThan(at)
        expect(isLawful(call, next!)).toBe(true)
        expect(isLawful(call, next! - 1)).toBe(false)
        for (let minute = Math.ceil(at / MINUTE) * MINUTE; minute < next!; minute += MINUTE) {
          if (isLawful(call, minute)) expect.fail(`${new Date(minute).toISOString()} is allowed already`)
        }
      }),
      { numRuns: 200 },
    )
  }, 120_000)
})

test('the next moment, asked again, is allowed by the engine itself, and a millisecond earlier is not', () => {
  fc.assert(
    fc.property(call, ({ call, at }) => {
      const decision = decide(call, at)
      if (decision.outcome === 'allow' || decision.nextAllowedAt === null) return
      expect(decide(call, decision.nextAllowedAt).outcome).toBe('allow')
      expect(decide(call, decision.nextAllowedAt - 1).outcome).toBe('refuse')
    }),
    { numRuns: 1500 },
  )
})

describe('nextAllowedAt is given only when time and caps alone stand in the way', () => {
  const night = Date.parse('2026-11-30T22:00:00-05:00')
  const morning = Date.parse('2026-12-01T08:00:00-05:00')
  const next = (changes: object, options = {}): unknown => evaluate(factsOf(changes), policyOf(options), night)

  test('tomorrow at eight', () => {
    expect(next({})).toMatchObject({ failedChecks: ['withinCallingHours'], nextAllowedAt: morning })
  })

  test('not before the caps have room', () => {
    const attemptsAt = [1, 2, 3].map((hours) => morning - 24 * HOUR + hours * HOUR)
    expect(next({ attemptsAt })).toMatchObject({
      failedChecks: ['withinCallingHours', 'rateLimitOK'],
      nextAllowedAt: morning + HOUR,
    })
  })

  test('not when the place is refused elsewhere until later', () => {
    expect(next({ attemptsRefusedUntilAt: morning + 5 })).toMatchObject({ nextAllowedAt: morning + 5 })
  })

  test.each<[string, object]>([
    ['another check fails', { automatedCallsAllowed: false }],
    ['the consent will have expired', { consent: consentOf({ expiresAt: morning }) }],
    ['the consent will have been revoked', { consent: consentOf({ revokedAt: morning }) }],
    [
      'the registry copy will be stale',
      { doNotCall: { national: { isListed: false, copiedAt: night - 31 * DAY }, states: {}, isInternal: false } },
    ],
    ['the zone is unknown', { timeZone: 'Mars/Olympus' }],
    ['the attempts are unknown', { attemptsAt: null }],
  ])('none when %s', (_name, changes) => {
    expect(next(changes)).toMatchObject({ outcome: 'refuse', nextAllowedAt: null })
  })

  test('a consent that expires a millisecond later still counts', () => {
    expect(next({ consent: consentOf({ expiresAt: morning + 1 }) })).toMatchObject({ nextAllowedAt: morning })
  })

  test('none when the windows never meet', () => {
    expect(next({}, { states: { NY: { callingHours: [0, 60] } } })).toMatchObject({ nextAllowedAt: null })
  })

  test('Pennsylvania over the holidays: Saturday noon to Monday, and Christmas is left out', () => {
    const pennsylvania = { phoneNumber: numberIn('215') }
    const at = Date.parse('2026-12-24T19:00:00-05:00')
    expect(
      evaluate(
        factsOf({
          ...pennsylvania,
          doNotCall: { ...factsOf().doNotCall!, national: { isListed: false, copiedAt: at } },
        }),
        policyOf(),
        at,
      ),
    ).toMatchObject({ nextAllowedAt: Date.parse('2026-12-26T09:00:00-05:00') })
    expect(NOON).toBeLessThan(at)
  })
})
