/**
 * What is decided about one call, and everything that led there.
 *
 * A decision carries no telephone number, so that it can be logged, kept and shown. It is plain data, its keys stand in one
 * order, and the same inputs give the same bytes.
 *
 * @module
 */
import type { AttemptCap } from '../records/call-attempt.js'
import type { CallPurpose } from '../records/consent.js'
import type { LineType } from './ports.js'
import type { Citation } from './rule-pack.js'

/** Changes whenever the same facts could be decided otherwise. */
export const ENGINE_VERSION = '1'

/** How much of the law is applied. */
export type PolicyMode = 'stateAutomated' | 'state' | 'federal'

/**
 * What one rule says.
 *
 * `'skipped'`: it could not be asked because of an earlier fact, such as a missing consent. A skipped rule never lets a call
 * through.
 */
export type FindingOutcome = 'passed' | 'failed' | 'skipped'

/** One rule's answer. */
export interface Finding {
  /** The rule's id, e.g. `'withinCallingHours'`. */
  readonly check: string
  readonly outcome: FindingOutcome
  /** Every reason that applies, as words to switch on: `'national'`, `'too-early'` … Empty when it passed. */
  readonly reasons: readonly string[]
  /** Where the rule stands, and the day it was read. */
  readonly citations: readonly Citation[]
}

/** How a state or a zone came into the decision. */
export type FoundBy = 'explicit' | 'postal-code' | 'state' | 'area-code'

/** A state whose rules were applied. */
export interface JurisdictionInput {
  readonly state: string
  readonly foundBy: readonly FoundBy[]
}

/** A clock that the called party may live by. The call must be inside the window on every one of them. */
export interface ZoneInput {
  readonly timeZone: string
  readonly foundBy: FoundBy
  /** `YYYY-MM-DDTHH:MM:SS.mmm` on that clock. */
  readonly localTime: string
  readonly weekday: string
  /** `HH:MM`, in the window; `null` when that day is closed. */
  readonly opensAt: string | null
  /** `HH:MM`, the first moment outside; `null` when that day is closed. */
  readonly closesAt: string | null
}

/** A cap that was counted. */
export interface CapInput extends AttemptCap {
  /** Attempts that counted. */
  readonly used: number
}

/** What the decision was made from. */
export interface DecisionInputs {
  readonly areaCode: string | null
  readonly purpose: CallPurpose
  readonly lineType: LineType | null
  readonly jurisdictions: readonly JurisdictionInput[]
  readonly zones: readonly ZoneInput[]
  readonly consentId: string | null
  /** When the copy of the national registry was obtained. */
  readonly nationalCopiedAt: number | null
  /** Attempts that counted under any cap, oldest first. */
  readonly attemptsAt: readonly number[]
  readonly caps: readonly CapInput[]
  /** Calls of the campaign in the last 30 days that a person answered, and those of them that were abandoned. */
  readonly campaignCalls: { readonly answered: number; readonly abandoned: number } | null
}

/** Something that a person should know and that does not decide. */
export interface Warning {
  /** `'rule-pack-stale'`, `'automated-voice-rule'`, `'registration'` … */
  readonly warning: string
  readonly state: string | null
  /** Where to read on. */
  readonly cite: string | null
}

interface DecisionBase {
  /** The moment that was decided about, in milliseconds since 1970. */
  readonly decidedAt: number
  readonly tenantId: string
  readonly leadId: string | null
  readonly sellerId: string
  readonly mode: PolicyMode
  /** One for each rule, in the order of the rules. */
  readonly findings: readonly Finding[]
  readonly inputs: DecisionInputs
  readonly warnings: readonly Warning[]
  readonly engineVersion: string
  readonly areaCodesAsOf: string
  readonly stateRulesAsOf: string
  /** Release of the time-zone data of this runtime; `null` where it does not say. */
  readonly timeZoneData: string | null
}

/** The call may be placed now. */
export interface Allowed extends DecisionBase {
  readonly outcome: 'allow'
}

/** The call may not be placed now. */
export interface Refused extends DecisionBase {
  readonly outcome: 'refuse'
  /** The checks that failed, in order. */
  readonly failedChecks: readonly string[]
  /**
   * The earliest moment at which the same facts are allowed, in milliseconds since 1970. `null` when anything but time and
   * caps stands in the way, when the consent or the registry copy will have run out, or when there is none in sight.
   */
  readonly nextAllowedAt: number | null
}

/** Whether this call may be placed now, and if not, why and when. */
export type Decision = Allowed | Refused
