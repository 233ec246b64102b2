/**
 * The law as data: area codes, states, holidays, each with its source and the day it was read.
 *
 * The data is not loaded when this module is: {@link loadRulePack} does it, once.
 *
 * @module
 */

/** How sure the reading is. High: text of the statute or two recent readings that quote it. Low: secondary tables only. */
export type Confidence = 'high' | 'medium' | 'low'

/** Where a rule stands. */
export interface Citation {
  readonly cite: string
  readonly confidence: Confidence
  /** The day on which it was read, `YYYY-MM-DD`. */
  readonly readOn: string
}

/** Start and end of a calling window, in minutes after local midnight. The start is in it, the end is not. */
export type Hours = readonly [startMinute: number, endMinute: number]

/** Monday to Sunday. `null`: no calls on that day. */
export type Week = readonly [
  Hours | null,
  Hours | null,
  Hours | null,
  Hours | null,
  Hours | null,
  Hours | null,
  Hours | null,
]

/** What an area code is. Only `'us'` may be called. */
export type AreaCodeKind =
  | 'us'
  | 'us-not-yet-active'
  | 'canada'
  | 'other-country'
  | 'toll-free'
  | 'premium'
  | 'personal'
  | 'carrier'
  | 'government'

/** One area code. */
export interface AreaCode {
  readonly kind: AreaCodeKind
  /** State or territory, two letters; `null` outside the US. */
  readonly state: string | null
  /** One zone for every clock that is kept in it. */
  readonly timeZones: readonly string[]
}

/** A rule that the engine does not decide, told in a sentence. */
export interface Notice {
  readonly kind: string
  readonly summary: string
  readonly cite: string | null
  readonly confidence: Confidence
}

/** What one state or territory asks. */
export interface StateRules {
  readonly name: string
  readonly timeZones: readonly string[]
  readonly callingHours: Week
  readonly cite: string
  readonly confidence: Confidence
  /** The hours that held before the local date `until`. */
  readonly priorCallingHours: { readonly until: string; readonly hours: Week } | null
  /** Hours of devices that dial by themselves and play an artificial voice. They bind beside `callingHours`. */
  readonly automated: {
    readonly hours: Week
    readonly cite: string
    readonly confidence: Confidence
    /** Hours that take the place of `hours` on the dates of a holiday list. */
    readonly onHolidays: { readonly listId: string; readonly hours: Hours } | null
  } | null
  /** No calls on the dates of this list. */
  readonly holidayListId: string | null
  /** Attempts to one number in any 24 hours. */
  readonly maxAttempts: { readonly count: number; readonly cite: string } | null
  /** Attempts of an automated device to one number in any so many hours. */
  readonly automatedMaxAttempts: { readonly count: number; readonly hours: number; readonly cite: string } | null
  /** The state keeps a do-not-call list beside the national registry. */
  readonly hasOwnDoNotCallList: boolean
  readonly recording: {
    readonly consent: 'one-party' | 'all-party'
    readonly cite: string
    readonly confidence: Confidence
  }
  readonly aiDisclosure: Notice | null
  readonly automatedVoice: Notice | null
  readonly registration: Notice | null
  readonly unsolicitedMobileBan: Notice | null
  /** What happens in a declared emergency. */
  readonly emergency: string | null
  readonly notes: string | null
}

/** Days on which some state closes. */
export interface HolidayList {
  readonly name: string
  readonly cite: string
  readonly confidence: Confidence
  /** Every closed date, by year, `YYYY-MM-DD`. A year that is missing is not known, and not a year without holidays. */
  readonly dates: Readonly<Record<string, readonly string[]>>
}

/** The rules that hold everywhere. */
export interface FederalRules {
  readonly callingHours: Week
  readonly cite: string
  readonly nationalRegistryMaxAgeDays: number
  readonly recommendedMaxAttemptsPer24h: number
  readonly optOutHonourBusinessDays: number
  readonly doNotCallRetentionYears: number
  readonly recordRetentionYears: number
  readonly ringMinSeconds: number
  readonly greetingToMessageMaxSeconds: number
  readonly optOutOfferWithinSeconds: number
  readonly abandonmentMaxRate: number
  readonly abandonmentWindowDays: number
  readonly recordingCite: string
  readonly aiDisclosure: Notice
}

/** The rules as they are shipped: compact, and checked by `scripts/check-compliance-data.ts`. */
export interface RulePackData {
  /** The day up to which area codes were read. */
  readonly areaCodesAsOf: string
  /** The day up to which the rules of the states were read. */
  readonly stateRulesAsOf: string
  readonly zones: readonly string[]
  /** Groups of area codes: what they are, where, places in `zones`, and the codes with a space between. */
  readonly areaCodes: readonly (readonly [
    kind: AreaCodeKind,
    state: string | null,
    zones: readonly number[],
    codes: string,
  ])[]
  readonly federal: FederalRules
  readonly holidayLists: Readonly<Record<string, HolidayList>>
  readonly states: Readonly<Record<string, StateRules>>
}

/** The rules, ready to be asked. Made by {@link loadRulePack} or {@link createRulePack}; policies are made from it. */
export interface RulePack {
  readonly areaCodesAsOf: string
  readonly stateRulesAsOf: string
  readonly federal: FederalRules
  /** Every state, the District of Columbia and the territories, by postal code. */
  readonly states: ReadonlyMap<string, StateRules>
  readonly holidayLists: ReadonlyMap<string, HolidayList>
  /** @param code - Three digits. */
  areaCode(code: string): AreaCode | undefined
}

/** Makes data ready to be asked: the shipped data, or a copy of it that counsel has changed. */
export function createRulePack(data: RulePackData): RulePack {
  const areaCodes = new Map<string, AreaCode>()
  for (const [kind, state, zones, codes] of data.areaCodes) {
    const timeZones = zones.map((place) => data.zones[place] ?? '')
    const areaCode = Object.freeze({ kind, state, timeZones: Object.freeze(timeZones) })
    for (const code of codes.split(' ')) areaCodes.set(code, areaCode)
  }
  return Object.freeze({
    areaCodesAsOf: data.areaCodesAsOf,
    stateRulesAsOf: data.stateRulesAsOf,
    federal: data.federal,
    states: new Map(Object.entries(data.states)),
    holidayLists: new Map(Object.entries(data.holidayLists)),
    areaCode: (code: string) => areaCodes.get(code),
  })
}

let shipped: Promise<RulePack> | undefined

/** The rules that are shipped with this version. Loaded at the first call, once in a process. */
export function loadRulePack(): Promise<RulePack> {
  shipped ??= import('./data/rule-pack-data.js').then((module) => createRulePack(module.RULE_PACK_DATA))
  return shipped
}
