/**
 * Twilio on this machine: a REST API to place calls with, phones that ring, and callers who do as they are told.
 *
 * @module
 */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EventEmitter } from 'eventemitter3'
import { systemClock, type Clock } from '../../core/clock.js'
import type { CallBehaviour, SimulatedCallOptions, StatusCallbackTarget } from './call-behaviour.js'
import { humText, type SpeakText } from './prompt-audio.js'
import { checkPublicHosts, type PublicHosts } from './public-hosts.js'
import { restError, type RestAnswer } from './rest-answer.js'
import type { NewCall } from './rest-call-parameters.js'
import { startRestServer } from './rest-server.js'
import { makeSid } from './sids.js'
import { SimulatedCall } from './simulated-call.js'
import type { Violation } from './violations.js'
import { WebhookSender } from './webhook-sender.js'

/** How the simulator is set up. */
export interface TwilioSimulatorOptions {
  /** Port of the REST API on 127.0.0.1. Default: a free one. */
  readonly port?: number
  /** Default: made up; see {@link TwilioSimulator.accountSid}. */
  readonly accountSid?: string
  /** Signs webhooks and sockets, and opens the REST API. Default: made up; see {@link TwilioSimulator.authToken}. */
  readonly authToken?: string
  /** Default: {@link systemClock}. With `scaledClock(10)` calls, timeouts and delays take a tenth of their time. */
  readonly clock?: Clock
  /**
   * Where public hosts are on this machine, e.g. `{ 'app.example.com': 'http://127.0.0.1:3000' }`. Default: as written. Looked up at each request:
   * a host that starts later may be put in then.
   */
  readonly publicHosts?: PublicHosts
  /** Seed of the faults. Default 1. Each call draws from its own sequence. */
  readonly seed?: number
  /** How `<Say>` sounds. Default: a hum with the rhythm of the words. */
  readonly speakText?: SpeakText
  /** How much of each call is recorded, in milliseconds; 0 records nothing. Default 1 800 000 (30 minutes). */
  readonly maxRecordingMs?: number
  /** Calls that are kept after their end; the oldest is forgotten. Default 1000. */
  readonly maxEndedCalls?: number
  /** How a number behaves that the host calls over REST. Default: it is answered after a second, by somebody silent. */
  readonly callee?: Callee | ((call: { readonly to: string; readonly from: string }) => Callee)
}

/** How a called party behaves. */
export interface Callee extends CallBehaviour {
  /** Default `answered`. */
  readonly outcome?: 'answered' | 'busy' | 'no-answer' | 'failed'
  /** How long it rings, in milliseconds. Default 1000; for `no-answer` the call's `Timeout`. */
  readonly ringMs?: number
}

/** A call from outside to one of the host's numbers. */
export interface InboundCallOptions extends CallBehaviour {
  readonly from: string
  readonly to: string
  /** Where the number's voice webhook is: the public address. */
  readonly voiceUrl: string
  readonly voiceMethod?: 'GET' | 'POST'
  /** Asked for TwiML when the voice webhook fails. */
  readonly fallbackUrl?: string
  /** Where the number reports its calls. Only their end, unless `events` says otherwise. */
  readonly statusCallback?: {
    readonly url: string
    readonly method?: 'GET' | 'POST'
    readonly events?: StatusCallbackTarget['events']
  }
  /** Parameters of voice webhooks besides the standard ones, e.g. `StirVerstat`. */
  readonly parameters?: Readonly<Record<string, string>>
  /** When Twilio ends the call, in milliseconds after it was answered. Default 14 400 000 (four hours). */
  readonly timeLimitMs?: number
}

/** What the simulator tells. */
export interface TwilioSimulatorEvents {
  /** A call was made, by a caller or over REST. */
  call: [call: SimulatedCall]
  /** Twilio would report this. */
  violation: [violation: Violation]
}

const DEFAULT_RING_MS = 1000
const DEFAULT_TIME_LIMIT_MS = 14_400_000
const MAX_VIOLATIONS_KEPT = 10_000

/**
 * Plays Twilio. Everything it does goes over real HTTP and real sockets, so that the host can be written in any language.
 *
 * @example
 * ```ts
 * const twilio = await TwilioSimulator.start({ publicHosts: { 'app.example.com': 'http://127.0.0.1:3000' } })
 * const call = twilio.placeCall({
 *   from: '+12025550100',
 *   to: '+12025550199',
 *   voiceUrl: 'https://app.example.com/voice',
 *   script: [{ step: 'wait-for-agent-speech' }, { step: 'hang-up' }],
 * })
 * await call.verify()
 * await twilio.close()
 * ```
 */
export class TwilioSimulator extends EventEmitter<TwilioSimulatorEvents> {
  /** Starts the simulator. @throws TypeError for a mapping of hosts that cannot be read. */
  static async start(options: TwilioSimulatorOptions = {}): Promise<TwilioSimulator> {
    const simulator = new TwilioSimulator(options)
    simulator.#server = await startRestServer(
      {
        accountSid: simulator.accountSid,
        authToken: simulator.authToken,
        calls: () => simulator.calls,
        find: (sid) => simulator.#calls.get(sid),
        create: (call) => simulator.#createCall(call),
        forget: (sid) => simulator.#calls.delete(sid),
        nextFault: () => simulator.#restFaults.shift(),
      },
      options.port ?? 0,
    )
    return simulator
  }

  readonly accountSid: string
  readonly authToken: string

  readonly #options: TwilioSimulatorOptions
  readonly #clock: Clock
  readonly #publicHosts: PublicHosts
  readonly #sender: WebhookSender
  readonly #calls = new Map<string, SimulatedCall>()
  readonly #violations: Violation[] = []
  readonly #restFaults: RestAnswer[] = []
  #server: Server | undefined
  #made = 0
  #closing: Promise<void> | undefined

  private constructor(options: TwilioSimulatorOptions) {
    super()
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#publicHosts = checkPublicHosts(options.publicHosts ?? {})
    this.accountSid = options.accountSid ?? makeSid('AC')
    this.authToken = options.authToken ?? makeSid('AC').slice(2)
    this.#sender = new WebhookSender({ authToken: this.authToken, publicHosts: this.#publicHosts, clock: this.#clock })
  }

  /** Where the REST API is, e.g. `http://127.0.0.1:41234`. The `twilio` package: `client.api.baseUrl = simulator.url`. */
  get url(): string {
    const address = this.#server?.address() as AddressInfo | null | undefined
    return address ? `http://127.0.0.1:${address.port}` : ''
  }

  /** The calls, oldest first: every live one, and the latest of those that ended. */
  get calls(): readonly SimulatedCall[] {
    return [...this.#calls.values()]
  }

  /** Finds a call by its Call SID. */
  find(callSid: string): SimulatedCall | undefined {
    return this.#calls.get(callSid)
  }

  /** Everything that Twilio would have reported, oldest first; the first 10 000 are kept. */
  get violations(): readonly Violation[] {
    return this.#violations
  }

  /** A caller dials one of the host's numbers. */
  placeCall(options: InboundCallOptions): SimulatedCall {
    const { from, to, voiceUrl, voiceMethod = 'POST', fallbackUrl, statusCallback } = options
    const call = this.#makeCall({
      direction: 'inbound',
      from,
      to,
      source: { kind: 'url', purpose: 'voice', url: voiceUrl, method: voiceMethod },
      fallback: fallbackUrl === undefined ? undefined : { url: fallbackUrl, method: 'POST' },
      statusCallback: statusCallback && {
        url: statusCallback.url,
        method: statusCallback.method ?? 'POST',
        events: statusCallback.events ?? ['completed'],
      },
      behaviour: options,
      parameters: options.parameters ?? {},
      timeLimitMs: options.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS,
    })
    call.begin()
    return call
  }

  /** The next REST request, and only that, gets this error instead of an answer. Several are used up in order. */
  failNextRequest(error: { readonly status: number; readonly code: number; readonly message?: string }): void {
    this.#restFaults.push(restError(error.status, error.code, error.message ?? 'Simulated failure'))
  }

  /** Ends every call and closes everything. Safe to call twice. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #createCall(request: NewCall): SimulatedCall {
    const { callee = {} } = this.#options
    const behaviour = typeof callee === 'function' ? callee({ to: request.to, from: request.from }) : callee
    const { outcome = 'answered' } = behaviour
    const call = this.#makeCall({ ...request, direction: 'outbound-api', behaviour, parameters: {} })
    const ringMs = behaviour.ringMs ?? (outcome === 'no-answer' ? request.timeoutMs : DEFAULT_RING_MS)
    void call.ring(ringMs, outcome === 'answered' && ringMs > request.timeoutMs ? 'no-answer' : outcome)
    return call
  }

  #makeCall(
    options: Pick<
      SimulatedCallOptions,
      | 'direction'
      | 'from'
      | 'to'
      | 'source'
      | 'fallback'
      | 'statusCallback'
      | 'detection'
      | 'recording'
      | 'behaviour'
      | 'parameters'
      | 'timeLimitMs'
    >,
  ): SimulatedCall {
    if (this.#closing) throw new TypeError('the simulator is closed')
    const { seed = 1, speakText = humText, maxRecordingMs = 1_800_000 } = this.#options
    const call = new SimulatedCall({
      ...options,
      accountSid: this.accountSid,
      authToken: this.authToken,
      clock: this.#clock,
      publicHosts: this.#publicHosts,
      sender: this.#sender,
      seed: seed + this.#made++,
      speakText,
      maxRecordingMs,
      onViolation: (violation) => {
        if (this.#violations.length < MAX_VIOLATIONS_KEPT) this.#violations.push(violation)
        this.emit('violation', violation)
      },
    })
    this.#calls.set(call.sid, call)
    this.#forgetOldCalls()
    this.emit('call', call)
    return call
  }

  #forgetOldCalls(): void {
    const { maxEndedCalls = 1000 } = this.#options
    if (this.#calls.size <= maxEndedCalls) return
    let ended = 0
    for (const call of this.#calls.values()) if (!call.isLive) ended++
    for (const call of this.#calls.values()) {
      if (ended <= maxEndedCalls) return
      if (call.isLive) continue
      this.#calls.delete(call.sid)
      ended--
    }
  }

  async #close(): Promise<void> {
    const server = this.#server
    const live = this.calls.filter((call) => call.isLive)
    const abandoned = Promise.all(live.map((call) => call.abandon()))
    await this.#sender.close() // what is on its way ends now, so that no call waits for a host that is gone
    await abandoned
    if (!server) return
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}
