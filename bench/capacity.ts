/**
 * Five hundred calls at once on one core: no frame may be lost, and none may be late.
 *
 * @module
 */
import { lossFigure } from './calls.js'
import { newMeasured, mergeMeasured } from './measurements.js'
import { figure, type Figure } from './report.js'
import { pause, withSetting, type Extent } from './setting.js'

const CALLS = 500

export async function benchCapacity(extent: Extent): Promise<readonly Figure[]> {
  const measureMs = extent.isQuick ? 5000 : 20_000
  return withSetting(extent, async ({ generator, relay, bridge }) => {
    const play = async ({ target, usage }: typeof bridge) => {
      await generator.open({ calls: CALLS, perSecond: 40, target })
      await pause(3000)
      await generator.measure()
      const [before, generatorBeforeUs, startedMs] = [
        await usage({ collect: false }),
        await generator.cpuUs(),
        performance.now(),
      ]
      await pause(measureMs)
      const [after, generatorAfterUs] = [await usage({ collect: false }), await generator.cpuUs()]
      const elapsedUs = (performance.now() - startedMs) * 1000
      const measured = newMeasured()
      mergeMeasured(measured, await generator.measured())
      return {
        measured,
        outcome: await generator.close(),
        core: (after.cpuUs - before.cpuUs) / elapsedUs,
        generatorCore: (generatorAfterUs - generatorBeforeUs) / elapsedUs,
      }
    }
    const ofRelay = await play(relay)
    const { measured, outcome, core, generatorCore } = await play(bridge)
    const percent = (share: number) => `${(share * 100).toFixed(0)} %`
    const p99Ms = Math.max(measured.up.quantile(0.99), measured.down.quantile(0.99))
    return [
      lossFigure('pieces lost or wrong, 500 calls on one core', [outcome]),
      figure({
        what: 'delay either way, 500 calls on one core',
        reached: `p99 ${p99Ms.toFixed(2)} ms`,
        target: 'p99 < 20 ms',
        value: p99Ms,
        atMost: 20,
        note:
          `The process used ${percent(core)} of its core, and the relay ${percent(ofRelay.core)} with a p99 of ` +
          `${ofRelay.measured.up.quantile(0.99).toFixed(2)} ms. The generator used ${percent(generatorCore)} of its own, and was late by ` +
          `${measured.lateness.quantile(0.99).toFixed(2)} ms at p99.`,
      }),
    ]
  })
}
