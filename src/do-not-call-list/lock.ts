/**
 * Lets one import at a time write into a directory.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { VoiceError } from '../core/errors.js'
import { reasonOf } from './directory.js'

/** The file that says who is importing. */
const LOCK = '.import.lock'

/**
 * Takes the directory for this process. A lock that a dead process of this machine left behind is taken over.
 *
 * @returns what gives it back.
 * @throws {@link VoiceError} `do_not_call_list_busy` when somebody else is importing.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const lock = join(directory, LOCK)
  const mine = join(directory, `${LOCK}.${randomUUID()}`)
  // Written whole under another name first, so that nobody ever reads half a lock.
  await writeFile(mine, `${hostname()} ${process.pid} ${randomUUID()}`)
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        await link(mine, lock)
        return () => rm(lock, { force: true })
      } catch (error) {
        if (reasonOf(error) !== 'EEXIST') throw error
      }
      const owner = await readFile(lock, 'utf8').catch(() => '')
      if (owner !== '' && isAlive(owner)) throw busy(owner)
      if (owner !== '') await removeDead(lock, owner)
    }
    throw busy('')
  } finally {
    await rm(mine, { force: true })
  }
}

function isAlive(owner: string): boolean {
  const [host, pid] = owner.split(' ')
  if (host !== hostname()) return true // nothing can be known about another machine
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    return reasonOf(error) !== 'ESRCH'
  }
}

/** Takes a dead lock away; if somebody else was quicker and the lock is a living one by now, it is put back. */
async function removeDead(lock: string, owner: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`
  try {
    await rename(lock, aside)
  } catch (error) {
    if (reasonOf(error) === 'ENOENT') return
    throw error
  }
  if ((await readFile(aside, 'utf8')) !== owner) await link(aside, lock).catch(() => undefined)
  await rm(aside, { force: true })
}

function busy(owner: string): VoiceError {
  const pid = Number(owner.split(' ')[1] ?? 0)
  return new VoiceError('do_not_call_list_busy', 'Another import writes into this directory', { details: { pid } })
}
