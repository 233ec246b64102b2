/**
 * What a rule is, and what it is given: facts, the policy it belongs to, and where the number is. The rules that are shipped stand in
 * `rules/`, one a file; a host adds its own.
 *
 * @module
 */
import type { AttemptCap } from '../records/call-attempt.js'
import type { ZoneClock } from '../core/local-time.js'
import type { WindowWeek } from './calling-windows.js'
import type { FindingOutcome, FoundBy, PolicyMode, Warning } from './decision.js'
import type { CallFacts } from './facts.js'
import type { AreaCode, Citation, RulePack } from './rule-pack.js'
import type { StatePolicy } from './state-policy.js'

/** A state whose rules apply. */
export interface Jurisdiction {
  readonly policy: StatePolicy
  readonly foundBy: readonly FoundBy[]
}

/** Where a number is. */
export interface Place {
  /** Three digits; `null` when the number has none. */
  readonly areaCodeText: string | null
  readonly areaCode: AreaCode | undefined
  readonly jurisdictions: readonly Jurisdiction[]
  readonly clocks: readonly ZoneClock[]
  readonly clocksFoundBy: FoundBy
  /** Why the clocks cannot be known: `'zone-unknown'`, `'state-unknown'`, `'place-unreadable'`. */
  readonly problems: readonly string[]
}

/** A policy, ready to decide. Made once by {@link createPolicy}; holds no state. */
export interface Policy {
  readonly mode: PolicyMode
  readonly rulePack: RulePack
  readonly rules: readonly Rule[]
  readonly baseWeek: WindowWeek
  readonly caps: readonly AttemptCap[]
  readonly states: ReadonlyMap<string, StatePolicy>
  /** The longest window of any cap, in milliseconds: how far back attempts have to be known. */
  readonly longestWindowMs: number
  readonly registryMaxAgeMs: number
  readonly unknownDnc: 'block' | 'allow'
  readonly unknownStateList: 'block' | 'allow'
  readonly writtenConsentLiftsNationalRegistry: boolean
  readonly abandonmentMinAnswered: number
  readonly requireConsentExpiry: boolean
  /** From this moment on the rule pack is stale, in milliseconds since 1970. */
  readonly staleFromAt: number
  readonly staleWarning: Warning
  /** Release of the time-zone data of this runtime. */
  readonly timeZoneData: string | null
}

/** What a rule is given. */
export interface RuleContext {
  readonly facts: CallFacts
  readonly policy: Policy
  /** The moment that is decided about, in milliseconds since 1970. */
  readonly at: number
  /** Where the number is: area code, states, clocks. */
  readonly place: Place
}

/** What a rule answers. */
export interface RuleAnswer {
  readonly outcome: FindingOutcome
  /** Default: none. */
  readonly reasons?: readonly string[]
  /** Default: the rule's own. */
  readonly citations?: readonly Citation[]
}

/**
 * One rule of law, or of the house.
 *
 * A rule is pure: the same context gives the same answer. One that throws has failed.
 */
export interface Rule {
  /** The check's name in findings. Rules with the same id replace each other. */
  readonly check: string
  readonly citations: readonly Citation[]
  evaluate(context: RuleContext): RuleAnswer
  /**
   * For a rule that only time stands in the way of: the earliest moment at or after `context.at` at which it passes, if nothing
   * else changes; `null` when there is none in sight. A failed rule without this has no next time.
   */
  nextPassAt?(context: RuleContext): number | null
}

const PASSED: RuleAnswer = Object.freeze({ outcome: 'passed' })
const SKIPPED: RuleAnswer = Object.freeze({ outcome: 'skipped' })

/** The rule has nothing against the call. */
export function passed(): RuleAnswer {
  return PASSED
}

/** The rule could not be asked because of an earlier fact. */
export function skipped(): RuleAnswer {
  return SKIPPED
}

/** Failed when there is any reason; passed otherwise. */
export function failedIf(reasons: readonly string[], citations?: readonly Citation[]): RuleAnswer {
  if (reasons.length === 0) return citations ? { outcome: 'passed', citations } : PASSED
  return citations ? { outcome: 'failed', reasons, citations } : { outcome: 'failed', reasons }
}
