/**
 * Twilio Media Streams: one stream as a state machine, and the ledger of what the caller has heard.
 *
 * @module
 */
export { createOneTimeTokens, type OneTimeTokens, type OneTimeTokensOptions } from '../core/one-time-tokens.js'
export { socketFromWs, socketPair, type Socket, type SocketHandlers, type WsLike } from '../core/socket.js'
export {
  encodeClear,
  encodeMark,
  encodeMedia,
  parseInboundMessage,
  scanMedia,
  type InboundMessage,
  type OutboundMessage,
  type ScannedMedia,
  type UnknownMessage,
} from './messages.js'
export { Playback, type ClearedTurn, type PlaybackEvents, type PlaybackOptions, type PlaybackSink } from './playback.js'
export { MediaStreamSession } from './session.js'
export type {
  MediaBytesHandler,
  MediaHandler,
  MediaStreamCounts,
  MediaStreamEnd,
  MediaStreamEvents,
  MediaStreamSessionOptions,
  MediaStreamState,
  StreamStart,
} from './session-options.js'
