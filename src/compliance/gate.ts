/**
 * The one door to the dial: gathers the facts, decides, takes a place under the caps, writes the audit record.
 *
 * It fails closed. A port that rejects or does not answer in time, an audit log that cannot be written: an error, and no call.
 *
 * @module
 */
import { createHmac, randomUUID } from 'node:crypto'
import { systemClock, type Clock } from '../core/clock.js'
import { VoiceError } from '../core/errors.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import type { AttemptCap } from '../records/call-attempt.js'
import type { CallPurpose } from '../records/consent.js'
import { createAuditWriter } from './audit-writer.js'
import type { Allowed, Decision, Refused } from './decision.js'
import { evaluate } from './evaluate.js'
import { explainReason } from './explain.js'
import { gatherFacts, type FactPorts, type FactStore } from './gather-facts.js'
import type { Policy } from './rule.js'
import type { AttemptReserved, AttemptStore, AuditStore, LeadStore, ToldEvent } from './ports.js'

/** A call that somebody would like to place. */
export interface CallRequest {
  readonly tenantId: string
  /** The number called is the one that stands in the lead's record, and no other. */
  readonly leadId: string
  /** On whose behalf. */
  readonly sellerId: string
  /** Default `'marketing'`. */
  readonly purpose?: CallPurpose
  readonly campaignId?: string
  /** Names the attempt, so that a repeated request takes one place and not two. Default: a new one. */
  readonly attemptId?: string
  /** Why this call goes by another policy than others, and who said so. Recorded as it is. */
  readonly exemption?: { readonly reason: string; readonly approvedBy: string }
}

/** The members of a store that the gate needs. */
export type GateStore = FactStore &
  Pick<LeadStore, 'flagLead'> &
  Pick<AttemptStore, 'reserveAttempt' | 'settleAttempt'> &
  Pick<AuditStore, 'auditHead' | 'appendAudit'>

/** What a gate is made of. */
export interface GateOptions extends FactPorts {
  readonly store: GateStore
  /** The policy, or a function that finds that of the request; it runs at each request, so keep what it makes. */
  readonly policy: Policy | ((request: CallRequest) => Policy | Promise<Policy>)
  readonly clock?: Clock
  readonly logger?: Logger
  /** How long one port may take, in milliseconds. Default 5 000. Beyond it the call is not placed. */
  readonly portTimeoutMs?: number
  /**
   * Key, at least 16 characters, under which audit records name the number (HMAC-SHA-256), so that whoever holds key and number
   * can find its records and nobody else can. Default: records name the lead and the area code only.
   */
  readonly numberKey?: string
  /** Which refusals put the lead before a person. `'lasting'`: those that time alone does not mend. Default `'every'`. */
  readonly flagRefusals?: 'every' | 'lasting'
  /** Makes ids. Default: random UUIDs. */
  readonly newId?: () => string
}

/** The call may be placed, now: its place under the caps is taken and the decision is on record. */
export interface Admitted {
  readonly outcome: 'admitted'
  readonly decision: Allowed
  readonly decisionId: string
  /** Settle it with the store once it is known what became of the call. */
  readonly attemptId: string
  /** The number that was judged: the one to dial. */
  readonly phoneNumber: string
}

/** The call may not be placed; that is on record. */
export interface TurnedAway {
  readonly outcome: 'refused'
  readonly decision: Refused
  readonly decisionId: string
  /** The lead was put before a person. */
  readonly isLeadFlagged: boolean
}

/** What the gate answers. */
export type Admission = Admitted | TurnedAway

/** What is to be told of a refusal. Each is kept in the same step as the record that it tells of, so that no crash comes between. */
export interface RefusalEvents {
  /** Kept with the decision in the audit log. */
  readonly refused: (decision: Refused, decisionId: string) => readonly ToldEvent[]
  /** Kept with the lead's flag, where it is flagged. */
  readonly flagged: (decisionId: string) => readonly ToldEvent[]
}

/** The door. */
export interface Gate {
  /**
   * Decides, and takes a place under the caps when the call is allowed.
   *
   * @param told - What a refusal tells. Left out: nothing, as for a gate that stands alone.
   * @throws VoiceError `compliance_lead_unknown`, `compliance_facts_unavailable`, `compliance_audit_failed`.
   */
  admit(request: CallRequest, told?: RefusalEvents): Promise<Admission>
  /** Decides and records the decision as a preview. Takes no place and flags nobody. @throws as {@link Gate.admit}. */
  preview(request: CallRequest): Promise<Decision>
}

/**
 * Makes a gate.
 *
 * @example
 * ```ts
 * const gate = createGate({ store, policy: createPolicy(await loadRulePack()), national: registry })
 * const admission = await gate.admit({ tenantId: 'acme', leadId: 'lead-7', sellerId: 'acme-homes' })
 * if (admission.outcome === 'admitted') await dial(admission.phoneNumber)
 * else console.log(explainDecision(admission.decision))
 * ```
 */
export function createGate(options: GateOptions): Gate {
  const { store, clock = systemClock, portTimeoutMs = 5000, numberKey, flagRefusals = 'every' } = options
  const { newId = randomUUID } = options
  if (numberKey !== undefined && numberKey.length < 16)
    throw new RangeError('numberKey must have at least 16 characters')
  if (!(portTimeoutMs > 0)) throw new RangeError('portTimeoutMs must be a positive number of milliseconds')
  const logger = maskingLogger(options.logger ?? silentLogger)
  const audit = createAuditWriter(store)

  /** Asks one port; what goes wrong names the port and not what was asked. */
  async function ask<T>(port: string, answer: () => T | Promise<T>): Promise<T> {
    let timer: object | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = clock.setTimeout(() => {
        reject(
          new VoiceError('compliance_facts_unavailable', `${port} did not answer in ${portTimeoutMs} ms`, {
            details: { port },
          }),
        )
      }, portTimeoutMs)
    })
    try {
      return await Promise.race([(async () => answer())(), timeout])
    } catch (cause) {
      if (cause instanceof VoiceError && cause.code === 'compliance_facts_unavailable') throw cause
      throw new VoiceError('compliance_facts_unavailable', `${port} failed`, { cause, details: { port } })
    } finally {
      clock.clear(timer)
    }
  }

  async function decide(request: CallRequest): Promise<Judged> {
    const policy = await ask('policy', () =>
      typeof options.policy === 'function' ? options.policy(request) : options.policy,
    )
    const facts = await gatherFacts({ request, policy, ports: options, store, ask, now: () => Math.floor(clock.now()) })
    const decision = evaluate(facts, policy, Math.floor(clock.now()))
    return { policy, facts, decision, decisionId: newId() }
  }

  async function record(
    kind: string,
    request: CallRequest,
    judged: Judged,
    attemptId: string | null,
    events?: readonly ToldEvent[],
  ): Promise<void> {
    const { decision, decisionId, facts } = judged
    const payload = {
      decisionId,
      attemptId,
      leadId: request.leadId,
      campaignId: request.campaignId ?? null,
      exemption: request.exemption ?? null,
      // The citations stand in the rule pack and the engine, whose versions are in the decision.
      decision: {
        ...decision,
        findings: decision.findings.map(({ check, outcome, reasons }) => ({ check, outcome, reasons })),
      },
      numberHmac: numberKey === undefined ? null : hmacOf(numberKey, facts.phoneNumber),
    }
    const entry = { tenantId: request.tenantId, recordedAt: Math.floor(clock.now()), kind, payload }
    try {
      await ask('audit log', () => audit.write(entry, events && { leadId: request.leadId, events }))
    } catch (cause) {
      throw new VoiceError('compliance_audit_failed', 'The decision could not be put on record', {
        cause,
        details: { decisionId },
      })
    }
  }

  async function reserve(request: CallRequest, judged: Judged, attemptId: string): Promise<AttemptReserved> {
    const { decision, decisionId, facts } = judged
    const caps: AttemptCap[] = decision.inputs.caps.map(({ capId, maxAttempts, windowMs }) => ({
      capId,
      maxAttempts,
      windowMs,
    }))
    const attempt = {
      tenantId: request.tenantId,
      attemptId,
      phoneNumber: facts.phoneNumber,
      leadId: request.leadId,
      campaignId: request.campaignId ?? null,
      decisionId,
      attemptedAt: decision.decidedAt,
      state: 'reserved' as const,
      callSid: null,
      disposition: null,
    }
    return ask('attempt store', () => store.reserveAttempt({ attempt, caps }))
  }

  async function turnAway(
    request: CallRequest,
    judged: Judged,
    decision: Refused,
    told: RefusalEvents | undefined,
  ): Promise<TurnedAway> {
    const { decisionId } = judged
    await record('decision', request, { ...judged, decision }, null, told?.refused(decision, decisionId))
    const isWanted = flagRefusals === 'every' || decision.nextAllowedAt === null
    return {
      outcome: 'refused',
      decision,
      decisionId,
      isLeadFlagged: isWanted && (await flag(request, decision, decisionId, told?.flagged(decisionId))),
    }
  }

  /** The call is refused and on record whether or not this works, so that a failure is told and not thrown. */
  async function flag(
    request: CallRequest,
    decision: Refused,
    decisionId: string,
    events: readonly ToldEvent[] | undefined,
  ): Promise<boolean> {
    const { tenantId, leadId } = request
    const reasons = decision.findings.flatMap((finding) => finding.reasons.map(explainReason))
    const review = {
      flaggedAt: decision.decidedAt,
      failedChecks: [...decision.failedChecks],
      reason: reasons.join('; ').slice(0, 2000),
      decisionId,
    }
    try {
      await ask('lead store', () => store.flagLead({ tenantId, leadId, review }, events))
      return true
    } catch (error) {
      logger.error('A refused lead could not be flagged for review', { tenantId, leadId, decisionId, error })
      return false
    }
  }

  return {
    async admit(request, told) {
      const judged = await decide(request)
      const { policy, facts, decision, decisionId } = judged
      if (decision.outcome === 'refuse') return turnAway(request, judged, decision, told)

      const attemptId = request.attemptId ?? newId()
      const reserved = await orFree(request, attemptId, reserve(request, judged, attemptId))
      if (reserved.outcome === 'refused') {
        // Somebody else took the last place between our count and our reservation.
        const full = { ...facts, attemptsRefusedUntilAt: Math.max(reserved.nextAllowedAt, decision.decidedAt + 1) }
        const refusal = evaluate(full, policy, decision.decidedAt)
        if (refusal.outcome === 'refuse') return turnAway(request, judged, refusal, told)
        throw new VoiceError(
          'compliance_facts_unavailable',
          'The store has no room and no rule asks for room: keep rateLimitOK',
        )
      }
      await orFree(request, attemptId, record('decision', request, judged, attemptId))
      return { outcome: 'admitted', decision, decisionId, attemptId, phoneNumber: facts.phoneNumber }
    },

    async preview(request) {
      const judged = await decide(request)
      await record('preview', request, judged, null)
      return judged.decision
    },
  }

  /**
   * When a step fails, gives the place back; it may have been taken although the store did not say so in time. If that fails too, the
   * attempt counts: one call fewer is the safe side.
   */
  async function orFree<T>({ tenantId }: CallRequest, attemptId: string, step: Promise<T>): Promise<T> {
    try {
      return await step
    } catch (error) {
      try {
        await ask('attempt store', () => store.settleAttempt({ tenantId, attemptId, state: 'released' }))
      } catch (failure) {
        logger.warn('A place under the attempt caps could not be given back', { tenantId, attemptId, error: failure })
      }
      throw error
    }
  }
}

interface Judged {
  readonly policy: Policy
  readonly facts: Awaited<ReturnType<typeof gatherFacts>>
  readonly decision: Decision
  readonly decisionId: string
}

function hmacOf(key: string, phoneNumber: string): string {
  return createHmac('sha256', key).update(phoneNumber).digest('hex')
}
