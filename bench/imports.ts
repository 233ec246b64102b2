/**
 * What loading an entry costs, in a fresh process each time.
 *
 * @module
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median } from './accounting.js'
import { figure, spread, type Figure } from './report.js'
import type { Extent } from './setting.js'

const ENTRIES = [
  { entry: 'callweave/twiml', atMost: 25 },
  { entry: 'callweave/webhooks', atMost: 25 },
  { entry: 'callweave', atMost: 150 },
]

function importMs(entry: string): number {
  const script = `const t = performance.now(); await import('${entry}'); process.stdout.write(String(performance.now() - t)); process.exit()`
  const cwd = fileURLToPath(new URL('..', import.meta.url)) // the package finds itself by its own name
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' }))
}

export function benchImports({ isQuick }: Extent): Promise<readonly Figure[]> {
  const rounds = isQuick ? 5 : 15
  const times = ENTRIES.map(() => [] as number[])
  for (let round = 0; round < rounds; round++) {
    ENTRIES.forEach(({ entry }, i) => times[i]?.push(importMs(entry)))
  }
  return Promise.resolve(
    ENTRIES.map(({ entry, atMost }, i) => {
      const middle = median(times[i] ?? [])
      return figure({
        what: `import ${entry}`,
        reached: `${spread(times[i] ?? [], middle, 0)} ms`,
        target: `< ${atMost} ms`,
        value: middle,
        atMost,
      })
    }),
  )
}
