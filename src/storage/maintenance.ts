/**
 * How long things are kept, and how one person's data goes.
 *
 * @module
 */

/** Kinds of record that age. Attempts include their numbers; `law` is audit, consent and do-not-call together. */
export type RetentionKind =
  | 'calls'
  | 'attempts'
  | 'consent'
  | 'do-not-call'
  | 'audit'
  | 'leads'
  | 'recordings'
  | 'transcripts'
  | 'campaigns'
  | 'parked-events'

/** How long each kind is kept, in days. Left out: for ever. */
export type RetentionPolicy = Readonly<Partial<Record<RetentionKind, number>>>

/** How many records of each kind went. */
export type RemovedCounts = Readonly<Partial<Record<RetentionKind, number>>>

/** How many of each kind an erasure changed: records, and events that wait to go out. */
export type ErasedCounts = Readonly<Partial<Record<RetentionKind | 'waiting-events', number>>>

/** What an erasure did: fit to be shown, since it names nobody. */
export interface ErasureProof {
  readonly tenantId: string
  readonly erasureId: string
  readonly erasedAt: number
  /** SHA-256 over `erasureId` and the number: whoever knows the number can check that it was theirs. */
  readonly subjectHash: string
  /** Records and events that are gone. */
  readonly removed: ErasedCounts
  /** Records and events that stay without what identifies the person. */
  readonly redacted: ErasedCounts
  /** Records that the law makes us keep as they are, and the law. */
  readonly kept: readonly { readonly kind: RetentionKind; readonly count: number; readonly because: string }[]
}

/** Keeping the house in order. */
export interface MaintenanceStore {
  /**
   * Brings the database to the shape that this version needs: tables, indexes, scripts. Call it once when the application is deployed or
   * starts; several processes may call it at once.
   *
   * @throws StorageError `storage_schema_too_new` when a newer version was there before.
   */
  migrate(): Promise<void>
  /** Resolves when the database answers and its shape is known, e.g. for a health check. */
  ping(): Promise<void>
  /**
   * Removes what is older than the policy says, in small steps; may be stopped and run again at any time.
   *
   * The law's floor holds whatever the policy says: consent, do-not-call and audit stay at least 1827 days (five years), do-not-call
   * entries that stand stay for ever, and the last link of an audit chain stays.
   *
   * @throws RangeError when a kind is given fewer days than its floor.
   */
  applyRetention(query: {
    readonly tenantId: string
    readonly policy: RetentionPolicy
    readonly signal?: AbortSignal
  }): Promise<RemovedCounts>
  /** Forgets claims, leases, tokens and cached values that ran out more than a day ago. Gives how many. */
  removeExpired(): Promise<number>
  /**
   * Erases what is kept about the person with this number: leads, recordings' and transcripts' records go, calls stay without number,
   * name and words (what was billed has to add up); plans of calls and calls that wait to be tried again are forgotten. Do-not-call requests, consent and its revocations, attempts of the last five years
   * and the audit log stay, since the law asks for them: 47 CFR 64.1200(d)(6), 16 CFR 310.5 (read 2026-11-21). May be run again: the second
   * run finds nothing more.
   *
   * Events of the person's calls, attempts, recordings, transcripts, opt-outs, refusals and leads, that wait or were given up, are changed too. The
   * library's own stay without what was said, the number and the lead (`leadId` is `'erased'`), so that statuses, ends and durations still reach
   * who bills; an opt-out is still told, and its number is looked up under its `revocationId`. Flags of the lead, events under the lead's key and a
   * host's own events go. Who is sending an event at the moment sends it as it was, and at the next try as it is now. Not looked for: events that a
   * host appended under keys of its own; refusals of a person whose lead is kept elsewhere and who was never called, for nothing here leads from the
   * number to the lead; and what a process that died while it moved an event left behind: run it again after that.
   *
   * The media behind a recording is not in the store. `recordings` in the answer are what has to be deleted there.
   */
  erasePerson(query: { readonly tenantId: string; readonly phoneNumber: string }): Promise<{
    readonly proof: ErasureProof
    /** Recordings whose media lies elsewhere: at the vendor, in an archive. */
    readonly recordings: readonly { readonly recordingSid: string; readonly archivedAs: string | null }[]
  }>
}
