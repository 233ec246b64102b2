/**
 * `npm run bench`: every figure, in one run on this machine.
 *
 * Exits with 1 only when something could not be measured. A figure that was missed is a result.
 *
 * @module
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { benchCalls } from './calls.js'
import { benchCapacity } from './capacity.js'
import { canPin } from './channel.js'
import { benchGreeting } from './greeting.js'
import { benchImports } from './imports.js'
import { benchMemory } from './memory.js'
import { printTable, type Figure } from './report.js'
import type { Extent } from './setting.js'
import { benchSignatures } from './signatures.js'
import { benchSoak } from './soak.js'
import { benchTools } from './tools.js'
import { benchTwiml } from './twiml.js'
import { benchWebhooks } from './webhooks.js'

const SECTIONS: Readonly<Record<string, (extent: Extent) => Promise<readonly Figure[]>>> = {
  calls: benchCalls,
  memory: benchMemory,
  capacity: benchCapacity,
  greeting: benchGreeting,
  imports: benchImports,
  signatures: benchSignatures,
  twiml: benchTwiml,
  tools: benchTools,
  webhooks: benchWebhooks,
  soak: benchSoak,
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    'soak-minutes': { type: 'string', default: '0' },
    'cpu-prof': { type: 'string' },
  },
})
const soakMinutes = Number(values['soak-minutes'])
const names = values.only ?? Object.keys(SECTIONS).filter((name) => name !== 'soak' || soakMinutes > 0)
const unknown = names.filter((name) => !Object.hasOwn(SECTIONS, name))
if (unknown.length > 0 || !(soakMinutes >= 0)) {
  console.error(
    `npm run bench -- [--quick] [--only ${Object.keys(SECTIONS).join('|')}] [--soak-minutes N] [--cpu-prof FOLDER]`,
  )
  process.exit(2)
}

const extent: Extent = { isQuick: values.quick, soakMinutes, profileTo: values['cpu-prof'] }
const [cpu] = cpus()
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${new Date().toISOString().slice(0, 10)}`,
)
console.log(
  canPin
    ? 'The generator and the candidates have a core each.\n'
    : 'Processes share cores: delays include the generator.\n',
)

const figures: Figure[] = []
for (const name of names) {
  const startedMs = performance.now()
  process.stderr.write(`${name} …`)
  try {
    figures.push(...((await SECTIONS[name]?.(extent)) ?? []))
  } catch (error) {
    console.error(error)
    figures.push({ what: name, reached: '–', target: '–', verdict: 'not measured', note: String(error) })
  }
  process.stderr.write(` ${((performance.now() - startedMs) / 1000).toFixed(0)} s\n`)
}
printTable(figures)
if (figures.some(({ verdict }) => verdict === 'not measured')) process.exitCode = 1
