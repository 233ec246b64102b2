/**
 * A socket whose peer reads nothing and, if asked, never answers a close.
 *
 * @module
 */
import type { Socket, SocketHandlers } from '../../src/core/socket.js'

export interface DeafSocket extends Socket {
  readonly isTerminated: boolean
  /** The peer says something. */
  say(text: string): void
  /** The peer closes. */
  hangUp(code: number): void
}

export function deafSocket({ answersClose = true } = {}): DeafSocket {
  let handlers: SocketHandlers | undefined
  let buffered = 0
  let isTerminated = false
  let isClosed = false
  const close = (code: number): void => {
    if (isClosed) return
    isClosed = true
    handlers?.close(code, '')
  }
  return {
    get bufferedAmount() {
      return buffered
    },
    get isTerminated() {
      return isTerminated
    },
    send: (text) => void (buffered += text.length),
    close: (code = 1000) => {
      if (answersClose) close(code)
    },
    terminate: () => {
      isTerminated = true
      close(1006)
    },
    listen: (next) => void (handlers = next),
    say: (text) => handlers?.message(text),
    hangUp: close,
  }
}
