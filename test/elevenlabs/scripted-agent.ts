/**
 * The agent's end of a socket in memory, told what to say line by line.
 *
 * @module
 */
import { ManualClock } from '../../src/core/clock.js'
import type { Logger } from '../../src/core/logger.js'
import { socketPair, type PairedSocket } from '../../src/core/socket.js'
import { Conversation, type ConversationOptions } from '../../src/elevenlabs/conversation.js'
import {
  encodeServerMessage,
  parseClientMessage,
  type ClientMessage,
  type ServerMessage,
} from '../../src/elevenlabs/messages.js'

/** A conversation with a scripted agent, and everything that came of it. */
export interface Talk {
  readonly conversation: Conversation
  readonly agent: PairedSocket
  readonly clock: ManualClock
  /** What the agent was sent, the initiation first. */
  readonly received: ClientMessage[]
  /** What was told, as `[event, …arguments]`. */
  readonly events: unknown[][]
  /** How the socket was closed, as the agent saw it. */
  readonly closes: [number, string][]
  readonly logged: string[]
  readonly say: (...messages: ServerMessage[]) => void
  /** What the agent was sent of one type. */
  readonly sent: <T extends ClientMessage['type']>(type: T) => Extract<ClientMessage, { type: T }>[]
}

export const METADATA = {
  type: 'metadata',
  conversationId: 'conv_1',
  inputFormat: 'ulaw_8000',
  outputFormat: 'ulaw_8000',
} as const satisfies ServerMessage

/** A conversation that waits for its metadata. */
export function startTalk(options: Partial<ConversationOptions> = {}): Talk {
  const [ours, agent] = socketPair()
  const clock = new ManualClock()
  const received: ClientMessage[] = []
  const events: unknown[][] = []
  const closes: [number, string][] = []
  const logged: string[] = []
  const log = (message: string, fields?: object): void => void logged.push(`${message} ${JSON.stringify(fields ?? {})}`)
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  agent.listen({
    message: (text) => received.push(parseClientMessage(text)),
    binary: () => undefined,
    close: (code, reason) => closes.push([code, reason]),
  })
  const conversation = new Conversation({ socket: ours, clock, logger, ...options })
  const emit = conversation.emit.bind(conversation) as (...args: unknown[]) => boolean
  Object.assign(conversation, {
    emit: (...args: unknown[]) => {
      events.push(args)
      return emit(...args)
    },
  })
  return {
    conversation,
    agent,
    clock,
    received,
    events,
    closes,
    logged,
    say: (...messages) => {
      for (const message of messages) agent.send(encodeServerMessage(message))
    },
    sent: (type) =>
      received.filter((message): message is Extract<ClientMessage, { type: typeof type }> => message.type === type),
  }
}

/** A conversation that is under way. */
export function activeTalk(options: Partial<ConversationOptions> = {}): Talk {
  const talk = startTalk(options)
  talk.say(METADATA)
  return talk
}

/** Lets promises run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

/** `n` milliseconds of caller audio, each frame with its own first byte. */
export function frames(count: number, ms = 20): string[] {
  return Array.from({ length: count }, (_, i) =>
    Buffer.alloc(ms * 8, 0xff)
      .fill(i % 250, 0, 1)
      .toString('base64'),
  )
}
