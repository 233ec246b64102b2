import { describe, expect, test } from 'vitest'
import type { FetchAnswer, FetchInit } from '../../src/core/http.js'
import { failureOf } from '../../src/calls/failures.js'
import type { CallRequest } from '../../src/calls/telephone.js'
import { TwilioTelephone } from '../../src/calls/twilio-telephone.js'

const request: CallRequest = { to: '+12025550101', from: '+12025550199', url: 'https://a.example/voice?attempt=a', statusCallback: 'https://a.example/status', ringSeconds: 30, maxSeconds: 600 } // prettier-ignore
const resource = { sid: 'CA1', status: 'queued', to: '+12025550101', from: '+12025550199', direction: 'outbound-api', duration: null, price: null, price_unit: 'USD', date_created: 'Mon, 05 Jan 2026 15:00:00 +0000' } // prettier-ignore

function setup(
  answers: readonly (readonly [status: number, body: unknown, headers?: Record<string, string>] | Error)[],
) {
  const sent: { url: string; init: FetchInit }[] = []
  const left = [...answers]
  const telephone = new TwilioTelephone({
    accountSid: 'AC1',
    auth: 'the-token',
    fetch: async (url, init): Promise<FetchAnswer> => {
      sent.push({ url, init })
      const answer = left.shift()
      if (!answer || answer instanceof Error) throw answer ?? new Error('nothing left')
      const [status, body, headers = {}] = answer
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return new Response(text, { status, headers })
    },
  })
  return { telephone, sent }
}

const networkError = (code: string): Error =>
  Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(code), { code }) })

describe('making a call', () => {
  test('asks as Twilio wants to be asked', async () => {
    const { telephone, sent } = setup([[201, resource]])
    expect(await telephone.createCall({ ...request, recording: { statusCallback: 'https://a.example/rec' }, machineDetection: { waitForBeep: true, statusCallback: 'https://a.example/amd' } })).toMatchObject({ callSid: 'CA1', status: 'queued', createdAt: Date.UTC(2026, 0, 5, 15), durationS: undefined }) // prettier-ignore
    const [{ url, init } = { url: '', init: undefined }] = sent
    expect(url).toBe('https://api.twilio.com/2010-04-01/Accounts/AC1/Calls.json')
    expect(init?.headers.authorization).toBe(`Basic ${Buffer.from('AC1:the-token').toString('base64')}`)
    expect([...new URLSearchParams(init?.body)]).toEqual([
      ['To', '+12025550101'],
      ['From', '+12025550199'],
      ['Url', 'https://a.example/voice?attempt=a'],
      ['Method', 'POST'],
      ['StatusCallback', 'https://a.example/status'],
      ['StatusCallbackMethod', 'POST'],
      ['Timeout', '30'],
      ['TimeLimit', '600'],
      ['StatusCallbackEvent', 'initiated'],
      ['StatusCallbackEvent', 'ringing'],
      ['StatusCallbackEvent', 'answered'],
      ['StatusCallbackEvent', 'completed'],
      ['Record', 'true'],
      ['RecordingChannels', 'dual'],
      ['RecordingStatusCallback', 'https://a.example/rec'],
      ['RecordingStatusCallbackMethod', 'POST'],
      ['RecordingStatusCallbackEvent', 'completed'],
      ['RecordingStatusCallbackEvent', 'absent'],
      ['MachineDetection', 'DetectMessageEnd'],
      ['AsyncAmd', 'true'],
      ['AsyncAmdStatusCallback', 'https://a.example/amd'],
      ['AsyncAmdStatusCallbackMethod', 'POST'],
    ])
  })

  test.each<[string, Parameters<typeof setup>[0]]>([
    ['no answer', [networkError('UND_ERR_HEADERS_TIMEOUT')]],
    ['a connection that breaks', [networkError('ECONNRESET')]],
    ['a failure of theirs', [[500, { code: 20500 }]]],
    ['a proxy', [[502, '<html>Bad gateway</html>']]],
    ['a success that cannot be read', [[201, 'OK']]],
  ])('%s may have made it, and nobody may repeat it', async (_name, answers) => {
    const { telephone, sent } = setup(answers)
    const error: unknown = await telephone.createCall(request).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'telephone_outcome_unknown', retry: 'never' })
    expect(failureOf(error).action).toBe('ask-person')
    expect(sent).toHaveLength(1)
  })

  test.each<[string, Parameters<typeof setup>[0], object]>([
    ['refused to connect', [networkError('ECONNREFUSED')], { action: 'retry', vendor: 'network' }],
    ['name not known', [networkError('ENOTFOUND')], { action: 'retry-later', maxRetries: 5 }],
    ['a wrong number', [[400, { code: 21211, message: "The 'To' number +12025550101 is not valid." }]], { action: 'flag-lead', code: '21211' }],
    ['wrong credentials', [[401, { code: 20003 }]], { action: 'alert', hint: expect.stringContaining('trial') as string }],
    ['too many requests', [[429, { code: 20429 }, { 'retry-after': '2' }]], { action: 'retry', maxRetries: 3 }],
    ['a code that nobody knows', [[400, { code: 99999 }]], { action: 'ask-person', code: '99999' }],
  ])('%s certainly did not', async (_name, answers, meaning) => {
    const error: unknown = await setup(answers).telephone.createCall(request).catch((reason: unknown) => reason)
    expect(failureOf(error)).toMatchObject(meaning)
    expect(String(error)).not.toMatch(/2025550|the-token/)
    expect(JSON.stringify(error)).not.toMatch(/2025550|the-token/)
  }) // prettier-ignore
})

describe('a call under way', () => {
  test.each([
    [{ twiml: '<Response/>' }, 'Twiml=%3CResponse%2F%3E'],
    [{ url: 'https://a.example/x' }, 'Url=https%3A%2F%2Fa.example%2Fx'],
    [{ status: 'completed' as const }, 'Status=completed'],
  ])('is changed with %j', async (update, body) => {
    const { telephone, sent } = setup([[200, resource]])
    expect(await telephone.updateCall('CA1', update)).toBe('updated')
    expect(sent[0]?.init.body).toBe(body)
  })

  test.each([[404, { code: 20404 }], [400, { code: 21220 }], [404, 'gone']])('that is over is over: %s %j', async (status, body) => {
    expect(await setup([[status, body]]).telephone.updateCall('CA1', { status: 'completed' })).toBe('already-over')
  }) // prettier-ignore

  test('that is unknown is undefined, and any other refusal is an error', async () => {
    expect(await setup([[404, { code: 20404 }]]).telephone.fetchCall('CA1')).toBeUndefined()
    await expect(setup([[401, { code: 20003 }]]).telephone.fetchCall('CA1')).rejects.toMatchObject({ status: 401 })
    await expect(setup([[400, { code: 21205 }]]).telephone.updateCall('CA1', { url: 'x' })).rejects.toMatchObject({ vendorCode: '21205' }) // prettier-ignore
  })
})

test('calls to a number are found from a moment on, newest first', async () => {
  const at = (text: string, sid: string) => ({ ...resource, sid, date_created: text })
  const { telephone, sent } = setup([[200, { calls: [at('Mon, 05 Jan 2026 14:59:00 +0000', 'CA0'), at('Mon, 05 Jan 2026 15:00:05 +0000', 'CA1'), at('Mon, 05 Jan 2026 15:00:09 +0000', 'CA2')] }]]) // prettier-ignore
  const found = await telephone.findCalls({ to: '+12025550101', sinceAt: Date.UTC(2026, 0, 5, 15) })
  expect(found.map(({ callSid }) => callSid)).toEqual(['CA2', 'CA1'])
  expect(new URL(sent[0]!.url).searchParams.has('StartTime>')).toBe(false) // a call in Twilio’s queue has none
})

test('a telephone needs credentials', () => {
  expect(() => new TwilioTelephone({ accountSid: 'AC1', auth: '' })).toThrow(TypeError)
})
