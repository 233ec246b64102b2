/**
 * A client of the agent socket that knows only the published protocol, on a clock that the test moves.
 *
 * @module
 */
import { ManualClock } from '../../../src/core/clock.js'
import { socketPair } from '../../../src/core/socket.js'
import { agentWithDefaults, type SimulatedAgentOptions } from '../../../src/simulator/elevenlabs/agent.js'
import { SimulatedConversation, type ElevenLabsViolation } from '../../../src/simulator/elevenlabs/conversation.js'
import type { ConversationFault } from '../../../src/simulator/elevenlabs/faults.js'
import { Recogniser } from '../../../src/simulator/elevenlabs/recogniser.js'
import { ConversationRecord } from '../../../src/simulator/elevenlabs/record.js'
import { syntheticSpeech, type Utterance } from '../../../src/simulator/elevenlabs/utterance.js'

/** Any message of the server. */
export type Frame = Record<string, any> // eslint-disable-line @typescript-eslint/no-explicit-any

export const INITIATION = { type: 'conversation_initiation_client_data' }

export interface RawClientOptions extends Partial<SimulatedAgentOptions> {
  readonly speech?: readonly Utterance[]
  readonly nextFaults?: readonly ConversationFault[]
  /** Pongs are left out. */
  readonly ignoresPings?: boolean
}

/** One conversation in memory, seen from the client. */
export function connect({ speech = [], nextFaults = [], ignoresPings = false, ...agent }: RawClientOptions = {}) {
  const clock = new ManualClock()
  const [server, socket] = socketPair()
  const frames: Frame[] = []
  const raw: string[] = []
  const violations: ElevenLabsViolation[] = []
  let closed: { code: number; reason: string } | undefined
  socket.listen({
    message: (text) => {
      raw.push(text)
      let frame: Frame
      try {
        frame = JSON.parse(text) as Frame
      } catch {
        return
      }
      frames.push({ ...frame, atMs: clock.monotonicMs() })
      if (frame['type'] === 'ping' && !ignoresPings) send({ type: 'pong', event_id: frame['ping_event'].event_id })
    },
    binary: () => {},
    close: (code, reason) => (closed = { code, reason }),
  })
  const settings = agentWithDefaults({ agentId: 'agent_1', ...agent })
  const known = new Map(speech.map((utterance) => [utterance.text, utterance]))
  const conversation = new SimulatedConversation({
    agent: settings,
    clock,
    socket: server,
    record: new ConversationRecord({
      conversationId: 'conv_1',
      agentId: settings.agentId,
      agentName: settings.name,
      clock,
      authorizationMethod: 'public',
      phoneCall: null,
    }),
    recogniser: new Recogniser(speech),
    pronounce: (said) => (typeof said === 'string' ? (known.get(said) ?? syntheticSpeech(said)) : said),
    faults: nextFaults,
    onViolation: (violation) => violations.push(violation),
  })
  const send = (message: unknown): void => socket.send(typeof message === 'string' ? message : JSON.stringify(message))

  /** Sends audio as a telephone does: 20 ms a frame, in real time. */
  const talk = async (audio: Uint8Array): Promise<void> => {
    for (let at = 0; at < audio.length; at += 160) {
      const frame = Buffer.alloc(160, 0xff)
      frame.set(audio.subarray(at, at + 160))
      send({ user_audio_chunk: frame.toString('base64') })
      await clock.advanceAsync(20, 20)
    }
  }

  return {
    clock,
    socket,
    conversation,
    frames,
    raw,
    violations,
    send,
    talk,
    silence: (ms: number) => talk(new Uint8Array(ms * 8).fill(0xff)),
    /** Sends the initiation and lets the metadata come. */
    begin: async (initiation: object = {}) => {
      send({ ...INITIATION, ...initiation })
      await clock.advanceAsync(20, 20)
    },
    types: () => frames.map(({ type }) => String(type)),
    of: (type: string) => frames.filter((frame) => frame['type'] === type),
    closed: () => closed,
  }
}
