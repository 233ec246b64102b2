/**
 * What the national do-not-call list costs: an import of ten million numbers, memory, lookups. Makes its own file.
 *
 * The import runs in a process of its own, so that its memory is its own.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { AREA_CODE_LIST_BYTES } from '../src/compliance/do-not-call-list/area-code-list.js'
import { NationalDoNotCallList } from '../src/compliance/do-not-call-list/national-list.js'
import { systemClock } from '../src/core/clock.js'
import { openListDirectory } from '../src/do-not-call-list/directory.js'
import { importDoNotCallList } from '../src/do-not-call-list/import.js'

const NUMBERS = 10_000_000
const LOOKUPS = 10_000_000
const AREA_CODES = Array.from({ length: 50 }, (_, i) => 201 + i)

/** A file of ten million distinct numbers in 50 area codes: one after the other as the registry has them, or shuffled. */
function writeList(path: string, order: 'sorted' | 'shuffled'): void {
  const file = openSync(path, 'w')
  const each = NUMBERS / AREA_CODES.length
  let text = ''
  for (let i = 0; i < NUMBERS; i++) {
    const areaCode = AREA_CODES[order === 'sorted' ? Math.floor(i / each) : i % AREA_CODES.length] ?? 0
    const nth = order === 'sorted' ? i % each : Math.floor(i / AREA_CODES.length)
    text += `${areaCode},${String((nth * 49 + areaCode) % 10_000_000).padStart(7, '0')}\r\n`
    if (text.length > 1_000_000 || i === NUMBERS - 1) {
      writeSync(file, text)
      text = ''
    }
  }
  closeSync(file)
}

async function importFile(path: string, directory: string): Promise<void> {
  const startedAt = performance.now()
  const result = await importDoNotCallList({
    directory,
    source: createReadStream(path),
    kind: 'full',
    copiedAt: Date.now() - 1000,
    areaCodes: AREA_CODES,
  })
  const seconds = (performance.now() - startedAt) / 1000
  const count = result.areaCodes.reduce((sum, areaCode) => sum + areaCode.count, 0)
  if (count !== NUMBERS) throw new Error(`${count} numbers were imported`)
  console.log(JSON.stringify({ seconds, maxRssBytes: process.resourceUsage().maxRSS * 1024 }))
}

function importInItsOwnProcess(path: string, directory: string): { seconds: number; maxRssBytes: number } {
  const child = spawnSync(
    process.execPath,
    [...process.execArgv, fileURLToPath(import.meta.url), 'import', path, directory],
    { encoding: 'utf8' },
  )
  if (child.status !== 0) throw new Error(child.stderr)
  return JSON.parse(child.stdout) as { seconds: number; maxRssBytes: number }
}

async function lookups(
  directory: string,
): Promise<{ aSecond: number; heapBytesALookup: number; bytesAnAreaCode: number }> {
  const registry = new NationalDoNotCallList({ lists: openListDirectory(directory), clock: systemClock })
  const before = process.memoryUsage().arrayBuffers
  for (const areaCode of AREA_CODES) await registry.open(areaCode)
  const bytesAnAreaCode = (process.memoryUsage().arrayBuffers - before) / AREA_CODES.length
  const numbers = Array.from({ length: 10_007 }, (_, i) => {
    const areaCode = AREA_CODES[i % AREA_CODES.length] ?? 0
    return `+1${areaCode}${String((i * 7919) % 10_000_000).padStart(7, '0')}`
  })
  let listed = 0
  const run = (): void => {
    for (let i = 0; i < LOOKUPS; i++) if (registry.lookup(numbers[i % 10_007] ?? '') === 'listed') listed++
  }
  run()
  const heapBefore = process.memoryUsage().heapUsed
  const startedAt = performance.now()
  run()
  const seconds = (performance.now() - startedAt) / 1000
  const heapBytesALookup = Math.max(0, process.memoryUsage().heapUsed - heapBefore) / LOOKUPS
  if (listed === 0) throw new Error('nothing was listed')
  return { aSecond: LOOKUPS / seconds, heapBytesALookup, bytesAnAreaCode }
}

/** Imports, then looks up. `ratio` is the lookups a second, in millions; `detail` has the rest beside what it has to be. */
export async function benchDoNotCallList(): Promise<{ name: string; ratio: number; spread: string; detail: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-do-not-call-'))
  try {
    const detail = [`${AREA_CODE_LIST_BYTES} bytes a file (1 300 000)`]
    for (const order of ['sorted', 'shuffled'] as const) {
      const path = join(directory, `${order}.txt`)
      writeList(path, order)
      const { seconds, maxRssBytes } = importInItsOwnProcess(path, join(directory, order))
      detail.push(
        `10 million numbers, ${order}, ${(statSync(path).size / 1e6).toFixed(0)} MB: ${seconds.toFixed(1)} s (60), ` +
          `${(maxRssBytes / 1e6).toFixed(0)} MB resident at most (200)`,
      )
    }
    const { aSecond, heapBytesALookup, bytesAnAreaCode } = await lookups(join(directory, 'sorted'))
    detail.push(
      `${(aSecond / 1e6).toFixed(1)} million lookups a second (1), ${heapBytesALookup.toFixed(2)} heap bytes each`,
    )
    detail.push(`${(bytesAnAreaCode / 1e6).toFixed(2)} MB of memory an area code in use (1.3)`)
    return {
      name: 'Lookups in the national do-not-call list, in millions a second',
      ratio: aSecond / 1e6,
      spread: '',
      detail: detail.join('; '),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , task, path, directory] = process.argv
  if (task === 'import' && path !== undefined && directory !== undefined) await importFile(path, directory)
  else console.log(await benchDoNotCallList())
}
