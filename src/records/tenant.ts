/**
 * On whose account and with whose settings a call is made or answered.
 *
 * @module
 */
import { z } from 'zod'
import { e164, id, moment, text } from './fields.js'

/** The opening hours of one day, local time, `HH:MM`. */
const openingHours = z.object({ open: z.string().max(8), close: z.string().max(8), enabled: z.boolean() })
/** The opening hours of one day. */
export type OpeningHours = z.infer<typeof openingHours>

/** The schema of a tenant. */
export const tenantRecord = z.object({
  tenantId: id,
  name: z.string().max(256).nullable().default(null),
  /** The numbers that are answered for this tenant. No two tenants share one. */
  phoneNumbers: z.array(e164).max(1000).default([]),
  /** Twilio's ids of those numbers, by number. */
  phoneNumberSids: z.record(z.string(), z.string()).default({}),
  settings: z
    .object({
      elevenLabsAgentId: id.nullable().default(null),
      aiGreeting: text.nullable().default(null),
      aiTone: z.string().max(256).nullable().default(null),
      /** By day of the week in English, lower case. */
      businessHours: z.record(z.string(), openingHours).default({}),
      /** IANA name. */
      timeZone: z.string().max(64).nullable().default(null),
    })
    .prefault({}),
  createdAt: moment,
  updatedAt: moment,
})
/** One tenant. */
export type TenantRecord = z.infer<typeof tenantRecord>

/** What is given to make a tenant. */
export type NewTenant = z.input<typeof tenantRecord>
