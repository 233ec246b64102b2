/**
 * A simulated ElevenLabs on the loopback interface: its REST API, its agents, its webhooks.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { systemClock, type Clock, type TimerHandle } from '../../core/clock.js'
import { VoiceError } from '../../core/errors.js'
import { socketFromWs, type Socket } from '../../core/socket.js'
import { agentWithDefaults, type SimulatedAgent, type SimulatedAgentOptions } from './agent.js'
import { SimulatedConversation, type ElevenLabsViolation } from './conversation.js'
import type { ConversationFault, RefuseFault } from './faults.js'
import { askInitiation, type InitiationQuestion, type InitiationReply } from './initiation-question.js'
import {
  PostCallWebhooks,
  type PostCallWebhookOptions,
  type WebhookDelivery,
  type WebhookSigning,
} from './post-call.js'
import { Recogniser } from './recogniser.js'
import { ConversationRecord, type RecordOptions } from './record.js'
import { newConversationId, RestApi } from './rest.js'
import { errorAnswer, type RestAnswer, type RestFault } from './rest-answer.js'
import type { Speech } from './script.js'
import { silentMp3 } from './silent-mp3.js'
import { joinTwilioLeg } from './twilio-leg.js'
import { syntheticSpeech, type Utterance } from './utterance.js'

/** Settings of {@link ElevenLabsSimulator.start}. */
export interface ElevenLabsSimulatorOptions {
  readonly agents: readonly SimulatedAgentOptions[]
  /** What `xi-api-key` must be. Default `simulated-key`. */
  readonly apiKey?: string
  /**
   * The utterances that are known by their sound. The agent says them when its script holds their text, and knows them when
   * the caller says them. Every other text is said as a hum (`syntheticSpeech`).
   */
  readonly speech?: readonly Utterance[]
  /** Where post-call webhooks go. Default: nowhere. */
  readonly webhook?: PostCallWebhookOptions
  /** Default: the machine's clock. `scaledClock(10)` plays ten times as fast as life. */
  readonly clock?: Clock
  /** Default: any free port. */
  readonly port?: number
  /**
   * The host that stands in the TwiML of a registered call, e.g. `api.elevenlabs.example`: Twilio takes `wss` only, so give the
   * same host to the `publicHosts` of its simulator. Default: `ws` on this machine.
   */
  readonly publicHost?: string
  /** Told of each conversation when its socket is open, before anything is said. */
  readonly onConversation?: (conversation: SimulatedConversation) => void
}

/** A request that came to the REST API. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly status: number
}

const MAX_BODY_BYTES = 1_048_576
const MAX_MESSAGE_BYTES = 4_194_304
/** Records, requests and violations that are kept. The oldest are forgotten. */
const MAX_KEPT = 5000

/**
 * Plays ElevenLabs for tests and demonstrations: any program that can be told another base URL can talk to it.
 *
 * @example
 * ```ts
 * const elevenlabs = await ElevenLabsSimulator.start({
 *   agents: [{ agentId: 'agent_1', firstMessage: 'Hello.', script: (heard) => `You said: ${heard.text}` }],
 * })
 * // … point the application at elevenlabs.baseUrl, with the key elevenlabs.apiKey …
 * await elevenlabs.close()
 * ```
 */
export class ElevenLabsSimulator {
  readonly apiKey: string
  /** What the client did against the protocol, in all conversations. */
  readonly violations: ElevenLabsViolation[] = []
  /** The requests to the REST API, oldest first. */
  readonly requests: ReceivedRequest[] = []

  readonly #options: ElevenLabsSimulatorOptions
  readonly #clock: Clock
  readonly #agents: ReadonlyMap<string, SimulatedAgent>
  readonly #records = new Map<string, ConversationRecord>()
  readonly #conversations = new Map<string, SimulatedConversation>()
  readonly #rest: RestApi
  readonly #recogniser: Recogniser
  readonly #known: ReadonlyMap<string, Utterance>
  readonly #webhooks: PostCallWebhooks | undefined
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES })
  readonly #restFaults: { fault: RestFault; left: number }[] = []
  readonly #conversationFaults: (readonly ConversationFault[])[] = []
  readonly #arrived: SimulatedConversation[] = []
  readonly #awaited: { resolve: (conversation: SimulatedConversation) => void; reject: (error: VoiceError) => void }[] =
    []
  readonly #timers = new Set<TimerHandle>()
  /** Connections that asked for a socket: no server closes them once they are handed to us. */
  readonly #streams = new Set<Duplex>()
  #isClosed = false

  /** Starts a simulator on 127.0.0.1. @throws RangeError or TypeError for settings that no agent can have. */
  static async start(options: ElevenLabsSimulatorOptions): Promise<ElevenLabsSimulator> {
    const simulator = new ElevenLabsSimulator(options)
    await new Promise<void>((resolve, reject) => {
      simulator.#server.once('error', reject)
      simulator.#server.listen(options.port ?? 0, '127.0.0.1', resolve)
    })
    return simulator
  }

  private constructor(options: ElevenLabsSimulatorOptions) {
    this.#options = options
    this.apiKey = options.apiKey ?? 'simulated-key'
    this.#clock = options.clock ?? systemClock
    this.#agents = new Map(options.agents.map((agent) => [agent.agentId, agentWithDefaults(agent)]))
    if (this.#agents.size !== options.agents.length) throw new TypeError('two agents have the same agentId')
    this.#known = new Map((options.speech ?? []).map((utterance) => [utterance.text, utterance]))
    this.#recogniser = new Recogniser(options.speech ?? [])
    this.#webhooks = options.webhook && new PostCallWebhooks(options.webhook, this.#clock)
    this.#rest = new RestApi({
      apiKey: this.apiKey,
      clock: this.#clock,
      webSocketUrl: () => this.webSocketUrl,
      twilioSocketUrl: () => (options.publicHost === undefined ? this.webSocketUrl : `wss://${options.publicHost}`),
      agents: this.#agents,
      records: this.#records,
    })
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.on('upgrade', (request, stream, head) => {
      stream.on('error', () => stream.destroy())
      stream.on('close', () => this.#streams.delete(stream))
      this.#streams.add(stream)
      this.#upgrade(request, stream, head)
    })
  }

  /** The port on 127.0.0.1. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  /** What replaces `https://api.elevenlabs.io`. */
  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** What replaces `wss://api.elevenlabs.io`. */
  get webSocketUrl(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  /** Every conversation that had a socket, oldest first. */
  get conversations(): readonly SimulatedConversation[] {
    return [...this.#conversations.values()]
  }

  /** The webhooks that were sent. */
  get webhookDeliveries(): readonly WebhookDelivery[] {
    return this.#webhooks?.deliveries ?? []
  }

  /** The next conversation that was not handed out yet. Waits for it. @throws VoiceError when the simulator is closed. */
  nextConversation(): Promise<SimulatedConversation> {
    const conversation = this.#arrived.shift()
    if (conversation) return Promise.resolve(conversation)
    return new Promise((resolve, reject) => this.#awaited.push({ resolve, reject }))
  }

  /** What goes wrong in the next conversation, besides the faults of its agent. */
  failNextConversation(...faults: readonly ConversationFault[]): void {
    this.#conversationFaults.push(faults)
  }

  /** What goes wrong with the next request that fits. */
  failNextRequest(fault: RestFault): void {
    this.#restFaults.push({ fault, left: fault.times ?? 1 })
  }

  /** Sends the webhook of a call that was never connected. Does nothing when no webhook takes it. */
  async sendCallInitiationFailure(failure: {
    readonly agentId: string
    readonly conversationId?: string
    readonly reason: 'busy' | 'no-answer' | 'unknown'
    /** The parameters of Twilio's status callback. */
    readonly twilio?: Readonly<Record<string, string>>
  }): Promise<void> {
    if (!this.#webhooks?.wants('call_initiation_failure')) return
    await this.sendWebhook('call_initiation_failure', {
      agent_id: failure.agentId,
      conversation_id: failure.conversationId ?? newConversationId(),
      failure_reason: failure.reason,
      metadata: { type: 'twilio', body: failure.twilio ?? {} },
    })
  }

  /**
   * Sends any webhook: a type that nobody knows, an old one again, one that is badly signed. Resolves after the first attempt.
   *
   * @throws TypeError when the simulator has no `webhook`.
   */
  async sendWebhook(
    type: string,
    data: Readonly<Record<string, unknown>>,
    signing: WebhookSigning = {},
  ): Promise<void> {
    if (!this.#webhooks) throw new TypeError('The simulator has no webhook to send to')
    await this.#webhooks.send(type, data, signing)
  }

  /**
   * Asks as ElevenLabs does at the start of a native call: for the variables and overrides of this caller. `shape` `older` asks as the receptionist's
   * agents did before, with variables in the question.
   */
  askInitiation(question: InitiationQuestion): Promise<InitiationReply> {
    return askInitiation(question)
  }

  /**
   * Checks that every conversation kept to the protocol and to its script.
   *
   * @throws VoiceError `simulator_scenario_failed` with every violation and every problem of a script.
   */
  verify(): void {
    const problems = [
      ...this.violations.map(({ kind, message }) => `${kind}: ${message}`),
      ...this.conversations.flatMap(({ scriptProblems }) => scriptProblems),
    ]
    if (problems.length === 0) return
    throw new VoiceError('simulator_scenario_failed', `ElevenLabs' side of the scenario failed: ${problems.join('; ')}`)
  }

  /** Drops every conversation and stops. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const timer of this.#timers) this.#clock.clear(timer)
    this.#webhooks?.close()
    for (const client of this.#sockets.clients) client.terminate()
    for (const stream of this.#streams) stream.destroy()
    this.#sockets.close()
    const closed = new VoiceError('simulator_scenario_failed', 'The simulator was closed; no conversation came.')
    for (const { reject } of this.#awaited.splice(0)) reject(closed)
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // REST

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = urlOf(request)
    const method = request.method ?? 'GET'
    const body = await readBody(request)
    const fault = this.#takeRestFault(url.pathname)
    if (fault?.delayMs !== undefined) await this.#sleep(fault.delayMs)
    const key = request.headers['xi-api-key']
    const apiKey = typeof key === 'string' ? key : undefined
    let answer: RestAnswer
    if (fault?.status !== undefined) answer = errorAnswer({ ...fault, status: fault.status })
    else if (body === undefined)
      answer = errorAnswer({ status: 413, shape: 'text', message: 'Request Entity Too Large' })
    else answer = this.#rest.answer({ method, url, apiKey, body })
    keep(this.requests, { method, path: url.pathname, status: answer.status })
    if (response.destroyed) return
    response.writeHead(answer.status, { ...answer.headers, 'request-id': randomUUID() }).end(answer.body)
  }

  #takeRestFault(path: string): RestFault | undefined {
    const at = this.#restFaults.findIndex(({ fault }) => path.includes(fault.path ?? ''))
    const entry = this.#restFaults[at]
    if (entry && --entry.left <= 0) this.#restFaults.splice(at, 1)
    return entry?.fault
  }

  // Conversations

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const url = urlOf(request)
    if (url.pathname !== '/v1/convai/conversation') {
      refuse(stream, { status: 404 })
      return
    }
    const agent = this.#agents.get(url.searchParams.get('agent_id') ?? '')
    const faults = this.#conversationFaults.shift() ?? []
    const fault = [...faults, ...(agent?.faults ?? [])].find(({ at }) => at === 'upgrade')
    const accept = (): void => {
      if (this.#isClosed) stream.destroy()
      else this.#sockets.handleUpgrade(request, stream, head, (ws) => this.#connect(request, url, ws, faults))
    }
    const act = (): void => {
      if (!fault?.action) accept()
      else if ('refuse' in fault.action) refuse(stream, fault.action.refuse)
      else if (!('hang' in fault.action)) stream.destroy()
    }
    if (fault?.afterMs === undefined) act()
    else void this.#sleep(fault.afterMs).then(act)
  }

  #connect(request: IncomingMessage, url: URL, ws: WebSocket, faults: readonly ConversationFault[]): void {
    const socket = socketFromWs(ws)
    const agentId = url.searchParams.get('agent_id')
    if (agentId === null) {
      this.#awaitTwilio(socket, faults)
      return
    }
    const agent = this.#agents.get(agentId)
    if (!agent) {
      socket.close(3000, 'The AI agent you are trying to reach does not exist.')
      return
    }
    const signature = url.searchParams.get('conversation_signature')
    const askedId = url.searchParams.get('conversation_id') ?? undefined
    const grant = signature === null ? undefined : this.#rest.redeem(signature, agentId, askedId)
    const hasKey = request.headers['xi-api-key'] === this.apiKey
    const isOpen = signature === null && askedId === undefined && (!agent.isPrivate || hasKey)
    if (!grant && !isOpen) {
      socket.close(3000, 'Could not authorize the conversation.')
      return
    }
    this.#begin(agent, socket, faults, {
      conversationId: grant?.conversationId ?? newConversationId(),
      authorizationMethod: grant ? 'signed_url' : hasKey ? 'authorization_header' : 'public',
      phoneCall: null,
    })
  }

  #awaitTwilio(socket: Socket, faults: readonly ConversationFault[]): void {
    joinTwilioLeg({
      socket,
      clock: this.#clock,
      claim: (conversationId) => {
        const call = this.#rest.registeredCalls.get(conversationId)
        this.#rest.registeredCalls.delete(conversationId)
        return call
      },
      begin: (call, agentSocket, start) => {
        const agent = this.#agents.get(call.agentId)
        if (!agent) return
        const isInbound = call.direction === 'inbound'
        this.#begin(agent, agentSocket, faults, {
          conversationId: call.conversationId,
          authorizationMethod: 'authorization_header',
          phoneCall: {
            type: 'twilio',
            direction: call.direction,
            phone_number_id: '',
            agent_number: isInbound ? call.toNumber : call.fromNumber,
            external_number: isInbound ? call.fromNumber : call.toNumber,
            call_result: 'answered',
            stream_sid: start.streamSid,
            call_sid: start.callSid,
          },
        })
      },
    })
  }

  #begin(
    agent: SimulatedAgent,
    socket: Socket,
    faults: readonly ConversationFault[],
    identity: Pick<RecordOptions, 'conversationId' | 'authorizationMethod' | 'phoneCall'>,
  ): void {
    const record = new ConversationRecord({ ...identity, agentId: agent.agentId, agentName: agent.name, clock: this.#clock }) // prettier-ignore
    const conversation = new SimulatedConversation({
      agent,
      clock: this.#clock,
      socket,
      record,
      recogniser: this.#recogniser,
      pronounce: (speech) => this.#pronounce(speech),
      faults,
      onViolation: (violation) => keep(this.violations, violation),
    })
    this.#records.set(conversation.conversationId, record)
    this.#conversations.set(conversation.conversationId, conversation)
    for (const map of [this.#records, this.#conversations]) {
      const [oldest] = map.keys()
      if (map.size > MAX_KEPT && oldest !== undefined) map.delete(oldest)
    }
    void conversation.ended.then(() => this.#conclude(record))
    this.#options.onConversation?.(conversation)
    const awaited = this.#awaited.shift()
    if (awaited) awaited.resolve(conversation)
    else keep(this.#arrived, conversation)
  }

  #pronounce(speech: Speech): Utterance {
    return typeof speech === 'string' ? (this.#known.get(speech) ?? syntheticSpeech(speech)) : speech
  }

  async #conclude(record: ConversationRecord): Promise<void> {
    if (this.#isClosed) return
    await this.#sleep(this.#options.webhook?.processingMs ?? 500)
    record.status = 'done'
    const { agentId: agent_id, conversationId: conversation_id } = record.options
    const sendTranscript = async (): Promise<void> => {
      if (this.#webhooks?.wants('transcript')) await this.#webhooks.send('post_call_transcription', record.toJSON())
    }
    const isAudioFirst = this.#options.webhook?.first === 'audio'
    if (!isAudioFirst) await sendTranscript()
    if (this.#webhooks?.wants('audio') && !record.textOnly) {
      const full_audio = silentMp3(record.durationMs).toString('base64')
      await this.#webhooks.send('post_call_audio', { agent_id, conversation_id, full_audio })
    }
    if (isAudioFirst) await sendTranscript()
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => {
        this.#timers.delete(timer)
        resolve()
      }, ms)
      this.#timers.add(timer)
    })
  }
}

function refuse(stream: Duplex, { status, body = '', retryAfterSecs }: RefuseFault['refuse']): void {
  const retryAfter = retryAfterSecs === undefined ? '' : `Retry-After: ${retryAfterSecs}\r\n`
  const length = Buffer.byteLength(body)
  stream.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\n${retryAfter}Content-Length: ${length}\r\n\r\n${body}`)
}

/** The path and query of a request; a path that is none, such as `//`, is that of nothing. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  const base = 'http://127.0.0.1'
  return new URL(URL.canParse(url, base) ? url : '/', base)
}

/** The body as text; `undefined` when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let length = 0
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length
      if (length <= MAX_BODY_BYTES) parts.push(part)
    }
  } catch {
    return '' // the client is gone, and so is whoever would read the answer
  }
  return length > MAX_BODY_BYTES ? undefined : Buffer.concat(parts).toString('utf8')
}

function keep<T>(list: T[], item: T): void {
  list.push(item)
  if (list.length > MAX_KEPT) list.shift()
}
