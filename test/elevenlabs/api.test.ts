import { http, HttpResponse, type JsonBodyType } from 'msw'
import { setupServer } from 'msw/node'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { VendorError } from '../../src/core/errors.js'
import { ElevenLabsApi } from '../../src/elevenlabs/api.js'

const BASE = 'https://api.elevenlabs.io'
const SIGNED = `wss://api.elevenlabs.io/v1/convai/conversation?agent_id=a&conversation_signature=cvtkn&conversation_id=conv_9`
const server = setupServer()
const requests: Request[] = []

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
afterEach(() => {
  server.resetHandlers()
  requests.length = 0
})
afterAll(() => server.close())

function answer(
  method: 'get' | 'post',
  path: string,
  body: JsonBodyType,
  init: { status?: number; base?: string } = {},
): void {
  server.use(
    http[method](`${init.base ?? BASE}${path}`, ({ request }) => {
      requests.push(request.clone())
      return typeof body === 'string'
        ? new HttpResponse(body, { status: init.status ?? 200 })
        : HttpResponse.json(body, { status: init.status ?? 200 })
    }),
  )
}

const api = (options: Partial<ConstructorParameters<typeof ElevenLabsApi>[0]> = {}): ElevenLabsApi =>
  new ElevenLabsApi({ apiKey: 'sk_not_a_real_key', ...options })

describe('a signed URL', () => {
  const path = '/v1/convai/conversation/get-signed-url'

  test('comes with the id of the conversation that will be', async () => {
    answer('get', path, { signed_url: SIGNED })
    const options = { agentId: 'agent 1', branchId: 'b', versionId: 'v', environment: 'staging' }
    expect(await api().getSignedUrl(options)).toEqual({ signedUrl: SIGNED, conversationId: 'conv_9' })
    const [request] = requests
    expect(request?.headers.get('xi-api-key')).toBe('sk_not_a_real_key')
    expect(Object.fromEntries(new URL(request?.url ?? '').searchParams)).toEqual({
      agent_id: 'agent 1',
      include_conversation_id: 'true',
      branch_id: 'b',
      version_id: 'v',
      environment: 'staging',
    })
  })

  test('without the id when it is not wanted', async () => {
    answer('get', path, { signed_url: 'wss://x.example/?agent_id=a' })
    const { conversationId } = await api().getSignedUrl({ agentId: 'a', includeConversationId: false })
    expect(conversationId).toBeUndefined()
    expect(new URL(requests[0]?.url ?? '').searchParams.get('include_conversation_id')).toBe('false')
  })

  test.each<[JsonBodyType]>([
    ['not json'],
    [{ signed_url: 7 }],
    [{ signed_url: 'https://x.example' }],
    [{}],
    [[]],
    ['null'],
    [''],
  ])('that is none is an answer that cannot be read: %j', async (body) => {
    answer('get', path, body)
    await expect(api().getSignedUrl({ agentId: 'a' })).rejects.toMatchObject({
      name: 'VendorError',
      code: 'elevenlabs_response_invalid',
    })
  })
})

test('an agent is told as far as a call depends on it, with the whole answer beside', async () => {
  const raw = {
    agent_id: 'agent_1',
    name: 'Support',
    conversation_config: {
      asr: { user_input_audio_format: 'ulaw_8000', quality: 'high' },
      tts: { agent_output_audio_format: 'pcm_16000', voice_id: 'v', model_id: 'eleven_flash_v2_5' },
      conversation: { text_only: false, max_duration_seconds: 600, client_events: ['audio', 'interruption'] },
      agent: { first_message: 'Hello', language: 'en' },
    },
    platform_settings: {
      auth: { enable_auth: true },
      overrides: {
        conversation_config_override: {
          agent: { first_message: true, language: false, prompt: { prompt: true } },
          tts: null,
        },
      },
    },
    later: { field: 1 },
  }
  answer('get', '/v1/convai/agents/agent_1', raw)
  expect(await api().getAgent({ agentId: 'agent_1' })).toEqual({
    agentId: 'agent_1',
    name: 'Support',
    inputFormat: 'ulaw_8000',
    outputFormat: 'pcm_16000',
    firstMessage: 'Hello',
    language: 'en',
    voiceId: 'v',
    modelId: 'eleven_flash_v2_5',
    isTextOnly: false,
    maxDurationSeconds: 600,
    clientEvents: ['audio', 'interruption'],
    isAuthRequired: true,
    allowedOverrides: ['agent.first_message', 'agent.prompt.prompt'],
    raw,
  })
})

test('an agent with next to nothing in it is told all the same', async () => {
  answer('get', '/v1/convai/agents/a', { agent_id: 'a', conversation_config: null })
  expect(await api().getAgent({ agentId: 'a' })).toMatchObject({
    agentId: 'a',
    inputFormat: undefined,
    allowedOverrides: [],
  })
})

test('an id cannot climb out of its place in the path', async () => {
  answer('get', '/v1/convai/agents/:id', { agent_id: 'x' })
  await api().getAgent({ agentId: '../../user?x=1#y' })
  expect(requests[0]?.url).toBe(`${BASE}/v1/convai/agents/..%2F..%2Fuser%3Fx%3D1%23y`)
})

test('a conversation is told with its transcript, nulls left out', async () => {
  const raw = {
    conversation_id: 'conv_1',
    agent_id: 'agent_1',
    status: 'done',
    user_id: null,
    has_audio: true,
    transcript: [
      { role: 'agent', message: 'Hello', time_in_call_secs: 0, tool_calls: null, tool_results: null },
      { role: 'user', message: 'Where is it?', time_in_call_secs: 4, interrupted: false },
      {
        role: 'agent',
        message: null,
        time_in_call_secs: 6,
        tool_calls: [
          { type: 'client', request_id: 'r1', tool_name: 'track', params_as_json: '{}', tool_has_been_called: true },
        ],
        tool_results: [
          {
            type: 'client',
            request_id: 'r1',
            tool_name: 'track',
            result_value: 'here',
            is_error: false,
            tool_latency_secs: 0.2,
          },
        ],
      },
    ],
    metadata: {
      start_time_unix_secs: 1,
      call_duration_secs: 22,
      cost: 296,
      termination_reason: 'x',
      error: { code: 1008, reason: 'no' },
    },
    analysis: null,
  }
  answer('get', '/v1/convai/conversations/conv_1', raw)
  expect(await api().getConversation({ conversationId: 'conv_1' })).toEqual({
    conversationId: 'conv_1',
    agentId: 'agent_1',
    status: 'done',
    hasAudio: true,
    transcript: [
      { role: 'agent', message: 'Hello', timeInCallSeconds: 0 },
      { role: 'user', message: 'Where is it?', timeInCallSeconds: 4, interrupted: false },
      {
        role: 'agent',
        timeInCallSeconds: 6,
        toolCalls: [{ type: 'client', requestId: 'r1', toolName: 'track', parametersJson: '{}' }],
        toolResults: [
          { type: 'client', requestId: 'r1', toolName: 'track', result: 'here', isError: false, latencySeconds: 0.2 },
        ],
      },
    ],
    metadata: {
      startTimeUnixSeconds: 1,
      durationSeconds: 22,
      costCredits: 296,
      terminationReason: 'x',
      error: { code: 1008, reason: 'no' },
    },
    raw,
  })
})

test('the account behind the key is told', async () => {
  answer('get', '/v1/user', {
    user_id: 'u',
    subscription: { tier: 'creator', character_count: 5, character_limit: 100, other: 1 },
  })
  expect(await api().getUser()).toEqual({
    userId: 'u',
    subscription: { tier: 'creator', characterCount: 5, characterLimit: 100 },
  })
})

describe('a registered call', () => {
  const path = '/v1/convai/twilio/register-call'
  const twiml = (parameter: string): string =>
    `<?xml version="1.0"?><Response><Connect><Stream url="wss://api.us.elevenlabs.io/v1/convai/conversation">${parameter}</Stream></Connect></Response>`
  const call = { agentId: 'a', fromNumber: '+15550100', toNumber: '+15550101' }

  test.each([
    ['<Parameter name="conversation_id" value="conv_1" />', 'conv_1'],
    ["<Parameter value='conv_2' name='conversation_id'/>", 'conv_2'],
    ['<Parameter name="other" value="x"/><Parameter name="conversation_id" value="conv_3"/>', 'conv_3'],
    ['<Parameter name="conversation_id" value="not an id"/>', undefined],
    ['', undefined],
  ])('gives TwiML, and from it the id: %s', async (parameter, conversationId) => {
    answer('post', path, twiml(parameter))
    expect(await api().registerCall(call)).toEqual({ twiml: twiml(parameter), conversationId })
  })

  test('sends who calls whom, and the initiation in the vendor\u2019s words', async () => {
    answer('post', path, JSON.stringify(twiml(''))) // TwiML in quotes, as the contract would have it
    const initiation = { dynamicVariables: { name: 'Ada' }, overrides: { agent: { language: 'de' } } }
    expect((await api().registerCall({ ...call, direction: 'outbound', initiation })).twiml).toBe(twiml(''))
    expect(await requests[0]?.json()).toEqual({
      agent_id: 'a',
      from_number: '+15550100',
      to_number: '+15550101',
      direction: 'outbound',
      conversation_initiation_client_data: {
        dynamic_variables: { name: 'Ada' },
        conversation_config_override: { agent: { language: 'de' } },
      },
    })
  })

  test('with an initiation that cannot be is refused before anything is sent', async () => {
    const initiation = { dynamicVariables: { system__caller_id: 'x' } }
    await expect(api().registerCall({ ...call, initiation })).rejects.toBeInstanceOf(TypeError)
    expect(requests).toEqual([])
  })

  test.each(['{}', '<html></html>', '', '"broken'])(
    'that answers with %j is an answer that cannot be read',
    async (body) => {
      answer('post', path, body)
      await expect(api().registerCall(call)).rejects.toMatchObject({ code: 'elevenlabs_response_invalid' })
    },
  )

  test('is never repeated by itself', async () => {
    answer('post', path, 'down', { status: 503 })
    await expect(api().registerCall(call)).rejects.toMatchObject({ code: 'elevenlabs_server_error', status: 503 })
    expect(requests).toHaveLength(1)
  })
})

describe('every call', () => {
  test('that is refused says why, with what a ticket needs', async () => {
    server.use(
      http.get(`${BASE}/v1/user`, () =>
        HttpResponse.json(
          { detail: { code: 'rate_limit_exceeded', message: 'Slow down' } },
          { status: 429, headers: { 'retry-after': '2', 'request-id': 'req_5' } },
        ),
      ),
    )
    const error: unknown = await api()
      .getUser()
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(VendorError)
    expect(error).toMatchObject({
      code: 'elevenlabs_rate_limited',
      status: 429,
      vendorCode: 'rate_limit_exceeded',
      requestId: 'req_5',
      retryAfterMs: 2000,
      retry: 'backoff',
      message: 'get user: ElevenLabs answered 429, rate_limit_exceeded: Slow down',
    })
  })

  test('ends at its limit or with its signal', async () => {
    const clock = new ManualClock()
    server.use(
      http.get(`${BASE}/v1/user`, () => {
        clock.advance(250)
        return new Promise<never>(() => undefined)
      }),
    )
    await expect(api({ timeoutMs: 250, clock }).getUser()).rejects.toMatchObject({ code: 'http_timeout' })
    await expect(api().getUser({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'http_aborted' })
  })

  test('reads no more than its limit', async () => {
    answer('get', '/v1/user', { user_id: 'u', padding: 'x'.repeat(10_000) })
    await expect(api({ maxResponseBytes: 5000 }).getUser()).rejects.toMatchObject({ code: 'http_response_too_large' })
  })

  test('goes to the region that was chosen', async () => {
    const base = 'https://api.eu.residency.elevenlabs.io'
    answer('get', '/v1/user', { user_id: 'u' }, { base })
    expect(await api({ baseUrl: `${base}/` }).getUser()).toEqual({ userId: 'u' })
  })
})

test('the key is nowhere to be seen', async () => {
  const client = api()
  expect(inspect(client, { depth: 9, showHidden: true }) + JSON.stringify(client)).not.toContain('not_a_real')
  answer('get', '/v1/user', 'the key sk_not_a_real_key is wrong', { status: 401 })
  const error: unknown = await client.getUser().catch((thrown: unknown) => thrown)
  expect(inspect(error, { depth: 9 })).not.toContain('not_a_real')
})

test.each([{ apiKey: '' }, { apiKey: 'a b' }, { apiKey: 'a\r\nx: y' }, { apiKey: undefined as unknown as string }])(
  '%j is no API key',
  ({ apiKey }) => {
    expect(() => new ElevenLabsApi({ apiKey })).toThrow(TypeError)
  },
)

test('a base URL or a limit that cannot be right is told at once', () => {
  for (const baseUrl of ['x', 'ftp://x', 'https://x.example/?a=b', 'https://user:pass@x.example']) {
    expect(() => api({ baseUrl })).toThrow(TypeError)
  }
  expect(() => api({ timeoutMs: 0 })).toThrow(RangeError)
})
