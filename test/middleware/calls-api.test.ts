import { describe, expect, test } from 'vitest'
import type { PlaceCallResult } from '../../src/calls/place-call.js'
import type { PlaceCallRequest } from '../../src/calls/plan.js'
import { ManualClock } from '../../src/core/clock.js'
import { VoiceError } from '../../src/core/errors.js'
import type { LogFields } from '../../src/core/logger.js'
import { createCallsApi, type CallsApiOptions } from '../../src/middleware/calls-api.js'
import type { HostHandler } from '../../src/middleware/host-request.js'
import { limitByIp } from '../../src/middleware/ip-limiter.js'
import { createMemoryStore } from '../../src/storage/memory.js'

const CALL = `CA${'1'.repeat(32)}`
const PHONE = '+12025550101'

function setup(over: Partial<CallsApiOptions> = {}) {
  const store = createMemoryStore({ clock: new ManualClock() })
  const placed: PlaceCallRequest[] = []
  const results: (PlaceCallResult | Error)[] = []
  const lines: [string, LogFields | undefined][] = []
  const log = (message: string, fields?: LogFields): void => void lines.push([message, fields])
  const handle = createCallsApi({
    store,
    placer: {
      place: async (request) => {
        placed.push(request)
        const result = results.shift()
        if (result instanceof Error) throw result
        return result ?? { outcome: 'placed', callSid: CALL, attemptId: 'a', decisionId: 'd', status: 'queued', isRecorded: true } // prettier-ignore
      },
    },
    authorize: ({ header }) => {
      const [tenantId, ownerId] = String(header('authorization') ?? '').split('/')
      return tenantId ? { tenantId, ...(ownerId === undefined ? {} : { ownerId }) } : undefined
    },
    defaults: { via: 'bridge', recording: 'off' },
    findAgent: (agentId, { tenantId }) =>
      agentId === 'agent-of-t' && tenantId === 't' ? { elevenLabsAgentId: 'agent_1' } : undefined,
    logger: { debug: log, info: log, warn: log, error: log },
    ...over,
  })
  const ask = async (target: string, body?: unknown, as = 't', through: HostHandler = handle) => {
    const answer = await through({
      method: body === undefined ? 'GET' : 'POST',
      target,
      header: (name) => (name === 'authorization' ? as : undefined),
      readBody: async () => ({ bytes: typeof body === 'string' ? body : JSON.stringify(body) }),
      remoteAddress: '192.0.2.1',
    })
    return answer && { status: answer.status, json: JSON.parse(answer.body) as Record<string, unknown> }
  }
  return { store, placed, results, lines, handle, ask }
}

test('without somebody who says who asks there is no API', () => {
  expect(() => setup({ authorize: undefined as never })).toThrow(TypeError)
})

test('who is nobody gets nothing, and nothing is looked up', async () => {
  const { ask, placed } = setup()
  expect(await ask('/agents/test-call', { agentId: 'agent-of-t', phoneNumber: PHONE }, '')).toMatchObject({ status: 401, json: { success: false, code: 'UNAUTHORIZED' } }) // prettier-ignore
  expect(await ask(`/api/call-initiation/status/${CALL}`, undefined, '')).toMatchObject({ status: 401 })
  expect(placed).toEqual([])
})

describe('each route answers as its application expects', () => {
  test('start a call for a lead', async () => {
    const { ask, placed, store } = setup()
    await store.putLead({ tenantId: 't', leadId: 'l', phoneNumber: PHONE })
    expect(await ask('/api/calls/start-conversationrelay', { leadId: 'l', phone: PHONE })).toEqual({
      status: 200,
      json: { success: true, callSid: CALL, conversationId: null, status: 'queued' },
    })
    expect(placed[0]).toMatchObject({ tenantId: 't', sellerId: 't', leadId: 'l', via: 'conversation-relay', recording: 'off' }) // prettier-ignore
  })

  test('start with a media stream', async () => {
    const { ask, placed } = setup()
    expect(await ask('/api/calls/start-with-media-stream', { phone: PHONE })).toEqual({ status: 200, json: { callSid: CALL } }) // prettier-ignore
    expect(placed[0]).toMatchObject({ via: 'bridge' })
  })

  test('a test call', async () => {
    const { ask, placed } = setup()
    expect(await ask('/agents/test-call', { agentId: 'agent-of-t', phoneNumber: PHONE })).toEqual({ status: 200, json: { success: true, callId: CALL } }) // prettier-ignore
    expect(placed[0]).toMatchObject({ answer: { agentId: 'agent_1' }, metadata: { testCall: true, initiatedFrom: 'test-call' } }) // prettier-ignore
  })

  test('a live call makes or updates the lead by its number', async () => {
    const { ask, store } = setup()
    const body = { agentId: 'agent-of-t', phoneNumber: PHONE, leadName: 'Ann', leadNotes: 'wants a garden' }
    const first = await ask('/api/call-initiation/live-call', body)
    const second = await ask('/api/call-initiation/live-call', { ...body, leadName: 'Anne' })
    expect(first).toMatchObject({ status: 200, json: { success: true, callId: CALL, callLogId: CALL } })
    expect(second?.json.leadId).toBe(first?.json.leadId)
    expect(await store.findStoredLead({ tenantId: 't', leadId: String(first?.json.leadId) })).toMatchObject({ name: 'Anne', notes: 'wants a garden', phoneNumber: PHONE }) // prettier-ignore
  })

  test('a simple message, and a menu', async () => {
    const { ask, placed } = setup()
    expect(await ask('/api/calls/simple', { toNumber: PHONE, message: 'Hello.' })).toMatchObject({ status: 200, json: { callSid: CALL } }) // prettier-ignore
    expect(await ask('/api/calls/menu', { toNumber: PHONE })).toMatchObject({ status: 200 })
    expect(placed.map(({ via, answer }) => [via, answer])).toEqual([
      ['say', { message: 'Hello.' }],
      ['say', { menu: true }],
    ])
  })

  test('the state of a call', async () => {
    const { ask, store } = setup()
    await store.addCall({ tenantId: 't', callSid: CALL, direction: 'outbound', from: '+12025550199', to: PHONE, callStatus: 'completed', durationS: 120, agentId: 'g', metadata: { testCall: true } }) // prettier-ignore
    const answer = await ask(`/api/call-initiation/status/${CALL}`)
    expect(answer).toMatchObject({ status: 200, json: { success: true, call: { _id: CALL, status: 'completed', duration: 120, agentId: { _id: 'g' }, leadId: null, metadata: { testCall: true } } } }) // prettier-ignore
    expect(JSON.stringify(answer)).not.toContain('2025550')
  })
})

describe('what belongs to somebody else is not there', () => {
  test('a call, a lead and an agent of another tenant, and of another owner', async () => {
    const { ask, store, placed } = setup()
    await store.addCall({ tenantId: 't', callSid: CALL, direction: 'outbound', from: '+12025550199', to: PHONE, callStatus: 'queued', ownerId: 'o' }) // prettier-ignore
    await store.putLead({ tenantId: 't', leadId: 'l', phoneNumber: PHONE, ownerId: 'o' })
    for (const as of ['other', 't/another', 'other/o']) {
      expect(await ask(`/api/call-initiation/status/${CALL}`, undefined, as), as).toMatchObject({ status: 404 })
      expect(await ask('/api/calls/start-conversationrelay', { leadId: 'l' }, as), as).toMatchObject({ status: 404 })
    }
    expect(await ask('/agents/test-call', { agentId: 'agent-of-t', phoneNumber: PHONE }, 'other')).toMatchObject({ status: 404, json: { code: 'AGENT_NOT_FOUND' } }) // prettier-ignore
    expect(placed).toEqual([])
    expect(await ask(`/api/call-initiation/status/${CALL}`, undefined, 't/o')).toMatchObject({ status: 200 })
  })

  test('a number that is not the lead’s is not dialled under the lead’s name', async () => {
    const { ask, store, placed } = setup()
    await store.putLead({ tenantId: 't', leadId: 'l', phoneNumber: PHONE })
    expect(await ask('/api/calls/start-conversationrelay', { leadId: 'l', phone: '+12025550102' })).toMatchObject({ status: 409 }) // prettier-ignore
    expect(placed).toEqual([])
  })
})

describe('numbers', () => {
  test.each([
    ['5555551234', undefined, 400],
    ['(202) 555-0101', 'US', 200],
    ['2025550101', 'US', 200],
    [' +1 202-555-0101 ', undefined, 200],
    ['+15', undefined, 400],
    ['call +12025550101 now', 'US', 400],
    ['+12025550101 ext. 7', undefined, 400],
    ['+19435550101', undefined, 200], // an area code in service that number libraries reject
    ['0'.repeat(5000), 'US', 400],
    [{ evil: 1 }, 'US', 400],
  ])('%j with the country %s: %i', async (phoneNumber, defaultCountry, status) => {
    const { ask } = setup(defaultCountry === undefined ? {} : { defaultCountry })
    const answer = await ask('/agents/test-call', { agentId: 'agent-of-t', phoneNumber })
    expect(answer?.status).toBe(status)
    if (status === 400) expect(answer?.json.success).toBe(false)
  })
})

describe('what goes wrong', () => {
  const body = { agentId: 'agent-of-t', phoneNumber: PHONE }

  test('a refusal names its checks and the next lawful moment', async () => {
    const { ask, results } = setup()
    results.push({ outcome: 'refused', decision: { failedChecks: ['withinCallingHours'], nextAllowedAt: 0 } as never, decisionId: 'd', isLeadFlagged: true }) // prettier-ignore
    expect(await ask('/agents/test-call', body)).toMatchObject({ status: 403, json: { code: 'CALL_REFUSED', failedChecks: ['withinCallingHours'], nextAllowedAt: '1970-01-01T00:00:00.000Z' } }) // prettier-ignore
  })

  test('an unknown outcome is neither success with an id nor a failure that invites a second try', async () => {
    const { ask, results } = setup()
    results.push({ outcome: 'submission-unknown', attemptId: 'a', decisionId: 'd' })
    expect(await ask('/agents/test-call', body)).toMatchObject({ status: 202, json: { callSid: null, status: 'submission-unknown' } }) // prettier-ignore
  })

  test('what broke is told by a code; the words, which may hold anything, go to the log and are masked', async () => {
    const { ask, results, lines } = setup()
    results.push(new VoiceError('compliance_facts_unavailable', `postgres://user:secret@db failed for ${PHONE}`))
    results.push(new Error(`secret of ${PHONE}`))
    for (const code of ['compliance_facts_unavailable', 'internal']) {
      const answer = await ask('/agents/test-call', body)
      expect(answer).toEqual({ status: 500, json: { success: false, error: 'The call could not be placed', code } })
    }
    expect(lines).toHaveLength(2)
    expect(JSON.stringify(lines)).not.toContain('2025550101')
  })

  test.each([['not json'], ['[]'], ['"x"'], ['{}'], [{ agentId: 5, phoneNumber: PHONE }], [{ agentId: 'agent-of-t' }]])(
    '%j is a 400',
    async (bad) => {
      const { ask, placed } = setup()
      expect(await ask('/agents/test-call', bad)).toMatchObject({ status: 400 })
      expect(placed).toEqual([])
    },
  )

  test('the wrong method is told, and another path is left to others', async () => {
    const { ask } = setup()
    expect(await ask('/agents/test-call')).toMatchObject({ status: 405 })
    expect(await ask('/agents/other', {})).toBeUndefined()
  })

  test('a body that cannot be had is told', async () => {
    const { handle } = setup()
    for (const [problem, status] of [
      ['too-large', 413],
      ['already-parsed', 400],
    ] as const) {
      const answer = await handle({ method: 'POST', target: '/agents/test-call', header: () => 't', readBody: async () => ({ problem }) }) // prettier-ignore
      expect(answer?.status).toBe(status)
    }
  })

  test('ten calls an hour from one address, and no more', async () => {
    const { ask, handle, placed } = setup()
    const limited = limitByIp(handle, { clock: new ManualClock() })
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask('/agents/test-call', body, 't', limited)))
    expect(answers.filter((answer) => answer?.status === 429)).toHaveLength(2)
    expect(placed).toHaveLength(10)
  })
})
