/**
 * The REST calls of ElevenLabs that a telephone application makes.
 *
 * @see https://elevenlabs.io/docs/api-reference (read 2026-11-21)
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.js'
import type { SimulatedAgent } from './agent.js'
import type { ConversationRecord } from './record.js'
import { errorAnswer, jsonAnswer, type RestAnswer } from './rest-answer.js'
import { silentMp3 } from './silent-mp3.js'
import { patched, SimulatedSettings, SimulatedTools } from './workspace.js'

/** One request, as it came. */
export interface RestRequest {
  readonly method: string
  /** Path and query. */
  readonly url: URL
  readonly apiKey: string | undefined
  readonly body: string
}

/** What a signed URL opens. */
export interface SignedUrlGrant {
  readonly agentId: string
  readonly signature: string
  /** Given when the URL was asked for with `include_conversation_id`: then it serves once. */
  readonly conversationId: string | undefined
  readonly expiresMs: number
}

/** A call that was registered for Twilio to be connected to. */
export interface RegisteredCall {
  readonly agentId: string
  readonly conversationId: string
  readonly direction: 'inbound' | 'outbound'
  readonly fromNumber: string
  readonly toNumber: string
  /** `conversation_initiation_client_data` of the registration, as it came. */
  readonly initiation: unknown
}

export interface RestOptions {
  readonly apiKey: string
  readonly clock: Clock
  /** `ws://127.0.0.1:…` */
  readonly webSocketUrl: () => string
  /** Where the TwiML of a registered call sends Twilio. */
  readonly twilioSocketUrl: () => string
  readonly agents: ReadonlyMap<string, SimulatedAgent>
  readonly records: Map<string, ConversationRecord>
}

const SIGNED_URL_LIFETIME_MS = 15 * 60_000
const MAX_KEPT = 10_000

/** A new conversation id. */
export function newConversationId(): string {
  return `conv_${randomBytes(14).toString('hex')}`
}

/** The REST half of the simulator. */
export class RestApi {
  /** Signed URLs that may still be used, by signature. */
  readonly grants = new Map<string, SignedUrlGrant>()
  /** Calls that were registered and not connected, by conversation id. */
  readonly registeredCalls = new Map<string, RegisteredCall>()
  readonly #options: RestOptions
  readonly #tools = new SimulatedTools()
  readonly #settings = new SimulatedSettings()
  /** What was changed over the REST API, by agent. */
  readonly #agentPatches = new Map<string, Record<string, unknown>>()

  constructor(options: RestOptions) {
    this.#options = options
  }

  /** Answers one request. */
  answer(request: RestRequest): RestAnswer {
    const { method, url, apiKey } = request
    if (apiKey === undefined) {
      const message = 'Neither authorization header nor xi-api-key received, please provide one.'
      return errorAnswer({ status: 401, shape: 'legacy', code: 'needs_authorization', message })
    }
    if (apiKey !== this.#options.apiKey) {
      return errorAnswer({ status: 401, shape: 'legacy', code: 'invalid_api_key', message: 'Invalid API key' })
    }
    const [, version, ...path] = url.pathname.split('/')
    const route = version === 'v1' ? `${method} ${path.join('/')}` : ''
    switch (route) {
      case 'GET convai/conversation/get-signed-url':
      case 'GET convai/conversation/get_signed_url':
        return this.#signedUrl(url.searchParams)
      case 'POST convai/twilio/register-call':
        return this.#registerCall(request.body)
      case 'GET convai/conversations':
        return this.#listConversations(url.searchParams)
      case 'GET user':
        return jsonAnswer(200, { user_id: 'user_simulated', workspace_id: 'workspace_simulated', subscription, is_new_user: false }) // prettier-ignore
      case 'GET user/subscription':
        return jsonAnswer(200, subscription)
    }
    const [area, kind, id = '', part] = path
    if (area === 'convai' && kind === 'settings' && path.length === 2) {
      return this.#settings.answer(method, readJsonObject(request.body))
    }
    if (area === 'convai' && kind === 'agents' && part === undefined) {
      if (method === 'GET') return this.#agent(id)
      if (method === 'PATCH') return this.#patchAgent(id, request.body)
    }
    if (area === 'convai' && kind === 'tools' && part === undefined) {
      return this.#tools.answer(method, path[2], url.searchParams, readJsonObject(request.body))
    }
    if (area === 'convai' && kind === 'conversations' && id !== '') return this.#conversation(method, id, part)
    const isKnown = area === 'convai' && (kind === 'conversations' || kind === 'agents' || kind === 'twilio')
    return jsonAnswer(isKnown ? 405 : 404, { detail: isKnown ? 'Method Not Allowed' : 'Not Found' })
  }

  /** Takes a signature from a signed URL. `undefined` when it is none, too old, of another agent, or was used up. */
  redeem(signature: string, agentId: string, conversationId: string | undefined): SignedUrlGrant | undefined {
    const grant = this.grants.get(signature)
    if (!grant) return undefined
    const isValid = grant.agentId === agentId && grant.expiresMs > this.#options.clock.monotonicMs()
    if (!isValid || grant.conversationId !== conversationId) return undefined
    if (grant.conversationId !== undefined) this.grants.delete(signature)
    return grant
  }

  #signedUrl(query: URLSearchParams): RestAnswer {
    const agentId = query.get('agent_id')
    if (agentId === null) return missing('query', 'agent_id')
    if (!this.#options.agents.has(agentId)) return notFound('agent')
    const signature = `cvtkn_${randomBytes(24).toString('hex')}`
    const hasId = ['true', '1', 'True'].includes(query.get('include_conversation_id') ?? '')
    const conversationId = hasId ? newConversationId() : undefined
    const expiresMs = this.#options.clock.monotonicMs() + SIGNED_URL_LIFETIME_MS
    remember(this.grants, signature, { agentId, signature, conversationId, expiresMs })
    const url = new URL(`${this.#options.webSocketUrl()}/v1/convai/conversation`)
    url.searchParams.set('agent_id', agentId)
    if (conversationId !== undefined) url.searchParams.set('conversation_id', conversationId)
    url.searchParams.set('conversation_signature', signature)
    return jsonAnswer(200, { signed_url: url.href })
  }

  #registerCall(body: string): RestAnswer {
    const call = readJsonObject(body)
    if (!call)
      return errorAnswer({ status: 422, shape: 'validation', code: 'json_invalid', message: 'JSON decode error' })
    const field = (name: string): string | undefined => {
      const value = call[name]
      return typeof value === 'string' ? value : undefined
    }
    const [agentId, fromNumber, toNumber] = [field('agent_id'), field('from_number'), field('to_number')]
    if (agentId === undefined) return missing('body', 'agent_id')
    if (fromNumber === undefined) return missing('body', 'from_number')
    if (toNumber === undefined) return missing('body', 'to_number')
    const agent = this.#options.agents.get(agentId)
    if (!agent) return notFound('agent')
    const conversationId = newConversationId()
    const direction = field('direction') === 'outbound' ? 'outbound' : 'inbound'
    const initiation = call['conversation_initiation_client_data']
    remember(this.registeredCalls, conversationId, {
      agentId,
      conversationId,
      direction,
      fromNumber,
      toNumber,
      initiation,
    })
    const stream = `<Stream url="${this.#options.twilioSocketUrl()}/v1/convai/conversation"><Parameter name="conversation_id" value="${conversationId}" /></Stream>`
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Connect>${stream}</Connect></Response>`,
    }
  }

  #agent(id: string): RestAnswer {
    const agent = this.#options.agents.get(id)
    return agent ? jsonAnswer(200, this.#describe(agent)) : notFound('agent')
  }

  #describe(agent: SimulatedAgent): unknown {
    return patched(describeAgent(agent), this.#agentPatches.get(agent.agentId) ?? {})
  }

  /** What it changes is shown from now on; how the agent behaves is said by its options alone. */
  #patchAgent(id: string, body: string): RestAnswer {
    const agent = this.#options.agents.get(id)
    const patch = readJsonObject(body)
    if (!agent) return notFound('agent')
    if (!patch)
      return errorAnswer({ status: 422, shape: 'validation', code: 'json_invalid', message: 'JSON decode error' })
    const before = this.#agentPatches.get(id) ?? {}
    const after = patched(before, patch) as Record<string, unknown>
    const ids = toolIdsOf(after)
    const unknown = ids.find((toolId) => !this.#tools.has(toolId))
    if (unknown !== undefined) {
      return errorAnswer({
        status: 404,
        shape: 'legacy',
        code: 'document_not_found',
        message: `Tool ${unknown} was not found.`,
      })
    }
    remember(this.#agentPatches, id, after)
    return jsonAnswer(200, this.#describe(agent))
  }

  #listConversations(query: URLSearchParams): RestAnswer {
    const pageSize = Math.min(100, Math.max(1, Number(query.get('page_size') ?? 30) || 30))
    const offset = Number(query.get('cursor') ?? 0) || 0
    const agentId = query.get('agent_id')
    const all = [...this.#options.records.values()]
      .filter(({ options }) => agentId === null || options.agentId === agentId)
      .reverse()
    const page = all.slice(offset, offset + pageSize).map((record) => record.summary())
    const hasMore = offset + pageSize < all.length
    return jsonAnswer(200, {
      conversations: page,
      next_cursor: hasMore ? String(offset + pageSize) : null,
      has_more: hasMore,
    })
  }

  #conversation(method: string, id: string, part: string | undefined): RestAnswer {
    const record = this.#options.records.get(id)
    if (!record) return notFound('conversation')
    if (method === 'GET' && part === undefined) return jsonAnswer(200, record.toJSON())
    if (method === 'GET' && part === 'audio') {
      if (record.status !== 'done' || record.textOnly) return notFound('audio')
      return { status: 200, headers: { 'content-type': 'audio/mpeg' }, body: silentMp3(record.durationMs) }
    }
    if (method === 'DELETE' && part === undefined) {
      this.#options.records.delete(id)
      return jsonAnswer(200, {})
    }
    return jsonAnswer(405, { detail: 'Method Not Allowed' })
  }
}

const subscription = {
  tier: 'pro',
  status: 'active',
  character_count: 1000,
  character_limit: 500_000,
  next_character_count_reset_unix: null,
  can_extend_character_limit: true,
  voice_limit: 160,
  voice_slots_used: 1,
}

function describeAgent(agent: SimulatedAgent): Record<string, unknown> {
  const { firstMessage } = agent
  return {
    agent_id: agent.agentId,
    name: agent.name,
    conversation_config: {
      asr: { quality: 'high', provider: 'scribe_realtime', user_input_audio_format: agent.userInputAudioFormat, keywords: [] }, // prettier-ignore
      turn: {
        turn_timeout: (agent.turnTimeoutMs ?? 7000) / 1000,
        silence_end_call_timeout: -1,
        turn_eagerness: 'normal',
      },
      tts: { model_id: 'eleven_flash_v2_5', voice_id: 'voice_simulated', agent_output_audio_format: agent.agentOutputAudioFormat }, // prettier-ignore
      conversation: {
        text_only: agent.textOnly,
        max_duration_seconds: Math.round(agent.maxDurationMs / 1000),
        client_events: agent.clientEvents,
      },
      language_presets: Object.fromEntries(agent.languagePresets.map((language) => [language, { overrides: {} }])),
      agent: {
        first_message: typeof firstMessage === 'string' ? firstMessage : (firstMessage?.text ?? ''),
        language: agent.language,
        dynamic_variables: { dynamic_variable_placeholders: {} },
        prompt: { prompt: agent.prompt, llm: 'gemini-2.5-flash', tools: agent.tools, tool_ids: [], built_in_tools: {} },
      },
    },
    platform_settings: {
      auth: { enable_auth: agent.isPrivate, allowlist: [], require_origin_header: false },
      overrides: overridesOf(agent),
    },
    metadata: { created_at_unix_secs: 1_767_225_600 },
    phone_numbers: [],
    tags: [],
  }
}

function toolIdsOf(agent: Record<string, unknown>): readonly string[] {
  const { conversation_config: config } = agent as {
    conversation_config?: { agent?: { prompt?: { tool_ids?: unknown } } }
  }
  const ids = config?.agent?.prompt?.tool_ids
  return Array.isArray(ids) ? ids.map(String) : []
}

function overridesOf({ allowedOverrides }: SimulatedAgent): Record<string, unknown> {
  const { custom_llm_extra_body = false, ...conversation_config_override } = allowedOverrides
  return {
    conversation_config_override,
    custom_llm_extra_body,
    enable_conversation_initiation_client_data_from_webhook: false,
  }
}

function notFound(what: string): RestAnswer {
  return errorAnswer({ status: 404, shape: 'legacy', code: `${what}_not_found`, message: `The ${what} was not found.` })
}

function missing(where: 'query' | 'body', name: string): RestAnswer {
  return jsonAnswer(422, { detail: [{ loc: [where, name], msg: 'Field required', type: 'missing' }] })
}

function readJsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MAX_KEPT && oldest !== undefined) map.delete(oldest)
}
