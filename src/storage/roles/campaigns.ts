/**
 * Campaigns and their rows over a driver's queues.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import {
  campaignRecord,
  campaignRow,
  campaignRowState,
  type CampaignRecord,
  type CampaignRow,
} from '../../records/campaign.js'
import type { RowWrite } from '../engine.js'
import type { Receipt } from '../queues.js'
import { Shelf, type On, type Read } from '../shelf.js'
import type { CampaignStore } from '../store.js'
import { defined } from './calls.js'

/** Rows are added so many at a time, so that a list of 100 000 neither waits for each nor floods the database. */
const ROWS_AT_ONCE = 50

/** How campaigns are kept. */
export function campaignShelf(on: On): Shelf<CampaignRecord> {
  return new Shelf<CampaignRecord>(on, {
    kind: 'campaigns',
    schema: campaignRecord,
    idOf: (campaign) => campaign.campaignId,
    atOf: (campaign) => campaign.createdAt,
  })
}

/** Names a row within its tenant: `rowId` is its own within its campaign only. */
export const campaignRowName = ({ campaignId, rowId }: Pick<CampaignRow, 'campaignId' | 'rowId'>): string =>
  `${campaignId}/${rowId}`

/** How rows are kept. */
export function campaignRowShelf(on: On): Shelf<CampaignRow> {
  return new Shelf<CampaignRow>(on, {
    kind: 'campaign-rows',
    schema: campaignRow,
    idOf: campaignRowName,
    atOf: (row) => row.createdAt,
    keysOf: ({ campaignId, state, phoneNumber }) => ({
      campaign: campaignId,
      state: `${campaignId}/${state}`,
      party: phoneNumber,
    }),
  })
}

/** Campaigns over a driver. */
export function campaignStore(on: On, clock: Clock): CampaignStore {
  const campaigns = campaignShelf(on)
  const rows = campaignRowShelf(on)

  /** Writes a taken row, if it is still ours. */
  async function writeTaken(
    operation: string,
    { tenantId, id, version }: Receipt,
    change: (row: CampaignRow) => CampaignRow,
    dueAt: number | undefined,
  ): Promise<boolean> {
    const read: Read<CampaignRow> | undefined = await rows.read(operation, tenantId, id)
    if (read?.row.version !== version) return false
    const record = rows.parse(operation, change(read.record))
    const due = dueAt === undefined ? undefined : { queue: record.campaignId, at: dueAt }
    const put = { at: read.row.at, record, keys: rows.keysOf(record), ...(due && { due }) }
    return (await on(operation).write({ kind: 'campaign-rows', tenantId, id, when: version, put })) === 'written'
  }

  return {
    addCampaign: (campaign) => {
      const createdAt = campaign.createdAt ?? clock.now()
      return campaigns.add('addCampaign', { ...campaign, createdAt, updatedAt: createdAt })
    },

    findCampaign: ({ tenantId, campaignId }) => campaigns.find('findCampaign', tenantId, campaignId),

    async updateCampaign({ tenantId, campaignId, changes, events }) {
      const atMs = clock.now()
      const place = { tenantId, id: campaignId, atMs, ...(events && { events }) }
      const merge = (record: CampaignRecord): CampaignRecord => ({ ...record, ...defined(changes), updatedAt: atMs })
      return (await campaigns.change('updateCampaign', place, merge))?.record
    },

    listCampaigns: ({ tenantId, ...query }) => campaigns.page('listCampaigns', tenantId, query),

    async addCampaignRows(given) {
      const operation = 'addCampaignRows'
      const atMs = clock.now()
      const writes = given.map(({ dueAt = atMs, ...fields }, position): RowWrite => {
        const createdAt = fields.createdAt ?? atMs
        const record = rows.parse(operation, { ...fields, createdAt, updatedAt: createdAt })
        const { tenantId, campaignId } = record
        // A millisecond apart, so that the order of the list is the order of the rows.
        const put = { at: atMs + position, record, keys: rows.keysOf(record), due: { queue: campaignId, at: dueAt } }
        return { kind: 'campaign-rows', tenantId, id: campaignRowName(record), when: 'absent', put }
      })
      let added = 0
      for (let start = 0; start < writes.length; start += ROWS_AT_ONCE) {
        const batch = writes.slice(start, start + ROWS_AT_ONCE)
        const outcomes = await Promise.all(batch.map((write) => on(operation).write(write)))
        added += outcomes.filter((outcome) => outcome === 'written').length
      }
      return added
    },

    async takeCampaignRows({ tenantId, campaignId, limit, visibilityMs }) {
      const operation = 'takeCampaignRows'
      const taken = await on(operation).take('campaign-rows', campaignId, { tenantId, limit, visibilityMs })
      return taken.map((row) => ({
        row: rows.parse(operation, row.record),
        receipt: { tenantId: row.tenantId, id: row.id, version: row.version },
        takes: row.takes ?? 1,
      }))
    },

    settleCampaignRow: (receipt, settled) => {
      const settle = (row: CampaignRow): CampaignRow => ({ ...row, ...defined(settled), updatedAt: clock.now() })
      return writeTaken('settleCampaignRow', receipt, settle, undefined)
    },

    deferCampaignRow: (receipt, dueAt) =>
      writeTaken('deferCampaignRow', receipt, (row) => ({ ...row, updatedAt: clock.now() }), dueAt),

    listCampaignRows: ({ tenantId, campaignId, state, ...query }) => {
      const index = state ? { name: 'state', value: `${campaignId}/${state}` } : { name: 'campaign', value: campaignId }
      return rows.page('listCampaignRows', tenantId, { ...query, index }, 'ascending')
    },

    async countCampaignRows({ tenantId, campaignId }) {
      const count = (state: string) =>
        on('countCampaignRows').count('campaign-rows', tenantId, {
          index: { name: 'state', value: `${campaignId}/${state}` },
        })
      const counts = await Promise.all(
        campaignRowState.options.map(async (state) => [state, await count(state)] as const),
      )
      return Object.fromEntries(counts) as Record<(typeof campaignRowState.options)[number], number>
    },
  }
}
