/**
 * What the law asks to be kept, over a driver's rows: consent, the internal do-not-call list, the audit log.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { type z } from 'zod'
import { auditRecord, FIRST_PREVIOUS_HASH, type AuditRecord } from '../../records/audit-record.js'
import { consentGrant, consentRevocation, type ConsentGrant, type ConsentRevocation } from '../../records/consent.js'
import { doNotCallEntry, type DoNotCallEntry } from '../../records/do-not-call.js'
import { id, moment } from '../../records/fields.js'
import { Shelf, type On } from '../shelf.js'
import type { AuditHead, AuditStore, ConsentProof, NumberOfTenant } from '../../compliance/ports.js'
import type { ConsentStore, DoNotCallStore } from '../store.js'

/** How grants are kept. */
export function grantShelf(on: On): Shelf<ConsentGrant> {
  return new Shelf<ConsentGrant>(on, {
    kind: 'consent-grants',
    schema: consentGrant,
    idOf: (grant) => grant.consentId,
    atOf: (grant) => grant.obtainedAt,
    keysOf: (grant) => ({ party: grant.phoneNumber }),
  })
}

/** How revocations are kept. */
export function revocationShelf(on: On): Shelf<ConsentRevocation> {
  return new Shelf<ConsentRevocation>(on, {
    kind: 'consent-revocations',
    schema: consentRevocation,
    idOf: (revocation) => revocation.revocationId,
    atOf: (revocation) => revocation.revokedAt,
    keysOf: (revocation) => ({ party: revocation.phoneNumber }),
  })
}

/** Consent over a driver. */
export function consentStore(on: On): ConsentStore {
  const grants = grantShelf(on)
  const revocations = revocationShelf(on)

  async function proofOf(operation: string, { tenantId, phoneNumber }: NumberOfTenant): Promise<ConsentProof> {
    const query = { index: { name: 'party', value: phoneNumber } }
    const all = async <T extends { readonly tenantId: string }>(shelf: Shelf<T>): Promise<T[]> => {
      const records: T[] = []
      for await (const { record } of shelf.every(operation, tenantId, query)) records.push(record)
      return records
    }
    // Revocations last: one that is written between the two reads must not be missed by a grant that was read.
    return { grants: await all(grants), revocations: await all(revocations) }
  }

  return {
    grantConsent: (grant) => grants.add('grantConsent', grant),
    revokeConsent: (revocation, events) => revocations.add('revokeConsent', revocation, events),
    consentProof: (query) => proofOf('consentProof', query),

    async latestConsent({ sellerId, kinds, ...query }) {
      const proof = await proofOf('latestConsent', query)
      // Rows come in order of moment and id, so the last that fits is the latest.
      const grant = proof.grants.filter((other) => other.sellerId === sellerId && kinds.includes(other.kind)).at(-1)
      if (!grant) return undefined
      const revocation = proof.revocations.find(
        (other) => other.revokedAt >= grant.obtainedAt && (other.sellerId === null || other.sellerId === sellerId),
      )
      return { ...grant, revokedAt: revocation?.revokedAt ?? null, revocationId: revocation?.revocationId ?? null }
    },
  }
}

const keptEntry = doNotCallEntry.extend({
  entryId: id,
  /** What lifted it: a fresh grant. */
  liftedBy: id.nullable().default(null),
  liftedAt: moment.nullable().default(null),
})
type KeptEntry = z.infer<typeof keptEntry>

/** How the internal do-not-call list is kept. */
export function doNotCallShelf(on: On): Shelf<KeptEntry> {
  return new Shelf<KeptEntry>(on, {
    kind: 'do-not-call',
    schema: keptEntry,
    idOf: (entry) => entry.entryId,
    atOf: (entry) => entry.addedAt,
    keysOf: (entry) => ({
      standing: entry.liftedAt === null ? entry.phoneNumber : undefined,
      lists: entry.liftedAt === null ? 'standing' : 'lifted',
    }),
  })
}

/** The internal do-not-call list over a driver. */
export function doNotCallStore(on: On): DoNotCallStore {
  const entries = doNotCallShelf(on)
  const standing = (phoneNumber: string): { name: string; value: string } => ({ name: 'standing', value: phoneNumber })
  return {
    async addDoNotCall(entry) {
      const operation = 'addDoNotCall'
      const { phoneNumber, addedAt, channel, callSid } = entry
      const name = createHash('sha256')
        .update([phoneNumber, addedAt, channel, callSid ?? ''].join('\n'))
        .digest('hex')
      await entries.add(operation, { ...entry, entryId: name.slice(0, 32) })
    },

    async findDoNotCall({ tenantId, phoneNumber }) {
      const { items } = await entries.page(
        'findDoNotCall',
        tenantId,
        { index: standing(phoneNumber), limit: 1 },
        'ascending',
      )
      return items[0] && toEntry(items[0])
    },

    async liftDoNotCall({ tenantId, phoneNumber, consentId, liftedAt }) {
      const operation = 'liftDoNotCall'
      let isLifted = false
      for await (const { row } of entries.every(operation, tenantId, {
        index: standing(phoneNumber),
        untilAt: liftedAt + 1,
      })) {
        const lift = (entry: KeptEntry): KeptEntry | undefined =>
          entry.liftedAt === null ? { ...entry, liftedBy: consentId, liftedAt } : undefined
        const lifted = await entries.change(operation, { tenantId, id: row.id, atMs: liftedAt }, lift)
        isLifted ||= lifted?.isChanged === true
      }
      return isLifted
    },

    async listDoNotCall({ tenantId, ...query }) {
      const index = { name: 'lists', value: 'standing' }
      const { items, nextCursor } = await entries.page('listDoNotCall', tenantId, { ...query, index })
      return { items: items.map(toEntry), nextCursor }
    },
  }
}

function toEntry({ entryId: _, liftedBy: _by, liftedAt: _at, ...entry }: KeptEntry): DoNotCallEntry {
  return entry
}

/** How the audit log is kept. The name of a link is its sequence, so a chain cannot fork. */
export function auditShelf(on: On): Shelf<AuditRecord> {
  return new Shelf<AuditRecord>(on, {
    kind: 'audit',
    schema: auditRecord,
    idOf: ({ sequence }) => String(sequence).padStart(15, '0'),
    // Links are in order of sequence, whatever the clocks of their writers said.
    atOf: ({ sequence }) => sequence,
  })
}

/** The audit log over a driver. */
export function auditStore(on: On): AuditStore {
  const links = auditShelf(on)
  async function lastLink(operation: string, tenantId: string): Promise<AuditRecord | undefined> {
    return (await links.page(operation, tenantId, { limit: 1 })).items[0]
  }
  const headOf = (link: AuditRecord | undefined): AuditHead => ({
    sequence: link?.sequence ?? 0,
    hash: link?.hash ?? FIRST_PREVIOUS_HASH,
  })
  return {
    auditHead: async ({ tenantId }) => headOf(await lastLink('auditHead', tenantId)),

    async appendAudit(record, told) {
      const operation = 'appendAudit'
      const last = await lastLink(operation, record.tenantId)
      const head = headOf(last)
      if (last?.hash === record.hash) return { outcome: 'appended' }
      if (head.hash !== record.previousHash || head.sequence !== record.sequence - 1)
        return { outcome: 'conflict', head }
      // Links never change, so if this name is free the chain still ends where it did when it was read.
      const added = await links.add(operation, record, told?.events, told && { keys: { lead: told.leadId } })
      if (added === 'added') return { outcome: 'appended' }
      return { outcome: 'conflict', head: headOf(await lastLink(operation, record.tenantId)) }
    },

    async *readAudit({ tenantId, fromSequence = 1 }) {
      for await (const { record } of links.every('readAudit', tenantId, { sinceAt: fromSequence })) yield record
    },
  }
}
