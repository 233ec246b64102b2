/**
 * Dead air before the greeting, with an agent whose socket takes 400 ms to open.
 *
 * @module
 */
import { newMeasured, mergeMeasured } from './measurements.js'
import { figure, type Figure } from './report.js'
import { withSetting, type Extent } from './setting.js'

const OPEN_MS = 400
/** What Twilio needs from the webhook's answer to the media stream; the exact value does not matter above the agent's own. */
const HEAD_START_MS = 800

export async function benchGreeting(extent: Extent): Promise<readonly Figure[]> {
  const calls = extent.isQuick ? 5 : 12
  return withSetting(extent, async ({ generator, bridge: { target } }) => {
    const greet = async (headStartMs: number) => {
      await generator.measure()
      await generator.greet({ calls, openMs: OPEN_MS, headStartMs, target })
      const measured = newMeasured()
      mergeMeasured(measured, await generator.measured())
      return measured.greeting
    }
    await greet(0) // what is called for the first time is slow
    const ahead = await greet(HEAD_START_MS)
    const cold = await greet(0)
    return [
      figure({
        what: 'stream start → first agent audio, agent opened at the webhook',
        reached: `p50 ${ahead.quantile(0.5).toFixed(1)}, longest ${ahead.quantile(1).toFixed(1)} ms`,
        target: '< 20 ms',
        value: ahead.quantile(1),
        atMost: 20,
        note: `${calls} calls; the agent's socket takes ${OPEN_MS} ms to open, the stream starts ${HEAD_START_MS} ms after the webhook.`,
      }),
      {
        what: 'the same without a head start: the stream comes at once',
        reached: `p50 ${cold.quantile(0.5).toFixed(0)}, longest ${cold.quantile(1).toFixed(0)} ms`,
        target: '–',
        verdict: 'stated',
      },
    ]
  })
}
