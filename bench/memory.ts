/**
 * What a call holds in memory while it goes on, through the bare relay and through ours, in fresh processes each round.
 *
 * @module
 */
import { median } from './accounting.js'
import { figure, spread, type Figure } from './report.js'
import { pause, withSetting, type Candidate, type Extent, type Generator } from './setting.js'

/** Whatever is loaded, compiled or reserved once is there after so many calls. */
const FIRST_CALLS = 100
/** What is measured is what so many more add. */
const MORE_CALLS = 200
/** The longest turn of the bench's agents is spoken in less. */
const SPOKEN_OUT_MS = 8000

interface Growth {
  /**
   * All that the process holds with all calls going on, in bytes. Its growth says nothing: what the first calls made it reserve
   * is given back while the others come.
   */
  readonly rss: number
  /** Objects and buffers alive after a forced collection, in bytes a call, while agents speak. */
  readonly live: number
  /** The same when nothing of the agents' audio waits. */
  readonly idle: number
}

async function growth(generator: Generator, { target, usage }: Candidate, playMs: number): Promise<Growth> {
  await generator.open({ calls: FIRST_CALLS, perSecond: 40, target })
  await pause(playMs)
  await generator.quiet()
  await pause(SPOKEN_OUT_MS)
  const firstIdle = await usage({ collect: true })
  await generator.open({ calls: MORE_CALLS, perSecond: 40, target })
  await pause(playMs)
  const all = await usage({ collect: true })
  await generator.quiet()
  await pause(SPOKEN_OUT_MS)
  const allIdle = await usage({ collect: true })
  await generator.close()
  return {
    rss: all.rssBytes,
    live: (all.liveBytes - firstIdle.liveBytes) / MORE_CALLS,
    idle: (allIdle.liveBytes - firstIdle.liveBytes) / MORE_CALLS,
  }
}

export async function benchMemory(extent: Extent): Promise<readonly Figure[]> {
  const results: { readonly relay: Growth; readonly bridge: Growth }[] = []
  for (let round = 0; round < (extent.isQuick ? 1 : 3); round++) {
    results.push(
      await withSetting(extent, async ({ generator, relay, bridge }) => ({
        relay: await growth(generator, relay, 6000),
        bridge: await growth(generator, bridge, 6000),
      })),
    )
  }
  const row = (key: keyof Growth, what: string) => {
    const ratios = results.map(({ relay, bridge }) => bridge[key] / relay[key])
    const kb = (of: 'relay' | 'bridge') => (median(results.map(({ [of]: one }) => one[key])) / 1024).toFixed(1)
    return {
      what,
      reached: `${spread(ratios, median(ratios))} × bare relay`,
      target: '≤ 1.5 ×',
      value: median(ratios),
      note: `${kb('bridge')} KB${key === 'rss' ? '' : ' a call'}, and ${kb('relay')} KB through the relay.`,
    }
  }
  return [
    figure({ ...row('rss', `memory of the process, ${FIRST_CALLS + MORE_CALLS} calls, agents speaking`), atMost: 1.5 }),
    figure({ ...row('idle', 'memory per call, live objects and buffers, nothing queued'), atMost: 1.5 }),
    { ...row('live', 'memory per call, live objects and buffers, agents speaking'), target: '–', verdict: 'stated' },
  ]
}
