/**
 * What the parts of the front door share.
 *
 * @module
 */
import type { BridgeEnd } from '../bridge/bridge-end.js'
import type { MediaStreamBridge } from '../bridge/media-bridge.js'
import type { CallStatusTaken } from '../calls/call-end.js'
import type { Telephone } from '../calls/telephone.js'
import type { VoiceConfig } from '../config.js'
import type { Clock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import type { OneTimeTokens } from '../core/one-time-tokens.js'
import type { ElevenLabsApi } from '../elevenlabs/api.js'
import type { Store } from '../storage/store.js'
import type { CallMetrics } from '../telemetry/call-metrics.js'
import type { AgentVariables } from './agent-variables.js'
import type { IncomingCall } from './answer-plan.js'
import type { AnswerWaysEvents } from './answer-ways.js'
import type { ClientTools } from './client-tools.js'
import type { FrontUrls } from './paths.js'

/** One call that is being answered, or talks. */
export interface LiveCall extends IncomingCall {
  readonly bridge: MediaStreamBridge
  /** The language that its agent was set to for this call, e.g. `es`; `undefined`: the agent's own. */
  readonly language: string | undefined
}

/** Somebody does not want to be called. */
export interface OptedOut {
  readonly tenantId: string
  readonly callSid: string
  readonly channel: 'keypress' | 'speech' | 'agent-tool'
  /** `false`: the store did not take it yet. This process refuses the number meanwhile and tries again. */
  readonly isStored: boolean
}

/** Somebody wants to be called back. */
export interface CallbackRequested {
  readonly tenantId: string
  readonly callSid: string
  /** The person's number; `undefined` when it is withheld. */
  readonly phoneNumber: string | undefined
  /** Why, in a word of the host's menu, e.g. `viewing`. */
  readonly reason: string
}

export interface VoiceEvents extends AnswerWaysEvents {
  /** A call is being answered: listen to its bridge here, before anything happens on it. */
  call: [call: LiveCall]
  /** The agent's part of a call is over and both legs are closed. The call itself may go on elsewhere: see `end.reason`. */
  callEnded: [call: LiveCall, end: BridgeEnd]
  /** A proven status callback of Twilio, with its parameters as they came. May come twice and out of order. */
  callStatus: [params: Readonly<Record<string, string>>]
  /** A status that was taken in: once, in order, and with the call's record. */
  callUpdated: [taken: CallStatusTaken]
  /** Somebody opted out, by key, by word or by the agent's tool. */
  optedOut: [optOut: OptedOut]
  /** Somebody asked, in a menu, to be called back. */
  callbackRequested: [request: CallbackRequested]
}

/** Emits an event; what a listener throws harms nobody. */
export type Tell = <T extends keyof VoiceEvents>(event: T, ...args: VoiceEvents[T]) => void

export interface FrontContext {
  readonly config: VoiceConfig
  readonly urls: FrontUrls
  readonly clock: Clock
  readonly logger: Logger
  readonly tokens: OneTimeTokens
  readonly api: ElevenLabsApi
  readonly store: Store
  readonly telephone: Telephone
  readonly metrics: CallMetrics
  readonly tools: ClientTools
  readonly variables: AgentVariables
  readonly tell: Tell
}

/** The value of `promise`, or `undefined` when it takes longer than `ms`. */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer
  const late = new Promise<undefined>((resolve) => {
    timer = clock.setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clock.clear(timer)
  }
}
