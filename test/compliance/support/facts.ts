import { createRulePack, type RulePack } from '../../../src/compliance/rule-pack.js'
import { RULE_PACK_DATA } from '../../../src/compliance/data/rule-pack-data.js'
import type { CallFacts } from '../../../src/compliance/facts.js'
import { createPolicy, type PolicyOptions } from '../../../src/compliance/policy.js'
import type { Policy } from '../../../src/compliance/rule.js'
import type { ConsentRecord } from '../../../src/records/consent.js'

export const PACK: RulePack = createRulePack(RULE_PACK_DATA)
export const MINUTE = 60_000
export const HOUR = 3_600_000
export const DAY = 86_400_000

/** Monday, 30 November 2026, 13:00 in New York and 10:00 in Los Angeles: a lawful time on the mainland. */
export const NOON = Date.UTC(2026, 10, 30, 18, 0)

export function policyOf(options: PolicyOptions = {}): Policy {
  return createPolicy(PACK, options)
}

export function consentOf(changes: Partial<ConsentRecord> = {}): ConsentRecord {
  return {
    tenantId: 'tenant',
    consentId: 'consent-1',
    phoneNumber: '+12125550123',
    sellerId: 'seller',
    leadId: 'lead',
    kind: 'express-written',
    purposes: ['marketing'],
    obtainedAt: Date.UTC(2026, 0, 1),
    expiresAt: null,
    source: 'form',
    revokedAt: null,
    revocationId: null,
    evidence: {
      signatureMethod: 'web-form',
      disclosureText: 'I agree to be called with an artificial voice. Agreeing is not a condition of buying.',
      disclosureVersion: '3',
      isArtificialVoiceDisclosed: true,
      isNotConditionDisclosed: true,
      formUrl: null,
      ipAddress: null,
      userAgent: null,
      reference: null,
    },
    ...changes,
  }
}

/** Facts that nothing stands against at {@link NOON}; the consent goes with the number. */
export function factsOf(changes: Partial<CallFacts> = {}): CallFacts {
  const phoneNumber = changes.phoneNumber ?? '+12125550123'
  return {
    tenantId: 'tenant',
    leadId: 'lead',
    sellerId: 'seller',
    phoneNumber,
    purpose: 'marketing',
    consent: consentOf({ phoneNumber }),
    doNotCall: {
      national: { isListed: false, copiedAt: NOON - DAY },
      states: Object.fromEntries(
        [...PACK.states.keys()].map((code) => [code, { isListed: false, copiedAt: NOON - DAY }]),
      ),
      isInternal: false,
    },
    automatedCallsAllowed: true,
    attemptsAt: [],
    attemptsRefusedUntilAt: null,
    timeZone: null,
    postalCode: null,
    state: null,
    lineType: null,
    reassigned: null,
    campaign: null,
    ...changes,
  }
}

/** A number in an area code. */
export function numberIn(areaCode: string): string {
  return `+1${areaCode}5550123`
}
