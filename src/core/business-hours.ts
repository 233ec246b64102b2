/**
 * When a business is open: a week of opening hours, in words and as instants.
 *
 * @module
 */
import { instantOfWallTime, wallTimeAt, weekdayOf } from './wall-clock.js'

/** Opening hours of one day, as the wall clock shows them: `09:00` to `17:00`. */
export interface DayHours {
  readonly open: string
  readonly close: string
  readonly enabled: boolean
}

/** The days, Sunday first, as `Date` counts them. */
export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const

export type Weekday = (typeof WEEKDAYS)[number]

/** Opening hours of a week. A day that is absent, or not enabled, is closed. */
export type BusinessHours = Readonly<Partial<Record<Weekday, DayHours>>>

/** From when to when a business is open on a date (`YYYY-MM-DD`), in milliseconds since 1970; `undefined` when closed. */
export function openingOn(
  date: string,
  hours: BusinessHours,
  zone: string,
): { readonly startMs: number; readonly endMs: number } | undefined {
  const day = openDay(hours, WEEKDAYS[weekdayOf(date)])
  if (!day) return undefined
  return { startMs: instantOfWallTime(date, day.open, zone), endMs: instantOfWallTime(date, day.close, zone) }
}

/** Whether a business is open at an instant. */
export function isOpenAt(instantMs: number, hours: BusinessHours, zone: string): boolean {
  const opening = openingOn(wallTimeAt(instantMs, zone).date, hours, zone)
  return opening !== undefined && instantMs >= opening.startMs && instantMs < opening.endMs
}

/** Monday first, as people say a week. */
const SPOKEN_ORDER = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

/**
 * Opening hours as a sentence: «We're open Monday through Friday from 09:00 to 17:00.» Days with the same hours that follow
 * each other are said together, irregular ones each for itself.
 */
export function businessHoursSummary(hours: BusinessHours): string {
  const runs: { first: Weekday; last: Weekday; length: number; span: string }[] = []
  for (const [i, weekday] of SPOKEN_ORDER.entries()) {
    const day = hours[weekday]
    if (!day || !openDay(hours, weekday)) continue
    const span = `from ${day.open} to ${day.close}`
    const run = runs.at(-1)
    if (run?.span === span && SPOKEN_ORDER[i - 1] === run.last) {
      run.last = weekday
      run.length++
    } else runs.push({ first: weekday, last: weekday, length: 1, span })
  }
  if (runs.length === 0) return "We're currently closed on all days."
  const parts = runs.map(({ first, last, length, span }) => {
    if (length === 1) return `${capital(first)} ${span}`
    return `${capital(first)} ${length === 2 ? 'and' : 'through'} ${capital(last)} ${span}`
  })
  return `We're open ${parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`}.`
}

function openDay(hours: BusinessHours, weekday: Weekday | undefined): { open: number; close: number } | undefined {
  const day = weekday && hours[weekday]
  if (!day?.enabled) return undefined
  const open = minutesOf(day.open)
  const close = minutesOf(day.close)
  return open !== undefined && close !== undefined && close > open ? { open, close } : undefined
}

/** Minutes since midnight; `24:00` is the end of the day. */
function minutesOf(clock: string): number | undefined {
  const match = /^(?:([01]?\d|2[0-3]):([0-5]\d)|24:00)$/.exec(clock)
  if (!match) return undefined
  return match[1] === undefined ? 1440 : Number(match[1]) * 60 + Number(match[2])
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
