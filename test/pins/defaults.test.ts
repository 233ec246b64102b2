/**
 * Defaults, by what they do: literals frozen on purpose. A doc comment promises each.
 */
import { describe, expect, test } from 'vitest'
import { bridgeLimits } from '../../src/bridge/bridge-limits.js'
import { ManualClock } from '../../src/core/clock.js'
import { createOneTimeTokens } from '../../src/core/one-time-tokens.js'
import { MAX_WEBHOOK_BODY_BYTES } from '../../src/middleware/webhook-handler.js'
import { MAX_TOOL_RESULT_CHARS } from '../../src/elevenlabs/tool-calls.js'
import { Playback } from '../../src/media-stream/playback.js'
import { MediaStreamSession } from '../../src/media-stream/session.js'
import { deafSocket } from '../media-stream/deaf-socket.js'

const START = JSON.stringify({ event: 'start', sequenceNumber: '1', streamSid: 'MZ1', start: { accountSid: 'AC1', streamSid: 'MZ1', callSid: 'CA1', tracks: ['inbound'], mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 } } }) // prettier-ignore
const settled = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

test('limits of a call', () => {
  expect(bridgeLimits({})).toEqual({
    attachTimeoutMs: 30_000,
    idleTimeoutMs: 120_000,
    maxDurationMs: 3_600_000,
    goodbyeTimeoutMs: 30_000,
    digits: 'context',
  })
})

test('limits on what comes in', () => {
  expect([MAX_WEBHOOK_BODY_BYTES, MAX_TOOL_RESULT_CHARS]).toEqual([262_144, 262_144])
})

test('a one-time token lives for a minute', async () => {
  const clock = new ManualClock()
  const tokens = createOneTimeTokens({ clock })
  const [first, second] = [await tokens.issue('CA1'), await tokens.issue('CA1')]
  clock.advance(59_999)
  expect(await tokens.redeem(first, 'CA1')).toBe(true)
  clock.advance(1)
  expect(await tokens.redeem(second, 'CA1')).toBe(false)
})

describe('a media stream', () => {
  test('waits ten seconds for its start', () => {
    const clock = new ManualClock()
    const session = new MediaStreamSession({ socket: deafSocket(), clock })
    clock.advance(9999)
    expect(session.state).toBe('connecting')
    clock.advance(1)
    expect(session.state).toBe('stopped')
  })

  test('is over after thirty seconds of silence', async () => {
    const clock = new ManualClock()
    const socket = deafSocket()
    const session = new MediaStreamSession({ socket, clock })
    socket.say(START)
    await settled()
    clock.advance(29_000)
    expect(session.state).toBe('streaming')
    clock.advance(1000)
    expect(session.state).toBe('stopped')
  })

  test('takes messages of 65 536 characters', async () => {
    const socket = deafSocket()
    const session = new MediaStreamSession({ socket, clock: new ManualClock() })
    socket.say('x'.repeat(65_536))
    expect(session.state).toBe('connecting')
    socket.say('x'.repeat(65_537))
    expect(session.state).toBe('stopped')
  })
})

test('playback leads by 1200 ms, in slices of 300 after a first one of 60, and keeps five minutes', () => {
  const sent: number[] = []
  const playback = new Playback({ clock: new ManualClock() })
  playback.attach({
    media: (payload) => sent.push(Buffer.from(payload, 'base64').length / 8),
    mark: () => undefined,
    clear: () => undefined,
  })
  playback.enqueue('turn-1', Buffer.alloc(8 * 5000).toString('base64'))
  expect(sent).toEqual([60, 300, 300, 300, 300]) // the last one is begun before the lead is reached
  expect(playback.enqueue('turn-1', Buffer.alloc(8 * 296_000).toString('base64'))).toBe(true)
  expect(playback.enqueue('turn-1', Buffer.alloc(8 * 1000).toString('base64'))).toBe(false)
})
