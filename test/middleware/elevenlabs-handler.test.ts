import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { appointmentTools } from '../../src/agent-tools/appointment-tools.js'
import { MemoryScheduling } from '../../src/agent-tools/memory-scheduling.js'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import { defineTool } from '../../src/agent-tools/tool.js'
import { initiationAnswer } from '../../src/context/initiation.js'
import { ManualClock } from '../../src/core/clock.js'
import type { LogFields, Logger } from '../../src/core/logger.js'
import { createElevenLabsHandler, RECEPTIONIST_PATHS } from '../../src/middleware/elevenlabs-handler.js'
import type { CallHints, ElevenLabsHandlerOptions, ReceivedElevenLabsEvent } from '../../src/middleware/elevenlabs-options.js' // prettier-ignore
import type { HostBody, HostRequest } from '../../src/middleware/host-request.js'
import { signElevenLabsWebhook } from '../../src/webhooks/elevenlabs-signature.js'

const NOW = Date.UTC(2026, 0, 5, 15)
const SECRET = 'wsec_of_the_workspace'
const TOOL_SECRET = 'the-tools-secret'
const TENANT = 'de535df4-ccee-11f0-a2aa-12736706c408'
const EMPLOYEE = '12345678-1234-1234-1234-123456789012'
const SERVICE = '87654321-4321-4321-4321-210987654321'
const day = { open: '09:00', close: '17:00', enabled: true }

function setup(over: Partial<ElevenLabsHandlerOptions> = {}) {
  const clock = new ManualClock(NOW)
  const lines: [string, LogFields | undefined][] = []
  const log = (message: string, fields?: LogFields): void => void lines.push([message, fields])
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const scheduling = new MemoryScheduling({
    clock,
    tenants: {
      [TENANT]: {
        name: 'Test Salon',
        timeZone: 'UTC',
        businessHours: { monday: day, tuesday: day },
        services: [{ id: SERVICE, name: 'Haircut', description: 'A classic haircut', price: 50, durationMinutes: 60, category: 'hair' }], // prettier-ignore
        employees: [{ id: EMPLOYEE, name: 'Ann' }],
      },
    },
  })
  const whoami = defineTool({
    name: 'whoami',
    description: 'Who calls',
    parameters: z.object({ n: z.number().optional() }),
    handler: (parameters, { tenantId, call }) => ({ parameters, tenantId, ...call }),
  })
  const events: ReceivedElevenLabsEvent[] = []
  const hints: CallHints[] = []
  const handle = createElevenLabsHandler({
    clock,
    logger,
    auth: { webhookSecret: SECRET, sharedSecret: { header: 'X-Tool-Secret', secret: TOOL_SECRET } },
    findCall: (one) => {
      hints.push(one)
      if (one.conversationId === 'conv_1' || one.callSid === 'CA1') return { tenantId: TENANT, callSid: 'CA1', remoteNumber: '+12025550101' } // prettier-ignore
      if (one.tenantId === TENANT || one.calledNumber === '+15551234567') return { tenantId: TENANT }
      return undefined
    },
    onEvent: (event) => void events.push(event),
    onInitiation: ({ callerNumber, callSid, conversationId }, call) =>
      initiationAnswer({
        tenant: { tenantId: call?.tenantId ?? 'none', name: 'My Business' },
        call: { callerNumber, callSid, conversationId },
      }),
    tools: new ToolRegistry([whoami, ...appointmentTools({ scheduling, clock })], { clock, logger }),
    scheduling,
    ...over,
  })
  async function send(
    target: string,
    body: unknown = '',
    headers: Record<string, string | string[]> = { 'x-tool-secret': TOOL_SECRET },
    method = 'POST',
  ) {
    const bytes = typeof body === 'string' ? body : JSON.stringify(body)
    const readBody = async (maxBytes: number): Promise<HostBody> => (bytes.length > maxBytes ? { problem: 'too-large' } : { bytes }) // prettier-ignore
    const answer = await handle({ method, target, header: (name) => headers[name], readBody })
    if (!answer) return undefined
    return { status: answer.status, body: answer.contentType.includes('json') ? (JSON.parse(answer.body) as unknown) : answer.body } // prettier-ignore
  }
  const signed = (body: string, at = clock.now(), secret = SECRET) => ({ 'elevenlabs-signature': signElevenLabsWebhook({ secret, body, clock: new ManualClock(at) }) }) // prettier-ignore
  const sendSigned = (event: unknown, at?: number) => {
    const body = JSON.stringify(event)
    return send('/elevenlabs/events', body, signed(body, at))
  }
  return { clock, handle, send, sendSigned, signed, events, hints, lines, scheduling }
}

const transcription = (over: object = {}) => ({
  type: 'post_call_transcription',
  event_timestamp: NOW / 1000,
  data: {
    agent_id: 'agent_1',
    conversation_id: 'conv_1',
    status: 'done',
    transcript: [{ role: 'user', message: 'my card is 4111' }],
    metadata: { phone_call: null },
    conversation_initiation_client_data: { dynamic_variables: { call_sid: 'CA1', tenant_id: TENANT, caller_number: '+12025550101' } }, // prettier-ignore
    ...over,
  },
})

describe('an event', () => {
  test('comes once, with its call, however often and at once it is delivered', async () => {
    const { sendSigned, events, hints } = setup()
    const answers = await Promise.all(Array.from({ length: 5 }, () => sendSigned(transcription())))
    expect(answers.map((one) => one?.status)).toEqual([200, 200, 200, 200, 200])
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ event: { type: 'post_call_transcription' }, call: { tenantId: TENANT, callSid: 'CA1' } }) // prettier-ignore
    expect(hints[0]).toMatchObject({ conversationId: 'conv_1', callSid: 'CA1', tenantId: TENANT, callerNumber: '+12025550101' }) // prettier-ignore
  })

  test('of another conversation, type or time is another', async () => {
    const { sendSigned, events } = setup()
    await sendSigned(transcription())
    await sendSigned(transcription({ conversation_id: 'conv_2' }))
    await sendSigned({ ...transcription(), event_timestamp: NOW / 1000 + 1 })
    await sendSigned({ type: 'post_call_audio', event_timestamp: NOW / 1000, data: { agent_id: 'agent_1', conversation_id: 'conv_1', full_audio: 'SUQz' } }) // prettier-ignore
    expect(events).toHaveLength(4)
  })

  test('that could not be kept is answered with 500 and is new when it comes again', async () => {
    let isDown = true
    const seen: unknown[] = []
    const onEvent = ({ event }: ReceivedElevenLabsEvent): void => {
      if (isDown) throw new Error('database password hunter2')
      seen.push(event)
    }
    const { sendSigned, lines } = setup({ onEvent })
    expect(await sendSigned(transcription())).toMatchObject({ status: 500 })
    isDown = false
    expect(await sendSigned(transcription())).toMatchObject({ status: 200 })
    expect(await sendSigned(transcription())).toMatchObject({ status: 200 })
    expect(seen).toHaveLength(1)
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|4111/)
  })

  test('that is taken in slowly is answered in time, and done once', async () => {
    let finish = (): void => undefined
    let count = 0
    const { clock, sendSigned } = setup({
      onEvent: () => new Promise<void>((resolve) => ((finish = resolve), count++)),
    })
    const first = sendSigned(transcription())
    await new Promise(setImmediate)
    await clock.advanceAsync(5000)
    expect(await first).toMatchObject({ status: 200 })
    const again = sendSigned(transcription())
    await new Promise(setImmediate)
    await clock.advanceAsync(5000)
    expect(await again).toMatchObject({ status: 200 })
    finish()
    await new Promise(setImmediate)
    expect(await sendSigned(transcription())).toMatchObject({ status: 200 })
    expect(count).toBe(1)
    expect(clock.pendingTimers).toBe(0)
  })

  test('of a type that nobody knows is acknowledged and reported', async () => {
    const { sendSigned, events } = setup()
    expect(await sendSigned({ type: 'voice_removed', event_timestamp: 1, data: {} })).toMatchObject({ status: 200 })
    expect(events).toMatchObject([{ event: { type: 'unknown', name: 'voice_removed' } }])
  })

  test('under its older name is the same', async () => {
    const { sendSigned, events } = setup()
    const { type, ...rest } = transcription()
    await sendSigned({ event: type, ...rest })
    expect(events).toMatchObject([{ event: { type: 'post_call_transcription' } }])
  })

  test.each<[string, unknown]>([
    ['no JSON object', []],
    ['no type', { data: {} }],
    ['a known type without its conversation', { type: 'post_call_transcription', event_timestamp: 1, data: {} }],
  ])('with %s is a bad request', async (_name, event) => {
    expect(await setup().sendSigned(event)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } })
  })
})

describe('a request that proves nothing is refused, and changes nothing:', () => {
  const body = JSON.stringify(transcription())
  const cases: [string, (s: ReturnType<typeof setup>) => Record<string, string | string[]>][] = [
    ['unsigned', () => ({})],
    ['signed with another secret', ({ signed }) => signed(body, NOW, 'wsec_of_somebody')],
    ['signed 31 minutes ago', ({ signed }) => signed(body, NOW - 31 * 60_000)],
    ['signed 6 minutes ahead', ({ signed }) => signed(body, NOW + 6 * 60_000)],
    ['signed over another body', ({ signed }) => signed(`${body} `)],
    ['with another shared secret', () => ({ 'x-tool-secret': 'the-tools-secreT' })],
    ['with the shared secret twice', () => ({ 'x-tool-secret': [TOOL_SECRET, TOOL_SECRET] })],
    ['with a scheme that is not switched on', () => ({ 'x-elevenlabs-signature': createHmac('sha256', SECRET).update(body).digest('hex') })], // prettier-ignore
  ]
  test.each(cases)('%s', async (_name, headers) => {
    const made = setup()
    for (const target of ['/elevenlabs/events', '/elevenlabs/initiation', '/elevenlabs/appointments', '/elevenlabs/tools/whoami']) {
      expect(await made.send(target, body, headers(made))).toEqual({ status: 401, body: { success: false, error: 'Unauthorized', code: 'UNAUTHORIZED' } })
    }
    expect(await made.send(`/elevenlabs/services?tenantId=${TENANT}`, '', headers(made), 'GET')).toMatchObject({ status: 401 })
    expect([made.events, made.hints]).toEqual([[], []])
  }) // prettier-ignore

  test('both secrets count while one replaces another', async () => {
    const { send, signed } = setup({ auth: { webhookSecret: ['wsec_new', SECRET] } })
    expect(await send('/elevenlabs/events', body, signed(body))).toMatchObject({ status: 200 })
    expect(await send('/elevenlabs/events', body, signed(body, NOW, 'wsec_new'))).toMatchObject({ status: 200 })
  })

  test('a handler that could prove nothing cannot be made', () => {
    expect(() => setup({ auth: {} })).toThrow(TypeError)
  })

  test('a body that is too large or already parsed is told what to do', async () => {
    const { handle, send, signed } = setup({ maxEventBytes: 100 })
    expect(await send('/elevenlabs/events', body, signed(body))).toMatchObject({ status: 413 })
    expect(await send('/elevenlabs/tools/whoami', 'x'.repeat(300_000))).toMatchObject({ status: 413 })
    const request: HostRequest = { method: 'POST', target: '/elevenlabs/events', header: (name) => signed(body)[name as 'elevenlabs-signature'], readBody: async () => ({ problem: 'already-parsed' }) } // prettier-ignore
    expect((await handle(request))?.body).toMatch(/before the signature was checked: mount callweave before it/)
  })
})

describe('the initiation webhook', () => {
  test('answers the vendor’s question with every variable', async () => {
    const request = { caller_id: '+15559876543', agent_id: 'agent_1', called_number: '+15551234567', call_sid: 'CA1', conversation_id: 'conv_1' } // prettier-ignore
    expect(await setup().send('/elevenlabs/initiation', request)).toEqual({
      status: 200,
      body: {
        type: 'conversation_initiation_client_data',
        dynamic_variables: {
          tenant_id: TENANT,
          tenant_name: 'My Business',
          business_name: 'My Business',
          caller_number: '+15559876543',
          call_sid: 'CA1',
          conversation_id: 'conv_1',
          business_hours_summary: "We're currently closed on all days.",
        },
      },
    })
  })

  test('answers the older question as well, and without a call SID', async () => {
    const older = { type: 'conversation_initiation_client_data', conversation_id: 'conv_9', agent_id: 'agent_1', dynamic_variables: { tenant_id: TENANT, caller_number: '+15551234567', call_sid: 'CA12345' } } // prettier-ignore
    expect(await setup().send('/elevenlabs/initiation', older)).toMatchObject({ body: { dynamic_variables: { tenant_id: TENANT, call_sid: 'CA12345', conversation_id: 'conv_9' } } }) // prettier-ignore
    expect(await setup().send('/elevenlabs/initiation', { agent_id: 'agent_1', call_sid: '' })).toMatchObject({ body: { dynamic_variables: { call_sid: '', tenant_id: 'none' } } }) // prettier-ignore
  })

  test('says so in time when the host does not', async () => {
    const { clock, send } = setup({ onInitiation: () => new Promise(() => undefined) })
    const answer = send('/elevenlabs/initiation', { agent_id: 'agent_1' })
    await new Promise(setImmediate)
    await clock.advanceAsync(1500)
    expect(await answer).toMatchObject({ status: 503 })
  })

  test('a host that throws tells nothing of it', async () => {
    const { send } = setup({ onInitiation: () => Promise.reject(new Error('hunter2')) })
    expect(await send('/elevenlabs/initiation', { agent_id: 'agent_1' })).toEqual({ status: 500, body: { success: false, error: 'Internal error', code: 'INTERNAL_ERROR' } }) // prettier-ignore
    expect(await send('/elevenlabs/initiation', {})).toMatchObject({ status: 400 })
  })
})

const NO_OBJECT = { success: false, code: 'VALIDATION_ERROR', error: 'The parameters must be one JSON object with named values.' } // prettier-ignore

describe('a server tool', () => {
  test('gets exactly its parameters, and its call by the conversation that ElevenLabs filled in', async () => {
    expect(await setup().send('/elevenlabs/tools/whoami', { n: '3', conversation_id: 'conv_1' })).toEqual({
      status: 200,
      body: { success: true, data: { parameters: { n: 3 }, tenantId: TENANT, callSid: 'CA1', remoteNumber: '+12025550101', conversationId: 'conv_1' } }, // prettier-ignore
    })
  })

  test.each<[string, string, unknown, object]>([
    ['an unknown tool', '/elevenlabs/tools/nothing', { conversation_id: 'conv_1' }, { status: 200, body: { success: false, code: 'UNKNOWN_TOOL' } }],
    ['bad parameters', '/elevenlabs/tools/whoami', { n: 'x', conversation_id: 'conv_1' }, { status: 200, body: { code: 'VALIDATION_ERROR' } }],
    ['nobody’s conversation', '/elevenlabs/tools/whoami', { conversation_id: 'conv_404' }, { status: 404, body: { code: 'UNKNOWN_TENANT' } }],
    ['another tenant than the call’s', '/elevenlabs/tools/whoami?tenantId=other', { conversation_id: 'conv_1' }, { status: 403, body: { code: 'TENANT_MISMATCH' } }],
    ['a body that is no JSON', '/elevenlabs/tools/whoami', '{', { status: 400, body: { code: 'VALIDATION_ERROR' } }],
    ['a list for its body', '/elevenlabs/tools/whoami', [{ n: 3 }], { status: 200, body: NO_OBJECT }],
    ['a number for its body', '/elevenlabs/tools/whoami', '3', { status: 200, body: NO_OBJECT }],
    ['null for its body', '/elevenlabs/tools/whoami', 'null', { status: 200, body: NO_OBJECT }],
    ['no body', '/elevenlabs/tools/whoami', '', { status: 200, body: NO_OBJECT }],
    ['words for its body', '/elevenlabs/tools/whoami', '"three"', { status: 200, body: NO_OBJECT }],
    ['an object in a text', '/elevenlabs/tools/whoami', JSON.stringify(JSON.stringify({ n: 3, conversation_id: 'conv_1' })), { status: 200, body: { success: true, data: { parameters: { n: 3 }, callSid: 'CA1' } } }],
    ['nobody’s conversation in a text', '/elevenlabs/tools/whoami', JSON.stringify(JSON.stringify({ conversation_id: 'conv_404' })), { status: 200, body: NO_OBJECT }],
    ['an object in a text, and another tenant than the call’s', '/elevenlabs/tools/whoami?tenantId=other', JSON.stringify('{"conversation_id":"conv_1"}'), { status: 403, body: { code: 'TENANT_MISMATCH' } }],
  ])('with %s is answered', async (_name, target, body, expected) => {
    expect(await setup().send(target, body)).toMatchObject(expected)
  }) // prettier-ignore

  test('books once when a retry repeats it', async () => {
    const { send } = setup()
    const body = { customerName: 'John Doe', serviceId: SERVICE, startTime: '2026-01-06T10:00:00Z', conversation_id: 'conv_1' } // prettier-ignore
    const first = await send('/elevenlabs/tools/book_appointment', body)
    expect(first).toMatchObject({ body: { success: true, data: { appointment: { employeeId: EMPLOYEE } } } })
    expect(await send('/elevenlabs/tools/create_appointment', body)).toEqual(first)
  })

  test('is called by the older event too', async () => {
    const { send } = setup()
    const event = { event: 'tool_call', data: { tool_name: 'get_services', parameters: {} }, agentId: 'agent-123', sessionId: 'conv_1' } // prettier-ignore
    expect(await send('/elevenlabs/events', event)).toMatchObject({
      status: 200,
      body: { success: true, data: { services: [{ name: 'Haircut', price: 50, duration: 60 }], message: 'We offer: Haircut.' } }, // prettier-ignore
    })
    expect(await send('/elevenlabs/events', { ...event, data: {} })).toMatchObject({ body: { code: 'UNKNOWN_TOOL' } })
    expect(await send('/elevenlabs/events', { ...event, sessionId: 'conv_404' })).toMatchObject({ status: 404 })
  })
})

describe('services and appointments', () => {
  const request = { tenantId: TENANT, employeeId: EMPLOYEE, serviceId: SERVICE, customerName: 'John Doe', customerEmail: 'john@example.com', customerPhone: '+15551234567', startTime: '2026-01-06T10:00:00Z', addOns: [], notes: 'Created via AI assistant' } // prettier-ignore

  test('services have the body that agents are set up for', async () => {
    expect(await setup().send(`/elevenlabs/services?tenantId=${TENANT}`, '', undefined, 'GET')).toEqual({
      status: 200,
      body: {
        success: true,
        data: {
          services: [{ id: SERVICE, name: 'Haircut', description: 'A classic haircut', price: 50, duration: 60, category: 'hair' }], // prettier-ignore
          total: 1,
          tenantId: TENANT,
        },
      },
    })
    expect(await setup().send('/elevenlabs/services', '', undefined, 'GET')).toMatchObject({ status: 400 })
    expect(await setup().send('/elevenlabs/services?tenantId=x', '', undefined, 'GET')).toMatchObject({ status: 404 })
    expect(await setup().send(`/elevenlabs/services?tenantId=${TENANT}`)).toMatchObject({ status: 405 })
  })

  test('an appointment is made, and made once', async () => {
    const { send } = setup()
    const made = await send('/elevenlabs/appointments', request)
    expect(made).toMatchObject({
      status: 200,
      body: {
        success: true,
        data: {
          appointment: { tenantId: TENANT, employeeId: EMPLOYEE, serviceId: SERVICE, customerName: 'John Doe', startTime: '2026-01-06T10:00:00.000Z', endTime: '2026-01-06T11:00:00.000Z', status: 'scheduled', notes: 'Created via AI assistant' }, // prettier-ignore
          message: 'Appointment created successfully',
        },
      },
    })
    expect(await send('/elevenlabs/appointments', request)).toEqual(made)
    expect(await send('/elevenlabs/appointments', { ...request, customerName: 'Jane' })).toMatchObject({ status: 409, body: { code: 'SLOT_TAKEN' } }) // prettier-ignore
  })

  test.each<[string, object, string, object]>([
    ['no employee', { employeeId: undefined }, '', { status: 400, body: { success: false, error: 'employeeId, serviceId, customerName, and startTime are required', code: 'VALIDATION_ERROR' } }],
    ['a blank name', { customerName: ' ' }, '', { status: 400, body: { code: 'VALIDATION_ERROR' } }],
    ['a time without its zone', { startTime: '2026-01-06T10:00' }, '', { status: 400, body: { code: 'VALIDATION_ERROR' } }],
    ['no tenant', { tenantId: undefined }, '', { status: 400, body: { error: 'tenantId is required' } }],
    ['the tenant in the query', { tenantId: undefined }, `?tenantId=${TENANT}`, { status: 200 }],
    ['two tenants', {}, '?tenantId=other', { status: 400, body: { code: 'TENANT_MISMATCH' } }],
    ['an unknown tenant', { tenantId: 'other' }, '', { status: 404, body: { code: 'UNKNOWN_TENANT' } }],
    ['an unknown service', { serviceId: 'x' }, '', { status: 404, body: { code: 'UNKNOWN_SERVICE' } }],
    ['a time when it is closed', { startTime: '2026-01-06T03:00:00Z' }, '', { status: 409, body: { code: 'CLOSED' } }],
  ])('with %s', async (_name, over, query, expected) => {
    expect(await setup().send(`/elevenlabs/appointments${query}`, { ...request, ...over })).toMatchObject(expected)
  }) // prettier-ignore

  test('are signed over the query or the bare body where that scheme is switched on by name', async () => {
    const { send } = setup({ auth: { rawBodySecret: 'old-secret' } })
    const sign = (text: string) => ({ 'x-elevenlabs-signature': createHmac('sha256', 'old-secret').update(text).digest('hex') }) // prettier-ignore
    const body = JSON.stringify(request)
    expect(await send(`/elevenlabs/services?tenantId=${TENANT}`, '', sign(`tenantId=${TENANT}`), 'GET')).toMatchObject({ status: 200 }) // prettier-ignore
    expect(await send(`/elevenlabs/services?tenantId=other`, '', sign(`tenantId=${TENANT}`), 'GET')).toMatchObject({ status: 401 }) // prettier-ignore
    expect(await send('/elevenlabs/appointments', body, sign(body))).toMatchObject({ status: 200 })
    expect(await send('/elevenlabs/appointments', `${body} `, sign(body))).toMatchObject({ status: 401 })
  })
})

test('paths are the host’s to choose, and an empty one is left out', async () => {
  const older = setup({ paths: RECEPTIONIST_PATHS })
  expect(await older.send('/webhooks/elevenlabs/conversation-initiation', { agent_id: 'a' })).toMatchObject({ status: 200 }) // prettier-ignore
  expect(await older.send('/elevenlabs/initiation', { agent_id: 'a' })).toBeUndefined()
  expect(await setup({ paths: { tools: '' } }).send('/whoami', {})).toBeUndefined()
  expect(await setup().send('/elevenlabs/tools/a/b', {})).toBeUndefined()
})

test('whatever is sent, it is answered', async () => {
  const { send, sendSigned } = setup()
  await fc.assert(
    fc.asyncProperty(fc.json({ maxDepth: 3 }), fc.constantFrom('initiation', 'appointments', 'tools/whoami', 'tools/book_appointment', 'events'), async (json, route) => {
      const body: unknown = JSON.parse(json)
      const answer = await send(`/elevenlabs/${route}`, json)
      expect([200, 400, 401, 404]).toContain(answer?.status)
      if (typeof body === 'object') expect([200, 400, 404]).toContain((await sendSigned(body))?.status)
    }),
    { numRuns: 500 },
  ) // prettier-ignore
})
