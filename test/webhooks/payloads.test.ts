import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/core/errors.js'
import { parseElevenLabsWebhook, parseInitiationRequest, parseTwilioWebhook } from '../../src/webhooks/index.js'
import type { TwilioParams, TwilioWebhookKind } from '../../src/webhooks/index.js'
import { corpus } from './setup.js'

const kinds: readonly TwilioWebhookKind[] = [
  'voice',
  'call-status',
  'stream-status',
  'connect-action',
  'recording-status',
  'amd-status',
]
const twilio = (kind: TwilioWebhookKind) => corpus<Record<string, string>>(`twilio/${kind}`)

describe('Twilio', () => {
  test.each(kinds)('%s: the recorded message is read and nothing of it is lost', async (kind) => {
    const params = twilio(kind)
    const read = await parseTwilioWebhook(kind, { ...params, NewNextYear: 'kept' })
    expect(Object.keys(read).sort()).toEqual([...Object.keys(params), 'NewNextYear'].sort())
  })

  test('counts are numbers and moments are milliseconds, in both of the formats that Twilio writes', async () => {
    const status = await parseTwilioWebhook('call-status', twilio('call-status'))
    expect(status).toMatchObject({
      SequenceNumber: 3,
      CallDuration: 61,
      Duration: 2,
      Timestamp: Date.UTC(2026, 7, 30, 8, 33, 12),
    })
    const stream = await parseTwilioWebhook('stream-status', twilio('stream-status'))
    expect(stream).toMatchObject({ StreamEvent: 'stream-error', Timestamp: Date.UTC(2026, 7, 30, 8, 33, 12, 345) })
    expect(await parseTwilioWebhook('amd-status', twilio('amd-status'))).toMatchObject({
      MachineDetectionDuration: 4210,
    })
  })

  test('an empty value that is not needed is an absent one', async () => {
    const read = await parseTwilioWebhook('call-status', {
      ...twilio('call-status'),
      AnsweredBy: '',
      CallDuration: '',
      ParentCallSid: '',
    })
    expect([read.AnsweredBy, read.CallDuration, read.ParentCallSid]).toEqual([undefined, undefined, undefined])
  })

  test.each([
    ['a missing Call SID', 'CallSid', undefined],
    ['a Call SID of another kind', 'CallSid', `AC${'1'.repeat(32)}`],
    ['a Call SID with something behind it', 'CallSid', `CA${'1'.repeat(32)}\n`],
    ['two Call SIDs', 'CallSid', [`CA${'1'.repeat(32)}`, `CA${'2'.repeat(32)}`]],
    ['a status that nobody knows', 'CallStatus', 'answered'],
    ['a count that is none', 'SequenceNumber', '1e3'],
    ['a moment that is none', 'Timestamp', 'yesterday +15005550001'],
  ])('%s is refused by name, without its value', async (_, name, value) => {
    const params = { ...twilio('call-status'), [name]: value } as TwilioParams
    const failure = await parseTwilioWebhook('call-status', params).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ProtocolError)
    expect(failure).toMatchObject({ code: 'webhook_payload_invalid' })
    expect(String(failure)).toContain(name)
    expect(String(failure)).not.toMatch(/5005550001|yesterday|answered/)
  })
})

describe('ElevenLabs', () => {
  test('a transcription is read; null is absent, and what nobody knows is kept', async () => {
    const event = await parseElevenLabsWebhook(corpus('elevenlabs/post-call-transcription'))
    if (event.type !== 'post_call_transcription') throw new Error(`read as ${event.type}`)
    expect(event.data.conversation_id).toBe('conv_1')
    expect(event.data.transcript?.map((turn) => turn.message)).toEqual([
      'Hello, how can I help?',
      'Where is my parcel?',
      undefined,
    ])
    expect(event.data.transcript?.[2]?.tool_results?.[0]).toMatchObject({
      tool_name: 'track',
      result_value: 'in transit',
    })
    expect(event.data.metadata?.phone_call).toBeUndefined()
    expect(event.data).toHaveProperty('field_of_next_year', { kept: true })
  })

  test('sound, and a call that never began, are read', async () => {
    expect(await parseElevenLabsWebhook(corpus('elevenlabs/post-call-audio'))).toMatchObject({
      data: { full_audio: 'SUQzBAAAAAAAAA==' },
    })
    expect(await parseElevenLabsWebhook(corpus('elevenlabs/call-initiation-failure'))).toMatchObject({
      data: { failure_reason: 'no-answer', metadata: { type: 'twilio', body: { CallStatus: 'no-answer' } } },
    })
  })

  test('a type that nobody knows is a value and no error, whatever it is called', async () => {
    const payload = corpus('elevenlabs/voice-removal-notice')
    expect(await parseElevenLabsWebhook(payload)).toEqual({ type: 'unknown', name: 'voice_removal_notice', payload })
    expect(await parseElevenLabsWebhook({ type: 'constructor' })).toMatchObject({
      type: 'unknown',
      name: 'constructor',
    })
  })

  test('every optional field may be null or absent', async () => {
    const ids = { agent_id: 'a', conversation_id: 'c' }
    const nulls = {
      status: null,
      transcript: null,
      metadata: null,
      analysis: null,
      conversation_initiation_client_data: null,
    }
    for (const data of [
      ids,
      { ...ids, ...nulls },
      { ...ids, metadata: { error: null, cost: null }, transcript: [{ role: 'user' }] },
    ]) {
      const event = await parseElevenLabsWebhook({ type: 'post_call_transcription', event_timestamp: 1, data })
      expect(event.type).toBe('post_call_transcription')
    }
    expect(await parseInitiationRequest({ agent_id: 'a', call_sid: '' })).toEqual({
      agent_id: 'a',
      call_sid: undefined,
    })
    expect(await parseInitiationRequest(corpus('elevenlabs/initiation-request'))).toMatchObject({
      agent_id: 'agent_1',
      conversation_id: 'conv_3',
    })
  })

  test('anything else is a typed refusal', async () => {
    const json = fc.oneof(
      fc.jsonValue(),
      fc.record({
        type: fc.constantFrom('post_call_transcription', 'post_call_audio', 'call_initiation_failure'),
        data: fc.jsonValue(),
      }),
    )
    await fc.assert(
      fc.asyncProperty(json, async (value) => {
        for (const read of [parseElevenLabsWebhook, parseInitiationRequest]) {
          const failure: unknown = await read(value).then(
            () => undefined,
            (error: unknown) => error,
          )
          if (failure !== undefined) expect(failure).toMatchObject({ code: 'webhook_payload_invalid' })
        }
      }),
      { numRuns: 1000 },
    )
  })
})
