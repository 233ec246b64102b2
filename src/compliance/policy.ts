/**
 * What a host asks of its calls, on top of a rule pack. It can narrow the law; to widen it, a rule has to be replaced by name.
 *
 * @module
 */
import type { AttemptCap } from '../records/call-attempt.js'
import type { PolicyMode } from './decision.js'
import { DAY_MS } from '../core/local-time.js'
import type { Policy, Rule } from './rule.js'
import type { Hours, RulePack } from './rule-pack.js'
import { STANDARD_RULES } from './rules/standard.js'
import { compileStates, type StateOverride } from './state-policy.js'
import { sameEveryDay } from './calling-windows.js'

/** What can be told to a policy. The defaults are the most careful reading that is shipped. */
export interface PolicyOptions {
  /**
   * `'stateAutomated'`: federal law, the states, and what states ask of automated devices. `'state'`: without the last.
   * `'federal'`: 08:00–21:00 and three attempts in 24 hours. Default `'stateAutomated'`.
   */
  readonly mode?: PolicyMode
  /** The house's own hours, on the called party's clock, `HH:MM`. At most 08:00–21:00, which is the default. */
  readonly callingHours?: { readonly start: string; readonly end: string }
  /** Attempts to one number in any stretch of `attemptWindowMs`. Default 3. Caps of states hold beside it. */
  readonly maxAttempts?: number
  /** Length of the rolling window of `maxAttempts`, in elapsed milliseconds. Default 24 hours. */
  readonly attemptWindowMs?: number
  /** More caps, e.g. three in a month. All of them hold. Default none. */
  readonly attemptCaps?: readonly AttemptCap[]
  /** A copy of the national registry, or of the list of a state that keeps one, older than this is refused, in milliseconds. Default and maximum 31 days. */
  readonly registryMaxAgeMs?: number
  /** A number that nobody looked up in the national registry. Default `'block'`. */
  readonly unknownDnc?: 'block' | 'allow'
  /** A number in a state with a list of its own that nobody looked up there. Default `'block'`. */
  readonly unknownStateList?: 'block' | 'allow'
  /**
   * Signed written consent that names this seller and this number excuses a hit on the national registry, 47 CFR
   * 64.1200(c)(2)(ii). Default `false`: a hit is refused all the same.
   */
  readonly writtenConsentLiftsNationalRegistry?: boolean
  /**
   * Answered calls over which a campaign's abandonment is taken at least, from 1 to 100. Default 1: the first call that is abandoned stops
   * the campaign, unless 33 were answered in time before it. With 100, three may be abandoned before a hundred were answered; the law
   * looks at the end of 30 days, so this is for campaigns that will have answered so many by then.
   */
  readonly abandonmentMinAnswered?: number
  /** Consent without an expiry date is refused. Default `false`: federal law sets none. */
  readonly requireConsentExpiry?: boolean
  /** States that are not called at all, two letters each. Default none. */
  readonly blockedStates?: readonly string[]
  /** What the house or a governor adds to single states. It only narrows. */
  readonly states?: Readonly<Record<string, StateOverride>>
  /** The rules, in order. Default {@link STANDARD_RULES}; spread it to add, filter or map it to leave out or replace. */
  readonly rules?: readonly Rule[]
  /** Beyond this age of the rule pack every decision carries a warning, in days. Default 180. */
  readonly rulePackMaxAgeDays?: number
}

const MODES: readonly string[] = ['stateAutomated', 'state', 'federal']
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/

/** The longest attempt window: what records are kept for. */
const MAX_WINDOW_MS = 5 * 366 * DAY_MS

/**
 * Makes a policy.
 *
 * @throws RangeError for a value that would widen the law or make no sense; TypeError for a state or a choice that does not exist.
 *
 * @example
 * ```ts
 * const policy = createPolicy(await loadRulePack(), { blockedStates: ['CA'] })
 * const decision = evaluate(facts, policy, Date.now())
 * ```
 */
export function createPolicy(rulePack: RulePack, options: PolicyOptions = {}): Policy {
  const {
    mode = 'stateAutomated',
    callingHours = { start: '08:00', end: '21:00' },
    maxAttempts = rulePack.federal.recommendedMaxAttemptsPer24h,
    attemptWindowMs = DAY_MS,
    attemptCaps = [],
    registryMaxAgeMs = rulePack.federal.nationalRegistryMaxAgeDays * DAY_MS,
    unknownDnc = 'block',
    unknownStateList = 'block',
    writtenConsentLiftsNationalRegistry = false,
    abandonmentMinAnswered = 1,
    requireConsentExpiry = false,
    blockedStates = [],
    states = {},
    rules = STANDARD_RULES,
    rulePackMaxAgeDays = 180,
  } = options
  if (!MODES.includes(mode)) throw new TypeError(`mode must be one of ${MODES.join(', ')}`)
  checkChoice('unknownDnc', unknownDnc)
  checkChoice('unknownStateList', unknownStateList)
  checkRules(rules)
  const longest = rulePack.federal.nationalRegistryMaxAgeDays * DAY_MS
  checkRange('registryMaxAgeMs', registryMaxAgeMs, 1, longest)
  checkRange('rulePackMaxAgeDays', rulePackMaxAgeDays, 1, 3650)
  checkRange('abandonmentMinAnswered', abandonmentMinAnswered, 1, 100)

  const caps = [{ capId: 'policy', maxAttempts, windowMs: attemptWindowMs }, ...attemptCaps]
  if (new Set(caps.map((cap) => cap.capId)).size !== caps.length)
    throw new TypeError('Two attempt caps have the same capId')

  const baseWeek = sameEveryDay(readHours(callingHours))
  const statePolicies = compileStates({ rulePack, mode, baseWeek, blockedStates, overrides: states })
  const allCaps = [...caps, ...[...statePolicies.values()].flatMap((state) => state.caps)]
  allCaps.forEach(checkCap)
  const { areaCodesAsOf, stateRulesAsOf } = rulePack
  const oldest = areaCodesAsOf < stateRulesAsOf ? areaCodesAsOf : stateRulesAsOf
  return Object.freeze({
    mode,
    rulePack,
    rules: Object.freeze([...rules]),
    baseWeek,
    caps: Object.freeze(caps),
    states: statePolicies,
    longestWindowMs: Math.max(...allCaps.map((cap) => cap.windowMs)),
    registryMaxAgeMs,
    unknownDnc,
    unknownStateList,
    writtenConsentLiftsNationalRegistry,
    abandonmentMinAnswered,
    requireConsentExpiry,
    staleFromAt: Date.parse(`${oldest}T00:00:00Z`) + rulePackMaxAgeDays * DAY_MS,
    staleWarning: Object.freeze({ warning: 'rule-pack-stale', state: null, cite: `rule pack as of ${oldest}` }),
    timeZoneData: process.versions['tz'] ?? null,
  })
}

function readHours({ start, end }: { readonly start: string; readonly end: string }): Hours {
  const [from, to] = [start, end].map((clock) => {
    const match = CLOCK.exec(clock)
    if (!match) throw new RangeError('callingHours.start and .end must be HH:MM')
    return Number(match[1]) * 60 + Number(match[2])
  }) as [number, number]
  if (from < 8 * 60 || to > 21 * 60) throw new RangeError('callingHours can narrow 08:00–21:00 and not widen it')
  if (from >= to) throw new RangeError('callingHours.start must be before .end')
  return [from, to]
}

function checkCap({ capId, maxAttempts, windowMs }: AttemptCap): void {
  if (typeof capId !== 'string' || capId === '') throw new TypeError('an attempt cap needs a capId')
  checkRange(`maxAttempts of the cap ${capId}`, maxAttempts, 1, 1000)
  checkRange(`windowMs of the cap ${capId}`, windowMs, 1, MAX_WINDOW_MS)
}

function checkRange(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}`)
  }
}

function checkChoice(name: string, value: string): void {
  if (value !== 'block' && value !== 'allow') throw new TypeError(`${name} must be 'block' or 'allow'`)
}

function checkRules(rules: readonly Rule[]): void {
  if (rules.length === 0) throw new RangeError('A policy without a rule would allow every call')
  const checks = rules.map((rule) => rule.check)
  if (new Set(checks).size !== checks.length)
    throw new TypeError('Two rules have the same check; map the list to replace one')
}
