/**
 * What ElevenLabs sends over HTTP, through the front door and a real Express: server tools, events after the call, the question at its start, the
 * routes of a calendar. The simulated ElevenLabs sends them, well and badly.
 */
import express from 'express'
import '../../src/webhooks/elevenlabs-payloads.js' // loaded now: a stepped clock does not wait for it
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { MemoryScheduling } from '../../src/agent-tools/memory-scheduling.js'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import { defineTool, type AgentToolContext } from '../../src/agent-tools/tool.js'
import { initiationAnswer } from '../../src/context/initiation.js'
import type { ReceivedElevenLabsEvent } from '../../src/middleware/elevenlabs-options.js'
import type { CallToolStep, SimulatedToolResult } from '../../src/simulator/elevenlabs/script.js'
import { CALLED, CALLER, speech, type PhoneLineOptions } from '../scenarios/phone-line.js'
import { officeLine, type OfficeLine } from './office-line.js'
import { steppedClock } from '../support/stepped-clock.js'

const SECRET = 'wsec_of_the_workspace_7f1c'
const TOOL_HEADERS = { 'X-Tool-Secret': 'of-the-tools-93ab' }
const EVENTS = ['transcript', 'audio', 'call_initiation_failure'] as const
const day = { open: '09:00', close: '17:00', enabled: true }
const WEEK = { monday: day, tuesday: day, wednesday: day, thursday: day, friday: day }

interface Setting extends PhoneLineOptions {
  readonly script?: NonNullable<PhoneLineOptions['agent']>['script']
  readonly webhook?: { readonly copies?: number; readonly first?: 'transcript' | 'audio'; readonly retryEnabled?: boolean }
} // prettier-ignore

/** The office line with everything of ElevenLabs' on: both secrets, a calendar, a tool that tells whom it serves. */
async function setup({ script, webhook, voice, ...options }: Setting = {}) {
  const clock = steppedClock()
  const events: ReceivedElevenLabsEvent[] = []
  const served: { readonly parameters: unknown; readonly tenantId: string; readonly call: AgentToolContext['call'] }[] =
    []
  const book = defineTool({
    name: 'book',
    description: 'Books a time',
    once: true,
    parameters: z.object({ at: z.string() }),
    handler: (parameters, { tenantId, call }) => void served.push({ parameters, tenantId, call }),
  })
  const scheduling = new MemoryScheduling({
    clock,
    tenants: {
      default: {
        name: 'Riverside Dental',
        timeZone: 'UTC',
        businessHours: WEEK,
        services: [{ id: 's1', name: 'Check-up', price: 80, durationMinutes: 30 }],
        employees: [{ id: 'ann', name: 'Ann' }],
      },
    },
  })
  const at = { origin: '' } // known once the server listens
  const endpoint = (path: string) => ({
    get url() {
      return `${at.origin}/voice/elevenlabs${path}`
    },
  })
  const withUrl = <T extends object>(path: string, more: T): T & { readonly url: string } =>
    Object.defineProperties(endpoint(path), Object.getOwnPropertyDescriptors(more)) as T & { readonly url: string }
  const line = await officeLine({
    ...options,
    clock,
    agent: {
      script: script ?? [],
      serverTools: withUrl('/tools', { headers: TOOL_HEADERS }),
      toolEvents: withUrl('/events', { secret: SECRET }),
      ...options.agent,
    },
    elevenlabs: { webhook: withUrl('/events', { secret: SECRET, events: EVENTS, ...webhook }) },
    voice: {
      tools: new ToolRegistry([book], { clock }),
      elevenLabsRoutes: {
        auth: { webhookSecret: SECRET, sharedSecret: { header: 'X-Tool-Secret', secret: TOOL_HEADERS['X-Tool-Secret'] } },
        scheduling,
        onEvent: (received) => void events.push(received),
        onInitiation: ({ callerNumber, callSid, conversationId }, call) =>
          initiationAnswer({ tenant: { tenantId: call?.tenantId ?? 'nobody', name: 'Riverside Dental', businessHours: WEEK }, call: { callerNumber, callSid, conversationId } }),
      },
      ...voice,
    },
  }) // prettier-ignore
  at.origin = line.origin
  /** A request by hand. */
  const send = async (path: string, init: { method?: string; body?: unknown; headers?: Record<string, string> } = {}) => {
    const { method = 'POST', body, headers = TOOL_HEADERS } = init
    const answer = await fetch(`${line.origin}/voice/elevenlabs${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body ?? {}) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text }
  } // prettier-ignore
  return { ...line, events, served, send }
}

/** A call whose caller says something, and whose agent then does `steps`. */
async function callWith(setting: Setting, steps: readonly CallToolStep[]) {
  const results: SimulatedToolResult[] = []
  const told = steps.map((step) => ({ ...step, onResult: (result: SimulatedToolResult) => void results.push(result) }))
  const line = await setup({ ...setting, script: [{ after: speech['move-request'].text, reply: told }] }) // prettier-ignore
  const call = line.dial({
    script: [
      { step: 'wait-for-agent-quiet', quietMs: 500, afterSpeech: true, withinMs: 20_000 },
      { step: 'speak', utterance: speech['move-request'] },
      { step: 'run', name: 'until the tools were used', run: () => line.clock.until(() => results.length === steps.length) },
      { step: 'hang-up' },
    ],
  }) // prettier-ignore
  await call.verify()
  const [conversation] = line.elevenlabs.conversations
  return { ...line, call, conversation: conversation!, answers: results.map(({ result }) => JSON.parse(result) as unknown) } // prettier-ignore
}

const roads = ['socket', 'http', 'event'] as const
const use = (road: (typeof roads)[number], more: Partial<CallToolStep['callTool']> = {}): CallToolStep => ({ callTool: { road, name: 'book', parameters: { at: `nine by ${road}` }, ...more } }) // prettier-ignore

describe('a tool, during a call,', () => {
  test('serves the call by all three roads: its tenant, its Call SID, the caller’s number; and runs once however often it is asked', async () => {
    const { answers, served, call, elevenlabs, conversation } = await callWith({}, roads.map((road) => use(road, { times: 3 }))) // prettier-ignore
    expect(answers).toEqual(roads.map(() => ({ success: true, data: null })))
    const { conversationId } = conversation
    expect(served).toMatchObject(
      roads.map((road) => ({ parameters: { at: `nine by ${road}` }, tenantId: 'default', call: { callSid: call.sid, remoteNumber: CALLER } })),
    ) // prettier-ignore
    expect(served[1]!.call.conversationId).toBe(conversationId)
    expect(elevenlabs.violations).toEqual([]) // one answer to each call on the socket: a second would be one
  })

  test.each(roads)('is answered whatever a model makes of its arguments, by the road %s', async (road) => {
    const faults = ['array', 'text', 'prototype-keys', 'deep'] as const
    const { answers, elevenlabs } = await callWith(
      {},
      faults.map((garble) => use(road, { garble })),
    )
    const isSpoken = { success: false, error: expect.any(String) as string, code: 'VALIDATION_ERROR' }
    const isDone = { success: true, data: null }
    // A server tool whose body is a text does not say on which call it is.
    expect(answers).toEqual([isSpoken, road === 'http' ? isSpoken : isDone, isDone, isSpoken])
    expect(elevenlabs.violations).toEqual([])
  })

  test('is refused where the tenant is not the call’s, where nobody knows the call, and where nothing is proven; and does not run', async () => {
    const line = await setup()
    const call = line.dial()
    await line.clock.until(() => line.seen[0]?.events.includes('joined') === true)
    await line.clock.sleep(100)
    const conversation_id = line.elevenlabs.conversations[0]!.conversationId
    const body = { at: 'nine', conversation_id }
    expect(await line.send('/tools/book?tenantId=another', { body })).toEqual({ status: 403, body: { success: false, error: 'The tenant is not the one of this call', code: 'TENANT_MISMATCH' } }) // prettier-ignore
    expect(await line.send('/tools/book', { body: { ...body, conversation_id: 'conv_of_nobody' } })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_TENANT' } }) // prettier-ignore
    expect(await line.send('/tools/book', { body, headers: {} })).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } }) // prettier-ignore
    expect(await line.send('/tools/book', { body, headers: { 'X-Tool-Secret': 'guessed' } })).toMatchObject({ status: 401 }) // prettier-ignore
    expect(line.served).toEqual([])
    expect(await line.send('/tools/book?tenantId=default', { body })).toMatchObject({ status: 200, body: { success: true } }) // prettier-ignore
    expect(line.served).toHaveLength(1)
    call.hangUp()
    await line.expectNothingLeft()
  })
})

/** A whole call, and everything that ElevenLabs sends of it. */
async function wholeCall(setting: Setting = {}) {
  const line = await setup(setting)
  const call = line.dial({ script: [{ step: 'wait-for-agent-speech', forMs: 1500 }, { step: 'hang-up' }] })
  await call.verify()
  const wanted = 2 * (setting.webhook?.copies ?? 1)
  await line.clock.until(() => line.elevenlabs.webhookDeliveries.length >= wanted)
  await line.clock.sleep(200)
  return { ...line, call, conversationId: line.elevenlabs.conversations[0]!.conversationId }
}

describe('after a call', () => {
  test.each([
    ['once, in order', {}],
    ['five times each', { copies: 5 }],
    ['five times each, the sound first', { copies: 5, first: 'audio' }],
  ] as const)('its events, delivered %s, are each taken in once and joined to it', async (_how, webhook) => {
    const line = await wholeCall({ webhook })
    const { call, conversationId, events } = line
    expect(new Set(line.elevenlabs.webhookDeliveries.map(({ status }) => status))).toEqual(new Set([200]))
    expect(events.map(({ event }) => event.type).sort()).toEqual(['post_call_audio', 'post_call_transcription'])
    for (const one of events) expect(one.call).toEqual({ tenantId: 'default', callSid: call.sid, remoteNumber: CALLER })
    const sound = events.find(({ audio }) => audio)!.audio!
    let bytes = 0
    for await (const piece of sound.chunks()) bytes += piece.length
    expect(bytes).toBe(sound.byteLength)
    expect(bytes).toBeGreaterThan(1000)
    const { items } = await line.store.listTranscripts({ tenantId: 'default', filter: { callSid: call.sid } })
    expect(items.map(({ source, conversationId: id }) => [source, id]).sort()).toEqual([['elevenlabs', conversationId], ['playback-ledger', conversationId]]) // prettier-ignore
    await line.expectNothingLeft()
  })

  test('what was said stands next to what was heard of it: the greeting was cut where the caller hung up', async () => {
    const { voice, call } = await wholeCall()
    const turns = await voice.calls.transcript({ callSid: call.sid })
    expect(turns).toHaveLength(1)
    const [{ speaker, said, heard, isWhole, atMs }] = turns as [(typeof turns)[0]]
    expect([speaker, isWhole]).toEqual(['agent', false])
    expect(speech.greeting.text.startsWith(heard!.slice(0, 8))).toBe(true)
    expect(heard!.length).toBeLessThan(speech.greeting.text.length)
    expect(said!.length).toBeGreaterThan(heard!.length)
    expect(atMs).toBeGreaterThanOrEqual(0)
    expect(await voice.calls.transcript({ callSid: 'CA404' })).toEqual([])
  })

  test('of a call of another day, whose process is gone, the transcript is found by our variable', async () => {
    const first = await wholeCall()
    const second = await setup({ voice: { store: first.store } })
    const data = { agent_id: 'agent_riverside', conversation_id: 'conv_unknown', transcript: [{ role: 'agent', message: 'Hi.' }], conversation_initiation_client_data: { dynamic_variables: { call_sid: first.call.sid } } } // prettier-ignore
    await second.elevenlabs.sendWebhook('post_call_transcription', data)
    expect(second.events).toMatchObject([{ call: { tenantId: 'default', callSid: first.call.sid } }])
  })

  test('a store that is down is told to ElevenLabs, which sends the transcript again, and it is kept once', async () => {
    const line = await setup({ webhook: { retryEnabled: true } })
    const call = line.dial({ script: [{ step: 'wait-for-agent-speech', forMs: 500 }, { step: 'hang-up' }] })
    await call.verify()
    await line.clock.sleep(200)
    line.database.isDown = true
    await line.clock.until(() => line.elevenlabs.webhookDeliveries.some(({ type }) => type === 'post_call_transcription'))
    expect(line.elevenlabs.webhookDeliveries[0]).toMatchObject({ status: 500 })
    line.database.isDown = false
    await line.clock.until(() => line.elevenlabs.webhookDeliveries.some(({ attempt }) => attempt === 2), 60_000)
    expect(line.events.filter(({ event }) => event.type === 'post_call_transcription')).toHaveLength(1)
    const { items } = await line.store.listTranscripts({ tenantId: 'default', filter: { callSid: call.sid } })
    expect(items.filter(({ source }) => source === 'elevenlabs')).toHaveLength(1)
  }) // prettier-ignore

  test('transcripts that are switched off are not kept, and the events are told all the same', async () => {
    const { store, events } = await wholeCall({ voice: { transcripts: 'off' } })
    expect(events).toHaveLength(2)
    expect((await store.listTranscripts({ tenantId: 'default' })).items).toEqual([])
  })

  test('a call of ElevenLabs’ own that reached nobody is told, with our call where we know it; a type that nobody knows as well', async () => {
    const line = await wholeCall()
    await line.elevenlabs.sendCallInitiationFailure({ agentId: 'agent_riverside', reason: 'no-answer', twilio: { CallSid: line.call.sid, CallStatus: 'no-answer' } })
    await line.elevenlabs.sendCallInitiationFailure({ agentId: 'agent_riverside', reason: 'busy', twilio: { CallSid: 'CA404' } })
    await line.elevenlabs.sendWebhook('voice_removed', {})
    expect(line.elevenlabs.webhookDeliveries.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(line.events.slice(2)).toMatchObject([
      { event: { type: 'call_initiation_failure', data: { failure_reason: 'no-answer' } }, call: { callSid: line.call.sid } },
      { event: { type: 'call_initiation_failure', data: { failure_reason: 'busy' } }, call: undefined },
      { event: { type: 'unknown', name: 'voice_removed' }, call: undefined },
    ])
  }) // prettier-ignore
})

describe('an event', () => {
  const data = { agent_id: 'agent_riverside', conversation_id: 'conv_1', transcript: [{ role: 'user', message: 'my card is 4111' }] } // prettier-ignore

  test.each<[string, object]>([
    ['unsigned', { secret: 'unsigned' }],
    ['signed by somebody else', { secret: 'wsec_of_somebody_else' }],
    ['signed 31 minutes ago', { ageMs: 31 * 60_000 }],
    ['signed 6 minutes ahead', { ageMs: -6 * 60_000 }],
  ])('that is %s is refused, told to nobody, and why is in the log without what it said', async (_how, signing) => {
    const line = await setup()
    await line.elevenlabs.sendWebhook('post_call_transcription', data, signing)
    expect(line.elevenlabs.webhookDeliveries).toMatchObject([{ status: 401 }])
    expect(line.events).toEqual([])
    expect((await line.store.listTranscripts({ tenantId: 'default' })).items).toEqual([])
    expect(line.logged.join('\n')).toMatch(
      /A request in the name of ElevenLabs was refused.*webhook_(signature|timestamp)/,
    )
    expect(line.logged.join('\n')).not.toMatch(/4111|wsec_/)
  })

  test('signed 29 minutes ago or 4 minutes ahead is taken', async () => {
    const line = await setup()
    for (const ageMs of [29 * 60_000, -4 * 60_000]) await line.elevenlabs.sendWebhook('post_call_transcription', data, { ageMs, eventTimestamp: ageMs }) // prettier-ignore
    expect(line.elevenlabs.webhookDeliveries).toMatchObject([{ status: 200 }, { status: 200 }])
    expect(line.events).toHaveLength(2)
  })

  test('may be signed with either secret while one replaces another', async () => {
    const line = await setup({ voice: { elevenLabsRoutes: { auth: { webhookSecret: ['wsec_the_new_one', SECRET] } } } })
    for (const [i, secret] of ['wsec_the_new_one', SECRET, 'wsec_another'].entries()) await line.elevenlabs.sendWebhook('post_call_transcription', data, { secret, eventTimestamp: i }) // prettier-ignore
    expect(line.elevenlabs.webhookDeliveries.map(({ status }) => status)).toEqual([200, 200, 401])
  })

  test('whose body a parser took first is told what to do, and so is a tool', async () => {
    const line = await setup({ prepare: (app) => app.use(express.json()) })
    await line.elevenlabs.sendWebhook('post_call_transcription', data)
    expect(line.elevenlabs.webhookDeliveries).toMatchObject([{ status: 500 }])
    const parsed = { success: false, error: 'A body parser ran before the signature was checked: mount callweave before it', code: 'BODY_ALREADY_PARSED' } // prettier-ignore
    expect(await line.send('/tools/book', { body: { at: 'nine' } })).toEqual({ status: 500, body: parsed })
    expect([line.events, line.served]).toEqual([[], []])
  })

  test('is not served at all where nothing says how ElevenLabs proves itself', async () => {
    const line = await officeLine()
    const answer = await fetch(`${line.origin}/voice/elevenlabs/events`, { method: 'POST', body: '{}' })
    expect(answer.status).toBe(404)
    await expect(officeLine({ voice: { elevenLabsRoutes: {} } })).rejects.toThrow(TypeError)
  })
})

describe('the question at the start of a native call', () => {
  const ask = ({ elevenlabs, origin }: OfficeLine, more: object = {}) =>
    elevenlabs.askInitiation({ url: `${origin}/voice/elevenlabs/initiation`, headers: TOOL_HEADERS, agentId: 'agent_riverside', callerId: CALLER, calledNumber: CALLED, callSid: 'CA1', ...more }) // prettier-ignore
  const seven = { tenant_id: 'default', tenant_name: 'Riverside Dental', business_name: 'Riverside Dental', caller_number: CALLER, call_sid: 'CA1', conversation_id: '', business_hours_summary: expect.stringMatching(/^We're open Monday through Friday/) as string } // prettier-ignore

  test('is answered with the tenant of the number that was called; the older question as well', async () => {
    const line = await setup()
    expect(await ask(line)).toEqual({ status: 200, body: { type: 'conversation_initiation_client_data', dynamic_variables: seven } }) // prettier-ignore
    const older = await ask(line, { shape: 'older', conversationId: 'conv_9', dynamicVariables: { tenant_id: 'default', caller_number: CALLER, call_sid: 'CA2' } }) // prettier-ignore
    expect(older).toMatchObject({ status: 200, body: { dynamic_variables: { call_sid: 'CA2', caller_number: CALLER, conversation_id: 'conv_9' } } }) // prettier-ignore
    expect(await ask(line, { headers: {} })).toMatchObject({ status: 401 })
    expect(await ask(line, { headers: { 'X-Tool-Secret': 'guessed' } })).toMatchObject({ status: 401 })
  })

  test('gets every variable that the agent uses: what nobody gave is an empty text, and the log says so', async () => {
    const line = await setup({ agent: { prompt: 'For {{business_name}}: {{mood}} and {{ loyalty }}' } })
    expect(await ask(line)).toMatchObject({ body: { dynamic_variables: { ...seven, mood: '', loyalty: '' } } })
    const errors = line.logged.filter((one) => one.startsWith('error'))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(/lacks variables that the agent uses.*"variables":"mood, loyalty".*elevenlabs_dynamic_variable_missing/) // prettier-ignore
    expect(errors[0]).not.toContain(CALLER)
  })

  test('gets the host’s default where it has one, and what ElevenLabs would refuse is left out', async () => {
    const voice: PhoneLineOptions['voice'] = {
      agentVariables: { defaults: { mood: 'cheerful' } },
      elevenLabsRoutes: {
        auth: { sharedSecret: { header: 'X-Tool-Secret', secret: TOOL_HEADERS['X-Tool-Secret'] } },
        onInitiation: () => ({ dynamic_variables: { name: 'Ada', system__time: 'now', list: ['no value'] } }),
      },
    }
    const line = await setup({ voice, agent: { firstMessage: 'Hello {{name}}, {{mood}}.' } })
    expect(await ask(line)).toEqual({ status: 200, body: { dynamic_variables: { name: 'Ada', mood: 'cheerful' } } })
    expect(line.logged.filter((one) => one.startsWith('error'))).toEqual([])
  })

  test('is told in time when the host does not answer', async () => {
    const auth = { sharedSecret: { header: 'X-Tool-Secret', secret: TOOL_HEADERS['X-Tool-Secret'] } }
    const line = await setup({
      voice: { elevenLabsRoutes: { auth, onInitiation: () => new Promise(() => undefined) } },
    })
    const startedMs = line.clock.monotonicMs()
    expect(await ask(line)).toMatchObject({ status: 503, body: { code: 'TIMEOUT' } })
    expect(line.clock.monotonicMs() - startedMs).toBeLessThan(2500)
  })
})

describe('the routes of a calendar', () => {
  const appointment = { tenantId: 'default', employeeId: 'ann', serviceId: 's1', customerName: 'Ada', customerPhone: CALLER, startTime: nextMonday(10) } // prettier-ignore

  test('say what is offered and make an appointment, once, for a tenant that has a calendar and for no other', async () => {
    const { send } = await setup()
    expect(await send('/services?tenantId=default', { method: 'GET' })).toEqual({ status: 200, body: { success: true, data: { services: [{ id: 's1', name: 'Check-up', price: 80, duration: 30 }], total: 1, tenantId: 'default' } } }) // prettier-ignore
    expect(await send('/services?tenantId=another', { method: 'GET' })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_TENANT' } }) // prettier-ignore
    expect(await send('/services?tenantId=default', { method: 'GET', headers: {} })).toMatchObject({ status: 401 })
    const made = await send('/appointments', { body: appointment })
    expect(made).toMatchObject({ status: 200, body: { success: true, data: { appointment: { tenantId: 'default', startTime: appointment.startTime, status: 'scheduled' }, message: 'Appointment created successfully' } } }) // prettier-ignore
    expect(await send('/appointments', { body: appointment })).toEqual(made)
    expect(await send('/appointments', { body: { ...appointment, customerName: 'Bob' } })).toMatchObject({ status: 409, body: { code: 'SLOT_TAKEN' } }) // prettier-ignore
    expect(await send('/appointments', { body: { ...appointment, tenantId: 'another' } })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_TENANT' } }) // prettier-ignore
    expect(await send('/appointments?tenantId=another', { body: appointment })).toMatchObject({ status: 400, body: { code: 'TENANT_MISMATCH' } }) // prettier-ignore
  })

  test('do not serve a tenant in the middle of another’s call', async () => {
    const line = await setup()
    const call = line.dial()
    await line.clock.until(() => line.seen[0]?.events.includes('joined') === true)
    await line.clock.sleep(100)
    const conversation_id = line.elevenlabs.conversations[0]!.conversationId
    expect(await line.send('/appointments', { body: { ...appointment, tenantId: 'another', conversation_id } })).toMatchObject({ status: 403, body: { code: 'TENANT_MISMATCH' } }) // prettier-ignore
    expect(await line.send('/appointments', { body: { ...appointment, conversation_id } })).toMatchObject({
      status: 200,
    })
    expect(await line.send('/appointments', { body: { ...appointment, conversation_id: 'conv_of_nobody' } })).toMatchObject({ status: 404 }) // prettier-ignore
    call.hangUp()
    await line.expectNothingLeft()
  })
})

/** A Monday to come, at that hour in UTC. */
function nextMonday(hour: number): string {
  const date = new Date(Date.now() + 7 * 86_400_000)
  date.setUTCDate(date.getUTCDate() + ((8 - date.getUTCDay()) % 7))
  date.setUTCHours(hour, 0, 0, 0)
  return date.toISOString()
}
