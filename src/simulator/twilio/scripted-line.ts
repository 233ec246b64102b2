/**
 * A call as its script sees it.
 *
 * @module
 */
import type { ScriptedLine } from './caller-script.js'
import type { Line } from './line.js'
import type { MediaStreamLeg } from './media-stream-leg.js'
import type { RelayLeg } from './relay-leg.js'

/** The few members of a call that a script drives. */
export interface ScriptedCall {
  readonly isLive: boolean
  readonly streams: readonly MediaStreamLeg[]
  readonly relays: readonly RelayLeg[]
  press(digit: string): void
  hangUp(): void
  waitUntil(isMet: () => boolean, withinMs?: number): Promise<boolean>
}

/** Joins a call and its line into what a script works on. */
export function scriptedLine(call: ScriptedCall, line: Line): ScriptedLine {
  const never = new AbortController().signal
  const stream = (): MediaStreamLeg | RelayLeg | undefined =>
    call.streams.findLast((leg) => leg.isLive) ?? call.relays.findLast((leg) => leg.isLive)
  return {
    get isLive() {
      return call.isLive
    },
    get hasStream() {
      return stream() !== undefined
    },
    get agentSpeechMs() {
      return line.ear.stretchMs(line.nowMs)
    },
    get agentQuietMs() {
      return line.ear.quietMs(line.nowMs)
    },
    get agentHeardMs() {
      return line.ear.heardMs
    },
    get isSpeaking() {
      return line.mouth.isSpeaking
    },
    say: (utterance) => line.mouth.say(utterance),
    press: (digit) => call.press(digit),
    hangUp: () => call.hangUp(),
    dropSocket: () => stream()?.drop(),
    sendRaw: (text) => stream()?.sendRaw(text),
    until: (isMet, withinMs) => line.until(isMet, never, withinMs),
    untilEnded: (withinMs) => call.waitUntil(() => !call.isLive, withinMs),
    stepBegins: (index, step) => line.timeline.add('step', { index, step }),
  }
}
