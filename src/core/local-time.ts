/**
 * Clocks of time zones: what they show at a moment, and when they show a time.
 *
 * @module
 */

/** A day, in milliseconds. */
export const DAY_MS = 86_400_000

/** Offsets of US zones change on a full hour, of every zone since 2010 on a quarter of one. */
const STEP_MS = 900_000

/** A zone's memory of its offsets; two weeks of quarters of an hour. */
const MAX_STEPS = 1344

/** A runtime knows some six hundred zones, in any mixture of upper and lower case. */
const MAX_CLOCKS = 1000

/** The clock of one zone. */
export interface ZoneClock {
  readonly timeZone: string
  /** What has to be added to UTC, in milliseconds. */
  offsetMs(at: number): number
}

const clocks = new Map<string, ZoneClock | undefined>()

/** The clock of an IANA zone. `undefined` for a name that the runtime does not know or that has no slash, such as `EST`. */
export function zoneClock(timeZone: string): ZoneClock | undefined {
  if (clocks.has(timeZone)) return clocks.get(timeZone)
  if (clocks.size >= MAX_CLOCKS) clocks.clear()
  const clock = makeClock(timeZone)
  clocks.set(timeZone, clock)
  return clock
}

function makeClock(timeZone: string): ZoneClock | undefined {
  if (typeof timeZone !== 'string' || !timeZone.includes('/') || timeZone.length > 64) return undefined
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return undefined
  }
  const steps = new Map<number, number>()
  let lastStep = Number.NaN
  let lastOffsetMs = 0
  return {
    timeZone,
    offsetMs(at) {
      const step = Math.floor(at / STEP_MS)
      if (step === lastStep) return lastOffsetMs
      let offsetMs = steps.get(step)
      if (offsetMs === undefined) {
        if (steps.size >= MAX_STEPS) steps.clear()
        offsetMs = readOffsetMs(format, step * STEP_MS)
        steps.set(step, offsetMs)
      }
      lastStep = step
      lastOffsetMs = offsetMs
      return offsetMs
    },
  }
}

function readOffsetMs(format: Intl.DateTimeFormat, at: number): number {
  // "11/27/2026, 08:30:00": the one form that this locale, calendar and numbering system write.
  const [month, day, year, hour, minute, second] = (format.format(at).match(/\d+/g) ?? []).map(Number)
  return Date.UTC(year ?? NaN, (month ?? NaN) - 1, day, hour, minute, second) - at
}

/** A local date as a number: days since 1 January 1970. */
export function localDay(localMs: number): number {
  return Math.floor(localMs / DAY_MS)
}

/** 0 for Monday to 6 for Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7 // 1 January 1970 was a Thursday
}

/** The day of a date `YYYY-MM-DD`. `NaN` when it is none. */
export function dayOfDate(date: string): number {
  return /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) / DAY_MS : Number.NaN
}

/** The year of a day. */
export function yearOf(day: number): number {
  return new Date(day * DAY_MS).getUTCFullYear()
}

/**
 * The moment at which a clock shows `timeMs` after midnight of `day`.
 *
 * Of a time that comes twice, the earlier one. A time that is left out gives a moment after the gap. Calling windows open at 08:00
 * or later, and clocks change at night, so neither happens in a decision.
 */
export function momentOf(clock: ZoneClock, day: number, timeMs: number): number {
  const localMs = day * DAY_MS + timeMs
  const before = localMs - clock.offsetMs(localMs - DAY_MS)
  const after = localMs - clock.offsetMs(localMs + DAY_MS)
  for (const at of before <= after ? [before, after] : [after, before]) {
    if (at + clock.offsetMs(at) === localMs) return at
  }
  return before
}
