import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entries, installPacked, run } from './packed.js'

let directory = ''
let remove = (): void => undefined

beforeAll(() => {
  ;({ directory, remove } = installPacked())
}, 600_000)
afterAll(() => {
  remove()
})

const names = (script: string, flags: readonly string[] = []) => run(directory, script, flags).trim()

describe.each(entries)('%s', (entry) => {
  test('gives the same names to import and to require', () => {
    const esm = names(
      `import('${entry}').then((m) => console.log(Object.keys(m).filter((n) => n !== 'default').sort().join()))`,
    )
    const cjs = names(`console.log(Object.keys(require('${entry}')).filter((n) => n !== '__esModule').sort().join())`)
    expect(esm).toBe(cjs)
    expect(esm).not.toBe('')
  })

  test('opens nothing, sets nothing and reads no environment when it is loaded', () => {
    const script = `
      const reads = []
      process.env = new Proxy(process.env, { get(env, name) {
        const stack = new Error().stack
        if (/node_modules.callweave.dist/.test(stack.split('\\n')[2] ?? '')) reads.push(String(name))
        return env[name]
      } })
      // zod registers itself on globalThis under these names whoever loads it
      const globals = () => Object.getOwnPropertyNames(globalThis).filter((name) => !name.startsWith('__zod_'))
      const before = globals().length
      require('${entry}')
      const held = process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap|FSReqPromise|CloseReq)$/.test(name))
      console.log(JSON.stringify({ reads, held, globals: globals().length - before }))`
    expect(JSON.parse(names(script))).toEqual({ reads: [], held: [], globals: 0 })
  })
})

/** Packages outside our own that loading an entry as CommonJS brings in. */
function packagesOf(entry: string): string[] {
  const loaded = names(`require('${entry}'); console.log(JSON.stringify(Object.keys(require.cache)))`, [
    '--preserve-symlinks',
  ])
  const packages = (JSON.parse(loaded) as string[]).map(
    (path) => /node_modules\/(?!.*node_modules\/)((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1],
  )
  return [...new Set(packages)].filter((name): name is string => name !== undefined && name !== 'callweave').sort()
}

describe('what an entry must not load', () => {
  test('callweave/compliance loads no package, and the rule pack only when it is asked for', () => {
    expect(packagesOf('callweave/compliance')).toEqual([])
    const script = `
      const loaded = () => Object.keys(require.cache).some((path) => path.includes('rule-pack-data'))
      const { loadRulePack } = require('callweave/compliance')
      const before = loaded()
      loadRulePack().then((pack) => console.log(before, pack.states.size, loaded()))`
    expect(names(script)).toBe('false 56 true')
  })

  test('callweave/twiml loads no package at all', () => {
    expect(packagesOf('callweave/twiml')).toEqual([])
  })

  test('callweave/webhooks loads nothing that opens sockets, and not the 180 ms of twilio', () => {
    expect(packagesOf('callweave/webhooks').filter((name) => name !== 'zod')).toEqual([])
  })

  test('callweave loads neither twilio nor the simulator\u2019s XML parser', () => {
    expect(packagesOf('callweave')).not.toContain('twilio')
    expect(packagesOf('callweave')).not.toContain('saxes')
  })
})

test('an error of one entry is an instance of the class of another, across ESM and CommonJS', () => {
  const script = `
    const { VoiceError, ConfigError } = require('callweave/errors')
    import('callweave').then(({ createVoice }) => {
      try { createVoice({}) } catch (error) {
        console.log(error instanceof VoiceError, error instanceof ConfigError, error.code)
      }
    })`
  expect(names(script)).toBe('true true config_invalid')
})

test('types resolve and hold in an ESM and in a CommonJS project, declaration files included', () => {
  const program = entries.map((entry, i) => `import * as m${i} from '${entry}'`).join('\n')
  const uses = entries.map((_, i) => `m${i}`).join(', ')
  writeFileSync(join(directory, 'check.mts'), `${program}\nexport const all = [${uses}]\n`)
  writeFileSync(join(directory, 'check.cts'), `${program}\nexport const all = [${uses}]\n`)
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: 'node16',
    target: 'es2022',
    lib: ['es2023'],
    types: ['node'],
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
  }
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['check.mts', 'check.cts'] }),
  )
  const tsc = new URL('../../node_modules/typescript/bin/tsc', import.meta.url).pathname
  let output = ''
  try {
    execFileSync(process.execPath, [tsc, '-p', directory], { cwd: directory, encoding: 'utf8' })
  } catch (error) {
    output = (error as { stdout: string }).stdout
  }
  // A dependency's own declarations are its own matter; ours must hold.
  expect(output.split('\n').filter((line) => /^(check\.|node_modules\/callweave)/.test(line))).toEqual([])
}, 120_000)

test('the package holds the build, its licence, its changelog, and no source or test', () => {
  const files = readdirSync(join(directory, 'node_modules/callweave')).sort()
  expect(files).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json'])
})
