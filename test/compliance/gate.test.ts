import { describe, expect, test } from 'vitest'
import { verifyChain } from '../../src/compliance/audit.js'
import { createGate, type CallRequest, type GateOptions } from '../../src/compliance/gate.js'
import { STANDARD_RULES } from '../../src/compliance/rules/standard.js'
import { ownNumber } from '../../src/compliance/rules/own-number.js'
import { ManualClock } from '../../src/core/clock.js'
import type { Lead } from '../../src/records/lead.js'
import { consentOf, DAY, HOUR, NOON, policyOf } from './support/facts.js'
import { ListStore } from './support/memory-store.js'

const NUMBER = '+12125550123'
const REQUEST: CallRequest = { tenantId: 'tenant', leadId: 'lead', sellerId: 'seller' }

function leadOf(changes: Partial<Lead> = {}): Lead {
  return {
    tenantId: 'tenant',
    leadId: 'lead',
    phoneNumber: NUMBER,
    timeZone: null,
    postalCode: null,
    state: null,
    automatedCallsAllowed: true,
    doNotCall: { national: { isListed: false, copiedAt: NOON - DAY }, states: {}, isInternal: false },
    review: null,
    ...changes,
  }
}

async function setup(lead: Partial<Lead> = {}, options: Partial<GateOptions> = {}) {
  const store = new ListStore()
  const clock = new ManualClock(NOON)
  store.leads.push(leadOf(lead))
  await store.grantConsent(consentOf({ phoneNumber: lead.phoneNumber ?? NUMBER }))
  let ids = 0
  const gate = createGate({ store, clock, policy: policyOf(), newId: () => `id-${++ids}`, ...options })
  return { store, clock, gate }
}

describe('admit', () => {
  test('a campaign that left too many people in silence is stopped, and only that campaign', async () => {
    const { store, gate } = await setup()
    store.campaignCalls.set('spring', [99, 3]).set('autumn', [100, 3])
    const stopped = await gate.admit({ ...REQUEST, campaignId: 'spring' })
    expect(stopped).toMatchObject({
      outcome: 'refused',
      isLeadFlagged: true,
      decision: { failedChecks: ['abandonmentOK'], nextAllowedAt: null },
    })
    expect(JSON.parse(store.records[0]!.payload)).toMatchObject({
      campaignId: 'spring',
      decision: { inputs: { campaignCalls: { answered: 99, abandoned: 3 } } },
    })
    expect(store.attempts).toEqual([])
    expect(await gate.admit({ ...REQUEST, campaignId: 'autumn' })).toMatchObject({ outcome: 'admitted' })
    expect(await gate.admit(REQUEST)).toMatchObject({ outcome: 'admitted' })
  })

  test('a campaign is counted over the last 30 × 24 hours, and a store that cannot count places no call', async () => {
    const { store, gate } = await setup()
    const asked: unknown[] = []
    store.countCalls = (query) => {
      asked.push(query)
      return Promise.resolve(0)
    }
    await gate.admit({ ...REQUEST, campaignId: 'spring' })
    const since = { tenantId: 'tenant', sinceAt: NOON - 30 * DAY + 1 }
    expect(asked).toEqual([
      { ...since, filter: { answeredCampaignId: 'spring' } },
      { ...since, filter: { abandonedCampaignId: 'spring' } },
    ])
    store.countCalls = () => Promise.reject(new Error('no'))
    await expect(gate.admit({ ...REQUEST, campaignId: 'spring' })).rejects.toMatchObject({
      code: 'compliance_facts_unavailable',
    })
  })

  test('an allowed call has its place taken and its decision on record before it is told', async () => {
    const { store, gate } = await setup()
    const admission = await gate.admit({ ...REQUEST, campaignId: 'spring' })
    expect(admission).toMatchObject({ outcome: 'admitted', decisionId: 'id-1', attemptId: 'id-2', phoneNumber: NUMBER })
    expect(store.attempts).toMatchObject([
      {
        attemptId: 'id-2',
        phoneNumber: NUMBER,
        attemptedAt: NOON,
        state: 'reserved',
        decisionId: 'id-1',
        campaignId: 'spring',
      },
    ])
    expect(store.records).toHaveLength(1)
    expect(JSON.parse(store.records[0]!.payload)).toMatchObject({
      decisionId: 'id-1',
      attemptId: 'id-2',
      leadId: 'lead',
      decision: { outcome: 'allow', engineVersion: '1', timeZoneData: process.versions['tz'] },
    })
    expect(store.leads[0]!.review).toBeNull()
  })

  test('a refused one takes no place, is on record, and is put before a person', async () => {
    const { store, gate } = await setup({ automatedCallsAllowed: false })
    const admission = await gate.admit(REQUEST)
    expect(admission).toMatchObject({
      outcome: 'refused',
      decision: { failedChecks: ['automatedCallsAllowed'] },
      isLeadFlagged: true,
    })
    expect(store.attempts).toEqual([])
    expect(store.records).toHaveLength(1)
    expect(store.leads[0]!.review).toMatchObject({
      flaggedAt: NOON,
      failedChecks: ['automatedCallsAllowed'],
      reason: 'the lead is not marked as one that automated systems may call',
      decisionId: 'id-1',
    })
  })

  test('refusals that time mends need not be put before a person', async () => {
    const { clock, gate, store } = await setup({}, { flagRefusals: 'lasting' })
    clock.advance(9 * HOUR)
    expect(await gate.admit(REQUEST)).toMatchObject({
      outcome: 'refused',
      isLeadFlagged: false,
      decision: { nextAllowedAt: Date.parse('2026-12-01T08:00:00-05:00') },
    })
    expect(store.leads[0]!.review).toBeNull()
  })

  test('of twenty at the same moment, three are admitted, and the others are told when next', async () => {
    const { store, gate } = await setup()
    const admissions = await Promise.all(Array.from({ length: 20 }, () => gate.admit(REQUEST)))
    expect(admissions.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(3)
    const refused = admissions.find(({ outcome }) => outcome === 'refused')!
    expect(refused.decision).toMatchObject({ failedChecks: ['rateLimitOK'], nextAllowedAt: NOON + DAY })
    expect(store.attempts).toHaveLength(3)
    expect(await verifyChain(store.readAudit({ tenantId: 'tenant' }))).toMatchObject({ isIntact: true, count: 20 })
  })

  test('the fourth is admitted when the first is 24 hours old', async () => {
    const { clock, gate } = await setup()
    for (let i = 0; i < 3; i++) await gate.admit(REQUEST)
    clock.advance(DAY - 1)
    expect(await gate.admit(REQUEST)).toMatchObject({ outcome: 'refused', decision: { nextAllowedAt: NOON + DAY } })
    clock.advance(1)
    expect(await gate.admit(REQUEST)).toMatchObject({ outcome: 'admitted' })
  })

  test('a repeated attempt takes one place', async () => {
    const { store, gate } = await setup()
    await gate.admit({ ...REQUEST, attemptId: 'once' })
    await gate.admit({ ...REQUEST, attemptId: 'once' })
    expect(store.attempts).toHaveLength(1)
  })

  test('an opt-out on the internal list, a revocation, a fresh opt-in: each counts at once', async () => {
    const { store, gate, clock } = await setup()
    await store.addDoNotCall({
      tenantId: 'tenant',
      phoneNumber: NUMBER,
      addedAt: NOON,
      channel: 'keypress',
      leadId: null,
      callSid: null,
      note: null,
    })
    await store.revokeConsent({
      tenantId: 'tenant',
      revocationId: 'r',
      phoneNumber: NUMBER,
      sellerId: null,
      revokedAt: NOON,
      channel: 'keypress',
      callSid: null,
    })
    expect(await gate.admit(REQUEST)).toMatchObject({ decision: { failedChecks: ['consentNotRevoked', 'notOnDNC'] } })
    clock.advance(HOUR)
    await store.grantConsent(consentOf({ consentId: 'fresh', obtainedAt: clock.now() }))
    expect(await gate.admit(REQUEST)).toMatchObject({ decision: { failedChecks: ['notOnDNC'] } })
    await store.liftDoNotCall({ tenantId: 'tenant', phoneNumber: NUMBER, consentId: 'fresh', liftedAt: clock.now() })
    expect(await gate.admit(REQUEST)).toMatchObject({ outcome: 'admitted' })
  })

  test('another tenant’s consent, attempts and leads are not seen', async () => {
    const { store, gate } = await setup()
    store.leads.push(leadOf({ tenantId: 'other', leadId: 'theirs' }))
    await expect(gate.admit({ ...REQUEST, leadId: 'theirs' })).rejects.toMatchObject({
      code: 'compliance_lead_unknown',
    })
    expect(await gate.admit({ ...REQUEST, tenantId: 'other', leadId: 'theirs' })).toMatchObject({
      decision: { failedChecks: ['hasWrittenConsent'] },
    })
  })
})

describe('bad input', () => {
  test.each<[string, Partial<Lead>, string]>([
    ['a malformed number', { phoneNumber: '555-0123' }, 'numberValid'],
    ['a toll-free number', { phoneNumber: '+18005550123' }, 'destinationSupported'],
    ['a foreign number', { phoneNumber: '+442071838750' }, 'destinationSupported'],
    ['an unassigned area code', { phoneNumber: '+12115550123' }, 'destinationSupported'],
    ['an unknown zone', { timeZone: 'America/Gotham' }, 'withinCallingHours'],
    ['a state that is none', { state: 'Gotham' }, 'withinCallingHours'],
    ['no do-not-call record', { doNotCall: null }, 'notOnDNC'],
    [
      'a mark of the host’s own',
      { doNotCall: { national: { isListed: false, copiedAt: NOON }, states: {}, isInternal: true } },
      'notOnDNC',
    ],
  ])('%s is refused', async (_name, lead, check) => {
    const { gate, store } = await setup(lead)
    const admission = await gate.admit(REQUEST)
    expect(admission.outcome).toBe('refused')
    expect(admission.outcome === 'refused' && admission.decision.failedChecks).toContain(check)
    expect(store.attempts).toEqual([])
  })

  test('a consent dated in the future is refused', async () => {
    const { gate, store } = await setup()
    store.grants.length = 0
    await store.grantConsent(consentOf({ obtainedAt: NOON + 1 }))
    expect(await gate.admit(REQUEST)).toMatchObject({
      outcome: 'refused',
      decision: { failedChecks: ['hasWrittenConsent'], nextAllowedAt: null },
    })
  })

  test('a lead that nobody stored is an error', async () => {
    const { gate } = await setup()
    await expect(gate.admit({ ...REQUEST, leadId: 'nobody' })).rejects.toMatchObject({
      code: 'compliance_lead_unknown',
    })
  })

  test('the state is read in any case', async () => {
    const { gate } = await setup({ state: ' ny ' })
    expect(await gate.admit(REQUEST)).toMatchObject({ outcome: 'admitted' })
  })
})

describe('what else is asked', () => {
  test('of two copies of the registry, the newer one counts', async () => {
    const national = { findNational: () => ({ isListed: true, copiedAt: NOON - HOUR }) }
    const { gate } = await setup({}, { national })
    expect(await gate.admit(REQUEST)).toMatchObject({ decision: { failedChecks: ['notOnDNC'] } })
    const older = { findNational: async () => ({ isListed: true, copiedAt: NOON - 2 * DAY }) }
    expect(await (await setup({}, { national: older })).gate.admit(REQUEST)).toMatchObject({ outcome: 'admitted' })
  })

  test('state lists are asked where there are any, and only there', async () => {
    const asked: string[] = []
    const stateLists = {
      findState: ({ state }: { state: string }) => {
        asked.push(state)
        return { isListed: false, copiedAt: NOON }
      },
    }
    expect(await (await setup({ state: 'TX' }, { stateLists })).gate.admit(REQUEST)).toMatchObject({
      outcome: 'admitted',
    })
    expect(asked).toEqual(['TX'])
  })

  test('a reassigned number is refused, and is asked for with the day of the consent', async () => {
    let consentAt = 0
    const reassigned = {
      findReassigned: async (query: { consentAt: number }) => {
        consentAt = query.consentAt
        return { answer: 'yes', checkedAt: NOON } as const
      },
    }
    expect(await (await setup({}, { reassigned })).gate.admit(REQUEST)).toMatchObject({
      decision: { failedChecks: ['hasWrittenConsent'] },
    })
    expect(consentAt).toBe(consentOf().obtainedAt)
  })

  test('postal code and line type stand among the inputs', async () => {
    const ports = {
      postalCodes: { findPostalCode: () => ({ timeZones: ['America/Chicago'], state: 'IL' }) },
      lineTypes: { findLineType: async () => 'mobile' as const },
    }
    const { gate } = await setup({ postalCode: '60601' }, ports)
    expect((await gate.preview(REQUEST)).inputs).toMatchObject({
      lineType: 'mobile',
      zones: [{ timeZone: 'America/Chicago', foundBy: 'postal-code' }],
      jurisdictions: [{ state: 'NY' }, { state: 'IL', foundBy: ['postal-code'] }],
    })
  })

  test('a preview is on record, takes no place and flags nobody', async () => {
    const { gate, store } = await setup({ automatedCallsAllowed: false })
    expect(await gate.preview(REQUEST)).toMatchObject({ outcome: 'refuse' })
    expect(store.records).toMatchObject([{ kind: 'preview' }])
    expect(store.attempts).toEqual([])
    expect(store.leads[0]!.review).toBeNull()
  })

  test('an exemption is a policy of its own, and stands on record with its reason', async () => {
    const strict = policyOf()
    const testCalls = policyOf({
      rules: [...STANDARD_RULES.filter((rule) => rule.check === 'numberValid'), ownNumber([NUMBER])],
    })
    const { gate, store } = await setup(
      { automatedCallsAllowed: false },
      { policy: (request) => (request.exemption ? testCalls : strict) },
    )
    const exemption = { reason: 'test call to our own phone', approvedBy: 'operations' }
    expect(await gate.admit({ ...REQUEST, exemption })).toMatchObject({ outcome: 'admitted' })
    expect(await gate.admit(REQUEST)).toMatchObject({ outcome: 'refused' })
    expect(JSON.parse(store.records[0]!.payload)).toMatchObject({ exemption })
  })
})

describe('it fails closed', () => {
  const METHODS = ['findLead', 'latestConsent', 'findDoNotCall', 'attemptsAfter', 'reserveAttempt'] as const

  test.each(METHODS)('when %s rejects, no call is placed', async (method) => {
    const { gate, store } = await setup()
    const cause = new Error('connection lost')
    Object.assign(store, { [method]: () => Promise.reject(cause) })
    await expect(gate.admit(REQUEST)).rejects.toMatchObject({ code: 'compliance_facts_unavailable', cause })
    expect(store.records).toEqual([])
    expect(store.attempts.filter((attempt) => attempt.state !== 'released')).toEqual([])
  })

  test.each(METHODS)('when %s does not answer in time, no call is placed', async (method) => {
    const { gate, store, clock } = await setup()
    Object.assign(store, { [method]: () => new Promise<never>(() => undefined) })
    const admission = gate.admit(REQUEST)
    admission.catch(() => undefined)
    await clock.advanceAsync(20_000, 1000) // each port is asked when the one before has answered
    await expect(admission).rejects.toMatchObject({ code: 'compliance_facts_unavailable' })
    expect(clock.pendingTimers).toBe(0)
  })

  test.each(['national', 'reassigned', 'lineTypes', 'postalCodes', 'stateLists'] as const)(
    'when the port %s fails, no call is placed',
    async (port) => {
      const fail = (): never => {
        throw new Error('down')
      }
      const ports = {
        findNational: fail,
        findReassigned: fail,
        findLineType: fail,
        findPostalCode: fail,
        findState: fail,
      }
      const { gate } = await setup({ postalCode: '10001', state: 'TX' }, { [port]: ports })
      await expect(gate.admit(REQUEST)).rejects.toMatchObject({ code: 'compliance_facts_unavailable' })
    },
  )

  test('when the policy cannot be had, no call is placed', async () => {
    const { gate } = await setup({}, { policy: () => Promise.reject(new Error('no rule pack')) })
    await expect(gate.admit(REQUEST)).rejects.toMatchObject({ details: { port: 'policy' } })
  })

  test.each(['appendAudit', 'auditHead'] as const)('when %s fails, the place is given back', async (method) => {
    const { gate, store } = await setup()
    Object.assign(store, { [method]: () => Promise.reject(new Error('disk full')) })
    await expect(gate.admit(REQUEST)).rejects.toMatchObject({ code: 'compliance_audit_failed' })
    expect(store.attempts).toMatchObject([{ state: 'released' }])
  })

  test('when a refusal cannot be put on record, that is an error too', async () => {
    const { gate, store } = await setup({ automatedCallsAllowed: false })
    store.appendAudit = () => Promise.reject(new Error('disk full'))
    await expect(gate.admit(REQUEST)).rejects.toMatchObject({ code: 'compliance_audit_failed' })
  })

  test('when a lead cannot be flagged, it is refused all the same, and the log says so without the number', async () => {
    const lines: unknown[] = []
    const note = (...line: unknown[]): void => void lines.push(line)
    const logger = { debug: note, info: note, warn: note, error: note }
    const { gate, store } = await setup({ automatedCallsAllowed: false }, { logger })
    store.flagLead = () => Promise.reject(new Error(`no lead ${NUMBER}`))
    expect(await gate.admit(REQUEST)).toMatchObject({ outcome: 'refused', isLeadFlagged: false })
    expect(lines).toHaveLength(1)
    expect(JSON.stringify(lines)).not.toContain('5550123')
  })

  test('a store without room under a policy without caps is an error and no call', async () => {
    const rules = STANDARD_RULES.filter((rule) => rule.check !== 'rateLimitOK')
    const { gate } = await setup({}, { policy: policyOf({ rules }) })
    for (let i = 0; i < 3; i++) await gate.admit(REQUEST)
    await expect(gate.admit(REQUEST)).rejects.toMatchObject({ code: 'compliance_facts_unavailable' })
  })
})

describe('personal data', () => {
  test('no record holds the number; under a key, whoever has both can find its records', async () => {
    const plain = await setup()
    await plain.gate.admit(REQUEST)
    expect(JSON.stringify(plain.store.records)).not.toContain('5550123')
    expect(JSON.parse(plain.store.records[0]!.payload)).toMatchObject({ numberHmac: null })

    const keyed = await setup({}, { numberKey: 'a key of our own, kept apart' })
    await keyed.gate.admit(REQUEST)
    const { createHmac } = await import('node:crypto')
    const expected = createHmac('sha256', 'a key of our own, kept apart').update(NUMBER).digest('hex')
    expect(JSON.parse(keyed.store.records[0]!.payload)).toMatchObject({ numberHmac: expected })
  })

  test('a short key is refused at once', async () => {
    await expect(setup({}, { numberKey: 'short' })).rejects.toThrow(RangeError)
  })
})
