/**
 * What the front door can be told.
 *
 * @module
 */
import type { BridgeLimits } from '../bridge/bridge-limits.js'
import type { CostOptions } from '../calls/cost.js'
import type { FailureMeaning } from '../calls/failures.js'
import type { PlaceCallHooks } from '../calls/place-call.js'
import type { PlaceCallRequest } from '../calls/plan.js'
import type { RetryPolicies } from '../calls/retry-policy.js'
import type { Telephone } from '../calls/telephone.js'
import type { GateOptions } from '../compliance/gate.js'
import type { VoiceConfig } from '../config.js'
import type { Clock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import type { OneTimeTokens } from '../core/one-time-tokens.js'
import type { OutboxDispatcherOptions } from '../events/outbox-dispatcher.js'
import type { HealthCheck } from '../health/checks.js'
import type { UpgradeOptions } from '../middleware/upgrade.js'
import type { Store } from '../storage/store.js'
import type { Metrics } from '../telemetry/metrics.js'
import type { Tracer } from '../telemetry/tracer.js'
import type { PresetTexts } from '../twiml/presets.js'
import type { AgentVariablesOptions } from './agent-variables.js'
import type { AnswerPlan, IncomingCall } from './answer-plan.js'
import type { AnswerFunction } from './answering.js'
import type { StreamLimits } from './bridged-calls.js'
import type { TransferOptions } from './call-control.js'
import type { TurnEvents } from './call-events.js'
import type { CallToolsOptions } from './call-tools.js'
import type { AnswerLimits } from './caller-limits.js'
import type { VoiceTools } from './client-tools.js'
import type { ElevenLabsRoutesOptions } from './elevenlabs-routes.js'
import type { MenuOptions } from './menu.js'
import type { OptOutOptions } from './opt-outs.js'
import type { PathPreset, VoicePaths } from './paths.js'
import type { OnRecording } from './recordings.js'
import type { FindTenant } from './tenants.js'
import type { ComplianceOptions } from './voice-calls.js'

/** Where events go, and how. */
export interface EventOptions extends Omit<Partial<OutboxDispatcherOptions>, 'store' | 'clock' | 'logger' | 'random'> {
  /**
   * Sinks by name, as an `OutboxDispatcher` takes them. Left out, with no `feed` either: this process dispatches nothing, and events wait in the store
   * for one that does. With a feed alone they are told to it, and forgotten.
   */
  readonly sinks?: OutboxDispatcherOptions['sinks']
  /** Default: `publicUrl`. */
  readonly source?: string
  /** Whether the turns of live calls are told. Default `'off'`: a conversation has many. */
  readonly turns?: TurnEvents
}

export interface VoiceOptions extends VoiceConfig {
  /** Where everything is kept. Default: this process's memory, which forgets with it. */
  readonly store?: Store
  /**
   * Where events go: carried from the store to sinks while this lives, beside the calls. Default: they wait in the store for a dispatcher of yours,
   * for as long as none comes; in this process's memory, which nobody else reads, they are forgotten. `{ sinks: {} }`: they are forgotten anywhere.
   */
  readonly events?: EventOptions
  /**
   * The policy that decides about every call that is placed. Default: the rules that are shipped, in their strictest reading, loaded at the first call.
   */
  readonly policy?: GateOptions['policy']
  /** Lists and look-ups that the decision is made with. */
  readonly compliance?: ComplianceOptions
  /** Default: Twilio, with the account above. */
  readonly telephone?: Telephone
  /** Numbers to call from, in E.164; each lead always sees the same one. Default: `twilio.from`. */
  readonly fromNumbers?: readonly string[]
  readonly retries?: RetryPolicies
  readonly cost?: CostOptions
  readonly hooks?: PlaceCallHooks
  /** Told of what needs a person or an alarm. Must not throw. */
  readonly onAlert?: (failure: FailureMeaning, request: PlaceCallRequest) => void

  /**
   * Whose number was called. `'one'` (default): everything belongs to {@link defaultTenantId}. `'store'`: the store's tenants by number. Or a function
   * of yours.
   */
  readonly tenants?: 'one' | 'store' | FindTenant
  /** Default `'default'`. */
  readonly defaultTenantId?: string
  /** Decides how an inbound call is answered, within 5 seconds. Default: the agent of the tenant, or the configured one. */
  readonly answer?: AnswerFunction
  /** Decides how a call that we placed is answered once it is picked up. Default: as its request says. */
  readonly answerPlaced?: AnswerFunction
  /** TwiML for the calls of numbers that no agent answers, whose webhook is the `voice` route. */
  readonly answerOther?: (call: IncomingCall) => string | Promise<string>
  /** How a tenant's calls are answered outside its business hours, where no {@link answer} decides. Default: as ever; the agent knows `is_open`. */
  readonly outsideHours?: AnswerPlan
  /** How many calls a caller, and a tenant, may have. What is over it gets a busy tone. */
  readonly limits?: AnswerLimits
  /** The menu by keypad. */
  readonly menu?: MenuOptions
  readonly optOut?: OptOutOptions

  /** Client tools by the name that the agent's settings give them, or a registry; names are case-sensitive. */
  readonly tools?: VoiceTools
  /** Gives agents the tools of the telephone: transfer, hang up, keys, opt-out. Default: none of them. */
  readonly telephoneTools?: CallToolsOptions
  /** Longest time for one tool, in milliseconds. Default 10 000. Then the agent is told that it failed. */
  readonly toolTimeoutMs?: number
  /**
   * Whether calls have the variables that their agents use. One that lacks some is not opened: a call that is answered takes its fallback, one
   * that is to be placed is refused with `elevenlabs_dynamic_variable_missing`, and the log says which.
   */
  readonly agentVariables?: AgentVariablesOptions
  /** What ElevenLabs may send over HTTP. On where `elevenlabs.webhookSecret` or `auth` here says how it proves itself. */
  readonly elevenLabsRoutes?: ElevenLabsRoutesOptions
  /** What was said, as it was heard and as ElevenLabs wrote it. Default `'store'`: kept with the calls. */
  readonly transcripts?: 'store' | 'off'
  /** Does what is to be done with a finished recording: archive, transcribe. Default: its record is kept, and nothing more. */
  readonly onRecording?: OnRecording

  /** What is said before the hang-up when the agent cannot be had, or is lost. */
  readonly fallbackMessage?: string
  /** Sentences of your own. Default: `PRESET_TEXTS` of `callweave/twiml`. */
  readonly texts?: PresetTexts
  /** Calls at once. Default 1000. Beyond it a caller hears the fallback message. */
  readonly maxCalls?: number
  /** Where calls are sent that still last when the time for draining is over. Default: they are ended. */
  readonly drainTo?: TransferOptions
  /** Limits of each call. */
  readonly bridge?: Partial<BridgeLimits>
  /** Limits of each media stream. */
  readonly stream?: StreamLimits
  /** What media sockets may do until they have shown their token. */
  readonly upgrades?: Pick<
    UpgradeOptions,
    'unsigned' | 'maxUnauthenticated' | 'maxUnauthenticatedPerAddress' | 'maxMessageBytes'
  >
  /** One-time tokens; several processes behind one address need a shared implementation. Default: this process's memory. */
  readonly tokens?: OneTimeTokens
  /** Paths of our routes, or the name of an older system that has them. */
  readonly paths?: PathPreset | Partial<VoicePaths>
  /** How often calls are looked for whose end was never told, in milliseconds. Default 900 000. */
  readonly reapEveryMs?: number
  /** Accepts `http:` and local addresses, for tests and for the simulator. Default `false`. */
  readonly allowInsecure?: boolean
  /** Where calls are counted. Default: metrics of its own, `voice.metrics`. */
  readonly metrics?: Metrics
  /** A tracer of OpenTelemetry. */
  readonly tracer?: Tracer
  /** More health checks, by name. */
  readonly healthChecks?: Readonly<Record<string, HealthCheck>>
  readonly clock?: Clock
  readonly logger?: Logger
  /** From 0 to 1. Default `Math.random`. */
  readonly random?: () => number
}
