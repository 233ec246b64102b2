/**
 * Writes the audit log: seals each entry behind the last one and appends it, one at a time for a tenant.
 *
 * @module
 */
import type { AuditRecord } from '../records/audit-record.js'
import { sealAuditRecord, type AuditEntry } from './audit.js'
import type { AuditHead, AuditStore } from './ports.js'

/** How often another process may get in first before the writer gives up. */
const MAX_CONFLICTS = 100

/** Tenants whose chain end is remembered. Forgetting one costs a read. */
const MAX_HEADS = 1000

/** Entries of one tenant that may wait for a store that does not answer. */
const MAX_WAITING = 1000

/** Writes entries. */
export interface AuditWriter {
  /**
   * Resolves when the record is stored; entries of one tenant are stored in the order of the calls.
   *
   * @param told - Kept in the same step as the record.
   */
  write(entry: AuditEntry, told?: Parameters<AuditStore['appendAudit']>[1]): Promise<AuditRecord>
}

/** A writer over a store. Several processes may write to one store: whoever comes second seals anew. */
export function createAuditWriter(store: Pick<AuditStore, 'auditHead' | 'appendAudit'>): AuditWriter {
  const heads = new Map<string, AuditHead>()
  const queues = new Map<string, { last: Promise<unknown>; waiting: number }>()

  function remember(tenantId: string, head: AuditHead): void {
    heads.delete(tenantId)
    heads.set(tenantId, head)
    const [oldest] = heads.keys()
    if (heads.size > MAX_HEADS && oldest !== undefined) heads.delete(oldest)
  }

  async function append(entry: AuditEntry, told: Parameters<AuditWriter['write']>[1]): Promise<AuditRecord> {
    const { tenantId } = entry
    let head = heads.get(tenantId) ?? (await store.auditHead({ tenantId }))
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const record = sealAuditRecord(entry, head)
      const appended = await store.appendAudit(record, told)
      if (appended.outcome === 'appended') {
        remember(tenantId, { sequence: record.sequence, hash: record.hash })
        return record
      }
      head = appended.head
    }
    throw new Error(`The audit chain moved on ${MAX_CONFLICTS} times while one record was written`)
  }

  return {
    write(entry, told) {
      const { tenantId } = entry
      const queue = queues.get(tenantId) ?? { last: Promise.resolve(), waiting: 0 }
      if (queue.waiting >= MAX_WAITING)
        return Promise.reject(new Error(`${MAX_WAITING} audit records wait for the store`))
      queues.set(tenantId, queue)
      queue.waiting++
      const written = queue.last.then(() => append(entry, told))
      queue.last = written.then(
        () => undefined,
        () => heads.delete(tenantId), // what stands in the store is not known any more
      )
      void queue.last.then(() => {
        queue.waiting--
        if (queue.waiting === 0) queues.delete(tenantId)
      })
      return written
    },
  }
}
