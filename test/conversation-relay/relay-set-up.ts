/**
 * A session in memory, with Twilio's end of the socket in the test's hands.
 *
 * @module
 */
import { ManualClock } from '../../src/core/clock.js'
import { socketPair } from '../../src/core/socket.js'
import type { ReplyPart } from '../../src/conversation-relay/brain.js'
import { ConversationRelaySession } from '../../src/conversation-relay/session.js'
import type {
  ConversationRelayEnd,
  ConversationRelayEvents,
  ConversationRelaySessionOptions,
} from '../../src/conversation-relay/session-options.js'

export const SETUP = {
  type: 'setup',
  sessionId: 'VX1',
  accountSid: 'AC1',
  callSid: 'CA1',
  from: '+12025550143',
  to: '+12025550199',
  direction: 'inbound',
  callStatus: 'RINGING',
  customParameters: { token: 'secret-token' },
}
export const prompt = (voicePrompt: string, last = true) => ({ type: 'prompt', voicePrompt, lang: 'en-US', last })
export const interrupt = (utteranceUntilInterrupt: string) => ({
  type: 'interrupt',
  utteranceUntilInterrupt,
  durationUntilInterruptMs: 460,
})
export const info = (name: string, value: string) => ({ type: 'info', name, value })

export const settled = async (turns = 30) => {
  for (let i = 0; i < turns; i++) await Promise.resolve()
}

/** A message to Twilio, as far as tests look into it. */
export interface Sent {
  readonly type: string
  readonly token?: string
  readonly last?: boolean
  readonly [key: string]: unknown
}

/** A reply that the test feeds piece by piece. */
export function pipe() {
  const waiting: ((result: IteratorResult<ReplyPart>) => void)[] = []
  const parts: ReplyPart[] = []
  const state = { isReturned: false, isOver: false }
  const iterable: AsyncIterable<ReplyPart> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const part = parts.shift()
        if (part !== undefined) return Promise.resolve({ done: false, value: part })
        if (state.isOver) return Promise.resolve({ done: true, value: undefined })
        return new Promise((resolve) => waiting.push(resolve))
      },
      return: () => {
        state.isReturned = true
        return Promise.resolve({ done: true, value: undefined })
      },
    }),
  }
  return {
    iterable,
    state,
    push: (part: ReplyPart) => {
      const next = waiting.shift()
      if (next) next({ done: false, value: part })
      else parts.push(part)
    },
    end: () => {
      state.isOver = true
      waiting.shift()?.({ done: true, value: undefined })
    },
  }
}

export function setup(options: Partial<ConversationRelaySessionOptions> = {}) {
  const clock = new ManualClock()
  const [socket, twilio] = socketPair()
  const sent: Sent[] = []
  const closes: [number, string][] = []
  const log: unknown[][] = []
  const logged: string[] = []
  const note = (message: string, fields?: object) => void logged.push(`${message} ${JSON.stringify(fields ?? {})}`)
  twilio.listen({
    message: (text) => sent.push(JSON.parse(text) as Sent),
    binary: () => undefined,
    close: (code, reason) => closes.push([code, reason]),
  })
  const session = new ConversationRelaySession({
    socket,
    clock,
    logger: { debug: note, info: note, warn: note, error: note },
    brain: async function* () {},
    ...options,
  })
  let end: ConversationRelayEnd | undefined
  void session.ended.then((how) => (end = how))
  const listen = (event: keyof ConversationRelayEvents) => {
    const listener = (...args: unknown[]) => void log.push([event, ...args])
    session.on(event, listener)
  }
  for (const event of [
    'setup', 'partialPrompt', 'callerTurn', 'agentTurnStarted', 'agentTurnEnded', 'interrupted', 'digit', 'speaking',
    'tokensPlayed', 'info', 'languageChanged', 'silence', 'replyFailed', 'replyLimited', 'vendorError', 'ended',
  ] as const) listen(event) // prettier-ignore
  const send = (...messages: object[]) => {
    for (const message of messages) twilio.send(JSON.stringify(message))
  }
  return {
    clock,
    session,
    twilio,
    sent,
    closes,
    log,
    logged,
    send,
    /** Lets promises run. */
    settled,
    started: async () => {
      send(SETUP)
      await settled()
    },
    /** Everything that was to be spoken, as one text. */
    spoken: () => sent.map(({ token = '' }) => token).join(''),
    told: (event: string) => log.filter(([name]) => name === event).map(([, value]) => value),
    end: () => end,
  }
}
