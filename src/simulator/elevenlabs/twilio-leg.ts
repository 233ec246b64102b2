/**
 * Lets Twilio talk to a simulated agent directly, as after register-call: the agent's address speaks Media Streams, too.
 *
 * @module
 */
import type { Clock, TimerHandle } from '../../core/clock.js'
import { socketPair, type Socket } from '../../core/socket.js'
import type { RegisteredCall } from './rest.js'

const MULAW_BYTES_PER_MS = 8
/** How much longer than everything that was said the echo of the goodbye's mark may take. */
const GOODBYE_SLACK_MS = 5000

export interface TwilioLegOptions {
  /** Twilio's socket. */
  readonly socket: Socket
  readonly clock: Clock
  /** Takes the registration of a call, once. */
  readonly claim: (conversationId: string) => RegisteredCall | undefined
  /** Starts the conversation on its own end of the leg. */
  readonly begin: (call: RegisteredCall, socket: Socket, start: TwilioStart) => void
}

/** What Twilio told at the start of the stream. */
export interface TwilioStart {
  readonly streamSid: string
  readonly callSid: string
}

interface TwilioFrame {
  readonly event?: unknown
  readonly start?: {
    readonly streamSid?: unknown
    readonly callSid?: unknown
    readonly customParameters?: Readonly<Record<string, unknown>>
  }
  readonly media?: { readonly payload?: unknown }
  readonly mark?: { readonly name?: unknown }
}

/** The events of the agent that Twilio's leg acts on. */
interface AgentEvent {
  readonly type?: unknown
  readonly audio_event?: { readonly audio_base_64?: unknown }
  readonly ping_event?: { readonly event_id?: unknown }
}

const GOODBYE_MARK = 'goodbye'

/** Joins a Media Stream to a conversation that knows nothing of it. */
export function joinTwilioLeg({ socket, clock, claim, begin }: TwilioLegOptions): void {
  let agent: Socket | undefined
  let streamSid = ''
  let saidBytes = 0
  let goodbyeTimer: TimerHandle | undefined
  let hasStopped = false

  const toTwilio = (message: object): void => socket.send(JSON.stringify({ ...message, streamSid }))

  const fromAgent = (text: string): void => {
    const message = readObject(text) as AgentEvent | undefined
    if (!message) return // a malformed frame on demand: Twilio never sees it
    const payload = message.audio_event?.audio_base_64
    if (typeof payload === 'string') {
      saidBytes += Buffer.byteLength(payload, 'base64')
      toTwilio({ event: 'media', media: { payload } })
    } else if (message.type === 'interruption') toTwilio({ event: 'clear' })
    else if (message.ping_event) agent?.send(JSON.stringify({ type: 'pong', event_id: message.ping_event.event_id }))
  }

  const start = (frame: TwilioFrame): void => {
    const conversationId = frame.start?.customParameters?.['conversation_id']
    const call = typeof conversationId === 'string' ? claim(conversationId) : undefined
    if (!call || agent) {
      socket.close(1008, 'The conversation is not registered.')
      return
    }
    streamSid = String(frame.start?.streamSid)
    const [agentEnd, ourEnd] = socketPair()
    agent = ourEnd
    ourEnd.listen({
      message: fromAgent,
      binary: () => undefined,
      // What was said is heard out: the mark comes back when Twilio has played it.
      close: (code) => {
        const heardOutMs = saidBytes / MULAW_BYTES_PER_MS
        if (hasStopped || code !== 1000 || heardOutMs === 0) {
          socket.close(1000)
          return
        }
        toTwilio({ event: 'mark', mark: { name: GOODBYE_MARK } })
        goodbyeTimer = clock.setTimeout(() => socket.close(1000), heardOutMs + GOODBYE_SLACK_MS)
      },
    })
    begin(call, agentEnd, { streamSid, callSid: String(frame.start?.callSid) })
    const given = typeof call.initiation === 'object' ? call.initiation : {}
    ourEnd.send(JSON.stringify({ ...given, type: 'conversation_initiation_client_data' }))
  }

  const stop = (): void => {
    hasStopped = true
    clock.clear(goodbyeTimer)
    agent?.close(1000)
  }

  socket.listen({
    message: (text) => {
      const frame = readObject(text) as TwilioFrame | undefined
      if (!frame) socket.close(1007, 'not a JSON object')
      else if (frame.event === 'start') start(frame)
      else if (frame.event === 'media' && typeof frame.media?.payload === 'string') {
        agent?.send(JSON.stringify({ user_audio_chunk: frame.media.payload }))
      } else if (frame.event === 'mark' && frame.mark?.name === GOODBYE_MARK) socket.close(1000)
      else if (frame.event === 'stop') stop()
    },
    binary: () => socket.close(1003),
    close: stop,
  })
}

function readObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
