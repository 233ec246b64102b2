/**
 * Many calls under one name, a row each.
 *
 * @module
 */
import { z } from 'zod'
import { id, moment, text } from './fields.js'

/** The schema of a campaign. */
export const campaignRecord = z.object({
  tenantId: id,
  campaignId: id,
  name: z.string().max(256).nullable().default(null),
  state: z.enum(['draft', 'running', 'paused', 'stopped', 'finished']).default('draft'),
  /** Why it was paused or stopped. */
  reason: text.nullable().default(null),
  agentId: id.nullable().default(null),
  ownerId: id.nullable().default(null),
  settings: z.record(z.string(), z.unknown()).default({}),
  createdAt: moment,
  updatedAt: moment,
})
/** One campaign. */
export type CampaignRecord = z.infer<typeof campaignRecord>

/** What is given to make a campaign. */
export type NewCampaign = z.input<typeof campaignRecord>

/** Where a row stands: waiting for its moment, called, refused for good, or failed for good. */
export const campaignRowState = z.enum(['waiting', 'done', 'refused', 'failed'])
/** Where a row stands. */
export type CampaignRowState = z.infer<typeof campaignRowState>

/** The schema of a row. */
export const campaignRow = z.object({
  tenantId: id,
  campaignId: id,
  /** Names the row within its campaign, e.g. the line of the list. */
  rowId: id,
  /** As it was in the list. It is judged when it is called, not here. */
  phoneNumber: z.string().max(64),
  leadId: id.nullable().default(null),
  name: z.string().max(256).nullable().default(null),
  email: z.string().max(320).nullable().default(null),
  notes: text.nullable().default(null),
  state: campaignRowState.default('waiting'),
  attemptId: id.nullable().default(null),
  callSid: z.string().max(64).nullable().default(null),
  /** The code of what refused or failed it. */
  code: z.string().max(128).nullable().default(null),
  createdAt: moment,
  updatedAt: moment,
})
/** One row of a campaign. */
export type CampaignRow = z.infer<typeof campaignRow>

/** What is given to make a row. */
export type NewCampaignRow = z.input<typeof campaignRow>
