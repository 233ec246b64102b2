import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SaxesParser } from 'saxes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AgentStoryTurn, CallStory, CallerStoryTurn } from '../../examples/demo/call-story.js'
import { loadSpeech } from '../support/speech.js'

const ROOT = new URL('../../', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'callweave-demo-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Run {
  readonly code: number
  readonly out: string
  readonly file: (name: string) => Buffer
}

function demo(name: string, ...flags: readonly string[]): Promise<Run> {
  const out = join(folder, name)
  const command = ['--import', 'tsx', 'examples/demo/run.ts', '--out', out, ...flags]
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: ROOT, encoding: 'utf8' }, (error, stdout) => {
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0
      resolve({ code, out: stdout, file: (file) => readFileSync(join(out, file)) })
    })
  })
}

describe('the demo', () => {
  let run: Run
  let story: CallStory
  let callerTurns: CallerStoryTurn[]
  let agentTurns: AgentStoryTurn[]
  /** What a busy machine adds to any figure of the call: how late the process was for its own timers. */
  let slackMs: number
  let caller: Int16Array
  let agent: Int16Array

  beforeAll(async () => {
    run = await demo('good', '--speed', '2')
    story = JSON.parse(run.file('transcript.json').toString()) as CallStory
    callerTurns = story.turns.filter((turn) => turn.speaker === 'caller')
    agentTurns = story.turns.filter((turn) => turn.speaker === 'agent')
    slackMs = 60 + 2 * story.latestMs
    const wav = run.file('call.wav')
    const frames = (wav.byteLength - 44) / 4
    const channel = (at: number) => Int16Array.from({ length: frames }, (_, i) => wav.readInt16LE(44 + i * 4 + at))
    caller = channel(0)
    agent = channel(2)
  }, 120_000)

  /** The loudest sample of a stretch, of 32 767. */
  const loudest = (channel: Int16Array, fromMs: number, untilMs: number): number => {
    let peak = 0
    for (const sample of channel.subarray(fromMs * 8, Math.max(fromMs, untilMs) * 8))
      peak = Math.max(peak, Math.abs(sample))
    return peak
  }

  test('goes as scripted, says so by its exit code, and tells turns, tools and latency as they happen', () => {
    expect(run.out).toContain('The call went as scripted.')
    expect(run.code).toBe(0)
    expect(run.out).toMatch(/caller +Sorry, I just need to move my appointment\./)
    expect(run.out).toMatch(/tool +find_appointment +\(answered after \d+ ms\)/)
    expect(run.out).toMatch(/\d+ ms after the caller/)

    expect(run.out).not.toMatch(/\u001b/) // no colours where nobody looks
  })

  test('leaves a stereo recording at the telephone\u2019s rate', () => {
    const wav = run.file('call.wav')
    expect(wav.subarray(0, 4).toString()).toBe('RIFF')
    expect([wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt16LE(34)]).toEqual([2, 8000, 16])
    expect(Math.abs(caller.length / 8 - story.durationMs)).toBeLessThan(1)
  })

  test('the caller is on the left where the transcript has the caller, and nowhere else', () => {
    expect(callerTurns).toHaveLength(3)
    let quietFromMs = 0
    for (const { startMs, endMs } of callerTurns) {
      expect(loudest(caller, startMs, endMs)).toBeGreaterThan(6000)
      expect(loudest(caller, quietFromMs, startMs - 20)).toBe(0)
      quietFromMs = endMs + 20
    }
    expect(loudest(caller, quietFromMs, story.durationMs)).toBe(0)
  })

  test('the agent is on the right where the transcript has the agent, and silent while it listens', () => {
    expect(agentTurns).toHaveLength(5)
    for (const { startMs, endMs } of agentTurns) expect(loudest(agent, startMs, endMs)).toBeGreaterThan(6000)
    const next = agentTurns.find(({ startMs }) => startMs > callerTurns[1]!.startMs)!
    expect(loudest(agent, callerTurns[1]!.startMs, next.startMs - slackMs)).toBe(0)
  })

  test('the agent falls silent as soon as the caller talks over it, and stays so until its answer', () => {
    const [cut] = story.bargeIns
    expect(story.bargeIns).toHaveLength(1)
    expect(cut!.startMs).toBeCloseTo(callerTurns[0]!.startMs)
    expect(cut!.silentMs - cut!.startMs).toBeLessThan(250 + slackMs)
    expect(loudest(agent, cut!.startMs - 1000, cut!.startMs)).toBeGreaterThan(6000)
    expect(loudest(agent, cut!.clearMs + 20, agentTurns[1]!.startMs - slackMs)).toBe(0)
    expect(cut!.takenBackMs).toBeGreaterThan(0)
    expect(cut!.neverSentMs).toBeGreaterThan(5000)
  })

  test('the transcript has of the greeting what was heard, and beside it what was meant', () => {
    const { greeting, goodbye } = loadSpeech()
    const [first] = agentTurns
    expect(first!.meantText).toBe(greeting.text)
    expect(first!.text).toMatch(/^Hello, thank you for calling Riverside Dental\./)
    expect(greeting.text.startsWith(first!.text)).toBe(true)
    expect(first!.text).not.toContain('opening hours')
    expect(first!.heardMs).toBeLessThan(first!.meantMs / 2)
    expect(agentTurns.at(-1)).toMatchObject({ text: goodbye.text, interrupted: false })
    const text = run.file('transcript.txt').toString()
    expect(text).toContain(`agent   ${first!.text}\n`)
    expect(text).toContain('caller  It is A seventeen.')
  })

  test('latency by the marks and latency on the tape tell the same', () => {
    const latencies = agentTurns.flatMap(({ latency }) => latency ?? [])
    expect(latencies).toHaveLength(3)
    for (const { ms, tapeMs } of latencies) {
      expect(ms).toBeGreaterThan(800 - slackMs) // the agent\u2019s own pace
      expect(Math.abs(ms - tapeMs!)).toBeLessThan(250 + slackMs)
    }
  })

  test('marks of the greeting that were cleared are told from those that were played', () => {
    expect(story.marks.length).toBeGreaterThan(50)
    expect(story.marks.filter(({ echoedMs }) => echoedMs === undefined)).toEqual([])
    expect(story.marks.filter(({ cleared }) => cleared).length).toBeGreaterThan(2)
    for (const { cleared, echoedMs } of story.marks) {
      if (cleared) expect(Math.abs(echoedMs! - story.bargeIns[0]!.clearMs)).toBeLessThan(slackMs)
    }
  })

  test('the page is well-formed, holds the recording, and loads nothing from anywhere', () => {
    const page = run.file('call.html').toString()
    const attributes: [string, string][] = []
    const texts: string[] = []
    const parser = new SaxesParser()
    parser.on('error', (error) => {
      throw error
    })
    parser.on('opentag', ({ attributes: own }) => attributes.push(...Object.entries(own)))
    parser.on('text', (text) => texts.push(text))
    parser.write(page).close()

    expect(page).not.toMatch(/https?:|\burl\(|@import|<link|<img|<iframe/)
    const sources = attributes.filter(([name]) => /^(src|srcset|href|xlink:href|data|poster|action)$/.test(name))
    expect(sources.map(([name, value]) => [name, value.slice(0, 22)])).toEqual([['src', 'data:audio/wav;base64,']])
    expect(Buffer.from(sources[0]![1].slice(22), 'base64').equals(run.file('call.wav'))).toBe(true)
    for (const { text } of story.turns) expect(texts.join(' ')).toContain(text)
    expect(page).toContain('<del>')
    expect(page).toContain('find_appointment')
  })
})

test('a call that does not go as scripted gives exit code 1, says why, and still leaves its files', async () => {
  const run = await demo('broken', '--speed', '3', '--fault', 'tool-fails')
  expect(run.code).toBe(1)
  expect(run.out).toContain('The call did not go as scripted')
  expect(run.out).toContain('a tool failed')
  const { problems } = JSON.parse(run.file('transcript.json').toString()) as CallStory
  expect(problems).toContain('step 7 (expect-hang-up): not reached')
  expect(run.file('call.html').toString()).toContain('Did not go as scripted')
}, 120_000)

test('an option that does not exist gives exit code 2 and the list of those that do', async () => {
  expect((await demo('none', '--fault', 'weather')).code).toBe(2)
}, 60_000)
