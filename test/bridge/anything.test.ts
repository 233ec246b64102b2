/**
 * Anything from both sides, in any order and at any time: the bridge as a whole.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VoiceError } from '../../src/core/errors.js'
import type { ServerMessage } from '../../src/elevenlabs/messages.js'
import { METADATA, settle } from '../elevenlabs/scripted-agent.js'
import { audio, joinLegs, SILENCE, SPEECH, STREAM_SID } from './joined-legs.js'

type Step =
  | { readonly side: 'twilio'; readonly text: string }
  | { readonly side: 'agent'; readonly message: ServerMessage | string }
  | { readonly side: 'time'; readonly ms: number }
  | { readonly side: 'host'; readonly does: 'attach' | 'connect' | 'close' }
  | { readonly side: 'line'; readonly breaks: 'twilio' | 'agent'; readonly code: number }

const number = fc.oneof(fc.nat({ max: 60_000 }).map(String), fc.constantFrom('0', '999999999999999', '-1', 'x', ''))
const payload = fc.oneof(
  fc.constantFrom(SILENCE, SPEECH, '', '*', audio(1), audio(20), audio(3000), 'AAA'),
  fc.base64String({ maxLength: 400 }),
)
const twilioText = fc.oneof(
  fc.record({ timestamp: number, payload, sid: fc.constantFrom(STREAM_SID, STREAM_SID, 'MZ2') }).map(
    (media) =>
    JSON.stringify({ event: 'media', sequenceNumber: '2', streamSid: media.sid, media: { track: 'inbound', chunk: '1', timestamp: media.timestamp, payload: media.payload } }), // prettier-ignore
  ),
  fc
    .constantFrom('g0-1', 'g0-2', 'g1-1', 'g9-9', 'nonsense', '')
    .map((name) => JSON.stringify({ event: 'mark', sequenceNumber: '3', streamSid: STREAM_SID, mark: { name } })),
  fc.constantFrom('0', '9', '#', '*', 'A', 'x').map(
    (digit) =>
    JSON.stringify({ event: 'dtmf', sequenceNumber: '4', streamSid: STREAM_SID, dtmf: { track: 'inbound_track', digit } }), // prettier-ignore
  ),
  fc.constantFrom(
    '{',
    'null',
    '{"event":"start"}',
    '{"event":"stop"}',
    `{"event":"stop","sequenceNumber":"9","streamSid":"${STREAM_SID}"}`,
    '{"event":"connected","protocol":"Call","version":"1.0.0"}',
  ),
  fc.json(),
)
const eventId = fc.nat({ max: 12 })
const agentMessage: fc.Arbitrary<ServerMessage | string> = fc.oneof(
  fc.record({ ms: fc.constantFrom(1, 20, 60, 400, 2500), eventId }).map(({ ms, eventId: id }) => ({ type: 'audio', payload: audio(ms), eventId: id }) as const), // prettier-ignore
  eventId.map((id) => ({ type: 'interruption', eventId: id }) as const),
  fc.record({ text: fc.string(), eventId }).map((response) => ({ type: 'agentResponse', ...response }) as const),
  fc.record({ text: fc.string(), eventId }).map(({ text, eventId: id }) => ({ type: 'agentResponseCorrection', original: text, corrected: text.slice(0, 3), eventId: id }) as const), // prettier-ignore
  eventId.map((id) => ({ type: 'agentResponseComplete', eventId: id }) as const),
  fc.record({ text: fc.string(), eventId }).map((transcript) => ({ type: 'userTranscript', ...transcript }) as const),
  fc.constantFrom<ServerMessage>(
    METADATA,
    { type: 'ping', eventId: 0 },
    { type: 'toolCall', toolName: 'constructor', toolCallId: 'tool-1', parameters: {} },
    { type: 'agentToolResponse', toolName: 'end_call', toolCallId: 't', toolType: 'system', isError: false, isCalled: true, eventId: 5 } as ServerMessage, // prettier-ignore
  ),
  fc.constantFrom('{', '[]', '{"type":"audio","audio_event":{"audio_base_64":"***","event_id":3}}', '{"type":"x"}'),
  fc.json(),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: twilioText.map((text) => ({ side: 'twilio', text }) as const) },
  { weight: 8, arbitrary: agentMessage.map((message) => ({ side: 'agent', message }) as const) },
  { weight: 4, arbitrary: fc.constantFrom(5, 20, 200, 1000, 4000).map((ms) => ({ side: 'time', ms }) as const) },
  { weight: 1, arbitrary: fc.constantFrom('attach', 'connect').map((does): Step => ({ side: 'host', does })) },
)
const lastStep: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>({ side: 'host', does: 'close' }),
  fc.record({ breaks: fc.constantFrom('twilio', 'agent'), code: fc.constantFrom(1000, 1002, 1006, 1008, 1011, 3000) }).map((line): Step => ({ side: 'line', ...line })), // prettier-ignore
)

test('never throws, sends nothing that Twilio would drop, claims no more heard than was sent, and closes both legs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), lastStep, fc.boolean(), async (steps, last, isLate) => {
      const legs = joinLegs({ isLate, goodbyeTimeoutMs: 5000, attachTimeoutMs: 20_000 })
      const { bridge, talk, twilio, clock } = legs
      const loud: string[] = []
      talk.conversation.setHandlers({ onToolCall: () => loud })
      let isAttached = false
      for (const one of [...steps, last]) {
        if (one.side === 'twilio') twilio.send(one.text)
        else if (one.side === 'agent') {
          if (typeof one.message === 'string') talk.agent.send(one.message)
          else talk.say(one.message)
        } else if (one.side === 'time') {
          clock.advance(one.ms)
          twilio.echoDue()
        } else if (one.side === 'line') {
          if (one.breaks === 'twilio') twilio.peer.close(one.code)
          else talk.agent.close(one.code, 'why')
        } else if (one.does === 'close') bridge.close()
        else if (one.does === 'connect') await legs.connectAgent()
        else if (!isAttached && !bridge.end) {
          isAttached = true
          await twilio.start()
          if (twilio.session.start) bridge.attach(twilio.session)
        }
        await settle()
        const { agentHeardMs, agentAudioMs } = bridge.stats
        expect(agentHeardMs).toBeLessThanOrEqual(twilio.mediaMs() + 1e-6)
        expect(agentHeardMs).toBeLessThanOrEqual(agentAudioMs + 1e-6)
      }
      // Whatever state that was: within its limits the call is over, both legs are closed, and nothing runs on.
      for (let i = 0; i < 30 && !bridge.end; i++) {
        clock.advance(5000)
        twilio.echoDue()
        await settle()
      }
      await legs.connectAgent()
      clock.advance(3000)
      await settle()
      const end = await bridge.ended
      expect(end.error === undefined || end.error instanceof VoiceError).toBe(true)
      expect(legs.names().filter((name) => name === 'ended')).toHaveLength(1)
      expect(legs.names().at(-1)).toBe('ended')
      if (!bridge.stream) twilio.session.close()
      expect(twilio.session.state).toBe('stopped')
      expect(talk.conversation.state).toBe('closed')
      expect(twilio.dropped).toEqual([])
      expect(talk.logged.filter((line) => line.includes('threw'))).toEqual([])
      expect(clock.pendingTimers).toBe(0)
      const heard = legs.turns().reduce((sum, turn) => sum + turn.heardMs, 0)
      expect(heard).toBeCloseTo(end.stats.agentHeardMs, 5)
      for (const turn of legs.turns()) {
        expect(turn.heardMs).toBeLessThanOrEqual(turn.totalMs + 1e-6)
        expect(turn.heardMs).toBeGreaterThanOrEqual(0)
      }
    }),
    { numRuns: 3000 },
  )
}, 120_000)
