/** The pages that people read: the README, AGENTS.md, the changelog, the list of examples, everything in docs. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = new URL('../../', import.meta.url).pathname

/** Every page, by its path from the root. */
export const pages: readonly string[] = [
  'README.md',
  'AGENTS.md',
  'CHANGELOG.md',
  'examples/README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`)
    .sort(),
]

export const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8')
