/**
 * Calls: the only place that dials, and everything that follows a call to its end.
 *
 * @module
 */
export type { CallStatusTaken } from './call-end.js'
export { CallWebhooks, type CallWebhook, type CallWebhookKind, type CallWebhooksOptions } from './call-webhooks.js'
export { CircuitBreaker, type CircuitBreakerOptions } from '../core/circuit-breaker.js'
export { costOf, type CostOptions } from './cost.js'
export { outcomeOf, type CallEnd } from './disposition.js'
export {
  explainFailure,
  failureOf,
  FAILURES,
  twilioErrorUrl,
  type FailureAction,
  type FailureMeaning,
  type FailureVendor,
} from './failures.js'
export {
  joinTranscript,
  postCallTurns,
  type JoinedTurn,
  type PostCallConversation,
  type TranscriptTurn,
} from './joined-transcript.js'
export {
  CallPlacer,
  type CallPlacerOptions,
  type CallUrls,
  type PlaceCallHooks,
  type PlaceCallResult,
} from './place-call.js'
export type { MachineDetection, PlaceCallRequest, Via } from './plan.js'
export { Reconciler, type ReconcilerOptions } from './reconcile.js'
export { retryHandler } from './retry-calls.js'
export type { RetryPolicies } from './retry-policy.js'
export type { CallRequest, CallUpdate, Telephone, TelephoneCall } from './telephone.js'
export { TwilioTelephone, type TwilioTelephoneOptions } from './twilio-telephone.js'
export { WorkLoop, type WorkHandler, type WorkLoopOptions, type WorkOutcome } from './work-loop.js'
export { RECONCILE_QUEUE, RETRY_QUEUE, WEBHOOK_QUEUE } from './work-queues.js'
