/**
 * A hundred paced calls through the bare relay and through ours: CPU side by side on one core, so that whatever else the machine
 * does disturbs both alike; delay, interruption and loss in turn.
 *
 * @module
 */
import { median } from './accounting.js'
import type { Outcome } from './load-generator.js'
import { mergeMeasured, newMeasured, type Measured } from './measurements.js'
import { figure, spread, type Figure } from './report.js'
import { pause, withSetting, type Candidate, type Extent, type Generator, type Setting } from './setting.js'

const CALLS = 100
const MINUTE_US = 60_000_000

/** Share of a core that one call takes, through each, in the same seconds. */
interface Costs {
  readonly relay: number
  readonly bridge: number
}

async function playRound(
  generator: Generator,
  { target }: Candidate,
  measured: Measured,
  { warmMs, measureMs }: { readonly warmMs: number; readonly measureMs: number },
): Promise<Outcome> {
  await generator.open({ calls: CALLS, perSecond: 50, target })
  await pause(warmMs)
  await generator.measure()
  await pause(measureMs)
  mergeMeasured(measured, await generator.measured())
  return generator.close()
}

async function playSideBySide(
  { generator, relay, bridge }: Setting,
  { rounds, warmMs, measureMs }: { readonly rounds: number; readonly warmMs: number; readonly measureMs: number },
): Promise<readonly Costs[]> {
  for (const { target } of [relay, bridge]) await generator.open({ calls: CALLS, perSecond: 50, target })
  await pause(warmMs)
  const used = () => Promise.all([relay, bridge].map(async ({ usage }) => (await usage({ collect: false })).cpuUs))
  const costs = []
  for (let round = 0; round < rounds; round++) {
    const [relayBeforeUs = NaN, bridgeBeforeUs = NaN] = await used()
    const startedMs = performance.now()
    await pause(measureMs)
    const [relayUs = NaN, bridgeUs = NaN] = await used()
    const allUs = (performance.now() - startedMs) * 1000 * CALLS
    costs.push({ relay: (relayUs - relayBeforeUs) / allUs, bridge: (bridgeUs - bridgeBeforeUs) / allUs })
  }
  await generator.close()
  return costs
}

/** CPU side by side; then rounds in turn: relay, ours, ours, relay, … so that neither always comes first. */
export async function benchCalls(extent: Extent): Promise<readonly Figure[]> {
  const rounds = extent.isQuick ? 2 : 4
  const sideBySide = extent.isQuick
    ? { rounds: 3, warmMs: 20_000, measureMs: 4000 }
    : { rounds: 8, warmMs: 40_000, measureMs: 5000 } // ours has ten times the code, and its compiler is busy for so long
  const times = extent.isQuick ? { warmMs: 3000, measureMs: 5000 } : { warmMs: 3000, measureMs: 8000 }
  const delays = { relay: newMeasured(), bridge: newMeasured() }
  const outcomes: Record<'relay' | 'bridge', Outcome[]> = { relay: [], bridge: [] }
  let costs: readonly Costs[] = []
  await withSetting(extent, async (setting) => {
    const { generator, relay, bridge } = setting
    costs = await playSideBySide(setting, sideBySide)
    for (let round = 0; round < rounds; round++) {
      for (const candidate of round % 2 === 0 ? [relay, bridge] : [bridge, relay]) {
        outcomes[candidate.name].push(await playRound(generator, candidate, delays[candidate.name], times))
      }
    }
  })
  return figuresOf(costs, outcomes.bridge, delays)
}

function figuresOf(
  costs: readonly Costs[],
  outcomes: readonly Outcome[],
  { relay, bridge }: Readonly<Record<'relay' | 'bridge', Measured>>,
): readonly Figure[] {
  const cpu = costs.map((cost) => cost.bridge / cost.relay)
  const cpuMs = (of: keyof Costs) => ((median(costs.map((cost) => cost[of])) * MINUTE_US) / 1000).toFixed(0)
  return [
    figure({
      what: 'CPU per call-minute, 100 calls',
      reached: `${spread(cpu, median(cpu))} × bare relay`,
      target: '≤ 1.15 ×',
      value: median(cpu),
      atMost: 1.15,
      note: `${cpuMs('bridge')} ms of CPU a call-minute, and ${cpuMs('relay')} ms through the relay, side by side on one core.`,
    }),
    ...(['up', 'down'] as const).map((way) => delayFigure(way, relay, bridge)),
    figure({
      what: 'interruption in → clear out, 100 calls',
      reached: `p50 ${ms(bridge.clear.quantile(0.5))}, p99 ${ms(bridge.clear.quantile(0.99))} ms`,
      target: 'p99 < 2 ms',
      value: bridge.clear.quantile(0.99),
      atMost: 2,
      note:
        `${bridge.clear.size} interruptions; the longest took ${ms(bridge.clear.quantile(1))} ms. The relay, which only passes the ` +
        `message on: p99 ${ms(relay.clear.quantile(0.99))} ms.`,
    }),
    lossFigure('frames and audio lost, reordered, doubled or strayed, 100 calls', outcomes),
    {
      what: 'the generator’s own lateness',
      reached: `p99 ${ms(bridge.lateness.quantile(0.99))} ms`,
      target: '–',
      verdict: 'stated',
    },
  ]
}

function delayFigure(way: 'up' | 'down', relay: Measured, bridge: Measured): Figure {
  const name = way === 'up' ? 'caller → agent' : 'agent → caller'
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((q) => bridge[way].quantile(q))
  return figure({
    what: `delay ${name}, 100 calls`,
    reached: `p50 ${ms(p50)}, p99 ${ms(p99)}, p99.9 ${ms(p999)} ms`,
    target: 'p99 < 2, p99.9 < 10 ms',
    value: Math.max((p99 ?? NaN) / 2, (p999 ?? NaN) / 10),
    atMost: 1,
    note:
      `${bridge[way].size} pieces, from one socket of the generator to the other. Through the relay: ` +
      [0.5, 0.99, 0.999].map((q) => `p${q * 100} ${ms(relay[way].quantile(q))}`).join(', ') +
      ' ms.',
  })
}

/** What must be nought. */
export function lossFigure(what: string, outcomes: readonly Outcome[]): Figure {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const wrong = (way: 'up' | 'down') =>
    sum(({ [way]: account }) => account.lost + account.reordered + account.doubled + account.strayed)
  const others = sum(({ dropped }) => dropped)
  return figure({
    what,
    reached: `${wrong('up')} of ${sum(({ up }) => up.sent)} up, ${wrong('down')} of ${sum(({ down }) => down.sent)} down`,
    target: '0',
    value: wrong('up') + wrong('down') + others,
    atMost: 0,
    note:
      `${sum(({ calls }) => calls)} calls, of which ${others} lost a socket; ${sum(({ unansweredPings }) => unansweredPings)} pings ` +
      `without an answer; ${sum(({ starvedMs }) => starvedMs).toFixed(0)} ms of silence in the agent's turns for want of audio.`,
  })
}

function ms(value: number | undefined): string {
  return (value ?? NaN).toFixed(2)
}
