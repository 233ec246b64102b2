/**
 * A store in Redis, one server or a cluster.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { createStore } from '../create-store.js'
import type { StoreEngine } from '../engine.js'
import type { Store } from '../store.js'
import { RedisEngine, type RedisClient } from './engine.js'

/** Options of the store in Redis. */
export interface RedisStoreOptions {
  /** A `Redis` or a `Cluster` of ioredis. It stays yours: quit it after the last use of the store. */
  readonly client: RedisClient
  /** What every key begins with. No braces. Default `callweave`. */
  readonly prefix?: string
  /** Where all time comes from. Default: moments in records by the machine's clock, everything between processes by the server's. */
  readonly clock?: Clock
  /** How long one step may take, in milliseconds; beyond it the operation rejects with `storage_timeout`. Default 5000. */
  readonly operationTimeoutMs?: number
}

/**
 * A store in Redis 5 or newer.
 *
 * @example
 * ```ts
 * const store = createRedisStore({ client: new Redis(url) })
 * await store.migrate()
 * ```
 */
export function createRedisStore({ client, prefix, clock, operationTimeoutMs }: RedisStoreOptions): Store {
  return createStore(createRedisEngine({ client, ...(prefix !== undefined && { prefix }), ...(clock && { clock }) }), {
    ...(clock && { clock }),
    ...(operationTimeoutMs !== undefined && { operationTimeoutMs }),
  })
}

/** The engine under {@link createRedisStore}, for who wants to watch or to wrap it. */
export function createRedisEngine({
  client,
  prefix = 'callweave',
  clock,
}: Pick<RedisStoreOptions, 'client' | 'prefix' | 'clock'>): StoreEngine {
  if (typeof (client as Partial<RedisClient> | undefined)?.evalsha !== 'function') {
    throw new TypeError('client must be a Redis or a Cluster of ioredis: it has no evalsha()')
  }
  if (/[{}]/.test(prefix)) throw new TypeError('prefix must not hold braces: a cluster would read them')
  return new RedisEngine(client, prefix, clock)
}
