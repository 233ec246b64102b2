/**
 * When calls may be placed on a local date: the federal window, cut by everything that a state asks.
 *
 * @module
 */
import { dayOfDate, weekdayOf, yearOf } from '../core/local-time.js'
import type { HolidayList, Hours, Week } from './rule-pack.js'

const MINUTE_MS = 60_000

/** Why there are no calls on a day. */
export type ClosedBy = 'closed-weekday' | 'holiday' | 'holidays-unknown' | 'closed-date' | 'no-common-hours'

/** The window of one local date. `startMs` is in it, `endMs` is not; both count from local midnight. */
export interface DayWindow {
  readonly startMs: number
  readonly endMs: number
  /** `null`: open. */
  readonly closedBy: ClosedBy | null
}

/** Seven windows, Monday first. */
export type WindowWeek = readonly DayWindow[]

/** A day without calls. */
export function closed(closedBy: ClosedBy): DayWindow {
  return Object.freeze({ startMs: 0, endMs: 0, closedBy })
}

function windowOf(hours: Hours | null): DayWindow {
  if (!hours) return closed('closed-weekday')
  return Object.freeze({ startMs: hours[0] * MINUTE_MS, endMs: hours[1] * MINUTE_MS, closedBy: null })
}

/** What is inside both. */
export function intersect(a: DayWindow, b: DayWindow): DayWindow {
  if (a.closedBy || a === b) return a
  if (b.closedBy) return b
  const startMs = Math.max(a.startMs, b.startMs)
  const endMs = Math.min(a.endMs, b.endMs)
  if (startMs === a.startMs && endMs === a.endMs) return a
  if (startMs === b.startMs && endMs === b.endMs) return b
  return startMs < endMs ? { startMs, endMs, closedBy: null } : closed('no-common-hours')
}

/** The windows of a week. */
export function windowWeek(week: Week): WindowWeek {
  return week.map(windowOf)
}

/** A week of the same window. */
export function sameEveryDay(hours: Hours): WindowWeek {
  const window = windowOf(hours)
  return [window, window, window, window, window, window, window]
}

/** What is inside both, day by day. */
export function intersectWeeks(a: WindowWeek, b: WindowWeek): WindowWeek {
  return a.map((window, weekday) => intersect(window, b[weekday] ?? closed('closed-weekday')))
}

/** The closed days of a list, and the years that the list knows. */
export interface HolidayDays {
  readonly days: ReadonlySet<number>
  readonly years: ReadonlySet<number>
}

/** A list of holidays, ready to be asked. */
export function holidayDays(list: HolidayList): HolidayDays {
  return {
    days: new Set(Object.values(list.dates).flat().map(dayOfDate)),
    years: new Set(Object.keys(list.dates).map(Number)),
  }
}

/** What cuts the windows of one state, from wide to narrow. */
export interface StateCalendar {
  /** What holds on an ordinary week. */
  readonly week: WindowWeek
  /** What held before the local day `untilDay`. */
  readonly prior: { readonly untilDay: number; readonly week: WindowWeek } | null
  /** What holds on the days of a list, in place of `week`. */
  readonly onHolidays: { readonly holidays: HolidayDays; readonly week: WindowWeek } | null
  /** No calls on the days of this list. */
  readonly closedHolidays: HolidayDays | null
  /** No calls on these days either. */
  readonly closedDays: ReadonlySet<number>
}

const HOLIDAY = closed('holiday')
const HOLIDAYS_UNKNOWN = closed('holidays-unknown')
const CLOSED_DATE = closed('closed-date')
const CLOSED_WEEKDAY = closed('closed-weekday')

/** The window of a local day. A year that a holiday list does not know is closed: it might be a holiday. */
export function windowOn(calendar: StateCalendar, day: number): DayWindow {
  if (calendar.closedDays.has(day)) return CLOSED_DATE
  const { closedHolidays, onHolidays, prior } = calendar
  if (closedHolidays) {
    if (closedHolidays.days.has(day)) return HOLIDAY
    if (!closedHolidays.years.has(yearOf(day))) return HOLIDAYS_UNKNOWN
  }
  let { week } = calendar
  if (prior && day < prior.untilDay) week = prior.week
  if (onHolidays) {
    if (onHolidays.holidays.days.has(day)) week = onHolidays.week
    else if (!onHolidays.holidays.years.has(yearOf(day))) return HOLIDAYS_UNKNOWN
  }
  return week[weekdayOf(day)] ?? CLOSED_WEEKDAY
}
