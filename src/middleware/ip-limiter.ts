/**
 * So many requests from one address in any stretch of time: for routes that people reach, never for Twilio's webhooks, which must not be
 * refused for coming often (https://www.twilio.com/docs/api/errors/11217, read 2026-11-21).
 *
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'
import { isAt, jsonResponse, type HostHandler, type HostRequest } from './host-request.js'

export interface IpLimiterOptions {
  /** Requests in any stretch of {@link windowMs}. Default 10. */
  readonly maxRequests?: number
  /** Default 3 600 000: an hour. */
  readonly windowMs?: number
  /**
   * The paths that count, written as the keys of `CALL_API_PATHS` are: one that ends with a slash is a beginning. Give them where the host has more
   * behind the same mount point. Default: every path.
   */
  readonly paths?: readonly string[]
  /**
   * How many proxies of your own stand in front, each of which appends the address that it saw to `X-Forwarded-For`. Default 0: the header is not
   * looked at, for anyone can write it.
   */
  readonly trustedProxies?: number
  /** Addresses that are remembered; beyond it the one that was quiet longest is forgotten. Default 10 000. */
  readonly maxAddresses?: number
  readonly clock?: Clock
}

/** A handler that asks another, unless the address has had its share: then 429, and when to come again. */
export function limitByIp(handle: HostHandler, options: IpLimiterOptions = {}): HostHandler {
  const { maxRequests = 10, windowMs = 3_600_000, trustedProxies = 0 } = options
  const { maxAddresses = 10_000, clock = systemClock, paths } = options
  if (!(maxRequests >= 1)) throw new RangeError(`maxRequests must be at least 1, got ${maxRequests}`)
  const seen = new Map<string, number[]>()
  return async (request) => {
    const path = request.target.split('?', 1)[0] ?? '/'
    if (paths && !paths.some((known) => isAt(known, path))) return handle(request)
    const address = addressOf(request, trustedProxies)
    const nowMs = clock.monotonicMs()
    const recent = (seen.get(address) ?? []).filter((atMs) => atMs > nowMs - windowMs)
    seen.delete(address)
    if (recent.length >= maxRequests) {
      seen.set(address, recent)
      const waitS = Math.ceil(((recent[0] ?? nowMs) + windowMs - nowMs) / 1000)
      return {
        ...jsonResponse(429, { error: 'Too many calls. Please try again later.' }),
        headers: { 'retry-after': String(waitS) },
      }
    }
    seen.set(address, [...recent, nowMs])
    for (const oldest of seen.keys()) {
      if (seen.size <= maxAddresses) break
      seen.delete(oldest)
    }
    return handle(request)
  }
}

/** The client's address: of what proxies appended, the entry that the outermost of ours wrote. */
function addressOf(request: HostRequest, trustedProxies: number): string {
  const direct = request.remoteAddress ?? 'unknown'
  if (trustedProxies === 0) return direct
  const header = request.header('x-forwarded-for')
  const list = (typeof header === 'string' ? header : (header ?? []).join(',')).split(',').map((one) => one.trim())
  return list.at(-trustedProxies) || direct
}
