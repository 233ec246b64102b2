/**
 * Where a called party may be: the states whose rules apply, and the clocks that they may live by.
 *
 * The best evidence of the clock wins, and everything that it leaves open is kept: an explicit zone; the postal code; the state
 * that the person names, when it is not that of the area code; the area code. People keep their numbers when they move, so an area
 * code is evidence and no proof; states are added up, never chosen.
 *
 * @module
 */
import type { AttemptCap } from '../records/call-attempt.js'
import { closed, intersect, windowOn, type DayWindow } from './calling-windows.js'
import type { FoundBy } from './decision.js'
import type { CallFacts } from './facts.js'
import { weekdayOf, zoneClock, type ZoneClock } from '../core/local-time.js'
import type { Place, Policy } from './rule.js'
import type { StatePolicy } from './state-policy.js'

/** A number of the North American plan, as far as its shape goes. */
const NANP_NUMBER = /^\+1([2-9]\d{2})[2-9]\d{6}$/

const NOWHERE = {
  areaCodeText: null,
  areaCode: undefined,
  jurisdictions: [],
  clocks: [],
  clocksFoundBy: 'area-code',
} as const

/** Finds the place. Never throws: facts that cannot be read are a problem of the place. */
export function findPlace(facts: CallFacts, policy: Policy): Place {
  try {
    return readPlace(facts, policy)
  } catch {
    return { ...NOWHERE, problems: ['place-unreadable'] }
  }
}

function readPlace(facts: CallFacts, policy: Policy): Place {
  const areaCodeText = NANP_NUMBER.exec(facts.phoneNumber)?.[1] ?? null
  const areaCode = areaCodeText === null ? undefined : policy.rulePack.areaCode(areaCodeText)
  const problems: string[] = []
  const jurisdictions: { policy: StatePolicy; foundBy: FoundBy[] }[] = []
  const add = (state: string | null | undefined, foundBy: FoundBy): StatePolicy | undefined => {
    if (state === null || state === undefined) return undefined
    const known = jurisdictions.find((jurisdiction) => jurisdiction.policy.state === state)
    if (known) {
      known.foundBy.push(foundBy)
      return known.policy
    }
    const statePolicy = policy.states.get(state)
    if (statePolicy) jurisdictions.push({ policy: statePolicy, foundBy: [foundBy] })
    else problems.push('state-unknown')
    return statePolicy
  }
  const codeState = add(areaCode?.state, 'area-code')
  const namedState = add(facts.state, 'state')
  add(facts.postalCode?.state, 'postal-code')

  let clocksFoundBy: FoundBy = 'area-code'
  let zones: readonly string[] = areaCode?.timeZones ?? []
  if (facts.timeZone !== null) {
    clocksFoundBy = 'explicit'
    zones = [facts.timeZone]
  } else if (facts.postalCode !== null && facts.postalCode.timeZones.length > 0) {
    clocksFoundBy = 'postal-code'
    zones = facts.postalCode.timeZones
  } else if (namedState && namedState !== codeState) {
    clocksFoundBy = 'state'
    zones = namedState.rules.timeZones
  }
  const clocks: ZoneClock[] = []
  for (const zone of zones) {
    const clock = zoneClock(zone)
    if (clock) clocks.push(clock)
    else problems.push('zone-unknown')
  }
  return { areaCodeText, areaCode, jurisdictions, clocks, clocksFoundBy, problems }
}

/** The window of a local day at a place. */
export function windowAt(place: Place, policy: Policy, day: number): DayWindow {
  let window = policy.baseWeek[weekdayOf(day)] ?? closed('closed-weekday')
  for (const jurisdiction of place.jurisdictions) {
    window = intersect(window, windowOn(jurisdiction.policy.calendar, day))
  }
  return window
}

/** Every cap on attempts at a place. */
export function capsAt(place: Place, policy: Policy): readonly AttemptCap[] {
  let caps = policy.caps
  for (const jurisdiction of place.jurisdictions) {
    if (jurisdiction.policy.caps.length > 0) caps = [...caps, ...jurisdiction.policy.caps]
  }
  return caps
}
