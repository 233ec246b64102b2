/**
 * A store in PostgreSQL, or in PGlite: the same statements.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { createStore } from '../create-store.js'
import type { StoreEngine } from '../engine.js'
import type { Store } from '../store.js'
import { PostgresEngine, type SqlClient } from './engine.js'

/** Options of the store in PostgreSQL. */
export interface PostgresStoreOptions {
  /** A `pg.Pool` or a `PGlite`. It stays yours: end it after the last use of the store. */
  readonly client: SqlClient
  /** Where all time comes from. Default: moments in records by the machine's clock, everything between processes by the server's. */
  readonly clock?: Clock
  /** How long one statement may take, in milliseconds; beyond it the operation rejects with `storage_timeout`. Default 5000. */
  readonly operationTimeoutMs?: number
}

/**
 * A store in PostgreSQL 12 or newer, or in PGlite.
 *
 * @example
 * ```ts
 * const store = createPostgresStore({ client: new pg.Pool({ connectionString }) })
 * await store.migrate()
 * ```
 */
export function createPostgresStore({ client, clock, operationTimeoutMs }: PostgresStoreOptions): Store {
  return createStore(createPostgresEngine({ client, ...(clock && { clock }) }), {
    ...(clock && { clock }),
    ...(operationTimeoutMs !== undefined && { operationTimeoutMs }),
  })
}

/** The engine under {@link createPostgresStore}, for who wants to watch or to wrap it. */
export function createPostgresEngine({ client, clock }: Pick<PostgresStoreOptions, 'client' | 'clock'>): StoreEngine {
  if (typeof (client as Partial<SqlClient> | undefined)?.query !== 'function') {
    throw new TypeError('client must be a pg.Pool or a PGlite: it has no query()')
  }
  return new PostgresEngine(client, clock)
}
