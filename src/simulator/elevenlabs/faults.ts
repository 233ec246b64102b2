/**
 * What can go wrong with a conversation on demand, and at which moments.
 *
 * @module
 */

/** A moment of a conversation at which something can go wrong. */
export type FaultMoment =
  /** Before the socket is accepted. */
  | 'upgrade'
  /** Right after it was accepted, before the initiation is read. */
  | 'open'
  /** In place of the metadata. */
  | 'metadata'
  /** Right after the metadata. */
  | 'started'
  /** After the first chunk of an agent utterance. */
  | 'speaking'
  /** When the caller begins to speak. */
  | 'listening'
  /** When the caller has finished, before the reply. */
  | 'heard'
  /** When a client tool was called and has not answered. */
  | 'tool'

/** Closes the socket, after an `error` frame when `errorType` is given. */
export interface CloseFault {
  readonly close: { readonly code: number; readonly reason?: string; readonly errorType?: string }
}

/** Drops the connection without a closing handshake: the client sees 1006. */
export interface TerminateFault {
  readonly terminate: true
}

/** Falls silent for ever, with the socket open. */
export interface HangFault {
  readonly hang: true
}

/** Sends a frame as it is: text that may be no JSON, or any other value as JSON. */
export interface SendFault {
  readonly send: unknown
}

/** Refuses the upgrade with an HTTP status; only at the moment `upgrade`. */
export interface RefuseFault {
  readonly refuse: { readonly status: number; readonly body?: string; readonly retryAfterSecs?: number }
}

/** What goes wrong, and when. Each happens once a conversation. */
export interface ConversationFault {
  readonly at: FaultMoment
  /** Happens so long after the moment, in milliseconds. At `upgrade` and `metadata` the moment itself is put off. Default 0. */
  readonly afterMs?: number
  /** Default: nothing but the delay. */
  readonly action?: FaultAction
}

/** What a fault does. */
export type FaultAction = CloseFault | TerminateFault | HangFault | RefuseFault | SendFault
