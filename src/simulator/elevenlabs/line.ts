/**
 * The line to one client: what may be sent on it, and every way in which it can break.
 *
 * @module
 */
import type { Socket } from '../../core/socket.js'
import type { Agenda } from './agenda.js'
import type { ConversationFault, FaultAction, FaultMoment } from './faults.js'
import type { RecordedEnd } from './record.js'

export interface LineOptions {
  readonly socket: Socket
  readonly agenda: Agenda
  /** The types of event that the agent is set to send. */
  readonly clientEvents: readonly string[]
  readonly faults: readonly ConversationFault[]
  /** The line is closed, by whomever. Called once. */
  readonly onEnd: (end: RecordedEnd) => void
}

/** A close frame carries no more of a reason. */
const MAX_REASON_BYTES = 123

/** One line. It is live until it is closed or falls silent. */
export class Line {
  readonly #options: LineOptions
  readonly #clientEvents: ReadonlySet<string>
  readonly #pendingFaults: Set<ConversationFault>
  #state: 'live' | 'silent' | 'closed' = 'live'

  constructor(options: LineOptions) {
    this.#options = options
    this.#clientEvents = new Set([...options.clientEvents, 'conversation_initiation_metadata'])
    this.#pendingFaults = new Set(options.faults)
  }

  /** Whether the agent still hears and speaks. */
  get isLive(): boolean {
    return this.#state === 'live'
  }

  /** Whether events of this type are sent at all. */
  sends(type: string): boolean {
    return this.#clientEvents.has(type)
  }

  /** Sends one event, when the agent is set to send its type. */
  send(type: string, key: string, value: object): void {
    if (this.isLive && this.sends(type)) this.#options.socket.send(JSON.stringify({ type, [key]: value }))
  }

  /** Ends the conversation, after an `error` frame when `errorType` is given. */
  close(code: number, reason: string, errorType?: string): void {
    if (!this.isLive) return
    if (errorType !== undefined) {
      const event = { code, error_type: errorType, message: reason, reason }
      this.#options.socket.send(JSON.stringify({ type: 'error', error_event: event }))
    }
    // First the state: a socket in memory tells its close before `close` returns.
    this.#state = 'closed'
    const bytes = Buffer.from(reason).subarray(0, MAX_REASON_BYTES)
    this.#options.socket.close(code, bytes.toString('utf8').replace(/\uFFFD$/, ''))
    this.#options.onEnd({ code, reason, by: 'agent' })
  }

  /** Does what a fault or a script wants done to the line. */
  act(action: FaultAction): void {
    if (!this.isLive) return
    if ('close' in action) this.close(action.close.code, action.close.reason ?? '', action.close.errorType)
    else if ('terminate' in action) {
      this.#state = 'closed'
      this.#options.socket.terminate()
      this.#options.onEnd({ code: 1006, reason: '', by: 'agent' })
    } else if ('hang' in action) {
      this.#state = 'silent'
      this.#options.agenda.stop()
    } else if ('send' in action) {
      this.#options.socket.send(typeof action.send === 'string' ? action.send : JSON.stringify(action.send))
    }
  }

  /** Lets happen what goes wrong at `moment`. Answers whether the line is live after it. */
  reach(moment: FaultMoment): boolean {
    for (const fault of this.#pendingFaults) {
      if (fault.at !== moment) continue
      this.#pendingFaults.delete(fault)
      const { action, afterMs = 0 } = fault
      if (action && afterMs > 0) this.#options.agenda.after(afterMs, () => this.act(action))
      else if (action) this.act(action)
    }
    return this.isLive
  }

  /** As {@link reach}, for a moment that its fault puts off: `goOn` runs when the line is live after it. */
  reachThen(moment: FaultMoment, goOn: () => void): void {
    const fault = [...this.#pendingFaults].find(({ at }) => at === moment)
    if (!fault) {
      goOn()
      return
    }
    this.#pendingFaults.delete(fault)
    const { action, afterMs = 0 } = fault
    this.#options.agenda.after(afterMs, () => {
      if (action) this.act(action)
      if (this.isLive) goOn()
    })
  }

  /** The socket is closed. */
  hasClosed(end: RecordedEnd): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#options.onEnd(end)
  }
}
