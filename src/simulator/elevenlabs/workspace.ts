/**
 * What the REST API can change: the workspace's tools and settings, and settings of agents that only the REST API shows.
 *
 * @see https://elevenlabs.io/docs/api-reference/tools and …/workspace (read 2026-11-21)
 * @module
 */
import { randomBytes } from 'node:crypto'
import { errorAnswer, jsonAnswer, type RestAnswer } from './rest-answer.js'

type JsonObject = Record<string, unknown>

const MAX_TOOLS = 1000

/** The tools of one simulated workspace. */
export class SimulatedTools {
  readonly #tools = new Map<string, JsonObject>()

  /** Whether there is a tool of that id. */
  has(id: string): boolean {
    return this.#tools.has(id)
  }

  /** Answers a request to `/v1/convai/tools` or below. */
  answer(method: string, id: string | undefined, query: URLSearchParams, body: JsonObject | undefined): RestAnswer {
    if (id === undefined || id === '') {
      if (method === 'GET') return this.#list(query)
      if (method !== 'POST') return notAllowed
      return this.#write(`tool_${randomBytes(12).toString('hex')}`, body)
    }
    if (!this.#tools.has(id)) {
      return errorAnswer({ status: 404, shape: 'legacy', code: 'tool_not_found', message: 'The tool was not found.' })
    }
    if (method === 'GET') return jsonAnswer(200, this.#describe(id))
    if (method === 'PATCH') return this.#write(id, body)
    if (method !== 'DELETE') return notAllowed
    this.#tools.delete(id)
    return jsonAnswer(200, {})
  }

  #list(query: URLSearchParams): RestAnswer {
    const size = Math.min(100, Math.max(1, Number(query.get('page_size') ?? 30) || 30))
    const offset = Number(query.get('cursor') ?? 0) || 0
    const ids = [...this.#tools.keys()]
    const hasMore = offset + size < ids.length
    const tools = ids.slice(offset, offset + size).map((id) => this.#describe(id))
    return jsonAnswer(200, { tools, has_more: hasMore, next_cursor: hasMore ? String(offset + size) : null })
  }

  #write(id: string, body: JsonObject | undefined): RestAnswer {
    const config = body?.tool_config
    if (typeof config !== 'object' || config === null) return invalid('tool_config', 'Field required')
    const { type, name, description } = config as JsonObject
    if (type !== 'client' && type !== 'webhook')
      return invalid('type', 'Input tag does not match any of the expected tags')
    if (typeof name !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(name))
      return invalid('name', 'String should match pattern')
    if (typeof description !== 'string') return invalid('description', 'Field required')
    if (this.#tools.size >= MAX_TOOLS && !this.#tools.has(id)) return invalid('tool_config', 'Too many tools')
    // What ElevenLabs fills in, so that nobody compares for equality.
    this.#tools.set(id, { response_timeout_secs: 20, disable_interruptions: false, assignments: [], ...config })
    return jsonAnswer(200, this.#describe(id))
  }

  #describe(id: string): JsonObject {
    const usage_stats = { total_calls: 0, avg_latency_secs: 0 }
    return { id, tool_config: this.#tools.get(id), access_info: { is_creator: true, role: 'admin' }, usage_stats }
  }
}

const WEBHOOK_EVENTS: ReadonlySet<unknown> = new Set(['transcript', 'audio', 'call_initiation_failure', 'answering_machine_detection', 'unredacted_transcript', 'unredacted_audio']) // prettier-ignore

/** The settings of one simulated workspace. They are shown and kept; where webhooks really go is said by the simulator's own options. */
export class SimulatedSettings {
  #settings: JsonObject = {
    conversation_initiation_client_data_webhook: null,
    webhooks: { post_call_webhook_id: null, events: ['transcript'], transcript_format: 'json', send_audio: null },
    can_use_mcp_servers: false,
    rag_retention_period_days: 10,
    conversation_embedding_retention_days: null,
    default_livekit_stack: 'standard',
  }

  /** Answers a request to `/v1/convai/settings`. A section that is sent replaces the one that was there. */
  answer(method: string, body: JsonObject | undefined): RestAnswer {
    if (method === 'GET') return jsonAnswer(200, this.#settings)
    if (method !== 'PATCH') return notAllowed
    if (!body) return invalid('body', 'JSON decode error')
    const known = Object.fromEntries(Object.entries(body).filter(([key]) => Object.hasOwn(this.#settings, key)))
    const { webhooks, conversation_initiation_client_data_webhook: initiation } = known
    if (
      isObject(webhooks) &&
      Array.isArray(webhooks.events) &&
      !webhooks.events.every((one) => WEBHOOK_EVENTS.has(one))
    )
      return invalid('webhooks', 'Input should be one of the known events')
    if (isObject(initiation) && !(typeof initiation.url === 'string' && isObject(initiation.request_headers)))
      return invalid('conversation_initiation_client_data_webhook', 'Field required')
    this.#settings = { ...this.#settings, ...known }
    return jsonAnswer(200, this.#settings)
  }
}

/** A partial change over what is there: objects are merged, lists and values replace. */
export function patched(current: unknown, patch: unknown): unknown {
  if (!isObject(current) || !isObject(patch)) return patch
  const out: JsonObject = { ...current }
  for (const [key, value] of Object.entries(patch)) out[key] = patched(current[key], value)
  return out
}

const notAllowed = jsonAnswer(405, { detail: 'Method Not Allowed' })

function invalid(field: string, message: string): RestAnswer {
  return jsonAnswer(422, { detail: [{ loc: ['body', field], msg: message, type: 'value_error' }] })
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
