/**
 * Tells an event that comes twice from a new one.
 *
 * @module
 */

/** Where an event that comes twice is told from a new one. A store's idempotency claims fit; the default is this process's memory. */
export interface EventClaims {
  /** `'new'` for exactly one of any number of callers with a key, until it is given back; `'done'` once it was settled. */
  claim(key: string): Promise<'new' | 'running' | 'done'>
  /** `'done'`: it will never be new again. `'failed'`: it is new again for whoever comes next. */
  settle(key: string, outcome: 'done' | 'failed'): Promise<void>
}

/** How many settled events are remembered; beyond it the oldest is forgotten. */
const MAX_REMEMBERED_EVENTS = 20_000

/** Claims in the memory of this process. */
export function memoryClaims(): EventClaims {
  const known = new Map<string, 'running' | 'done'>()
  return {
    async claim(key) {
      const state = known.get(key)
      if (state) return state
      known.set(key, 'running')
      for (const [oldest, its] of known) {
        if (known.size <= MAX_REMEMBERED_EVENTS) break
        if (its === 'done') known.delete(oldest)
      }
      return 'new'
    },
    async settle(key, outcome) {
      if (outcome === 'done') known.set(key, 'done')
      else known.delete(key)
    },
  }
}
