/**
 * What an error of a PostgreSQL client means.
 *
 * @module
 */
import type { StoreEngine } from '../engine.js'
import { SCHEMA_TOO_NEW_STATE } from './migrations.js'

type Explained = ReturnType<NonNullable<StoreEngine['explain']>>

/** The request never left, or the server said at once that it takes none. */
const NEVER_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|57P03|53300|28\w{3}|3D000)$/

/** The connection went away under it. 57P01 and 57P02: an administrator's shutdown (https://www.postgresql.org/docs/15/errcodes-appendix.html, read 2026-11-21). */
const LOST = /^(ECONNRESET|EPIPE|ETIMEDOUT|ERR_STREAM_DESTROYED|57P0[124]|08\w{3})$/

/** The client's own words, which have no code. */
const LOST_WORDS = /connection terminated|connection ended|client was closed|not queryable|pglite is closed/i
const NEVER_SENT_WORDS = /timeout exceeded when trying to connect|cannot use a pool after calling end/i

/** What an error of `pg` or PGlite means. */
export function explainPostgresError(error: unknown): Explained {
  const { code, message } = error as { code?: unknown; message?: unknown }
  const state = typeof code === 'string' ? code : ''
  const words = typeof message === 'string' ? message : ''
  if (NEVER_SENT.test(state) || NEVER_SENT_WORDS.test(words))
    return { code: 'storage_connection_lost', isRequestLost: true }
  if (LOST.test(state) || LOST_WORDS.test(words)) return { code: 'storage_connection_lost' }
  if (state === '57014') return { code: 'storage_timeout', isRequestLost: true } // cancelled, and rolled back
  if (state === '42P01' || state === '42883' || state === '42703')
    return { code: 'storage_schema_missing', isRequestLost: true }
  if (state === SCHEMA_TOO_NEW_STATE) return { code: 'storage_schema_too_new', isRequestLost: true }
  return undefined
}
