/**
 * Lanes: streams in which events wait that belong under another key, each with its own name and key beside its data. Copies for one sink wait so,
 * and events that were put back after they were parked.
 *
 * A key always has the same lane, which keeps its order; and lanes are few, because a store keeps something of every key that was ever appended
 * under.
 *
 * @module
 */
import { hash } from 'node:crypto'
import { z } from 'zod'

const LANES = 64
const LANE = /^streams:callweave-(?:sink\/[^/]+|requeued)\/(\d+)$/

/** What all lanes begin with, as keys of `appendEvents`. */
export const LANE_PREFIX = 'callweave-'

/** An event in a lane: the one that it stands for. */
export const carriedEvent = z.object({ eventId: z.string(), key: z.string(), data: z.unknown() })

/** The lane of a key. */
export function laneOf(key: string): number {
  return hash('sha256', key, 'buffer').readUInt16BE(0) % LANES
}

/** The lane under whose key an event waits; `undefined` where it waits under its own. */
export function laneIn(key: string): number | undefined {
  const [, lane] = LANE.exec(key) ?? []
  return lane === undefined ? undefined : Number(lane)
}

/** The key under which an event belongs, wherever it waits. */
export function ownKeyOf({ key, data }: { readonly key: string; readonly data: unknown }): string {
  if (laneIn(key) === undefined) return key
  const carried = carriedEvent.safeParse(data)
  return carried.success ? ownKeyOf(carried.data) : key
}
