/**
 * What a caller does, step by step, as plain data, and whether it could be done.
 *
 * @module
 */
import type { Utterance } from './mouth.js'

/** One step. `withinMs` is how long a step may wait before it counts as unmet; default 10 000, by the simulator's clock. */
export type CallerStep<Call = unknown> =
  /** Says something, to its end. */
  | { readonly step: 'speak'; readonly utterance: Utterance }
  /** Waits until the other side can be heard talking, for at least `forMs` (default: at all). */
  | { readonly step: 'wait-for-agent-speech'; readonly forMs?: number; readonly withinMs?: number }
  /** Waits until the other side has been quiet for `quietMs`, and, with `afterSpeech`, has spoken since the last step. */
  | {
      readonly step: 'wait-for-agent-quiet'
      readonly quietMs: number
      readonly afterSpeech?: boolean
      readonly withinMs?: number
    }
  /** Talks over the other side once it has talked for `afterMs`. */
  | { readonly step: 'barge-in'; readonly afterMs: number; readonly utterance: Utterance; readonly withinMs?: number }
  /** Presses keys (`0`–`9`, `*`, `#`, `A`–`D`), `gapMs` (default 200) apart. */
  | { readonly step: 'press'; readonly digits: string; readonly gapMs?: number }
  /** Waits until a media stream or a relay session is open. */
  | { readonly step: 'wait-for-stream'; readonly withinMs?: number }
  /** Stays silent. */
  | { readonly step: 'pause'; readonly ms: number }
  /** Hangs up. After the last step of a script the caller hangs up by itself. */
  | { readonly step: 'hang-up' }
  /**
   * Waits until the other side hangs up. Speech that was sent and cut off by the hang-up is a failure, unless
   * `heardOut` is `false`.
   */
  | { readonly step: 'expect-hang-up'; readonly heardOut?: boolean; readonly withinMs?: number }
  /** Breaks the socket of the stream or session, without a word. */
  | { readonly step: 'drop-socket' }
  /** Sends text over the socket of the stream or session as it is. */
  | { readonly step: 'send-raw'; readonly text: string }
  /** Does anything; the step is unmet when it throws. */
  | { readonly step: 'run'; readonly name: string; readonly run: (call: Call) => void | Promise<void> }

/** What a script needs of its call. */
export interface ScriptedLine {
  readonly isLive: boolean
  readonly hasStream: boolean
  readonly agentSpeechMs: number
  readonly agentQuietMs: number
  readonly agentHeardMs: number
  readonly isSpeaking: boolean
  say(utterance: Utterance): void
  press(digit: string): void
  hangUp(): void
  dropSocket(): void
  sendRaw(text: string): void
  /** Resolves to `false` when time ran out. Rejects when the call ended. */
  until(isMet: () => boolean, withinMs?: number): Promise<boolean>
  /** Resolves to `false` when the call did not end in time. Never rejects. */
  untilEnded(withinMs: number): Promise<boolean>
  stepBegins(index: number, step: string): void
}

/** How a script went. */
export interface ScriptOutcome {
  /** Steps that were met. */
  readonly stepsDone: number
  /** What went wrong, a sentence each; empty when everything went as scripted. */
  readonly problems: readonly string[]
  /** Whether the script waited for the other side to hang up, having heard it out. */
  readonly expectsHeardOut: boolean
}

const DEFAULT_WITHIN_MS = 10_000
const DEFAULT_GAP_MS = 200

/** Plays a script. Stops at the first step that is not met, and hangs up. Never rejects. */
export async function playScript<Call>(
  steps: readonly CallerStep<Call>[],
  line: ScriptedLine,
  call: Call,
): Promise<ScriptOutcome> {
  const problems: string[] = []
  let stepsDone = 0
  let heardBefore = 0
  for (const [index, step] of steps.entries()) {
    line.stepBegins(index, step.step)
    const problem = await playStep(step, line, call, heardBefore)
    heardBefore = line.agentHeardMs
    if (problem !== undefined) {
      problems.push(`step ${index + 1} (${step.step}): ${problem}`)
      break
    }
    stepsDone++
  }
  for (const [index, step] of steps.entries()) {
    if (index > stepsDone) problems.push(`step ${index + 1} (${step.step}): not reached`)
  }
  line.hangUp()
  const last = steps.at(-1)
  return { stepsDone, problems, expectsHeardOut: last?.step === 'expect-hang-up' && last.heardOut !== false }
}

async function playStep<Call>(
  step: CallerStep<Call>,
  line: ScriptedLine,
  call: Call,
  heardBefore: number,
): Promise<string | undefined> {
  try {
    if (step.step === 'expect-hang-up') {
      const withinMs = step.withinMs ?? DEFAULT_WITHIN_MS
      return (await line.untilEnded(withinMs)) ? undefined : `the other side did not hang up within ${withinMs} ms`
    }
    if (!line.isLive) return 'the call was over'
    return await playLiveStep(step, line, call, heardBefore)
  } catch (error) {
    if (step.step === 'run') return error instanceof Error ? error.message : 'it threw'
    return 'the call ended'
  }
}

type LiveStep<Call> = Exclude<CallerStep<Call>, { step: 'expect-hang-up' }>

async function playLiveStep<Call>(
  step: LiveStep<Call>,
  line: ScriptedLine,
  call: Call,
  heardBefore: number,
): Promise<string | undefined> {
  const met = async (isMet: () => boolean, what: string, withinMs = DEFAULT_WITHIN_MS): Promise<string | undefined> =>
    (await line.until(isMet, withinMs)) ? undefined : `${what} within ${withinMs} ms`
  const speak = async (utterance: Utterance): Promise<undefined> => {
    line.say(utterance)
    await line.until(() => !line.isSpeaking)
  }
  switch (step.step) {
    case 'speak':
      return speak(step.utterance)
    case 'wait-for-agent-speech': {
      const forMs = Math.max(1, step.forMs ?? 1)
      return met(() => line.agentSpeechMs >= forMs, 'the other side was not heard', step.withinMs)
    }
    case 'wait-for-agent-quiet': {
      const isQuiet = (): boolean =>
        line.agentQuietMs >= step.quietMs && (step.afterSpeech !== true || line.agentHeardMs > heardBefore)
      return met(isQuiet, `the other side was not quiet for ${step.quietMs} ms`, step.withinMs)
    }
    case 'barge-in': {
      const problem = await met(
        () => line.agentSpeechMs >= Math.max(1, step.afterMs),
        'the other side was not heard',
        step.withinMs,
      )
      return problem ?? speak(step.utterance)
    }
    case 'press':
      for (const [index, digit] of Array.from(step.digits).entries()) {
        if (index > 0) await line.until(() => false, step.gapMs ?? DEFAULT_GAP_MS)
        line.press(digit)
      }
      return undefined
    case 'wait-for-stream':
      return met(() => line.hasStream, 'no media stream or relay session was opened', step.withinMs)
    case 'pause':
      await line.until(() => false, step.ms)
      return undefined
    case 'hang-up':
      line.hangUp()
      return undefined
    case 'drop-socket':
      line.dropSocket()
      return undefined
    case 'send-raw':
      line.sendRaw(step.text)
      return undefined
    case 'run':
      await step.run(call)
      return undefined
  }
}
