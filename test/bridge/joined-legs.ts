/**
 * Both legs of a bridge in memory, on a clock that the test moves: Twilio plays what it is sent and echoes marks, the agent
 * says what the test says.
 *
 * @module
 */
import type { AgentTurn } from '../../src/bridge/turns.js'
import { MediaStreamBridge, type MediaStreamBridgeOptions } from '../../src/bridge/media-bridge.js'
import type { ManualClock } from '../../src/core/clock.js'
import { socketPair } from '../../src/core/socket.js'
import { MediaStreamSession } from '../../src/media-stream/session.js'
import { outboundMessageSchema, type OutboundMessage } from '../../src/media-stream/messages.js'
import { settle, startTalk, type Talk } from '../elevenlabs/scripted-agent.js'

export const STREAM_SID = 'MZ1'
export const SILENCE = Buffer.alloc(160, 0xff).toString('base64')
/** A loud frame. */
export const SPEECH = Buffer.from(Uint8Array.from({ length: 160 }, (_, i) => (i % 2 ? 0x10 : 0x90))).toString('base64')

/** `ms` of agent audio. */
export const audio = (ms: number, byte = 0x55): string => Buffer.alloc(ms * 8, byte).toString('base64')

export const startMessage = JSON.stringify({ event: 'start', sequenceNumber: '1', streamSid: STREAM_SID, start: { accountSid: 'AC1', streamSid: STREAM_SID, callSid: 'CA1', tracks: ['inbound'], mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 }, customParameters: {} } }) // prettier-ignore

/** Twilio's end of a media stream: plays in real time, echoes marks when their audio was played, echoes all on a clear. */
export function twilioLeg(clock: ManualClock, { echoes = true } = {}) {
  const [ours, peer] = socketPair()
  const sent: OutboundMessage[] = []
  const dropped: string[] = []
  const closes: number[] = []
  const marks: { name: string; dueMs: number }[] = []
  let endsAtMs = 0
  peer.listen({
    message: (text) => {
      const { success, data: message } = outboundMessageSchema.safeParse(JSON.parse(text))
      if (!success || message.streamSid !== STREAM_SID) {
        dropped.push(text) // as Twilio does with a field too many (31951)
        return
      }
      sent.push(message)
      const nowMs = clock.monotonicMs()
      if (message.event === 'media')
        endsAtMs = Math.max(endsAtMs, nowMs) + Buffer.from(message.media.payload, 'base64').length / 8
      if (message.event === 'mark') marks.push({ name: message.mark.name, dueMs: Math.max(endsAtMs, nowMs) })
      if (message.event === 'clear') {
        endsAtMs = nowMs
        for (const mark of marks) mark.dueMs = nowMs
        echoDue()
      }
    },
    binary: () => undefined,
    close: (code) => closes.push(code),
  })
  const send = (message: object | string): void =>
    peer.send(typeof message === 'string' ? message : JSON.stringify(message))
  const echoDue = (): void => {
    if (!echoes) return
    for (const { name } of marks.splice(0, marks.filter(({ dueMs }) => dueMs <= clock.monotonicMs()).length))
      send({ event: 'mark', sequenceNumber: '1', streamSid: STREAM_SID, mark: { name } })
  }
  let timestamp = 0
  const session = new MediaStreamSession({ socket: ours, clock })
  return {
    session,
    peer,
    sent,
    dropped,
    closes,
    send,
    echoDue,
    start: async () => {
      send(startMessage)
      await settle()
    },
    frame: (payload = SILENCE) => {
      send({ event: 'media', sequenceNumber: '2', streamSid: STREAM_SID, media: { track: 'inbound', chunk: '1', timestamp: String(timestamp), payload } }) // prettier-ignore
      timestamp += 20
    },
    digit: (digit: string) =>
      send({ event: 'dtmf', streamSid: STREAM_SID, sequenceNumber: '5', dtmf: { track: 'inbound_track', digit } }),
    stop: () => send({ event: 'stop', sequenceNumber: '9', streamSid: STREAM_SID, stop: {} }),
    mediaMs: () =>
      sent.reduce(
        (sum, message) =>
          message.event === 'media' ? sum + Buffer.from(message.media.payload, 'base64').length / 8 : sum,
        0,
      ),
  }
}

export interface LegsOptions extends Omit<Partial<MediaStreamBridgeOptions>, 'conversation' | 'clock'> {
  /** The agent's conversation is handed in as a promise that the test settles. */
  readonly isLate?: boolean
  /** Twilio never sends a mark back. */
  readonly isMarkless?: boolean
}

/** A bridge with both its legs; the stream has started but is not attached. */
export function joinLegs({ isLate = false, isMarkless = false, ...options }: LegsOptions = {}) {
  const talk: Talk = startTalk()
  const { clock } = talk
  let resolve: () => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const late = new Promise<Talk['conversation']>((yes, no) => {
    resolve = () => yes(talk.conversation)
    reject = no
  })
  const bridge = new MediaStreamBridge({ ...options, clock, conversation: isLate ? late : talk.conversation })
  const twilio = twilioLeg(clock, { echoes: !isMarkless })
  const events: [string, unknown][] = []
  for (const event of [
    'joined',
    'callerTurn',
    'agentTurnStarted',
    'agentTurnEnded',
    'bargedIn',
    'toolCalled',
    'toolAnswered',
    'digit',
    'ended',
  ] as const)
    // prettier-ignore
    bridge.on(event, (...args: unknown[]) => void events.push([event, args[0]]))
  return {
    bridge,
    talk,
    clock,
    twilio,
    events,
    names: () => events.map(([name]) => name),
    turns: () => events.filter(([name]) => name === 'agentTurnEnded').map(([, turn]) => turn as AgentTurn),
    connectAgent: async () => {
      resolve()
      await settle()
    },
    failAgent: async (error: unknown) => {
      reject(error)
      await settle()
    },
    /** Attaches the stream. */
    attach: async () => {
      await twilio.start()
      bridge.attach(twilio.session)
    },
    /** Time passes: the caller's frames come, Twilio plays. */
    pass: async (ms: number, payload: string | null = SILENCE) => {
      for (let doneMs = 0; doneMs < ms; doneMs += 20) {
        clock.advance(20)
        twilio.echoDue()
        if (payload !== null) twilio.frame(payload)
        await settle()
      }
    },
  }
}
