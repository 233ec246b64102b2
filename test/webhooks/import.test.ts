import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const STATIC_IMPORT = /^(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?'([^']+)'/gm

/** Everything that is loaded together with a file of src: not its types, and not what it loads later. */
function loadedWith(file: URL, seen = new Set<string>()): Set<string> {
  if (seen.has(file.href)) return seen
  seen.add(file.href)
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(STATIC_IMPORT)) {
    if (name.startsWith('.')) loadedWith(new URL(name.replace(/\.js$/, '.ts'), file), seen)
    else seen.add(name)
  }
  return seen
}

test('checking a signature loads nothing but node:crypto: no schemas, no sockets, no vendor package', () => {
  const loaded = loadedWith(new URL('../../src/webhooks/index.ts', import.meta.url))
  expect([...loaded].filter((name) => !name.startsWith('file:'))).toEqual(['node:crypto'])
  expect([...loaded].filter((name) => name.includes('payloads'))).toHaveLength(1)
})
