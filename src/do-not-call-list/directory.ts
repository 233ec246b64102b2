/**
 * A directory with one file for each area code's list, each of them replaced as a whole.
 *
 * @module
 */
import { open, rename, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { AREA_CODE_LIST_BYTES } from '../compliance/do-not-call-list/area-code-list.js'
import type { AreaCodeLists } from '../compliance/do-not-call-list/national-list.js'
import { VoiceError } from '../core/errors.js'

/** The lists in `directory`, as `importDoNotCallList` writes them. A directory that is not there has no lists. */
export function openListDirectory(directory: string): AreaCodeLists {
  return {
    read: (areaCode) => readList(directory, areaCode),
    versionOf: async (areaCode) => {
      const found = await unlessAbsent(() => stat(listFile(directory, areaCode), { bigint: true }))
      return found && `${found.ino}-${found.mtimeNs}-${found.size}`
    },
  }
}

/** The file of one area code's list. */
function listFile(directory: string, areaCode: number): string {
  return join(directory, `${areaCode}.dnc`)
}

/** The bytes of one area code's list, one more than a list has at most; `undefined` when there is none. */
export async function readList(directory: string, areaCode: number): Promise<Uint8Array | undefined> {
  return unlessAbsent(async () => {
    const file = await open(listFile(directory, areaCode), 'r')
    return closing(file, async () => {
      const bytes = Buffer.alloc(AREA_CODE_LIST_BYTES + 1)
      let filled = 0
      for (;;) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled)
        filled += bytesRead
        if (bytesRead === 0 || filled === bytes.length) return bytes.subarray(0, filled)
      }
    })
  })
}

/** Writes one area code's list. It may be lost with the power until {@link putInPlace}. */
export async function writeList(directory: string, areaCode: number, bytes: Uint8Array): Promise<void> {
  await failingAsOurs(async () => {
    const file = await open(listFile(directory, areaCode), 'w')
    await closing(file, () => file.writeFile(bytes))
  })
}

/** Moves finished lists over those in `directory`, each of them on the disk before it gets its name. */
export async function putInPlace(from: string, directory: string, areaCodes: Iterable<number>): Promise<void> {
  await failingAsOurs(async () => {
    const all = [...areaCodes]
    for (const areaCode of all) {
      const file = await open(listFile(from, areaCode), 'r+')
      await closing(file, () => file.sync())
    }
    for (const areaCode of all) await rename(listFile(from, areaCode), listFile(directory, areaCode))
    const folder = await open(directory, 'r')
    await closing(folder, () => folder.sync().catch(() => undefined)) // not every system can sync a folder
  })
}

/** Runs `work` and closes the file, whatever comes of it. */
async function closing<T>(file: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    await file.close()
  }
}

/** Turns whatever `work`, which does nothing but touch files, throws into a {@link VoiceError} `do_not_call_list_io_failed`. */
export async function failingAsOurs<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof VoiceError) throw cause
    const reason = reasonOf(cause)
    throw new VoiceError('do_not_call_list_io_failed', `The lists could not be read or written (${reason})`, {
      cause,
      details: { reason },
    })
  }
}

async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  return failingAsOurs(async () => {
    try {
      return await work()
    } catch (error) {
      if (reasonOf(error) === 'ENOENT') return undefined
      throw error
    }
  })
}

/** The system's code of a failure, such as `ENOSPC`. */
export function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'unknown'
}
