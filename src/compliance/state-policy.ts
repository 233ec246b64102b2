/**
 * What one state asks under one policy, worked out once so that a decision only looks it up.
 *
 * @module
 */
import type { AttemptCap } from '../records/call-attempt.js'
import {
  holidayDays,
  intersectWeeks,
  sameEveryDay,
  windowWeek,
  type HolidayDays,
  type StateCalendar,
  type WindowWeek,
} from './calling-windows.js'
import type { PolicyMode, Warning } from './decision.js'
import { DAY_MS, dayOfDate } from '../core/local-time.js'
import type { Citation, Notice, RulePack, StateRules } from './rule-pack.js'

const HOUR_MS = 3_600_000

/** What a host adds to one state. Nothing in it can widen the law. */
export interface StateOverride {
  /** Hours that are cut out of the state's window, in minutes after local midnight. */
  readonly callingHours?: readonly [startMinute: number, endMinute: number]
  /** Local dates without calls, `YYYY-MM-DD`: holidays that a governor proclaims, or a declared emergency. */
  readonly closedDates?: readonly string[]
  /** One more cap on attempts to a number in this state. */
  readonly attemptCap?: { readonly maxAttempts: number; readonly windowMs: number }
}

/** One state, under one policy. */
export interface StatePolicy {
  readonly state: string
  readonly rules: StateRules
  readonly isBlocked: boolean
  /** The state's own do-not-call list has to be asked. */
  readonly needsOwnList: boolean
  readonly calendar: StateCalendar
  readonly caps: readonly AttemptCap[]
  readonly hoursCitations: readonly Citation[]
  readonly capCitations: readonly Citation[]
  readonly warnings: readonly Warning[]
}

interface Compilation {
  readonly rulePack: RulePack
  readonly mode: PolicyMode
  /** The house's hours, which every window is cut by. */
  readonly baseWeek: WindowWeek
  readonly blockedStates: readonly string[]
  readonly overrides: Readonly<Record<string, StateOverride>>
}

/** Every state of the rule pack, under one policy. @throws TypeError for a state that does not exist. */
export function compileStates(compilation: Compilation): ReadonlyMap<string, StatePolicy> {
  const { rulePack, blockedStates, overrides } = compilation
  for (const state of [...blockedStates, ...Object.keys(overrides)]) {
    if (!rulePack.states.has(state))
      throw new TypeError(`There is no state "${state.slice(0, 8)}"; use its two letters`)
  }
  const holidays = new Map([...rulePack.holidayLists].map(([listId, list]) => [listId, holidayDays(list)]))
  const states = new Map<string, StatePolicy>()
  for (const [state, rules] of rulePack.states) states.set(state, compileState(compilation, holidays, state, rules))
  return states
}

function compileState(
  { rulePack, mode, baseWeek, blockedStates, overrides }: Compilation,
  holidays: ReadonlyMap<string, HolidayDays>,
  state: string,
  rules: StateRules,
): StatePolicy {
  const override = overrides[state] ?? {}
  const readOn = rulePack.stateRulesAsOf
  const isStateLaw = mode !== 'federal'
  const automated = mode === 'stateAutomated' ? rules.automated : null
  const list = (listId: string): HolidayDays => {
    const days = holidays.get(listId)
    if (!days) throw new TypeError(`The rule pack lacks the holiday list ${listId} of ${state}`)
    return days
  }

  const house = override.callingHours ? intersectWeeks(baseWeek, sameEveryDay(checkHours(state, override))) : baseWeek
  const ordinary = isStateLaw ? intersectWeeks(house, windowWeek(rules.callingHours)) : house
  const devices = automated ? windowWeek(automated.hours) : null
  const prior = isStateLaw ? rules.priorCallingHours : null
  const before = prior ? intersectWeeks(house, windowWeek(prior.hours)) : null
  const calendar: StateCalendar = {
    week: devices ? intersectWeeks(ordinary, devices) : ordinary,
    prior:
      prior && before
        ? { untilDay: dayOfDate(prior.until), week: devices ? intersectWeeks(before, devices) : before }
        : null,
    onHolidays: automated?.onHolidays
      ? {
          holidays: list(automated.onHolidays.listId),
          week: intersectWeeks(ordinary, sameEveryDay(automated.onHolidays.hours)),
        }
      : null,
    closedHolidays: isStateLaw && rules.holidayListId !== null ? list(rules.holidayListId) : null,
    closedDays: new Set((override.closedDates ?? []).map((date) => checkDate(state, date))),
  }

  const caps: AttemptCap[] = []
  const capCitations: Citation[] = []
  if (isStateLaw && rules.maxAttempts) {
    caps.push({ capId: state, maxAttempts: rules.maxAttempts.count, windowMs: DAY_MS })
    capCitations.push({ cite: rules.maxAttempts.cite, confidence: rules.confidence, readOn })
  }
  if (mode === 'stateAutomated' && rules.automatedMaxAttempts) {
    const { count, hours, cite } = rules.automatedMaxAttempts
    caps.push({ capId: `${state}-automated`, maxAttempts: count, windowMs: hours * HOUR_MS })
    capCitations.push({ cite, confidence: automated?.confidence ?? rules.confidence, readOn })
  }
  if (override.attemptCap) caps.push({ capId: `${state}-house`, ...override.attemptCap })

  const hoursCitations: Citation[] = []
  if (isStateLaw) hoursCitations.push({ cite: rules.cite, confidence: rules.confidence, readOn })
  if (automated) hoursCitations.push({ cite: automated.cite, confidence: automated.confidence, readOn })

  return Object.freeze({
    state,
    rules,
    isBlocked: blockedStates.includes(state),
    needsOwnList: isStateLaw && rules.hasOwnDoNotCallList,
    calendar,
    caps,
    hoursCitations,
    capCitations,
    warnings: isStateLaw ? warningsOf(state, rules, mode) : [],
  })
}

/** What the state asks and no engine can decide. */
function warningsOf(state: string, rules: StateRules, mode: PolicyMode): readonly Warning[] {
  const warnings: Warning[] = []
  const warn = (warning: string, notice: Notice | null): void => {
    if (notice) warnings.push(Object.freeze({ warning, state, cite: notice.cite }))
  }
  if (mode === 'stateAutomated') warn('automated-voice-rule', rules.automatedVoice)
  warn('registration', rules.registration)
  if (rules.emergency !== null)
    warnings.push(Object.freeze({ warning: 'emergency-rule', state, cite: rules.emergency }))
  return Object.freeze(warnings)
}

function checkHours(state: string, { callingHours }: StateOverride): readonly [number, number] {
  const [start = Number.NaN, end = Number.NaN] = callingHours ?? []
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= 1440)) {
    throw new RangeError(`states.${state}.callingHours must be two minutes of a day, the first before the second`)
  }
  return [start, end]
}

function checkDate(state: string, date: string): number {
  const day = dayOfDate(date)
  if (!Number.isInteger(day)) throw new RangeError(`states.${state}.closedDates must hold dates, YYYY-MM-DD`)
  return day
}
