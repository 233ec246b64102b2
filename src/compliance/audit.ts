/**
 * The audit chain: each record carries the hash of the one before, so that none can be changed, dropped from the middle or slipped in
 * without breaking every one that follows.
 *
 * A chain shows nothing about records cut off at its end. Keep the head somewhere else from time to time, and give it to
 * {@link verifyChain}.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { VoiceError } from '../core/errors.js'
import type { AuditRecord } from '../records/audit-record.js'
import { FIRST_PREVIOUS_HASH } from '../records/first-hash.js'
import { canonicalJson } from './canonical-json.js'
import type { AuditHead } from './ports.js'

/** What is to be recorded. */
export interface AuditEntry {
  readonly tenantId: string
  /** Milliseconds since 1970. */
  readonly recordedAt: number
  /** What kind of thing the payload is. */
  readonly kind: string
  /** Plain data. Never a telephone number, speech or a secret. */
  readonly payload: unknown
}

/** Before the first record. */
export const EMPTY_CHAIN: AuditHead = Object.freeze({ sequence: 0, hash: FIRST_PREVIOUS_HASH })

/** Binds an entry to the end of a chain. */
export function sealAuditRecord(entry: AuditEntry, head: AuditHead): AuditRecord {
  const unsealed = {
    tenantId: entry.tenantId,
    sequence: head.sequence + 1,
    recordedAt: entry.recordedAt,
    kind: entry.kind,
    payload: canonicalJson(entry.payload),
    previousHash: head.hash,
  }
  return { ...unsealed, hash: hashOf(unsealed) }
}

function hashOf({ tenantId, sequence, recordedAt, kind, payload, previousHash }: Omit<AuditRecord, 'hash'>): string {
  const text = canonicalJson([tenantId, sequence, recordedAt, kind, payload, previousHash])
  return createHash('sha256').update(text).digest('hex')
}

/** What is wrong with a chain, and where. */
export type ChainProblem =
  /** The content is not what was sealed. */
  | 'altered'
  /** It does not follow the record before it: something was dropped, slipped in or moved. */
  | 'not-linked'
  /** It belongs to another tenant than the record before it. */
  | 'other-tenant'
  /** The chain does not end where it is known to have ended: records were cut off. */
  | 'cut-off'

/** What {@link verifyChain} found. */
export type ChainVerdict =
  | { readonly isIntact: true; readonly count: number; readonly head: AuditHead }
  | {
      readonly isIntact: false
      /** Records that were fine before it. */
      readonly count: number
      readonly problem: ChainProblem
      /** The record at which it shows; for `'cut-off'`, the last one that is there. */
      readonly sequence: number
    }

/** How a chain is to be checked. */
export interface VerifyChainOptions {
  /** Where the records begin: the head before the first of them. Default: the very beginning. */
  readonly from?: AuditHead
  /** A head that was kept elsewhere. The chain has to reach it. Default: not asked. */
  readonly until?: AuditHead
}

/**
 * Checks one tenant's records, in order, as the store or an export gives them.
 *
 * @example
 * ```ts
 * const verdict = await verifyChain(store.readAudit({ tenantId }))
 * if (!verdict.isIntact) throw new Error(`record ${verdict.sequence}: ${verdict.problem}`)
 * ```
 */
export async function verifyChain(
  records: AsyncIterable<AuditRecord> | Iterable<AuditRecord>,
  options: VerifyChainOptions = {},
): Promise<ChainVerdict> {
  const { from = EMPTY_CHAIN, until } = options
  let head = from
  let tenantId: string | undefined
  let count = 0
  for await (const record of records) {
    const problem = problemOf(record, head, tenantId)
    if (problem) return { isIntact: false, count, problem, sequence: record.sequence }
    tenantId = record.tenantId
    head = { sequence: record.sequence, hash: record.hash }
    count++
    if (until?.sequence === head.sequence && until.hash !== head.hash) {
      return { isIntact: false, count, problem: 'altered', sequence: head.sequence }
    }
  }
  if (until && until.sequence > head.sequence) {
    return { isIntact: false, count, problem: 'cut-off', sequence: head.sequence }
  }
  return { isIntact: true, count, head }
}

function problemOf(record: AuditRecord, head: AuditHead, tenantId: string | undefined): ChainProblem | undefined {
  if (tenantId !== undefined && record.tenantId !== tenantId) return 'other-tenant'
  if (record.sequence !== head.sequence + 1 || record.previousHash !== head.hash) return 'not-linked'
  return hashOf(record) === record.hash ? undefined : 'altered'
}

/** Records as JSON Lines: one object a line, complete, so that the export can be verified like the log. */
export async function* auditToJsonLines(
  records: AsyncIterable<AuditRecord> | Iterable<AuditRecord>,
): AsyncGenerator<string, void, void> {
  for await (const record of records) yield `${canonicalJson(record)}\n`
}

/**
 * Reads back what {@link auditToJsonLines} wrote, a line at a time.
 *
 * @throws VoiceError `compliance_audit_unreadable` with the number of the first line that is no record.
 */
export async function* parseAuditJsonLines(
  lines: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<AuditRecord, void, void> {
  let lineNumber = 0
  for await (const line of lines) {
    lineNumber++
    if (line.trim() === '') continue
    const record = parseRecord(line)
    if (!record) {
      throw new VoiceError('compliance_audit_unreadable', `Line ${lineNumber} is no audit record`, {
        details: { lineNumber },
      })
    }
    yield record
  }
}

function parseRecord(line: string): AuditRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { tenantId, sequence, recordedAt, kind, payload, previousHash, hash } = value as Record<string, unknown>
  const isRecord =
    typeof tenantId === 'string' &&
    Number.isInteger(sequence) &&
    Number.isInteger(recordedAt) &&
    [kind, payload, previousHash, hash].every((member) => typeof member === 'string')
  return isRecord ? (value as AuditRecord) : undefined
}

const CSV_COLUMNS = [
  'tenantId', 'sequence', 'recordedAt', 'kind', 'decisionId', 'leadId', 'campaignId', 'outcome', 'failedChecks', 'nextAllowedAt',
  'payload', 'previousHash', 'hash',
] as const // prettier-ignore

/** Records as CSV, RFC 4180, with a header: for people and spreadsheets. Moments are ISO 8601 in UTC. */
export async function* auditToCsv(
  records: AsyncIterable<AuditRecord> | Iterable<AuditRecord>,
): AsyncGenerator<string, void, void> {
  yield `${CSV_COLUMNS.join(',')}\r\n`
  for await (const record of records) {
    const { decisionId, leadId, campaignId, decision } = readPayload(record.payload)
    const cells: Record<(typeof CSV_COLUMNS)[number], unknown> = {
      ...record,
      recordedAt: isoTime(record.recordedAt),
      decisionId,
      leadId,
      campaignId,
      outcome: decision?.outcome,
      failedChecks: Array.isArray(decision?.failedChecks) ? decision.failedChecks.join(' ') : undefined,
      nextAllowedAt: typeof decision?.nextAllowedAt === 'number' ? isoTime(decision.nextAllowedAt) : undefined,
    }
    yield `${CSV_COLUMNS.map((column) => csvCell(cells[column])).join(',')}\r\n`
  }
}

interface ReadablePayload {
  readonly decisionId?: unknown
  readonly leadId?: unknown
  readonly campaignId?: unknown
  readonly decision?: { readonly outcome?: unknown; readonly failedChecks?: unknown; readonly nextAllowedAt?: unknown }
}

function readPayload(payload: string): ReadablePayload {
  try {
    return (JSON.parse(payload) as ReadablePayload | null) ?? {}
  } catch {
    return {} // an altered record is still exported; verifyChain says so
  }
}

function isoTime(at: number): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at)
}

function csvCell(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') return ''
  // A cell that begins so is run as a formula by spreadsheets.
  const text = /^[=+\-@\t\r]/.test(String(value)) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
