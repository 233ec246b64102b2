/**
 * The tool calls that one agent waits for: each gets exactly one answer, whatever its handler does.
 *
 * @module
 */
import type { Clock, TimerHandle } from '../core/clock.js'
import { VoiceError } from '../core/errors.js'
import type { ServerMessageOf } from './messages.js'

/** What the agent asks for. */
export interface ClientToolCall {
  /** As it stands in the dashboard; case matters. */
  readonly toolName: string
  readonly toolCallId: string
  /** Written by a language model: check them before use. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly eventId: number | undefined
}

/** How a tool call was answered. */
export interface ClientToolResult {
  readonly toolName: string
  readonly toolCallId: string
  /** The agent was told that the tool failed. */
  readonly isError: boolean
  /** What broke: `agent_tool_unknown`, `agent_tool_failed` or `agent_tool_timeout`. The cause is what the handler threw. */
  readonly error: VoiceError | undefined
  /** From the call to the answer, in milliseconds. */
  readonly durationMs: number
}

/**
 * Does what the agent asks for. What it gives back is the answer: a string as it is, an object as JSON, nothing as a word of
 * success. What it throws is an answer too: the agent learns the message of a {@link VoiceError}, and of anything else only
 * that the tool failed, since the text of an exception can hold what no caller should hear.
 *
 * `signal` aborts when the time limit is over and when the conversation ends.
 */
export type ToolCallHandler = (call: ClientToolCall, context: { readonly signal: AbortSignal }) => unknown

export interface ToolCallsOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Sends the answer. */
  readonly answer: (toolCallId: string, result: string, isError: boolean) => void
  /** Tells that an answer was sent. */
  readonly onResult: (result: ClientToolResult) => void
}

/** More calls at once than any agent makes; beyond it a call is refused. */
const MAX_PENDING = 32
/** How many ids are remembered, so that a call that comes twice is answered once. */
const MAX_REMEMBERED = 512
/** A longer result would drown the model; the agent learns that it was too long. In characters. */
export const MAX_TOOL_RESULT_CHARS = 256 * 1024

interface PendingCall {
  readonly call: ClientToolCall
  readonly startedMs: number
  readonly abort: AbortController
  timer: TimerHandle | undefined
}

/** The tool calls of one conversation. */
export class ToolCalls {
  handler: ToolCallHandler | undefined
  readonly #options: ToolCallsOptions
  readonly #pending = new Map<string, PendingCall>()
  readonly #seen = new Set<string>()

  constructor(options: ToolCallsOptions) {
    this.#options = options
  }

  /** Calls that wait for their answer. */
  get pendingCount(): number {
    return this.#pending.size
  }

  /** A call came. @returns The call when it is new; `undefined` when it came before. */
  accept({ toolName, toolCallId, parameters, eventId }: ServerMessageOf<'toolCall'>): ClientToolCall | undefined {
    if (this.#seen.has(toolCallId)) return undefined
    this.#seen.add(toolCallId)
    if (this.#seen.size > MAX_REMEMBERED) {
      for (const oldest of this.#seen) {
        if (this.#pending.has(oldest)) continue
        this.#seen.delete(oldest)
        break
      }
    }
    return { toolName, toolCallId, parameters, eventId }
  }

  /** Runs the handler on a call that {@link accept} gave. */
  run(call: ClientToolCall): void {
    const { clock, timeoutMs } = this.#options
    const pending: PendingCall = {
      call,
      startedMs: clock.monotonicMs(),
      abort: new AbortController(),
      timer: undefined,
    }
    const isFull = this.#pending.size >= MAX_PENDING
    this.#pending.set(call.toolCallId, pending)
    if (!this.handler) {
      this.#fail(pending, new VoiceError('agent_tool_unknown', 'No tools are available in this conversation'))
      return
    }
    if (isFull) {
      this.#fail(pending, new VoiceError('agent_tool_failed', 'Too many tool calls at once'))
      return
    }
    pending.timer = clock.setTimeout(() => {
      const message = `The tool did not answer within ${timeoutMs} ms`
      this.#fail(pending, new VoiceError('agent_tool_timeout', message))
    }, timeoutMs)
    void this.#runHandler(this.handler, pending)
  }

  /** The conversation is over: aborts every handler. Nothing that comes later is sent. */
  close(): void {
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { timer, abort } of pending) {
      this.#options.clock.clear(timer)
      abort.abort(new VoiceError('elevenlabs_closed', 'The conversation ended before the tool answered'))
    }
  }

  async #runHandler(handler: ToolCallHandler, pending: PendingCall): Promise<void> {
    try {
      const value: unknown = await handler(pending.call, { signal: pending.abort.signal })
      this.#settle(pending, resultText(value), undefined)
    } catch (error) {
      this.#fail(pending, asToolError(error))
    }
  }

  #fail(pending: PendingCall, error: VoiceError): void {
    this.#settle(pending, error.message, error)
  }

  #settle(pending: PendingCall, result: string, error: VoiceError | undefined): void {
    const { call, timer, abort, startedMs } = pending
    if (this.#pending.get(call.toolCallId) !== pending) return // answered before, or the conversation is over
    this.#pending.delete(call.toolCallId)
    this.#options.clock.clear(timer)
    this.#options.answer(call.toolCallId, result, error !== undefined)
    if (error?.code === 'agent_tool_timeout') abort.abort(error)
    const { toolName, toolCallId } = call
    const durationMs = this.#options.clock.monotonicMs() - startedMs
    this.#options.onResult({ toolName, toolCallId, isError: error !== undefined, error, durationMs })
  }
}

/** @throws VoiceError when there is no text for the value, or too much of it. */
function resultText(value: unknown): string {
  if (value === undefined || value === null) return 'Done.'
  const text = typeof value === 'string' ? value : jsonText(value)
  if (text.length <= MAX_TOOL_RESULT_CHARS) return text
  throw new VoiceError('agent_tool_failed', `The tool\u2019s result is too long (${text.length} characters)`)
}

function jsonText(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  try {
    const text: unknown = JSON.stringify(value) // `undefined` for a function, whatever the types say
    return typeof text === 'string' ? text : 'Done.'
  } catch (error) {
    throw new VoiceError('agent_tool_failed', 'The tool\u2019s result cannot be written as JSON', { cause: error })
  }
}

function asToolError(error: unknown): VoiceError {
  if (error instanceof VoiceError) return error
  return new VoiceError('agent_tool_failed', 'The tool failed', { cause: error })
}
