/**
 * Calls over bad lines: late, lost, reordered, malformed and oversized frames, a reader that stops, a socket that drops; each
 * from a seed that the name of the test tells.
 */
import { describe, expect, test } from 'vitest'
import type { StreamFaults } from '../../src/simulator/index.js'
import { dentalAgent, dentalCaller, dentalTools, phoneLine } from './phone-line.js'

const lines: [string, StreamFaults][] = [
  ['loses a frame in fifty', { lostFrames: 0.02 }],
  ['swaps a frame in fifty', { reorderedFrames: 0.02 }],
  ['holds frames back for 200 ms, now and then', { lateFrames: { chance: 0.01, byMs: 200 } }],
  ['carries nonsense', { malformedFrames: 0.05 }],
  ['reads nothing for two seconds', { slowReader: { atMs: 9000, forMs: 2000 } }],
  ['does all of it', { lostFrames: 0.01, reorderedFrames: 0.01, lateFrames: { chance: 0.005, byMs: 100 }, malformedFrames: 0.02, slowReader: { atMs: 9000, forMs: 500 } }], // prettier-ignore
]

describe.each(lines)('a line that %s', (_, streamFaults) => {
  test.each([1, 2])('seed %i: the call goes as scripted all the same', async (seed) => {
    const line = await phoneLine({ agent: dentalAgent, voice: { tools: dentalTools }, twilio: { seed } })
    const call = line.dial({ script: dentalCaller, streamFaults })
    await call.verify()
    line.elevenlabs.verify() // each sentence of the caller was known by its sound
    const { bridge } = line.seen[0]!.live
    expect(bridge.end).toMatchObject({ reason: 'agent-ended', stats: { callerTurns: 3, agentTurns: 5, toolCalls: 2 } })
    const { padded, ignored } = bridge.stream!.counts
    if (streamFaults.lostFrames) expect(padded).toBeGreaterThan(0)
    if (streamFaults.malformedFrames) expect(ignored).toBeGreaterThan(0)
    await line.expectNothingLeft()
  })
})

test.each([11, 12, 13, 14])('seed %i: the socket drops wherever the seed says, and nothing is left', async (seed) => {
  const line = await phoneLine({ agent: dentalAgent, voice: { tools: dentalTools }, twilio: { seed } })
  const call = line.dial({
    script: [...dentalCaller.slice(0, 6), { step: 'hang-up' }],
    streamFaults: { lostFrames: 0.02, malformedFrames: 0.02, drop: { atMs: (seed * 7919) % 20_000 } },
  })
  await call.ended
  await line.expectNothingLeft()
  expect(line.seen[0]!.live.bridge.end!.reason).toBe('caller-hung-up')
})

test.each([21, 22])('seed %i: frames that are too large end the call with their own error', async (seed) => {
  const line = await phoneLine({ agent: dentalAgent, voice: { tools: dentalTools }, twilio: { seed } })
  const call = line.dial({
    script: dentalCaller,
    streamFaults: { oversizedFrames: { chance: 0.005, bytes: 70_000 } },
  })
  await call.ended
  await line.expectNothingLeft()
  expect(line.seen[0]!.live.bridge.end).toMatchObject({
    reason: 'stream-failed',
    error: { code: 'media_stream_message_too_large' },
  })
})
