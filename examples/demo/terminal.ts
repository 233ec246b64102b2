/**
 * The call in a terminal, while it goes on.
 *
 * @module
 */
import { styleText } from 'node:util'
import type { Progress } from './play-call.js'

type Format = Parameters<typeof styleText>[0]

const FORMATS: Readonly<Record<Progress['who'], Format>> = {
  call: 'dim',
  agent: 'yellow',
  caller: 'cyan',
  'barge-in': 'red',
  tool: 'magenta',
}

/** Styles text, on a terminal that wants it; elsewhere text stays as it is. */
export function styler(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): (format: Format, text: string) => string {
  const isPlain = !stream.isTTY || env.NO_COLOR !== undefined || env.TERM === 'dumb'
  return (format, text) => (isPlain ? text : styleText(format, text))
}

/** One line of progress, wrapped to the width of the terminal. */
export function progressLine(progress: Progress, style: ReturnType<typeof styler>, columns = 100): string {
  const { atMs, who, text, note } = progress
  const head = `${(atMs / 1000).toFixed(1).padStart(6)} s  `
  const name = (who === 'barge-in' ? 'cut' : who).padEnd(8)
  const body = note === undefined ? text : `${text}  (${note})`
  const indent = ' '.repeat(head.length + name.length)
  const [first = '', ...rest] = wrap(body, Math.max(30, Math.min(columns, 110) - indent.length))
  const format = FORMATS[who]
  return [style('dim', head) + style(format, name + first), ...rest.map((line) => indent + style(format, line))].join(
    '\n',
  )
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
