/**
 * What agents' texts need to be filled with, and whether a call has it: one variable too few, and ElevenLabs ends the conversation as it
 * begins.
 *
 * @module
 */
import { declaredVariables, type VariableValue } from '../context/variables.js'
import type { Clock } from '../core/clock.js'
import { VoiceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import { LATE, within } from '../core/within.js'
import type { ElevenLabsApi } from '../elevenlabs/api.js'
import { createCachedLoader, type CachedLoader } from '../storage/cached-loader.js'

/** How it is known which variables an agent uses. */
export interface AgentVariablesOptions {
  /**
   * `'fetch'` (default): from the agent's settings, read at its first call and then every five minutes. A list for each agent's id is taken as
   * it is, and an agent that is not in it is not checked. `'unchecked'`: calls open with what they have.
   */
  readonly declared?: 'fetch' | 'unchecked' | Readonly<Record<string, readonly string[]>>
  /** What stands in for a variable that an agent uses and a call does not have. Default: nothing does. */
  readonly defaults?: Readonly<Record<string, VariableValue>>
}

/** Texts that a call has instead of its agent's own. */
export interface OwnTexts {
  readonly firstMessage?: string | undefined
  readonly prompt?: string | undefined
}

/** What a call's variables lack. */
export interface LackingVariables {
  /** The defaults of those that the call does not have. */
  readonly standIns: Readonly<Record<string, VariableValue>>
  /** Those that nobody gave. */
  readonly missing: readonly string[]
  /** Set when some are: `elevenlabs_dynamic_variable_missing`, with their names. */
  readonly error: VoiceError | undefined
}

interface Declared {
  readonly firstMessage: readonly string[]
  readonly prompt: readonly string[]
  readonly tools: readonly string[]
}

const FRESH_MS = 300_000
const MAX_AGENTS = 500
/** A caller waits for it. Beyond it the call goes on unchecked, and ElevenLabs decides. */
const WAIT_MS = 1000

/** Knows what agents use. */
export class AgentVariables {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #defaults: Readonly<Record<string, VariableValue>>
  readonly #listed: Readonly<Record<string, readonly string[]>> | undefined
  readonly #fetched: CachedLoader<Declared | undefined> | undefined

  constructor(
    { api, clock, logger }: { readonly api: Pick<ElevenLabsApi, 'getAgent'>; readonly clock: Clock; readonly logger: Logger }, // prettier-ignore
    { declared = 'fetch', defaults = {} }: AgentVariablesOptions = {},
  ) {
    this.#clock = clock
    this.#logger = logger
    this.#defaults = defaults
    this.#listed = typeof declared === 'string' ? undefined : declared
    this.#fetched =
      declared === 'fetch'
        ? createCachedLoader({ load: (agentId) => this.#load(api, agentId), ttlMs: FRESH_MS, maxEntries: MAX_AGENTS, clock }) // prettier-ignore
        : undefined
  }

  /** What a call lacks of what its agent uses. Never rejects: where that cannot be known in time, nothing is lacking. */
  async lacking(
    agentId: string,
    given: Readonly<Record<string, unknown>>,
    own: OwnTexts = {},
  ): Promise<LackingVariables> {
    const standIns: Record<string, VariableValue> = {}
    const missing: string[] = []
    for (const name of await this.#names(agentId, own)) {
      if (Object.hasOwn(given, name) && given[name] !== undefined) continue
      const standIn = Object.hasOwn(this.#defaults, name) ? this.#defaults[name] : undefined
      if (standIn === undefined) missing.push(name)
      else standIns[name] = standIn
    }
    return { standIns, missing, error: missing.length === 0 ? undefined : missingError(agentId, missing) }
  }

  async #names(agentId: string, { firstMessage, prompt }: OwnTexts): Promise<readonly string[]> {
    if (this.#listed) return Object.hasOwn(this.#listed, agentId) ? (this.#listed[agentId] ?? []) : []
    const declared = this.#fetched && (await within(this.#clock, WAIT_MS, this.#fetched.get(agentId)))
    if (declared === undefined) return []
    if (declared === LATE) {
      this.#logger.warn('An agent’s settings took too long: its variables are not checked', {
        agentId,
        waitMs: WAIT_MS,
      })
      return []
    }
    return [
      ...new Set([
        ...(firstMessage === undefined ? declared.firstMessage : declaredVariables([firstMessage])),
        ...(prompt === undefined ? declared.prompt : declaredVariables([prompt])),
        ...declared.tools,
      ]),
    ]
  }

  /** `undefined`, which is kept like an answer, where they cannot be had: no caller waits for them again until they are due. */
  async #load(api: Pick<ElevenLabsApi, 'getAgent'>, agentId: string): Promise<Declared | undefined> {
    try {
      const { raw } = await api.getAgent({ agentId })
      return declaredBy(raw)
    } catch (error) {
      this.#logger.warn('An agent’s settings could not be read: its variables are not checked', { agentId, error })
      return undefined
    }
  }
}

function declaredBy(agent: Readonly<Record<string, unknown>>): Declared {
  const settings = objectAt(objectAt(agent, 'conversation_config'), 'agent')
  const prompt = objectAt(settings, 'prompt')
  const tools = Array.isArray(prompt.tools) ? (prompt.tools as unknown[]) : []
  // What a tool's answer fills in later is not asked of the call.
  const assigned = new Set(tools.flatMap(assignedBy))
  return {
    firstMessage: declaredVariables([settings.first_message]),
    prompt: declaredVariables([prompt.prompt]).filter((name) => !assigned.has(name)),
    tools: declaredVariables(tools).filter((name) => !assigned.has(name)),
  }
}

function assignedBy(tool: unknown): unknown[] {
  const { assignments } = typeof tool === 'object' && tool !== null ? (tool as { assignments?: unknown }) : {}
  return Array.isArray(assignments) ? assignments.map((one: unknown) => objectAt({ one }, 'one').dynamic_variable) : []
}

function objectAt(value: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const inner = value[key]
  return typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>) : {}
}

function missingError(agentId: string, missing: readonly string[]): VoiceError {
  const names = missing.slice(0, 20).join(', ')
  return new VoiceError('elevenlabs_dynamic_variable_missing', `The agent ${agentId} uses variables that the call does not have: ${names}`) // prettier-ignore
}
