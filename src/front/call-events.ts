/**
 * Writes what happens in a call while it lasts into the outbox, in the order of the call. Nobody waits for it: a store that is slow gets fewer and
 * larger writes, one that is down gets them when it is back, and what does not fit in between is left out and logged.
 *
 * @module
 */
import { StorageError } from '../core/errors.js'
import { voiceEvent, type EventMap } from '../events/map.js'
import type { OutgoingEvent } from '../storage/queues.js'
import type { FrontContext } from './context.js'

/**
 * Whether turns are told as events; a live conversation has many. `'timing'`: who spoke, how long it was heard, how long the answer took.
 * `'text'`: also what was said, which is personal.
 */
export type TurnEvents = 'off' | 'timing' | 'text'

/** Events of one call that wait for the store. Beyond it they are left out. */
const MAX_WAITING = 200
/** Turn events of one call, and tool events; later ones are left out. */
const MAX_TURN_EVENTS = 2000
const MAX_TOOL_EVENTS = 1000
/** What an agent calls a tool, and how much of a turn's text goes along: in characters. */
const MAX_NAME_CHARS = 128
const MAX_TEXT_CHARS = 1000
/** Tools that are being asked for at once, as far as their time is taken. */
const MAX_OPEN_TOOLS = 100

export interface CallEventsOptions {
  readonly context: Pick<FrontContext, 'store' | 'clock' | 'logger'>
  readonly tenantId: string
  readonly callSid: string
  readonly turns: TurnEvents
  /** Runs a write once everything that was to be written of the call before is written. */
  readonly write: (write: () => Promise<unknown>) => void
  readonly onEnded: () => void
}

interface AgentTurnEnded {
  readonly turnId: string
  readonly heardMs?: number
  readonly interrupted: boolean
  readonly heardText: string
}

/** The events of one call under way. */
export class CallEvents {
  readonly #options: CallEventsOptions
  readonly #openTools = new Map<string, number>()
  #waiting: OutgoingEvent[] = []
  #isAsked = false
  #turnCount = 0
  #toolCount = 0
  #leftOut = 0

  constructor(options: CallEventsOptions) {
    this.#options = options
  }

  agentTurnStarted({ turnId, latencyMs }: { readonly turnId: string; readonly latencyMs: number | undefined }): void {
    this.#tellTurn('turn.started', {
      callSid: this.#options.callSid,
      turnId,
      speaker: 'agent',
      ...(latencyMs === undefined ? {} : { latencyMs }),
    })
  }

  agentTurnEnded({ turnId, heardMs, interrupted: isInterrupted, heardText }: AgentTurnEnded): void {
    const heard = heardMs === undefined ? {} : { heardMs }
    this.#tellTurn('turn.ended', { callSid: this.#options.callSid, turnId, speaker: 'agent', ...heard, isInterrupted, ...this.#text(heardText) }) // prettier-ignore
  }

  callerTurn({ turnId, text }: { readonly turnId: string; readonly text: string }): void {
    this.#tellTurn('turn.ended', { callSid: this.#options.callSid, turnId, speaker: 'caller', ...this.#text(text) })
  }

  toolCalled({ toolCallId, at }: { readonly toolCallId: string; readonly at: number }): void {
    if (this.#openTools.size < MAX_OPEN_TOOLS) this.#openTools.set(toolCallId, at)
  }

  toolAnswered(tool: {
    readonly toolName: string
    readonly toolCallId: string
    readonly isError: boolean
    readonly at: number
  }): void {
    const { toolName, toolCallId, isError, at } = tool
    const askedAt = this.#openTools.get(toolCallId)
    this.#openTools.delete(toolCallId)
    const { callSid } = this.#options
    this.#tellTool({ callSid, toolName, toolCallId, isError, ...(askedAt === undefined ? {} : { tookMs: at - askedAt }) }) // prettier-ignore
  }

  toolCalledOverHttp(tool: EventMap['tool.called']): void {
    this.#tellTool(tool)
  }

  /** The call is over here: what still waits is written now, or never. */
  ended(): void {
    const { write, context, callSid, onEnded } = this.#options
    onEnded()
    write(async () => {
      await this.#flush().catch(() => undefined)
      const lost = this.#leftOut + this.#waiting.length
      this.#waiting = []
      if (lost > 0) context.logger.error('Events of a call were left out', { callSid, events: lost })
    })
  }

  #text(text: string): { readonly text?: string } {
    return this.#options.turns === 'text' && text !== '' ? { text: text.slice(0, MAX_TEXT_CHARS) } : {}
  }

  #tellTool(tool: EventMap['tool.called']): void {
    if (++this.#toolCount > MAX_TOOL_EVENTS) this.#leftOut++
    else this.#tell(toolCalledEvent(tool))
  }

  #tellTurn<Name extends 'turn.started' | 'turn.ended'>(name: Name, data: EventMap[Name]): void {
    if (this.#options.turns === 'off') return
    if (++this.#turnCount > MAX_TURN_EVENTS) this.#leftOut++
    else this.#tell(voiceEvent(name, data))
  }

  #tell(event: OutgoingEvent): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#leftOut++
      return
    }
    this.#waiting.push({ ...event, occurredAt: this.#options.context.clock.now() })
    if (this.#isAsked) return
    this.#isAsked = true
    this.#options.write(() => this.#flush())
  }

  /** Everything that waits, in one write. */
  async #flush(): Promise<void> {
    this.#isAsked = false
    const events = this.#waiting.splice(0)
    if (events.length === 0) return
    const { context, tenantId, callSid } = this.#options
    try {
      const call = await context.store.updateCall({ tenantId, callSid, changes: {}, events })
      if (!call) this.#waiting.unshift(...events) // its record is still to come
    } catch (error) {
      // What may be written is not written again: each comes once.
      if (error instanceof StorageError && error.isOutcomeUnknown) this.#leftOut += events.length
      else this.#waiting.unshift(...events)
      throw error
    }
  }
}

/** A tool that was used, by whatever road the agent asked for it. */
export function toolCalledEvent({ toolName, ...data }: EventMap['tool.called']): OutgoingEvent {
  return voiceEvent('tool.called', {
    ...data,
    toolName: toolName.slice(0, MAX_NAME_CHARS),
    toolCallId: data.toolCallId.slice(0, MAX_NAME_CHARS),
  })
}
