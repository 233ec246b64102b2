/**
 * What an error of a Redis client means.
 *
 * @module
 */
import type { StoreEngine } from '../engine.js'

type Explained = ReturnType<NonNullable<StoreEngine['explain']>>

const NEVER_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/
const LOST = /^(ECONNRESET|EPIPE|ETIMEDOUT)$/

/** The server takes no writes now, and says so before it does anything (https://redis.io/docs/latest/develop/reference/protocol-spec/, read 2026-11-27). */
const NOT_SERVED = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|TRYAGAIN|BUSY )/

/** The client's own words, which have no code. */
const LOST_WORDS = /connection is closed|max retries per request|socket closed|stream isn't writeable/i

/** What an error of ioredis means. */
export function explainRedisError(error: unknown): Explained {
  const { code, message } = error as { code?: unknown; message?: unknown }
  const state = typeof code === 'string' ? code : ''
  const words = typeof message === 'string' ? message : ''
  if (NEVER_SENT.test(state) || NOT_SERVED.test(words)) return { code: 'storage_connection_lost', isRequestLost: true }
  if (LOST.test(state) || LOST_WORDS.test(words)) return { code: 'storage_connection_lost' }
  if (/command timed out/i.test(words)) return { code: 'storage_timeout' }
  return undefined
}
