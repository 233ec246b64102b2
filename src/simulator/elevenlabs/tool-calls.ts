/**
 * The client tools that were called and have not answered.
 *
 * @module
 */
import type { Agenda } from './agenda.js'
import type { SimulatedToolResult } from './script.js'

interface ToolCall {
  /** Gone once it was answered, or the wait was over. */
  settle: ((result: SimulatedToolResult) => void) | undefined
  hasAnswer: boolean
}

/** What an answer of the client turned out to be. */
export type AnswerVerdict = 'expected' | 'late' | 'repeated' | 'unknown'

/** Keeps count of one conversation's calls. */
export class ToolCalls {
  readonly #agenda: Agenda
  readonly #calls = new Map<string, ToolCall>()

  constructor(agenda: Agenda) {
    this.#agenda = agenda
  }

  /** Waits for the answer to `id`, at most `timeoutMs`. */
  wait(id: string, timeoutMs: number): Promise<SimulatedToolResult> {
    return new Promise((resolve) => {
      const call: ToolCall = { settle: resolve, hasAnswer: false }
      const forget = this.#agenda.after(timeoutMs, () => {
        call.settle = undefined
        resolve({ result: '', isError: true, hasTimedOut: true })
      })
      call.settle = (result) => {
        forget()
        resolve(result)
      }
      this.#calls.set(id, call)
    })
  }

  /** Takes in an answer of the client. */
  answer(id: string, result: SimulatedToolResult): AnswerVerdict {
    const call = this.#calls.get(id)
    if (!call) return 'unknown'
    if (call.hasAnswer) return 'repeated'
    call.hasAnswer = true
    if (!call.settle) return 'late'
    call.settle(result)
    call.settle = undefined
    return 'expected'
  }
}
