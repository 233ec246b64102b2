/**
 * Imports a file of the national do-not-call registry into a directory of lists.
 *
 * The file is read as a stream, in any order of area codes: numbers wait in a small buffer for each area code, and only a few
 * bitmaps are in memory at once. Nothing that was there changes until the whole file was read; then each list is replaced by a
 * rename.
 *
 * @module
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AreaCodeList, isAreaCode } from '../compliance/do-not-call-list/area-code-list.js'
import { ListLines, type WrongLineReason } from '../compliance/do-not-call-list/list-lines.js'
import { systemClock, type Clock } from '../core/clock.js'
import { VoiceError } from '../core/errors.js'
import { failingAsOurs, putInPlace, readList } from './directory.js'
import { lockDirectory } from './lock.js'
import { StagedLists } from './staged-lists.js'

/** How far an import has come. */
export interface ImportProgress {
  readonly bytes: number
  readonly lines: number
}

/** A line that was left out. */
export interface WrongLine {
  /** Its number in the file, from 1. */
  readonly line: number
  readonly reason: WrongLineReason
}

export interface ImportDoNotCallListOptions {
  /** Where the lists are kept. Made when it is not there. */
  readonly directory: string
  /** The unzipped flat text file, e.g. `createReadStream(path)`. What it throws is thrown on. */
  readonly source: AsyncIterable<Uint8Array>
  /** `'full'` replaces the list of each area code in the file; `'changes'` adds and deletes in the order of the lines. */
  readonly kind: 'full' | 'changes'
  /** When the file was obtained from the registry, in milliseconds since 1970. Every call is judged by it. Not in the future. */
  readonly copiedAt: number
  /**
   * The area codes that the file was ordered for. A change list makes each of them as recent as `copiedAt`, whether it has
   * a line for it or not; a full list without a line for one of them is refused. Default: those that have a line.
   */
  readonly areaCodes?: readonly number[]
  /** `'refuse'` imports nothing when a line is wrong, `'skip'` leaves that line out. Default `'refuse'`. */
  readonly wrongLines?: 'refuse' | 'skip'
  /** Told after each chunk of the source. */
  readonly onProgress?: (progress: ImportProgress) => void
  /** Ends the import, which then changes nothing. */
  readonly signal?: AbortSignal
  /** Bitmaps in memory at once, 1.25 MB each. Default 16. The others wait on the disk. */
  readonly maxOpenAreaCodes?: number
  /** Default the machine's. */
  readonly clock?: Pick<Clock, 'now'>
}

/** What an import did. */
export interface ImportResult {
  readonly lines: number
  /** Lines that were left out, all of them. */
  readonly wrongLines: number
  /** The first hundred of them. */
  readonly firstWrongLines: readonly WrongLine[]
  /** Each area code that has a new list: the numbers on it, and on the one before (`undefined` when there was none). */
  readonly areaCodes: readonly { areaCode: number; count: number; previousCount: number | undefined }[]
}

const MAX_WRONG_LINES_KEPT = 100
/** So that no buffer of an area code can run over within one slice: a line has eleven bytes at least. */
const SLICE_BYTES = 32 * 1024

/**
 * Imports one file. One import at a time in a directory; lookups go on meanwhile and see each list either as it was or as it is.
 *
 * @throws {@link VoiceError} `do_not_call_list_line_invalid` with the number of the line, `do_not_call_list_file_unusable`,
 * `do_not_call_list_out_of_order`, `do_not_call_list_corrupt` (a change list on a broken list), `do_not_call_list_busy`,
 * `do_not_call_list_io_failed`. In none of these was anything imported, except that a disk that fails during the renames at the
 * end can leave some area codes new and some old, each of them whole; the same import again completes it.
 * @throws TypeError, RangeError for options that cannot be.
 *
 * @example
 * ```ts
 * const result = await importDoNotCallList({
 *   directory: '/var/lib/dnc',
 *   source: createReadStream('212.txt'),
 *   kind: 'full',
 *   copiedAt: Date.parse('2026-11-20T09:00:00Z'),
 *   areaCodes: [212],
 * })
 * ```
 */
export async function importDoNotCallList(options: ImportDoNotCallListOptions): Promise<ImportResult> {
  const { directory, clock = systemClock } = options
  checkOptions(options, clock.now())
  const staging = join(directory, '.import')
  const unlock = await failingAsOurs(async () => {
    await mkdir(directory, { recursive: true })
    return lockDirectory(directory)
  })
  try {
    await failingAsOurs(async () => {
      await rm(staging, { recursive: true, force: true })
      await mkdir(staging)
    })
    return await importInto(staging, options)
  } finally {
    await failingAsOurs(async () => {
      await rm(staging, { recursive: true, force: true })
      await unlock()
    })
  }
}

async function importInto(staging: string, options: ImportDoNotCallListOptions): Promise<ImportResult> {
  const { directory, source, kind, copiedAt, areaCodes = [], wrongLines = 'refuse', onProgress, signal } = options
  const { maxOpenAreaCodes = 16 } = options
  const staged = new StagedLists({
    directory: staging,
    maxOpenAreaCodes,
    firstOf: async (areaCode) => firstList(await readList(directory, areaCode), areaCode, kind, copiedAt),
  })
  let wrong = 0
  const firstWrong: WrongLine[] = []
  const lines = new ListLines(kind, {
    onNumber: (areaCode, subscriber, change) => staged.put(areaCode, subscriber, change),
    onWrong: (line, reason) => {
      if (wrongLines === 'refuse') throw invalidLine(line, reason)
      if (wrong++ < MAX_WRONG_LINES_KEPT) firstWrong.push({ line, reason })
    },
  })

  let bytes = 0
  for await (const chunk of source) {
    signal?.throwIfAborted()
    if (bytes === 0) refuseOtherFormats(chunk)
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      lines.push(chunk.subarray(at, at + SLICE_BYTES))
      await staged.settle()
    }
    bytes += chunk.length
    onProgress?.({ bytes, lines: lines.lines })
  }
  signal?.throwIfAborted()
  lines.end()

  const inFile = staged.areaCodes
  const missing = areaCodes.filter((areaCode) => !inFile.has(areaCode))
  if (kind === 'full' && missing.length > 0) {
    throw unusable(`it has no number of area code ${missing[0] ?? ''}, which it was ordered for`)
  }
  if (inFile.size + missing.length === 0) throw unusable('it has no number in it')
  for (const areaCode of missing) staged.touch(areaCode)
  const lists = await staged.finish()
  signal?.throwIfAborted()
  await putInPlace(
    staging,
    directory,
    lists.map(({ areaCode }) => areaCode),
  )
  return { lines: lines.lines, wrongLines: wrong, firstWrongLines: firstWrong, areaCodes: lists }
}

/** The list that an import begins with: an empty one for a full list, the one that is there for its changes. */
function firstList(
  bytes: Uint8Array | undefined,
  areaCode: number,
  kind: 'full' | 'changes',
  copiedAt: number,
): { list: AreaCodeList; previousCount: number | undefined } {
  const before = bytes && (kind === 'full' ? decodeIfWhole(bytes, areaCode) : AreaCodeList.decode(bytes, areaCode))
  if (before && before.copiedAt > copiedAt) {
    throw outOfOrder(areaCode, 'a more recent copy is there already')
  }
  const previousCount = before?.count
  if (kind === 'full') return { list: AreaCodeList.empty({ areaCode, copiedAt }), previousCount }
  if (!before) throw outOfOrder(areaCode, 'there is no full list that a change list could change')
  return { list: before.renewed(copiedAt), previousCount }
}

/** A full list replaces a broken one, so a broken one is as good as none. */
function decodeIfWhole(bytes: Uint8Array, areaCode: number): AreaCodeList | undefined {
  try {
    return AreaCodeList.decode(bytes, areaCode)
  } catch {
    return undefined
  }
}

function checkOptions(options: ImportDoNotCallListOptions, now: number): void {
  const { directory, kind, copiedAt, areaCodes = [], maxOpenAreaCodes = 16 } = options
  if (directory === '') throw new TypeError('directory must not be empty')
  if (!['full', 'changes'].includes(kind)) throw new TypeError('kind must be "full" or "changes"')
  if (!['refuse', 'skip'].includes(options.wrongLines ?? 'refuse')) {
    throw new TypeError('wrongLines must be "refuse" or "skip"')
  }
  if (!Number.isSafeInteger(copiedAt)) throw new RangeError(`copiedAt must be whole milliseconds, got ${copiedAt}`)
  if (copiedAt > now) throw new RangeError('copiedAt is in the future; a copy cannot be obtained later than now')
  const odd = areaCodes.find((areaCode) => !isAreaCode(areaCode))
  if (odd !== undefined) throw new RangeError(`An area code must be 200 to 999, got ${odd}`)
  if (!(maxOpenAreaCodes >= 1)) throw new RangeError(`maxOpenAreaCodes must be 1 or more, got ${maxOpenAreaCodes}`)
}

/** The registry also gives XML, and everything zipped; a failed download is a page of HTML. */
function refuseOtherFormats(chunk: Uint8Array): void {
  const [first, second] = chunk
  if (first === 0x50 && second === 0x4b) throw unusable('it is a ZIP archive')
  if (first === 0x1f && second === 0x8b) throw unusable('it is a gzip archive')
  if (first === 0x3c) throw unusable('it is XML or HTML, not flat text')
}

function invalidLine(line: number, reason: WrongLineReason): VoiceError {
  return new VoiceError('do_not_call_list_line_invalid', `Line ${line} is wrong: ${reason}. Nothing was imported`, {
    details: { line, reason },
  })
}

function unusable(why: string): VoiceError {
  return new VoiceError('do_not_call_list_file_unusable', `The file cannot be imported: ${why}`)
}

function outOfOrder(areaCode: number, why: string): VoiceError {
  return new VoiceError('do_not_call_list_out_of_order', `Area code ${areaCode}: ${why}`, { details: { areaCode } })
}
