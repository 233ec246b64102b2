/**
 * All tools of a host: one lookup, one check of parameters, one answer, whatever road the request came by.
 *
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'
import { VoiceError } from '../core/errors.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { checkParameters } from './parameters.js'
import { memoryToolRepeats, repeatKey, type ToolRepeats } from './repeats.js'
import { ToolRefusal, type AgentTool, type AgentToolContext, type ToolAnswer } from './tool.js'

export interface ToolRegistryOptions {
  readonly clock?: Clock
  readonly logger?: Logger
  /** Longest answer, in characters of JSON. Default 32 768: more would drown the model. */
  readonly maxResultChars?: number
  /** Where answers of tools that must not run twice are kept. Default: this process. */
  readonly repeats?: ToolRepeats
}

/** One request of an agent. */
export interface ToolRequest {
  readonly toolName: string
  /** As it came; a language model wrote it. */
  readonly parameters: unknown
  readonly context: Omit<AgentToolContext, 'signal'> & { readonly signal?: AbortSignal | undefined }
}

/**
 * The tools of a host by name and alias.
 *
 * @example
 * ```ts
 * const tools = new ToolRegistry([orderStatus, ...appointmentTools({ scheduling })])
 * const answer = await tools.run({ toolName: 'order_status', parameters: { orderNumber: 'A-17' }, context: { call: {}, tenantId: 'acme' } })
 * ```
 */
export class ToolRegistry {
  /** Every tool, in the order in which it was given. */
  readonly tools: readonly AgentTool[]
  readonly #byName = new Map<string, AgentTool>()
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #maxResultChars: number
  readonly #repeats: ToolRepeats

  /** @throws TypeError when two tools share a name or an alias. */
  constructor(tools: readonly AgentTool[], options: ToolRegistryOptions = {}) {
    const { clock = systemClock, maxResultChars = 32_768 } = options
    this.tools = [...tools]
    this.#clock = clock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    this.#maxResultChars = maxResultChars
    this.#repeats = options.repeats ?? memoryToolRepeats({ clock })
    for (const tool of tools) {
      for (const name of [tool.name, ...tool.aliases]) {
        if (this.#byName.has(name)) throw new TypeError(`Two tools are called "${name}"`)
        this.#byName.set(name, tool)
      }
    }
  }

  /** The tool of that name or alias. */
  find(toolName: string): AgentTool | undefined {
    return this.#byName.get(toolName)
  }

  /**
   * Does what the agent asks for. Always answers, never rejects: an unknown tool is `UNKNOWN_TOOL`, bad parameters
   * `VALIDATION_ERROR`, a handler that throws `TOOL_FAILED`, one that takes too long `TOOL_TIMEOUT`, an answer that is too long
   * `RESULT_TOO_LARGE`; a handler that refuses says its own code.
   */
  async run(request: ToolRequest): Promise<ToolAnswer> {
    const { toolName, context } = request
    const tool = this.#byName.get(toolName)
    const ids = { toolName: tool?.name ?? 'unknown', callSid: context.call.callSid, tenantId: context.tenantId }
    if (!tool) {
      this.#logger.warn('An agent asked for a tool that is not registered', ids)
      return { success: false, error: 'There is no such tool.', code: 'UNKNOWN_TOOL' }
    }
    const startedMs = this.#clock.monotonicMs()
    const answer = await this.#answer(tool, request)
    this.#logger.info('A tool was called', {
      ...ids,
      code: answer.success ? 'OK' : answer.code,
      durationMs: Math.round(this.#clock.monotonicMs() - startedMs),
    })
    return answer
  }

  async #answer(tool: AgentTool, { parameters, context }: ToolRequest): Promise<ToolAnswer> {
    let checked
    try {
      checked = await checkParameters(parameters, tool.schema, tool.jsonSchema)
    } catch (error) {
      return this.#failed(tool, error) // a schema of the host that throws
    }
    if ('error' in checked) return { success: false, error: checked.error, code: 'VALIDATION_ERROR' }
    const { value } = checked
    if (!tool.isOnce) return this.#invoke(tool, value, context)
    const { callSid, conversationId } = context.call
    const callKey = callSid ?? conversationId
    // With nothing that tells the call, two alike requests may be two people.
    if (callKey === undefined) return this.#within(tool, this.#invoke(tool, value, context))
    const key = repeatKey(context.tenantId, callKey, tool.name, value)
    try {
      return await this.#within(
        tool,
        this.#repeats.answer(key, () => this.#invoke(tool, value, context)),
      )
    } catch (error) {
      return this.#failed(tool, error)
    }
  }

  async #invoke(tool: AgentTool, value: unknown, context: ToolRequest['context']): Promise<ToolAnswer> {
    const abort = new AbortController()
    const onAbort = (): void => abort.abort(context.signal?.reason)
    if (context.signal?.aborted) onAbort()
    context.signal?.addEventListener('abort', onAbort, { once: true })
    const run = async (): Promise<ToolAnswer> => {
      try {
        const result: unknown = await tool.handler(value as never, { ...context, signal: abort.signal })
        return this.#answerOf(tool, result)
      } catch (error) {
        return this.#failed(tool, error)
      }
    }
    try {
      const answer = run()
      const limited = await this.#within(tool, answer)
      if (!limited.success && limited.code === 'TOOL_TIMEOUT') {
        abort.abort(new VoiceError('agent_tool_timeout', `A tool took longer than ${tool.timeoutMs} ms`))
        // What must not happen twice may still be happening: whoever asks again waits for this one.
        if (tool.isOnce) return await answer
      }
      return limited
    } finally {
      context.signal?.removeEventListener('abort', onAbort)
    }
  }

  /** The answer, or `TOOL_TIMEOUT` when it does not come in the tool’s time. */
  async #within(tool: AgentTool, answer: Promise<ToolAnswer>): Promise<ToolAnswer> {
    let timer
    const late = new Promise<ToolAnswer>((resolve) => {
      timer = this.#clock.setTimeout(
        () => resolve({ success: false, error: 'That is taking too long. Please try again.', code: 'TOOL_TIMEOUT' }),
        tool.timeoutMs,
      )
    })
    try {
      return await Promise.race([answer, late])
    } finally {
      this.#clock.clear(timer)
    }
  }

  #answerOf(tool: AgentTool, result: unknown): ToolAnswer {
    if (result instanceof ToolRefusal) return { success: false, error: result.error, code: result.code }
    const text = JSON.stringify(result) as string | undefined // throws for what is circular: that is a failure of the tool
    if (text === undefined) return { success: true, data: null }
    if (text.length > this.#maxResultChars) {
      this.#logger.warn('A tool answered more than an agent can use', { toolName: tool.name, chars: text.length })
      return { success: false, error: 'There is too much to tell. Please narrow it down.', code: 'RESULT_TOO_LARGE' }
    }
    return { success: true, data: JSON.parse(text) as unknown }
  }

  #failed(tool: AgentTool, error: unknown): ToolAnswer {
    this.#logger.error('A tool failed', { toolName: tool.name, error })
    return { success: false, error: 'Something went wrong. Please try again later.', code: 'TOOL_FAILED' }
  }
}
