/**
 * Whether a call went as scripted: every reason why not, a sentence each.
 *
 * @module
 */
import type { ScriptOutcome } from './caller-script.js'
import type { Violation, ViolationCode } from './violations.js'

/** What is known of a call that is over. */
export interface ScenarioFacts {
  /** How the script went; `undefined` when there was none. */
  readonly outcome: ScriptOutcome | undefined
  /** Whether the caller, rather than the other side, hung up. */
  readonly isEndedByCaller: boolean
  /** Speech that was sent and not heard when the last stream ended, in milliseconds. */
  readonly unheardMs: number
  /** Scripted `<Dial>` outcomes that nobody asked for. */
  readonly unusedDials: number
  readonly violations: readonly Violation[]
  readonly expectViolations: readonly ViolationCode[]
}

/** Steps that were not met, things that were left over, violations that were not expected or did not come. */
export function scenarioProblems(facts: ScenarioFacts): string[] {
  const { outcome, violations, expectViolations } = facts
  const problems = [...(outcome?.problems ?? [])]
  if (outcome?.expectsHeardOut && !facts.isEndedByCaller && facts.unheardMs > 0) {
    problems.push(`${facts.unheardMs} ms of speech were sent and cut off by the hang-up`)
  }
  if (facts.unusedDials > 0) problems.push(`${facts.unusedDials} scripted <Dial> outcome(s) were not used`)
  for (const { code, message, atMs } of violations) {
    if (!expectViolations.includes(code)) problems.push(`${code} at ${Math.round(atMs)} ms: ${message}`)
  }
  for (const code of expectViolations) {
    if (!violations.some((violation) => violation.code === code)) problems.push(`${code} was expected and did not come`)
  }
  return problems
}
