/**
 * The call as text: who said what, as the other one heard it.
 *
 * @module
 */
import type { CallStory, StoryTurn } from './call-story.js'
import { seconds } from './play-call.js'

/** Writes the transcript as heard, a line a turn. */
export function transcriptText(story: CallStory): string {
  const head = [
    'A call to Riverside Dental, as heard.',
    `Played on ${story.playedAt.slice(0, 10)} by the simulators of callweave; ${seconds(story.durationMs)}. The practice and the people do not exist.`,
  ]
  const problems = story.problems.map((problem) => `! ${problem}`)
  return [...head, '', ...story.turns.flatMap(linesOf), '', ...endOf(story), ...problems].join('\n') + '\n'
}

function linesOf(turn: StoryTurn): string[] {
  const lines = [`${clockTime(turn.startMs)}  ${turn.speaker.padEnd(6)}  ${turn.text || '(nothing was heard)'}`]
  if (turn.speaker !== 'agent' || !turn.interrupted) return lines
  const unheard = turn.meantText.slice(turn.text.length).trim()
  return [
    ...lines,
    `                 [cut: ${seconds(turn.heardMs)} of ${seconds(turn.meantMs)} were heard; not heard: «${unheard}»]`,
  ]
}

function endOf({ endReason, hungUpBy, durationMs, tools }: CallStory): string[] {
  const used = tools.map(({ name, isError, startMs, endMs }) => {
    return `${name} ${isError ? 'failed' : 'answered'} in ${Math.round(endMs - startMs)} ms`
  })
  return [
    `Tools: ${used.join(', ') || 'none'}.`,
    `Ended at ${clockTime(durationMs)}: ${endReason}, hung up by ${hungUpBy}.`,
  ]
}

/** `0:05.2`, minutes and seconds since the call was made. */
export function clockTime(ms: number): string {
  const tenths = Math.round(ms / 100)
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, '0')}`
}
