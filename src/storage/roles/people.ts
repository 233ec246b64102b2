/**
 * Leads and tenants over a driver's rows.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../core/clock.js'
import { id } from '../../records/fields.js'
import { lead } from '../../records/lead.js'
import { storedLead, type StoredLead } from '../../records/stored-lead.js'
import { tenantRecord, type TenantRecord } from '../../records/tenant.js'
import { Shelf, type On } from '../shelf.js'
import type { OutgoingEvent } from '../queues.js'
import type { LeadFilter, LeadStore, TenantStore } from '../store.js'
import { defined } from './calls.js'

/** How leads are kept. */
export function leadShelf(on: On): Shelf<StoredLead> {
  return new Shelf<StoredLead>(on, {
    kind: 'leads',
    schema: storedLead,
    idOf: (record) => record.leadId,
    atOf: (record) => record.createdAt,
    keysOf: (record) => ({
      party: record.phoneNumber,
      owner: record.ownerId,
      flagged: record.review ? 'flagged' : undefined,
    }),
  })
}

/** Leads over a driver. */
export function leadStore(on: On, clock: Clock): LeadStore {
  const leads = leadShelf(on)

  /** Adds it or changes what is there; somebody who adds it meanwhile is changed. */
  async function addOrChange(
    operation: string,
    fresh: Record<string, unknown> & { tenantId: string; leadId: string },
    merge: (record: StoredLead) => StoredLead,
    events: readonly OutgoingEvent[] = [],
  ): Promise<StoredLead> {
    const atMs = clock.now()
    // A lead that went may come again, and its versions begin anew with it: so the moment, to the second, is in the names of its events.
    const eventNumber = Math.floor(atMs / 1000)
    const place = { tenantId: fresh.tenantId, id: fresh.leadId, atMs, events, eventNumber }
    const change = () => leads.change(operation, place, (record) => ({ ...merge(record), updatedAt: atMs }))
    const changed = await change()
    if (changed) return changed.record
    const record = leads.parse(operation, { createdAt: atMs, ...fresh, updatedAt: atMs })
    if ((await leads.add(operation, record, events, { eventNumber })) === 'added') return record
    return (await change())?.record ?? record
  }

  return {
    async findLead({ tenantId, leadId }) {
      const found = await leads.find('findLead', tenantId, leadId)
      return found && lead.parse(found)
    },

    findStoredLead: ({ tenantId, leadId }) => leads.find('findStoredLead', tenantId, leadId),

    async putLead(given) {
      const fresh = defined(given) as Record<string, unknown> & typeof given
      const whole = leads.parse('putLead', { createdAt: 0, ...fresh, updatedAt: 0 })
      return addOrChange('putLead', fresh, ({ createdAt, review }) => ({
        ...whole,
        createdAt,
        review: whole.review ?? review,
      }))
    },

    async updateLead({ tenantId, leadId, changes }) {
      const atMs = clock.now()
      const merge = (record: StoredLead): StoredLead => ({ ...record, ...defined(changes), updatedAt: atMs })
      return (await leads.change('updateLead', { tenantId, id: leadId, atMs }, merge))?.record
    },

    async upsertLeadByPhone({ tenantId, phoneNumber, ownerId = null, ...told }) {
      const operation = 'upsertLeadByPhone'
      let leadId: string | undefined
      for await (const { record } of leads.every(operation, tenantId, {
        index: { name: 'party', value: phoneNumber },
      })) {
        if (record.ownerId === ownerId) leadId ??= record.leadId
      }
      // A name that follows from whose lead it is: whoever makes it at the same moment makes the same one.
      leadId ??= `lead_${createHash('sha256')
        .update(`${ownerId ?? ''}\n${phoneNumber}`)
        .digest('hex')
        .slice(0, 32)}`
      const known = defined(told)
      return addOrChange(operation, { ...known, tenantId, leadId, phoneNumber, ownerId }, (record) => ({
        ...record,
        ...known,
        ...(known.metadata && { metadata: { ...record.metadata, ...known.metadata } }),
      }))
    },

    async flagLead({ tenantId, leadId, review }, events) {
      const fresh = { tenantId, leadId, phoneNumber: '', review }
      await addOrChange('flagLead', fresh, (record) => ({ ...record, review }), events)
    },

    listLeads: ({ tenantId, filter, ...query }) => leads.page('listLeads', tenantId, { ...query, ...indexOf(filter) }),
  }
}

function indexOf(filter: LeadFilter | undefined): { index?: { name: string; value: string } } {
  if (!filter) return {}
  if ('phoneNumber' in filter) return { index: { name: 'party', value: filter.phoneNumber } }
  if ('ownerId' in filter) return { index: { name: 'owner', value: filter.ownerId } }
  return { index: { name: 'flagged', value: 'flagged' } }
}

/** All tenants stand together, so that a number can be looked up before it is known whose it is. */
const DIRECTORY = 'tenants'

const tenantNumber = z.object({ tenantId: id, phoneNumber: z.string() })
type TenantNumber = z.infer<typeof tenantNumber>

/** Tenants over a driver. */
export function tenantStore(on: On, clock: Clock): TenantStore {
  const tenants = new Shelf<TenantRecord>(on, {
    kind: 'tenants',
    schema: tenantRecord,
    idOf: (tenant) => tenant.tenantId,
    atOf: (tenant) => tenant.createdAt,
  })
  const numbers = new Shelf<TenantNumber>(on, {
    kind: 'tenant-numbers',
    schema: tenantNumber,
    idOf: (number) => number.phoneNumber,
    atOf: () => 0,
  })

  return {
    async putTenant(given) {
      const operation = 'putTenant'
      const atMs = clock.now()
      const { tenantId } = given
      const before = await tenants.read(operation, DIRECTORY, tenantId)
      const createdAt = before?.record.createdAt ?? given.createdAt ?? atMs
      const tenant = tenants.parse(operation, { ...given, createdAt, updatedAt: atMs })
      // Numbers first: a crash in between leaves a number with its new tenant, who puts itself again.
      const taken: string[] = []
      for (const phoneNumber of tenant.phoneNumbers) {
        if ((await numbers.add(operation, { tenantId, phoneNumber }, [], { partition: DIRECTORY })) === 'added')
          taken.push(phoneNumber)
        else if ((await numbers.find(operation, DIRECTORY, phoneNumber))?.tenantId !== tenantId) {
          await giveBack(operation, tenantId, taken)
          return 'number-taken'
        }
      }
      const put = { tenantId: DIRECTORY, id: tenantId, atMs }
      const isThere = await tenants.change(operation, put, ({ createdAt: first }) => ({ ...tenant, createdAt: first }))
      if (!isThere) await tenants.add(operation, tenant, [], { partition: DIRECTORY })
      await giveBack(
        operation,
        tenantId,
        (before?.record.phoneNumbers ?? []).filter((number) => !tenant.phoneNumbers.includes(number)),
      )
      return 'put'
    },

    findTenant: ({ tenantId }) => tenants.find('findTenant', DIRECTORY, tenantId),

    async findTenantByNumber({ phoneNumber }) {
      const number = await numbers.find('findTenantByNumber', DIRECTORY, phoneNumber)
      return number && tenants.find('findTenantByNumber', DIRECTORY, number.tenantId)
    },

    listTenants: (query) => tenants.page('listTenants', DIRECTORY, query),
  }

  async function giveBack(operation: string, tenantId: string, phoneNumbers: readonly string[]): Promise<void> {
    for (const phoneNumber of phoneNumbers) {
      const read = await numbers.read(operation, DIRECTORY, phoneNumber)
      if (read?.record.tenantId === tenantId) await numbers.remove(operation, read.row)
    }
  }
}
