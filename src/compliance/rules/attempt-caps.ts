/**
 * The number was not tried too often.
 *
 * There is no federal cap on consented marketing calls. Three in any 24 hours meets Florida, Maryland, Oklahoma and Oregon; Maine asks
 * for more of automated devices. An attempt counts from the moment it is made, whatever comes of it, in elapsed hours, and one that is
 * exactly as old as the window counts no more.
 *
 * @see Fla. Stat. 501.616(6)(b); Md. Code, Com. Law 14-4502(c)(2); 15 O.S. 775C.4; ORS 646.563; 10 M.R.S. 1498(3) (read 2026-11-21)
 * @module
 */
import type { AttemptCap } from '../../records/call-attempt.js'
import type { CallFacts } from '../facts.js'
import { capsAt } from '../place.js'
import { failedIf, type Rule } from '../rule.js'
import type { Citation } from '../rule-pack.js'

const STATUTES: readonly Citation[] = [
  { cite: 'Fla. Stat. 501.616(6)(b)', confidence: 'high', readOn: '2026-11-21' },
  { cite: 'Md. Code, Com. Law 14-4502(c)(2)', confidence: 'high', readOn: '2026-11-21' },
  { cite: '15 O.S. 775C.4', confidence: 'high', readOn: '2026-11-21' },
  { cite: 'ORS 646.563', confidence: 'high', readOn: '2026-11-21' },
]

/**
 * `rateLimitOK`. Reasons: `'attempts-unknown'`, `'attempts-unreadable'`, `'cap:…'` with the id of each cap that is full,
 * `'reserved-elsewhere'`.
 */
export const rateLimitOK: Rule = {
  check: 'rateLimitOK',
  citations: STATUTES,
  evaluate({ facts, place, policy, at }) {
    const { attemptsAt } = facts
    if (!Array.isArray(attemptsAt)) return failedIf(['attempts-unknown'])
    const refusedUntilAt = refusedUntil(facts)
    if (!attemptsAt.every(Number.isSafeInteger) || refusedUntilAt === undefined)
      return failedIf(['attempts-unreadable'])
    const reasons: string[] = []
    for (const cap of capsAt(place, policy)) {
      if (countAttempts(attemptsAt, cap, at) >= cap.maxAttempts) reasons.push(`cap:${cap.capId}`)
    }
    if (at < refusedUntilAt) reasons.push('reserved-elsewhere')
    const stateCitations = place.jurisdictions.flatMap((jurisdiction) => jurisdiction.policy.capCitations)
    return failedIf(reasons, stateCitations.length > 0 ? stateCitations : STATUTES)
  },
  nextPassAt({ facts, place, policy, at }) {
    const { attemptsAt } = facts
    const refusedUntilAt = refusedUntil(facts)
    if (!Array.isArray(attemptsAt) || !attemptsAt.every(Number.isSafeInteger) || refusedUntilAt === undefined)
      return null
    const sorted: readonly number[] = [...(attemptsAt as readonly number[])].sort((a, b) => a - b)
    const caps = capsAt(place, policy)
    let next = Math.max(at, refusedUntilAt)
    for (;;) {
      const before = next
      for (const cap of caps) next = nextRoom(sorted, cap, next)
      if (next === before) return next
    }
  },
}

/** Until when the store refused a place; long ago when it did not, `undefined` when that cannot be read. */
function refusedUntil({ attemptsRefusedUntilAt }: CallFacts): number | undefined {
  if (attemptsRefusedUntilAt === null) return Number.MIN_SAFE_INTEGER
  return Number.isSafeInteger(attemptsRefusedUntilAt) ? attemptsRefusedUntilAt : undefined
}

/** How many attempts lie in the window that ends at `at`. */
export function countAttempts(attemptsAt: readonly number[], { windowMs }: AttemptCap, at: number): number {
  let count = 0
  for (const attemptedAt of attemptsAt) if (at - windowMs < attemptedAt && attemptedAt <= at) count++
  return count
}

/** The first moment at or after `at` at which the cap has room. Each round leaves the oldest attempts that are too many behind. */
function nextRoom(sorted: readonly number[], cap: AttemptCap, at: number): number {
  for (;;) {
    const counted = sorted.filter((attemptedAt) => at - cap.windowMs < attemptedAt && attemptedAt <= at)
    const last = counted[counted.length - cap.maxAttempts]
    if (last === undefined) return at
    at = last + cap.windowMs
  }
}
