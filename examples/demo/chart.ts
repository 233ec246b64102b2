/**
 * The call on one time axis, as HTML and inline SVG. Every position is a share of the call's length, so that it fits any width.
 *
 * @module
 */
import type { AgentStoryTurn, CallStory, StoryTurn } from './call-story.js'
import { escapeHtml, html, tag, type Html } from './html.js'
import { seconds } from './play-call.js'
import { clockTime } from './transcript.js'
import { waveform } from './waveform.js'

/** Draws the chart. */
export function chart(story: CallStory, [caller, agent]: readonly [Int16Array, Int16Array]): Html {
  const axis = new Axis(story.durationMs)
  const peak = loudest(caller, agent)
  const lanes: readonly Lane[] = [
    { name: 'call', label: 'call', content: callLane(story, axis) },
    { name: 'caller-text', label: '', content: textLane(story, axis, 'caller') },
    { name: 'caller', label: 'caller', note: 'left', content: waveform(caller, peak) },
    { name: 'between', label: 'gaps', content: betweenLane(story, axis) },
    { name: 'agent', label: 'agent', note: 'right', content: waveform(agent, peak) },
    { name: 'dropped', label: 'dropped', content: droppedLane(story, axis) },
    { name: 'agent-text', label: '', content: textLane(story, axis, 'agent') },
    { name: 'tools', label: 'tools', content: toolsLane(story, axis) },
    { name: 'marks', label: 'marks', content: marksLane(story, axis) },
    { name: 'time', label: 'seconds', content: timeLane(story, axis) },
  ]
  return html(
    '<figure class="chart">',
    '<div class="labels">',
    ...lanes.map(({ name, label, note }) => {
      return tag(
        'div',
        { class: `lane lane-${name}` },
        label,
        note === undefined ? '' : html(`<small>${escapeHtml(note)}</small>`),
      )
    }),
    '</div><div class="scroll"><div class="tracks" id="tracks">',
    gridLines(story, axis),
    ...lanes.map(({ name, content }) => tag('div', { class: `lane lane-${name}` }, content)),
    '<div class="playhead" id="playhead"></div></div></div></figure>',
  )
}

interface Lane {
  readonly name: string
  readonly label: string
  readonly note?: string
  readonly content: Html
}

/** Where a moment lies, in percent of the width. */
class Axis {
  readonly #durationMs: number

  constructor(durationMs: number) {
    this.#durationMs = Math.max(1, durationMs)
  }

  at(ms: number): string {
    return `${((Math.max(0, Math.min(ms, this.#durationMs)) / this.#durationMs) * 100).toFixed(3)}%`
  }

  /** The style of a box that begins at a moment and may reach to another. */
  atMost(fromMs: number, untilMs: number): string {
    return this.box(fromMs, untilMs).replace('width', 'max-width')
  }

  /** The style of a box from one moment to another. */
  box(fromMs: number, untilMs: number): string {
    return `left:${this.at(fromMs)};width:${this.at(Math.max(0, Math.min(untilMs, this.#durationMs) - fromMs))}`
  }
}

function loudest(...channels: readonly Int16Array[]): number {
  let peak = 1
  for (const channel of channels) for (const sample of channel) peak = Math.max(peak, Math.abs(sample))
  return peak
}

function gridLines({ durationMs, bargeIns, turns }: CallStory, axis: Axis): Html {
  const lines: Html[] = []
  for (let ms = 0; ms <= durationMs; ms += 1000) {
    lines.push(line({ class: ms % 5000 === 0 ? 'five' : 'one', x1: axis.at(ms), x2: axis.at(ms), y1: 0, y2: '100%' }))
  }
  for (const { startMs } of turns) {
    lines.push(line({ class: 'turn-line', x1: axis.at(startMs), x2: axis.at(startMs), y1: 0, y2: '100%' }))
  }
  for (const { startMs, silentMs } of bargeIns) {
    for (const ms of [startMs, silentMs])
      lines.push(line({ class: 'cut-line', x1: axis.at(ms), x2: axis.at(ms), y1: 0, y2: '100%' }))
  }
  return html('<svg class="grid" aria-hidden="true">', ...lines, '</svg>')
}

function line(attributes: Readonly<Record<string, string | number>>): Html {
  return tag('line', attributes)
}

function callLane({ ringingUntilMs, streamOpenMs, streamStopMs, durationMs, endReason }: CallStory, axis: Axis): Html {
  const openMs = streamOpenMs ?? durationMs
  const stopMs = streamStopMs ?? durationMs
  const stretches: readonly [string, number, number, string][] = [
    ['rings', 0, ringingUntilMs, ''],
    ['answered', ringingUntilMs, openMs, ''],
    ['media stream open', openMs, stopMs, 'media stream open: caller ⇄ bridge ⇄ agent'],
    ['after the stream', stopMs, durationMs, ''],
  ]
  return html(
    ...stretches.map(([name, fromMs, untilMs, text], index) => {
      const title = `${name}: ${seconds(fromMs)} to ${seconds(untilMs)}`
      return tag('div', { class: `stretch stretch-${index}`, style: axis.box(fromMs, untilMs), title }, text)
    }),
    tag('div', { class: 'stretch-end' }, endReason),
  )
}

function textLane({ turns, durationMs }: CallStory, axis: Axis, speaker: StoryTurn['speaker']): Html {
  const own = turns.filter((turn) => turn.speaker === speaker)
  return html(
    ...own.flatMap((turn, index) => [
      tag('div', { class: 'span', style: axis.box(turn.startMs, turn.endMs) }),
      tag(
        'div',
        {
          class: 'words',
          style: axis.atMost(turn.startMs, own[index + 1]?.startMs ?? durationMs),
          'data-at': Math.round(turn.startMs),
        },
        words(turn),
      ),
    ]),
  )
}

/** The words as heard, and struck out what was not. */
export function words(turn: StoryTurn): Html {
  if (turn.speaker === 'caller' || !turn.interrupted) return html(escapeHtml(turn.text))
  return html(escapeHtml(turn.text), ' ', tag('del', {}, unheardWords(turn)))
}

function unheardWords({ text, meantText }: AgentStoryTurn): string {
  return meantText.startsWith(text) ? meantText.slice(text.length).trim() : meantText
}

function betweenLane({ turns, bargeIns }: CallStory, axis: Axis): Html {
  const answers = turns.flatMap((turn) => {
    if (turn.speaker === 'caller' || !turn.latency) return []
    const { ms, agentListensMs = 0 } = turn.latency
    const fromMs = turn.startMs - ms
    return [
      tag('div', {
        class: 'wait wait-listens',
        style: axis.box(fromMs, fromMs + agentListensMs),
        title: 'the agent makes sure that the caller has finished',
      }),
      tag('div', {
        class: 'wait',
        style: axis.box(fromMs + agentListensMs, turn.startMs),
        title: 'the agent thinks; its answer travels and begins to play',
      }),
      tag('div', { class: 'gap-label', style: `left:${axis.at(turn.startMs)}` }, `${Math.round(ms)} ms`),
    ]
  })
  const cuts = bargeIns.flatMap(({ startMs, silentMs }) => [
    tag('div', { class: 'wait cut', style: axis.box(startMs, silentMs) }),
    tag('div', { class: 'gap-label cut', style: `left:${axis.at(startMs)}` }, `silent in ${Math.round(silentMs - startMs)} ms`),
  ]) // prettier-ignore
  return html(...answers, ...cuts)
}

function droppedLane({ bargeIns }: CallStory, axis: Axis): Html {
  return html(
    ...bargeIns.map(({ silentMs, takenBackMs, neverSentMs }) => {
      const text = `${seconds(takenBackMs + neverSentMs)} never heard: ${seconds(takenBackMs)} taken back from Twilio, ${seconds(neverSentMs)} never sent`
      return tag(
        'div',
        { class: 'dropped', style: axis.box(silentMs, silentMs + takenBackMs + neverSentMs), title: text },
        text,
      )
    }),
  )
}

function toolsLane({ tools }: CallStory, axis: Axis): Html {
  return html(
    ...tools.map(({ name, startMs, endMs, isError }) => {
      const text = `${name} ${isError ? 'failed' : ''} ${Math.round(endMs - startMs)} ms`
      return tag('div', { class: isError ? 'tool failed' : 'tool', style: `left:${axis.at(startMs)}` }, text)
    }),
  )
}

/** Each line is a slice of agent audio: above when it was sent, below when it was heard. */
function marksLane({ marks }: CallStory, axis: Axis): Html {
  const lines = marks.map(({ name, queuedMs, echoedMs, cleared }) => {
    const x2 = axis.at(echoedMs ?? queuedMs)
    const kind = echoedMs === undefined ? 'mark lost' : cleared ? 'mark cleared' : 'mark'
    const title = html(
      `<title>${escapeHtml(`${name}: sent at ${seconds(queuedMs)}${echoedMs === undefined ? '' : `, ${cleared ? 'cleared' : 'heard'} at ${seconds(echoedMs)}`}`)}</title>`,
    )
    return tag('line', { class: kind, x1: axis.at(queuedMs), y1: 4, x2, y2: 46 }, title)
  })
  return html('<svg class="marks">', ...lines, '</svg>')
}

function timeLane({ durationMs }: CallStory, axis: Axis): Html {
  const ticks: Html[] = []
  for (let ms = 0; ms <= durationMs - 400; ms += 5000) {
    ticks.push(tag('div', { class: 'tick', style: `left:${axis.at(ms)}` }, clockTime(ms).replace(/\.0$/, '')))
  }
  return html(...ticks)
}
