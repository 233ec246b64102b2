/**
 * Answers the tool calls that come over an agent's socket, from handlers by name or from a registry.
 *
 * @module
 */
import { ToolRegistry } from '../agent-tools/registry.js'
import type { AgentToolContext } from '../agent-tools/tool.js'
import { VoiceError } from '../core/errors.js'
import type { ClientToolCall } from '../elevenlabs/tool-calls.js'

/** What a client tool is called with. */
export interface ToolContext {
  readonly callSid: string
  readonly toolCallId: string
  /** Aborted when the call ends or the time limit is reached. */
  readonly signal: AbortSignal
}

/** A client tool: what it returns is what the agent is told. */
export type ToolHandler = (parameters: Readonly<Record<string, unknown>>, context: ToolContext) => unknown

/** Tools by name, or a registry of them. */
export type VoiceTools = Readonly<Record<string, ToolHandler>> | ToolRegistry

/** Who calls, for a registry's tools. */
export type ToolCaller = Pick<AgentToolContext, 'call' | 'tenantId'>

/** Looks a tool up, first among those of the host and then among ours. */
export class ClientTools {
  readonly #handlers: Readonly<Record<string, ToolHandler>>
  readonly #registries: readonly ToolRegistry[]

  constructor(tools: VoiceTools = {}, own?: ToolRegistry) {
    this.#handlers = tools instanceof ToolRegistry ? {} : tools
    this.#registries = [...(tools instanceof ToolRegistry ? [tools] : []), ...(own ? [own] : [])]
  }

  /**
   * Runs one. A registry's answer reaches the agent as the JSON of its `ToolAnswer`, marked as an error when it is none.
   *
   * @throws VoiceError `agent_tool_unknown`; `agent_tool_failed` with the answer in words that the agent is told.
   */
  async run(call: ClientToolCall, caller: ToolCaller, signal: AbortSignal): Promise<unknown> {
    const { toolName, toolCallId, parameters } = call
    const handler = Object.hasOwn(this.#handlers, toolName) ? this.#handlers[toolName] : undefined
    if (handler) return handler(parameters, { callSid: caller.call.callSid ?? '', toolCallId, signal })
    const registry = this.#registries.find((one) => one.find(toolName))
    if (!registry) {
      throw new VoiceError('agent_tool_unknown', `The agent called a tool that is not registered: ${toolName}`)
    }
    const answer = await registry.run({ toolName, parameters, context: { ...caller, toolCallId, signal } })
    if (!answer.success) throw new VoiceError('agent_tool_failed', JSON.stringify(answer))
    return answer
  }
}
