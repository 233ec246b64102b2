/**
 * One call to the dental practice, played by the simulators: a caller who interrupts the greeting, two tools, a goodbye.
 *
 * @module
 */
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { scaledClock, systemClock, type AgentTurn, type BridgeEnd, type LiveCall, type Turn } from 'callweave'
import { ElevenLabsSimulator, TwilioSimulator, type CallBehaviour, type SimulatedCall } from 'callweave/simulator'
import { loadSpeech } from '../../test/support/speech.js'
import { dentalLine } from './server.js'

const PUBLIC_HOST = 'phone.riverside-dental.example'
const ACCOUNT_SID = `AC${'0'.repeat(32)}`
const AUTH_TOKEN = 'the-simulated-account-has-this-token'

/** How the simulated agent takes turns: settings of the agent's side, and the larger part of every latency of this call. */
export const AGENT_PACE = {
  /** So much silence tells the agent that the caller has finished, in milliseconds. */
  endOfTurnMs: 600,
  /** Then it thinks for so long, in milliseconds. */
  thinkMs: 200,
  /** So much speech over its own makes it stop, in milliseconds. */
  bargeInMs: 120,
} as const

/** Something that happened, as it happened. */
export interface Progress {
  /** Milliseconds since the call was made. */
  readonly atMs: number
  readonly who: 'call' | 'agent' | 'caller' | 'barge-in' | 'tool'
  readonly text: string
  /** What is to be said besides: a latency, a cut. */
  readonly note?: string
}

/** What was asked of a tool, and how long it took. Times since the call was made, in milliseconds. */
export interface ToolUse {
  readonly name: string
  readonly startMs: number
  endMs: number
  isError: boolean
}

/** Where the caller talked the agent down. */
export interface BargeIn {
  /** When the bridge was told, in milliseconds since the call was made. */
  readonly atMs: number
  /** The turn that was cut; `undefined` when nothing was being heard. */
  readonly turnId: string | undefined
}

/** A call that was played to its end. */
export interface PlayedCall {
  readonly call: SimulatedCall
  readonly end: BridgeEnd
  readonly turns: readonly Turn[]
  readonly tools: readonly ToolUse[]
  readonly bargeIns: readonly BargeIn[]
  readonly speed: number
  /** The longest that this process was late for a timer, in milliseconds of the machine's time. */
  readonly latestMs: number
  /** What went otherwise than scripted; empty when all is well. */
  readonly problems: readonly string[]
}

/** What can be made to go wrong, to see and hear what a caller gets then. */
export const DEMO_FAULTS = ['tool-fails', 'agent-lost', 'stream-lost'] as const
export type DemoFault = (typeof DEMO_FAULTS)[number]

export interface PlayCallOptions {
  /** How many times faster than life. Default 1. */
  readonly speed?: number
  /** Default: nothing goes wrong. */
  readonly fault?: DemoFault | undefined
  readonly onProgress?: (progress: Progress) => void
}

/** Plays the call. @throws Error when it is not even answered. */
export async function playCall(options: PlayCallOptions = {}): Promise<PlayedCall> {
  const { speed = 1, fault, onProgress = () => undefined } = options
  const clock = speed === 1 ? systemClock : scaledClock(speed)
  const speech = loadSpeech()
  const confirmation = fault === 'tool-fails' ? 'Z99' : 'A17'
  const elevenlabs = await ElevenLabsSimulator.start({
    clock,
    speech: Object.values(speech),
    agents: [
      {
        agentId: 'agent_riverside',
        isPrivate: true,
        firstMessage: speech.greeting,
        ...AGENT_PACE,
        script: [
          { after: speech['move-request'].text, reply: speech['ask-confirmation'] },
          {
            after: speech['confirmation-number'].text,
            reply: [
              speech['one-moment'],
              {
                callTool: { name: 'find_appointment', parameters: { confirmation } },
                onResult: ({ isError }) => (isError ? { endCall: { message: speech.apology } } : speech.offer),
              },
            ],
          },
          {
            after: speech.accept.text,
            reply: [
              {
                callTool: { name: 'move_appointment', parameters: { confirmation, day: 'Thursday', time: '10:30' } },
              },
              { endCall: { message: speech.goodbye } },
            ],
          },
        ],
        ...(fault === 'agent-lost' ? { faults: [{ at: 'tool', action: { terminate: true } }] } : {}),
      },
    ],
  })

  const publicUrl = `https://${PUBLIC_HOST}/voice`
  const { voice, server } = dentalLine({
    publicUrl,
    twilio: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN },
    elevenlabs: { apiKey: elevenlabs.apiKey, agentId: 'agent_riverside', baseUrl: elevenlabs.baseUrl },
    clock,
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const twilio = await TwilioSimulator.start({
    clock,
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    publicHosts: { [PUBLIC_HOST]: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
  })
  const lateness = monitorEventLoopDelay({ resolution: 5 })
  lateness.enable()
  try {
    const withinMs = 30_000 // far more than any step takes, for machines that are busy with something else
    const script: CallBehaviour['script'] = [
      { step: 'barge-in', afterMs: 4000, utterance: speech['move-request'], withinMs },
      { step: 'wait-for-agent-quiet', quietMs: 500, afterSpeech: true, withinMs },
      { step: 'speak', utterance: speech['confirmation-number'] },
      { step: 'wait-for-agent-speech', forMs: 3000, withinMs },
      { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs },
      { step: 'speak', utterance: speech.accept },
      { step: 'expect-hang-up', withinMs },
    ]
    const answered = new Promise<LiveCall>((resolve) => voice.once('call', resolve))
    const call = twilio.placeCall({
      from: '+12025550143',
      to: '+12025550199',
      voiceUrl: `${publicUrl}/inbound`,
      statusCallback: { url: `${publicUrl}/status` },
      script,
      ...(fault === 'stream-lost' ? { streamFaults: { drop: { atMs: 9000 } } } : {}),
    })
    const say = (progress: Omit<Progress, 'atMs'>): void => onProgress({ atMs: call.nowMs, ...progress })
    say({ who: 'call', text: 'rings' })
    const live = await Promise.race([answered, call.ended.then(() => undefined)])
    if (!live) throw new Error('The call was over before it was answered')
    const followed = follow(live, call, say)
    const problems: string[] = []
    await call.verify().catch((error: unknown) => problems.push(...listed(error)))
    try {
      elevenlabs.verify()
    } catch (error) {
      problems.push(...listed(error))
    }
    const end = await followed.ended
    problems.push(...followed.problems(end))
    const { turns, tools, bargeIns } = followed
    return { call, end, turns, tools, bargeIns, speed, latestMs: lateness.max / 1e6, problems }
  } finally {
    lateness.disable()
    await voice.close({ drainMs: 0 })
    await twilio.close()
    await elevenlabs.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** Notes what the bridge tells, and what should have been told. */
function follow({ bridge }: LiveCall, call: SimulatedCall, say: (progress: Omit<Progress, 'atMs'>) => void) {
  const turns: Turn[] = []
  const tools: ToolUse[] = []
  const bargeIns: BargeIn[] = []
  bridge.on('joined', () => say({ who: 'call', text: 'caller and agent are joined' }))
  bridge.on('agentTurnStarted', ({ latencyMs }) => {
    const note = latencyMs === undefined ? undefined : `${Math.round(latencyMs)} ms after the caller`
    say({ who: 'agent', text: 'speaks …', ...(note === undefined ? {} : { note }) })
  })
  bridge.on('agentTurnEnded', (turn) => {
    turns.push(turn)
    const note = `cut: ${seconds(turn.heardMs)} of ${seconds(turn.totalMs)} were heard`
    say({ who: 'agent', text: turn.heardText, ...(turn.interrupted ? { note } : {}) })
  })
  bridge.on('callerTurn', (turn) => {
    turns.push(turn)
    say({ who: 'caller', text: turn.text })
  })
  bridge.on('bargedIn', ({ turnId }) => {
    bargeIns.push({ atMs: call.nowMs, turnId })
    say({ who: 'barge-in', text: 'the caller talks over the agent, which stops' })
  })
  bridge.on('toolCalled', ({ toolName }) => {
    tools.push({ name: toolName, startMs: call.nowMs, endMs: call.nowMs, isError: false })
    say({ who: 'tool', text: toolName })
  })
  bridge.on('toolAnswered', ({ toolName, isError }) => {
    const use = tools.findLast(({ name }) => name === toolName)
    if (use) Object.assign(use, { endMs: call.nowMs, isError })
    const took = use ? `after ${Math.round(use.endMs - use.startMs)} ms` : ''
    say({ who: 'tool', text: toolName, note: isError ? `failed ${took}` : `answered ${took}` })
  })
  bridge.on('ended', ({ reason }) => say({ who: 'call', text: `ended: ${reason}` }))

  const problems = (end: BridgeEnd): string[] => {
    const agentTurns = turns.filter((turn): turn is AgentTurn => turn.speaker === 'agent')
    const [greeting] = agentTurns
    const goodbye = agentTurns.at(-1)
    const cutWell = greeting !== undefined && greeting.heardText !== '' && greeting.text.startsWith(greeting.heardText)
    const toolNames = tools.map(({ name }) => name).join()
    const callerTurns = turns.filter(({ speaker }) => speaker === 'caller').length
    const checks: [boolean, string][] = [
      [end.reason === 'agent-ended', `the call ended with ${end.reason}, not by the agent`],
      [end.stats.interruptions === 1, `interruptions: ${end.stats.interruptions}, not one`],
      [greeting?.interrupted === true, 'the greeting was not cut'],
      [cutWell && greeting.heardText.length < greeting.text.length, 'the heard part of the greeting is wrong'],
      [goodbye?.interrupted === false && goodbye.heardMs === goodbye.totalMs, 'the goodbye was not heard to its end'],
      [toolNames === 'find_appointment,move_appointment', `the tools that were called: ${toolNames || 'none'}`],
      [tools.every(({ isError }) => !isError), 'a tool failed'],
      [callerTurns === 3, `turns of the caller: ${callerTurns}, not three`],
      [agentTurns.length === 5, `turns of the agent: ${agentTurns.length}, not five`],
    ]
    return checks.filter(([isRight]) => !isRight).map(([, problem]) => problem)
  }
  return { ended: bridge.ended, turns, tools, bargeIns, problems }
}

/** What a simulator found, one problem each. */
function listed(error: unknown): string[] {
  const message = error instanceof Error ? error.message : String(error)
  const [head = '', ...problems] = message.split('\n- ')
  return problems.length > 0 ? problems : [head]
}

/** `4.2 s`, `0.0 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
