/**
 * The scripted call with a connection killed at every step of it: the caller's leg, the agent's leg, and ours, by a
 * hang-up, a dead line, a close and a silence. Whatever it is, both legs are closed and nothing is left.
 */
import { describe, expect, test } from 'vitest'
import type { BridgeEndReason } from '../../src/bridge/bridge-end.js'
import type {
  CallerStep,
  ConversationFault,
  SimulatedCall,
  StreamFaults,
  StreamMoment,
} from '../../src/simulator/index.js'
import { dentalAgent, dentalCaller, dentalTools, phoneLine, type PhoneLine } from './phone-line.js'

const line = (): Promise<PhoneLine> => phoneLine({ agent: dentalAgent, voice: { tools: dentalTools } })
const steps = dentalCaller.map((step, index) => [index, step.step] as const)

/** The scripted call up to a step, and then something else. */
const cutAt = (index: number, ...rest: CallerStep<SimulatedCall>[]): readonly CallerStep<SimulatedCall>[] => [
  { step: 'wait-for-stream' },
  ...dentalCaller.slice(0, index),
  ...rest,
]

const reasonOf = (phone: PhoneLine): BridgeEndReason | undefined => phone.seen[0]?.live.bridge.end?.reason

describe('the caller', () => {
  test.each(steps)('hangs up before step %i (%s)', async (index) => {
    const phone = await line()
    const call = phone.dial({ script: cutAt(index, { step: 'hang-up' }) })
    await call.verify()
    await phone.expectNothingLeft()
    expect(reasonOf(phone)).toBe('caller-hung-up')
    expect(phone.twilio.violations).toEqual([])
  })

  test.each(steps)('hangs up in the middle of step %i (%s)', async (index) => {
    const phone = await line()
    const call = phone.dial({ script: [{ step: 'wait-for-stream' }, ...dentalCaller] })
    const begins = (): boolean =>
      call.timeline.some(({ kind, details }) => kind === 'step' && details.index === index + 1)
    await call.waitUntil(begins, 60_000)
    await phone.clock.sleep(700)
    call.hangUp()
    await call.ended
    await phone.expectNothingLeft()
    expect(['caller-hung-up', 'agent-ended']).toContain(reasonOf(phone))
  })

  test.each(steps)('loses the line before step %i (%s): Twilio closes nothing properly', async (index) => {
    const phone = await line()
    const call = phone.dial({
      script: cutAt(index, { step: 'drop-socket' }, { step: 'expect-hang-up', heardOut: false }),
    })
    await call.ended
    await phone.expectNothingLeft()
    expect(reasonOf(phone)).toBe('caller-hung-up')
  })

  test('hangs up while it still rings: the agent that waited is closed', async () => {
    const phone = await line()
    const call = phone.dial()
    await call.waitUntil(() => phone.seen.length > 0)
    call.hangUp()
    await call.ended
    await phone.expectNothingLeft()
    expect(reasonOf(phone)).toBe('caller-hung-up')
  })

  test('hangs up while the host still decides how to answer', async () => {
    let decide: () => void = () => undefined
    const phone = await phoneLine({
      voice: {
        answer: () => new Promise((resolve) => (decide = () => resolve({}))),
        bridge: { attachTimeoutMs: 2000 },
      },
    })
    const call = phone.dial()
    await phone.clock.sleep(300)
    call.hangUp()
    decide()
    await call.ended
    await phone.expectNothingLeft()
  })
})

describe('the media socket breaks', () => {
  const moments: [StreamMoment, number][] = [
    ['open', 1],
    ['connected', 1],
    ['start', 1],
    ['media', 1],
    ['media', 2],
    ['media', 300],
    ['mark', 1],
    ['mark', 9],
    ['stop', 1],
    ['host-media', 1],
    ['host-mark', 1],
    ['host-clear', 1],
  ]
  test.each(moments)('after %s number %i', async (after, count) => {
    const phone = await line()
    const streamFaults: StreamFaults = { drop: { after, count } }
    const call = phone.dial({ script: [...dentalCaller.slice(0, 3), { step: 'hang-up' }], streamFaults })
    await call.ended
    await phone.expectNothingLeft()
    expect(['caller-hung-up', 'stream-not-attached']).toContain(reasonOf(phone))
  })
})

describe('the agent\u2019s socket', () => {
  const moments = ['open', 'metadata', 'started', 'speaking', 'listening', 'heard', 'tool'] as const
  const ends: [string, NonNullable<ConversationFault['action']>, readonly BridgeEndReason[]][] = [
    ['breaks', { terminate: true }, ['agent-failed']],
    ['is closed with 1011', { close: { code: 1011 } }, ['agent-failed']],
    ['is closed with 1002 for its quota', { close: { code: 1002, reason: 'This request exceeds your quota limit.' } }, ['agent-failed']], // prettier-ignore
    ['is closed with 1008', { close: { code: 1008, errorType: 'value_error' } }, ['agent-failed']],
    ['is closed with 1000', { close: { code: 1000 } }, ['agent-ended', 'agent-failed']],
    ['falls silent for ever', { hang: true }, ['agent-failed', 'caller-hung-up', 'idle']],
    ['sends nonsense', { send: '{"type":"audio","audio_event":{"audio_base_64":"***","event_id":"x"}}' }, ['agent-ended', 'caller-hung-up']], // prettier-ignore
  ]
  describe.each(ends)('%s', (_, action, reasons) => {
    test.each(moments)('at the moment «%s»', async (at) => {
      const phone = await line()
      phone.elevenlabs.failNextConversation({ at, action })
      const call = phone.dial({ script: dentalCaller })
      await call.ended
      await phone.expectNothingLeft()
      expect(reasons).toContain(reasonOf(phone))
      expect(phone.twilio.violations).toEqual([]) // the caller's leg is closed as it should be, whatever the agent does
      const { reason, error } = phone.seen[0]!.live.bridge.end!
      expect(error === undefined).toBe(reason !== 'agent-failed')
    })
  })

  test.each([
    [{ refuse: { status: 401 } }, 'elevenlabs_unauthorized'],
    [{ refuse: { status: 404 } }, 'elevenlabs_request_failed'],
    [{ refuse: { status: 429 } }, 'elevenlabs_rate_limited'],
    [{ refuse: { status: 503 } }, 'elevenlabs_server_error'],
    [{ terminate: true }, 'elevenlabs_connect_failed'],
    [{ hang: true }, 'elevenlabs_connect_timeout'],
  ] as const)('is refused with %j: the caller hears why in words, and the reason has a code', async (action, code) => {
    const phone = await line()
    phone.elevenlabs.failNextConversation({ at: 'upgrade', action })
    const call = phone.dial({ script: [{ step: 'wait-for-agent-speech' }, { step: 'expect-hang-up' }] })
    expect(await call.verify()).toMatchObject({ by: 'twiml' })
    expect(call.timeline.some(({ kind, details }) => kind === 'verb' && details.name === 'Say')).toBe(true)
    await phone.expectNothingLeft()
    expect(phone.seen[0]!.live.bridge.end).toMatchObject({ reason: 'agent-failed', error: { code } })
  })

  test.each([
    [{ status: 401 }, 'elevenlabs_unauthorized'],
    [{ status: 500 }, 'elevenlabs_server_error'],
  ])('cannot be opened, for the signed URL is refused with %j', async (fault, code) => {
    const phone = await line()
    phone.elevenlabs.failNextRequest({ path: 'get-signed-url', times: 10, ...fault })
    const call = phone.dial({ script: [{ step: 'wait-for-agent-speech' }, { step: 'expect-hang-up' }] })
    await call.verify()
    await phone.expectNothingLeft()
    expect(phone.seen[0]!.live.bridge.end).toMatchObject({ reason: 'agent-failed', error: { code } })
  })
})

describe('we', () => {
  test.each(steps)('close the front door before step %i (%s), without waiting', async (index) => {
    const phone = await line()
    const call = phone.dial({
      script: cutAt(
        index,
        { step: 'run', name: 'close', run: () => phone.voice.close({ drainMs: 0 }) },
        { step: 'expect-hang-up', heardOut: false },
      ),
    })
    await call.verify()
    await phone.expectNothingLeft()
    expect(reasonOf(phone)).toBe('closed')
  })
})
