import { EMPTY_CHAIN } from '../../../src/compliance/audit.js'
import type { AuditHead, ComplianceStore } from '../../../src/compliance/ports.js'
import type { AuditRecord } from '../../../src/records/audit-record.js'
import type { CallAttempt } from '../../../src/records/call-attempt.js'
import type { ConsentGrant, ConsentRevocation } from '../../../src/records/consent.js'
import type { DoNotCallEntry } from '../../../src/records/do-not-call.js'
import type { Lead } from '../../../src/records/lead.js'

/** The ports over plain lists: enough to try the gate, and to say in code what the ports ask of a store. */
export class ListStore implements ComplianceStore {
  readonly leads: Lead[] = []
  readonly grants: ConsentGrant[] = []
  readonly revocations: ConsentRevocation[] = []
  readonly entries: (DoNotCallEntry & { liftedBy?: string })[] = []
  readonly attempts: CallAttempt[] = []
  readonly records: AuditRecord[] = []

  grantConsent: ComplianceStore['grantConsent'] = async (grant) => {
    if (this.grants.some((other) => other.consentId === grant.consentId)) return 'exists'
    this.grants.push(grant)
    return 'added'
  }

  revokeConsent: ComplianceStore['revokeConsent'] = async (revocation) => {
    if (this.revocations.some((other) => other.revocationId === revocation.revocationId)) return 'exists'
    this.revocations.push(revocation)
    return 'added'
  }

  latestConsent: ComplianceStore['latestConsent'] = async ({ tenantId, phoneNumber, sellerId, kinds }) => {
    const grant = this.grants
      .filter((g) => g.tenantId === tenantId && g.phoneNumber === phoneNumber && g.sellerId === sellerId)
      .filter((g) => kinds.includes(g.kind))
      .sort((a, b) => b.obtainedAt - a.obtainedAt)[0]
    if (!grant) return undefined
    const revocation = this.revocations
      .filter((r) => r.tenantId === tenantId && r.phoneNumber === phoneNumber && r.revokedAt >= grant.obtainedAt)
      .filter((r) => r.sellerId === null || r.sellerId === sellerId)
      .sort((a, b) => a.revokedAt - b.revokedAt)[0]
    return { ...grant, revokedAt: revocation?.revokedAt ?? null, revocationId: revocation?.revocationId ?? null }
  }

  consentProof: ComplianceStore['consentProof'] = async ({ tenantId, phoneNumber }) => {
    const isOf = (record: { tenantId: string; phoneNumber: string }): boolean =>
      record.tenantId === tenantId && record.phoneNumber === phoneNumber
    return { grants: this.grants.filter(isOf), revocations: this.revocations.filter(isOf) }
  }

  addDoNotCall: ComplianceStore['addDoNotCall'] = async (entry) => void this.entries.push(entry)

  findDoNotCall: ComplianceStore['findDoNotCall'] = async ({ tenantId, phoneNumber }) =>
    this.entries.find((e) => e.tenantId === tenantId && e.phoneNumber === phoneNumber && !e.liftedBy)

  liftDoNotCall: ComplianceStore['liftDoNotCall'] = async ({ phoneNumber, consentId, liftedAt }) => {
    const lifted = this.entries.filter((e) => e.phoneNumber === phoneNumber && e.addedAt <= liftedAt)
    for (const entry of lifted) entry.liftedBy = consentId
    return lifted.length > 0
  }

  reserveAttempt: ComplianceStore['reserveAttempt'] = async ({ attempt, caps }) => {
    if (this.attempts.some((other) => other.attemptId === attempt.attemptId)) return { outcome: 'reserved' }
    const counted = this.#counted(attempt)
    const full = caps.filter(
      (cap) => counted.filter((at) => at > attempt.attemptedAt - cap.windowMs).length >= cap.maxAttempts,
    )
    if (full.length === 0) {
      this.attempts.push(attempt)
      return { outcome: 'reserved' }
    }
    const nextAllowedAt = Math.max(
      ...full.map((cap) => (counted[counted.length - cap.maxAttempts] ?? 0) + cap.windowMs),
    )
    return { outcome: 'refused', capIds: full.map((cap) => cap.capId), nextAllowedAt }
  }

  settleAttempt: ComplianceStore['settleAttempt'] = async ({ attemptId, state }) => {
    const place = this.attempts.findIndex((attempt) => attempt.attemptId === attemptId)
    const found = this.attempts[place]
    if (!found || (state === 'released' && found.state === 'placed')) return false
    this.attempts[place] = { ...found, state }
    return true
  }

  attemptsAfter: ComplianceStore['attemptsAfter'] = async (query) =>
    this.#counted(query).filter((at) => at > query.afterAt)

  #counted({ tenantId, phoneNumber }: { tenantId: string; phoneNumber: string }): number[] {
    return this.attempts
      .filter((a) => a.tenantId === tenantId && a.phoneNumber === phoneNumber && a.state !== 'released')
      .map((a) => a.attemptedAt)
      .sort((a, b) => a - b)
  }

  /** Campaign → answered, abandoned. */
  readonly campaignCalls = new Map<string, readonly [number, number]>()

  countCalls: ComplianceStore['countCalls'] = async ({ filter }) =>
    'answeredCampaignId' in filter
      ? (this.campaignCalls.get(filter.answeredCampaignId)?.[0] ?? 0)
      : (this.campaignCalls.get(filter.abandonedCampaignId)?.[1] ?? 0)

  findLead: ComplianceStore['findLead'] = async ({ tenantId, leadId }) =>
    this.leads.find((lead) => lead.tenantId === tenantId && lead.leadId === leadId)

  flagLead: ComplianceStore['flagLead'] = async ({ leadId, review }) => {
    const place = this.leads.findIndex((lead) => lead.leadId === leadId)
    this.leads[place] = { ...this.leads[place]!, review }
  }

  auditHead: ComplianceStore['auditHead'] = async ({ tenantId }) => this.#head(tenantId)

  #head(tenantId: string): AuditHead {
    const last = this.records.findLast((record) => record.tenantId === tenantId)
    return last ? { sequence: last.sequence, hash: last.hash } : EMPTY_CHAIN
  }

  appendAudit: ComplianceStore['appendAudit'] = async (record) => {
    const head = this.#head(record.tenantId)
    if (head.hash !== record.previousHash || head.sequence !== record.sequence - 1) return { outcome: 'conflict', head }
    this.records.push(record)
    return { outcome: 'appended' }
  }

  async *readAudit({
    tenantId,
    fromSequence = 1,
  }: {
    tenantId: string
    fromSequence?: number
  }): AsyncGenerator<AuditRecord> {
    yield* this.records.filter((record) => record.tenantId === tenantId && record.sequence >= fromSequence)
  }
}
