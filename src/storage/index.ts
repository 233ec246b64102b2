export type {
  AttemptReservation,
  AttemptReserved,
  AttemptSettlement,
  AuditHead,
  AuditStore,
  ConsentProof,
  ConsentQuery,
  DoNotCallLift,
  NumberOfTenant,
} from '../compliance/ports.js'
export type {
  AttemptStore,
  CallChanges,
  CallFilter,
  CallStatusApplied,
  CallStatusChange,
  CallStore,
  CampaignStore,
  ConsentStore,
  DoNotCallStore,
  LeadFilter,
  LeadStore,
  LeadUpsert,
  OfCampaign,
  OfTenant,
  Page,
  PageQuery,
  RecordingStore,
  Store,
  TakenRow,
  TenantStore,
  TranscriptStore,
  Unstamped,
} from './store.js'
export type {
  CacheStore,
  Claim,
  Claimed,
  ClaimStore,
  Lease,
  LeaseStore,
  LeaseTaken,
  OneTimeTokenStore,
} from './coordination.js'
export { createCachedLoader, type CachedLoader, type CachedLoaderOptions } from './cached-loader.js'
export { EVERY_TENANT } from './queues.js'
export type {
  OutboxEvent,
  OutboxStore,
  OutgoingEvent,
  ParkedEvent,
  Receipt,
  ScheduledWork,
  TakenEvent,
  TakenWork,
  TenantScope,
  WorkStore,
} from './queues.js'
export type {
  ErasedCounts,
  ErasureProof,
  MaintenanceStore,
  RemovedCounts,
  RetentionKind,
  RetentionPolicy,
} from './maintenance.js'
export { createStore, type StoreOptions } from './create-store.js'
export type {
  CappedAdd,
  CappedAdded,
  Cell,
  CellSwap,
  CellSwapped,
  EngineEvent,
  EventRow,
  EventSettlement,
  Row,
  RowPageQuery,
  RowQuery,
  RowWrite,
  StorageFault,
  StoreEngine,
  TakeQuery,
} from './engine.js'
export { CELL_KINDS, QUEUE_KINDS, ROW_KINDS, type CellKind, type RowKind } from './kinds.js'
export { createMemoryEngine, createMemoryStore, type MemoryStoreOptions } from './memory.js'
export { remotePartyOf, type CallCost, type CallOutcome, type CallRecord, type NewCall } from '../records/call.js'
export type { CampaignRecord, CampaignRow, CampaignRowState, NewCampaign, NewCampaignRow } from '../records/campaign.js'
export type { NewRecording, RecordingRecord } from '../records/recording.js'
export type { NewLead, StoredLead } from '../records/stored-lead.js'
export type { NewTenant, OpeningHours, TenantRecord } from '../records/tenant.js'
export type { NewTranscript, TranscriptRecord } from '../records/transcript.js'
export { StorageError, type StorageErrorOptions } from '../core/errors.js'
