import { describe, expect, test } from 'vitest'
import type { ZodType } from 'zod'
import { auditRecord, FIRST_PREVIOUS_HASH } from '../../src/records/audit-record.js'
import { attemptCap, attemptState, callAttempt } from '../../src/records/call-attempt.js'
import {
  callPurpose,
  consentEvidence,
  consentGrant,
  consentKind,
  consentRevocation,
  optOutChannel,
} from '../../src/records/consent.js'
import { doNotCallAnswer, doNotCallEntry, doNotCallStatus } from '../../src/records/do-not-call.js'
import { stateCode } from '../../src/records/fields.js'
import { lead, leadReview } from '../../src/records/lead.js'

const evidence = {
  signatureMethod: 'web-form',
  disclosureText: 'I agree.',
  isArtificialVoiceDisclosed: true,
  isNotConditionDisclosed: true,
}
const grant = {
  tenantId: 't',
  consentId: 'c',
  phoneNumber: '+12125550123',
  sellerId: 's',
  kind: 'express-written',
  purposes: ['marketing'],
  obtainedAt: 1,
  source: 'form',
  evidence,
}
const attempt = { tenantId: 't', attemptId: 'a', phoneNumber: '+12125550123', attemptedAt: 1 }
const entry = { tenantId: 't', phoneNumber: '+12125550123', addedAt: 1, channel: 'keypress' }

test('what is not known becomes null, so that every store says the same', () => {
  expect(consentGrant.parse(grant)).toMatchObject({ expiresAt: null, leadId: null, evidence: { formUrl: null } })
  expect(callAttempt.parse(attempt)).toMatchObject({ state: 'reserved', callSid: null, disposition: null })
  expect(doNotCallEntry.parse(entry)).toEqual({ ...entry, leadId: null, callSid: null, note: null })
  expect(lead.parse({ tenantId: 't', leadId: 'l', phoneNumber: 'anything' })).toEqual({
    tenantId: 't',
    leadId: 'l',
    phoneNumber: 'anything',
    timeZone: null,
    postalCode: null,
    state: null,
    automatedCallsAllowed: false,
    doNotCall: null,
    review: null,
  })
  expect(doNotCallStatus.parse({})).toEqual({ national: null, states: {}, isInternal: false })
})

describe('what no record may hold', () => {
  test.each<[string, ZodType, unknown]>([
    ['a number without a plus', consentGrant, { ...grant, phoneNumber: '12125550123' }],
    ['a moment as text', consentGrant, { ...grant, obtainedAt: '2026-01-01' }],
    ['a moment that is none', callAttempt, { ...attempt, attemptedAt: Number.NaN }],
    ['consent to nothing', consentGrant, { ...grant, purposes: [] }],
    [
      'evidence that does not say what was disclosed',
      consentEvidence,
      { ...evidence, isArtificialVoiceDisclosed: undefined },
    ],
    ['a kind of consent that is none', consentKind, 'implied'],
    ['a purpose that is none', callPurpose, 'fun'],
    ['a channel that is none', optOutChannel, 'telepathy'],
    [
      'a revocation without a moment',
      consentRevocation,
      { tenantId: 't', revocationId: 'r', phoneNumber: '+12125550123', channel: 'api' },
    ],
    ['an answer without a date', doNotCallAnswer, { isListed: false }],
    ['a state of an attempt that is none', attemptState, 'maybe'],
    ['a cap without room', attemptCap, { capId: 'x', maxAttempts: 0, windowMs: 1 }],
    ['a state by name', stateCode, 'California'],
    ['a review without a decision', leadReview, { flaggedAt: 1, failedChecks: [], reason: '' }],
    [
      'an audit record with a hash that is none',
      auditRecord,
      {
        tenantId: 't',
        sequence: 1,
        recordedAt: 1,
        kind: 'decision',
        payload: '{}',
        previousHash: FIRST_PREVIOUS_HASH,
        hash: 'x',
      },
    ],
  ])('%s', (_name, schema, value) => {
    expect(schema.safeParse(value).success).toBe(false)
  })
})
