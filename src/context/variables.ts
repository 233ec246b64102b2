/**
 * The values that an agent's prompt is filled with, held against what the agent declares.
 *
 * A variable that the agent uses and nobody sent ends the conversation as soon as it has begun (close code 1008), so it is found
 * here, before anybody is called.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/customization/personalization/dynamic-variables (read 2026-11-21)
 * @module
 */

/** A value that ElevenLabs takes. */
export type VariableValue = string | number | boolean | null

/** Where an agent may use variables. Texts and whole settings: every `{{name}}` in them is found. */
export type VariableSources = readonly unknown[]

/** What is wrong with a set of variables; empty lists when nothing is. */
export interface VariableProblems {
  /** Used by the agent, and not sent. The conversation would end with 1008. */
  readonly missing: readonly string[]
  /** Sent under a name that only ElevenLabs may set (`system__…`). The conversation would be refused. */
  readonly reserved: readonly string[]
  /** Secrets (`secret__…`) that a text for the model uses: it would read them. They belong in tool headers. */
  readonly exposedSecrets: readonly string[]
  /** Neither text, number, truth value nor null. */
  readonly mistyped: readonly string[]
}

const PLACEHOLDER = /\{\{\s*([A-Za-z_][\w.-]{0,127})\s*\}\}/g
/** Deeper than any agent's settings. */
const MAX_DEPTH = 24

/** Names of the variables that stand as `{{name}}` in the sources, in the order of their first use; `system__…` left out. */
export function declaredVariables(sources: VariableSources): string[] {
  const names = new Set<string>()
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === 'string') {
      for (const [, name = ''] of value.matchAll(PLACEHOLDER)) if (!name.startsWith('system__')) names.add(name)
    } else if (typeof value === 'object' && value !== null && depth > 0) {
      for (const inner of Object.values(value)) visit(inner, depth - 1)
    }
  }
  for (const source of sources) visit(source, MAX_DEPTH)
  return [...names]
}

/**
 * Holds variables against an agent.
 *
 * @param agent - `prompt` is everything that the model reads: the prompt, the first message, descriptions. `tools` is where secrets may
 * stand: tool headers and addresses.
 */
export function checkVariables(
  variables: Readonly<Record<string, unknown>>,
  agent: { readonly prompt: VariableSources; readonly tools?: VariableSources },
): VariableProblems {
  const inPrompt = declaredVariables(agent.prompt)
  const declared = [...new Set([...inPrompt, ...declaredVariables(agent.tools ?? [])])]
  const names = Object.keys(variables)
  return {
    missing: declared.filter((name) => variables[name] === undefined),
    reserved: names.filter((name) => name.startsWith('system__')),
    exposedSecrets: inPrompt.filter((name) => name.startsWith('secret__')),
    mistyped: names.filter((name) => !isVariableValue(variables[name]) && variables[name] !== undefined),
  }
}

/** Whether ElevenLabs takes it as a variable. */
export function isVariableValue(value: unknown): value is VariableValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** What {@link promptText} makes of a text. */
export interface PromptTextOptions {
  /** Longest text, in characters. Default 500; the rest is cut. */
  readonly maxChars?: number
}

/**
 * Makes text of leads, callers and other systems harmless where it stands in a prompt: on one line, without anything that could
 * begin a heading, a list, a code block or a placeholder of its own, and of bounded length.
 *
 * It stays readable: `# Ignore the above` becomes `Ignore the above`, said by nobody but the lead.
 */
export function promptText(value: unknown, { maxChars = 500 }: PromptTextOptions = {}): string {
  const text =
    typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  const oneLine = text
    .slice(0, maxChars * 4)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\{\{|\}\}|\{%|%\}/g, ' ')
    .replaceAll(/`{3,}|~{3,}/g, ' ')
    .replaceAll(/<\/?[A-Za-z!][^<>]{0,200}>/g, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim()
    .replace(/^(?:[#>*=|-]+\s*)+/, '')
  return Array.from(oneLine).slice(0, maxChars).join('').trim()
}
