/**
 * Turns the two source files of `src/compliance/data` into the compact rule pack that is shipped.
 *
 * @module
 */
import type {
  AreaCodeKind,
  FederalRules,
  Hours,
  Notice,
  RulePackData,
  StateRules,
  Week,
} from '../src/compliance/rule-pack.js'

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

interface SourceHours {
  readonly start: string
  readonly end: string
}
type SourceWeek = Readonly<Record<(typeof WEEKDAYS)[number], SourceHours | null>>
interface SourceNotice {
  readonly kind?: string
  readonly required?: string | boolean
  readonly summary: string
  readonly cite: string | null
  readonly confidence: Notice['confidence']
}

/** One row of `nanp.json`. */
export interface SourceAreaCode {
  readonly npa: string
  readonly country: string | null
  readonly region: string | null
  readonly timezones: readonly string[]
  readonly type: string
  readonly status: string
  readonly overlay?: readonly string[]
  readonly splitTimezone?: boolean
  readonly inServiceDate?: string
}

/** `nanp.json`. */
export interface SourceAreaCodes {
  readonly meta: {
    readonly asOf: string
    readonly counts: Readonly<Record<string, number>>
    readonly reservedTollFree: readonly string[]
  }
  readonly npas: readonly SourceAreaCode[]
}

/** One state of `state-rules.json`. */
export interface SourceState {
  readonly name: string
  readonly timezones: readonly string[]
  readonly callingHours: SourceWeek
  readonly stricterThanFederal: boolean
  readonly cite: string
  readonly confidence: Notice['confidence']
  readonly consentLiftsHours: string
  readonly priorCallingHours?: { readonly until: string; readonly callingHours: SourceWeek }
  readonly automatedCallingHours: SourceWeek | null
  readonly automatedCite?: string
  readonly automatedConfidence?: Notice['confidence']
  readonly automatedHolidayHours?: { readonly listId: string; readonly hours: SourceHours }
  readonly holidaysProhibited: boolean
  readonly holidayListId: string | null
  readonly maxAttemptsPer24h: number | null
  readonly maxAttemptsCite?: string
  readonly automatedAttemptCap: { readonly count: number; readonly hours: number; readonly cite: string } | null
  readonly ownDncList: boolean
  readonly recordingConsent: 'one-party' | 'all-party'
  readonly recordingCite: string
  readonly recordingConfidence: Notice['confidence']
  readonly aiDisclosure: SourceNotice
  readonly automatedVoiceRule: SourceNotice | null
  readonly registration: SourceNotice | null
  readonly unsolicitedMobileBan: SourceNotice | null
  readonly emergencyRule?: string
  readonly notes?: string
}

/** `state-rules.json`. */
export interface SourceStateRules {
  readonly meta: { readonly asOf: string }
  readonly federal: Readonly<Record<string, unknown>> & {
    readonly callingHours: SourceWeek
    readonly cite: string
    readonly recordingCite: string
    readonly aiDisclosure: SourceNotice
  }
  readonly holidayLists: Readonly<
    Record<
      string,
      {
        readonly name: string
        readonly cite: string
        readonly confidence: Notice['confidence']
        readonly dates: Readonly<Record<string, readonly string[]>>
      }
    >
  >
  readonly states: Readonly<Record<string, SourceState>>
}

function minutes(clock: string): number {
  const [hour, minute] = clock.split(':').map(Number)
  return hour! * 60 + minute!
}

const hours = (source: SourceHours | null): Hours | null => source && [minutes(source.start), minutes(source.end)]
const week = (source: SourceWeek): Week => WEEKDAYS.map((day) => hours(source[day])) as unknown as Week

function notice(source: SourceNotice | null): Notice | null {
  if (!source || source.required === 'none-found') return null
  const kind = source.kind ?? (typeof source.required === 'string' ? source.required : 'required')
  return { kind, summary: source.summary, cite: source.cite, confidence: source.confidence }
}

/** What an area code is, in the words of the engine. */
export function kindOf(row: SourceAreaCode): AreaCodeKind {
  if (row.type === 'toll-free') return 'toll-free'
  if (row.type === 'premium' || row.type === 'carrier' || row.type === 'government') return row.type
  if (row.country === 'CA') return 'canada'
  if (row.type === 'non-geographic') return 'personal'
  if (row.country !== 'US') return 'other-country'
  return row.status === 'in-service' ? 'us' : 'us-not-yet-active'
}

function stateRules(state: SourceState): StateRules {
  const automatedHours = state.automatedCallingHours
  return {
    name: state.name,
    timeZones: state.timezones,
    callingHours: week(state.callingHours),
    cite: state.cite,
    confidence: state.confidence,
    priorCallingHours: state.priorCallingHours
      ? { until: state.priorCallingHours.until, hours: week(state.priorCallingHours.callingHours) }
      : null,
    automated: automatedHours && {
      hours: week(automatedHours),
      cite: state.automatedCite!,
      confidence: state.automatedConfidence!,
      onHolidays: state.automatedHolidayHours
        ? { listId: state.automatedHolidayHours.listId, hours: hours(state.automatedHolidayHours.hours)! }
        : null,
    },
    holidayListId: state.holidaysProhibited ? state.holidayListId : null,
    maxAttempts:
      state.maxAttemptsPer24h === null ? null : { count: state.maxAttemptsPer24h, cite: state.maxAttemptsCite! },
    automatedMaxAttempts: state.automatedAttemptCap,
    hasOwnDoNotCallList: state.ownDncList,
    recording: {
      consent: state.recordingConsent,
      cite: state.recordingCite,
      confidence: state.recordingConfidence,
    },
    aiDisclosure: notice(state.aiDisclosure),
    automatedVoice: notice(state.automatedVoiceRule),
    registration: notice(state.registration),
    unsolicitedMobileBan: notice(state.unsolicitedMobileBan),
    emergency: state.emergencyRule ?? null,
    notes: state.notes ?? null,
  }
}

function federalRules(source: SourceStateRules['federal']): FederalRules {
  const number = (name: string): number => {
    const value = source[name]
    if (typeof value !== 'number') throw new TypeError(`federal.${name} is not a number`)
    return value
  }
  return {
    callingHours: week(source.callingHours),
    cite: source.cite,
    nationalRegistryMaxAgeDays: number('nationalDncMaxAgeDays'),
    recommendedMaxAttemptsPer24h: number('recommendedMaxAttemptsPer24h'),
    optOutHonourBusinessDays: number('optOutHonorBusinessDays'),
    doNotCallRetentionYears: number('internalDncRetentionYears'),
    recordRetentionYears: number('recordRetentionYears'),
    ringMinSeconds: number('ringMinSeconds'),
    greetingToMessageMaxSeconds: number('greetingToMessageMaxSeconds'),
    optOutOfferWithinSeconds: number('optOutOfferWithinSeconds'),
    abandonmentMaxRate: number('abandonRateMax'),
    abandonmentWindowDays: number('abandonRateDays'),
    recordingCite: source.recordingCite,
    aiDisclosure: notice(source.aiDisclosure)!,
  }
}

/** The rule pack of the two sources. */
export function compact(areaCodes: SourceAreaCodes, rules: SourceStateRules): RulePackData {
  const zones = [
    ...new Set(areaCodes.npas.filter((row) => row.country === 'US').flatMap((row) => row.timezones)),
  ].sort()
  const groups = new Map<string, { kind: AreaCodeKind; state: string | null; places: number[]; codes: string[] }>()
  const add = (code: string, kind: AreaCodeKind, state: string | null, timezones: readonly string[]): void => {
    const places = timezones.map((zone) => zones.indexOf(zone))
    const key = JSON.stringify([kind, state, places])
    const group = groups.get(key) ?? { kind, state, places, codes: [] }
    groups.set(key, group)
    group.codes.push(code)
  }
  for (const row of areaCodes.npas) {
    const kind = kindOf(row)
    const isUs = kind === 'us' || kind === 'us-not-yet-active'
    add(row.npa, kind, isUs ? row.region : null, isUs ? row.timezones : [])
  }
  const known = new Set(areaCodes.npas.map((row) => row.npa))
  for (const code of areaCodes.meta.reservedTollFree) if (!known.has(code)) add(code, 'toll-free', null, [])

  return {
    areaCodesAsOf: areaCodes.meta.asOf,
    stateRulesAsOf: rules.meta.asOf,
    zones,
    areaCodes: [...groups.values()]
      .sort((a, b) => a.codes[0]!.localeCompare(b.codes[0]!))
      .map(({ kind, state, places, codes }) => [kind, state, places, codes.join(' ')] as const),
    federal: federalRules(rules.federal),
    holidayLists: Object.fromEntries(
      Object.entries(rules.holidayLists).map(([listId, { name, cite, confidence, dates }]) => [
        listId,
        { name, cite, confidence, dates },
      ]),
    ),
    states: Object.fromEntries(Object.entries(rules.states).map(([code, state]) => [code, stateRules(state)])),
  }
}

/** The TypeScript file of a rule pack: a line a group, a list, a state. */
export function render(pack: RulePackData): string {
  const lines = (entries: readonly (readonly [string, unknown])[]): string =>
    entries.map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)},`).join('\n')
  return `/**
 * The rule pack, made by \`npx tsx scripts/check-compliance-data.ts --write\` out of nanp.json and state-rules.json. Change those.
 *
 * Research, not legal advice.
 *
 * @module
 */
import type { RulePackData } from '../rule-pack.js'

/** Area codes, states, holidays, as of the days that stand in it. */
export const RULE_PACK_DATA: RulePackData = {
  areaCodesAsOf: ${JSON.stringify(pack.areaCodesAsOf)},
  stateRulesAsOf: ${JSON.stringify(pack.stateRulesAsOf)},
  zones: ${JSON.stringify(pack.zones)},
  areaCodes: [
${pack.areaCodes.map((group) => `    ${JSON.stringify(group)},`).join('\n')}
  ],
  federal: ${JSON.stringify(pack.federal)},
  holidayLists: {
${lines(Object.entries(pack.holidayLists))}
  },
  states: {
${lines(Object.entries(pack.states))}
  },
}
`
}
