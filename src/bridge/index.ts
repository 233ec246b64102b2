/**
 * The caller's leg joined to the agent's leg, as sound or as text.
 *
 * @module
 */
export { MediaStreamBridge, type MediaStreamBridgeEvents, type MediaStreamBridgeOptions } from './media-bridge.js'
export type { BridgeEnd, BridgeEndReason, BridgeStats } from './bridge-end.js'
export type { BridgeLimits } from './bridge-limits.js'
export {
  RelayBridge,
  type RelayBridgeEnd,
  type RelayBridgeEndReason,
  type RelayBridgeEvents,
  type RelayBridgeOptions,
  type RelayBridgeStats,
} from './relay-bridge.js'
export { createTelephoneTranscoder } from './transcode.js'
export type { AgentTurn, CallerTurn, Turn } from './turns.js'
