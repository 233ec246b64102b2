import { describe, expect, test } from 'vitest'
import { evaluate } from '../../src/compliance/evaluate.js'
import type { CallFacts } from '../../src/compliance/facts.js'
import { STANDARD_RULES } from '../../src/compliance/rules/standard.js'
import { consentOf, DAY, factsOf, HOUR, NOON, numberIn, policyOf } from './support/facts.js'

const policy = policyOf()

function findingOf(check: string, facts: Partial<CallFacts>, at = NOON, options = {}): [string, ...string[]] {
  const decision = evaluate(factsOf(facts), policyOf(options), at)
  const finding = decision.findings.find((candidate) => candidate.check === check)!
  return [finding.outcome, ...finding.reasons]
}

test('facts that nothing stands against are allowed, with every check passed in order', () => {
  const decision = evaluate(factsOf(), policy, NOON)
  expect(decision.outcome).toBe('allow')
  expect(decision.findings.map((finding) => finding.check)).toEqual([
    'numberValid',
    'destinationSupported',
    'hasWrittenConsent',
    'consentNotExpired',
    'consentNotRevoked',
    'notOnDNC',
    'automatedCallsAllowed',
    'withinCallingHours',
    'rateLimitOK',
    'abandonmentOK',
  ])
})

test('every rule cites a source and the day on which it was read', () => {
  for (const rule of STANDARD_RULES) {
    expect(rule.citations.length).toBeGreaterThan(0)
    for (const citation of rule.citations) expect(citation.readOn).toMatch(/^\d{4}-\d{2}-\d{2}$/)
  }
})

describe('numberValid', () => {
  test.each([
    ['+12125550123', 'passed'],
    ['+442071838750', 'passed'],
    ['2125550123', 'failed'],
    ['+1212555012', 'failed'],
    ['+121255501234', 'failed'],
    ['+11125550123', 'failed'],
    ['+12121550123', 'failed'],
    ['+02125550123', 'failed'],
    ['+1 212 555 0123', 'failed'],
    ['tel:+12125550123', 'failed'],
    ['+1234567890123456', 'failed'],
    ['', 'failed'],
    ['+12125550123\n', 'failed'],
  ])('%j is %s', (phoneNumber, outcome) => {
    expect(findingOf('numberValid', { phoneNumber })[0]).toBe(outcome)
    if (outcome === 'failed') expect(evaluate(factsOf({ phoneNumber }), policy, NOON).outcome).toBe('refuse')
  })

  test.each([undefined, null, 12125550123, {}, []])('%j is no number and no exception', (phoneNumber) => {
    expect(evaluate(factsOf({ phoneNumber: phoneNumber as never }), policy, NOON)).toMatchObject({ outcome: 'refuse' })
  })
})

describe('destinationSupported', () => {
  test.each([
    ['212', 'passed'],
    ['787', 'passed'],
    ['671', 'passed'],
    ['465', 'passed'],
    ['416', 'failed', 'canada'],
    ['600', 'failed', 'canada'],
    ['441', 'failed', 'other-country'],
    ['809', 'failed', 'other-country'],
    ['800', 'failed', 'toll-free'],
    ['833', 'failed', 'toll-free'],
    ['889', 'failed', 'toll-free'],
    ['900', 'failed', 'premium'],
    ['500', 'failed', 'personal'],
    ['700', 'failed', 'carrier'],
    ['710', 'failed', 'government'],
    ['565', 'failed', 'us-not-yet-active'],
    ['761', 'failed', 'us-not-yet-active'],
    ['211', 'failed', 'unassigned'],
    ['999', 'failed', 'unassigned'],
  ])('%s is %s %s', (areaCode, ...expected) => {
    expect(findingOf('destinationSupported', { phoneNumber: numberIn(areaCode) })).toEqual(expected)
  })

  test('another country is refused, a malformed number is not asked about', () => {
    expect(findingOf('destinationSupported', { phoneNumber: '+442071838750' })).toEqual([
      'failed',
      'outside-north-america',
    ])
    expect(findingOf('destinationSupported', { phoneNumber: '12' })).toEqual(['skipped'])
  })

  test('the fifteen area codes that number libraries miss are in the table', () => {
    const codes = '357 436 457 465 471 483 565 621 624 679 729 761 837 861 924'.split(' ')
    const inService = codes.filter((code) => policy.rulePack.areaCode(code)?.kind === 'us')
    expect(inService).toHaveLength(13)
    expect(codes.every((code) => policy.rulePack.areaCode(code))).toBe(true)
  })

  test('a blocked state is refused by the area code’s state and by the lead’s', () => {
    const options = { blockedStates: ['CA'] }
    expect(findingOf('destinationSupported', { phoneNumber: numberIn('415') }, NOON, options)).toEqual([
      'failed',
      'state-blocked',
    ])
    expect(findingOf('destinationSupported', { state: 'CA' }, NOON, options)).toEqual(['failed', 'state-blocked'])
    expect(findingOf('destinationSupported', {}, NOON, options)).toEqual(['passed'])
  })
})

describe('consent', () => {
  const evidence = consentOf().evidence
  test.each<[string, Partial<CallFacts>, string[]]>([
    ['no record', { consent: null }, ['failed', 'no-record']],
    ['obtained this very moment', { consent: consentOf({ obtainedAt: NOON }) }, ['passed']],
    [
      'obtained a millisecond from now',
      { consent: consentOf({ obtainedAt: NOON + 1 }) },
      ['failed', 'dated-in-future'],
    ],
    ['spoken', { consent: consentOf({ kind: 'express' }) }, ['failed', 'not-written']],
    [
      'unsigned',
      { consent: consentOf({ evidence: { ...evidence, signatureMethod: null } }) },
      ['failed', 'not-signed'],
    ],
    [
      'silent about the voice',
      { consent: consentOf({ evidence: { ...evidence, isArtificialVoiceDisclosed: false } }) },
      ['failed', 'artificial-voice-not-disclosed'],
    ],
    [
      'tied to a purchase',
      { consent: consentOf({ evidence: { ...evidence, isNotConditionDisclosed: false } }) },
      ['failed', 'condition-not-disclosed'],
    ],
    ['for another number', { consent: consentOf({ phoneNumber: '+12125550124' }) }, ['failed', 'other-number']],
    ['of another tenant', { consent: consentOf({ tenantId: 'other' }) }, ['failed', 'other-number']],
    ['for another seller', { consent: consentOf({ sellerId: 'other' }) }, ['failed', 'other-seller']],
    ['for reminders only', { consent: consentOf({ purposes: ['informational'] }) }, ['failed', 'purpose-not-covered']],
    ['of the owner before', { reassigned: { answer: 'yes', checkedAt: NOON } }, ['failed', 'number-reassigned']],
    ['with no word on reassignment', { reassigned: { answer: 'no-data', checkedAt: NOON } }, ['passed']],
    [
      'for an unknown purpose is judged as marketing',
      { purpose: null, consent: consentOf({ kind: 'express' }) },
      ['failed', 'not-written'],
    ],
    [
      'spoken is enough to inform',
      { purpose: 'informational', consent: consentOf({ kind: 'express', purposes: ['informational'] }) },
      ['passed'],
    ],
  ])('hasWrittenConsent: %s', (_name, facts, expected) => {
    expect(findingOf('hasWrittenConsent', facts)).toEqual(expected)
  })

  test.each([
    ['consentNotExpired', { expiresAt: NOON }, ['failed', 'expired']],
    ['consentNotExpired', { expiresAt: NOON + 1 }, ['passed']],
    ['consentNotExpired', { expiresAt: null }, ['passed']],
    ['consentNotExpired', { expiresAt: Number.NaN }, ['failed', 'expired']],
    ['consentNotRevoked', { revokedAt: NOON }, ['failed', 'revoked']],
    ['consentNotRevoked', { revokedAt: NOON + 1 }, ['passed']],
    ['consentNotRevoked', { revokedAt: Number.NaN }, ['failed', 'revoked']],
  ])('%s %j', (check, changes, expected) => {
    expect(findingOf(check, { consent: consentOf(changes) })).toEqual(expected)
  })

  test('without a consent, expiry and revocation are skipped, and the call is refused', () => {
    const decision = evaluate(factsOf({ consent: null }), policy, NOON)
    expect(decision).toMatchObject({ outcome: 'refuse', failedChecks: ['hasWrittenConsent'], nextAllowedAt: null })
    expect(decision.findings.filter((finding) => finding.outcome === 'skipped')).toHaveLength(2)
  })

  test('an expiry can be asked for', () => {
    expect(findingOf('consentNotExpired', {}, NOON, { requireConsentExpiry: true })).toEqual(['failed', 'no-expiry'])
  })
})

describe('notOnDNC', () => {
  const clear = factsOf().doNotCall!
  const national = (isListed: boolean, copiedAt: number): Partial<CallFacts> => ({
    doNotCall: { ...clear, national: { isListed, copiedAt } },
  })
  test.each<[string, Partial<CallFacts>, string[]]>([
    ['nobody looked', { doNotCall: null }, ['failed', 'unknown']],
    ['nobody looked nationally', { doNotCall: { ...clear, national: null } }, ['failed', 'unknown']],
    ['on the registry', national(true, NOON), ['failed', 'national']],
    ['a copy of exactly 31 days', national(false, NOON - 31 * DAY), ['passed']],
    ['a copy a millisecond older', national(false, NOON - 31 * DAY - 1), ['failed', 'stale']],
    ['a copy from the future', national(false, NOON + 1), ['failed', 'stale']],
    ['a copy without a date', national(false, Number.NaN), ['failed', 'stale']],
    [
      'a state’s list that was copied exactly 31 days ago',
      {
        phoneNumber: numberIn('305'),
        doNotCall: { ...clear, states: { FL: { isListed: false, copiedAt: NOON - 31 * DAY } } },
      },
      ['passed'],
    ],
    [
      'a state’s list that was copied a millisecond earlier',
      {
        phoneNumber: numberIn('305'),
        doNotCall: { ...clear, states: { FL: { isListed: false, copiedAt: NOON - 31 * DAY - 1 } } },
      },
      ['failed', 'state-stale'],
    ],
    [
      'a state’s list from the future',
      {
        phoneNumber: numberIn('305'),
        doNotCall: { ...clear, states: { FL: { isListed: false, copiedAt: NOON + 1 } } },
      },
      ['failed', 'state-stale'],
    ],
    [
      'an old copy for a state that keeps no list',
      { phoneNumber: numberIn('212'), doNotCall: { ...clear, states: { NY: { isListed: false, copiedAt: 0 } } } },
      ['passed'],
    ],
    ['on the seller’s list', { doNotCall: { ...clear, isInternal: true } }, ['failed', 'internal']],
    [
      'every reason at once',
      {
        phoneNumber: numberIn('305'),
        doNotCall: {
          national: { isListed: true, copiedAt: NOON - 40 * DAY },
          isInternal: true,
          states: { FL: { isListed: true, copiedAt: NOON } },
        },
      },
      ['failed', 'national', 'stale', 'internal', 'state'],
    ],
    [
      'a state’s list that nobody asked',
      { phoneNumber: numberIn('305'), doNotCall: { ...clear, states: {} } },
      ['failed', 'state-list-unknown'],
    ],
    ['a state without a list', { doNotCall: { ...clear, states: {} } }, ['passed']],
    [
      'the list of the state that the lead names',
      { state: 'TX', doNotCall: { ...clear, states: {} } },
      ['failed', 'state-list-unknown'],
    ],
    [
      'a list that answers in riddles',
      { doNotCall: { ...clear, national: { isListed: 'no' as never, copiedAt: NOON } } },
      ['failed', 'national'],
    ],
  ])('%s', (_name, facts, expected) => {
    expect(findingOf('notOnDNC', facts)).toEqual(expected)
  })

  test('what is unknown can be let through by name, and a hit can not', () => {
    const options = { unknownDnc: 'allow', unknownStateList: 'allow' } as const
    expect(findingOf('notOnDNC', { doNotCall: null }, NOON, options)).toEqual(['passed'])
    const facts = { phoneNumber: numberIn('305'), doNotCall: { national: null, states: {}, isInternal: true } }
    expect(findingOf('notOnDNC', facts, NOON, options)).toEqual(['failed', 'internal'])
  })

  test('written consent lifts a national hit only where the policy says so, and only while it holds', () => {
    const options = { writtenConsentLiftsNationalRegistry: true }
    const listed = national(true, NOON)
    expect(findingOf('notOnDNC', listed, NOON, options)).toEqual(['passed'])
    for (const consent of [
      null,
      consentOf({ kind: 'express' }),
      consentOf({ revokedAt: NOON }),
      consentOf({ expiresAt: NOON }),
      consentOf({ sellerId: 'other' }),
    ]) {
      expect(findingOf('notOnDNC', { ...listed, consent }, NOON, options)).toEqual(['failed', 'national'])
    }
  })

  test('federal mode asks no state list', () => {
    const facts = { phoneNumber: numberIn('305'), doNotCall: { ...clear, states: {} } }
    expect(findingOf('notOnDNC', facts, NOON, { mode: 'federal' })).toEqual(['passed'])
  })
})

test.each([true, false, null, undefined, 1, 'true'])('automatedCallsAllowed: %j', (automatedCallsAllowed) => {
  const expected = automatedCallsAllowed === true ? ['passed'] : ['failed', 'not-allowed']
  expect(findingOf('automatedCallsAllowed', { automatedCallsAllowed: automatedCallsAllowed as never })).toEqual(
    expected,
  )
})

describe('rateLimitOK', () => {
  test.each<[string, number[], string[]]>([
    ['two', [NOON - 1, NOON - 2], ['passed']],
    ['three', [NOON, NOON - HOUR, NOON - DAY + 1], ['failed', 'cap:policy']],
    ['three, one of them exactly 24 hours old', [NOON, NOON - HOUR, NOON - DAY], ['passed']],
    ['three, one of them still to come', [NOON, NOON - HOUR, NOON + 1], ['passed']],
    ['three, in any order', [NOON - 2 * HOUR, NOON - 3 * HOUR, NOON - HOUR], ['failed', 'cap:policy']],
  ])('%s', (_name, attemptsAt, expected) => {
    expect(findingOf('rateLimitOK', { attemptsAt })).toEqual(expected)
  })

  test.each<[unknown, string]>([
    [null, 'attempts-unknown'],
    ['three', 'attempts-unknown'],
    [[Number.NaN], 'attempts-unreadable'],
    [['yesterday'], 'attempts-unreadable'],
  ])('%j is a refusal', (attemptsAt, reason) => {
    expect(findingOf('rateLimitOK', { attemptsAt: attemptsAt as never })).toEqual(['failed', reason])
  })

  test('Maine allows an automated device one attempt in eight hours, and says so beside the policy’s cap', () => {
    const maine = { phoneNumber: numberIn('207') }
    expect(findingOf('rateLimitOK', { ...maine, attemptsAt: [NOON - 8 * HOUR + 1] })).toEqual([
      'failed',
      'cap:ME-automated',
    ])
    expect(findingOf('rateLimitOK', { ...maine, attemptsAt: [NOON - 8 * HOUR] })).toEqual(['passed'])
    expect(findingOf('rateLimitOK', { ...maine, attemptsAt: [NOON - HOUR] }, NOON, { mode: 'state' })).toEqual([
      'passed',
    ])
  })

  test('a state’s cap holds beside a wider one of the house', () => {
    const facts = { phoneNumber: numberIn('305'), attemptsAt: [NOON - 1, NOON - 2, NOON - 3] }
    expect(findingOf('rateLimitOK', facts, NOON, { maxAttempts: 10 })).toEqual(['failed', 'cap:FL'])
  })

  test('more caps of the house are told apart', () => {
    const attemptCaps = [{ capId: 'month', maxAttempts: 4, windowMs: 30 * DAY }]
    const attemptsAt = [2, 3, 4, 5].map((days) => NOON - days * DAY)
    expect(findingOf('rateLimitOK', { attemptsAt }, NOON, { attemptCaps })).toEqual(['failed', 'cap:month'])
  })
})

describe('abandonmentOK', () => {
  const campaign = (answered: number, abandoned: number) => ({
    campaign: { campaignId: 'spring', answered, abandoned },
  })
  test.each<[string, Partial<CallFacts>, string[], object?]>([
    ['a call of no campaign', { campaign: null }, ['passed']],
    ['facts that say nothing of campaigns', { campaign: undefined as never }, ['passed']],
    ['a campaign nobody has answered', campaign(0, 0), ['passed']],
    ['3 in 100', campaign(100, 3), ['passed']],
    ['3 in 99', campaign(99, 3), ['failed', 'abandonment-over-limit']],
    ['the first answered call', campaign(1, 1), ['failed', 'abandonment-over-limit']],
    ['three of the first ten, judged over a hundred', campaign(10, 3), ['passed'], { abandonmentMinAnswered: 100 }],
    ['four of them', campaign(10, 4), ['failed', 'abandonment-over-limit'], { abandonmentMinAnswered: 100 }],
    ['a count that is no number', campaign(Number.NaN, 0), ['failed', 'campaign-unreadable']],
    ['a count below zero', campaign(100, -1), ['failed', 'campaign-unreadable']],
    ['counts as text', campaign('100' as never, 0), ['failed', 'campaign-unreadable']],
    ['no counts', { campaign: {} as never }, ['failed', 'campaign-unreadable']],
  ])('%s', (_, facts, expected, options) => {
    expect(findingOf('abandonmentOK', facts, NOON, options)).toEqual(expected)
  })

  test('is a stop: no moment is given at which the campaign goes on', () => {
    const decision = evaluate(factsOf(campaign(10, 1)), policy, NOON)
    expect(decision).toMatchObject({
      outcome: 'refuse',
      failedChecks: ['abandonmentOK'],
      nextAllowedAt: null,
      inputs: { campaignCalls: { answered: 10, abandoned: 1 } },
    })
  })

  test('can be judged over at most a hundred answered calls', () => {
    for (const abandonmentMinAnswered of [0, 101, 1.5])
      expect(() => policyOf({ abandonmentMinAnswered })).toThrow(RangeError)
  })
})
