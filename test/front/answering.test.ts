/**
 * Inbound calls: whose number was called, who answers, what callers hear when nobody can, and what is kept.
 */
import { describe, expect, test } from 'vitest'
import { DEFAULT_PATHS, PATH_PRESETS, pathsOf } from '../../src/front/paths.js'
import type { IncomingCall } from '../../src/voice.js'
import { CALLED, CALLER, speech } from '../scenarios/phone-line.js'
import { officeLine } from './office-line.js'

const inbound = (callSid: string, more: Record<string, string> = {}): Record<string, string> => ({
  CallSid: callSid, From: CALLER, To: CALLED, CallStatus: 'ringing', Direction: 'inbound', ...more,
}) // prettier-ignore
const ALWAYS = Object.fromEntries(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].map((day) => [day, { open: '00:00', close: '24:00', enabled: true }])) // prettier-ignore

test('an inbound call is written down as it is answered, followed to its end, and its transcript stands beside it', async () => {
  const line = await officeLine()
  const call = line.dial({ script: [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }] })
  await call.verify()
  await line.clock.sleep(2000)
  expect(await line.voice.calls.find({ callSid: call.sid })).toMatchObject({
    direction: 'inbound', from: CALLER, to: CALLED, via: 'bridge', agentId: 'agent_riverside', callStatus: 'completed',
    conversationId: line.elevenlabs.conversations[0]!.conversationId, outcome: { kind: expect.any(String) as string },
  }) // prettier-ignore
  const { items } = await line.store.listTranscripts({ tenantId: 'default', filter: { callSid: call.sid } })
  expect(items).toMatchObject([{ source: 'playback-ledger' }])
  await line.expectNothingLeft()
})

test('transcripts are not kept where they are switched off', async () => {
  const line = await officeLine({ voice: { transcripts: 'off' } })
  const call = line.dial({ script: [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }] })
  await call.verify()
  await line.clock.sleep(1000)
  expect((await line.store.listTranscripts({ tenantId: 'default' })).items).toEqual([])
})

describe('tenants', () => {
  test('the number that was called finds the tenant; its agent answers, and is told of it', async () => {
    const asked: IncomingCall[] = []
    const line = await officeLine({
      agent: { agentId: 'agent_smile', isPrivate: false },
      voice: { tenants: 'store', answer: (call) => (asked.push(call), {}) },
    })
    const settings = { elevenLabsAgentId: 'agent_smile', businessHours: ALWAYS, timeZone: 'America/New_York' }
    await line.store.putTenant({ tenantId: 'smile', name: 'Smile Dental', phoneNumbers: [CALLED], settings })
    const call = line.dial({ script: [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }] })
    await call.verify()
    await line.clock.sleep(2000)
    const [conversation] = line.elevenlabs.conversations
    expect(conversation!.agentId).toBe('agent_smile')
    expect(conversation!.dynamicVariables).toMatchObject({ tenant_id: 'smile', business_name: 'Smile Dental', is_open: true, call_sid: call.sid }) // prettier-ignore
    expect(asked).toMatchObject([{ tenantId: 'smile', isOpen: true, direction: 'inbound' }])
    expect(await line.store.findCall({ tenantId: 'smile', callSid: call.sid })).toMatchObject({ callStatus: 'completed' }) // prettier-ignore
    expect(await line.store.findCall({ tenantId: 'default', callSid: call.sid })).toBeUndefined()
  })

  test('a number that nobody has is not in service', async () => {
    const line = await officeLine({ voice: { tenants: 'store' } })
    const { status, text } = await line.post('/inbound', inbound('CA1'))
    expect(status).toBe(200)
    expect(text).toContain('This number is not in service.')
    expect(line.seen).toEqual([])
  })

  test('while the store is down a tenant that called before is answered from memory, and another hears that something is wrong', async () => {
    const line = await officeLine({ voice: { tenants: 'store' } })
    await line.store.putTenant({ tenantId: 'smile', name: 'Smile Dental', phoneNumbers: [CALLED] })
    await line.post('/inbound', inbound('CA1'))
    line.database.isDown = true
    expect((await line.post('/inbound', inbound('CA2'))).text).toContain('<Stream')
    expect((await line.post('/inbound', inbound('CA3', { To: '+12025550177' }))).text).toContain('We encountered an error.') // prettier-ignore
    expect(line.logged.join('\n')).toContain('A tenant could not be looked up')
  })

  test('a tenant without an agent, and no agent configured: a sentence', async () => {
    const line = await officeLine({
      voice: { elevenlabs: { apiKey: 'k' }, tenants: () => ({ tenantId: 'smile', name: 'Smile' }) },
    })
    expect((await line.post('/inbound', inbound('CA1'))).text).toContain('Our AI assistant is not properly configured.')
  })

  test('outside its hours a tenant is answered as it wants to be then', async () => {
    const closed = { monday: { open: '09:00', close: '17:00', enabled: false } }
    const line = await officeLine({
      voice: {
        tenants: () => ({ tenantId: 'smile', name: 'Smile', settings: { businessHours: closed } }),
        outsideHours: { via: 'say', text: 'We are closed.' },
      },
    })
    expect((await line.post('/inbound', inbound('CA1'))).text).toContain('We are closed.')
  })

  test('the sentences can be the host\u2019s own', async () => {
    const line = await officeLine({ voice: { tenants: () => undefined, texts: { tenantNotFound: 'Wrong number.' } } })
    expect((await line.post('/inbound', inbound('CA1'))).text).toContain('Wrong number.')
  })
})

describe('limits', () => {
  test('a caller who calls again and again gets a busy tone, and Twilio no refusal', async () => {
    const line = await officeLine({ voice: { limits: { callsPerCaller: 2 } } })
    const answers = []
    for (const callSid of ['CA1', 'CA2', 'CA3']) answers.push(await line.post('/inbound', inbound(callSid)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(answers[2]!.text).toContain('<Reject reason="busy"')
    expect((await line.post('/inbound', inbound('CA4', { From: '+12025550111' }))).text).toContain('<Stream')
    expect((await line.post('/inbound', inbound('CA1'))).text).toContain('<Stream') // the same call asked again
  })

  test('a tenant with all of its calls taken gets no more', async () => {
    const line = await officeLine({ voice: { limits: { liveCallsPerTenant: 1 } } })
    await line.post('/inbound', inbound('CA1'))
    expect((await line.post('/inbound', inbound('CA2'))).text).toContain('<Reject reason="busy"')
  })

  test('a limit that is none is a mistake at once', async () => {
    await expect(officeLine({ voice: { limits: { callsPerCaller: 0 } } })).rejects.toThrow(RangeError)
  })
})

test('a number that no agent answers has a webhook of its own', async () => {
  const line = await officeLine({ voice: { answerOther: ({ to }) => `<Response><Say>${to === CALLED ? 'Yes' : 'No'}</Say></Response>` } }) // prettier-ignore
  expect((await line.post('/voice', inbound('CA1'))).text).toContain('<Say>Yes</Say>')
})

test('when Twilio could not use an answer, the fallback document speaks', async () => {
  const line = await officeLine()
  const { text } = await line.post('/fallback?tenant=default', inbound('CA1', { ErrorCode: '11200' }))
  expect(text).toMatch(/<Say>.*<\/Say>\s*<Hangup/s)
})

test('ElevenLabs\u2019 transcript comes later and is kept beside what was heard, once', async () => {
  const line = await officeLine({
    voice: {
      elevenLabsRoutes: { auth: { sharedSecret: { header: 'x-secret', secret: 'a-secret-of-16-chars' } } },
    },
  })
  const call = line.dial({ script: [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }] })
  await call.verify()
  await line.clock.sleep(1000)
  const conversationId = line.elevenlabs.conversations[0]!.conversationId
  const event = {
    type: 'post_call_transcription',
    event_timestamp: 1,
    data: {
      agent_id: 'agent_riverside', conversation_id: conversationId, status: 'done',
      transcript: [{ role: 'agent', message: speech.greeting.text, time_in_call_secs: 0 }, { role: 'user', message: 'Hello?', time_in_call_secs: 2 }],
      metadata: { call_duration_secs: 7 },
      conversation_initiation_client_data: { dynamic_variables: { call_sid: call.sid } },
    },
  } // prettier-ignore
  for (let i = 0; i < 2; i++) {
    const answer = await fetch(`${line.origin}/voice/elevenlabs/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-secret': 'a-secret-of-16-chars' },
      body: JSON.stringify(event),
    })
    expect(answer.status).toBe(200)
  }
  const { items } = await line.store.listTranscripts({ tenantId: 'default', filter: { callSid: call.sid } })
  expect(items.map(({ source }) => source).sort()).toEqual(['elevenlabs', 'playback-ledger'])
  const theirs = items.find(({ source }) => source === 'elevenlabs')
  expect(theirs).toMatchObject({ durationS: 7, conversationId, turns: [{ speaker: 'agent' }, { speaker: 'caller', atMs: 2000 }] }) // prettier-ignore
})

describe('paths', () => {
  test('an older system\u2019s addresses are taken by name; what it had none for stays', () => {
    expect(pathsOf('nextLevel')).toMatchObject({ status: '/webhooks/twilio/call-status', recording: '/webhooks/twilio/recording-status', inbound: '/inbound' }) // prettier-ignore
    expect(pathsOf('voiceApi')).toMatchObject({ gather: '/twiml/process-input', menu: '/twiml/gather-input', stream: '/media-stream' }) // prettier-ignore
    expect(pathsOf('voiceNow').outbound).toBe('/api/webhooks/twilio/elevenlabs-outbound')
    expect(pathsOf('tonris').inbound).toBe('/api/webhooks/twilio/elevenlabs')
    expect(pathsOf('closeLoop')).toMatchObject({ inbound: '/api/twilio/voice', outbound: '/api/twilio/voice' })
    expect(pathsOf()).toEqual(DEFAULT_PATHS)
    expect(Object.keys(PATH_PRESETS)).toHaveLength(5)
  })

  test('an inbound call is answered at the address of its system', async () => {
    const line = await officeLine({ voice: { paths: 'tonris' } })
    expect((await line.post('/api/webhooks/twilio/elevenlabs', inbound('CA1'))).text).toContain('/media-stream"')
    expect((await line.post('/inbound', inbound('CA2'))).status).toBe(404)
  })

  test.each([['nobody' as never], [{ status: 'no-slash' }], [{ status: '/inbound' }]])('%j is a mistake', (paths) => {
    expect(() => pathsOf(paths)).toThrow(TypeError)
  })
})
