/**
 * A hundred calls that come and go for as long as is asked: the heap after a collection must stay as it was.
 *
 * With `DATABASE_URL` the calls are kept in PostgreSQL, as they are where anybody soaks. Without, they are kept in the process, and what it
 * keeps of each is measured along.
 *
 * @module
 */
import { lossFigure } from './calls.js'
import { median } from './accounting.js'
import { withOwnDatabase } from './own-database.js'
import { figure, type Figure } from './report.js'
import { pause, withSetting, type Extent } from './setting.js'

const CALLS = 100
/** So many calls are replaced at a time; a call lasts about a minute. */
const CHURN = 10
const CHURN_EVERY_MS = 4000
/** Until every call was replaced once the heap still finds its size. */
const WARM_CHURNS = 12

export async function benchSoak(extent: Extent): Promise<readonly Figure[]> {
  const { DATABASE_URL: server } = process.env
  if (server === undefined) return soak(extent, 'records in its memory')
  return withOwnDatabase(server, (databaseUrl) => soak({ ...extent, databaseUrl }, 'records in PostgreSQL'))
}

function soak(extent: Extent & { readonly databaseUrl?: string }, where: string): Promise<readonly Figure[]> {
  return withSetting(extent, async ({ generator, bridge: { target, usage } }) => {
    const idle = await usage({ collect: true })
    await generator.open({ calls: CALLS, perSecond: 50, target })
    const samples: number[] = []
    const endMs = performance.now() + extent.soakMinutes * 60_000
    for (let churns = 0; performance.now() < endMs || samples.length < 4; churns++) {
      await generator.churn({ calls: CHURN, target })
      await pause(CHURN_EVERY_MS)
      if (churns >= WARM_CHURNS) samples.push((await usage({ collect: true })).liveBytes)
    }
    const quarter = Math.max(1, samples.length >> 2)
    const [first, last] = [median(samples.slice(0, quarter)), median(samples.slice(-quarter))]
    const outcome = await generator.close()
    const after = await usage({ collect: true })
    const change = last / first - 1
    const mb = (bytes: number) => (bytes / 1_048_576).toFixed(1)
    return [
      figure({
        what: `heap after collection over ${extent.soakMinutes} minutes, 100 calls that come and go, ${where}`,
        reached: `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} %`,
        target: 'within 5 %',
        value: Math.abs(change),
        atMost: 0.05,
        note:
          `${samples.length} samples: ${mb(first)} MB in the first quarter, ${mb(last)} MB in the last; ${mb(idle.liveBytes)} MB before ` +
          `the first call, ${mb(after.liveBytes)} MB after the last of ${outcome.calls}.`,
      }),
      lossFigure('pieces lost or wrong in the soak', [outcome]),
    ]
  })
}
