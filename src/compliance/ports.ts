/**
 * The ports through which the facts of a decision are gathered and its traces written. Stores implement them.
 *
 * What holds for all of them: every moment is a number of milliseconds since 1970. A record that does not exist is
 * `undefined`. A port that cannot answer rejects; nobody takes a rejection for a "no". What a promise says is done survives
 * a crash of this process. Nothing of one tenant is ever seen by another.
 *
 * @module
 */
import type { AuditRecord } from '../records/audit-record.js'
import type { AttemptCap, AttemptState, CallAttempt } from '../records/call-attempt.js'
import type { ConsentGrant, ConsentKind, ConsentRecord, ConsentRevocation } from '../records/consent.js'
import type { DoNotCallAnswer, DoNotCallEntry } from '../records/do-not-call.js'
import type { Lead, LeadReview } from '../records/lead.js'

/** One number, of one tenant. */
export interface NumberOfTenant {
  readonly tenantId: string
  /** E.164. */
  readonly phoneNumber: string
}

/** Which consent is asked for. */
export interface ConsentQuery extends NumberOfTenant {
  readonly sellerId: string
  /** Only grants of these kinds. */
  readonly kinds: readonly ConsentKind[]
}

/** Everything that is on file about one number's consent: what a caller shows when asked for proof. */
export interface ConsentProof {
  /** Oldest first, by `obtainedAt`. */
  readonly grants: readonly ConsentGrant[]
  /** Oldest first, by `revokedAt`. */
  readonly revocations: readonly ConsentRevocation[]
}

/** Grants and revocations. Both are only ever added. */
export interface ConsentStore {
  /**
   * Adds a grant. The same `consentId` again is not added twice: `'exists'`, and what stands is not changed, even when the
   * content differs.
   */
  grantConsent(grant: ConsentGrant): Promise<'added' | 'exists'>
  /** Adds a revocation, also when there is no grant: one that is imported later but was obtained before it stays revoked. */
  revokeConsent(revocation: ConsentRevocation): Promise<'added' | 'exists'>
  /**
   * The grant with the greatest `obtainedAt` (of equals, the greatest `consentId`) for this number, seller and kinds,
   * joined with the earliest revocation at or after its `obtainedAt`, of this seller or of all.
   */
  latestConsent(query: ConsentQuery): Promise<ConsentRecord | undefined>
  /** Everything on file for a number, over all sellers. */
  consentProof(query: NumberOfTenant): Promise<ConsentProof>
}

/** Why a number left the internal list: a fresh opt-in, and nothing else. */
export interface DoNotCallLift extends NumberOfTenant {
  /** The fresh grant. */
  readonly consentId: string
  readonly liftedAt: number
}

/** The tenant's own do-not-call list. */
export interface DoNotCallStore {
  /** Adds at once; the same entry again changes nothing. Of several requests for a number, the earliest not lifted is the entry. */
  addDoNotCall(entry: DoNotCallEntry): Promise<void>
  /** The entry that stands, if any. Reads what was written last; a replica that lags is no answer. */
  findDoNotCall(query: NumberOfTenant): Promise<DoNotCallEntry | undefined>
  /**
   * Lifts every entry of the number with `addedAt <= liftedAt` that stands; each in a step of its own, so a crash in the middle leaves
   * the number listed. The entries are kept, with what lifted them. `false`: there was none.
   */
  liftDoNotCall(lift: DoNotCallLift): Promise<boolean>
}

/** A place under the caps is asked for. */
export interface AttemptReservation {
  /** `attemptedAt` is the moment from which it counts; `state` is `'reserved'`. */
  readonly attempt: CallAttempt
  /** All of them must have room. */
  readonly caps: readonly AttemptCap[]
}

/** What became of a reservation. */
export type AttemptReserved =
  | { readonly outcome: 'reserved' }
  | {
      readonly outcome: 'refused'
      /** The caps that are full, in the order in which they were given. */
      readonly capIds: readonly string[]
      /** The earliest moment at which every cap would have room, if nothing else is attempted. */
      readonly nextAllowedAt: number
    }

/** How an attempt went on. What is left out stays as it is. */
export interface AttemptSettlement {
  readonly tenantId: string
  readonly attemptId: string
  readonly state: Exclude<AttemptState, 'reserved'>
  readonly callSid?: string
  readonly disposition?: string
}

/** Attempts, and the caps on them. */
export interface AttemptStore {
  /**
   * Counts and writes in one atomic step, over all caps at once: of any number of callers at the same time, no more than
   * the caps allow are told `'reserved'`.
   *
   * An attempt of the same tenant and number counts under a cap unless it is `'released'`, when
   * `attemptedAt > attempt.attemptedAt - windowMs`; one that lies after the new one (another machine's clock) counts too.
   * A refused one leaves no trace. The same `attemptId` again answers `'reserved'` and is not counted twice, so a reservation whose
   * answer was lost may be asked for again. One that was released has no place: it is counted anew, in the place of its old record.
   */
  reserveAttempt(reservation: AttemptReservation): Promise<AttemptReserved>
  /**
   * Moves an attempt on. `'released'` frees the place of one that became no call: `false` for one that was placed, since a call that
   * exists counts. A released one is taken up again by `'placed'` with a `callSid` (its call was found after all), and by nothing else:
   * `false`. `false` also when there is no such attempt. The same settlement again is `true`.
   */
  settleAttempt(settlement: AttemptSettlement): Promise<boolean>
  /** `attemptedAt` of every attempt that counts and is later than `afterAt`, oldest first; at most the newest 1000. */
  attemptsAfter(query: NumberOfTenant & { readonly afterAt: number }): Promise<readonly number[]>
}

/** Calls of campaigns. */
export interface CampaignCallStore {
  /**
   * How many calls of the campaign were answered by a person, or were abandoned, of those placed at or after `sinceAt`. Which these
   * are says `abandonmentOf` in the records.
   */
  countCalls(query: {
    readonly tenantId: string
    readonly filter: { readonly answeredCampaignId: string } | { readonly abandonedCampaignId: string }
    readonly sinceAt: number
  }): Promise<number>
}

/** What is told of a record to whoever waits for it: kept in the same step as the record, or not at all. */
export interface ToldEvent {
  readonly type: string
  /** JSON. */
  readonly data: unknown
}

/** Leads, as the host keeps them. */
export interface LeadStore {
  findLead(query: { readonly tenantId: string; readonly leadId: string }): Promise<Lead | undefined>
  /** Puts the lead before a person. A later flag replaces an earlier one. Events are kept with the flag, in the same step. */
  flagLead(
    query: { readonly tenantId: string; readonly leadId: string; readonly review: LeadReview },
    events?: readonly ToldEvent[],
  ): Promise<void>
}

/** The end of a tenant's chain: sequence 0 and sixty-four zeros when there is none yet. */
export interface AuditHead {
  readonly sequence: number
  readonly hash: string
}

/** Which audit records are asked for. */
export interface AuditQuery {
  readonly tenantId: string
  /** Default: from the first. */
  readonly fromSequence?: number
}

/** The audit log: append-only, one chain a tenant. */
export interface AuditStore {
  auditHead(query: { readonly tenantId: string }): Promise<AuditHead>
  /**
   * Appends in one atomic step if the tenant's chain ends with `record.previousHash` and `record.sequence - 1`; otherwise
   * changes nothing and says where it does end, so that the writer can seal the record anew. The same record again, as its own head, is `'appended'`.
   *
   * @param told - Events that are kept when the record is, in the same step, and the lead that they tell of.
   */
  appendAudit(
    record: AuditRecord,
    told?: { readonly leadId: string; readonly events: readonly ToldEvent[] },
  ): Promise<{ readonly outcome: 'appended' } | { readonly outcome: 'conflict'; readonly head: AuditHead }>
  /** In order of `sequence`, streamed: a log outgrows memory. */
  readAudit(query: AuditQuery): AsyncIterable<AuditRecord>
}

/** Everything that a store keeps for the law. One object can be all of it: no two methods share a name. */
export type ComplianceStore = ConsentStore & DoNotCallStore & AttemptStore & CampaignCallStore & LeadStore & AuditStore

/** A copy of the national registry. `undefined`: this copy does not cover the number's area code. */
export interface NationalRegistry {
  findNational(phoneNumber: string): DoNotCallAnswer | undefined | Promise<DoNotCallAnswer | undefined>
}

/** Lists that states keep themselves. `undefined`: there is no copy of that state's list. */
export interface StateRegistries {
  findState(query: {
    readonly phoneNumber: string
    /** Two letters. */
    readonly state: string
  }): DoNotCallAnswer | undefined | Promise<DoNotCallAnswer | undefined>
}

/** What the FCC's database of reassigned numbers says: 47 CFR 64.1200(m). */
export interface ReassignedAnswer {
  /** `'yes'`: the number went to somebody else after the consent. Only `'no'` gives the safe harbour. */
  readonly answer: 'yes' | 'no' | 'no-data'
  readonly checkedAt: number
}

/** Asks whether a number was reassigned since somebody agreed. */
export interface ReassignedNumbers {
  findReassigned(query: {
    readonly phoneNumber: string
    /** When the consent was obtained. */
    readonly consentAt: number
  }): Promise<ReassignedAnswer | undefined>
}

/** What kind of line a number is. */
export type LineType = 'mobile' | 'landline' | 'voip' | 'unknown'

/** Asks what kind of line a number is. */
export interface LineTypes {
  findLineType(phoneNumber: string): Promise<LineType | undefined>
}

/** Where a postal code is. */
export interface PostalCodeLocation {
  /** Every IANA zone that the postal code touches. */
  readonly timeZones: readonly string[]
  /** The state that it lies in, two letters. */
  readonly state?: string
}

/** Knows where postal codes are. None is shipped: bring the table that you trust. */
export interface PostalCodes {
  findPostalCode(postalCode: string): PostalCodeLocation | undefined | Promise<PostalCodeLocation | undefined>
}
