/**
 * What every measured process tells of itself: the port that it listens on, the CPU that it used, the memory that it holds.
 *
 * @module
 */
import { serve } from './channel.js'

/** What a candidate says when it is asked. */
export interface Usage {
  /** User and system time since its start, in microseconds. */
  readonly cpuUs: number
  /** Objects and buffers that are alive, after a forced collection when that was asked for, in bytes. */
  readonly liveBytes: number
  readonly rssBytes: number
}

/** Answers the runner. */
export function serveCandidate(port: number): void {
  serve(port, {
    usage: ({ collect }: { collect: boolean }): Usage => {
      const { user, system } = process.cpuUsage() // before the collection, which is not the calls' doing
      if (collect) for (let i = 0; i < 2; i++) globalThis.gc?.()
      const { heapUsed, external, rss } = process.memoryUsage()
      return { cpuUs: user + system, liveBytes: heapUsed + external, rssBytes: rss }
    },
  })
}
