/**
 * It is a time to call, on every clock that the called party may live by.
 *
 * No solicitation before 08:00 or after 21:00 local time at the called party's location; states cut that window, close days and close
 * holidays. The start is in the window and the end is not. Consent may lift the hours (the point is in litigation); here it does not.
 *
 * @see 47 CFR 64.1200(c)(1), (e); 16 CFR 310.4(c); the states in the rule pack (read 2026-11-21)
 * @module
 */
import { localDay, momentOf, DAY_MS, type ZoneClock } from '../../core/local-time.js'
import { windowAt } from '../place.js'
import { failedIf, skipped, type Rule, type RuleContext } from '../rule.js'
import type { Citation } from '../rule-pack.js'

const FEDERAL: readonly Citation[] = [
  { cite: '47 CFR 64.1200(c)(1), (e)', confidence: 'high', readOn: '2026-11-21' },
  { cite: '16 CFR 310.4(c)', confidence: 'high', readOn: '2026-11-21' },
]

/** How far ahead an opening is looked for, in days. No state closes for longer. */
const HORIZON_DAYS = 62

/**
 * `withinCallingHours`. Reasons: `'too-early'`, `'too-late'`, `'closed-weekday'`, `'holiday'`, `'holidays-unknown'`, `'closed-date'`,
 * `'no-common-hours'`, `'zone-unknown'`, `'state-unknown'`, `'place-unreadable'`.
 */
export const withinCallingHours: Rule = {
  check: 'withinCallingHours',
  citations: FEDERAL,
  evaluate(context) {
    const { place, at } = context
    if (place.problems.length > 0) return failedIf([...new Set(place.problems)])
    if (place.areaCode?.kind !== 'us' || place.clocks.length === 0) return skipped()
    const reasons: string[] = []
    for (const clock of place.clocks) {
      const reason = whyNotNow(context, clock, at)
      if (reason !== null && !reasons.includes(reason)) reasons.push(reason)
    }
    return failedIf(reasons, citationsAt(context))
  },
  nextPassAt(context) {
    const { place } = context
    if (place.problems.length > 0 || place.clocks.length === 0) return null
    // A moment that is inside on every clock is no earlier than the next opening on each: go to the latest of those, look again.
    let { at } = context
    for (let round = 0; round < HORIZON_DAYS * 2; round++) {
      let latest = at
      for (const clock of place.clocks) {
        const opening = nextInside(context, clock, at)
        if (opening === null) return null
        latest = Math.max(latest, opening)
      }
      if (latest === at) return at
      at = latest
    }
    return null
  },
}

function whyNotNow({ place, policy }: RuleContext, clock: ZoneClock, at: number): string | null {
  const localMs = at + clock.offsetMs(at)
  const day = localDay(localMs)
  const { startMs, endMs, closedBy } = windowAt(place, policy, day)
  if (closedBy) return closedBy
  const timeMs = localMs - day * DAY_MS
  if (timeMs < startMs) return 'too-early'
  return timeMs < endMs ? null : 'too-late'
}

/** The first moment at or after `at` that is inside the window of one clock. */
function nextInside(context: RuleContext, clock: ZoneClock, at: number): number | null {
  if (whyNotNow(context, clock, at) === null) return at
  const today = localDay(at + clock.offsetMs(at))
  for (let day = today; day <= today + HORIZON_DAYS; day++) {
    const { startMs, closedBy } = windowAt(context.place, context.policy, day)
    if (closedBy) continue
    const opening = momentOf(clock, day, startMs)
    if (opening > at) return opening
  }
  return null
}

function citationsAt({ place, policy }: RuleContext): readonly Citation[] {
  if (policy.mode === 'federal') return FEDERAL
  const [first, ...others] = place.jurisdictions
  if (!first) return FEDERAL
  return FEDERAL.concat(first.policy.hoursCitations, ...others.map((other) => other.policy.hoursCitations))
}
