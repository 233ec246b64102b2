/**
 * The REST calls that a telephone backend makes: a signed URL, an agent, a conversation, a registered call, the account.
 *
 * @see https://elevenlabs.io/docs/api-reference (read 2026-11-21)
 * @module
 */
import type { ZodType } from 'zod'
import { systemClock, type Clock } from '../core/clock.js'
import { VendorError } from '../core/errors.js'
import { sendRequest, type Fetch } from '../core/http.js'
import {
  agentRecordOf,
  agentShape,
  conversationShape,
  settingsShape,
  signedUrlShape,
  toolShape,
  toolsShape,
  userShape,
  type AgentRecord,
  type ConversationRecord,
  type SignedUrl,
  type ToolRecord,
  type UserRecord,
} from './api-records.js'
import { encodeInitiationFields, type ConversationInitiation } from './initiation.js'
import { refusalError, requestIdOf } from './refusal.js'

/** Where ElevenLabs answers when no region was chosen: it routes to the nearest. */
export const DEFAULT_BASE_URL = 'https://api.elevenlabs.io'

export interface ElevenLabsApiOptions {
  /** A secret. Kept to itself: it is in no property, message or log line. */
  readonly apiKey: string
  /**
   * Default `https://api.elevenlabs.io`. A workspace with data residency has keys and agents of its own, and an address:
   * `https://api.eu.residency.elevenlabs.io`, `https://api.in.residency.elevenlabs.io`, …
   */
  readonly baseUrl?: string
  /** Default: `globalThis.fetch` as it is at each call, over a pool of connections that are kept open. */
  readonly fetch?: Fetch
  /** Limit on each request, in milliseconds. Default 5000: a caller is waiting. */
  readonly timeoutMs?: number
  /** The longest answer that is read, in bytes. Default 8 MiB. */
  readonly maxResponseBytes?: number
  readonly clock?: Clock
}

interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  readonly query?: Record<string, string | undefined>
  readonly json?: unknown
  /** Default: POST with a body, GET without. */
  readonly method?: 'POST' | 'PATCH'
}

/** A JSON object in the vendor's names. */
export type WireObject = Readonly<Record<string, unknown>>

/** What every call takes. */
export interface ApiCallOptions {
  readonly signal?: AbortSignal
}

export interface SignedUrlRequest extends ApiCallOptions {
  readonly agentId: string
  readonly branchId?: string
  readonly versionId?: string
  readonly environment?: string
  /** Whether to learn the conversation's id now; the URL then works once. Default `true`. */
  readonly includeConversationId?: boolean
}

export interface RegisterCallRequest extends ApiCallOptions {
  readonly agentId: string
  /** E.164. */
  readonly fromNumber: string
  /** E.164. */
  readonly toNumber: string
  /** Default `'inbound'`. */
  readonly direction?: 'inbound' | 'outbound'
  readonly initiation?: ConversationInitiation
}

/** What the voice webhook answers, so that ElevenLabs carries the audio itself. */
export interface RegisteredCall {
  /** TwiML for Twilio, as it came. */
  readonly twiml: string
  /** The id of the conversation that will be; `undefined` when the TwiML does not tell it. */
  readonly conversationId: string | undefined
}

/**
 * The REST side of ElevenLabs.
 *
 * Every call throws {@link VendorError} when ElevenLabs refuses (with `status`, `vendorCode`, `requestId`, `retryAfterMs` and
 * whether a repeat can help), and `VoiceError` `http_timeout`, `http_aborted`, `http_connection_failed` or
 * `http_response_too_large` when there was no answer to speak of. Nothing is repeated by itself.
 *
 * @example
 * ```ts
 * const api = new ElevenLabsApi({ apiKey })
 * const { signedUrl, conversationId } = await api.getSignedUrl({ agentId })
 * ```
 */
export class ElevenLabsApi {
  /** Without a slash at its end. */
  readonly baseUrl: string
  readonly #apiKey: string
  readonly #timeoutMs: number
  readonly #maxResponseBytes: number | undefined
  readonly #fetch: Fetch | undefined
  readonly #clock: Clock

  constructor({
    apiKey,
    baseUrl,
    timeoutMs = 5000,
    maxResponseBytes,
    fetch,
    clock = systemClock,
  }: ElevenLabsApiOptions) {
    if (typeof apiKey !== 'string' || !/^[\x21-\x7e]+$/.test(apiKey)) {
      throw new TypeError('apiKey must be an ElevenLabs API key: printable characters, no spaces')
    }
    if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be a positive number, got ${timeoutMs}`)
    this.baseUrl = checkedBaseUrl(baseUrl)
    this.#apiKey = apiKey
    this.#timeoutMs = timeoutMs
    this.#maxResponseBytes = maxResponseBytes
    this.#fetch = fetch
    this.#clock = clock
  }

  /** Where one conversation with an agent may be opened. Fetch one for each call: it works once, for 15 minutes. */
  async getSignedUrl({ agentId, signal, ...options }: SignedUrlRequest): Promise<SignedUrl> {
    const what = 'get-signed-url'
    const { value, requestId } = await this.#getJson(what, signedUrlShape, '/v1/convai/conversation/get-signed-url', {
      signal,
      query: {
        agent_id: agentId,
        include_conversation_id: String(options.includeConversationId ?? true),
        branch_id: options.branchId,
        version_id: options.versionId,
        environment: options.environment,
      },
    })
    const { signedUrl } = value
    if (!/^wss?:\/\//.test(signedUrl) || !URL.canParse(signedUrl))
      throw unreadable(what, 'signed_url is no address', requestId)
    return { signedUrl, conversationId: new URL(signedUrl).searchParams.get('conversation_id') ?? undefined }
  }

  /** An agent's settings. Costs nothing; good to check before the first call. */
  async getAgent({ agentId, signal }: { readonly agentId: string } & ApiCallOptions): Promise<AgentRecord> {
    const path = `/v1/convai/agents/${encodeURIComponent(agentId)}`
    const { value, raw } = await this.#getJson('get agent', agentShape, path, { signal })
    return agentRecordOf(value, raw)
  }

  /**
   * Changes an agent's settings, in the vendor's names. Objects are merged by ElevenLabs; lists replace what was there, so send them whole.
   */
  async updateAgent({
    agentId,
    settings,
    signal,
  }: { readonly agentId: string; readonly settings: WireObject } & ApiCallOptions): Promise<AgentRecord> {
    const path = `/v1/convai/agents/${encodeURIComponent(agentId)}`
    const { value, raw } = await this.#getJson('update agent', agentShape, path, {
      signal,
      method: 'PATCH',
      json: settings,
    })
    return agentRecordOf(value, raw)
  }

  /** Every tool of the workspace, page by page; 10 000 at most. */
  async listTools({ signal }: ApiCallOptions = {}): Promise<readonly ToolRecord[]> {
    const tools: ToolRecord[] = []
    let cursor: string | undefined
    for (let page = 0; page < 100; page++) {
      const query = { page_size: '100', cursor }
      const { value } = await this.#getJson('list tools', toolsShape, '/v1/convai/tools', { signal, query })
      tools.push(...value.tools)
      if (value.hasMore !== true || value.nextCursor === undefined) break
      cursor = value.nextCursor
    }
    return tools
  }

  /** Makes a tool of the workspace, from its JSON as `toolDefinitions` gives it. */
  async createTool({ config, signal }: { readonly config: WireObject } & ApiCallOptions): Promise<ToolRecord> {
    const options = { signal, method: 'POST', json: { tool_config: config } } as const
    return (await this.#getJson('create tool', toolShape, '/v1/convai/tools', options)).value
  }

  /** Changes a tool: `config` is all of it. */
  async updateTool(
    request: { readonly toolId: string; readonly config: WireObject } & ApiCallOptions,
  ): Promise<ToolRecord> {
    const path = `/v1/convai/tools/${encodeURIComponent(request.toolId)}`
    const options = { signal: request.signal, method: 'PATCH', json: { tool_config: request.config } } as const
    return (await this.#getJson('update tool', toolShape, path, options)).value
  }

  /** Settings of the workspace, in the vendor's names: its post-call webhook and its initiation webhook among them. */
  async getSettings({ signal }: ApiCallOptions = {}): Promise<WireObject> {
    return (await this.#getJson('get settings', settingsShape, '/v1/convai/settings', { signal })).value
  }

  /** Changes settings of the workspace. A section that is sent replaces what was there, so send it whole; others stay. */
  async updateSettings({ settings, signal }: { readonly settings: WireObject } & ApiCallOptions): Promise<WireObject> {
    const options = { signal, method: 'PATCH', json: settings } as const
    return (await this.#getJson('update settings', settingsShape, '/v1/convai/settings', options)).value
  }

  /** A conversation that was held, transcript included. It takes seconds to minutes after a call until it is `done`. */
  async getConversation(request: { readonly conversationId: string } & ApiCallOptions): Promise<ConversationRecord> {
    const path = `/v1/convai/conversations/${encodeURIComponent(request.conversationId)}`
    const { value, raw } = await this.#getJson('get conversation', conversationShape, path, { signal: request.signal })
    return { ...value, raw }
  }

  /** Whose key it is. Costs nothing: the cheapest way to see that ElevenLabs answers and that the key is good. */
  async getUser({ signal }: ApiCallOptions = {}): Promise<UserRecord> {
    const { value } = await this.#getJson('get user', userShape, '/v1/user', { signal })
    return value
  }

  /**
   * Hands a call over to ElevenLabs: answer the voice webhook with the TwiML, within Twilio's 15 seconds. The agent's formats
   * must both be `ulaw_8000`. Each answer serves one call.
   */
  async registerCall({ agentId, fromNumber, toNumber, ...options }: RegisterCallRequest): Promise<RegisteredCall> {
    const what = 'register-call'
    const { text, requestId } = await this.#request(what, '/v1/convai/twilio/register-call', {
      signal: options.signal,
      json: {
        agent_id: agentId,
        from_number: fromNumber,
        to_number: toNumber,
        direction: options.direction ?? 'inbound',
        ...(options.initiation && { conversation_initiation_client_data: encodeInitiationFields(options.initiation) }),
      },
    })
    const twiml = text.trimStart().startsWith('"') ? stringFromJson(text) : text
    if (!/<Response[\s>]/.test(twiml)) throw unreadable(what, 'the answer is not TwiML', requestId)
    return { twiml, conversationId: conversationIdOf(twiml) }
  }

  async #getJson<T>(
    what: string,
    shape: ZodType<T>,
    path: string,
    options: RequestOptions,
  ): Promise<{ value: T; raw: Readonly<Record<string, unknown>>; requestId: string | undefined }> {
    const { text, requestId } = await this.#request(what, path, options)
    let raw: unknown
    try {
      raw = JSON.parse(text)
    } catch {
      throw unreadable(what, `the answer is not JSON (${text.length} characters)`, requestId)
    }
    const parsed = shape.safeParse(raw)
    if (parsed.success) return { value: parsed.data, raw: raw as Readonly<Record<string, unknown>>, requestId }
    const issues = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.code}`)
    throw unreadable(what, issues.join('; '), requestId)
  }

  async #request(
    what: string,
    path: string,
    options: RequestOptions,
  ): Promise<{ text: string; requestId: string | undefined }> {
    const url = new URL(this.baseUrl + path)
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
    const response = await sendRequest({
      method: options.method ?? (options.json === undefined ? 'GET' : 'POST'),
      url: url.href,
      headers: { 'xi-api-key': this.#apiKey, accept: 'application/json, application/xml;q=0.9, */*;q=0.1' },
      json: options.json,
      timeoutMs: this.#timeoutMs,
      signal: options.signal,
      ...(this.#maxResponseBytes === undefined ? {} : { maxResponseBytes: this.#maxResponseBytes }),
      fetch: this.#fetch,
      clock: this.#clock,
    })
    if (response.status < 200 || response.status > 299) throw refusalError(what, response, this.#clock.now())
    return { text: response.text, requestId: requestIdOf(response.headers) }
  }
}

/** @throws TypeError when it is no http address, or has parts that a base cannot have. */
function checkedBaseUrl(baseUrl = DEFAULT_BASE_URL): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new TypeError('baseUrl must be an http(s) address without query, such as https://api.elevenlabs.io')
  }
  return url.href.replace(/\/+$/, '')
}

function unreadable(what: string, why: string, requestId: string | undefined): VendorError {
  const id = requestId === undefined ? {} : { requestId }
  return new VendorError('elevenlabs_response_invalid', `${what}: the answer of ElevenLabs cannot be read (${why})`, id)
}

function stringFromJson(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : text
  } catch {
    return text
  }
}

/** The order of a tag's attributes is not promised. */
function conversationIdOf(twiml: string): string | undefined {
  for (const [tag] of twiml.matchAll(/<Parameter\b[^>]{0,500}>/g)) {
    if (/\bname=(["'])conversation_id\1/.test(tag)) return /\bvalue=(["'])([\w-]{1,128})\1/.exec(tag)?.[2]
  }
  return undefined
}
