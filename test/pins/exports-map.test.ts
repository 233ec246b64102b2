import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  exports: Record<string, unknown>
  engines: unknown
  sideEffects: unknown
  files: unknown
}

/** The subpaths that can be imported. */
const PROMISED: readonly string[] = [
  '.',
  './twiml',
  './media-stream',
  './conversation-relay',
  './elevenlabs',
  './webhooks',
  './agent-tools',
  './context',
  './bridge',
  './calls',
  './compliance',
  './do-not-call-list',
  './storage',
  './storage/postgres',
  './storage/redis',
  './storage/mongodb',
  './storage/conformance',
  './events',
  './express',
  './fastify',
  './web',
  './telemetry',
  './health',
  './simulator',
  './errors',
  './http',
  './middleware',
  './package.json',
]

test('these are the subpaths, each with both builds and both declarations', () => {
  expect(Object.keys(manifest.exports)).toEqual(PROMISED)
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (subpath === './package.json') continue
    const name = subpath === '.' ? 'index' : subpath.slice(2)
    expect(target).toEqual({
      import: { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
      require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
    })
  }
})

test('these are the promises about where it runs and what it holds', () => {
  const { engines, sideEffects, files } = manifest
  expect({ engines, sideEffects, files }).toEqual({
    engines: { node: '>=20.19.0' },
    sideEffects: false,
    files: ['dist', 'CHANGELOG.md'],
  })
})
