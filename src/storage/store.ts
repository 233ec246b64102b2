/**
 * What is kept, and the promises of keeping it: a small interface a role, and one store that is all of them.
 *
 * What holds for every method:
 * - The tenant is named in every one, and nothing of one tenant is ever seen by another.
 * - A record that is not there is `undefined`, `false` or a named outcome, never an error. A store that cannot answer rejects with a
 *   `StorageError` within the driver's time limit, and nobody may take a rejection for a "no".
 * - What a promise says is done is kept as safely as the database keeps what it has acknowledged.
 * - One method is one atomic step. It happens whole or not at all, whatever dies in the middle.
 * - Moments are milliseconds since 1970. Lists are newest first unless the method says otherwise.
 * - No two methods share a name, so one object can be all roles, and a role can be replaced by spreading: `{ ...store, ...myLeads }`.
 *
 * @module
 */
import type {
  AttemptSettlement,
  AttemptStore as CountedAttempts,
  AuditStore,
  ConsentStore as ConsentsOnFile,
  DoNotCallStore as StandingRequests,
  NumberOfTenant,
} from '../compliance/ports.js'
import type { CallAttempt } from '../records/call-attempt.js'
import type { CallRecord, NewCall } from '../records/call.js'
import type { CampaignRecord, CampaignRow, CampaignRowState, NewCampaign, NewCampaignRow } from '../records/campaign.js'
import type { ConsentRevocation } from '../records/consent.js'
import type { DoNotCallEntry } from '../records/do-not-call.js'
import type { Lead, LeadReview } from '../records/lead.js'
import type { NewRecording, RecordingRecord } from '../records/recording.js'
import type { NewLead, StoredLead } from '../records/stored-lead.js'
import type { NewTenant, TenantRecord } from '../records/tenant.js'
import type { NewTranscript, TranscriptRecord } from '../records/transcript.js'
import type { CacheStore, ClaimStore, LeaseStore, OneTimeTokenStore } from './coordination.js'
import type { OutboxStore, OutgoingEvent, Receipt, WorkStore } from './queues.js'
import type { MaintenanceStore } from './maintenance.js'

/** A tenant's id, up to 128 characters, none of them a control character. */
export interface OfTenant {
  readonly tenantId: string
}

/** What is given to make a record. `createdAt` is now unless it is given (an import); `updatedAt` is the store's matter. */
export type Unstamped<T> = Omit<T, 'createdAt' | 'updatedAt'> & { readonly createdAt?: number }

/** A stretch of a list. */
export interface PageQuery {
  /** How many at most, 1 to 1000. Default 100. */
  readonly limit?: number
  /** `nextCursor` of the page before. Belongs to the same query. */
  readonly cursor?: string
  /** Only what was created at or after this moment. */
  readonly sinceAt?: number
  /** Only what was created before this moment. */
  readonly untilAt?: number
}

/**
 * A page of a list. Records that come or go while somebody turns pages are seen once or not at all, and never move one that was there
 * throughout onto two pages or none.
 */
export interface Page<T> {
  readonly items: readonly T[]
  /** Where the next page starts. `undefined`: this was the last. */
  readonly nextCursor: string | undefined
}

// ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One way to narrow a list of calls; each has its index. Left out: all calls of the tenant. */
export type CallFilter =
  | { readonly leadId: string }
  /** The number at the other end. */
  | { readonly phoneNumber: string }
  | { readonly campaignId: string }
  /** Calls of a campaign that a person answered, as `abandonmentOf` reads them; those that ElevenLabs has not told of are left out. */
  | { readonly answeredCampaignId: string }
  /** Of those, the abandoned ones. */
  | { readonly abandonedCampaignId: string }
  | { readonly agentId: string }
  | { readonly ownerId: string }
  | { readonly conversationId: string }
  | { readonly streamSid: string }
  | { readonly callStatus: string }
  /** Calls whose end has not been told: what a reaper looks through. */
  | { readonly isOpen: true }

/** What a status callback says. */
export interface CallStatusChange extends OfTenant {
  readonly callSid: string
  readonly callStatus: string
  /** Twilio's `SequenceNumber`. `null`: not from a callback, e.g. asked of Twilio by a reaper; ordered by arrival. */
  readonly sequenceNumber: number | null
  /** What else the callback brought. */
  readonly changes?: CallChanges
  /** Kept with the change, in the same step. */
  readonly events?: readonly OutgoingEvent[]
}

/** Fields of a call that may change, but for its status. */
export type CallChanges = Partial<
  Omit<CallRecord, 'tenantId' | 'callSid' | 'callStatus' | 'sequenceNumber' | 'createdAt' | 'updatedAt' | 'direction'>
>

/** What became of a status. */
export type CallStatusApplied =
  /** It is the newest, and stands. */
  | { readonly outcome: 'applied'; readonly call: CallRecord }
  /** One with the same or a higher sequence number was there before: a repeat, or late. Nothing changed. */
  | { readonly outcome: 'stale'; readonly call: CallRecord }
  /** The call was over. Nothing changed: a terminal status is never left. */
  | { readonly outcome: 'ended'; readonly call: CallRecord }
  | { readonly outcome: 'missing' }

/** Calls. */
export interface CallStore {
  /** Adds a call. `'exists'`, and nothing changes, when the tenant has one of this `callSid`. */
  addCall(call: Unstamped<NewCall>, events?: readonly OutgoingEvent[]): Promise<'added' | 'exists'>
  /** A call by its Call SID. */
  findCall(query: OfTenant & { readonly callSid: string }): Promise<CallRecord | undefined>
  /**
   * Takes in a status: monotonic by sequence number, and never out of a terminal status. Of several at once each is judged against what
   * the one before left. An `answeredAt` that stands is kept; `updateCall` changes it.
   */
  applyCallStatus(change: CallStatusChange): Promise<CallStatusApplied>
  /** Merges `changes`, field by field, whatever the status. `undefined`: no such call. Two at once both stand, field by field. */
  updateCall(
    query: OfTenant & {
      readonly callSid: string
      readonly changes: CallChanges
      readonly events?: readonly OutgoingEvent[]
    },
  ): Promise<CallRecord | undefined>
  /** Calls, newest first. */
  listCalls(query: OfTenant & PageQuery & { readonly filter?: CallFilter }): Promise<Page<CallRecord>>
  /** How many calls there are, by creation. */
  countCalls(
    query: OfTenant & { readonly filter?: CallFilter; readonly sinceAt?: number; readonly untilAt?: number },
  ): Promise<number>
}

// ── Attempts ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Attempts, and the caps on them: what the policy engine asks, and what reads them. */
export interface AttemptStore extends CountedAttempts {
  /** As the policy engine asks. Events are kept with a change of state, in the same step; where the state was there before they are not. */
  settleAttempt(settlement: AttemptSettlement, events?: readonly OutgoingEvent[]): Promise<boolean>
  /** One attempt. */
  findAttempt(query: OfTenant & { readonly attemptId: string }): Promise<CallAttempt | undefined>
  /** Attempts, released ones included, newest first by `attemptedAt`. */
  listAttempts(
    query: OfTenant & PageQuery & { readonly filter: { readonly leadId: string } | { readonly phoneNumber: string } },
  ): Promise<Page<CallAttempt>>
}

// ── Law ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Grants and revocations. Both are only ever added. */
export interface ConsentStore extends ConsentsOnFile {
  /** As the policy engine asks. Events are kept with a revocation when it is added, in the same step. */
  revokeConsent(revocation: ConsentRevocation, events?: readonly OutgoingEvent[]): Promise<'added' | 'exists'>
}

/** The tenant's own do-not-call list. */
export interface DoNotCallStore extends StandingRequests {
  /** Entries that stand, latest request first, e.g. for an export. */
  listDoNotCall(query: OfTenant & PageQuery): Promise<Page<DoNotCallEntry>>
}

// ── Who ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What is told about a lead by whoever calls it by number. */
export type LeadUpsert = NumberOfTenant & { readonly ownerId?: string | null } & Partial<
    Pick<StoredLead, 'name' | 'email' | 'notes' | 'metadata' | 'timeZone' | 'postalCode' | 'state'>
  >

/** One way to narrow a list of leads. Left out: all leads of the tenant. */
export type LeadFilter =
  | { readonly phoneNumber: string }
  | { readonly ownerId: string }
  /** Leads that wait for a person. */
  | { readonly isFlagged: true }

/** Leads. */
export interface LeadStore {
  findLead(query: OfTenant & { readonly leadId: string }): Promise<Lead | undefined>
  /** The lead with everything that is kept about it. */
  findStoredLead(query: OfTenant & { readonly leadId: string }): Promise<StoredLead | undefined>
  /** Adds the lead, or replaces it but for `createdAt` and `review`. */
  putLead(lead: Unstamped<NewLead>): Promise<StoredLead>
  /** Merges `changes`. `undefined`: no such lead. */
  updateLead(
    query: OfTenant & {
      readonly leadId: string
      readonly changes: Partial<Omit<StoredLead, 'tenantId' | 'leadId' | 'createdAt' | 'updatedAt'>>
    },
  ): Promise<StoredLead | undefined>
  /** The tenant's lead of this number and owner, made if there is none, with what was told merged in. Several at once make one lead. */
  upsertLeadByPhone(lead: LeadUpsert): Promise<StoredLead>
  /**
   * Puts the lead before a person. A later flag replaces an earlier one. A lead that is not kept here is made, so that the flag stands. Events are
   * kept with the flag, in the same step: who keeps leads elsewhere tells them as well as can be, e.g. with `appendEvents`.
   */
  flagLead(
    query: OfTenant & { readonly leadId: string; readonly review: LeadReview },
    events?: readonly OutgoingEvent[],
  ): Promise<void>
  /** Leads, newest first. */
  listLeads(query: OfTenant & PageQuery & { readonly filter?: LeadFilter }): Promise<Page<StoredLead>>
}

/** Tenants. The one role that is asked across tenants, since it is asked who the tenant is. */
export interface TenantStore {
  /**
   * Adds or replaces a tenant but for `createdAt`. A number that another tenant has is refused with `'number-taken'`, and nothing of the
   * tenant changes.
   */
  putTenant(tenant: Unstamped<NewTenant>): Promise<'put' | 'number-taken'>
  findTenant(query: OfTenant): Promise<TenantRecord | undefined>
  /** Whose number was called. */
  findTenantByNumber(query: { readonly phoneNumber: string }): Promise<TenantRecord | undefined>
  listTenants(query: PageQuery): Promise<Page<TenantRecord>>
}

// ── What was recorded ──────────────────────────────────────────────────────────────────────────────────────────────

/** Recordings. */
export interface RecordingStore {
  /** Adds a recording, or merges it into the one that is there; what is left out stays. What changes nothing keeps no events either. */
  putRecording(recording: Unstamped<NewRecording>, events?: readonly OutgoingEvent[]): Promise<RecordingRecord>
  findRecording(query: OfTenant & { readonly recordingSid: string }): Promise<RecordingRecord | undefined>
  /** Recordings, newest first: of a call, or with a status (`'failed'`: what a person has to look at). */
  listRecordings(
    query: OfTenant & PageQuery & { readonly filter?: { readonly callSid: string } | { readonly status: string } },
  ): Promise<Page<RecordingRecord>>
}

/** Transcripts. */
export interface TranscriptStore {
  /** Adds a transcript, or merges it into the one that is there; what is left out stays. What changes nothing keeps no events either. */
  putTranscript(transcript: Unstamped<NewTranscript>, events?: readonly OutgoingEvent[]): Promise<TranscriptRecord>
  findTranscript(query: OfTenant & { readonly transcriptId: string }): Promise<TranscriptRecord | undefined>
  /** Transcripts, newest first. */
  listTranscripts(
    query: OfTenant & PageQuery & { readonly filter?: { readonly callSid: string } },
  ): Promise<Page<TranscriptRecord>>
}

// ── Campaigns ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Names one campaign. */
export interface OfCampaign extends OfTenant {
  readonly campaignId: string
}

/** A row that was taken to be called. */
export interface TakenRow {
  readonly row: CampaignRow
  /** Proves that it is still ours when it is settled or put off. */
  readonly receipt: Receipt
  /** How many times it was taken, this one included. */
  readonly takes: number
}

/** Campaigns and their rows. */
export interface CampaignStore {
  addCampaign(campaign: Unstamped<NewCampaign>): Promise<'added' | 'exists'>
  findCampaign(query: OfCampaign): Promise<CampaignRecord | undefined>
  /** Merges `changes`. `undefined`: no such campaign. */
  updateCampaign(
    query: OfCampaign & {
      readonly changes: Partial<Omit<CampaignRecord, 'tenantId' | 'campaignId' | 'createdAt' | 'updatedAt'>>
      readonly events?: readonly OutgoingEvent[]
    },
  ): Promise<CampaignRecord | undefined>
  listCampaigns(query: OfTenant & PageQuery): Promise<Page<CampaignRecord>>
  /**
   * Adds rows, due at once or at `dueAt`. Each row is a step of its own: after a crash the same list again adds what is missing. Gives
   * how many were added; a `rowId` that is there is left as it is.
   */
  addCampaignRows(rows: readonly (Unstamped<NewCampaignRow> & { readonly dueAt?: number })[]): Promise<number>
  /**
   * Takes rows that are due, longest due first; no row is taken by two. A row that is neither settled nor put off within
   * `visibilityMs` (its taker died) is due again.
   */
  takeCampaignRows(
    query: OfCampaign & { readonly limit: number; readonly visibilityMs: number },
  ): Promise<readonly TakenRow[]>
  /** Closes a taken row. `false`: the row was taken by somebody else meanwhile. */
  settleCampaignRow(
    receipt: Receipt,
    settled: {
      readonly state: Exclude<CampaignRowState, 'waiting'>
      readonly code?: string
      readonly callSid?: string
      readonly attemptId?: string
    },
  ): Promise<boolean>
  /** Puts a taken row off until `dueAt`. `false`: the row was taken by somebody else meanwhile. */
  deferCampaignRow(receipt: Receipt, dueAt: number): Promise<boolean>
  /** Rows in the order in which they were added. */
  listCampaignRows(query: OfCampaign & PageQuery & { readonly state?: CampaignRowState }): Promise<Page<CampaignRow>>
  /** How many rows stand where. */
  countCampaignRows(query: OfCampaign): Promise<Readonly<Record<CampaignRowState, number>>>
}

// ── All of it ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Everything that is kept. Each driver gives one; take the role that you need as the type of your parameter. */
export interface Store
  extends
    CallStore,
    AttemptStore,
    ConsentStore,
    DoNotCallStore,
    AuditStore,
    LeadStore,
    TenantStore,
    RecordingStore,
    TranscriptStore,
    CampaignStore,
    ClaimStore,
    LeaseStore,
    OneTimeTokenStore,
    CacheStore,
    WorkStore,
    OutboxStore,
    MaintenanceStore {}
