import { expect, test } from 'vitest'
import { Ear, isLoud } from '../../../src/simulator/twilio/ear.js'
import { Mouth } from '../../../src/simulator/twilio/mouth.js'
import { FRAME_BYTES } from '../../../src/simulator/twilio/player.js'
import { Recorder } from '../../../src/simulator/twilio/recorder.js'
import { Timeline } from '../../../src/simulator/twilio/timeline.js'
import { tone } from './small-host.js'

const quiet = new Uint8Array(FRAME_BYTES).fill(0xff)

test('line noise and comfort noise are no speech, a tone is', () => {
  expect(isLoud(quiet)).toBe(false)
  expect(isLoud(Uint8Array.from({ length: FRAME_BYTES }, (_, i) => (i % 2 ? 0xf0 : 0x70)))).toBe(false)
  expect(isLoud(tone(20))).toBe(true)
})

test('a gap between words belongs to the stretch, a longer one ends it where the last sound ended', () => {
  const log: string[] = []
  const ear = new Ear({
    speechStarted: (atMs) => log.push(`start ${atMs}`),
    speechEnded: (atMs) => log.push(`end ${atMs}`),
  })
  ear.hear(tone(20), 100)
  ear.advanceTo(480)
  ear.hear(tone(20), 480)
  expect(ear.stretchMs(500)).toBe(400)
  ear.advanceTo(900)
  expect(log).toEqual(['start 100', 'end 500'])
  expect(ear.quietMs(900)).toBe(400)
  expect(ear.heardMs).toBe(40)
})

test('a stretch that the end of the call cuts off has an end too', () => {
  const log: string[] = []
  const ear = new Ear({ speechStarted: () => undefined, speechEnded: (atMs) => log.push(`end ${atMs}`) })
  ear.hear(tone(20), 0)
  ear.close()
  expect(log).toEqual(['end 20'])
})

test('utterances are said one after the other in packets of 20 ms, the last one filled up, then there is silence', () => {
  const log: string[] = []
  const mouth = new Mouth({
    started: ({ text }) => log.push(`> ${text}`),
    finished: ({ text }) => log.push(`< ${text}`),
  })
  mouth.say({ text: 'one', audio: tone(30) })
  mouth.say({ text: 'two', audio: tone(20) })
  const frames = [mouth.next(), mouth.next(), mouth.next()]
  expect(frames.map((frame) => frame?.byteLength)).toEqual([FRAME_BYTES, FRAME_BYTES, FRAME_BYTES])
  expect(frames[1]?.subarray(80)).toEqual(quiet.subarray(80))
  expect(mouth.isSpeaking).toBe(false)
  expect(mouth.next()).toBeUndefined()
  expect(log).toEqual(['> one', '< one', '> two', '< two'])
})

test('a recording has both sides at their time, equally long, silent elsewhere, across the seams of its segments', () => {
  const recorder = new Recorder(10_000)
  recorder.caller(990, tone(20))
  recorder.agent(2000, tone(20))
  const recording = recorder.recording(2500)
  expect(recording.durationMs).toBe(2500)
  expect(recording.caller.byteLength).toBe(20_000)
  expect(recording.caller.subarray(990 * 8, 1010 * 8)).toEqual(tone(20))
  expect(recording.caller.filter((byte) => byte !== 0xff).byteLength).toBe(160)
  expect(recording.agent.subarray(2000 * 8, 2020 * 8)).toEqual(tone(20))
  const [left, right] = recording.toPcm()
  expect([left.length, right.length]).toEqual([20_000, 20_000])
})

test('a recording as WAV has the caller left and the other side right', () => {
  const recorder = new Recorder(10_000)
  recorder.caller(0, tone(20))
  recorder.agent(20, tone(20))
  const recording = recorder.recording(40)
  const wav = Buffer.from(recording.toWav())
  expect([wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt16LE(34)]).toEqual([2, 8000, 16])
  const frames = (wav.byteLength - 44) / 4
  const channel = (offset: number) =>
    Int16Array.from({ length: frames }, (_, i) => wav.readInt16LE(44 + i * 4 + offset))
  expect([channel(0), channel(2)]).toEqual(recording.toPcm())
})

test('a recording stops at its limit, and a limit of nothing records nothing', () => {
  const recorder = new Recorder(1000)
  recorder.caller(995, tone(20))
  recorder.caller(5000, tone(20))
  expect(recorder.recording(9000).caller.byteLength).toBe(8000)
  const none = new Recorder(0)
  none.agent(0, tone(20))
  expect(none.recording(9000).durationMs).toBe(0)
})

test('a timeline tells things in the order of their time and stops growing at its limit', () => {
  const timeline = new Timeline(() => 100)
  timeline.add('clear', { unheardMs: 0 })
  timeline.add('agent-quiet', {}, 40)
  expect(timeline.entries.map((entry) => entry.kind)).toEqual(['agent-quiet', 'clear'])
  for (let i = 0; i < 60_000; i++) timeline.add('step')
  expect(timeline.entries.length).toBe(50_000)
  expect(timeline.dropped).toBe(10_002)
})
