/**
 * What happened on a played call, on one time axis: what the bridge told, beside what the tape proves.
 *
 * Every moment is in milliseconds since the call was made; the recording has the same zero.
 *
 * @module
 */
import type { AgentTurn, CallerTurn } from 'callweave'
import { AGENT_PACE, type PlayedCall, type ToolUse } from './play-call.js'

/** What the caller said. */
export interface CallerStoryTurn {
  readonly speaker: 'caller'
  readonly startMs: number
  readonly endMs: number
  /** As the agent understood it. */
  readonly text: string
  /** When the agent had understood it. */
  readonly understoodMs: number
}

/** How long the caller waited for an answer. */
export interface Latency {
  /** By the bridge: from the last loud frame of the caller that passed through it to the first slice that was played. */
  readonly ms: number
  /** By the tape: from the last loud 20 ms on the caller's channel to the first on the agent's. */
  readonly tapeMs: number | undefined
  /** The part in which the agent waited to be sure that the caller had finished. */
  readonly agentListensMs: number | undefined
}

/** What the agent said, and what of it was heard. */
export interface AgentStoryTurn {
  readonly speaker: 'agent'
  readonly turnId: string
  readonly startMs: number
  readonly endMs: number
  /** As the caller heard it. */
  readonly text: string
  /** As the agent meant it. */
  readonly meantText: string
  readonly heardMs: number
  readonly meantMs: number
  readonly interrupted: boolean
  readonly latency: Latency | undefined
}

export type StoryTurn = CallerStoryTurn | AgentStoryTurn

/** The caller talked the agent down. */
export interface StoryBargeIn {
  /** The caller's first sound. */
  readonly startMs: number
  /** The bridge told Twilio to drop what it held. */
  readonly clearMs: number
  /** The agent's last sound, on the tape. */
  readonly silentMs: number
  /** Audio of the agent that Twilio held and dropped. */
  readonly takenBackMs: number
  /** Audio of the agent that the bridge had kept back, so that it never went out. */
  readonly neverSentMs: number
}

/** One slice of agent audio: its mark was queued at Twilio, and came back. */
export interface StoryMark {
  readonly name: string
  readonly queuedMs: number
  readonly echoedMs: number | undefined
  /** It came back because a clear threw it out, and not because its audio was played. */
  readonly cleared: boolean
}

/** The whole call. */
export interface CallStory {
  /** When it was played, ISO 8601. */
  readonly playedAt: string
  /** How many times faster than life. */
  readonly speed: number
  readonly durationMs: number
  readonly ringingUntilMs: number
  readonly streamOpenMs: number | undefined
  readonly streamStopMs: number | undefined
  readonly endReason: string
  readonly hungUpBy: string
  readonly turns: readonly StoryTurn[]
  readonly bargeIns: readonly StoryBargeIn[]
  readonly marks: readonly StoryMark[]
  readonly tools: readonly ToolUse[]
  readonly webhooks: readonly { readonly atMs: number; readonly path: string; readonly status: number }[]
  /** How the simulated agent takes turns, in milliseconds. */
  readonly agentPace: typeof AGENT_PACE
  /** The longest that the process was late for a timer, in milliseconds of the call's time. */
  readonly latestMs: number
  readonly problems: readonly string[]
}

/** Makes the story of a call that is over. */
export function tellStory(played: PlayedCall): CallStory {
  const { call, end, speed, tools, problems } = played
  const at = (kind: string): number | undefined => call.timeline.find((entry) => entry.kind === kind)?.atMs
  const statusAt = call.timeline.find(({ kind, details }) => kind === 'status' && details.status === 'in-progress')
  return {
    playedAt: new Date(call.createdAt).toISOString(),
    speed,
    durationMs: call.recording().durationMs,
    ringingUntilMs: statusAt?.atMs ?? 0,
    streamOpenMs: at('stream-open'),
    streamStopMs: at('stream-stop'),
    endReason: end.reason,
    hungUpBy: call.end?.by ?? 'nobody',
    turns: turnsOf(played),
    bargeIns: bargeInsOf(played),
    marks: marksOf(played),
    tools,
    webhooks: call.webhooks.map(({ atMs, url, status }) => ({ atMs, path: new URL(url).pathname, status })),
    agentPace: AGENT_PACE,
    latestMs: played.latestMs * speed,
    problems,
  }
}

function turnsOf({ call, turns }: PlayedCall): StoryTurn[] {
  const spoken = spokenStretches(call.timeline)
  const tape = loudFrames(call.recording().toPcm())
  const callerTurns: CallerStoryTurn[] = []
  for (const turn of turns.filter((one): one is CallerTurn => one.speaker === 'caller')) {
    const understoodMs = turn.at - call.createdAt
    const stretch = spoken.findLast(({ startMs }) => startMs < understoodMs)
    if (stretch) callerTurns.push({ speaker: 'caller', ...stretch, text: turn.text, understoodMs })
  }
  const agentTurns = turns
    .filter((one): one is AgentTurn => one.speaker === 'agent')
    .map((turn): AgentStoryTurn => {
      const startMs = turn.at - call.createdAt
      const { turnId, interrupted, heardMs } = turn
      return {
        speaker: 'agent',
        turnId,
        startMs,
        endMs: startMs + heardMs,
        text: turn.heardText,
        meantText: turn.text,
        heardMs,
        meantMs: turn.totalMs,
        interrupted,
        latency: turn.latencyMs === undefined ? undefined : latencyOf(startMs, turn.latencyMs, callerTurns, tape),
      }
    })
  return [...callerTurns, ...agentTurns].sort((one, other) => one.startMs - other.startMs)
}

/** What the caller said, from the simulator's own notes. */
function spokenStretches(timeline: PlayedCall['call']['timeline']): { startMs: number; endMs: number }[] {
  const stretches: { startMs: number; endMs: number }[] = []
  for (const { kind, atMs } of timeline) {
    if (kind === 'caller-speech') stretches.push({ startMs: atMs, endMs: atMs })
    const last = stretches.at(-1)
    if (kind === 'caller-quiet' && last) last.endMs = atMs
  }
  return stretches
}

function latencyOf(startMs: number, ms: number, callerTurns: readonly CallerStoryTurn[], tape: Tape): Latency {
  const asked = callerTurns.findLast(({ startMs: askedMs }) => askedMs < startMs)
  const lastMs = tape.caller.findLast((atMs) => atMs < startMs)
  const firstMs = lastMs === undefined ? undefined : tape.agent.find((atMs) => atMs > lastMs)
  return {
    ms,
    tapeMs: lastMs === undefined || firstMs === undefined ? undefined : firstMs - (lastMs + FRAME_MS),
    agentListensMs: asked && Math.min(ms, Math.max(0, asked.understoodMs - (startMs - ms))),
  }
}

function bargeInsOf({ call, bargeIns, turns }: PlayedCall): StoryBargeIn[] {
  const spoken = spokenStretches(call.timeline)
  return bargeIns.map(({ atMs, turnId }) => {
    const startMs = spoken.findLast((stretch) => stretch.startMs <= atMs)?.startMs ?? atMs
    const quiet = call.timeline.find((entry) => entry.kind === 'agent-quiet' && entry.atMs >= startMs)
    // The bridge tells of it a moment before the clear has arrived.
    const clear = call.timeline.find((entry) => entry.kind === 'clear' && entry.atMs >= startMs)
    const cut = turns.find((turn): turn is AgentTurn => turn.turnId === turnId && turn.speaker === 'agent')
    const takenBackMs = Number(clear?.details.unheardMs ?? 0)
    return {
      startMs,
      clearMs: clear?.atMs ?? atMs,
      silentMs: quiet?.atMs ?? atMs,
      takenBackMs,
      neverSentMs: cut ? Math.max(0, cut.totalMs - cut.heardMs - takenBackMs) : 0,
    }
  })
}

function marksOf({ call }: PlayedCall): StoryMark[] {
  const marks = new Map<string, { -readonly [Key in keyof StoryMark]: StoryMark[Key] }>()
  for (const { kind, atMs, details } of call.timeline) {
    const name = String(details.name)
    if (kind === 'mark-queued') marks.set(name, { name, queuedMs: atMs, echoedMs: undefined, cleared: false })
    const mark = kind === 'mark-echoed' ? marks.get(name) : undefined
    if (mark) Object.assign(mark, { echoedMs: atMs, cleared: details.cleared === true })
  }
  return [...marks.values()]
}

const FRAME_MS = 20
const SAMPLES_PER_MS = 8
/** Mean sample, of 32 767 at most, from which 20 ms count as speech. */
const LOUD_MEAN = 150

/** Where each channel is loud: the beginnings of its loud 20 ms. */
interface Tape {
  readonly caller: readonly number[]
  readonly agent: readonly number[]
}

function loudFrames([caller, agent]: readonly [Int16Array, Int16Array]): Tape {
  return { caller: loudFramesOf(caller), agent: loudFramesOf(agent) }
}

function loudFramesOf(pcm: Int16Array): number[] {
  const length = FRAME_MS * SAMPLES_PER_MS
  const loud: number[] = []
  for (let from = 0; from + length <= pcm.length; from += length) {
    let sum = 0
    for (const sample of pcm.subarray(from, from + length)) sum += Math.abs(sample)
    if (sum > LOUD_MEAN * length) loud.push(from / SAMPLES_PER_MS)
  }
  return loud
}
