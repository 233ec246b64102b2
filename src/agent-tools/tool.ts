/**
 * A tool: something that the agent may ask the host to do.
 *
 * @module
 */
import type { JsonSchema, StandardSchema } from './standard-schema.js'

/** What a handler knows besides its parameters. */
export interface AgentToolContext {
  /** The call that the agent is on; what of it is known depends on the road that the request took. */
  readonly call: {
    readonly callSid?: string | undefined
    readonly conversationId?: string | undefined
    readonly agentId?: string | undefined
    /** The person at the other end, in E.164. Never the host's own number. */
    readonly remoteNumber?: string | undefined
  }
  /** Whose call it is. A handler must use this and never an id that the agent wrote. */
  readonly tenantId: string
  /** The vendor's id of this request; absent on roads that have none. */
  readonly toolCallId?: string | undefined
  /** Aborted when the time limit is reached and when the call ends. */
  readonly signal: AbortSignal
}

/** What every tool answers with, on every road. `error` is a sentence that the agent can say. */
export type ToolAnswer =
  | { readonly success: true; readonly data: unknown }
  | { readonly success: false; readonly error: string; readonly code: string }

/** Why a tool did not do what was asked, said by its handler: an expected answer and no failure. */
export class ToolRefusal {
  readonly code: string
  /** A sentence that the agent can say to the caller. */
  readonly error: string

  constructor(code: string, error: string) {
    if (!/^[A-Z][A-Z0-9_]{1,63}$/.test(code))
      throw new TypeError('A refusal\u2019s code is upper case, e.g. SLOT_TAKEN')
    this.code = code
    this.error = error
  }
}

/**
 * Answers that it cannot be done, in words for the caller: `return refuse('SLOT_TAKEN', 'That time has just been taken.')`.
 */
export function refuse(code: string, error: string): ToolRefusal {
  return new ToolRefusal(code, error)
}

/** A tool as it is registered. */
export interface AgentTool {
  /** As it stands in the agent’s settings; case matters. Letters, digits, `_` and `-`, 64 at most. */
  readonly name: string
  /** Other names for the same tool. */
  readonly aliases: readonly string[]
  /** What the model reads to decide when to call it. */
  readonly description: string
  readonly schema: StandardSchema
  readonly jsonSchema: JsonSchema
  /** Longest time for the handler, in milliseconds. */
  readonly timeoutMs: number
  /** Whether the same request, made again on the same call, is answered from the first time. */
  readonly isOnce: boolean
  readonly handler: (parameters: never, context: AgentToolContext) => unknown
}

export interface AgentToolDefinition<Parameters> {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly description: string
  /** What the agent must and may send: zod, or any Standard Schema. Default: nothing. */
  readonly parameters?: StandardSchema<Parameters>
  /** The same as JSON Schema, for a schema library that cannot give it. */
  readonly jsonSchema?: JsonSchema
  /** Longest time for the handler, in milliseconds. Default 8000: below the 10 seconds that a caller bears. */
  readonly timeoutMs?: number
  /**
   * `true` for what must not happen twice, such as a booking: the same request made again on the same call, by a retry or
   * by a model that repeats itself, gets the answer of the first one. Default `false`.
   */
  readonly once?: boolean
  /**
   * Does it. What it returns is the answer (`undefined` is a plain success); {@link refuse} says that it cannot be done. What it
   * throws is told to nobody but the log.
   */
  readonly handler: (parameters: Parameters, context: AgentToolContext) => unknown
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/
const NO_PARAMETERS: StandardSchema<Record<string, never>> = {
  '~standard': { version: 1, vendor: 'callweave', validate: () => ({ value: {} }) },
}
const EMPTY_OBJECT: JsonSchema = { type: 'object', properties: {} }

/**
 * Defines a tool.
 *
 * @throws TypeError for a name that ElevenLabs would refuse, or a schema of which no JSON Schema can be had.
 *
 * @example
 * ```ts
 * const orderStatus = defineTool({
 *   name: 'order_status',
 *   description: 'Where an order is',
 *   parameters: z.object({ orderNumber: z.string().describe('As printed on the receipt') }),
 *   handler: async ({ orderNumber }, { tenantId }) => orders.find(tenantId, orderNumber),
 * })
 * ```
 */
export function defineTool<Parameters = Record<string, never>>(definition: AgentToolDefinition<Parameters>): AgentTool {
  const { name, aliases = [], description, parameters, timeoutMs = 8000, once = false, handler } = definition
  for (const one of [name, ...aliases]) {
    if (!NAME.test(one))
      throw new TypeError(`A tool\u2019s name has letters, digits, _ and - only, 64 at most: "${one}"`)
  }
  if (description.trim() === '') throw new TypeError(`The tool "${name}" needs a description: the model chooses by it`)
  if (!(timeoutMs > 0 && timeoutMs <= 120_000)) {
    throw new RangeError(`timeoutMs of "${name}" must be more than 0 and at most 120 000, got ${timeoutMs}`)
  }
  return {
    name,
    aliases,
    description,
    schema: parameters ?? NO_PARAMETERS,
    jsonSchema: definition.jsonSchema ?? (parameters ? jsonSchemaOf(name, parameters) : EMPTY_OBJECT),
    timeoutMs,
    isOnce: once,
    handler,
  }
}

function jsonSchemaOf(name: string, schema: StandardSchema): JsonSchema {
  const derived = schema['~standard'].jsonSchema?.input({ target: 'draft-07' })
  if (derived?.type !== 'object') {
    throw new TypeError(
      `The parameters of "${name}" must be an object of which a JSON Schema can be had: use zod 4.2 or newer, or give jsonSchema`,
    )
  }
  const { $schema: _version, ...rest } = derived
  return rest
}
