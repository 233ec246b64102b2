/**
 * The campaign has not abandoned too many of the people who answered.
 *
 * At most 3 % of a campaign's calls that a person answered may be abandoned, over 30 days. A campaign beyond that is stopped: no time is
 * given at which it goes on, because a person has to find out why its calls began late or in silence. What leaves the 30 days counts no
 * more, and so does a policy that was told to judge over more calls.
 *
 * @see 47 CFR 64.1200(a)(7); 16 CFR 310.4(b)(1)(iv), (b)(4) (read 2026-11-21)
 * @module
 */
import { isOverAbandonmentLimit } from '../abandonment.js'
import { failedIf, passed, type Rule } from '../rule.js'

/** `abandonmentOK`. Reasons: `'abandonment-over-limit'`, `'campaign-unreadable'`. A call of no campaign passes. */
export const abandonmentOK: Rule = {
  check: 'abandonmentOK',
  citations: [
    { cite: '47 CFR 64.1200(a)(7)', confidence: 'high', readOn: '2026-11-21' },
    { cite: '16 CFR 310.4(b)(1)(iv), (b)(4)', confidence: 'high', readOn: '2026-11-21' },
  ],
  evaluate({ facts, policy }) {
    // Facts that were put together by hand may lack it.
    const campaign = facts.campaign as typeof facts.campaign | undefined
    if (campaign === null || campaign === undefined) return passed()
    const { answered, abandoned } = campaign
    const isReadable =
      Number.isSafeInteger(answered) && Number.isSafeInteger(abandoned) && answered >= 0 && abandoned >= 0
    if (!isReadable) return failedIf(['campaign-unreadable'])
    return failedIf(isOverAbandonmentLimit(campaign, policy.abandonmentMinAnswered) ? ['abandonment-over-limit'] : [])
  },
}
