import { readdirSync, existsSync } from 'node:fs'
import { defineConfig } from 'tsup'

/** A folder of src with an index.ts is a subpath; the files named here are subpaths of their own. */
const folders = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(`src/${entry.name}/index.ts`))
  .map((entry) => [entry.name, `src/${entry.name}/index.ts`])

export default defineConfig({
  entry: Object.fromEntries([
    ['index', 'src/index.ts'],
    ['errors', 'src/core/errors.ts'],
    ...['express', 'fastify', 'web', 'http'].map((host) => [host, `src/middleware/${host}.ts`]),
    ...['postgres', 'redis', 'mongodb', 'conformance'].map((part) => [
      `storage/${part}`,
      `src/storage/${part}/index.ts`,
    ]),
    ...folders,
  ]) as Record<string, string>,
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  splitting: true, // so that CommonJS entries share modules, and one error class serves all of them
  treeshake: false,
  sourcemap: false,
  clean: true,
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
})
