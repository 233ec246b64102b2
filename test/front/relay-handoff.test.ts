/**
 * Relay calls that are passed on: by a transfer, cold and warm, and when the process stops.
 */
import { describe, expect, test } from 'vitest'
import type { ConversationRelayEnd } from '../../src/conversation-relay/session-options.js'
import type { CallerStep, SimulatedCall } from '../../src/simulator/index.js'
import type { VoiceOptions } from '../../src/voice.js'
import { officeLine, verbsOf } from './office-line.js'

const OFFICE = '+12025550166'
const waits: readonly CallerStep<SimulatedCall>[] = [
  { step: 'wait-for-agent-speech', forMs: 300 },
  { step: 'expect-hang-up', withinMs: 60_000 },
]

async function relayLine(voice: Partial<VoiceOptions> = {}) {
  const line = await officeLine({
    voice: {
      answer: (call) => ({
        via: 'conversation-relay',
        relay: { welcomeGreeting: call.transferStatus === undefined ? 'Hello, how can I help you today?' : 'Nobody was there.' },
        brain: async function* () {},
      }),
      ...voice,
    },
  }) // prettier-ignore
  const ends: ConversationRelayEnd[] = []
  line.voice.on('relayCallEnded', (_call, end) => ends.push(end))
  let isTalking = false
  line.voice.on('relayCall', () => (isTalking = true))
  return { line, ends, talking: () => line.clock.until(() => isTalking) }
}

describe('a relay call', () => {
  test('is passed on once what is being said was heard', async () => {
    const { line, ends, talking } = await relayLine()
    const call = line.dial({ script: waits, dials: [{ status: 'completed', ringMs: 500, talkMs: 2000 }] })
    await talking()
    expect(await line.voice.calls.live(call.sid).transfer({ to: OFFICE })).toBe('done')
    await call.verify()
    expect(verbsOf(call)).toEqual(['Connect', 'Dial', 'Hangup'])
    expect(ends).toHaveLength(1)
  })

  test('comes back to the agent when nobody is there', async () => {
    const { line, talking } = await relayLine()
    const call = line.dial({
      script: [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'pause', ms: 12_000 }, { step: 'hang-up' }],
      dials: [{ status: 'busy', ringMs: 500 }],
    })
    await talking()
    await line.voice.calls.live(call.sid).transfer({ to: OFFICE, mode: 'warm', whisper: 'A caller about a tooth.' })
    await call.verify()
    expect(verbsOf(call)).toEqual(['Connect', 'Dial', 'Connect'])
  })

  test('that still lasts when the time for draining is over goes to people', async () => {
    const { line, ends, talking } = await relayLine({ drainTo: { to: OFFICE } })
    const call = line.dial({ script: waits, dials: [{ status: 'completed', talkMs: 1000 }] })
    await talking()
    await line.clock.sleep(5000) // the greeting was heard
    await line.voice.close({ drainMs: 10 })
    await call.verify()
    expect(verbsOf(call)).toEqual(['Connect', 'Dial', 'Hangup'])
    expect(ends).toHaveLength(1)
  })
})
