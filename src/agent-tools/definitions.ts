/**
 * What ElevenLabs must be told of the tools: the JSON of each, as a client tool, as a webhook tool, or as the plain list that an
 * agent’s settings page takes.
 *
 * @see https://elevenlabs.io/docs/api-reference/tools/create (read 2026-11-21)
 * @module
 */
import type { JsonSchema } from './standard-schema.js'
import type { AgentTool } from './tool.js'

/** A tool that the agent calls on its own socket. */
export interface ClientToolConfig {
  readonly type: 'client'
  readonly name: string
  readonly description: string
  readonly parameters: JsonSchema
  readonly expects_response: true
  readonly response_timeout_secs: number
}

/** A tool that the agent calls over HTTP. */
export interface WebhookToolConfig {
  readonly type: 'webhook'
  readonly name: string
  readonly description: string
  readonly response_timeout_secs: number
  readonly api_schema: {
    readonly url: string
    readonly method: 'POST'
    readonly content_type: 'application/json'
    readonly request_headers: Readonly<Record<string, string | { readonly secret_id: string }>>
    readonly request_body_schema: JsonSchema
  }
}

/** A tool as the seeds’ settings page lists it. */
export interface PlainToolDefinition {
  readonly name: string
  readonly description: string
  readonly parameters: JsonSchema
}

/** How the agent reaches the tools. */
export type DefinitionsOptions =
  | { readonly as: 'client' }
  | { readonly as: 'plain' }
  | {
      readonly as: 'webhook'
      /** The address of the tools’ route, e.g. `https://calls.example.com/voice/tools`; a tool is at `<url>/<name>`. */
      readonly url: string
      /**
       * Sent with each request; put the secret here that the route checks. Prefer `{ secret_id }`, a secret that is stored at
       * ElevenLabs, to the secret itself.
       */
      readonly headers: Readonly<Record<string, string | { readonly secret_id: string }>>
      /**
       * Values that ElevenLabs fills in besides the model’s, by parameter name. Default: `conversation_id` from
       * `system__conversation_id`, which is how the route learns on which call it is.
       */
      readonly fromVariables?: Readonly<Record<string, string>>
    }

/** The name of the parameter that carries the conversation’s id to a webhook tool. */
export const CONVERSATION_ID_PARAMETER = 'conversation_id'

export function toolDefinitions(tools: readonly AgentTool[], options: { readonly as: 'client' }): ClientToolConfig[]
export function toolDefinitions(tools: readonly AgentTool[], options: { readonly as: 'plain' }): PlainToolDefinition[]
export function toolDefinitions(
  tools: readonly AgentTool[],
  options: Extract<DefinitionsOptions, { as: 'webhook' }>,
): WebhookToolConfig[]
/**
 * The definitions of tools, in their order and under their own names; aliases are for agents that were set up before.
 *
 * @throws TypeError for a webhook address that is not an absolute https URL.
 */
export function toolDefinitions(
  tools: readonly AgentTool[],
  options: DefinitionsOptions,
): (ClientToolConfig | WebhookToolConfig | PlainToolDefinition)[] {
  switch (options.as) {
    case 'plain':
      return tools.map(({ name, description, jsonSchema }) => ({ name, description, parameters: jsonSchema }))
    case 'client':
      return tools.map((tool) => ({
        type: 'client',
        name: tool.name,
        description: tool.description,
        parameters: vendorSchema(tool.jsonSchema, tool.name),
        expects_response: true,
        response_timeout_secs: responseTimeoutSecs(tool, 1),
      }))
    case 'webhook':
      return tools.map((tool) => webhookTool(tool, options))
  }
}

function webhookTool(tool: AgentTool, options: Extract<DefinitionsOptions, { as: 'webhook' }>): WebhookToolConfig {
  const { url, headers, fromVariables = { [CONVERSATION_ID_PARAMETER]: 'system__conversation_id' } } = options
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') {
    throw new TypeError('A webhook tool needs an absolute https address')
  }
  const schema = vendorSchema(tool.jsonSchema, tool.name)
  const variables = Object.entries(fromVariables).map(([name, variable]) => [
    name,
    { type: 'string', dynamic_variable: variable },
  ])
  return {
    type: 'webhook',
    name: tool.name,
    description: tool.description,
    response_timeout_secs: responseTimeoutSecs(tool, 5),
    api_schema: {
      url: `${url.replace(/\/+$/, '')}/${encodeURIComponent(tool.name)}`,
      method: 'POST',
      content_type: 'application/json',
      request_headers: headers,
      request_body_schema: {
        ...schema,
        properties: { ...(schema.properties as object), ...Object.fromEntries(variables) },
      },
    },
  }
}

/** Above our own limit, so that the agent hears our answer and not its own time-out. */
function responseTimeoutSecs(tool: AgentTool, floor: number): number {
  return Math.min(120, Math.max(floor, Math.ceil(tool.timeoutMs / 1000) + 2))
}

const KEPT = ['type', 'description', 'enum', 'required', 'items', 'properties'] as const

/**
 * The part of JSON Schema that ElevenLabs takes. Each value must be described, or the model has nothing to go by; what has no
 * description gets its name in words.
 */
function vendorSchema(schema: JsonSchema, name: string): JsonSchema {
  const out: Record<string, unknown> = {}
  for (const key of KEPT) if (schema[key] !== undefined) out[key] = schema[key]
  if (schema.type === 'object') {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)
    out.properties = Object.fromEntries(properties.map(([key, value]) => [key, vendorSchema(value, key)]))
    out.required ??= []
  } else out.description ??= inWords(name)
  if (schema.type === 'array' && schema.items !== undefined) out.items = vendorSchema(schema.items as JsonSchema, name)
  return out
}

function inWords(name: string): string {
  return name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase()
}
