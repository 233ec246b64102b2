import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { ROOT, pages, textOf } from './pages.js'

/**
 * One block of TypeScript. What a partial block takes for granted stands in a comment before it, which no reader of the page
 * sees: `<!-- given: declare const apiKey: string -->`. A block that is no program says why: `<!-- not code: … -->`.
 */
interface Block {
  readonly page: string
  /** Line of its first line of code, from 1. */
  readonly line: number
  readonly given: string
  readonly code: string
  readonly fileName: string
}

const BLOCK = /(?:<!-- (given|not code): ([\s\S]*?) -->\s*)?^```(?:ts|typescript)\n([\s\S]*?)^```/gm

function blocksOf(page: string): Block[] {
  const text = textOf(page)
  return [...text.matchAll(BLOCK)].flatMap((match) => {
    const [whole, comment, said = '', code = ''] = match
    if (comment === 'not code') return []
    const line = text.slice(0, match.index + whole.indexOf('```')).split('\n').length + 1
    const fileName = join(ROOT, `${page.replaceAll(/\W/g, '-')}-${line}.ts`)
    return [{ page, line, given: said.replaceAll('\n', ' '), code, fileName }]
  })
}

const blocks = pages.flatMap(blocksOf)

/** What the compiler says of all blocks, as `page:line message`. */
function problems(): string[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(ROOT, 'tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'))
      },
    },
  )
  const options: ts.CompilerOptions = { ...config?.options, noEmit: true }
  // One line before the code: what it takes for granted. `export {}` lets it await.
  const sources = new Map(blocks.map((block) => [block.fileName, `export {}; ${block.given}\n${block.code}`]))
  const disk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => sources.has(name) || disk.fileExists(name),
    readFile: (name) => sources.get(name) ?? disk.readFile(name),
    getSourceFile: (name, languageVersion, ...rest) => {
      const source = sources.get(name)
      if (source === undefined) return disk.getSourceFile(name, languageVersion, ...rest)
      return ts.createSourceFile(name, source, languageVersion)
    },
  }
  const program = ts.createProgram([...sources.keys()], options, host)
  return blocks.flatMap(({ page, line, fileName }) => {
    const file = program.getSourceFile(fileName)
    return ts.getPreEmitDiagnostics(program, file).map(({ start, messageText }) => {
      const at = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : 0
      return `${page}:${line + at - 1} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
}

describe('code in the pages', () => {
  test('there is some', () => {
    expect(blocks.map(({ page }) => page)).toContain('README.md')
  })

  test('every block of TypeScript type-checks against the sources', () => {
    expect(problems()).toEqual([])
  }, 120_000)

  test('the simulator guide has the example that a test runs, to the letter', () => {
    const example = readFileSync(join(ROOT, 'examples/simulator/try.ts'), 'utf8')
    expect(blocks.filter(({ page }) => page === 'docs/guides/simulator.md').map(({ code }) => code)).toContain(example)
  })
})
