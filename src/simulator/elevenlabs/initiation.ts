/**
 * Decides whether a conversation may start with what the client sent first, and with which settings.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/customization/personalization/overrides (read 2026-11-21)
 * @module
 */
import type { AllowedOverrides, SimulatedAgent } from './agent.js'
import type { InitiationMessage } from './client-messages.js'
import type { Speech } from './script.js'

/** The value of a dynamic variable. */
export type DynamicVariable = string | number | boolean | null

/** What a conversation starts with. */
export interface Initiation {
  readonly dynamicVariables: Readonly<Record<string, DynamicVariable>>
  /** With the variables filled in. */
  readonly firstMessage: Speech | undefined
  readonly textOnly: boolean
  readonly maxDurationMs: number
}

/** Why a conversation may not start: the close code is 1008. */
export interface InitiationRefusal {
  readonly errorType: string
  readonly reason: string
}

/** Reached on a bridge's socket; the numbers and the call are known only to calls that ElevenLabs carries itself. */
const SYSTEM_VARIABLES = new Set([
  'system__conversation_id',
  'system__agent_id',
  'system__current_agent_id',
  'system__call_duration_secs',
  'system__time_utc',
  'system__time',
  'system__timezone',
  'system__agent_turns',
  'system__current_agent_turns',
  'system__current_subagent_turns',
  'system__is_text_only',
  'system__conversation_history',
])

/** Applies the first message of a conversation to its agent. */
export function decideInitiation(agent: SimulatedAgent, message: InitiationMessage): Initiation | InitiationRefusal {
  const override = message.conversation_config_override ?? {}
  const forbidden = forbiddenField(override, agent.allowedOverrides, [])
  if (forbidden !== undefined) {
    return { errorType: 'override_error', reason: `Override for field '${forbidden}' is not allowed by config.` }
  }
  if (message.custom_llm_extra_body && agent.allowedOverrides['custom_llm_extra_body'] !== true) {
    return {
      errorType: 'override_error',
      reason: "Override for field 'custom_llm_extra_body' is not allowed by config.",
    }
  }
  const language = override.agent?.language
  if (language != null && language !== agent.language && !agent.languagePresets.includes(language)) {
    return { errorType: 'value_error', reason: 'The language is not supported by this agent.' }
  }
  const dynamicVariables = message.dynamic_variables ?? {}
  if (Object.keys(dynamicVariables).some((name) => name.startsWith('system__'))) {
    return { errorType: 'value_error', reason: 'Dynamic variables must not start with system__.' }
  }
  const firstMessage = override.agent?.first_message ?? agent.firstMessage
  const places = {
    'first message': typeof firstMessage === 'string' ? firstMessage : (firstMessage?.text ?? ''),
    prompt: override.agent?.prompt?.prompt ?? agent.prompt,
    tools: JSON.stringify(agent.tools),
  }
  for (const [place, text] of Object.entries(places)) {
    const missing = variablesIn(text).filter((name) => !(name in dynamicVariables) && !SYSTEM_VARIABLES.has(name))
    if (missing.length === 0) continue
    const names = missing.map((name) => `'${name}'`).join(', ')
    return {
      errorType: 'missing_dynamic_variable',
      reason: `Missing required dynamic variables in ${place}: {${names}}`,
    }
  }
  const maxDurationSecs = override.conversation?.max_duration_seconds
  return {
    dynamicVariables,
    firstMessage: fillIn(firstMessage, dynamicVariables),
    textOnly: override.conversation?.text_only ?? agent.textOnly,
    maxDurationMs: maxDurationSecs == null ? agent.maxDurationMs : maxDurationSecs * 1000,
  }
}

/** Never refused: keywords are ignored when they are not allowed, and the list of events has no permission. */
const UNGATED = new Set(['asr.keywords', 'conversation.client_events'])

function forbiddenField(value: object, allowed: AllowedOverrides, path: readonly string[]): string | undefined {
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    const flag = allowed[key]
    if (inner === null || inner === undefined || UNGATED.has([...path, key].join('.'))) continue
    if (typeof inner === 'object' && !Array.isArray(inner)) {
      const found = forbiddenField(inner, typeof flag === 'object' ? flag : {}, [...path, key])
      if (found !== undefined) return found
    } else if (flag !== true) return key
  }
  return undefined
}

const PLACEHOLDER = /\{\{\s*([\w.-]+)\s*\}\}/g

function variablesIn(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(PLACEHOLDER), ([, name]) => name ?? ''))]
}

function fillIn(speech: Speech | undefined, variables: Readonly<Record<string, DynamicVariable>>): Speech | undefined {
  if (speech === undefined || speech === '') return undefined
  const text = (typeof speech === 'string' ? speech : speech.text).replaceAll(PLACEHOLDER, (whole, name: string) => {
    const value = variables[name]
    return value === undefined ? whole : String(value)
  })
  return typeof speech === 'string' ? text : { text, audio: speech.audio }
}
