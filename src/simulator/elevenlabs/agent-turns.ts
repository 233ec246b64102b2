/**
 * The agent's turns: takes what was heard to the script, and performs what the script answers.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.js'
import type { Agenda } from './agenda.js'
import type { SimulatedAgent } from './agent.js'
import type { Line } from './line.js'
import type { ConversationRecord, ToolType } from './record.js'
import {
  performReply,
  type AgentStep,
  type CallToolStep,
  type EndCallStep,
  type Heard,
  type Reply,
  type ScriptContext,
  type SimulatedToolResult,
  type Speech,
  type UseToolStep,
} from './script.js'
import { callOverHttp, garbled } from './server-tools.js'
import { ToolCalls, type AnswerVerdict } from './tool-calls.js'
import type { Utterance } from './utterance.js'
import { Voice, type Chunk } from './voice.js'

export interface AgentTurnsOptions {
  readonly agent: SimulatedAgent
  readonly clock: Clock
  readonly agenda: Agenda
  readonly line: Line
  readonly record: ConversationRecord
  /** What a reply function can look at. */
  readonly context: ScriptContext
  /** The sound of some words. */
  readonly pronounce: (speech: Speech) => Utterance
}

/** Turns of the caller that wait while the agent is busy. The oldest are forgotten. */
const MAX_WAITING_TURNS = 16
const LATE_CHUNK_MS = 20
const DEFAULT_TOOL_TIMEOUT_MS = 20_000

/** The agent's side of one conversation. */
export class AgentTurns {
  /** Where the call left the script. */
  readonly scriptProblems: string[] = []
  readonly #options: AgentTurnsOptions
  readonly #voice: Voice
  readonly #tools: ToolCalls
  readonly #waiting: Heard[] = []
  #nextEventId: number
  #lastAudioId = -1
  #lastChunk: Chunk | undefined
  /** What a text-only agent is in the middle of writing. */
  #writing: { readonly id: number; text: string } | undefined
  /** Changes when the present turn is over or was cut. */
  #token = 0
  #isBusy = false
  #isInterruptible = true

  constructor(options: AgentTurnsOptions) {
    const { agent, clock, agenda } = options
    this.#options = options
    this.#nextEventId = agent.firstEventId
    this.#tools = new ToolCalls(agenda)
    const { agentOutputAudioFormat: format, chunkMs, pace } = agent
    this.#voice = new Voice({ clock, format, chunkMs, pace, onChunk: (chunk) => this.#sendChunk(chunk) })
  }

  /** Whether the caller hears the agent now, by the estimate. */
  get isSpeaking(): boolean {
    return this.#voice.isSpeaking
  }

  /** Whether the caller can talk down what the agent says now. */
  get isInterruptible(): boolean {
    return this.#isInterruptible
  }

  /** Whether the agent is in the middle of a turn. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** The event id of whatever is sent next. */
  takeEventId(): number {
    return this.#nextEventId++
  }

  /** Sends the audio that is due. */
  tick(): void {
    this.#voice.tick()
  }

  /** Does something now: what the agent was doing is dropped. Resolves when all of it was sent. */
  async perform(reply: Reply): Promise<void> {
    await this.#take(() => reply, 0)
  }

  /** The caller had a turn: the agent answers it when it is free. */
  hear(heard: Heard): void {
    this.#waiting.push(heard)
    if (this.#waiting.length > MAX_WAITING_TURNS) this.#waiting.shift()
    if (!this.#isBusy) this.#replyToNext()
  }

  /** Takes in the client's answer to a tool call. */
  answerTool(id: string, result: SimulatedToolResult): AnswerVerdict {
    return this.#tools.answer(id, result)
  }

  /** Falls silent in the middle of what is said. Answers the event id of the interruption; `undefined` when nothing was. */
  interrupt(): number | undefined {
    const { agent, agenda, line, record } = this.#options
    if (this.#writing) return this.#stopWriting(this.#writing)
    const cut = this.#voice.cut()
    if (cut.length === 0) return undefined
    const eventId = this.#lastAudioId
    this.#token++
    this.#isBusy = false
    line.send('interruption', 'interruption_event', { event_id: eventId })
    const late = this.#lastChunk
    for (let i = 0; i < agent.lateChunks && late; i++) {
      agenda.after(LATE_CHUNK_MS * (i + 1), () => this.#sendAudio(late, eventId - agent.lateChunks + i + 1))
    }
    for (const { id, text, heardText } of cut) {
      record.corrected(id, heardText)
      line.send('agent_response_correction', 'agent_response_correction_event', {
        original_agent_response: text,
        corrected_agent_response: heardText,
        event_id: id,
      })
    }
    return eventId
  }

  /** A text-only agent that is written to while it writes stops. ElevenLabs documents no correction for text. */
  #stopWriting({ id, text }: { readonly id: number; readonly text: string }): number {
    this.#writing = undefined
    this.#token++
    this.#isBusy = false
    this.#options.record.corrected(id, text.trimEnd())
    this.#options.line.send('interruption', 'interruption_event', { event_id: id })
    return id
  }

  /** The conversation is over. */
  stop(): void {
    this.#token++
    this.#waiting.length = 0
    this.#voice.cut()
  }

  #replyToNext(): void {
    const heard = this.#waiting.shift()
    if (heard) void this.#take(() => this.#replyTo(heard), this.#options.agent.thinkMs)
  }

  #replyTo(heard: Heard): Reply | Promise<Reply> {
    const { script } = this.#options.agent
    if (typeof script === 'function') return script(heard, this.#options.context)
    const turn = script[heard.turn]
    if (!turn) this.#problem(`turn ${heard.turn}: the script has no such turn`)
    else if (turn.after !== undefined && turn.after !== heard.text) {
      this.#problem(`turn ${heard.turn}: ${heard.text === '' ? 'an unknown sound' : 'something else'} was heard`)
    }
    return turn?.reply
  }

  async #take(replyTo: () => Reply | Promise<Reply>, thinkMs: number): Promise<void> {
    const { line } = this.#options
    const token = ++this.#token
    const isLive = (): boolean => token === this.#token && line.isLive
    const firstEventId = this.#nextEventId
    this.#isBusy = true
    this.#isInterruptible = true
    try {
      if (thinkMs > 0) await this.#sleep(thinkMs)
      if (isLive()) await performReply(await replyTo(), (step) => this.#perform(step), isLive)
    } catch {
      // What a script throws is the script's bug. The client sees what it would see of any crash.
      this.#problem('the script threw')
      line.close(1011, 'Internal error', 'unknown_websocket_crash')
    }
    if (!isLive()) return
    this.#token++
    this.#isBusy = false
    if (this.#nextEventId > firstEventId) {
      line.send('agent_response_complete', 'agent_response_complete_event', { event_id: this.#nextEventId - 1 })
    }
    this.#replyToNext()
  }

  async #perform(step: AgentStep): Promise<SimulatedToolResult | undefined> {
    if ('say' in step) {
      this.#isInterruptible = step.interruptible ?? true
      await this.#say(step.say)
    } else if ('callTool' in step) return this.#callTool(step.callTool)
    else if ('useTool' in step) await this.#useTool(step.useTool)
    else if ('endCall' in step) await this.#endCall(step.endCall)
    else if ('waitMs' in step) await this.#sleep(step.waitMs)
    else this.#options.line.act(step)
    return undefined
  }

  async #say(speech: Speech): Promise<void> {
    const { line, record, pronounce } = this.#options
    const utterance = pronounce(speech)
    const id = this.takeEventId()
    record.agentSaid(id, utterance.text)
    if (record.textOnly && !(await this.#writeParts(utterance.text, id))) return
    line.send('agent_response', 'agent_response_event', { agent_response: utterance.text, event_id: id })
    if (!record.textOnly) await this.#voice.say(utterance, id)
  }

  /** Writes text word by word, as a model does. @returns Whether it got to the end. */
  async #writeParts(text: string, id: number): Promise<boolean> {
    const { line, agent } = this.#options
    const token = this.#token
    const writing = (this.#writing = { id, text: '' })
    const part = (type: 'start' | 'delta' | 'stop', words: string): void => {
      line.send('agent_chat_response_part', 'text_response_part', { text: words, type, event_id: id })
    }
    part('start', '')
    for (const words of text.match(/\S+\s*/g) ?? []) {
      if (agent.textPartMs > 0) await this.#sleep(agent.textPartMs)
      if (token !== this.#token || !line.isLive) return false
      part('delta', words)
      writing.text += words
    }
    part('stop', '')
    this.#writing = undefined
    return true
  }

  async #callTool(call: CallToolStep['callTool']): Promise<SimulatedToolResult> {
    let result = await this.#callOnce(call)
    for (let again = 1; again < (call.times ?? 1); again++) result = await this.#callOnce(call)
    return result
  }

  async #callOnce(call: CallToolStep['callTool']): Promise<SimulatedToolResult> {
    const { line, record, clock } = this.#options
    const { name, road = 'socket', expectsResponse = true } = call
    const parameters = garbled(call.parameters ?? {}, call.garble)
    const tool = this.#requestTool(name, road === 'socket' ? 'client' : 'webhook', parameters)
    const startMs = clock.monotonicMs()
    const asked = road === 'socket' ? this.#askClient(tool, parameters, call) : this.#askHost(road, call, parameters)
    const result = expectsResponse ? await asked : { result: '', isError: false, hasTimedOut: false }
    record.toolAnswered(tool.tool_call_id, result.result, result.isError, clock.monotonicMs() - startMs)
    const outcome = { is_error: result.isError, is_called: !result.hasTimedOut }
    line.send('agent_tool_response', 'agent_tool_response', { ...tool, ...outcome })
    return result
  }

  #askClient(
    { tool_name, tool_call_id, event_id }: ToolRequest,
    parameters: unknown,
    { timeoutMs = DEFAULT_TOOL_TIMEOUT_MS, expectsResponse = true }: CallToolStep['callTool'],
  ): Promise<SimulatedToolResult> {
    const { line } = this.#options
    // Waiting begins before the call is sent: on a socket in memory the answer comes at once.
    const answer = this.#tools.wait(tool_call_id, expectsResponse ? timeoutMs : 0)
    const request = { tool_name, tool_call_id, parameters, event_id, expects_response: expectsResponse }
    line.send('client_tool_call', 'client_tool_call', request)
    line.reach('tool')
    return answer
  }

  async #askHost(
    road: 'http' | 'event',
    { name, timeoutMs = DEFAULT_TOOL_TIMEOUT_MS }: CallToolStep['callTool'],
    parameters: unknown,
  ): Promise<SimulatedToolResult> {
    const { agent, clock, context } = this.#options
    const endpoint = road === 'http' ? agent.serverTools : agent.toolEvents
    if (!endpoint) {
      this.#problem(`the tool ${name}: the agent has no ${road === 'http' ? 'serverTools' : 'toolEvents'}`)
      return { result: '', isError: true, hasTimedOut: false }
    }
    const { conversationId, agentId } = context
    this.#options.line.reach('tool')
    return callOverHttp({ road, endpoint, name, parameters, conversationId, agentId, timeoutMs, clock })
  }

  async #useTool({ name, type = 'webhook', durationMs = 0, isError = false }: UseToolStep['useTool']): Promise<void> {
    const tool = this.#requestTool(name, type, {})
    if (durationMs > 0) await this.#sleep(durationMs)
    this.#options.record.toolAnswered(tool.tool_call_id, '', isError, durationMs)
    const outcome = { is_error: isError, is_called: true }
    this.#options.line.send('agent_tool_response', 'agent_tool_response', { ...tool, ...outcome })
  }

  async #endCall({ reason = '', message, waitsForPlayback = false }: EndCallStep['endCall']): Promise<void> {
    this.#isInterruptible = false
    await this.#useTool({ name: 'end_call', type: 'system' })
    if (message !== undefined) await this.#say(message)
    if (waitsForPlayback) await this.#sleep(this.#voice.unheardMs)
    this.#options.line.close(1000, reason)
  }

  #requestTool(name: string, type: ToolType, parameters: unknown): ToolRequest {
    const id = `call_${randomUUID().replaceAll('-', '')}`
    const tool: ToolRequest = { tool_name: name, tool_call_id: id, tool_type: type, event_id: this.takeEventId() }
    this.#options.record.toolCalled(type, id, name, parameters)
    this.#options.line.send('agent_tool_request', 'agent_tool_request', tool)
    return tool
  }

  #sendChunk(chunk: Chunk): void {
    this.#lastChunk = chunk
    this.#lastAudioId = this.takeEventId()
    this.#options.record.hasResponseAudio = true
    this.#sendAudio(chunk, this.#lastAudioId)
    this.#options.line.reach('speaking')
  }

  #sendAudio({ audioBase64, alignment }: Chunk, eventId: number): void {
    const { agent, line } = this.#options
    const timing = agent.sendsAlignment ? { alignment } : {}
    line.send('audio', 'audio_event', { audio_base_64: audioBase64, event_id: eventId, ...timing })
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.agenda.after(ms, resolve)
    })
  }

  #problem(text: string): void {
    if (this.scriptProblems.length < 100) this.scriptProblems.push(text)
  }
}

interface ToolRequest {
  readonly tool_name: string
  readonly tool_call_id: string
  readonly tool_type: ToolType
  readonly event_id: number
}
