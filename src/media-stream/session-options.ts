/**
 * What a media stream session is told, what it tells, and who listens to it.
 *
 * @module
 */
import type { Clock } from '../core/clock.js'
import type { VoiceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { Socket } from '../core/socket.js'

/** What Twilio says of a stream when it starts. */
export interface StreamStart {
  readonly streamSid: string
  readonly callSid: string
  readonly accountSid: string
  /** The `<Parameter>`s of the TwiML, the only data that a stream carries. */
  readonly customParameters: Readonly<Record<string, string>>
}

/** Takes the caller's audio: base64 μ-law, 20 ms as a rule, with its time since the stream's start in milliseconds. */
export type MediaHandler = (payload: string, timestampMs: number) => void

/**
 * Takes the caller's audio where it came, without a string being made of it: base64 μ-law in `bytes` from `start` to `end`. The
 * bytes are the handler's, to overwrite or to keep.
 */
export type MediaBytesHandler = (bytes: Buffer, start: number, end: number, timestampMs: number) => void

export interface MediaStreamSessionOptions {
  readonly socket: Socket
  readonly clock?: Clock
  readonly logger?: Logger
  /**
   * Decides, before one byte of audio is handed on, whether this stream belongs to the call it names: redeem the one-time token
   * here. Default: everybody is let in, for sockets that were proven before.
   */
  readonly authorize?: (start: StreamStart) => boolean | Promise<boolean>
  /** Longest message, in characters. Default 65 536; a frame has about 400. A longer one closes the stream (1009). */
  readonly maxMessageChars?: number
  /** How long `start` and its authorisation may take, in milliseconds. Default 10 000. Then the stream is closed (1008). */
  readonly startTimeoutMs?: number
  /** A stream from which nothing comes for so long is over, in milliseconds. Default 30 000. */
  readonly silenceTimeoutMs?: number
  /** Longest gap in the caller's audio that is filled with silence, in milliseconds. Default 1000. */
  readonly maxGapMs?: number
  /** Caller audio that is kept until `connect`, in milliseconds. Default 5000; the oldest is dropped. */
  readonly maxHeldMs?: number
  /**
   * Bytes that may wait in this process because the peer does not read. Default 1 048 576: a minute and a half of audio. Beyond
   * it the stream is given up.
   */
  readonly maxUnsentBytes?: number
}

/** Where a session is. */
export type MediaStreamState = 'connecting' | 'awaiting-start' | 'authorizing' | 'streaming' | 'stopped'

/** How a stream ended. */
export interface MediaStreamEnd {
  /** `stopped`: Twilio said so. `socket-closed`: it is gone without a word. `closed`: by us. `failed`: see `error`. */
  readonly reason: 'stopped' | 'socket-closed' | 'closed' | 'failed'
  readonly error: VoiceError | undefined
  /** The WebSocket close code that was sent or came; 1005 when there was none. */
  readonly closeCode: number
}

export interface MediaStreamEvents {
  /** Twilio started the stream, and it was authorised. Call `connect` here. */
  start: [start: StreamStart]
  /** The caller pressed a key. */
  dtmf: [digit: string]
  /** The stream is over. Comes once, last. */
  ended: [end: MediaStreamEnd]
}

/** What passed on a stream, for diagnosis. */
export interface MediaStreamCounts {
  /** Media messages that were handed on or held. */
  readonly media: number
  /** Frames of silence put in for gaps. */
  readonly padded: number
  /** Frames that came after their time was filled, and were dropped. */
  readonly late: number
  /** Messages that could not be read, came out of order, hold no audio, or belong to another stream. */
  readonly ignored: number
}
