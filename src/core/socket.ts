/**
 * The few members that we need of any WebSocket, so that the protocol sessions run on `ws`, on another runtime's
 * socket, or on a pair in memory.
 *
 * @module
 */

/** What a session hears from its socket. Set once, by the session that owns the socket. */
export interface SocketHandlers {
  /** A whole text message. Binary messages come to {@link binary}. */
  message(text: string): void
  /**
   * A whole text message as bytes of UTF-8, before a string is made of it. A socket that has the bytes offers them here first.
   * They may be overwritten, and kept.
   *
   * @returns Whether it was taken; else it comes to {@link message}, and must be as it was.
   */
  bytes?(utf8: Buffer): boolean
  /** A binary message, by its length: none of our protocols has one. */
  binary(byteLength: number): void
  /** The socket is closed, by whomever. Called exactly once. 1009 also says that a message was larger than we take. */
  close(code: number, reason: string): void
}

/** One open WebSocket. */
export interface Socket {
  /** Bytes that were handed to {@link send} and have not left this process. */
  readonly bufferedAmount: number
  /** Sends one text message. Does nothing once the socket is closing. Never throws. */
  send(text: string): void
  /** {@link send} for text that is bytes of UTF-8 already; they belong to the socket from then on. Not every socket has it. */
  sendBytes?(utf8: Buffer): void
  /** Lets go at once of what was sent and is held back to leave together. For a socket that holds nothing back it is missing. */
  flush?(): void
  /** Starts the closing handshake; `close` of the handlers follows. Safe to call twice. Never throws. */
  close(code?: number, reason?: string): void
  /** Drops the connection at once. */
  terminate(): void
  /** Hands over the handlers. Messages that came before are delivered now, in order. */
  listen(handlers: SocketHandlers): void
}

/** The few members that we need of a socket of the `ws` package. */
export interface WsLike {
  readonly readyState: number
  readonly bufferedAmount: number
  send(data: Buffer, options: { readonly binary: boolean }): void
  close(code?: number, reason?: string): void
  terminate(): void
  on(event: 'message', listener: (data: Buffer | ArrayBuffer | Buffer[], isBinary: boolean) => void): unknown
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'message', listener: (data: Buffer | ArrayBuffer | Buffer[], isBinary: boolean) => void): unknown
}

const OPEN = 1
const TOO_LONG = { code: 1009, reason: 'message too long' }
const TEXT_MESSAGE = { binary: false } as const

/** How many messages may wait for {@link Socket.listen} before the socket is dropped. */
const MAX_EARLY_MESSAGES = 64

/** The few members that we need of the stream below a WebSocket, to hand over several messages at once. */
export interface CorkableStream {
  cork(): void
  uncork(): void
}

/**
 * A socket of the `ws` package as a {@link Socket}.
 *
 * @param stream - What carries it. When it is given, messages that are sent in one go of the event loop leave in one system
 * call: for a peer that mostly gets several, such as audio and the mark behind it. For single ones it costs a little.
 */
export function socketFromWs(ws: WsLike, stream?: CorkableStream): Socket {
  return new WsSocket(ws, stream)
}

// A class and no literal: a literal with a getter has a shape of its own for each socket, and every use of it is slow.
class WsSocket implements Socket {
  readonly #ws: WsLike
  readonly #stream: CorkableStream | undefined
  #handlers: SocketHandlers | undefined
  #early: { text?: string; byteLength: number }[] = []
  #closed: { code: number; reason: string } | undefined
  #isTooLong = false
  #isGathering = false

  constructor(ws: WsLike, stream: CorkableStream | undefined) {
    this.#ws = ws
    this.#stream = stream
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary))
    ws.on('close', (code, reason) => {
      // When a message is too long it is we who hang up; `ws` tells the peer 1009, and here it would look like a broken line.
      this.#closed = this.#isTooLong ? TOO_LONG : { code, reason: reason.toString('utf8') }
      this.#handlers?.close(this.#closed.code, this.#closed.reason)
    })
    ws.on('error', (error) => {
      if ((error as { code?: unknown }).code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#isTooLong = true
      // a close always follows, and carries the code
    })
  }

  get bufferedAmount(): number {
    return this.#ws.bufferedAmount
  }

  send(text: string): void {
    // As bytes: a client socket of `ws` writes a buffer at one go, and a string as two chunks.
    if (this.#ws.readyState === OPEN) this.sendBytes(Buffer.from(text))
  }

  sendBytes(utf8: Buffer): void {
    if (this.#ws.readyState !== OPEN) return
    if (this.#stream && !this.#isGathering) this.#gather(this.#stream)
    // Without a callback, for which a stream would schedule a tick of its own: that a message could not be sent is told by the
    // close.
    this.#ws.send(utf8, TEXT_MESSAGE)
  }

  flush(): void {
    if (!this.#isGathering) return
    this.#isGathering = false
    this.#stream?.uncork() // the tick that was to do it finds nothing to do
  }

  close(code = 1000, reason = ''): void {
    try {
      this.#ws.close(code, reason)
    } catch {
      this.#ws.terminate() // a code or reason that the wire cannot carry
    }
  }

  terminate(): void {
    this.#ws.terminate()
  }

  listen(handlers: SocketHandlers): void {
    this.#handlers = handlers
    const waiting = this.#early
    this.#early = []
    for (const { text, byteLength } of waiting) {
      if (text === undefined) handlers.binary(byteLength)
      else handlers.message(text)
    }
    if (this.#closed) handlers.close(this.#closed.code, this.#closed.reason)
  }

  #receive(data: Buffer | ArrayBuffer | Buffer[], isBinary: boolean): void {
    const handlers = this.#handlers
    if (handlers) {
      if (isBinary) handlers.binary(byteLengthOf(data))
      else if (!handlers.bytes || !Buffer.isBuffer(data) || !handlers.bytes(data)) handlers.message(textOf(data))
    } else if (this.#early.length >= MAX_EARLY_MESSAGES) this.#ws.terminate()
    else this.#early.push(isBinary ? { byteLength: byteLengthOf(data) } : { text: textOf(data), byteLength: 0 })
  }

  /** Holds what is written back until this go of the event loop is over. */
  #gather(stream: CorkableStream): void {
    this.#isGathering = true
    stream.cork()
    process.nextTick(() => {
      this.#isGathering = false
      stream.uncork()
    })
  }
}

function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8')
  return Array.isArray(data) ? Buffer.concat(data).toString('utf8') : Buffer.from(data).toString('utf8')
}

function byteLengthOf(data: Buffer | ArrayBuffer | Buffer[]): number {
  return Array.isArray(data) ? data.reduce((sum, part) => sum + part.byteLength, 0) : data.byteLength
}

/** One end of {@link socketPair}. */
export interface PairedSocket extends Socket {
  /** What was sent from this end and not yet delivered, when delivery is held. */
  readonly isClosed: boolean
}

/**
 * Two sockets that are each other's peer, in memory. Delivery is synchronous, in order; what is sent before the other end
 * listens is kept. For tests and for a bridge between two parts of one process.
 */
export function socketPair(): [PairedSocket, PairedSocket] {
  const a = new PairEnd()
  const b = new PairEnd()
  a.peer = b
  b.peer = a
  return [a, b]
}

class PairEnd implements PairedSocket {
  peer: PairEnd | undefined
  isClosed = false
  readonly bufferedAmount = 0
  #handlers: SocketHandlers | undefined
  #waiting: ((handlers: SocketHandlers) => void)[] = []

  send(text: string): void {
    if (this.isClosed) return
    this.peer?.deliver((handlers) => {
      if (!handlers.bytes?.(Buffer.from(text))) handlers.message(text)
    })
  }

  sendBytes(utf8: Buffer): void {
    this.send(utf8.toString('utf8'))
  }

  close(code = 1000, reason = ''): void {
    this.#end(code, reason)
  }

  terminate(): void {
    this.#end(1006, '')
  }

  listen(handlers: SocketHandlers): void {
    this.#handlers = handlers
    const waiting = this.#waiting
    this.#waiting = []
    for (const deliver of waiting) deliver(handlers)
  }

  deliver(message: (handlers: SocketHandlers) => void): void {
    if (this.#handlers) message(this.#handlers)
    else this.#waiting.push(message)
  }

  #end(code: number, reason: string): void {
    if (this.isClosed) return
    this.isClosed = true
    if (this.peer) this.peer.isClosed = true
    this.peer?.deliver((handlers) => {
      handlers.close(code, reason)
    })
    this.deliver((handlers) => {
      handlers.close(code, reason)
    })
  }
}
