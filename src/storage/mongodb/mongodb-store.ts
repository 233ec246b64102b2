/**
 * A store in MongoDB.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { createStore } from '../create-store.js'
import type { StoreEngine } from '../engine.js'
import type { Store } from '../store.js'
import type { MongoDatabase } from './client.js'
import { MongoEngine } from './engine.js'

/** Options of the store in MongoDB. */
export interface MongoStoreOptions {
  /** A `Db` of the `mongodb` package. Its client stays yours: close it after the last use of the store. */
  readonly database: MongoDatabase
  /** What every collection's name begins with. Default `callweave`. */
  readonly prefix?: string
  /** Where all time comes from. Default: moments in records by the machine's clock, everything between processes by the server's. */
  readonly clock?: Clock
  /** How long one step may take, in milliseconds; beyond it the operation rejects with `storage_timeout`. Default 5000. */
  readonly operationTimeoutMs?: number
}

/**
 * A store in MongoDB 5 or newer. Use write concern `majority` and read from the primary, which are the driver's defaults.
 *
 * @example
 * ```ts
 * const store = createMongoStore({ database: new MongoClient(url).db('calls') })
 * await store.migrate()
 * ```
 */
export function createMongoStore({ database, prefix, clock, operationTimeoutMs }: MongoStoreOptions): Store {
  return createStore(
    createMongoEngine({ database, ...(prefix !== undefined && { prefix }), ...(clock && { clock }) }),
    {
      ...(clock && { clock }),
      ...(operationTimeoutMs !== undefined && { operationTimeoutMs }),
    },
  )
}

/** The engine under {@link createMongoStore}, for who wants to watch or to wrap it. */
export function createMongoEngine({
  database,
  prefix = 'callweave',
  clock,
}: Pick<MongoStoreOptions, 'database' | 'prefix' | 'clock'>): StoreEngine {
  if (typeof (database as Partial<MongoDatabase> | undefined)?.collection !== 'function') {
    throw new TypeError('database must be a Db of the mongodb package: it has no collection()')
  }
  return new MongoEngine(database, prefix, clock)
}
