/**
 * `npm run demo`: plays one call, tells it as it happens, and leaves its recording, transcript and page in `demo-out/`.
 *
 * Exit code 0 only if the call went as scripted.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { callPage } from './call-page.js'
import { tellStory } from './call-story.js'
import { DEMO_FAULTS, playCall, seconds, type DemoFault } from './play-call.js'
import { progressLine, styler } from './terminal.js'
import { transcriptText } from './transcript.js'

const HELP = `npm run demo -- [options]

  --speed N      play N times faster than life (default 1)
  --out FOLDER   where the files go (default demo-out)
  --fault NAME   let something go wrong, to see what a caller gets then: ${DEMO_FAULTS.join(', ')}
  --help         this text`

const options = readOptions()
if ('problem' in options) {
  console.error(`${options.problem}\n\n${HELP}`)
  process.exitCode = 2
} else if (options.help) console.log(HELP)
else process.exitCode = await run(options)

async function run({
  speed,
  out,
  fault,
}: {
  speed: number
  out: string
  fault: DemoFault | undefined
}): Promise<number> {
  const style = styler(process.stdout, process.env)
  const pace = speed === 1 ? 'in real time' : `${speed} times as fast as life`
  console.log(style('bold', '\n  A call to Riverside Dental, played on this machine'))
  console.log(style('dim', `  simulated Twilio ⇄ Express, bridge ⇄ simulated ElevenLabs; ${pace}\n`))

  const played = await playCall({
    speed,
    fault,
    onProgress: (progress) => console.log(progressLine(progress, style, process.stdout.columns)),
  })
  const story = tellStory(played)
  const recording = played.call.recording()
  const wav = recording.toWav()
  mkdirSync(out, { recursive: true })
  const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(out, name), content)
  write('call.wav', wav)
  write('transcript.txt', transcriptText(story))
  write('transcript.json', `${JSON.stringify(story, null, 2)}\n`)
  write('call.html', callPage({ story, pcm: recording.toPcm(), wav }))

  const where = relative(process.cwd(), out) || '.'
  console.log(
    `\n  ${seconds(story.durationMs)} of call. ${style('bold', join(where, 'call.html'))} shows it on one time axis;`,
  )
  console.log(`  call.wav has the caller left and the agent right, transcript.txt and .json what was heard.\n`)
  if (story.problems.length === 0) {
    console.log(style('green', '  The call went as scripted.\n'))
    return 0
  }
  console.log(style('red', '  The call did not go as scripted:'))
  for (const problem of story.problems) console.log(`  - ${problem.replaceAll('\n', '\n    ')}`)
  console.log()
  return 1
}

function readOptions():
  | { readonly help: boolean; readonly speed: number; readonly out: string; readonly fault: DemoFault | undefined }
  | { readonly problem: string } {
  const text = { type: 'string' } as const
  try {
    const { values } = parseArgs({ options: { speed: text, out: text, fault: text, help: { type: 'boolean' } } })
    const speed = Number(values.speed ?? 1)
    if (!(speed > 0 && speed <= 20)) return { problem: '--speed is a number above 0, and at most 20' }
    const fault = DEMO_FAULTS.find((name) => name === values.fault)
    if (values.fault !== undefined && !fault) return { problem: `--fault is one of ${DEMO_FAULTS.join(', ')}` }
    return { help: values.help ?? false, speed, out: values.out ?? 'demo-out', fault }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}
