/**
 * What clocks on the wall show in a time zone, as people write it, and which instant they mean.
 *
 * @module
 */
import { dayOfDate, localDay, momentOf, zoneClock, type ZoneClock } from './local-time.js'

/** A moment as a clock on the wall shows it. */
export interface WallTime {
  /** `YYYY-MM-DD` */
  readonly date: string
  /** Minutes since midnight, as the clock shows them. */
  readonly minutes: number
  /** 0 is Sunday. */
  readonly weekday: number
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const UTC: ZoneClock = { timeZone: 'UTC', offsetMs: () => 0 }

/** @throws RangeError for a zone that the runtime does not know. */
export function wallTimeAt(instantMs: number, zone: string): WallTime {
  const localMs = instantMs + clockOf(zone).offsetMs(instantMs)
  const date = dateOf(localDay(localMs))
  const minutes = Math.floor((localMs - localDay(localMs) * DAY_MS) / MINUTE_MS)
  return { date, minutes, weekday: weekdayOf(date) }
}

/**
 * The instant that a wall clock means, in milliseconds since 1970. A time that a clock change skips means a moment after the change; a time
 * that comes twice means the first.
 *
 * @throws RangeError for a zone that the runtime does not know.
 */
export function instantOfWallTime(date: string, minutes: number, zone: string): number {
  return momentOf(clockOf(zone), dayOfDate(date), minutes * MINUTE_MS)
}

/** 0 is Sunday. */
export function weekdayOf(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay()
}

/** The date `days` after another. */
export function addDays(date: string, days: number): string {
  return dateOf(dayOfDate(date) + days)
}

/** Whether the runtime knows the zone by a full IANA name such as `America/New_York`. */
export function isTimeZone(zone: string): boolean {
  return zone === 'UTC' || zoneClock(zone) !== undefined
}

function clockOf(zone: string): ZoneClock {
  const clock = zone === 'UTC' ? UTC : zoneClock(zone)
  if (!clock) throw new RangeError(`The time zone is not known: "${zone.slice(0, 64)}"`)
  return clock
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}
