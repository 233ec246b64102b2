import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkAreaCodes, checkStateRules } from '../../scripts/check-compliance-data.js'
import { compact, render } from '../../scripts/compact-compliance-data.js'
import { loadRulePack } from '../../src/compliance/rule-pack.js'
import { PACK } from './support/facts.js'
import { AREA_CODES, STATE_RULES } from './support/oracle.js'

describe('the sources', () => {
  test('are whole', () => {
    expect(checkAreaCodes(AREA_CODES)).toEqual([])
    expect(checkStateRules(STATE_RULES, AREA_CODES)).toEqual([])
  })

  test('are what the shipped rule pack was made from', () => {
    const shipped = readFileSync(new URL('../../src/compliance/data/rule-pack-data.ts', import.meta.url), 'utf8')
    expect(render(compact(AREA_CODES, STATE_RULES))).toBe(shipped)
  })

  test.each<[string, (rows: typeof AREA_CODES) => unknown, RegExp]>([
    ['an area code twice', ({ npas }) => (npas as unknown[]).push(npas[0]), /stands twice/],
    ['a zone that is none', ({ npas }) => Object.assign(npas[0]!, { timezones: ['EST'] }), /does not know EST/],
    ['a region that is none', ({ npas }) => Object.assign(npas[0]!, { region: 'XX' }), /is no state/],
    [
      'an overlay with another clock',
      ({ npas }) => Object.assign(npas[0]!, { timezones: ['America/Chicago'] }),
      /other zones than its overlay/,
    ],
    ['a code that is gone', ({ npas }) => (npas as unknown[]).splice(0, 1), /total is 487/],
  ])('the check finds %s', (_name, spoil, expected) => {
    const copy = structuredClone(AREA_CODES)
    spoil(copy)
    expect(checkAreaCodes(copy).join('\n')).toMatch(expected)
  })

  test.each<[string, (rules: typeof STATE_RULES) => unknown, RegExp]>([
    ['a state that is missing', (rules) => Reflect.deleteProperty(rules.states, 'OH'), /OH is missing/],
    [
      'hours wider than the law',
      (rules) => Object.assign(rules.states['OH']!.callingHours, { mon: { start: '07:00', end: '21:00' } }),
      /wider than the federal/,
    ],
    [
      'a day that is missing',
      (rules) => Reflect.deleteProperty(rules.states['OH']!.callingHours, 'sun'),
      /sun is missing/,
    ],
    [
      'a holiday list that is missing',
      (rules) => Reflect.deleteProperty(rules.holidayLists, 'PA'),
      /holiday list PA is missing/,
    ],
    [
      'a date that is none',
      (rules) => (rules.holidayLists['PA']!.dates['2026'] as string[]).push('2026-02-30'),
      /2026-02-30/,
    ],
    [
      'a zone that a state lacks',
      (rules) => Object.assign(rules.states['ID']!, { timezones: ['America/Denver'] }),
      /lacks the zone America\/Los_Angeles/,
    ],
  ])('the check finds %s', (_name, spoil, expected) => {
    const copy = structuredClone(STATE_RULES)
    spoil(copy)
    expect(checkStateRules(copy, AREA_CODES).join('\n')).toMatch(expected)
  })
})

describe('the rule pack', () => {
  test('is loaded once', async () => {
    expect(await loadRulePack()).toBe(await loadRulePack())
  })

  test('has twenty-six area codes with more than one clock', () => {
    const split = AREA_CODES.npas.filter((row) => (PACK.areaCode(row.npa)?.timeZones.length ?? 0) > 1)
    expect(split.map((row) => row.npa).join(' ')).toBe(
      '208 219 270 308 364 423 448 458 541 574 605 606 620 701 729 775 785 812 850 906 907 915 928 930 931 986',
    )
  })

  test.each([
    ['850', ['America/Chicago', 'America/New_York']],
    ['928', ['America/Phoenix', 'America/Denver']],
    ['907', ['America/Anchorage', 'America/Adak']],
    ['689', ['America/New_York']],
    ['787', ['America/Puerto_Rico']],
    ['808', ['Pacific/Honolulu']],
  ])('%s keeps %j', (code, zones) => {
    expect(PACK.areaCode(code)?.timeZones).toEqual(zones)
  })

  test('agrees with the sources on every state', () => {
    for (const [code, source] of Object.entries(STATE_RULES.states)) {
      const state = PACK.states.get(code)!
      expect(state.name).toBe(source.name)
      expect(state.hasOwnDoNotCallList).toBe(source.ownDncList)
      expect(state.recording.consent).toBe(source.recordingConsent)
      expect(state.maxAttempts?.count ?? null).toBe(source.maxAttemptsPer24h)
      expect(state.automated !== null).toBe(source.automatedCallingHours !== null)
    }
  })

  test('says what federal law says', () => {
    expect(PACK.federal).toMatchObject({
      nationalRegistryMaxAgeDays: 31,
      recordRetentionYears: 5,
      optOutOfferWithinSeconds: 2,
      abandonmentMaxRate: 0.03,
      ringMinSeconds: 15,
    })
  })
})
