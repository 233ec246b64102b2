/**
 * The decision: every rule is asked, in order, and the answers are summed up.
 *
 * No store, no clock, no network. The same facts, policy and moment give the same decision, byte for byte.
 *
 * @module
 */
import {
  ENGINE_VERSION,
  type CapInput,
  type Decision,
  type DecisionInputs,
  type Finding,
  type Warning,
  type ZoneInput,
} from './decision.js'
import type { CallFacts } from './facts.js'
import { DAY_MS, localDay, weekdayOf } from '../core/local-time.js'
import { capsAt, findPlace, windowAt } from './place.js'
import type { Place, Policy, Rule, RuleAnswer, RuleContext } from './rule.js'
import { countAttempts } from './rules/attempt-caps.js'

/** The last moment that a calendar can show, less room for looking ahead. */
const MAX_AT = 8.64e15 - 400 * DAY_MS

/** Hours and caps settle in two or three rounds; a host's rules may take more. */
const MAX_ROUNDS = 100

const NO_REASONS: readonly string[] = Object.freeze([])
const THREW: RuleAnswer = Object.freeze({ outcome: 'failed', reasons: Object.freeze(['rule-threw']) })
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

/**
 * Decides whether a call may be placed at a moment.
 *
 * Never throws because of what the facts say: what cannot be read is a failed check.
 *
 * @param at - Milliseconds since 1970.
 * @throws RangeError when `at` is no whole number of milliseconds; TypeError when `facts` is no object.
 *
 * @example
 * ```ts
 * const decision = evaluate(facts, policy, Date.now())
 * if (decision.outcome === 'refuse') console.log(decision.failedChecks, decision.nextAllowedAt)
 * ```
 */
export function evaluate(facts: CallFacts, policy: Policy, at: number): Decision {
  if (!Number.isInteger(at) || Math.abs(at) > MAX_AT) throw new RangeError('at must be milliseconds since 1970')
  if (typeof facts !== 'object' || (facts as unknown) === null) throw new TypeError('facts must be an object')

  const place = findPlace(facts, policy)
  const context: RuleContext = { facts, policy, at, place }
  const findings = policy.rules.map((rule) => findingOf(rule, context))
  const base = {
    decidedAt: at,
    tenantId: facts.tenantId,
    leadId: facts.leadId,
    sellerId: facts.sellerId,
    mode: policy.mode,
    findings,
    inputs: inputsOf(context),
    warnings: warningsOf(context),
    engineVersion: ENGINE_VERSION,
    areaCodesAsOf: policy.rulePack.areaCodesAsOf,
    stateRulesAsOf: policy.rulePack.stateRulesAsOf,
    timeZoneData: policy.timeZoneData,
  }
  // Only what passed counts as passed: a check that could not be asked lets nothing through.
  if (findings.every((finding) => finding.outcome === 'passed')) return { outcome: 'allow', ...base }
  return {
    outcome: 'refuse',
    ...base,
    failedChecks: findings.filter((finding) => finding.outcome === 'failed').map((finding) => finding.check),
    nextAllowedAt: nextAllowedAt(context, findings),
  }
}

function answerOf(rule: Rule, context: RuleContext): RuleAnswer {
  try {
    return rule.evaluate(context)
  } catch {
    return THREW
  }
}

function findingOf(rule: Rule, context: RuleContext): Finding {
  const { outcome, reasons = NO_REASONS, citations = rule.citations } = answerOf(rule, context)
  return { check: rule.check, outcome, reasons, citations }
}

function nextAllowedAt(context: RuleContext, findings: readonly Finding[]): number | null {
  const { rules } = context.policy
  if (findings.some((finding, i) => finding.outcome !== 'passed' && !rules[i]?.nextPassAt)) return null
  const next = settle(rules, context)
  if (next === null || next <= context.at) return null
  const then = { ...context, at: next }
  return rules.every((rule) => answerOf(rule, then).outcome === 'passed') ? next : null
}

/** The first moment at which every rule that waits for time passes: none of them passes earlier than it says. */
function settle(rules: readonly Rule[], context: RuleContext): number | null {
  let { at } = context
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = at
    for (const rule of rules) {
      if (!rule.nextPassAt) continue
      const next = nextPassAt(rule, { ...context, at })
      if (next === null || !(next >= at && next <= MAX_AT)) return null
      at = next
    }
    if (at === before) return at
  }
  return null
}

function nextPassAt(rule: Rule, context: RuleContext): number | null {
  try {
    return rule.nextPassAt?.(context) ?? null
  } catch {
    return null
  }
}

function inputsOf(context: RuleContext): DecisionInputs {
  const { facts, policy, place, at } = context
  const attemptsAt = Array.isArray(facts.attemptsAt) ? facts.attemptsAt.filter(Number.isFinite) : []
  const caps: CapInput[] = capsAt(place, policy).map((cap) => ({
    capId: cap.capId,
    maxAttempts: cap.maxAttempts,
    windowMs: cap.windowMs,
    used: countAttempts(attemptsAt, cap, at),
  }))
  const longestMs = Math.max(...caps.map((cap) => cap.windowMs))
  return {
    areaCode: place.areaCodeText,
    purpose: facts.purpose === 'informational' ? 'informational' : 'marketing',
    lineType: facts.lineType ?? null,
    jurisdictions: place.jurisdictions.map(({ policy: { state }, foundBy }) => ({ state, foundBy })),
    zones: zonesOf(place, policy, at),
    consentId: facts.consent?.consentId ?? null,
    nationalCopiedAt: facts.doNotCall?.national?.copiedAt ?? null,
    attemptsAt: attemptsAt
      .filter((attemptedAt) => at - longestMs < attemptedAt && attemptedAt <= at)
      .sort((a: number, b: number) => a - b),
    caps,
    campaignCalls: facts.campaign ? { answered: facts.campaign.answered, abandoned: facts.campaign.abandoned } : null,
  }
}

function zonesOf(place: Place, policy: Policy, at: number): ZoneInput[] {
  return place.clocks.map((clock) => {
    const localMs = at + clock.offsetMs(at)
    const day = localDay(localMs)
    const { startMs, endMs, closedBy } = windowAt(place, policy, day)
    return {
      timeZone: clock.timeZone,
      foundBy: place.clocksFoundBy,
      localTime: new Date(localMs).toISOString().slice(0, -1),
      weekday: WEEKDAYS[weekdayOf(day)] ?? '',
      opensAt: closedBy ? null : clockText(startMs),
      closesAt: closedBy ? null : clockText(endMs),
    }
  })
}

function clockText(timeMs: number): string {
  const minutes = Math.floor(timeMs / 60_000)
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
}

function warningsOf({ facts, policy, place, at }: RuleContext): readonly Warning[] {
  const warnings: Warning[] = []
  if (at >= policy.staleFromAt) warnings.push(policy.staleWarning)
  for (const jurisdiction of place.jurisdictions) warnings.push(...jurisdiction.policy.warnings)
  if (facts.reassigned?.answer !== 'no') warnings.push(NOT_KNOWN_TO_BE_THE_SAME_PERSON)
  return warnings
}

const NOT_KNOWN_TO_BE_THE_SAME_PERSON: Warning = Object.freeze({
  warning: 'reassignment-not-ruled-out',
  state: null,
  cite: '47 CFR 64.1200(m)',
})
