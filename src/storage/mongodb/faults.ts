/**
 * What an error of MongoDB's driver means.
 *
 * @module
 */
import type { StoreEngine } from '../engine.js'

type Explained = ReturnType<NonNullable<StoreEngine['explain']>>

/** Names of the driver's errors: https://mongodb.github.io/node-mongodb-native/7.0/classes/MongoError.html (read 2026-11-27). */
const NEVER_SENT =
  /^(MongoServerSelectionError|MongoNotConnectedError|MongoTopologyClosedError|MongoWaitQueueTimeoutError|MongoPoolClearedError)$/
const LOST =
  /^(MongoNetworkError|MongoClientClosedError|MongoExpiredSessionError|PoolClosedError|MongoPoolClosedError)$/
const TIMEOUT = /^(MongoNetworkTimeoutError|MongoOperationTimeoutError)$/

/** What an error of MongoDB's driver means. */
export function explainMongoError(error: unknown): Explained {
  const { name, code } = error as { name?: unknown; code?: unknown }
  const kind = typeof name === 'string' ? name : ''
  if (NEVER_SENT.test(kind)) return { code: 'storage_connection_lost', isRequestLost: true }
  if (LOST.test(kind)) return { code: 'storage_connection_lost' }
  if (TIMEOUT.test(kind) || code === 50) return { code: 'storage_timeout' }
  return undefined
}
