/**
 * A whole phone line on this machine: our front door in a real Express, the simulated Twilio and ElevenLabs on both sides of
 * it, and everything written down that could go wrong.
 *
 * @module
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket as NetSocket } from 'node:net'
import express, { type Express } from 'express'
import { afterEach, expect } from 'vitest'
import type { BridgeEnd } from '../../src/bridge/bridge-end.js'
import type { AgentTurn, Turn } from '../../src/bridge/turns.js'
import type { Logger } from '../../src/core/logger.js'
import { voiceRouter } from '../../src/middleware/express.js'
import {
  ElevenLabsSimulator,
  TwilioSimulator,
  type ElevenLabsSimulatorOptions,
  type InboundCallOptions,
  type SimulatedAgentOptions,
  type SimulatedCall,
  type TwilioSimulatorOptions,
} from '../../src/simulator/index.js'
import { createVoice, type LiveCall, type Voice, type VoiceOptions } from '../../src/voice.js'
import { loadSpeech } from '../support/speech.js'
import { steppedClock, type SteppedClock } from '../support/stepped-clock.js'

export const PUBLIC_HOST = 'phone.riverside-dental.example'
export const PUBLIC_URL = `https://${PUBLIC_HOST}/voice`
export const ACCOUNT_SID = `AC${'0'.repeat(32)}`
export const AUTH_TOKEN = 'simulated-auth-token-5f2c'
export const API_KEY = 'simulated-api-key-81d0'
export const CALLER = '+12025550143'
export const CALLED = '+12025550199'

export const speech = loadSpeech()

/** What a call was, as the host's side saw it. */
export interface SeenCall {
  readonly live: LiveCall
  readonly turns: Turn[]
  readonly events: string[]
  readonly end: () => BridgeEnd | undefined
}

export interface PhoneLineOptions {
  /** Default: one of its own. */
  readonly clock?: SteppedClock
  readonly agent?: Partial<SimulatedAgentOptions>
  readonly elevenlabs?: Partial<ElevenLabsSimulatorOptions>
  readonly twilio?: Partial<TwilioSimulatorOptions>
  readonly voice?: Partial<VoiceOptions>
  /** Runs before the router is mounted. */
  readonly prepare?: (app: Express) => void
}

export interface PhoneLine {
  readonly clock: SteppedClock
  readonly voice: Voice
  readonly server: Server
  readonly twilio: TwilioSimulator
  readonly elevenlabs: ElevenLabsSimulator
  /** Every log line, whole. */
  readonly logged: string[]
  readonly seen: SeenCall[]
  readonly origin: string
  /** The caller dials. */
  readonly dial: (options?: Partial<InboundCallOptions>) => SimulatedCall
  /** Everything is over and closed, and nothing is left. */
  readonly expectNothingLeft: () => Promise<void>
}

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))
process.on('uncaughtExceptionMonitor', (error) => unhandled.push(error))

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  expect(unhandled.splice(0)).toEqual([])
})

export async function phoneLine(options: PhoneLineOptions = {}): Promise<PhoneLine> {
  const clock = options.clock ?? steppedClock()
  const logged: string[] = []
  const logger = recordingLogger(logged)
  const elevenlabs = await ElevenLabsSimulator.start({
    clock,
    apiKey: API_KEY,
    speech: Object.values(speech),
    agents: [{ agentId: 'agent_riverside', isPrivate: true, firstMessage: speech.greeting, ...options.agent }],
    ...options.elevenlabs,
  })
  closers.push(() => elevenlabs.close())
  const voice = createVoice({
    publicUrl: PUBLIC_URL,
    twilio: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN },
    elevenlabs: { apiKey: API_KEY, agentId: 'agent_riverside', baseUrl: elevenlabs.baseUrl },
    allowInsecure: true,
    clock,
    logger,
    ...options.voice,
  })
  const app = express()
  options.prepare?.(app)
  app.use('/voice', voiceRouter(voice))
  const server = createServer(app)
  const sockets = new Set<NetSocket>()
  server.on('connection', (socket: NetSocket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  voice.attach(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  closers.push(async () => {
    await voice.close({ drainMs: 0 })
    server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const twilio = await TwilioSimulator.start({
    clock,
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    publicHosts: { [PUBLIC_HOST]: origin },
    ...options.twilio,
  })
  closers.push(() => twilio.close())

  const seen: SeenCall[] = []
  voice.on('call', (live) => seen.push(follow(live)))
  return {
    clock,
    voice,
    server,
    twilio,
    elevenlabs,
    logged,
    seen,
    origin,
    dial: (call = {}) =>
      twilio.placeCall({
        from: CALLER,
        to: CALLED,
        voiceUrl: `${PUBLIC_URL}/inbound`,
        statusCallback: { url: `${PUBLIC_URL}/status` },
        ...call,
      }),
    expectNothingLeft: async () => {
      for (const { live } of seen) await live.bridge.ended
      for (const call of twilio.calls) await call.ended
      expect(voice.calls.size).toBe(0)
      for (const { live } of seen) {
        expect(live.bridge.stream?.state ?? 'stopped').toBe('stopped')
        expect(live.bridge.conversation?.state ?? 'closed').toBe('closed')
      }
      for (const call of twilio.calls) for (const stream of call.streams) expect(stream.isLive).toBe(false)
      // ElevenLabs' own end of every conversation is closed as well: nothing is billed on.
      await Promise.all(elevenlabs.conversations.map(({ ended }) => ended))
      await voice.close({ drainMs: 0 })
      await twilio.close()
      await elevenlabs.close()
      await clock.sleep(100)
      expect(clock.pendingTimers).toBe(0)
      // What was logged, and what the errors say, tells nothing about anybody and opens nothing.
      const ends = seen.map(({ live }) => live.bridge.end)
      const secrets = secretsIn([...logged, ...ends.flatMap((end) => textsOf(end?.error))], [...tokensOf(twilio)])
      expect(secrets).toEqual([])
      expect(elevenlabs.violations).toEqual([])
    },
  }
}

function follow(live: LiveCall): SeenCall {
  const { bridge } = live
  const turns: Turn[] = []
  const events: string[] = []
  let end: BridgeEnd | undefined
  bridge.on('joined', () => events.push('joined'))
  bridge.on('callerTurn', (turn) => {
    turns.push(turn)
    events.push('callerTurn')
  })
  bridge.on('agentTurnStarted', () => events.push('agentTurnStarted'))
  bridge.on('agentTurnEnded', (turn) => {
    turns.push(turn)
    events.push('agentTurnEnded')
  })
  bridge.on('bargedIn', () => events.push('bargedIn'))
  bridge.on('toolCalled', ({ toolName }) => events.push(`toolCalled ${toolName}`))
  bridge.on('toolAnswered', ({ toolName, isError }) => events.push(`toolAnswered ${toolName} ${isError}`))
  bridge.on('digit', () => events.push('digit'))
  bridge.on('ended', (how) => {
    end = how
    events.push('ended')
  })
  return { live, turns, events, end: () => end }
}

export const agentTurns = (turns: readonly Turn[]): AgentTurn[] =>
  turns.filter((turn): turn is AgentTurn => turn.speaker === 'agent')

/** The one-time tokens of every stream. */
function tokensOf(twilio: TwilioSimulator): string[] {
  const streams = twilio.calls.flatMap((call) => call.streams)
  return streams.flatMap(({ customParameters }) => Object.values(customParameters))
}

function recordingLogger(lines: string[]): Logger {
  const at =
    (level: string) =>
    (message: string, fields?: object): void => {
      lines.push(`${level} ${message} ${JSON.stringify(fields ?? {}, errorsWhole)}`)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function errorsWhole(_key: string, value: unknown): unknown {
  return value instanceof Error ? { ...value, message: value.message, stack: value.stack } : value
}

/** Whether anything in `texts` tells who called, what was said or keyed, or what opens a door. */
function secretsIn(texts: readonly string[], more: readonly string[] = []): string[] {
  const all = texts.join('\n')
  const words = Object.values(speech).map(({ text }) => text)
  const secrets = [AUTH_TOKEN, API_KEY, CALLER, CALLED, CALLER.slice(1), CALLED.slice(1), ...words, ...more]
  return secrets.filter((secret) => secret !== '' && all.includes(secret))
}

/** Every text that an error can show: its message, its remedy, its details, and those of its causes. */
function textsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { remedy, details } = error as { remedy?: string; details?: unknown }
  return [error.message, String(error), remedy ?? '', JSON.stringify(details ?? {}), ...textsOf(error.cause)]
}

/** The call of the dental practice: a caller who interrupts the greeting, two tools, a goodbye. */
export const dentalAgent: Partial<SimulatedAgentOptions> = {
  script: [
    { after: speech['move-request'].text, reply: speech['ask-confirmation'] },
    {
      after: speech['confirmation-number'].text,
      reply: [
        speech['one-moment'],
        {
          callTool: { name: 'find_appointment', parameters: { confirmation: 'A17' } },
          onResult: ({ isError }) => (isError ? speech.apology : speech.offer),
        },
      ],
    },
    {
      after: speech.accept.text,
      reply: [
        { callTool: { name: 'move_appointment', parameters: { day: 'Thursday' } } },
        { endCall: { message: speech.goodbye } },
      ],
    },
  ],
}

export const dentalTools = {
  find_appointment: async () => ({ day: 'Monday' }),
  move_appointment: async () => ({ booked: true }),
}

export const dentalCaller = [
  { step: 'barge-in', afterMs: 2000, utterance: speech['move-request'] },
  { step: 'wait-for-agent-quiet', quietMs: 500, afterSpeech: true },
  { step: 'speak', utterance: speech['confirmation-number'] },
  { step: 'wait-for-agent-speech', forMs: 3000, withinMs: 15_000 },
  { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs: 20_000 },
  { step: 'speak', utterance: speech.accept },
  { step: 'expect-hang-up', withinMs: 30_000 },
] as const
