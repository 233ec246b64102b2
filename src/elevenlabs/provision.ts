/**
 * Sets an agent and its workspace up for a telephone: reads what is there, compares, and writes what differs.
 *
 * @see https://elevenlabs.io/docs/api-reference/agents/update, …/tools/create and …/workspace/update-settings (read 2026-11-21)
 * @module
 */
import type { ElevenLabsApi, WireObject } from './api.js'
import type { ToolRecord } from './api-records.js'
import { atPaths, differences, merged, type WireDifference } from './wire-difference.js'

/** The events without which a bridge cannot work or a transcript is not whole. An agent whose list was never set lacks three of them. */
export const REQUIRED_CLIENT_EVENTS: readonly string[] = [
  'conversation_initiation_metadata',
  'audio',
  'interruption',
  'ping',
  'agent_response',
  'agent_response_correction',
  'user_transcript',
  'client_tool_call',
  'agent_tool_response',
]

export interface ProvisionOptions {
  readonly api: Pick<ElevenLabsApi, 'getAgent' | 'updateAgent' | 'listTools' | 'createTool' | 'updateTool' | 'getSettings'> // prettier-ignore
  readonly agentId: string
  /**
   * The tools that the agent must have, as `toolDefinitions` gives them with `as: 'client'` or `as: 'webhook'`. A tool of another name that the
   * agent has stays. Default: tools are left alone.
   */
  readonly tools?: readonly (object & { readonly type: string; readonly name: string })[]
  /** The format of the agent's audio, both ways. Default `ulaw_8000`, which a telephone speaks; `'unchanged'` leaves it. */
  readonly audioFormat?: string
  /**
   * Overrides that the host sends, which the agent must allow or the call ends at once: `agent.first_message`, `agent.prompt.prompt`,
   * `tts.voice_id`, … Others that are allowed stay so.
   */
  readonly overrides?: readonly string[]
  /** Events that the agent must send. Default {@link REQUIRED_CLIENT_EVENTS}; others that it sends stay. */
  readonly clientEvents?: readonly string[]
  /** The workspace's webhook that tells of this agent's conversations, and which events it gets. Default: left alone. */
  readonly postCallWebhook?: PostCallWebhook
  /**
   * Where the agent asks for variables at the start of a native call: an address of its own, or `'of-workspace'`, which
   * {@link provisionWorkspace} sets. Default: left alone.
   */
  readonly initiationWebhook?: InitiationWebhook | 'of-workspace'
  /** `true`: nothing is written. Default `false`. */
  readonly dryRun?: boolean
  readonly signal?: AbortSignal
}

/** A webhook of the workspace that tells of conversations that are over. */
export interface PostCallWebhook {
  /** Its id, as the dashboard and `POST /v1/workspace/webhooks` give it. */
  readonly webhookId: string
  /** `transcript`, `audio`, `call_initiation_failure`, … Default: left alone. */
  readonly events?: readonly string[]
}

/** Where agents ask for variables at the start of a native call. */
export interface InitiationWebhook {
  readonly url: string
  /** They prove who asks; prefer `{ secret_id }` to the secret. */
  readonly headers: Readonly<Record<string, string | { readonly secret_id: string }>>
}

export interface ProvisionWorkspaceOptions {
  readonly api: Pick<ElevenLabsApi, 'getSettings' | 'updateSettings'>
  /** For every agent that has none of its own. Events that the workspace sends already stay. Default: left alone. */
  readonly postCallWebhook?: PostCallWebhook
  /** For every agent that is set up to ask and has none of its own. Default: left alone. */
  readonly initiationWebhook?: InitiationWebhook
  /** `true`: nothing is written. Default `false`. */
  readonly dryRun?: boolean
  readonly signal?: AbortSignal
}

/** One thing that was, or with `dryRun` would be, changed. */
export interface ProvisionChange {
  readonly action: 'create-tool' | 'update-tool' | 'update-agent' | 'update-workspace'
  /** The tool's name, the agent's id, or `settings` of the workspace. */
  readonly name: string
  /** Where, in the vendor's names: `conversation_config.asr.user_input_audio_format`. Empty for a new tool. */
  readonly path: string
  /** `undefined`: nothing was there. The values of headers are hidden. */
  readonly before: unknown
  readonly after: unknown
}

/** What came of it. */
export interface Provisioned {
  /** Empty when the agent was as it should be. */
  readonly changes: readonly ProvisionChange[]
  /** `false` after a dry run, and when there was nothing to write. */
  readonly isWritten: boolean
}

/**
 * Makes an agent, and the tools that it has, what the host needs. Run it again and nothing changes.
 *
 * A tool of the right name that this agent does not have is another agent's: it is taken only if it is the same already, and otherwise a new
 * one is made. Of tools that the agent has, what was set in the dashboard and is not ours to say stays.
 *
 * @throws VendorError as every call of {@link ElevenLabsApi}. Tools that were written before stay written; run it again.
 * @throws TypeError when the agent is to ask at the workspace's initiation webhook and there is none: such an agent takes no calls.
 *
 * @example
 * ```ts
 * const { changes } = await provisionAgent({ api, agentId, tools: toolDefinitions(registry.tools, { as: 'client' }), dryRun: true })
 * console.log(describeChanges(changes).join('\n'))
 * ```
 */
export async function provisionAgent(options: ProvisionOptions): Promise<Provisioned> {
  const { api, agentId, dryRun = false } = options
  const signal = options.signal ? { signal: options.signal } : {}
  const { raw: agent } = await api.getAgent({ agentId, ...signal })
  if (options.initiationWebhook === 'of-workspace') {
    const { url } = sectionOf(await api.getSettings(signal), INITIATION_WEBHOOK)
    if (typeof url !== 'string')
      throw new TypeError('The workspace has no initiation webhook: call provisionWorkspace first')
  }
  const changes: ProvisionChange[] = []

  const toolIds = options.tools && [...idsOf(agent)]
  if (options.tools && toolIds) {
    const known = await api.listTools(signal)
    for (const config of options.tools as readonly (WireObject & { name: string; type: string })[]) {
      const { name } = config
      const attached = known.filter((tool) => toolIds.includes(tool.toolId) && tool.config.name === name)
      const found =
        attached.find((tool) => tool.config.type === config.type) ??
        known.find((tool) => tool.config.name === name && differences(tool.config, config).length === 0)
      const toolId = found ? await update(found, config) : await create(config)
      const at = toolIds.findIndex((id) => attached.some((tool) => tool.toolId === id))
      // One tool of a name: of another kind, it gives up its place.
      if (at === -1) toolIds.push(toolId)
      else toolIds.splice(at, 1, toolId)
      const doubled = attached.map((tool) => tool.toolId).filter((id) => id !== toolId)
      for (const id of doubled) if (toolIds.includes(id)) toolIds.splice(toolIds.indexOf(id), 1)
    }
  }

  async function create(config: WireObject & { readonly name: string }): Promise<string> {
    changes.push({ action: 'create-tool', name: config.name, path: '', before: undefined, after: hidden(config) })
    return dryRun ? `(new) ${config.name}` : (await api.createTool({ config, ...signal })).toolId
  }

  async function update(tool: ToolRecord, config: WireObject & { readonly name: string }): Promise<string> {
    const found = differences(tool.config, config)
    changes.push(...found.map((difference) => changeOf('update-tool', config.name, difference)))
    if (found.length > 0 && !dryRun) {
      const whole = merged(tool.config, config) as WireObject
      await api.updateTool({ toolId: tool.toolId, config: whole, ...signal })
    }
    return tool.toolId
  }

  const found = differences(agent, wantedAgent(options, agent, toolIds))
  changes.push(...found.map((difference) => changeOf('update-agent', agentId, difference)))
  if (found.length > 0 && !dryRun) await api.updateAgent({ agentId, settings: atPaths(found), ...signal })
  return { changes, isWritten: !dryRun && changes.length > 0 }
}

const INITIATION_WEBHOOK = 'conversation_initiation_client_data_webhook'

/**
 * Sets the workspace's own webhooks, which every agent has that has none of its own. Run it again and nothing changes.
 *
 * @throws VendorError as every call of {@link ElevenLabsApi}.
 *
 * @example
 * ```ts
 * const { changes } = await provisionWorkspace({ api, postCallWebhook: { webhookId, events: ['transcript'] }, dryRun: true })
 * console.log(describeChanges(changes).join('\n'))
 * ```
 */
export async function provisionWorkspace(options: ProvisionWorkspaceOptions): Promise<Provisioned> {
  const { api, postCallWebhook, initiationWebhook, dryRun = false } = options
  const signal = options.signal ? { signal: options.signal } : {}
  const settings = await api.getSettings(signal)
  const { events: sent } = sectionOf(settings, 'webhooks')
  const events = postCallWebhook?.events && [...new Set([...(Array.isArray(sent) ? (sent as unknown[]) : []), ...postCallWebhook.events])] // prettier-ignore
  const wanted: WireObject = {
    ...(postCallWebhook && {
      webhooks: { post_call_webhook_id: postCallWebhook.webhookId, ...(events && { events }) },
    }),
    ...(initiationWebhook && { [INITIATION_WEBHOOK]: { url: initiationWebhook.url, request_headers: initiationWebhook.headers } }), // prettier-ignore
  }
  const found = differences(settings, wanted)
  if (found.length > 0 && !dryRun) {
    // Whole sections, since a section replaces the one that was there.
    const sections = new Set(found.map(({ path: [section = ''] }) => section))
    const whole = [...sections].map(
      (section) => [section, merged(settings[section], wanted[section], section)] as const,
    )
    await api.updateSettings({ settings: Object.fromEntries(whole), ...signal })
  }
  const changes = found.map((difference) => changeOf('update-workspace', 'settings', difference))
  return { changes, isWritten: !dryRun && changes.length > 0 }
}

function sectionOf(settings: WireObject, name: string): WireObject {
  const section = settings[name]
  return typeof section === 'object' && section !== null ? (section as WireObject) : {}
}

const WHAT = { 'update-tool': 'tool', 'update-agent': 'agent', 'update-workspace': 'workspace' } as const

/** The changes as lines for a person; no header's value is among them. */
export function describeChanges(changes: readonly ProvisionChange[]): string[] {
  return changes.map(({ action, name, path, before, after }) => {
    if (action === 'create-tool') return `+ tool ${name}`
    const what = `${WHAT[action]} ${name}`
    return `~ ${what}: ${path}: ${inShort(before)} → ${inShort(after)}`
  })
}

function wantedAgent(options: ProvisionOptions, agent: WireObject, toolIds: readonly string[] | undefined): WireObject {
  const { audioFormat = 'ulaw_8000', overrides = [], clientEvents = REQUIRED_CLIENT_EVENTS } = options
  const { postCallWebhook, initiationWebhook } = options
  const sent = valueAt(agent, ['conversation_config', 'conversation', 'client_events'])
  const events = [...new Set([...(Array.isArray(sent) ? (sent as unknown[]) : []), ...clientEvents])]
  const wanted: WireDifference[] = [
    { path: ['conversation_config', 'conversation', 'client_events'], before: sent, after: events },
  ]
  const want = (path: string, after: unknown): void =>
    void wanted.push({ path: path.split('.'), before: undefined, after })
  if (audioFormat !== 'unchanged') {
    want('conversation_config.asr.user_input_audio_format', audioFormat)
    want('conversation_config.tts.agent_output_audio_format', audioFormat)
  }
  if (toolIds) want('conversation_config.agent.prompt.tool_ids', toolIds)
  const gates = 'platform_settings.overrides'
  for (const path of overrides) {
    want(path === 'custom_llm_extra_body' ? `${gates}.${path}` : `${gates}.conversation_config_override.${path}`, true)
  }
  const workspace = 'platform_settings.workspace_overrides'
  if (postCallWebhook) {
    want(`${workspace}.webhooks.post_call_webhook_id`, postCallWebhook.webhookId)
    if (postCallWebhook.events) want(`${workspace}.webhooks.events`, postCallWebhook.events)
  }
  if (initiationWebhook) {
    if (initiationWebhook !== 'of-workspace') {
      const { url, headers } = initiationWebhook
      want(`${workspace}.${INITIATION_WEBHOOK}`, { url, request_headers: headers })
    }
    want(`${gates}.enable_conversation_initiation_client_data_from_webhook`, true)
  }
  return atPaths(wanted)
}

function idsOf(agent: WireObject): readonly string[] {
  const ids = valueAt(agent, ['conversation_config', 'agent', 'prompt', 'tool_ids'])
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined),
    value,
  )
}

function changeOf(action: ProvisionChange['action'], name: string, difference: WireDifference): ProvisionChange {
  const { path, before, after } = difference
  const isHeader = path.includes('request_headers')
  return { action, name, path: path.join('.'), before: hidden(before, isHeader), after: hidden(after, isHeader) }
}

/** The same with the values of headers hidden: they may be secrets. */
function hidden(value: unknown, isHeader = false): unknown {
  if (typeof value === 'string') return isHeader ? '(hidden)' : value
  if (Array.isArray(value)) return value.map((item: unknown) => hidden(item, isHeader))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, hidden(inner, isHeader || key === 'request_headers')]),
  )
}

function inShort(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 160 ? `${text.slice(0, 159)}…` : text
}
