/** The package as npm would install it: packed, unpacked into an empty project, its dependencies beside it. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = new URL('../../', import.meta.url).pathname

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest

/** The subpaths that hold code, as a user writes them. */
export const entries = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => `callweave${subpath.slice(1)}`)

function newestMs(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(...readdirSync(path).map((name) => newestMs(join(path, name))), 0)
}

/** Builds when the sources are newer than the build, packs, and unpacks into a project of its own. */
export function installPacked(): { directory: string; remove: () => void } {
  const built = join(ROOT, 'dist/index.js')
  if (!existsSync(built) || newestMs(join(ROOT, 'src')) > statSync(built).mtimeMs) {
    execFileSync('npm', ['run', 'build'], { cwd: ROOT, stdio: 'pipe' })
  }
  const directory = mkdtempSync(join(tmpdir(), 'callweave-packed-'))
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], {
      cwd: ROOT,
      encoding: 'utf8',
    }),
  ) as [{ filename: string }]
  const home = join(directory, 'node_modules/callweave')
  mkdirSync(home, { recursive: true })
  execFileSync('tar', ['-xzf', join(directory, packed.filename), '-C', home, '--strip-components=1'])
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    mkdirSync(join(directory, 'node_modules', name, '..'), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name))
  }
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}

/** Runs a script in the project and returns what it printed. */
export function run(directory: string, script: string, flags: readonly string[] = []): string {
  return execFileSync(process.execPath, [...flags, '-e', script], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
}
