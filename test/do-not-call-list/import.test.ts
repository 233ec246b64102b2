import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { NationalDoNotCallList } from '../../src/compliance/do-not-call-list/national-list.js'
import { ManualClock } from '../../src/core/clock.js'
import { openListDirectory } from '../../src/do-not-call-list/directory.js'
import { importDoNotCallList, type ImportDoNotCallListOptions } from '../../src/do-not-call-list/import.js'

const roots: string[] = []
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

const clock = new ManualClock(Date.UTC(2026, 10, 25))
const DAY_MS = 86_400_000

function setup() {
  const directory = mkdtempSync(join(tmpdir(), 'do-not-call-list-'))
  roots.push(directory)
  const add = (text: string | AsyncIterable<Uint8Array>, options: Partial<ImportDoNotCallListOptions> = {}) =>
    importDoNotCallList({
      directory,
      source: typeof text === 'string' ? chunks(text) : text,
      kind: 'full',
      copiedAt: clock.now() - DAY_MS,
      clock,
      ...options,
    })
  const find = (number: string) =>
    new NationalDoNotCallList({ lists: openListDirectory(directory), clock }).findNational(number)
  return { directory, add, find }
}

async function* chunks(text: string, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length || at === 0; at += size) yield bytes.subarray(at, at + size)
}

describe('a full list', () => {
  test('is looked up after it was imported', async () => {
    const { add, find } = setup()
    const result = await add('212,5550123\n212,5550124\n646,5550123\n')
    expect(result).toEqual({
      lines: 3,
      wrongLines: 0,
      firstWrongLines: [],
      areaCodes: [
        { areaCode: 212, count: 2, previousCount: undefined },
        { areaCode: 646, count: 1, previousCount: undefined },
      ],
    })
    const copiedAt = clock.now() - DAY_MS
    expect(await find('+12125550124')).toEqual({ isListed: true, copiedAt })
    expect(await find('+16465550124')).toEqual({ isListed: false, copiedAt })
    expect(await find('+13055550124')).toBeUndefined()
  })

  test('replaces the list of its area codes and leaves the others alone', async () => {
    const { add, find } = setup()
    await add('212,5550123\n646,5550123\n')
    const again = await add('212,5550199\n')
    expect(again.areaCodes).toEqual([{ areaCode: 212, count: 1, previousCount: 1 }])
    expect(await find('+12125550123')).toMatchObject({ isListed: false })
    expect(await find('+16465550123')).toMatchObject({ isListed: true })
  })

  test('without a line for an area code that it was ordered for is refused: it was cut', async () => {
    const { add, find } = setup()
    await expect(add('212,5550123\n', { areaCodes: [212, 646] })).rejects.toMatchObject({
      code: 'do_not_call_list_file_unusable',
    })
    expect(await find('+12125550123')).toBeUndefined()
  })

  test('that is older than the copy that is there is refused', async () => {
    const { add, find } = setup()
    await add('212,5550123\n')
    await expect(add('212,5550199\n', { copiedAt: clock.now() - 2 * DAY_MS })).rejects.toMatchObject({
      code: 'do_not_call_list_out_of_order',
      details: { areaCode: 212 },
    })
    expect(await find('+12125550123')).toMatchObject({ isListed: true })
  })

  test('mends a list that is broken', async () => {
    const { add, find, directory } = setup()
    await add('212,5550123\n')
    writeFileSync(join(directory, '212.dnc'), readFileSync(join(directory, '212.dnc')).subarray(0, 99_999))
    await expect(find('+12125550123')).rejects.toMatchObject({ code: 'do_not_call_list_corrupt' })
    await add('212,5550123\n')
    expect(await find('+12125550123')).toMatchObject({ isListed: true })
  })
})

describe('a change list', () => {
  test('adds and deletes in the order of its lines, and makes the copy as recent as itself', async () => {
    const { add, find } = setup()
    await add('212,5550001\n212,5550002\n', { copiedAt: clock.now() - 20 * DAY_MS })
    const changes =
      '212,5550002,2026-11-20,D\n212,5550003,2026-11-20,A\n212,5550003,2026-11-21,D\n212,5550004,2026-11-21,A\n'
    const result = await add(changes, { kind: 'changes' })
    expect(result.areaCodes).toEqual([{ areaCode: 212, count: 2, previousCount: 2 }])
    const copiedAt = clock.now() - DAY_MS
    const listed = [1, 2, 3, 4].map(async (n) => find(`+1212555000${n}`))
    expect(await Promise.all(listed)).toEqual([true, false, false, true].map((isListed) => ({ isListed, copiedAt })))
  })

  test('renews an area code that it was ordered for and has no line of', async () => {
    const { add, find } = setup()
    await add('212,5550001\n646,5550001\n', { copiedAt: clock.now() - 20 * DAY_MS })
    await add('212,5550002,2026-11-20,A\n', { kind: 'changes', areaCodes: [212, 646] })
    expect(await find('+16465550001')).toEqual({ isListed: true, copiedAt: clock.now() - DAY_MS })
  })

  test('without changes is no error when it says what it was ordered for', async () => {
    const { add, find } = setup()
    await add('212,5550001\n', { copiedAt: clock.now() - 20 * DAY_MS })
    await expect(add('', { kind: 'changes' })).rejects.toMatchObject({ code: 'do_not_call_list_file_unusable' })
    await add('', { kind: 'changes', areaCodes: [212] })
    expect(await find('+12125550001')).toEqual({ isListed: true, copiedAt: clock.now() - DAY_MS })
  })

  test('needs a full list before it', async () => {
    const { add, find } = setup()
    await add('646,5550001\n')
    await expect(
      add('646,5550002,2026-11-20,A\n212,5550002,2026-11-20,A\n', { kind: 'changes' }),
    ).rejects.toMatchObject({
      code: 'do_not_call_list_out_of_order',
    })
    expect(await find('+16465550002')).toMatchObject({ isListed: false })
  })

  test('is not built on a list that is broken', async () => {
    const { add, directory } = setup()
    await add('212,5550001\n')
    writeFileSync(join(directory, '212.dnc'), 'no list')
    await expect(add('212,5550002,2026-11-20,A\n', { kind: 'changes' })).rejects.toMatchObject({
      code: 'do_not_call_list_corrupt',
    })
  })
})

describe('a wrong line', () => {
  test('is named by its number, nothing of it is shown, and nothing is imported', async () => {
    const { add, find, directory } = setup()
    const failed = add('212,5550123\n646,5550123\n212,555012\n')
    await expect(failed).rejects.toMatchObject({
      code: 'do_not_call_list_line_invalid',
      details: { line: 3, reason: 'not-a-number' },
    })
    await expect(failed).rejects.toThrow(/^(?!.*555).*Line 3/)
    expect(await find('+12125550123')).toBeUndefined()
    expect(readdirSync(directory)).toEqual([])
  })

  test('is left out on demand, and the rest is imported', async () => {
    const { add, find } = setup()
    const wrong = Array.from({ length: 150 }, () => 'wrong').join('\n')
    const result = await add(`212,5550123\n${wrong}\n212,5550124`, { wrongLines: 'skip' })
    expect(result).toMatchObject({ lines: 152, wrongLines: 150 })
    expect(result.firstWrongLines).toHaveLength(100)
    expect(result.firstWrongLines[0]).toEqual({ line: 2, reason: 'not-a-number' })
    expect(await find('+12125550124')).toMatchObject({ isListed: true })
  })

  test('and nothing else is no list, even on demand', async () => {
    const { add } = setup()
    await expect(add('a\nb\n', { wrongLines: 'skip' })).rejects.toMatchObject({
      code: 'do_not_call_list_file_unusable',
    })
  })
})

describe('a file of another kind is refused for what it is', () => {
  test.each([
    ['ZIP', Buffer.from('PK\u0003\u0004....')],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0])],
    ['XML', Buffer.from('<?xml version="1.0"?>')],
    ['nothing', Buffer.alloc(0)],
  ])('%s', async (_, bytes) => {
    const { add } = setup()
    const source = (async function* () {
      yield bytes
    })()
    await expect(add(source)).rejects.toMatchObject({ code: 'do_not_call_list_file_unusable' })
  })
})

describe('in the middle of an import', () => {
  test('a source that fails throws what it threw, and the lists are as they were', async () => {
    const { add, find, directory } = setup()
    await add('212,5550123\n')
    const broken = (async function* () {
      yield Buffer.from('212,5550199\n')
      throw new TypeError('the download broke')
    })()
    await expect(add(broken)).rejects.toThrow(new TypeError('the download broke'))
    expect(await find('+12125550123')).toMatchObject({ isListed: true })
    expect(readdirSync(directory)).toEqual(['212.dnc'])
  })

  test('an abort ends it, and the lists are as they were', async () => {
    const { add, find, directory } = setup()
    await add('212,5550123\n')
    const abort = new AbortController()
    const text = '212,5550199\n'.repeat(20_000)
    const progress: number[] = []
    await expect(
      add(text, {
        signal: abort.signal,
        onProgress: ({ bytes, lines }) => {
          progress.push(bytes, lines)
          abort.abort(new RangeError('enough'))
        },
      }),
    ).rejects.toThrow(new RangeError('enough'))
    expect(progress).toEqual([65_536, 5461])
    expect(await find('+12125550123')).toMatchObject({ isListed: true })
    expect(readdirSync(directory)).toEqual(['212.dnc'])
  })

  test('a second import into the directory is refused', async () => {
    const { add } = setup()
    let second: Promise<unknown> | undefined
    const source = (async function* () {
      second = add('212,5550199\n')
      await second.catch(() => undefined)
      yield Buffer.from('212,5550123\n')
    })()
    await add(source)
    await expect(second).rejects.toMatchObject({ code: 'do_not_call_list_busy', details: { pid: process.pid } })
    await add('212,5550199\n')
  })

  test('a process that dies leaves a lock that is taken over, and its half-made lists are thrown away', async () => {
    const { add, find, directory } = setup()
    const dead = spawnSync(process.execPath, ['-e', '']).pid
    writeFileSync(join(directory, '.import.lock'), `${hostname()} ${dead} x`)
    await add('212,5550123\n')
    expect(await find('+12125550123')).toMatchObject({ isListed: true })
    expect(readdirSync(directory)).toEqual(['212.dnc'])
  })

  test('a lock of another machine is not taken over', async () => {
    const { add, directory } = setup()
    writeFileSync(join(directory, '.import.lock'), 'another-machine 1 x')
    await expect(add('212,5550123\n')).rejects.toMatchObject({ code: 'do_not_call_list_busy' })
    expect(existsSync(join(directory, '.import.lock'))).toBe(true)
  })
})

test('a directory that cannot be written is an error of ours that names the reason', async () => {
  const { add, directory } = setup()
  writeFileSync(join(directory, 'file'), '')
  await expect(add('212,5550123\n', { directory: join(directory, 'file', 'deeper') })).rejects.toMatchObject({
    code: 'do_not_call_list_io_failed',
    details: { reason: 'ENOTDIR' },
  })
})

test.each([
  ['a copy of the future', { copiedAt: clock.now() + 1 }, RangeError],
  ['no time', { copiedAt: NaN }, RangeError],
  ['an area code that cannot be', { areaCodes: [100] }, RangeError],
  ['no room for a list', { maxOpenAreaCodes: 0 }, RangeError],
  ['no directory', { directory: '' }, TypeError],
  ['another kind', { kind: 'part' as 'full' }, TypeError],
  ['another way with wrong lines', { wrongLines: 'guess' as 'skip' }, TypeError],
])('%s is refused at once', async (_, options, error) => {
  const { add, directory } = setup()
  await expect(add('212,5550123\n', options)).rejects.toThrow(error)
  expect(readdirSync(directory)).toEqual([])
})

const areaCode = fc.integer({ min: 201, max: 208 })
const subscriber = fc.oneof(fc.integer({ min: 0, max: 9_999_999 }), fc.integer({ min: 5_550_000, max: 5_550_020 }))
const lineOf = (code: number, number: number): string => `${code},${String(number).padStart(7, '0')}`

test('whatever set is imported, and whatever changes follow, a lookup is membership of that set', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(areaCode, subscriber), { minLength: 1, maxLength: 60 }),
      fc.array(fc.array(fc.tuple(fc.nat(), subscriber, fc.boolean()), { maxLength: 20 }), { maxLength: 2 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (numbers, changeLists, chunkSize, maxOpenAreaCodes) => {
        const { add, directory } = setup()
        const known = [...new Set(numbers.map(([code]) => code))]
        const set = new Set(numbers.map(([code, number]) => lineOf(code, number)))
        await add(chunks(numbers.map(([code, number]) => lineOf(code, number)).join('\n'), chunkSize), {
          maxOpenAreaCodes,
        })
        const asked = new Set(set)
        for (const changes of changeLists) {
          const lines = changes.map(([at, number, isAdded]) => {
            const line = lineOf(known[at % known.length]!, number)
            asked.add(line)
            if (isAdded) set.add(line)
            else set.delete(line)
            return `${line},2026-11-20,${isAdded ? 'A' : 'D'}`
          })
          await add(chunks(lines.join('\r\n'), chunkSize), { kind: 'changes', areaCodes: known, maxOpenAreaCodes })
        }
        const registry = new NationalDoNotCallList({ lists: openListDirectory(directory), clock })
        for (const line of asked) {
          expect((await registry.findNational(`+1${line.replace(',', '')}`))?.isListed).toBe(set.has(line))
        }
        const code = known[0]!
        expect((await registry.findNational(`+1${code}1234567`))?.isListed).toBe(set.has(lineOf(code, 1_234_567)))
      },
    ),
    { numRuns: 12 },
  )
})

test('more area codes than fit in memory, in no order at all, come out right', async () => {
  const { add, directory } = setup()
  const codes = Array.from({ length: 12 }, (_, i) => 301 + i)
  const lines: string[] = []
  let state = 1
  for (let i = 0; i < 60_000; i++) {
    state = (state * 48_271) % 2_147_483_647
    lines.push(lineOf(codes[state % 12]!, (state >> 4) % 10_000_000))
  }
  const result = await add(lines.join('\n'), { maxOpenAreaCodes: 2 })
  expect(result.areaCodes.reduce((sum, { count }) => sum + count, 0)).toBe(new Set(lines).size)
  const registry = new NationalDoNotCallList({ lists: openListDirectory(directory), clock })
  for (const line of lines.filter((_, i) => i % 97 === 0)) {
    expect(await registry.findNational(`+1${line.replace(',', '')}`)).toMatchObject({ isListed: true })
  }
})
