/**
 * The names that each entry exports, types included, read from the source that lists them one by one.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const SRC = new URL('../../src/', import.meta.url)

/** Entry → file, as `tsup.config.ts` finds them. */
function entryFiles(): Record<string, string> {
  const folders = readdirSync(SRC, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/index.ts`, SRC)))
    .map((entry) => [entry.name, `${entry.name}/index.ts`])
  const own = {
    '.': 'index.ts',
    errors: 'core/errors.ts',
    express: 'middleware/express.ts',
    fastify: 'middleware/fastify.ts',
    web: 'middleware/web.ts',
    'storage/postgres': 'storage/postgres/index.ts',
    'storage/redis': 'storage/redis/index.ts',
    'storage/mongodb': 'storage/mongodb/index.ts',
    'storage/conformance': 'storage/conformance/index.ts',
  }
  return { ...own, ...(Object.fromEntries(folders) as Record<string, string>) }
}

/** Entry → its names, sorted. */
export function exportedNames(): Record<string, string[]> {
  const entries = Object.entries(entryFiles()).map(([entry, file]) => [entry, namesIn(new URL(file, SRC))])
  return Object.fromEntries(entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))) as Record<string, string[]>
}

function namesIn(file: URL): string[] {
  const source = readFileSync(file, 'utf8')
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\} from /gms)].flatMap(([, list = '']) =>
    list.split(','),
  )
  const listed = lists.map((name) => name.trim().replace(/^type /, '').replace(/^.* as /, '')).filter(Boolean) // prettier-ignore
  const declared = [...source.matchAll(/^export (?:abstract )?(?:class|function|const|interface|type) (\w+)/gm)]
  return [...new Set([...listed, ...declared.map(([, name = '']) => name)])].sort()
}
