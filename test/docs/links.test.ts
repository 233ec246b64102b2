import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, pages, textOf } from './pages.js'

interface Link {
  readonly path: string
  readonly anchor: string | undefined
  readonly written: string
}

/** The links of a page that lead to files of this repository. Code is no place for links. */
function linksOf(page: string): Link[] {
  const prose = textOf(page)
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return []
    const [file = '', anchor] = target.split('#')
    const path = file === '' ? page : normalize(join(dirname(page), file))
    return [{ path, anchor, written: target }]
  })
}

/** The anchors that GitHub makes of a page's headings. */
function anchorsOf(page: string): Set<string> {
  const seen = new Map<string, number>()
  const anchors = new Set<string>()
  const headings = textOf(page)
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .matchAll(/^#{1,6} +(.+)$/gm)
  for (const [, heading = ''] of headings) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    anchors.add(times === 0 ? slug : `${slug}-${times}`)
  }
  return anchors
}

describe.each(pages)('%s', (page) => {
  test('leads to files and headings that are there', () => {
    const broken = linksOf(page).filter(({ path, anchor }) => {
      if (!existsSync(join(ROOT, path))) return true
      return anchor !== undefined && !(path.endsWith('.md') && anchorsOf(path).has(anchor))
    })
    expect(broken.map(({ written }) => written)).toEqual([])
  })
})

test('every page can be reached from the README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const { path } of linksOf(page)) {
      const isFolder = existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).isDirectory()
      const next = isFolder ? join(path, 'README.md') : path
      if (next.endsWith('.md') && existsSync(join(ROOT, next))) reached.add(next)
    }
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([])
})

test('the table of the house in AGENTS.md has every folder of src, and no other', () => {
  const table = textOf('AGENTS.md')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
  const named = table.flatMap((row) => [...(row.split('|')[2] ?? '').matchAll(/`([\w-]+)`/g)].map(([, name]) => name))
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
  expect(named.sort()).toEqual(folders.sort())
})
