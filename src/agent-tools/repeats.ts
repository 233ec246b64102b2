/**
 * What makes a request that comes twice happen once: within one call, the same tool with the same parameters is answered from
 * the first time.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.js'
import type { ToolAnswer } from './tool.js'

/**
 * Where answers of tools that must not run twice are kept. Several processes that serve one agent need a shared one, over a
 * store’s idempotency claims.
 */
export interface ToolRepeats {
  /** Runs `once` for a key that is new, and gives everybody else with that key the same answer. */
  answer(key: string, once: () => Promise<ToolAnswer>): Promise<ToolAnswer>
}

export interface MemoryToolRepeatsOptions {
  readonly clock: Clock
  /** How long an answer is remembered, in milliseconds. Default 3 600 000: longer than a call. */
  readonly rememberMs?: number
  /** How many are remembered; beyond it the oldest is forgotten. Default 10 000. */
  readonly maxRemembered?: number
}

/** Repeats within this process. */
export function memoryToolRepeats(options: MemoryToolRepeatsOptions): ToolRepeats {
  const { clock, rememberMs = 3_600_000, maxRemembered = 10_000 } = options
  const known = new Map<string, { readonly untilMs: number; readonly answer: Promise<ToolAnswer> }>()
  return {
    async answer(key, once) {
      const nowMs = clock.monotonicMs()
      for (const [oldest, { untilMs }] of known) {
        if (untilMs > nowMs && known.size < maxRemembered) break
        known.delete(oldest)
      }
      const found = known.get(key)
      if (found && found.untilMs > nowMs) return found.answer
      const entry = { untilMs: nowMs + rememberMs, answer: once() }
      known.set(key, entry)
      const answer = await entry.answer
      // What was refused or broke may be tried again, with the same words.
      if (!answer.success && known.get(key) === entry) known.delete(key)
      return answer
    },
  }
}

/** One key for one request: whose, on which call, which tool, with what. A hash, so that nothing personal is kept. */
export function repeatKey(tenantId: string, callKey: string, toolName: string, parameters: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([tenantId, callKey, toolName, sorted(parameters)]))
    .digest('base64url')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}
