/**
 * One link of the audit log: what was decided, bound to everything that was decided before it.
 *
 * @module
 */
import { z } from 'zod'
import { id, moment } from './fields.js'

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/)

export const auditRecord = z.object({
  tenantId: id,
  /** 1 for the tenant's first record, and one more for each that follows. */
  sequence: z.int().min(1),
  /** When it was written, in milliseconds since 1970. */
  recordedAt: moment,
  /** What kind of thing the payload is, e.g. `'decision'`. */
  kind: z.string().min(1).max(64),
  /**
   * Canonical JSON, as text. A store keeps it byte for byte and never parses it: a database that reorders keys would break
   * the chain.
   */
  payload: z.string(),
  /** `hash` of the record before; sixty-four zeros before the first. */
  previousHash: sha256Hex,
  /** SHA-256, in hexadecimal, over everything above. */
  hash: sha256Hex,
})
export type AuditRecord = z.infer<typeof auditRecord>

export { FIRST_PREVIOUS_HASH } from './first-hash.js'
