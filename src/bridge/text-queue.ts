/**
 * Text that somebody pushes and somebody else reads piece by piece.
 *
 * @module
 */
import type { ReplyPart } from '../conversation-relay/brain.js'

/** More than any reply is read to; what is pushed beyond it is dropped. */
const MAX_WAITING = 10_000

/** One reply as it is being written. Pushing into a queue that nobody reads any more does nothing. */
export class TextQueue implements AsyncIterable<ReplyPart> {
  #parts: ReplyPart[] = []
  #isOver = false
  #wake: (() => void) | undefined

  get isOver(): boolean {
    return this.#isOver
  }

  push(part: ReplyPart): void {
    if (this.#isOver || this.#parts.length >= MAX_WAITING) return
    this.#parts.push(part)
    this.#wake?.()
  }

  /** Nothing more comes. */
  finish(): void {
    this.#isOver = true
    this.#wake?.()
  }

  [Symbol.asyncIterator](): AsyncIterator<ReplyPart> {
    return {
      next: async () => {
        for (;;) {
          const part = this.#parts.shift()
          if (part !== undefined) return { done: false, value: part }
          if (this.#isOver) return { done: true, value: undefined }
          await new Promise<void>((resolve) => (this.#wake = resolve))
          this.#wake = undefined
        }
      },
      return: () => {
        this.#parts = []
        this.finish()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }
}
