import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.js'
import { playScript, type CallerStep } from '../../../src/simulator/twilio/caller-script.js'
import { Line } from '../../../src/simulator/twilio/line.js'
import { scenarioProblems } from '../../../src/simulator/twilio/scenario-verdict.js'
import { scriptedLine } from '../../../src/simulator/twilio/scripted-line.js'
import { tone } from './small-host.js'

/** A line without a call: the other side is whatever the test plays, and hangs up when the test says so. */
function setUp() {
  const clock = new ManualClock()
  const line = new Line(clock, 60_000)
  line.answer()
  const log: string[] = []
  const call = {
    isLive: true,
    streams: [],
    relays: [],
    press: (digit: string) => log.push(`press ${digit} at ${Math.round(line.nowMs)}`),
    hangUp: () => {
      if (call.isLive) log.push(`hang up at ${Math.round(line.nowMs)}`)
      call.end()
    },
    waitUntil: (isMet: () => boolean, withinMs?: number) =>
      line.until(isMet, new AbortController().signal, withinMs).catch(() => isMet()),
    end: () => {
      call.isLive = false
      line.close()
    },
  }
  const play = (steps: CallerStep[]) => playScript(steps, scriptedLine(call, line), call)
  const agentSays = (ms: number): boolean => line.prompts.enqueue(tone(ms), line.nowMs)
  const steps = (): unknown[] =>
    line.timeline.entries
      .filter((entry) => entry.kind === 'step')
      .map((entry) => [entry.details.step, Math.round(entry.atMs)])
  return { clock, line, log, call, play, agentSays, steps }
}

const hello = { text: 'hello', audio: tone(300) }

test('steps run one after the other, each when the one before it was met, and the caller hangs up at the end', async () => {
  const { clock, play, agentSays, steps, log } = setUp()
  const done = play([
    { step: 'pause', ms: 100 },
    { step: 'speak', utterance: hello },
    { step: 'wait-for-agent-speech' },
    { step: 'wait-for-agent-quiet', quietMs: 500 },
    { step: 'press', digits: '12', gapMs: 100 },
  ])
  await clock.advanceAsync(1000)
  agentSays(400)
  await clock.advanceAsync(3000)
  expect(await done).toEqual({ stepsDone: 5, problems: [], expectsHeardOut: false })
  expect(steps()).toEqual([
    ['pause', 0],
    ['speak', 100],
    ['wait-for-agent-speech', 400],
    ['wait-for-agent-quiet', 1020],
    ['press', 1900],
  ])
  expect(log).toEqual(['press 1 at 1900', 'press 2 at 2000', 'hang up at 2000'])
  expect(clock.pendingTimers).toBe(0)
})

test('a barge-in begins once the other side has talked for so long, and is heard while it still talks', async () => {
  const { clock, play, agentSays, line } = setUp()
  const done = play([{ step: 'barge-in', afterMs: 600, utterance: hello }])
  await clock.advanceAsync(200)
  agentSays(3000)
  await clock.advanceAsync(4000)
  expect((await done).problems).toEqual([])
  const began = line.timeline.entries.find((entry) => entry.kind === 'caller-speech')!.atMs
  const heardFrom = line.timeline.entries.find((entry) => entry.kind === 'agent-speech')!.atMs
  expect(began - heardFrom).toBeGreaterThanOrEqual(600)
  expect(began - heardFrom).toBeLessThanOrEqual(640)
})

test('quiet after speech waits for speech first', async () => {
  const { clock, play, agentSays, steps } = setUp()
  const done = play([
    { step: 'pause', ms: 1000 },
    { step: 'wait-for-agent-quiet', quietMs: 300, afterSpeech: true },
    { step: 'pause', ms: 0 },
  ])
  await clock.advanceAsync(2000)
  expect(steps()).toHaveLength(2)
  agentSays(200)
  await clock.advanceAsync(1000)
  expect((await done).problems).toEqual([])
})

test('a step that is not met in time is named, with every step that was not reached', async () => {
  const { clock, play, log } = setUp()
  const done = play([
    { step: 'wait-for-agent-speech', withinMs: 500 },
    { step: 'speak', utterance: hello },
    { step: 'hang-up' },
  ])
  await clock.advanceAsync(1000)
  expect(await done).toEqual({
    stepsDone: 0,
    problems: [
      'step 1 (wait-for-agent-speech): the other side was not heard within 500 ms',
      'step 2 (speak): not reached',
      'step 3 (hang-up): not reached',
    ],
    expectsHeardOut: false,
  })
  expect(log).toEqual(['hang up at 500'])
})

test('a call that ends in the middle of a step leaves that step and the rest unmet', async () => {
  const { clock, call, play } = setUp()
  const done = play([{ step: 'pause', ms: 1000 }, { step: 'hang-up' }])
  await clock.advanceAsync(100)
  call.end()
  expect((await done).problems).toEqual(['step 1 (pause): the call ended', 'step 2 (hang-up): not reached'])
})

test('an expected hang-up is met by the other side, also when it came early, and unmet when it does not come', async () => {
  const met = setUp()
  const done = met.play([{ step: 'expect-hang-up' }])
  await met.clock.advanceAsync(100)
  met.call.end()
  expect(await done).toEqual({ stepsDone: 1, problems: [], expectsHeardOut: true })

  const unmet = setUp()
  const failed = unmet.play([{ step: 'expect-hang-up', withinMs: 200, heardOut: false }])
  await unmet.clock.advanceAsync(300)
  expect(await failed).toEqual({
    stepsDone: 0,
    problems: ['step 1 (expect-hang-up): the other side did not hang up within 200 ms'],
    expectsHeardOut: false,
  })
})

test('a step of the test itself is awaited, and unmet when it throws', async () => {
  const { clock, play } = setUp()
  const seen: string[] = []
  const done = play([
    { step: 'run', name: 'look', run: async () => void seen.push('looked') },
    { step: 'run', name: 'fail', run: () => Promise.reject(new Error('not what it should be')) },
  ])
  await clock.advanceAsync(50)
  expect(seen).toEqual(['looked'])
  expect((await done).problems).toEqual(['step 2 (run): not what it should be'])
})

test('the verdict lists unmet steps, cut speech, unused dials, violations that came and that did not', () => {
  const violation = { code: 31951, level: 'warning', message: 'dropped', callSid: 'CA1', atMs: 12.4 } as const
  const facts = {
    outcome: { stepsDone: 1, problems: ['step 2 (pause): not reached'], expectsHeardOut: true },
    isEndedByCaller: false,
    unheardMs: 140,
    unusedDials: 1,
    violations: [violation],
    expectViolations: [31921],
  } as const
  expect(scenarioProblems(facts)).toEqual([
    'step 2 (pause): not reached',
    '140 ms of speech were sent and cut off by the hang-up',
    '1 scripted <Dial> outcome(s) were not used',
    '31951 at 12 ms: dropped',
    '31921 was expected and did not come',
  ])
  const fine = { ...facts, outcome: undefined, unusedDials: 0, expectViolations: [31951] } as const
  expect(scenarioProblems(fine)).toEqual([])
})
