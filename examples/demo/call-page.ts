/**
 * One call as one page: chart, sound and words in a single file that loads nothing.
 *
 * @module
 */
import type { AgentStoryTurn, CallStory, StoryTurn } from './call-story.js'
import { chart, words } from './chart.js'
import { html, tag, type Html } from './html.js'
import { SCRIPT, STYLE } from './page-style.js'
import { seconds } from './play-call.js'
import { clockTime } from './transcript.js'

/** What a page is made of. */
export interface CallPageOptions {
  readonly story: CallStory
  /** The caller's and the agent's samples, 16 bit, 8000 Hz. */
  readonly pcm: readonly [Int16Array, Int16Array]
  /** The same as a WAV file, to be played. */
  readonly wav: Uint8Array
}

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; media-src data:"

/** Makes the page. */
export function callPage({ story, pcm, wav }: CallPageOptions): string {
  const sound = `data:audio/wav;base64,${Buffer.from(wav).toString('base64')}`
  const head = html(
    '<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}"/>`,
    tag('title', {}, 'A call to Riverside Dental'),
    `<style>${STYLE}</style>`,
  )
  const main = html(
    ...header(story),
    '<audio controls="" preload="auto" src="', sound, '"></audio>',
    chart(story, pcm),
    caption(),
    '<div class="columns"><section>',
    tag('h2', {}, 'As heard'),
    tag('ol', {}, ...story.turns.map(transcriptItem)),
    '</section><section>',
    ...latencySection(story),
    '</section></div>',
    footer(story),
  ) // prettier-ignore
  return html(
    '<!DOCTYPE html>\n<html lang="en"><head>', head, '</head>',
    tag('body', { 'data-duration-ms': Math.round(story.durationMs) }, tag('main', {}, main), html(`<script>${SCRIPT}</script>`)),
    '</html>\n',
  ).markup // prettier-ignore
}

function header(story: CallStory): Html[] {
  const isGood = story.problems.length === 0
  const pace = story.speed === 1 ? 'in real time' : `${story.speed} times as fast as life`
  return [
    tag('h1', {}, 'A call to Riverside Dental'),
    tag(
      'p',
      { class: 'lead' },
      `Real speech through a real server and real WebSockets, between a simulated Twilio and a simulated ElevenLabs, played on ${story.playedAt.slice(0, 10)}, ${pace}. `,
      tag('span', { class: isGood ? 'verdict' : 'verdict bad' }, isGood ? 'Went as scripted.' : 'Did not go as scripted.'),
    ),
    ...(isGood ? [] : [tag('div', { class: 'problems' }, story.problems.join('\n'))]),
    tag('ul', { class: 'facts' }, ...facts(story).map(([figure, meaning]) => tag('li', {}, tag('b', {}, figure), tag('span', {}, meaning)))),
  ] // prettier-ignore
}

function facts({ durationMs, turns, bargeIns, tools, endReason }: CallStory): [figure: string, meaning: string][] {
  const agentTurns = turns.filter((turn): turn is AgentStoryTurn => turn.speaker === 'agent')
  const latencies = agentTurns.flatMap(({ latency }) => (latency ? [latency.ms] : [])).sort((one, other) => one - other)
  const [cut] = bargeIns
  const cutTurn = agentTurns.find(({ interrupted }) => interrupted)
  const last = agentTurns.at(-1)
  const all: [string, string][] = [[seconds(durationMs), `${turns.length} turns`]]
  if (latencies.length > 0) {
    const [lowest = 0] = latencies
    const range = `${Math.round(lowest)} to ${Math.round(latencies.at(-1) ?? lowest)} ms`
    all.push([`${Math.round(latencies[Math.floor(latencies.length / 2)] ?? lowest)} ms`, `median wait for an answer; ${range}`])
  }
  if (cut) all.push([`${Math.round(cut.silentMs - cut.startMs)} ms`, 'from the interruption to silence'])
  if (cutTurn) all.push([`${(cutTurn.heardMs / 1000).toFixed(1)} of ${seconds(cutTurn.meantMs)}`, 'of the greeting were heard'])
  all.push([String(tools.length), tools.length === 1 ? 'tool call' : 'tool calls'])
  if (last && !last.interrupted && endReason === 'agent-ended') all.push(['100 %', 'of the goodbye heard, then hung up'])
  return all
} // prettier-ignore

function caption(): Html {
  return tag(
    'p',
    { class: 'caption' },
    tag('i', {}, 'gaps'),
    ': how long the caller waited; first the agent makes sure that the caller has finished, then it thinks and its answer travels. ',
    tag('i', {}, 'dropped'),
    ': speech that the agent had produced and the caller was spared. ',
    tag('i', {}, 'marks'),
    ': a line for each slice of agent speech, above when it was sent, below when Twilio said that it was played; how far a line leans is how far ahead the audio was. Red ones came back because of the clear, and count for nothing. Click anywhere to hear it from there.',
  )
}

function transcriptItem(turn: StoryTurn): Html {
  const isCut = turn.speaker === 'agent' && turn.interrupted
  return tag(
    'li',
    { class: turn.speaker, 'data-at': Math.round(turn.startMs) },
    tag('time', {}, clockTime(turn.startMs)),
    tag('b', {}, turn.speaker),
    tag('span', {}, words(turn)),
    ...(isCut ? [tag('em', {}, `cut: ${seconds(turn.heardMs)} of ${seconds(turn.meantMs)} were heard`)] : []),
  )
}

function latencySection({ turns, agentPace, latestMs }: CallStory): Html[] {
  const answers = turns.filter((turn): turn is AgentStoryTurn => turn.speaker === 'agent' && turn.latency !== undefined)
  const ms = (value: number | undefined): string => (value === undefined ? '–' : String(Math.round(value)))
  const rows = answers.map(({ startMs, latency }) => {
    const listens = latency?.agentListensMs
    const rest = latency && listens !== undefined ? latency.ms - listens : undefined
    return tag('tr', {}, ...[clockTime(startMs), ms(latency?.ms), ms(listens), ms(rest), ms(latency?.tapeMs)].map((cell) => tag('td', {}, cell)))
  }) // prettier-ignore
  const heads = ['answer at', 'waited, ms', 'agent makes sure', 'thinks, travels, plays', 'on the tape'].map((head) => tag('th', {}, head)) // prettier-ignore
  const { endOfTurnMs, thinkMs, bargeInMs } = agentPace
  return [
    tag('h2', {}, 'What the caller waited for'),
    tag('table', {}, tag('thead', {}, tag('tr', {}, ...heads)), tag('tbody', {}, ...rows)),
    tag(
      'p',
      { class: 'caption' },
      `The simulated agent waits for ${endOfTurnMs} ms of silence before it takes its turn, and thinks for ${thinkMs} ms; it stops after ${bargeInMs} ms of the caller’s speech over its own. These are settings of the agent’s side and not of callweave. What is left is sockets, pacing and the first packet. The wait is what the bridge measured by marks; beside it, the silence found in the recording, which is shorter because it counts from the faint end of the last word. While it was played, the process was at most ${Math.round(latestMs)} ms late for a timer.`,
    ),
  ]
}

function footer({ endReason, hungUpBy, durationMs, webhooks }: CallStory): Html {
  const asked = webhooks.map(({ path, status }) => `${path} ${status}`).join(', ')
  return tag(
    'footer',
    {},
    `Ended at ${clockTime(durationMs)}: ${endReason}, hung up by ${hungUpBy}. Signed webhooks: ${asked}. The practice and the people do not exist; the voices are synthetic. Made by callweave’s demo.`,
  )
}
