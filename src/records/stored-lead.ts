/**
 * A lead with everything that is kept about them beside what a decision needs.
 *
 * @module
 */
import { z } from 'zod'
import { id, moment, text } from './fields.js'
import { lead } from './lead.js'

/** The schema of a lead as it is kept. */
export const storedLead = lead.extend({
  name: z.string().max(256).nullable().default(null),
  email: z.string().max(320).nullable().default(null),
  notes: text.nullable().default(null),
  /** The agent or user inside the tenant to whom the lead belongs. */
  ownerId: id.nullable().default(null),
  /** The vendor said that there is no such number. */
  isPhoneInvalid: z.boolean().default(false),
  metadata: z.record(z.string(), z.unknown()).default({}),
  createdAt: moment,
  updatedAt: moment,
})
/** A lead as it is kept. */
export type StoredLead = z.infer<typeof storedLead>

/** What is given to make a lead. */
export type NewLead = z.input<typeof storedLead>
