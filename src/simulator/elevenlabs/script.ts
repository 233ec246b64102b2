/**
 * What the simulated agent does when it is its turn: a list of turns, or a function of what it heard.
 *
 * @module
 */
import type { CloseFault, HangFault, SendFault, TerminateFault } from './faults.js'
import type { ParameterFault } from './server-tools.js'
import type { Utterance } from './utterance.js'

/** Words, said with the recording that is known for them or with a hum; or words with their own sound. */
export type Speech = string | Utterance

/** How one call of a client tool ended. */
export interface SimulatedToolResult {
  /** The result as the client sent it; empty when none came. */
  readonly result: string
  /** Whether the client said that the tool failed, or no answer came. */
  readonly isError: boolean
  /** Whether no answer came in time. */
  readonly hasTimedOut: boolean
}

/** Says something. */
export interface SayStep {
  readonly say: Speech
  /** Whether the caller can talk it down. Default true. */
  readonly interruptible?: boolean
}

/** Asks the host to run a tool, and waits for the result unless `expectsResponse` is false. */
export interface CallToolStep {
  readonly callTool: {
    readonly name: string
    readonly parameters?: Readonly<Record<string, unknown>>
    /**
     * `socket` (default): a client tool. `http`: a server tool, at the agent's `serverTools`. `event`: the older `tool_call` event, to the agent's
     * `toolEvents`.
     */
    readonly road?: 'socket' | 'http' | 'event'
    /** What becomes of the parameters on the way. Default: nothing. */
    readonly garble?: ParameterFault
    /** How often the same request is made, one after the other, as a retry or a forgetful model does. Default 1. The last result counts. */
    readonly times?: number
    /** How long the agent waits, in milliseconds. Default 20 000. */
    readonly timeoutMs?: number
    /** Default true. */
    readonly expectsResponse?: boolean
  }
  /** What to do with the result. A function that is a generator gets it as the value of `yield` as well. */
  readonly onResult?: (result: SimulatedToolResult) => Reply
}

/** A tool that runs on the agent's own side: the client only sees the request and the response. */
export interface UseToolStep {
  readonly useTool: {
    readonly name: string
    /** Default `webhook`. */
    readonly type?: 'system' | 'webhook' | 'mcp'
    /** How long it takes, in milliseconds. Default 0. */
    readonly durationMs?: number
    /** Default false. */
    readonly isError?: boolean
  }
}

/** Says goodbye and hangs up with close code 1000. */
export interface EndCallStep {
  readonly endCall: {
    /** Close reason. Default empty. */
    readonly reason?: string
    /** Said after the tool's response and before the close. To say it before the response, use a {@link SayStep}. */
    readonly message?: Speech
    /**
     * Whether the socket closes only once the goodbye was heard, by the estimate. Default false: it closes when the goodbye
     * was sent, and whoever plays it must see to its end.
     */
    readonly waitsForPlayback?: boolean
  }
}

/** Does nothing for a while, in milliseconds: thinking. */
export interface WaitStep {
  readonly waitMs: number
}

/** One thing that the agent does in its turn. */
export type AgentStep =
  SayStep | CallToolStep | UseToolStep | EndCallStep | WaitStep | SendFault | CloseFault | TerminateFault | HangFault

/** What the agent does in its turn: nothing, one thing, or several in order, ready at once or one by one. */
export type Reply =
  | undefined
  | Speech
  | AgentStep
  | Iterable<Speech | AgentStep>
  | AsyncIterable<Speech | AgentStep>
  | AsyncGenerator<Speech | AgentStep, void, SimulatedToolResult | undefined>

/** What came from the caller's side and gave the agent its turn. */
export interface Heard {
  /** `audio`: a spoken turn; `text`: a `user_message`; `silence`: nothing for `turnTimeoutMs`. */
  readonly source: 'audio' | 'text' | 'silence'
  /** The words: of the known utterance that the sound is, or of the message. Empty when the sound is not known. */
  readonly text: string
  /** How much the sound is like the known utterance, 0 to 1. 1 for text. */
  readonly similarity: number
  /** The sound, mu-law 8000 Hz, without the silence around it. Empty for text. */
  readonly audio: Uint8Array
  /** Whether the caller talked the agent down. */
  readonly hasInterrupted: boolean
  /** Counts from 0. */
  readonly turn: number
}

/** What a reply function can look at besides what was heard. */
export interface ScriptContext {
  readonly conversationId: string
  readonly agentId: string
  readonly dynamicVariables: Readonly<Record<string, string | number | boolean | null>>
  /** What the client told the agent so far, oldest first; of several with the same `contextId` only the last. */
  readonly contextualUpdates: readonly { readonly text: string; readonly contextId: string | undefined }[]
}

/** Decides what the agent does. May take its time, may stream. */
export type ReplyFunction = (heard: Heard, context: ScriptContext) => Reply | Promise<Reply>

/** One turn of a list. */
export interface ScriptedTurn {
  /** The words that the caller must have said. When others were heard, the conversation notes it as a script problem. */
  readonly after?: string
  readonly reply: Reply
}

/** A list of turns, or a function. */
export type Script = readonly ScriptedTurn[] | ReplyFunction

/**
 * Performs a reply, one step after the other.
 *
 * @param perform - Does one step; its value is what a generator gets from `yield`.
 * @param isLive - Asked before each step: `false` once the turn was interrupted or the conversation ended.
 */
export async function performReply(
  reply: Reply,
  perform: (step: AgentStep) => Promise<SimulatedToolResult | undefined>,
  isLive: () => boolean,
): Promise<void> {
  const steps = iteratorOf(reply)
  let result: SimulatedToolResult | undefined
  while (isLive()) {
    const next = await steps.next(result)
    if (next.done === true) return
    if (!isLive()) break
    const step = stepOf(next.value)
    result = await perform(step)
    if (result && 'callTool' in step && step.onResult && isLive())
      await performReply(step.onResult(result), perform, isLive)
  }
  await steps.return?.()
}

type StepIterator =
  | Iterator<Speech | AgentStep, unknown, SimulatedToolResult | undefined>
  | AsyncIterator<Speech | AgentStep, unknown, SimulatedToolResult | undefined>

function iteratorOf(reply: Reply): StepIterator {
  if (reply === undefined) return [][Symbol.iterator]()
  if (typeof reply === 'string') return [reply][Symbol.iterator]()
  if (Symbol.asyncIterator in reply) return reply[Symbol.asyncIterator]() as StepIterator
  if (Symbol.iterator in reply) return reply[Symbol.iterator]() as StepIterator
  return [reply][Symbol.iterator]()
}

function stepOf(item: Speech | AgentStep): AgentStep {
  return typeof item === 'string' || 'audio' in item ? { say: item } : item
}
