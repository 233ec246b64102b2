import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../src/compliance/canonical-json.js'
import { evaluate } from '../../src/compliance/evaluate.js'
import { explainDecision, explainReason } from '../../src/compliance/explain.js'
import type { CallFacts } from '../../src/compliance/facts.js'
import { failedIf, type Rule } from '../../src/compliance/rule.js'
import { ownNumber } from '../../src/compliance/rules/own-number.js'
import { STANDARD_RULES } from '../../src/compliance/rules/standard.js'
import { assertAllowed, TcpaViolationError } from '../../src/compliance/violation.js'
import { VoiceError } from '../../src/core/errors.js'
import { consentOf, DAY, factsOf, HOUR, NOON, numberIn, PACK, policyOf } from './support/facts.js'

const policy = policyOf()

/** One change a check that makes it fail, and the checks that it makes fail. */
const SPOILERS: readonly [check: string, change: Partial<CallFacts>][] = [
  ['numberValid', { phoneNumber: '+1212' }],
  ['destinationSupported', { phoneNumber: '+18005550123', consent: consentOf({ phoneNumber: '+18005550123' }) }],
  ['hasWrittenConsent', { consent: consentOf({ kind: 'express' }) }],
  ['consentNotExpired', { consent: consentOf({ expiresAt: NOON }) }],
  ['consentNotRevoked', { consent: consentOf({ revokedAt: NOON }) }],
  ['notOnDNC', { doNotCall: null }],
  ['automatedCallsAllowed', { automatedCallsAllowed: false }],
  ['withinCallingHours', { timeZone: 'Asia/Tokyo' }],
  ['rateLimitOK', { attemptsAt: [NOON, NOON, NOON] }],
  ['abandonmentOK', { campaign: { campaignId: 'spring', answered: 33, abandoned: 1 } }],
]

describe('the decision', () => {
  test.each(SPOILERS)('%s alone refuses the call', (check, change) => {
    const decision = evaluate(factsOf(change), policy, NOON)
    expect(decision).toMatchObject({ outcome: 'refuse' })
    expect(decision.outcome === 'refuse' && decision.failedChecks).toContain(check)
  })

  test('any set of spoiled facts refuses, and failures stand in the order of the checks', () => {
    fc.assert(
      fc.property(fc.subarray([...SPOILERS], { minLength: 1 }), (spoilers) => {
        const change = Object.assign({}, ...spoilers.map(([, one]) => one)) as Partial<CallFacts>
        const decision = evaluate({ ...factsOf(), ...change }, policy, NOON)
        expect(decision.outcome).toBe('refuse')
        if (decision.outcome === 'allow') return
        const order = STANDARD_RULES.map((rule) => rule.check)
        const places = decision.failedChecks.map((check) => order.indexOf(check))
        expect(places).toEqual([...places].sort((a, b) => a - b))
        expect(decision.findings).toHaveLength(10)
      }),
    )
  })

  test('is the same bytes for the same inputs, whatever was decided in between', () => {
    const facts = factsOf({ phoneNumber: numberIn('850'), attemptsAt: [NOON - HOUR, NOON - DAY] })
    const before = JSON.stringify(evaluate(facts, policy, NOON))
    for (let i = 0; i < 50; i++) evaluate(factsOf({ phoneNumber: numberIn('907') }), policy, NOON + i * HOUR)
    const fresh = policyOf()
    expect(JSON.stringify(evaluate(structuredClone(facts), fresh, NOON))).toBe(before)
  })

  test('does not depend on the order of attempts or of the keys of the facts', () => {
    const attemptsAt = [NOON - 1, NOON - HOUR, NOON - 30 * HOUR]
    const facts = factsOf({ attemptsAt })
    const mirrored = Object.fromEntries(Object.entries({ ...facts, attemptsAt: attemptsAt.toReversed() }).reverse())
    expect(JSON.stringify(evaluate(mirrored as unknown as CallFacts, policy, NOON))).toBe(
      JSON.stringify(evaluate(facts, policy, NOON)),
    )
  })

  test('says from what it was made', () => {
    const facts = factsOf({ phoneNumber: numberIn('850'), state: 'GA', attemptsAt: [NOON - 1, NOON - 25 * HOUR] })
    expect(evaluate(facts, policy, NOON)).toMatchObject({
      decidedAt: NOON,
      mode: 'stateAutomated',
      engineVersion: '1',
      areaCodesAsOf: '2026-11-21',
      inputs: {
        areaCode: '850',
        purpose: 'marketing',
        jurisdictions: [
          { state: 'FL', foundBy: ['area-code'] },
          { state: 'GA', foundBy: ['state'] },
        ],
        zones: [
          {
            timeZone: 'America/New_York',
            foundBy: 'state',
            localTime: '2026-11-30T13:00:00.000',
            weekday: 'monday',
            opensAt: '08:00',
            closesAt: '20:00',
          },
        ],
        consentId: 'consent-1',
        nationalCopiedAt: NOON - DAY,
        attemptsAt: [NOON - 1],
        caps: [
          { capId: 'policy', maxAttempts: 3, windowMs: DAY, used: 1 },
          { capId: 'FL', maxAttempts: 3, windowMs: DAY, used: 1 },
        ],
      },
    })
  })

  test('holds no telephone number', () => {
    for (const [, change] of SPOILERS) {
      const facts = factsOf(change)
      const decision = evaluate(facts, policy, NOON)
      expect(JSON.stringify(decision)).not.toContain('5550123')
      expect(explainDecision(decision)).not.toContain('5550123')
    }
  })

  test('is plain data that canonical JSON can say', () => {
    const decision = evaluate(factsOf(), policy, NOON)
    expect(JSON.parse(canonicalJson(decision))).toEqual(JSON.parse(JSON.stringify(decision)))
  })

  test.each([Number.NaN, Infinity, 1.5, 8.64e15])('a moment that is none is the caller’s mistake: %s', (at) => {
    expect(() => evaluate(factsOf(), policy, at)).toThrow(RangeError)
  })

  test('facts that are no object are the caller’s mistake', () => {
    expect(() => evaluate(null as never, policy, NOON)).toThrow(TypeError)
  })
})

describe('facts that nobody should send', () => {
  const junk = fc.oneof(
    fc.anything(),
    fc.constantFrom(undefined, null, Number.NaN, '', [], {}, -1, 'America/Chicago', true),
  )

  test('any of them never throws, and what is broken is never allowed', () => {
    const keys = Object.keys(factsOf()) as (keyof CallFacts)[]
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), junk), (changes) => {
        const decision = evaluate({ ...factsOf(), ...changes }, policy, NOON)
        expect(['allow', 'refuse']).toContain(decision.outcome)
        const must = ['phoneNumber', 'consent', 'doNotCall', 'automatedCallsAllowed', 'attemptsAt'] as const
        for (const key of must) {
          if (!(key in changes) || decision.outcome === 'refuse') continue
          // Allowed although it was replaced: then the junk has to be as good as the fact.
          if (key === 'attemptsAt') expect(Array.isArray(changes[key])).toBe(true)
          else if (key === 'automatedCallsAllowed') expect(changes[key]).toBe(true)
          else expect.fail(`${key} was junk, and the call allowed`)
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('wholly random objects are refused', () => {
    fc.assert(
      fc.property(fc.object(), fc.integer({ min: 0, max: 4e12 }), (facts, at) => {
        expect(evaluate(facts as unknown as CallFacts, policy, at).outcome).toBe('refuse')
      }),
      { numRuns: 500 },
    )
  })

  test('inside a consent too', () => {
    const later = NOON + DAY
    const almost = [String(later), [later], new Date(later), { valueOf: () => later }, [], '', true, String(NOON - DAY), 'marketing', Infinity] // prettier-ignore
    const isAsGood: Record<string, (value: unknown) => boolean> = {
      obtainedAt: (value) => typeof value === 'number' && value <= NOON,
      revokedAt: (value) => value === null || value === undefined || (typeof value === 'number' && value > NOON),
      expiresAt: (value) => value === null || value === undefined || (typeof value === 'number' && value > NOON),
    }
    const keys = ['phoneNumber', 'sellerId', 'kind', 'purposes', 'evidence', 'tenantId', ...Object.keys(isAsGood)]
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.oneof(fc.anything(), fc.constantFrom(...almost)), (key, value) => {
        const decision = evaluate(factsOf({ consent: { ...consentOf(), [key]: value } }), policy, NOON)
        if (!isAsGood[key]?.(value)) expect(decision.outcome).toBe('refuse')
      }),
      { numRuns: 3000 },
    )
  })
})

describe('rules of a host', () => {
  const noMondays: Rule = {
    check: 'noMondays',
    citations: [],
    evaluate: ({ place, at }) =>
      failedIf(new Date(at + (place.clocks[0]?.offsetMs(at) ?? 0)).getUTCDay() === 1 ? ['monday'] : []),
    nextPassAt: ({ at }) => at + DAY,
  }

  test('are added after ours, and take part in the next moment', () => {
    const decision = evaluate(factsOf(), policyOf({ rules: [...STANDARD_RULES, noMondays] }), NOON)
    expect(decision).toMatchObject({ outcome: 'refuse', failedChecks: ['noMondays'] })
  })

  test('without a next time, there is none', () => {
    const forever: Rule = { check: 'noMondays', citations: [], evaluate: (context) => noMondays.evaluate(context) }
    expect(evaluate(factsOf(), policyOf({ rules: [...STANDARD_RULES, forever] }), NOON)).toMatchObject({
      nextAllowedAt: null,
    })
  })

  test('replace ours by name', () => {
    const lenient: Rule = { check: 'hasWrittenConsent', citations: [], evaluate: () => ({ outcome: 'passed' }) }
    const rules = STANDARD_RULES.map((rule) => (rule.check === lenient.check ? lenient : rule))
    const facts = factsOf({ consent: consentOf({ kind: 'express' }) })
    expect(evaluate(facts, policyOf({ rules }), NOON).outcome).toBe('allow')
  })

  test('that throw have failed', () => {
    const broken: Rule = {
      check: 'broken',
      citations: [],
      evaluate: () => {
        throw new Error('no')
      },
    }
    const decision = evaluate(factsOf(), policyOf({ rules: [...STANDARD_RULES, broken] }), NOON)
    expect(decision).toMatchObject({ outcome: 'refuse', failedChecks: ['broken'], nextAllowedAt: null })
    expect(decision.findings.at(-1)!.reasons).toEqual(['rule-threw'])
  })

  test('that are skipped let nothing through', () => {
    const rules = STANDARD_RULES.filter((rule) => rule.check !== 'hasWrittenConsent')
    const decision = evaluate(factsOf({ consent: null }), policyOf({ rules }), NOON)
    expect(decision).toMatchObject({ outcome: 'refuse', failedChecks: [], nextAllowedAt: null })
  })

  test('test calls: a policy that rings only the house’s own phones, and says so in every decision', () => {
    const rules = [
      ...STANDARD_RULES.filter((rule) => ['numberValid', 'destinationSupported'].includes(rule.check)),
      ownNumber(['+12125550123']),
    ]
    const testCalls = policyOf({ rules })
    const facts = factsOf({ consent: null, doNotCall: null })
    expect(evaluate(facts, testCalls, NOON)).toMatchObject({
      outcome: 'allow',
      findings: [{}, {}, { check: 'ownNumber' }],
    })
    expect(evaluate(factsOf({ phoneNumber: '+12125550124' }), testCalls, NOON)).toMatchObject({
      failedChecks: ['ownNumber'],
    })
  })
})

describe('warnings', () => {
  const warningsAt = (at: number, changes: Partial<CallFacts> = {}): string[] =>
    evaluate(factsOf(changes), policy, at).warnings.map(({ warning, state }) => `${warning} ${state ?? ''}`.trim())

  test('a rule pack of 180 days is stale', () => {
    const day180 = Date.parse('2026-11-21T00:00:00Z') + 180 * DAY
    expect(warningsAt(day180 - 1)).not.toContain('rule-pack-stale')
    expect(warningsAt(day180)).toContain('rule-pack-stale')
  })

  test('what a state asks and no engine can decide', () => {
    expect(warningsAt(NOON, { phoneNumber: numberIn('415') })).toEqual([
      'automated-voice-rule CA',
      'registration CA',
      'reassignment-not-ruled-out',
    ])
    expect(warningsAt(NOON)).toContain('emergency-rule NY')
  })

  test('a clear answer on reassignment leaves nothing to say', () => {
    const reassigned = { answer: 'no', checkedAt: NOON } as const
    expect(warningsAt(NOON, { reassigned, phoneNumber: numberIn('608') })).toEqual([
      'automated-voice-rule WI',
      'registration WI',
    ])
  })
})

describe('for people', () => {
  test('a refusal is explained with law and next moment', () => {
    const text = explainDecision(evaluate(factsOf(), policy, Date.parse('2026-11-30T22:00:00-05:00')))
    expect(text).toContain('withinCallingHours: the day’s window has closed')
    expect(text).toContain('47 CFR 64.1200(c)(1)')
    expect(text).toContain('America/New_York (area-code): monday 2026-11-30T22:00, 08:00–21:00.')
    expect(text).toContain('Next allowed at 2026-12-01T13:00:00.000Z.')
  })

  test('every reason that a rule can give has a sentence', async () => {
    const { readdirSync, readFileSync } = await import('node:fs')
    const folder = new URL('../../src/compliance/rules/', import.meta.url)
    const comments = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
    const reasons = comments.flatMap((text) => /Reasons: ([\s\S]*?)\*\//.exec(text)?.[1]?.match(/'[a-z-]+'/g) ?? [])
    expect(reasons.length).toBeGreaterThan(35)
    for (const quoted of reasons) {
      const reason = quoted.slice(1, -1)
      expect(explainReason(reason), reason).not.toBe(reason)
    }
  })

  test('a refusal can be thrown, in the words of old', () => {
    const decision = evaluate(factsOf({ automatedCallsAllowed: false, attemptsAt: null }), policy, NOON)
    try {
      assertAllowed(decision)
      expect.fail('it was allowed')
    } catch (error) {
      expect(error).toBeInstanceOf(TcpaViolationError)
      expect(error).toBeInstanceOf(VoiceError)
      expect(error).toMatchObject({
        code: 'compliance_refused',
        message: 'TCPA_VIOLATION: Failed checks: automatedCallsAllowed, rateLimitOK',
        failures: ['automatedCallsAllowed', 'rateLimitOK'],
      })
    }
    const allowed = evaluate(factsOf(), policy, NOON)
    expect(assertAllowed(allowed)).toBe(allowed)
  })
})

describe('options that make no sense are refused at once', () => {
  test.each<[string, object]>([
    ['hours wider than the law', { callingHours: { start: '07:00', end: '21:00' } }],
    ['hours wider than the law', { callingHours: { start: '08:00', end: '21:30' } }],
    ['hours the wrong way round', { callingHours: { start: '12:00', end: '12:00' } }],
    ['hours that are none', { callingHours: { start: '8', end: '21' } }],
    ['a registry copy older than the law', { registryMaxAgeMs: 32 * DAY }],
    ['no attempts', { maxAttempts: 0 }],
    ['half an attempt', { maxAttempts: 2.5 }],
    ['no window', { attemptWindowMs: 0 }],
    ['no rules', { rules: [] }],
    ['the same rule twice', { rules: [...STANDARD_RULES, STANDARD_RULES[0]] }],
    ['a state that is none', { blockedStates: ['California'] }],
    ['a state that is none', { states: { XX: {} } }],
    ['a date that is none', { states: { LA: { closedDates: ['2026-02-30x'] } } }],
    ['hours of a state that are none', { states: { LA: { callingHours: [600, 500] } } }],
    ['a cap of a state that is none', { states: { LA: { attemptCap: { maxAttempts: 0, windowMs: 1 } } } }],
    ['a mode that is none', { mode: 'lenient' }],
    ['a choice that is none', { unknownDnc: true }],
    ['two caps of one name', { attemptCaps: [{ capId: 'policy', maxAttempts: 1, windowMs: 1 }] }],
  ])('%s %j', (_name, options) => {
    expect(() => policyOf(options as never)).toThrow(/./)
  })

  test('the rule pack says how fresh it is', () => {
    expect(PACK.stateRulesAsOf).toBe('2026-11-21')
    expect(PACK.states.size).toBe(56)
  })
})
