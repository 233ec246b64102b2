import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isAbandoned,
  judgeAbandonment,
  rangLongEnough,
  ringTimeoutSeconds,
  type AnsweredCall,
} from '../../src/compliance/abandonment.js'

const NOW = Date.UTC(2026, 10, 25)
const DAY_MS = 86_400_000
const call = (change: Partial<AnsweredCall> = {}): AnsweredCall => ({
  campaignId: 'autumn',
  answeredAt: NOW - DAY_MS,
  answeredBy: 'person',
  greetingEndedAt: NOW - DAY_MS + 1000,
  messageStartedAt: NOW - DAY_MS + 2000,
  ...change,
})
const abandoned = call({ messageStartedAt: null })
const many = (count: number, one: AnsweredCall): AnsweredCall[] => Array.from({ length: count }, () => one)
const judge = (calls: readonly AnsweredCall[], minCalls?: number) =>
  judgeAbandonment(calls, { campaignId: 'autumn', now: NOW, ...(minCalls === undefined ? {} : { minCalls }) })

describe('a call is abandoned', () => {
  test.each([
    ['two seconds after the greeting', 2000, false],
    ['a millisecond later', 2001, true],
    ['over the greeting', -500, false],
  ])('by when the message began: %s', (_, afterGreetingMs, isIt) => {
    expect(isAbandoned(call({ greetingEndedAt: 10_000, messageStartedAt: 10_000 + afterGreetingMs }))).toBe(isIt)
  })

  test('when no message began, whoever answered', () => {
    expect(isAbandoned(abandoned)).toBe(true)
    expect(isAbandoned(call({ messageStartedAt: null, answeredBy: 'unknown' }))).toBe(true)
    expect(isAbandoned(call({ messageStartedAt: null, answeredBy: 'machine' }))).toBe(false)
    expect(isAbandoned(call({ messageStartedAt: null, answeredAt: null }))).toBe(false)
  })

  test('counted from the answer when nobody knows when the greeting ended', () => {
    expect(isAbandoned(call({ answeredAt: 0, greetingEndedAt: null, messageStartedAt: 2000 }))).toBe(false)
    expect(isAbandoned(call({ answeredAt: 0, greetingEndedAt: null, messageStartedAt: 2001 }))).toBe(true)
  })
})

describe('a campaign', () => {
  test('goes on at 3 % exactly and stops beyond', () => {
    expect(judge([...many(97, call()), ...many(3, abandoned)])).toMatchObject({
      outcome: 'go-on',
      answered: 100,
      abandoned: 3,
      rate: 0.03,
    })
    expect(judge([...many(96, call()), ...many(3, abandoned)])).toMatchObject({
      outcome: 'stop',
      answered: 99,
      abandoned: 3,
    })
  })

  test('without an answered call goes on', () => {
    expect(judge([])).toEqual({ outcome: 'go-on', answered: 0, abandoned: 0, rate: 0, cite: '47 CFR 64.1200(a)(7)' })
  })

  test('stops at its first abandoned call, unless it may be judged over more calls', () => {
    expect(judge([abandoned]).outcome).toBe('stop')
    expect(judge(many(3, abandoned), 100).outcome).toBe('go-on')
    expect(judge(many(4, abandoned), 100).outcome).toBe('stop')
    expect(() => judge([], 0)).toThrow(RangeError)
  })

  test('is judged over 30 × 24 hours: a call that old counts no more', () => {
    const old = (ageMs: number) => call({ answeredAt: NOW - ageMs, messageStartedAt: null })
    expect(judge([old(30 * DAY_MS)]).answered).toBe(0)
    expect(judge([old(30 * DAY_MS - 1)]).outcome).toBe('stop')
    expect(judge([old(-1)]).answered).toBe(0)
  })

  test('is not judged by machines, unanswered calls and other campaigns', () => {
    const others = [
      call({ campaignId: 'spring', messageStartedAt: null }),
      call({ campaignId: null, messageStartedAt: null }),
    ]
    const none = [call({ answeredBy: 'machine', messageStartedAt: null }), call({ answeredAt: null })]
    expect(judge([...others, ...none])).toMatchObject({ outcome: 'go-on', answered: 0 })
  })

  test('that goes on never has more than 3 abandoned calls in a hundred', () => {
    fc.assert(
      fc.property(fc.nat({ max: 400 }), fc.nat({ max: 20 }), (good, bad) => {
        const { outcome, answered, rate } = judge([...many(good, call()), ...many(bad, abandoned)])
        expect(answered).toBe(good + bad)
        expect(outcome).toBe(bad * 100 <= (good + bad) * 3 ? 'go-on' : 'stop')
        if (outcome === 'go-on') expect(rate).toBeLessThanOrEqual(0.03)
      }),
    )
  })
})

describe('ringing', () => {
  test('is long enough at 15 seconds or 4 rings', () => {
    expect(rangLongEnough({ ringMs: 15_000 })).toBe(true)
    expect(rangLongEnough({ ringMs: 14_999 })).toBe(false)
    expect(rangLongEnough({ ringMs: 14_999, rings: 3 })).toBe(false)
    expect(rangLongEnough({ ringMs: 9000, rings: 4 })).toBe(true)
  })

  test('cannot be set to less', () => {
    expect(ringTimeoutSeconds(15)).toBe(15)
    for (const seconds of [14, 0, 15.5, NaN]) expect(() => ringTimeoutSeconds(seconds)).toThrow(RangeError)
  })
})
