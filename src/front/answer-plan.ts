/**
 * How a call is to be answered: the typed choice of a way, and what each way takes.
 *
 * @module
 */
import type { HandoffData, RelayBrain, RelayBrainFunction } from '../conversation-relay/brain.js'
import type { RelayCallOptions } from '../conversation-relay/session-options.js'
import type { ConversationInitiation } from '../elevenlabs/initiation.js'
import type { PlaceCallRequest } from '../calls/plan.js'
import type { RelayAttributes } from './relay-twiml.js'
import type { AnsweringTenant } from './tenants.js'
import type { PresetTexts } from '../twiml/presets.js'

/** A call that waits to be answered, as Twilio's signed webhook describes it: somebody calls us, or whom we called has picked up. */
export interface IncomingCall {
  readonly callSid: string
  readonly direction: 'inbound' | 'outbound'
  /** The caller's number, or what stands for it when it is withheld. */
  readonly from: string
  /** The number that was called. */
  readonly to: string
  /** Whose call it is. */
  readonly tenantId: string
  /** What is known of the tenant, on an inbound call. */
  readonly tenant: AnsweringTenant | undefined
  /** Whether the tenant's business is open; `undefined` when it has no hours. */
  readonly isOpen: boolean | undefined
  /** What was asked for, on a call that we placed; `undefined` when that can no longer be known. */
  readonly request: PlaceCallRequest | undefined
  /** Set when the call comes back from a transfer that reached nobody: Twilio's `DialCallStatus`. */
  readonly transferStatus?: string | undefined
  /** Every signed parameter, e.g. `FromCity`, `StirVerstat`. */
  readonly params: Readonly<Record<string, string>>
}

/** The agent talks over a media stream that goes through this process. The default. */
export interface BridgePlan {
  readonly via?: 'bridge'
  /** The agent that talks. Default: the configured one. */
  readonly agentId?: string
  /** What the agent is told and how it is changed for this call. `call_sid` is always added to the variables. */
  readonly initiation?: ConversationInitiation
}

/** How a relay session ended, as Twilio's signed `action` webhook tells it. */
export interface RelayOutcome {
  readonly callSid: string
  readonly sessionId: string
  /** `ended`: we ended it. `failed`: its socket went; the call may live on. `completed`: the call is over. */
  readonly status: 'ended' | 'failed' | 'completed'
  /** In seconds. */
  readonly durationSeconds: number | undefined
  /** What the session was ended with; an object where it was JSON. */
  readonly handoffData: HandoffData | undefined
  /** Twilio's code, e.g. `64105`, when it failed. */
  readonly errorCode: string | undefined
  readonly errorMessage: string | undefined
}

/** Twilio hears and speaks; this process exchanges text. */
export interface RelayPlan {
  readonly via: 'conversation-relay'
  /** Answers the caller. Default: the ElevenLabs agent that `agentId` or the configuration names, by text. */
  readonly brain?: RelayBrain | RelayBrainFunction
  readonly agentId?: string
  readonly initiation?: ConversationInitiation
  /** The agent is set to text only in its dashboard, so that no override has to be allowed. Default `false`. */
  readonly isTextOnlyAgent?: boolean
  /** Attributes of `<ConversationRelay>`: voice, language, greeting, … `events` and `dtmfDetection` are on unless set here. */
  readonly relay?: RelayAttributes
  /** Limits and phrases of the session. Greeting and language come from `relay`. */
  readonly session?: Omit<RelayCallOptions, 'brain' | 'welcomeGreeting' | 'language'>
  /**
   * TwiML to go on with when the session has ended, e.g. a `<Dial>` for whoever takes over. Default: hang up. Not asked when the call
   * is over, nor when the session failed.
   */
  readonly afterwards?: (outcome: RelayOutcome) => string | undefined | Promise<string | undefined>
  /** What happens when the session cannot start or is lost while the call lives on. Default: the fallback message. */
  readonly fallback?: AnswerPlan
}

/** ElevenLabs carries the audio itself; this process only answers the webhook. */
export interface RegisterCallPlan {
  readonly via: 'register-call'
  readonly agentId?: string
  readonly initiation?: ConversationInitiation
  /** How long ElevenLabs may take, in milliseconds. Default 5000; Twilio waits 15 seconds for all of the answer. */
  readonly timeoutMs?: number
  /** Sentences for the caller by what failed: `busy` (429), `misconfigured` (401), `technicalDifficulty`. Default: `PRESET_TEXTS`. */
  readonly texts?: PresetTexts
  /** What happens when the call cannot be registered. Default: a sentence by status, and the hang-up. */
  readonly fallback?: AnswerPlan
}

/** Nobody answers: a sentence, and the hang-up. */
export interface SayPlan {
  readonly via: 'say'
  readonly text: string
  /** As Twilio names it. */
  readonly voice?: string
  readonly language?: string
}

/** How to answer a call. */
export type AnswerPlan =
  | BridgePlan
  | RelayPlan
  | RegisterCallPlan
  | SayPlan
  | { readonly reject: 'rejected' | 'busy' }
  | {
      /** TwiML to answer with instead of an agent. */
      readonly twiml: string
    }

/** What every agent is told of its call besides: `call_sid`, and `is_recorded` where it is, so that it can say so. */
export function initiationOf(call: IncomingCall, initiation: ConversationInitiation = {}): ConversationInitiation {
  const recorded = call.request?.recording === 'dual' ? { is_recorded: true } : {}
  return { ...initiation, dynamicVariables: { ...initiation.dynamicVariables, ...recorded, call_sid: call.callSid } }
}
