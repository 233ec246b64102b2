/**
 * The law once more, written another way: straight from the two source files, with luxon for the clocks. It knows hours and caps, and
 * nothing else.
 */
import { readFileSync } from 'node:fs'
import { DateTime } from 'luxon'
import type { SourceAreaCodes, SourceState, SourceStateRules } from '../../../scripts/compact-compliance-data.js'

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../src/compliance/data/${name}`, import.meta.url), 'utf8'))

export const AREA_CODES = read('nanp.json') as SourceAreaCodes
export const STATE_RULES = read('state-rules.json') as SourceStateRules

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** One call to judge. */
export interface OracleCall {
  readonly areaCode: string
  readonly state: string | null
  readonly timeZone: string | null
  readonly attemptsAt: readonly number[]
  readonly mode: 'stateAutomated' | 'state' | 'federal'
}

function rowOf(areaCode: string): SourceAreaCodes['npas'][number] {
  return AREA_CODES.npas.find((row) => row.npa === areaCode)!
}

function statesOf({ areaCode, state }: OracleCall): SourceState[] {
  const codes = new Set([rowOf(areaCode).region!, ...(state === null ? [] : [state])])
  return [...codes].map((code) => STATE_RULES.states[code]!)
}

function zonesOf({ areaCode, state, timeZone }: OracleCall): readonly string[] {
  if (timeZone !== null) return [timeZone]
  const row = rowOf(areaCode)
  return state !== null && state !== row.region ? STATE_RULES.states[state]!.timezones : row.timezones
}

function isInside(hours: { start: string; end: string } | null, clock: string): boolean {
  return hours !== null && hours.start <= clock && clock < hours.end
}

function isOpenOn(call: OracleCall, zone: string, at: number): boolean {
  const local = DateTime.fromMillis(at, { zone })
  const clock = local.toFormat('HH:mm:ss.SSS')
  const date = local.toISODate()!
  const weekday = WEEKDAYS[local.weekday - 1]!
  const isHoliday = (listId: string): boolean =>
    STATE_RULES.holidayLists[listId]!.dates[date.slice(0, 4)]!.includes(date)
  if (!isInside({ start: '08:00', end: '21:00' }, clock)) return false
  if (call.mode === 'federal') return true
  return statesOf(call).every((state) => {
    const prior = state.priorCallingHours
    const week = prior && date < prior.until ? prior.callingHours : state.callingHours
    if (!isInside(week[weekday], clock)) return false
    if (state.holidaysProhibited && isHoliday(state.holidayListId!)) return false
    if (call.mode === 'state' || !state.automatedCallingHours) return true
    const special = state.automatedHolidayHours
    const device = special && isHoliday(special.listId) ? special.hours : state.automatedCallingHours[weekday]
    return isInside(device, clock)
  })
}

const HOUR = 3_600_000

function hasRoom(call: OracleCall, at: number): boolean {
  const caps: [count: number, hours: number][] = [[3, 24]]
  if (call.mode !== 'federal') {
    for (const state of statesOf(call)) {
      if (state.maxAttemptsPer24h !== null) caps.push([state.maxAttemptsPer24h, 24])
      if (call.mode === 'stateAutomated' && state.automatedAttemptCap) {
        caps.push([state.automatedAttemptCap.count, state.automatedAttemptCap.hours])
      }
    }
  }
  return caps.every(([count, hours]) => call.attemptsAt.filter((t) => t <= at && at - t < hours * HOUR).length < count)
}

/** Whether hours and caps allow the call at `at`. */
export function isLawful(call: OracleCall, at: number): boolean {
  return hasRoom(call, at) && zonesOf(call).every((zone) => isOpenOn(call, zone, at))
}
