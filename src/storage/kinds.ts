/**
 * Every kind of row and cell, and under what its rows are found.
 *
 * @module
 */

/** Rows by kind, with the names of their indexes. Every kind can also be listed whole, by tenant. */
export const ROW_KINDS = {
  calls: [
    'lead',
    'party',
    'campaign',
    'agent',
    'owner',
    'conversation',
    'stream',
    'status',
    'open',
    'answered',
    'abandoned',
  ],
  attempts: ['counted', 'party', 'lead'],
  'consent-grants': ['party'],
  'consent-revocations': ['party'],
  'do-not-call': ['standing', 'lists'],
  audit: ['lead'],
  leads: ['party', 'owner', 'flagged'],
  tenants: [],
  'tenant-numbers': [],
  recordings: ['call', 'status'],
  transcripts: ['call'],
  campaigns: [],
  'campaign-rows': ['campaign', 'state', 'party'],
  work: [],
  streams: [],
  'parked-events': ['about'],
  erasures: [],
} as const satisfies Record<string, readonly string[]>

/** A kind of row. */
export type RowKind = keyof typeof ROW_KINDS

/** Kinds whose rows can be taken when they are due. */
export const QUEUE_KINDS = ['campaign-rows', 'work'] as const satisfies readonly RowKind[]

/** What is held for a while. */
export const CELL_KINDS = ['claims', 'leases', 'tokens', 'cache'] as const

/** A kind of cell. */
export type CellKind = (typeof CELL_KINDS)[number]

/** Kinds whose rows may bring events. */
export const EVENT_KINDS = [
  'calls',
  'attempts',
  'consent-revocations',
  'audit',
  'leads',
  'recordings',
  'transcripts',
  'campaigns',
  'streams',
] as const satisfies readonly RowKind[]
