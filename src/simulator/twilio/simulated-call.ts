/**
 * One call as Twilio keeps it: rings, is answered, runs TwiML, ends; with a caller who can be scripted or led by hand.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { TimerHandle } from '../../core/clock.js'
import { VoiceError } from '../../core/errors.js'
import type { SimulatedCallOptions } from './call-behaviour.js'
import { recordingParameters, verdictOf } from './call-reports.js'
import { playScript, type ScriptOutcome } from './caller-script.js'
import { Interrupted, Line } from './line.js'
import type { MediaStreamLeg } from './media-stream-leg.js'
import type { Utterance } from './mouth.js'
import type { Recording } from './recorder.js'
import type { RelayLeg } from './relay-leg.js'
import { scenarioProblems } from './scenario-verdict.js'
import { scriptedLine } from './scripted-line.js'
import { makeSid } from './sids.js'
import { StatusCallbacks, type CallProgressEvent } from './status-callbacks.js'
import type { TimelineEntry } from './timeline.js'
import type { DialOutcome, TwimlHost, TwimlSource } from './twiml-host.js'
import { runTwiml } from './twiml-interpreter.js'
import { makeViolation, type Violation, type ViolationCode } from './violations.js'
import { rfc2822, voiceParameters, type CallDirection, type CallIdentity, type CallStatus } from './voice-parameters.js'
import type { WebhookAnswer, WebhookPurpose, WebhookSender } from './webhook-sender.js'

/** Who ended a call: the `caller` (or called party), the `host` over REST, the end of the `twiml`, or `twilio` itself. */
export type HangUpBy = 'caller' | 'host' | 'twiml' | 'twilio'

/** How a call ended. */
export interface CallEnd {
  readonly status: CallStatus
  readonly by: HangUpBy
  /** From being answered, in milliseconds; 0 when it never was. */
  readonly durationMs: number
}

/** One request that this call made to the host. */
export interface WebhookRecord {
  readonly atMs: number
  readonly purpose: WebhookPurpose
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly params: Readonly<Record<string, string>>
  /** HTTP status of the answer; 0 when there was none. */
  readonly status: number
}

const MAX_WEBHOOKS_KEPT = 2000
const MAX_VIOLATIONS_KEPT = 500
const SIP_CODES: Readonly<Partial<Record<CallStatus, string>>> = {
  completed: '200',
  busy: '486',
  canceled: '487',
  'no-answer': '487',
  failed: '404',
}

/** A call on the simulator. Made by the simulator, for both directions. */
export class SimulatedCall {
  readonly sid = makeSid('CA')
  readonly accountSid: string
  readonly direction: CallDirection
  readonly from: string
  readonly to: string
  /** When it was made, in milliseconds since 1970. */
  readonly createdAt: number
  /** Resolves once the call is over and every callback was delivered. Never rejects. */
  readonly ended: Promise<CallEnd>

  readonly #options: SimulatedCallOptions
  readonly #identity: CallIdentity
  readonly #line: Line
  readonly #callbacks: StatusCallbacks
  readonly #streams: MediaStreamLeg[] = []
  readonly #relays: RelayLeg[] = []
  readonly #violations: Violation[] = []
  readonly #webhooks: WebhookRecord[] = []
  readonly #dials: DialOutcome[]
  readonly #pending = new Set<Promise<unknown>>()
  readonly #recordingSid = makeSid('RE')
  #status: CallStatus
  #answeredBy: string | undefined
  #source: TwimlSource
  #run = new AbortController()
  #isAbandoned = false
  #onHangUp: (() => Promise<unknown>) | undefined
  #answeredAtMs: number | undefined
  #answeredAt: number | undefined
  #endedAt: number | undefined
  #timeLimit: TimerHandle | undefined
  #detection: TimerHandle | undefined
  #end: CallEnd | undefined
  #script: Promise<ScriptOutcome> | undefined
  #resolveEnded: (end: CallEnd) => void = () => undefined

  constructor(options: SimulatedCallOptions) {
    this.#options = options
    this.accountSid = options.accountSid
    this.direction = options.direction
    this.from = options.from
    this.to = options.to
    this.createdAt = options.clock.now()
    this.#identity = {
      sid: this.sid,
      accountSid: this.accountSid,
      direction: this.direction,
      from: this.from,
      to: this.to,
    }
    this.#line = new Line(options.clock, options.maxRecordingMs)
    this.#dials = [...(options.behaviour.dials ?? [])]
    this.#source = options.source
    this.#status = options.direction === 'inbound' ? 'ringing' : 'queued'
    this.#callbacks = new StatusCallbacks({
      events: new Set(options.statusCallback?.events),
      faults: options.behaviour.statusCallbackFaults ?? {},
      deliver: (params, token) => this.#deliverStatus(params, token),
    })
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
    this.#line.timeline.add('status', { status: this.#status })
  }

  get status(): CallStatus {
    return this.#status
  }

  /** Whether the call is not over yet. */
  get isLive(): boolean {
    return this.#end === undefined
  }

  /** What machine detection has told, in Twilio's word. */
  get answeredBy(): string | undefined {
    return this.#answeredBy
  }

  /** When it was answered and when it ended, in milliseconds since 1970. */
  get answeredAt(): number | undefined {
    return this.#answeredAt
  }

  get endedAt(): number | undefined {
    return this.#endedAt
  }

  /** How it ended; `undefined` while it lasts. */
  get end(): CallEnd | undefined {
    return this.#end
  }

  /** What happened, in order. */
  get timeline(): readonly TimelineEntry[] {
    return this.#line.timeline.entries
  }

  /** What Twilio would report about this call. */
  get violations(): readonly Violation[] {
    return this.#violations
  }

  /** The media streams of this call, oldest first. */
  get streams(): readonly MediaStreamLeg[] {
    return this.#streams
  }

  /** The relay sessions of this call, oldest first. */
  get relays(): readonly RelayLeg[] {
    return this.#relays
  }

  /** The requests made to the host, oldest first; the first 2000 are kept. */
  get webhooks(): readonly WebhookRecord[] {
    return this.#webhooks
  }

  /** Milliseconds since the call was made; stands still once it is over. */
  get nowMs(): number {
    return this.#line.nowMs
  }

  /** Both sides as sound, so far. */
  recording(): Recording {
    return this.#line.recorder.recording(this.#line.nowMs)
  }

  /** The caller says something, after what is being said. Resolves when it was said, or the call is over. */
  async say(utterance: Utterance): Promise<void> {
    this.#line.mouth.say(utterance)
    await this.waitUntil(() => !this.#line.mouth.isSpeaking)
  }

  /** The caller presses one key: `0`–`9`, `*`, `#`, `A`–`D`. @throws RangeError for anything else. */
  press(digit: string): void {
    if (!/^[0-9*#A-D]$/.test(digit)) throw new RangeError('a key is one of 0-9, *, # and A-D')
    if (this.isLive) this.#line.press(digit)
  }

  /** The caller hangs up. Safe to call twice. */
  hangUp(): void {
    this.#finish(
      'caller',
      this.#answeredAtMs === undefined ? (this.direction === 'inbound' ? 'canceled' : 'no-answer') : 'completed',
    )
  }

  /** The socket of the stream or session breaks. */
  dropSocket(): void {
    ;(this.#relays.findLast((leg) => leg.isLive) ?? this.#streams.at(-1))?.drop()
  }

  /** Looks every 20 ms until something is true. Resolves to `false` when time ran out or the call is over. */
  async waitUntil(isMet: () => boolean, withinMs?: number): Promise<boolean> {
    try {
      return await this.#line.until(isMet, new AbortController().signal, withinMs)
    } catch {
      return isMet()
    }
  }

  /**
   * Waits for the end and says whether the call went as scripted.
   *
   * @throws VoiceError `simulator_scenario_failed`, which lists every step that was not met, every scripted `<Dial>`
   * that nobody used, speech that was cut off, and every violation that was not expected or did not come.
   */
  async verify(): Promise<CallEnd> {
    const end = await this.ended
    const problems = scenarioProblems({
      outcome: await this.#script,
      isEndedByCaller: end.by === 'caller',
      unheardMs: (await (this.#relays.at(-1) ?? this.#streams.at(-1))?.ended)?.unheardMs ?? 0,
      unusedDials: this.#dials.length,
      violations: this.#violations,
      expectViolations: this.#options.behaviour.expectViolations ?? [],
    })
    if (problems.length === 0) return end
    throw new VoiceError('simulator_scenario_failed', `The call did not go as scripted:\n- ${problems.join('\n- ')}`, {
      details: { callSid: this.sid, problems: problems.length },
    })
  }

  /** Rings at the host: an inbound call. @internal */
  begin(): void {
    this.#startTwiml()
  }

  /** Rings at the called party: an outbound call. @internal */
  async ring(ringMs: number, outcome: 'answered' | 'busy' | 'no-answer' | 'failed'): Promise<void> {
    this.#progress('initiated', 'initiated')
    try {
      await this.#line.wait(0, new AbortController().signal) // until the next tick the call is queued
      if (outcome !== 'failed') {
        this.#setStatus('ringing')
        this.#progress('ringing', 'ringing')
      }
      await this.#line.wait(ringMs, new AbortController().signal)
      if (outcome === 'answered') {
        this.#answer()
        this.#startTwiml()
      } else this.#finish('twilio', outcome)
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error
    }
  }

  /** The host ends the call over REST. @internal */
  complete(status: 'completed' | 'canceled'): void {
    this.#finish('host', status)
  }

  /** The host sends the call elsewhere over REST. @internal */
  redirect(source: TwimlSource): void {
    this.#source = source
    if (this.#answeredAtMs === undefined && this.direction !== 'inbound') return // it will begin there
    this.#startTwiml()
  }

  /** Ends the call as it stands, without a word to the host. @internal */
  async abandon(): Promise<void> {
    this.#isAbandoned = true
    this.#finish('twilio', 'failed')
    await this.ended
  }

  /** From being answered on; a call that is never answered plays its script when it is over, to see what is unmet. */
  #startScript(): void {
    const { script } = this.#options.behaviour
    if (!script || this.#script) return
    const nextTick = this.waitUntil(() => false, 0) // by then the verb that answered is under way
    this.#script = nextTick.then(() => playScript(script, scriptedLine(this, this.#line), this))
  }

  #startTwiml(): void {
    this.#run.abort(new Interrupted())
    this.#line.release()
    this.#line.prompts.clear()
    const run = new AbortController()
    this.#run = run
    this.#track(
      runTwiml(this.#twimlHost(), this.#source, run.signal).catch((error: unknown) => {
        if (error instanceof Interrupted) return
        this.report(11200, error instanceof Error ? error.name : 'unknown')
        this.#finish('twilio', 'failed')
      }),
    )
  }

  /** Notes what Twilio would report. @internal */
  report(code: ViolationCode, seen: string): void {
    if (this.#isAbandoned) return // nobody is listening any more
    const violation = makeViolation(code, seen, { callSid: this.sid, atMs: this.#line.nowMs })
    this.#line.timeline.add('violation', { code, message: violation.message })
    if (this.#violations.length < MAX_VIOLATIONS_KEPT) this.#violations.push(violation)
    this.#options.onViolation(violation)
  }

  #twimlHost(): TwimlHost {
    const { accountSid, authToken, clock, publicHosts, speakText, seed, fallback, behaviour } = this.#options
    return {
      sid: this.sid,
      accountSid,
      authToken,
      identity: this.#identity,
      clock,
      publicHosts,
      speakText,
      seed,
      fallback,
      line: this.#line,
      streamFaults: behaviour.streamFaults ?? {},
      answer: () => this.#answer(),
      reject: (reason) => {
        const status = reason === 'busy' ? 'busy' : 'no-answer'
        this.#finish('twiml', this.#answeredAtMs === undefined ? status : 'completed')
      },
      hangUp: (by) => this.#finish(by, this.#answeredAtMs === undefined && by === 'twilio' ? 'failed' : 'completed'),
      report: (code, seen) => this.report(code, seen),
      request: (purpose, url, method, params) => this.#request(purpose, url, method, params),
      nextDialOutcome: () => this.#dials.shift() ?? { status: 'completed' },
      streamOpened: (leg) => {
        this.#streams.push(leg)
      },
      relayOpened: (leg) => {
        this.#relays.push(leg)
      },
      hadRelay: () => this.#relays.length > 0,
      onHangUp: (request) => {
        this.#onHangUp = request
        return () => {
          if (this.#onHangUp === request) this.#onHangUp = undefined
        }
      },
    }
  }

  #answer(): void {
    if (this.#answeredAtMs !== undefined || !this.isLive) return
    this.#answeredAtMs = this.#line.nowMs
    this.#answeredAt = this.#options.clock.now()
    this.#setStatus('in-progress')
    this.#line.answer()
    this.#progress('answered', 'in-progress')
    this.#startScript()
    const { clock, timeLimitMs } = this.#options
    this.#timeLimit = clock.setTimeout(() => this.#finish('twilio', 'completed'), timeLimitMs)
    this.#reportRecording('in-progress', 0)
    this.#detect()
  }

  /** Says who answered, once that is found out, and if the call lasts so long. */
  #detect(): void {
    const { clock, detection, behaviour } = this.#options
    const verdict = detection && verdictOf(behaviour, detection)
    if (!detection || verdict === undefined) return
    const { detectionMs = 4000 } = behaviour
    this.#detection = clock.setTimeout(() => {
      this.#answeredBy = verdict
      const params = { CallSid: this.sid, AccountSid: this.accountSid, AnsweredBy: verdict, MachineDetectionDuration: String(detectionMs) } // prettier-ignore
      this.#track(this.#send({ purpose: 'machine-detection', url: detection.url, method: detection.method, params }))
    }, detectionMs)
  }

  #reportRecording(status: 'in-progress' | 'completed', durationMs: number): void {
    const { recording: asked, behaviour } = this.#options
    const { lost = false, twice = false } = behaviour.recordingFaults ?? {}
    if (!asked?.callback?.events.includes(status) || this.#answeredAt === undefined || lost || this.#isAbandoned) return
    const { url, method } = asked.callback
    const params = recordingParameters({
      asked, status, durationMs, sid: this.#recordingSid, accountSid: this.accountSid, callSid: this.sid, startedAt: this.#answeredAt,
    }) // prettier-ignore
    const order = { purpose: 'recording-callback', url, method, params, idempotencyToken: randomUUID() } as const
    for (let copy = 0; copy < (twice ? 2 : 1); copy++) this.#track(this.#send(order))
  }

  #setStatus(status: CallStatus): void {
    this.#status = status
    this.#line.timeline.add('status', { status })
  }

  #progress(event: CallProgressEvent, status: CallStatus, extra: Readonly<Record<string, string>> = {}): void {
    if (this.#isAbandoned) return
    this.#callbacks.emit(event, {
      ...voiceParameters(this.#identity, status),
      Timestamp: rfc2822(this.#options.clock.now()),
      ...extra,
    })
  }

  #finish(by: HangUpBy, status: CallStatus): void {
    if (!this.isLive) return
    const durationMs = this.#answeredAtMs === undefined ? 0 : this.#line.nowMs - this.#answeredAtMs
    const end: CallEnd = { status, by, durationMs }
    this.#end = end
    this.#endedAt = this.#options.clock.now()
    this.#options.clock.clear(this.#timeLimit)
    this.#options.clock.clear(this.#detection)
    this.#line.timeline.add('hang-up', { by })
    this.#setStatus(status)
    const onHangUp = by === 'caller' ? this.#onHangUp : undefined
    for (const leg of [...this.#streams, ...this.#relays]) leg.stop()
    this.#run.abort(new Interrupted())
    this.#line.close()
    this.#startScript()
    void this.#settle(end, onHangUp)
  }

  async #settle(end: CallEnd, onHangUp: (() => Promise<unknown>) | undefined): Promise<void> {
    if (onHangUp) this.#track(onHangUp())
    await Promise.all([...this.#streams, ...this.#relays].map((leg): Promise<unknown> => leg.ended))
    const seconds = Math.round(end.durationMs / 1000)
    this.#progress('completed', end.status, {
      CallDuration: String(seconds),
      Duration: String(Math.ceil(seconds / 60)),
      SipResponseCode: SIP_CODES[end.status] ?? '200',
    })
    await this.#callbacks.settled()
    this.#reportRecording('completed', end.durationMs)
    while (this.#pending.size > 0) await Promise.all(this.#pending)
    this.#resolveEnded(end)
  }

  /** Remembers work that has to be over before the call is. */
  #track(work: Promise<unknown>): void {
    this.#pending.add(work)
    void work.finally(() => this.#pending.delete(work))
  }

  #request(
    purpose: WebhookPurpose,
    url: string,
    method: 'GET' | 'POST',
    extra: Readonly<Record<string, string>> = {},
  ): Promise<WebhookAnswer> {
    const isStreamCallback = purpose === 'stream-callback'
    const standard = isStreamCallback
      ? { AccountSid: this.accountSid, CallSid: this.sid }
      : { ...voiceParameters(this.#identity, this.#status), ...this.#options.parameters }
    const params = purpose === 'play' ? {} : { ...standard, ...extra }
    const sent = this.#send({ purpose, url, method, params })
    this.#track(sent)
    return sent
  }

  async #send(order: Parameters<WebhookSender['send']>[0]): Promise<WebhookAnswer> {
    const atMs = this.#line.nowMs
    const answer = await this.#options.sender.send(order)
    if (this.#webhooks.length < MAX_WEBHOOKS_KEPT) {
      const { purpose, url, method, params } = order
      this.#webhooks.push({ atMs, purpose, url, method, params, status: answer.status })
    }
    const path = URL.canParse(order.url) ? new URL(order.url).pathname : ''
    const tookMs = this.#line.nowMs - atMs
    this.#line.timeline.add('webhook', { purpose: order.purpose, path, httpStatus: answer.status, tookMs })
    return answer
  }

  async #deliverStatus(params: Readonly<Record<string, string>>, idempotencyToken: string): Promise<void> {
    const { statusCallback } = this.#options
    if (!statusCallback) return
    const { url, method } = statusCallback
    const answer = await this.#send({ purpose: 'status-callback', url, method, params, idempotencyToken })
    if (!answer.ok) this.report(15003, answer.seen)
  }
}
