/**
 * One Twilio media stream as a state machine over a socket.
 *
 * `connecting` (nothing came yet) → `awaiting-start` (after `connected`) → `authorizing` (after `start`) → `streaming` →
 * `stopped`. `stop` and the socket's close mean the same, whichever comes.
 *
 * @see https://www.twilio.com/docs/voice/media-streams/websocket-messages (read 2026-11-21)
 * @module
 */
import { EventEmitter } from 'eventemitter3'
import { base64ByteLength } from '../core/base64.js'
import { systemClock, type Clock, type TimerHandle } from '../core/clock.js'
import { ProtocolError, SignatureError, type VoiceError } from '../core/errors.js'
import { runListeners } from '../core/listeners.js'
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import type { Socket } from '../core/socket.js'
import { sharedTicker, type Ticker } from '../core/ticker.js'
import { InboundTimeline } from './inbound-timeline.js'
import { scanMediaBytes } from './media-bytes.js'
import {
  encodeClear,
  encodeMark,
  encodeMedia,
  parseInboundMessage,
  scanMark,
  scanMedia,
  type InboundMessage,
  type InboundStart,
} from './messages.js'
import { Playback, type PlaybackSink } from './playback.js'
import type {
  MediaBytesHandler,
  MediaHandler,
  MediaStreamCounts,
  MediaStreamEnd,
  MediaStreamEvents,
  MediaStreamSessionOptions,
  MediaStreamState,
  StreamStart,
} from './session-options.js'

const MAX_CONSECUTIVE_BAD = 10
const SILENCE_CHECK_MS = 1000
const FRAME_MS = 20
const BYTES_PER_MS = 8
/** How long the peer may take to answer the closing handshake, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2000

/**
 * Speaks Twilio's side of a media stream.
 *
 * @example
 * ```ts
 * const session = new MediaStreamSession({ socket, authorize: (start) => tokens.redeem(start.customParameters.token ?? '', start.callSid) })
 * session.on('start', () => session.connect({ onMedia: (payload) => { … } }))
 * session.playback.enqueue('turn-1', base64Mulaw)
 * const { reason } = await session.ended
 * ```
 */
export class MediaStreamSession extends EventEmitter<MediaStreamEvents> implements PlaybackSink {
  /** How the stream ended: nothing comes or goes any more. Never rejects. */
  readonly ended: Promise<MediaStreamEnd>
  /** The socket is closed as well, two seconds after the end at the latest. Never rejects. */
  readonly closed: Promise<void>

  readonly #socket: Socket
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #authorize: NonNullable<MediaStreamSessionOptions['authorize']>
  readonly #maxMessageChars: number
  readonly #silenceTimeoutMs: number
  readonly #maxHeldMs: number
  readonly #maxUnsentBytes: number
  readonly #timeline: InboundTimeline
  readonly #silenceTicker: Ticker
  readonly #checkSilence = (): void => this.#endWhenSilent()
  #resolveEnded: (end: MediaStreamEnd) => void = () => undefined
  #resolveClosed: () => void = () => undefined

  #state: MediaStreamState = 'connecting'
  #start: StreamStart | undefined
  #streamSid = ''
  #playback: Playback | undefined
  #onMedia: MediaHandler | undefined
  #onMediaBytes: MediaBytesHandler | undefined
  #held: { readonly payload: string; readonly timestampMs: number }[] = []
  #heldMs = 0
  #startTimer: TimerHandle | undefined
  #closeTimer: TimerHandle | undefined
  #lastMessageMs: number
  #badInARow = 0
  #media = 0
  #ignored = 0

  constructor(options: MediaStreamSessionOptions) {
    super()
    const { startTimeoutMs = 10_000, silenceTimeoutMs = 30_000, maxGapMs = 1000, maxHeldMs = 5000 } = options
    this.#socket = options.socket
    this.#clock = options.clock ?? systemClock
    this.#logger = maskingLogger(options.logger ?? silentLogger)
    this.#authorize = options.authorize ?? (() => true)
    this.#maxMessageChars = options.maxMessageChars ?? 65_536
    this.#silenceTimeoutMs = silenceTimeoutMs
    this.#maxHeldMs = maxHeldMs
    this.#maxUnsentBytes = options.maxUnsentBytes ?? 1_048_576
    this.#timeline = new InboundTimeline(maxGapMs)
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve))
    this.#lastMessageMs = this.#clock.monotonicMs()
    this.#silenceTicker = sharedTicker(this.#clock, SILENCE_CHECK_MS)
    this.#startTimer = this.#clock.setTimeout(() => {
      const error = new ProtocolError(
        'media_stream_start_timeout',
        `No authorised start came within ${startTimeoutMs} ms`,
      )
      this.#fail(error, 1008)
    }, startTimeoutMs)
    this.#socket.listen({
      message: (text) => this.#receive(text),
      bytes: (utf8) => this.#receiveBytes(utf8),
      binary: (byteLength) => this.#reject(`a binary message of ${byteLength} bytes`),
      close: (code) => this.#socketClosed(code),
    })
  }

  get state(): MediaStreamState {
    return this.#state
  }

  /** What Twilio said at the start; `undefined` until the stream is authorised. */
  get start(): StreamStart | undefined {
    return this.#start
  }

  /** The ledger of what the caller has heard. Made when it is first asked for, unless {@link connect} brought one. */
  get playback(): Playback {
    return (this.#playback ??= this.#attachPlayback(new Playback({ clock: this.#clock, logger: this.#logger })))
  }

  get counts(): MediaStreamCounts {
    const { padded, late } = this.#timeline
    return { media: this.#media, padded, late, ignored: this.#ignored }
  }

  /** Bytes that wait in this process because Twilio reads slowly. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  /**
   * Takes the caller's audio from now on, and first what was held; and speaks through `playback` when it is given.
   *
   * `onMediaBytes` is for who passes audio on as it is: it gets, in place of `onMedia`, whatever can be had without a string. What
   * was held, silence that fills a gap, and frames in another spelling come to `onMedia` all the same, in order.
   *
   * @throws TypeError when another playback is in use already.
   */
  connect({
    onMedia,
    onMediaBytes,
    playback,
  }: {
    readonly onMedia?: MediaHandler
    readonly onMediaBytes?: MediaBytesHandler
    readonly playback?: Playback
  }): void {
    if (playback) {
      if (this.#playback && this.#playback !== playback) throw new TypeError('This stream has a playback already')
      this.#playback = this.#attachPlayback(playback)
    }
    if (!onMedia) return
    this.#onMedia = onMedia
    this.#onMediaBytes = onMediaBytes
    const held = this.#held
    this.#held = []
    this.#heldMs = 0
    for (const { payload, timestampMs } of held) this.#handOn(payload, timestampMs)
  }

  media(payload: string): void {
    if (this.#state !== 'streaming') return
    if (this.#socket.bufferedAmount <= this.#maxUnsentBytes) this.#socket.send(encodeMedia(this.#streamSid, payload))
    else {
      const message = `The peer reads nothing: over ${this.#maxUnsentBytes} bytes wait to be sent`
      this.#fail(new ProtocolError('media_stream_stalled', message), 1011)
    }
  }

  mark(name: string): void {
    if (this.#state === 'streaming') this.#socket.send(encodeMark(this.#streamSid, name))
  }

  clear(): void {
    if (this.#state !== 'streaming') return
    this.#socket.send(encodeClear(this.#streamSid))
    this.#socket.flush?.() // whatever else is to be done about an interruption comes after it
  }

  /** Closes the stream: Twilio goes on with its TwiML. Safe to call twice. */
  close(code = 1000, reason = ''): void {
    this.#finish({ reason: 'closed', error: undefined, closeCode: code }, reason)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.ended
  }

  #receive(text: string): void {
    if (this.#state === 'stopped') return
    this.#lastMessageMs = this.#clock.monotonicMs()
    if (text.length > this.#maxMessageChars) {
      const limit = this.#maxMessageChars
      this.#fail(
        new ProtocolError(
          'media_stream_message_too_large',
          `A message of ${text.length} characters came; the limit is ${limit}`,
        ),
        1009,
      )
      return
    }
    const frame = scanMedia(text)
    if (frame) {
      this.#receiveMedia(frame.streamSid, frame.payload, frame.timestampMs)
      return
    }
    const mark = scanMark(text)
    if (mark) {
      if (this.#isOurs(mark.streamSid)) this.#playback?.receiveMark(mark.name)
      return
    }
    try {
      const message = parseInboundMessage(text)
      if (message.event === 'unknown') this.#ignore(`a message of the unknown type ${printable(message.name)}`)
      else this.#handle(message)
    } catch (error) {
      if (error instanceof ProtocolError) this.#reject(error.message)
      else this.#logger.error('A handler of a media stream threw', { ...this.#ids, error })
    }
  }

  /** The short way of nearly every frame. What it does not take goes the long way, through {@link #receive}. */
  #receiveBytes(utf8: Buffer): boolean {
    if (!this.#onMediaBytes || this.#state !== 'streaming' || utf8.length > this.#maxMessageChars) return false
    const frame = scanMediaBytes(utf8, this.#streamSid)
    if (!frame) return false
    this.#lastMessageMs = this.#clock.monotonicMs()
    const { start, end, timestampMs, byteLength } = frame
    if (this.#place(timestampMs, byteLength / BYTES_PER_MS)) this.#handOnBytes(utf8, start, end, timestampMs)
    return true
  }

  #handOnBytes(bytes: Buffer, start: number, end: number, timestampMs: number): void {
    try {
      this.#onMediaBytes?.(bytes, start, end, timestampMs) // unless the silence before it made somebody close
    } catch (error) {
      this.#logger.error('A handler of a media stream threw', { ...this.#ids, error })
    }
  }

  #handle(message: InboundMessage): void {
    switch (message.event) {
      case 'connected':
        if (this.#state === 'connecting') this.#state = 'awaiting-start'
        else this.#ignore('a second connected')
        return
      case 'start':
        this.#receiveStart(message)
        return
      case 'media':
        if (message.media.track === 'outbound') this.#ignore('audio of the outbound track')
        else this.#receiveMedia(message.streamSid, message.media.payload, message.media.timestamp)
        return
      case 'dtmf':
        if (!this.#isOurs(message.streamSid)) return
        if (this.#state === 'streaming') this.#tell('dtmf', message.dtmf.digit)
        return
      case 'mark':
        if (this.#isOurs(message.streamSid)) this.#playback?.receiveMark(message.mark.name)
        return
      case 'stop':
        if (!this.#isOurs(message.streamSid)) return
        this.#finish({ reason: 'stopped', error: undefined, closeCode: 1000 })
    }
  }

  #receiveStart({ streamSid, start }: InboundStart): void {
    if (this.#state !== 'connecting' && this.#state !== 'awaiting-start') {
      this.#ignore('a second start')
      return
    }
    const { encoding, sampleRate, channels } = start.mediaFormat
    if (encoding !== 'audio/x-mulaw' || sampleRate !== 8000 || channels !== 1) {
      const message = `The stream is announced as ${channels} channels at ${sampleRate} Hz, and not as audio/x-mulaw, 8000 Hz, mono`
      this.#fail(new ProtocolError('media_stream_message_invalid', message), 1003)
      return
    }
    this.#badInARow = 0
    this.#state = 'authorizing'
    this.#streamSid = streamSid
    const { callSid, accountSid, customParameters } = start
    void this.#authorizeStart({ streamSid, callSid, accountSid, customParameters })
  }

  async #authorizeStart(start: StreamStart): Promise<void> {
    let isAuthorized = false
    let cause: unknown
    try {
      const answer = this.#authorize(start)
      isAuthorized = typeof answer === 'boolean' ? answer : await answer
    } catch (error) {
      cause = error
    }
    if (this.#state !== 'authorizing') return // closed meanwhile
    if (!isAuthorized) {
      const message =
        cause === undefined ? 'The stream showed no valid token' : 'The token of the stream could not be checked'
      this.#fail(new SignatureError('media_stream_unauthorized', message, cause === undefined ? {} : { cause }), 1008)
      return
    }
    this.#clock.clear(this.#startTimer)
    this.#silenceTicker.add(this.#checkSilence)
    this.#state = 'streaming'
    this.#start = start
    this.#playback?.attach(this)
    this.#tell('start', start)
  }

  #receiveMedia(streamSid: string, payload: string, timestampMs: number): void {
    if (this.#state === 'connecting' || this.#state === 'awaiting-start') {
      this.#ignore('audio before start')
      return
    }
    if (!this.#isOurs(streamSid)) return
    if (payload === '') {
      this.#ignore('a media message without audio')
      return
    }
    if (this.#place(timestampMs, durationMsOf(payload))) this.#handOn(payload, timestampMs)
  }

  /** Places a frame in time, and hands on the silence that is missing before it. @returns Whether it is to be handed on. */
  #place(timestampMs: number, durationMs: number): boolean {
    this.#badInARow = 0
    const missing = this.#timeline.place(timestampMs, durationMs)
    if (missing === 'late') return false
    for (let i = missing.length - 1; i >= 0; i--) this.#handOn(missing[i] ?? '', timestampMs - (i + 1) * FRAME_MS)
    this.#media++
    return true
  }

  #handOn(payload: string, timestampMs: number): void {
    if (this.#onMedia && this.#state === 'streaming') {
      try {
        this.#onMedia(payload, timestampMs)
      } catch (error) {
        this.#logger.error('A handler of a media stream threw', { ...this.#ids, error })
      }
      return
    }
    this.#held.push({ payload, timestampMs })
    this.#heldMs += durationMsOf(payload)
    // By what it plays and not by count: a stranger's frame may be as long as a message can be.
    while (this.#heldMs > this.#maxHeldMs) this.#heldMs -= durationMsOf(this.#held.shift()?.payload ?? '')
  }

  #attachPlayback(playback: Playback): Playback {
    if (this.#state === 'streaming') playback.attach(this)
    return playback
  }

  #isOurs(streamSid: string): boolean {
    if (streamSid === this.#streamSid) return true
    this.#ignore('a message of another stream')
    return false
  }

  #ignore(what: string): void {
    if (this.#ignored++ === 0) this.#logger.warn(`Ignored on a media stream: ${what}`, this.#ids)
  }

  /** A message that breaks the protocol: one is dropped, ten in a row close the stream. */
  #reject(what: string): void {
    if (this.#state === 'stopped') return
    this.#ignore(what)
    if (++this.#badInARow < MAX_CONSECUTIVE_BAD) return
    const message = `${MAX_CONSECUTIVE_BAD} messages in a row broke the protocol; the last was ${what}`
    this.#fail(new ProtocolError('media_stream_message_invalid', message), 1007)
  }

  #endWhenSilent(): void {
    const silentMs = this.#clock.monotonicMs() - this.#lastMessageMs
    if (silentMs < this.#silenceTimeoutMs) return
    this.#fail(new ProtocolError('media_stream_silent', `Nothing came for ${Math.round(silentMs)} ms`), 1000)
  }

  #fail(error: VoiceError, closeCode: number): void {
    if (this.#state === 'stopped') return
    this.#logger.warn('A media stream failed', { ...this.#ids, code: error.code })
    this.#finish({ reason: 'failed', error, closeCode })
  }

  #socketClosed(closeCode: number): void {
    this.#clock.clear(this.#closeTimer)
    const tooLarge = new ProtocolError('media_stream_message_too_large', 'A message was larger than its reader takes')
    if (closeCode === 1009) this.#fail(tooLarge, 1009)
    this.#finish({ reason: 'socket-closed', error: undefined, closeCode })
    this.#resolveClosed()
  }

  #finish(end: MediaStreamEnd, closeReason = ''): void {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    if (end.reason !== 'socket-closed') {
      this.#closeTimer = this.#clock.setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS)
      this.#socket.close(end.closeCode, closeReason)
    }
    this.#clock.clear(this.#startTimer)
    this.#silenceTicker.remove(this.#checkSilence)
    this.#held = []
    this.#onMedia = undefined
    this.#onMediaBytes = undefined
    this.#playback?.close()
    this.#resolveEnded(end)
    this.#tell('ended', end)
  }

  #tell<T extends keyof MediaStreamEvents>(event: T, ...args: EventEmitter.EventArgs<MediaStreamEvents, T>): void {
    runListeners(this.#logger, event, () => this.emit(event, ...args), this.#ids)
  }

  get #ids(): { readonly streamSid: string; readonly callSid: string | undefined } {
    return { streamSid: this.#streamSid, callSid: this.#start?.callSid }
  }
}

function durationMsOf(payload: string): number {
  return base64ByteLength(payload) / BYTES_PER_MS
}

/** A word of the protocol, or nothing of what was sent: a stranger may have sent it. */
function printable(name: string): string {
  return /^[a-z_]{1,40}$/.test(name) ? `"${name}"` : '(not a word)'
}
