/**
 * The law of outbound calls to US numbers: facts in, explained decision out. Research, not legal advice.
 *
 * @module
 */
export {
  ABANDONMENT_MAX_RATE,
  ABANDONMENT_WINDOW_MS,
  judgeAbandonment,
  rangLongEnough,
  RING_MIN_MS,
  RING_MIN_RINGS,
  ringTimeoutSeconds,
} from './abandonment.js'
export type { AbandonmentFinding, AbandonmentOptions, CampaignCount, Ringing } from './abandonment.js'
export {
  auditToCsv,
  auditToJsonLines,
  EMPTY_CHAIN,
  parseAuditJsonLines,
  sealAuditRecord,
  verifyChain,
} from './audit.js'
export type { AuditEntry, ChainProblem, ChainVerdict, VerifyChainOptions } from './audit.js'
export { createAuditWriter } from './audit-writer.js'
export type { AuditWriter } from './audit-writer.js'
export { canonicalJson } from './canonical-json.js'
export { ENGINE_VERSION } from './decision.js'
export type {
  Allowed,
  CapInput,
  Decision,
  DecisionInputs,
  Finding,
  FindingOutcome,
  FoundBy,
  JurisdictionInput,
  PolicyMode,
  Refused,
  Warning,
  ZoneInput,
} from './decision.js'
export {
  disclosureNotes,
  firstMessageWithDisclosures,
  judgeOpening,
  openingDisclosures,
  OPT_OUT_OFFER_MAX_MS,
  relayGreetingWithDisclosures,
  voicemailWithDisclosures,
} from './disclosures.js'
export type {
  DisclosureKind,
  DisclosureNote,
  DisclosureOptions,
  DisclosureSentence,
  OpeningFinding,
  OpeningTimes,
  Purpose,
  Seller,
  VoicemailMessage,
} from './disclosures.js'
export { evaluate } from './evaluate.js'
export { explainDecision, explainReason } from './explain.js'
export type { CallFacts, CampaignFacts, DoNotCallFacts } from './facts.js'
export { createGate } from './gate.js'
export type {
  Admission,
  Admitted,
  CallRequest,
  Gate,
  GateOptions,
  GateStore,
  RefusalEvents,
  TurnedAway,
} from './gate.js'
export type { FactPorts, FactStore } from './gather-facts.js'
export { guardedBy, OptOutBlockList } from './opt-out/block-list.js'
export type { OptOut, OptOutBlockListOptions } from './opt-out/block-list.js'
export { detectOptOut, detectOptOutText } from './opt-out/phrases.js'
export type { OptOutLanguage } from './opt-out/phrase-rule.js'
export type { DetectOptOutOptions, OptOutMatch } from './opt-out/phrases.js'
export { OPT_OUT_CONFIRMATIONS, OPT_OUT_KEY, OPT_OUT_TOOL, recordOptOut, retryOptOuts } from './opt-out/record.js'
export type { OptOutPorts, OptOutRecorded, RecordOptOutOptions } from './opt-out/record.js'
export { remoteParty } from './opt-out/remote-party.js'
export type { CallParties } from './opt-out/remote-party.js'
export { createPolicy } from './policy.js'
export type { PolicyOptions } from './policy.js'
export type {
  AttemptReservation,
  AttemptReserved,
  AttemptSettlement,
  AttemptStore,
  AuditHead,
  AuditQuery,
  AuditStore,
  ComplianceStore,
  ConsentProof,
  ConsentQuery,
  ConsentStore,
  DoNotCallLift,
  DoNotCallStore,
  LeadStore,
  LineType,
  LineTypes,
  NationalRegistry,
  NumberOfTenant,
  PostalCodeLocation,
  PostalCodes,
  ReassignedAnswer,
  ReassignedNumbers,
  StateRegistries,
  ToldEvent,
} from './ports.js'
export { failedIf, passed, skipped } from './rule.js'
export type { Jurisdiction, Place, Policy, Rule, RuleAnswer, RuleContext } from './rule.js'
export { createRulePack, loadRulePack } from './rule-pack.js'
export type {
  AreaCode,
  AreaCodeKind,
  Citation,
  Confidence,
  FederalRules,
  HolidayList,
  Hours,
  Notice,
  RulePack,
  RulePackData,
  StateRules,
  Week,
} from './rule-pack.js'
export { ownNumber } from './rules/own-number.js'
export { abandonmentOK } from './rules/abandonment-limit.js'
export { STANDARD_RULES } from './rules/standard.js'
export type { StateOverride, StatePolicy } from './state-policy.js'
export { assertAllowed, TcpaViolationError } from './violation.js'
export type { AuditRecord } from '../records/audit-record.js'
export type { AttemptCap, AttemptState, CallAttempt } from '../records/call-attempt.js'
export type {
  CallPurpose,
  ConsentEvidence,
  ConsentGrant,
  ConsentKind,
  ConsentRecord,
  ConsentRevocation,
  OptOutChannel,
} from '../records/consent.js'
export { abandonmentOf, MESSAGE_START_MAX_MS, type AnswerOfCall } from '../records/call-status.js'
export type { DoNotCallAnswer, DoNotCallEntry, DoNotCallStatus } from '../records/do-not-call.js'
export type { Lead, LeadReview } from '../records/lead.js'
