/**
 * Repeats across processes: the same request, made again on another machine, is answered from the first time.
 *
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'
import type { ClaimPort } from '../core/claims.js'
import { VoiceError } from '../core/errors.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import type { ToolRepeats } from './repeats.js'
import type { ToolAnswer } from './tool.js'

export interface StoreToolRepeatsOptions {
  /** Any store of `callweave/storage`, or what has its claims. */
  readonly store: ClaimPort
  /** Under which tenant the claims are kept; the key itself already tells tenants apart. Default `agent-tools`. */
  readonly tenantId?: string
  /**
   * How long one request may take before another process may make it again, in milliseconds. Default 150 000: above the longest time
   * limit that a tool can have.
   */
  readonly leaseMs?: number
  /** How long an answer is remembered, in milliseconds. Default 3 600 000. The answer itself is kept in the store. */
  readonly rememberMs?: number
  /** How often a process asks whether another has finished, in milliseconds. Default 200. */
  readonly pollMs?: number
  readonly clock?: Clock
  readonly logger?: Logger
}

/**
 * Repeats in a store.
 *
 * A process that dies in the middle leaves its claim to run out; whoever asks after that runs the tool again. A store that cannot be
 * asked fails the request: nothing is booked that could be booked twice.
 */
export function storeToolRepeats(options: StoreToolRepeatsOptions): ToolRepeats {
  const { store, tenantId = 'agent-tools', leaseMs = 150_000, rememberMs = 3_600_000, pollMs = 200 } = options
  const { clock = systemClock } = options
  const logger = maskingLogger(options.logger ?? silentLogger)
  for (const [name, value] of Object.entries({ leaseMs, rememberMs, pollMs })) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`${name} must be a positive number, got ${value}`)
  }
  return {
    async answer(key, once) {
      const untilMs = clock.monotonicMs() + leaseMs
      for (;;) {
        const claimed = await store.claimKey({ tenantId, key, leaseMs })
        if (claimed.outcome === 'done') return claimed.result as ToolAnswer
        if (claimed.outcome === 'claimed') {
          const answer = await once()
          try {
            // What was refused or broke may be tried again, with the same words.
            if (answer.success) await store.commitClaim(claimed.claim, { result: answer, keepMs: rememberMs })
            else await store.abandonClaim(claimed.claim)
          } catch (error) {
            logger.error('What a tool did could not be remembered', { error }) // it is done all the same
          }
          return answer
        }
        if (clock.monotonicMs() >= untilMs) {
          throw new VoiceError('agent_tool_timeout', `The same request is under way elsewhere for over ${leaseMs} ms`)
        }
        await new Promise<void>((resolve) => clock.setTimeout(resolve, pollMs))
      }
    },
  }
}
