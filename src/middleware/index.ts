/**
 * Handlers that any host can mount: what ElevenLabs sends over HTTP, and how several handlers share one mount point. `callweave/express`
 * and the other hosts turn them into their own kind.
 *
 * @module
 */
export type { ElevenLabsAuth } from './elevenlabs-auth.js'
export { createElevenLabsHandler, RECEPTIONIST_PATHS } from './elevenlabs-handler.js'
export type {
  CallHints,
  ElevenLabsHandlerOptions,
  ElevenLabsRoute,
  KnownCall,
  ReceivedElevenLabsEvent,
} from './elevenlabs-options.js'
export { memoryClaims, type EventClaims } from './event-claims.js'
export { firstOf, type HostBody, type HostHandler, type HostRequest, type HostResponse } from './host-request.js'
export { storeEventClaims, type StoreEventClaimsOptions } from './store-event-claims.js'
export type { EventAudio } from '../webhooks/event-body.js'
export type { ClaimOutcome, ClaimPort, HeldClaim } from '../core/claims.js'
