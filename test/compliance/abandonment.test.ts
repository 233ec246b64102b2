import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeAbandonment, rangLongEnough, ringTimeoutSeconds } from '../../src/compliance/abandonment.js'
import { callRecord, type CallRecord } from '../../src/records/call.js'
import { abandonmentOf } from '../../src/records/call-status.js'

const NOW = Date.UTC(2026, 10, 25)
const DAY_MS = 86_400_000
const ANSWERED_AT = NOW - DAY_MS
const call = (change: Partial<CallRecord> = {}): CallRecord => ({
  ...callRecord.parse({
    tenantId: 't', callSid: 'CA1', direction: 'outbound', from: '+12025550100', to: '+12025550101', callStatus: 'completed', campaignId: 'autumn',
    createdAt: ANSWERED_AT - 5000, updatedAt: NOW, answeredAt: ANSWERED_AT, greetingEndedAt: ANSWERED_AT + 1000, messageStartedAt: ANSWERED_AT + 2000,
    endedAt: ANSWERED_AT + 60_000,
  }), // prettier-ignore
  ...change,
})
const silent = { greetingEndedAt: null, messageStartedAt: null }
const abandoned = call(silent)
const many = (count: number, one: CallRecord): CallRecord[] => Array.from({ length: count }, () => one)
const judge = (calls: readonly CallRecord[], minAnswered?: number) =>
  judgeAbandonment(calls, { campaignId: 'autumn', now: NOW, ...(minAnswered === undefined ? {} : { minAnswered }) })

describe('a call that we placed', () => {
  test.each<[string, Partial<CallRecord>, ReturnType<typeof abandonmentOf>]>([
    ['the message two seconds after the greeting', { messageStartedAt: ANSWERED_AT + 3000 }, 'in-time'],
    ['a millisecond later', { messageStartedAt: ANSWERED_AT + 3001 }, 'abandoned'],
    ['over the greeting', { messageStartedAt: ANSWERED_AT + 500 }, 'in-time'],
    ['two seconds after the answer, the greeting unknown', { greetingEndedAt: null }, 'in-time'],
    [
      'a millisecond later, the greeting unknown',
      { greetingEndedAt: null, messageStartedAt: ANSWERED_AT + 2001 },
      'abandoned',
    ],
    ['no message', silent, 'abandoned'],
    ['no message, nobody knows who answered', { ...silent, answeredBy: 'unknown' }, 'abandoned'],
    ['no message, to a machine', { ...silent, answeredBy: 'machine_end_beep' }, 'not-counted'],
    ['no message, to a fax', { ...silent, answeredBy: 'fax' }, 'not-counted'],
    ['no message, to a person', { ...silent, answeredBy: 'human' }, 'abandoned'],
    ['no message, they hung up after two seconds', { ...silent, endedAt: ANSWERED_AT + 2000 }, 'not-counted'],
    ['no message, they waited a millisecond more', { ...silent, endedAt: ANSWERED_AT + 2001 }, 'abandoned'],
    ['no message, the moment of the answer was lost', { ...silent, answeredAt: null }, 'abandoned'],
    ['the message, the moment of the answer was lost', { answeredAt: null, greetingEndedAt: null }, 'in-time'],
    ['no message yet', { ...silent, callStatus: 'in-progress', endedAt: null }, 'not-counted'],
    [
      'a message that began too late, and goes on',
      { messageStartedAt: ANSWERED_AT + 3001, callStatus: 'in-progress' },
      'abandoned',
    ],
    ['nobody answered', { ...silent, answeredAt: null, callStatus: 'no-answer' }, 'not-counted'],
    ['ElevenLabs had the sound and has not told', { ...silent, via: 'register-call' }, 'not-counted'],
    [
      'ElevenLabs had the sound and told of a late word',
      { via: 'register-call', messageStartedAt: ANSWERED_AT + 9000 },
      'abandoned',
    ],
    ['somebody called us', { ...silent, direction: 'inbound' }, 'not-counted'],
  ])('%s', (_, change, expected) => {
    expect(abandonmentOf(call(change))).toBe(expected)
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
    const old = (ageMs: number) => call({ ...silent, createdAt: NOW - ageMs })
    expect(judge([old(30 * DAY_MS)]).answered).toBe(0)
    expect(judge([old(30 * DAY_MS - 1)]).outcome).toBe('stop')
    expect(judge([old(-1)]).answered).toBe(0)
  })

  test('is not judged by machines, unanswered calls and other campaigns', () => {
    const others = [call({ ...silent, campaignId: 'spring' }), call({ ...silent, campaignId: null })]
    const none = [
      call({ ...silent, answeredBy: 'machine_start' }),
      call({ ...silent, answeredAt: null, callStatus: 'busy' }),
    ]
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
