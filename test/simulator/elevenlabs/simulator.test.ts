import { createServer, type Server } from 'node:http'
import { createConnection, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { ManualClock } from '../../../src/core/clock.js'
import { ElevenLabsSimulator, type ElevenLabsSimulatorOptions } from '../../../src/simulator/elevenlabs/simulator.js'
import { verifyElevenLabsWebhook } from '../../../src/webhooks/elevenlabs-signature.js'
import { loadSpeech } from '../../support/speech.js'
import { steppedClock, type SteppedClock } from '../../support/stepped-clock.js'
import { INITIATION, type Frame } from './raw-client.js'

const speech = loadSpeech()
const known = Object.values(speech)
const toClose: { close: () => unknown }[] = []
afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close()
})

async function start(options: Partial<ElevenLabsSimulatorOptions> = {}): Promise<ElevenLabsSimulator> {
  const agents = [
    { agentId: 'agent_public', firstMessage: 'Hello.' },
    { agentId: 'agent_private', isPrivate: true },
  ]
  const simulator = await ElevenLabsSimulator.start({ agents, ...options })
  toClose.push(simulator)
  return simulator
}

/** A client on the `ws` package that knows nothing but the published protocol. */
function connect(url: string, headers: Record<string, string> = {}, protocols: string[] = []) {
  const ws = new WebSocket(url, protocols, { headers })
  toClose.push({ close: () => ws.terminate() })
  const frames: Frame[] = []
  const waiting: { type: string; resolve: (frame: Frame) => void }[] = []
  ws.on('message', (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as Frame
    frames.push(frame)
    if (frame['type'] === 'ping') ws.send(JSON.stringify({ type: 'pong', event_id: frame['ping_event'].event_id }))
    for (const one of waiting.filter(({ type }) => type === frame['type'])) {
      waiting.splice(waiting.indexOf(one), 1)
      one.resolve(frame)
    }
  })
  const opened = new Promise<number | undefined>((resolve) => {
    ws.on('open', () => resolve(undefined))
    ws.on('unexpected-response', (_, response) => {
      resolve(response.statusCode)
      ws.terminate()
    })
    ws.on('error', () => {})
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  return {
    ws,
    frames,
    opened,
    closed,
    send: (message: unknown) => ws.send(JSON.stringify(message)),
    next: (type: string) => new Promise<Frame>((resolve) => waiting.push({ type, resolve })),
    of: (type: string) => frames.filter((frame) => frame['type'] === type),
  }
}

const socketUrl = (simulator: ElevenLabsSimulator, query: string): string => {
  return `${simulator.webSocketUrl}/v1/convai/conversation?${query}`
}

const get = (simulator: ElevenLabsSimulator, path: string, init: RequestInit = {}): Promise<Response> => {
  return fetch(simulator.baseUrl + path, { headers: { 'xi-api-key': simulator.apiKey }, ...init })
}

async function signedUrl(simulator: ElevenLabsSimulator, query = ''): Promise<URL> {
  const response = await get(simulator, `/v1/convai/conversation/get-signed-url?agent_id=agent_private${query}`)
  const body = (await response.json()) as { signed_url: string }
  expect(Object.keys(body)).toEqual(['signed_url'])
  return new URL(body.signed_url)
}

describe('who may connect', () => {
  test('anyone to a public agent, with any subprotocol or none', async () => {
    const simulator = await start()
    for (const protocols of [[], ['convai'], ['convai', 'bearer.x']]) {
      const call = connect(socketUrl(simulator, 'agent_id=agent_public'), {}, protocols)
      await call.opened
      call.send(INITIATION)
      const metadata = await call.next('conversation_initiation_metadata')
      const conversation = await simulator.nextConversation()
      expect(metadata['conversation_initiation_metadata_event'].conversation_id).toBe(conversation.conversationId)
    }
  })

  test('nobody to a private agent without a signature: the socket opens, then closes 3000', async () => {
    const simulator = await start()
    const call = connect(socketUrl(simulator, 'agent_id=agent_private'))
    await expect(call.opened).resolves.toBeUndefined()
    await expect(call.closed).resolves.toEqual({ code: 3000, reason: 'Could not authorize the conversation.' })
    expect(simulator.conversations).toEqual([])
  })

  test('whoever has the key', async () => {
    const simulator = await start()
    connect(socketUrl(simulator, 'agent_id=agent_private'), { 'xi-api-key': simulator.apiKey })
    expect((await simulator.nextConversation()).record.options.authorizationMethod).toBe('authorization_header')
  })

  test('an agent that does not exist closes 3000', async () => {
    const simulator = await start()
    const call = connect(socketUrl(simulator, 'agent_id=nobody'))
    const reason = 'The AI agent you are trying to reach does not exist.'
    await expect(call.closed).resolves.toEqual({ code: 3000, reason })
  })

  test('a signed URL with a conversation id tells the id, and serves once', async () => {
    const simulator = await start()
    const url = await signedUrl(simulator, '&include_conversation_id=true')
    const id = url.searchParams.get('conversation_id')
    expect(id).toMatch(/^conv_/)
    connect(url.href)
    expect((await simulator.nextConversation()).conversationId).toBe(id)
    const again = connect(url.href)
    expect((await again.closed).code).toBe(3000)
  })

  test('a signed URL is of no use to another agent, with another id, nor after 15 minutes', async () => {
    const clock = new ManualClock()
    const simulator = await start({ clock })
    const plain = await signedUrl(simulator)
    expect(plain.searchParams.get('conversation_id')).toBeNull()
    for (const [name, value] of [
      ['agent_id', 'agent_public'],
      ['conversation_id', 'conv_mine'],
      ['conversation_signature', 'x'],
    ] as const) {
      // prettier-ignore
      const url = new URL(plain)
      url.searchParams.set(name, value)
      expect((await connect(url.href).closed).code).toBe(3000)
    }
    clock.advance(14 * 60_000)
    connect(plain.href)
    expect((await simulator.nextConversation()).record.options.authorizationMethod).toBe('signed_url')
    clock.advance(2 * 60_000)
    expect((await connect(plain.href).closed).code).toBe(3000)
  })

  test('another path is no agent', async () => {
    const simulator = await start()
    await expect(connect(`${simulator.webSocketUrl}/v1/other`).opened).resolves.toBe(404)
  })

  test('the upgrade can be refused, cut off or put off', async () => {
    const simulator = await start()
    const url = socketUrl(simulator, 'agent_id=agent_public')
    simulator.failNextConversation({ at: 'upgrade', action: { refuse: { status: 429, retryAfterSecs: 3 } } })
    await expect(connect(url).opened).resolves.toBe(429)
    simulator.failNextConversation({ at: 'upgrade', action: { terminate: true } })
    expect((await connect(url).closed).code).toBe(1006)
    const beforeMs = performance.now()
    simulator.failNextConversation({ at: 'upgrade', afterMs: 150 })
    await expect(connect(url).opened).resolves.toBeUndefined()
    expect(performance.now() - beforeMs).toBeGreaterThan(140)
  })

  test('a fault of the next conversation is not one of the conversation after it', async () => {
    const simulator = await start()
    simulator.failNextConversation({ at: 'open', action: { close: { code: 1011 } } })
    const url = socketUrl(simulator, 'agent_id=agent_public')
    expect((await connect(url).closed).code).toBe(1011)
    const healthy = connect(url)
    await healthy.opened
    healthy.send(INITIATION)
    await healthy.next('conversation_initiation_metadata')
  })
})

describe('the REST API', () => {
  test('wants the key', async () => {
    const simulator = await start()
    for (const headers of [{}, { 'xi-api-key': 'wrong' }]) {
      const response = await get(simulator, '/v1/user', { headers })
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ detail: { status: expect.stringMatching(/key|authorization/) } })
    }
    expect((await get(simulator, '/v1/user')).status).toBe(200)
  })

  test('tells how an agent is set', async () => {
    const allowedOverrides = { agent: { first_message: true }, custom_llm_extra_body: true }
    const agent = {
      agentId: 'a',
      firstMessage: speech.greeting,
      allowedOverrides,
      userInputAudioFormat: 'pcm_16000',
    } as const
    const simulator = await start({ agents: [agent] })
    expect(await (await get(simulator, '/v1/convai/agents/a')).json()).toMatchObject({
      agent_id: 'a',
      conversation_config: {
        asr: { user_input_audio_format: 'pcm_16000' },
        tts: { agent_output_audio_format: 'ulaw_8000' },
        agent: { first_message: speech.greeting.text },
      },
      platform_settings: {
        auth: { enable_auth: false },
        overrides: { conversation_config_override: { agent: { first_message: true } }, custom_llm_extra_body: true },
      },
    })
    expect((await get(simulator, '/v1/convai/agents/b')).status).toBe(404)
  })

  test('refuses what the real one refuses', async () => {
    const simulator = await start()
    expect((await get(simulator, '/v1/convai/conversations', { method: 'POST', headers: { 'xi-api-key': simulator.apiKey } })).status).toBe(405) // prettier-ignore
    expect((await get(simulator, '/v1/convai/nothing')).status).toBe(404)
    const response = await get(simulator, '/v1/convai/conversation/get-signed-url')
    expect(response.status).toBe(422)
    expect(await response.json()).toEqual({
      detail: [{ loc: ['query', 'agent_id'], msg: 'Field required', type: 'missing' }],
    })
    const register = { method: 'POST', headers: { 'xi-api-key': simulator.apiKey } }
    for (const body of ['{', '{}', '{"agent_id":"agent_public"}']) {
      expect((await get(simulator, '/v1/convai/twilio/register-call', { ...register, body })).status).toBe(422)
    }
  })

  test.each([
    [
      'structured',
      { detail: { type: 'rate_limit_error', code: 'rate_limit_exceeded', request_id: expect.any(String) } },
    ],
    ['legacy', { detail: { status: 'rate_limit_exceeded' } }],
    ['validation', { detail: [{ loc: ['query', 'agent_id'] }] }],
    ['text', { detail: 'Simulated failure (429)' }],
  ] as const)('fails once in the shape %s, with Retry-After', async (shape, body) => {
    const simulator = await start()
    simulator.failNextRequest({ path: 'get-signed-url', status: 429, shape, retryAfterSecs: 7 })
    expect((await get(simulator, '/v1/user')).status).toBe(200)
    const path = '/v1/convai/conversation/get-signed-url?agent_id=agent_public'
    const response = await get(simulator, path)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
    expect(await response.json()).toMatchObject(body)
    expect((await get(simulator, path)).status).toBe(200)
    expect(simulator.requests.map(({ status }) => status)).toEqual([200, 429, 200])
  })

  test('fails as a proxy does, answers late, and several times', async () => {
    const simulator = await start()
    simulator.failNextRequest({ status: 502, shape: 'html', times: 2 })
    for (const status of [502, 502, 200]) expect((await get(simulator, '/v1/user')).status).toBe(status)
    simulator.failNextRequest({ delayMs: 150 })
    const beforeMs = performance.now()
    expect((await get(simulator, '/v1/user')).status).toBe(200)
    expect(performance.now() - beforeMs).toBeGreaterThan(140)
  })

  test('survives what is no HTTP path, no JSON and too large', async () => {
    const simulator = await start()
    const answers = await Promise.all(
      ['//', 'http://[', '/v1/convai/agents/%', '/v1/convai/conversations/..%2f..'].map((path) =>
        rawRequest(simulator, path),
      ),
    )
    for (const status of answers) expect(status).toBeGreaterThanOrEqual(400)
    const init = { method: 'POST', headers: { 'xi-api-key': simulator.apiKey }, body: 'x'.repeat(2_000_000) }
    expect((await get(simulator, '/v1/convai/twilio/register-call', init)).status).toBe(413)
    expect((await get(simulator, '/v1/user')).status).toBe(200)
  })

  test('close() drops a client that waits for a late answer', async () => {
    const simulator = await start()
    simulator.failNextRequest({ delayMs: 60_000 })
    const answer = get(simulator, '/v1/user')
    await Promise.all([
      expect(answer).rejects.toThrow(),
      new Promise((resolve) => setTimeout(resolve, 50)).then(() => simulator.close()),
    ])
    await expect(simulator.close()).resolves.toBeUndefined()
  })

  test('lists the conversations page by page, newest first', async () => {
    const simulator = await start()
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      connect(socketUrl(simulator, 'agent_id=agent_public'))
      ids.unshift((await simulator.nextConversation()).conversationId)
    }
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const response = await get(simulator, `/v1/convai/conversations?page_size=2&cursor=${cursor}`)
      const page = (await response.json()) as {
        conversations: { conversation_id: string }[]
        next_cursor: string | null
      }
      seen.push(...page.conversations.map(({ conversation_id }) => conversation_id))
      cursor = page.next_cursor
    }
    expect(seen).toEqual(ids)
  })
})

describe('a registered call', () => {
  const register = async (
    simulator: ElevenLabsSimulator,
    initiation?: object,
  ): Promise<{ url: string; id: string }> => {
    const call = { agent_id: 'agent_public', from_number: '+15550100', to_number: '+15550199', direction: 'inbound' }
    const body = JSON.stringify({ ...call, conversation_initiation_client_data: initiation })
    const headers = { 'xi-api-key': simulator.apiKey, 'content-type': 'application/json' }
    const response = await get(simulator, '/v1/convai/twilio/register-call', { method: 'POST', headers, body })
    const twiml = await response.text()
    expect(response.headers.get('content-type')).toContain('xml')
    return {
      url: /<Stream url="([^"]+)">/.exec(twiml)?.[1] ?? '',
      id: /<Parameter name="conversation_id" value="([^"]+)"/.exec(twiml)?.[1] ?? '',
    }
  }
  const twilioStart = (id: string): object => ({
    event: 'start',
    sequenceNumber: '1',
    streamSid: 'MZ1',
    start: { streamSid: 'MZ1', callSid: 'CA1', customParameters: { conversation_id: id } },
  })

  test('talks Media Streams: media both ways, clear on barge-in, and a goodbye that is heard out', async () => {
    const clock = steppedClock()
    const simulator = await start({
      clock,
      speech: known,
      agents: [
        {
          agentId: 'agent_public',
          firstMessage: speech.greeting,
          script: () => [speech['one-moment'], { endCall: {} }],
        },
      ],
    })
    const { url, id } = await register(simulator, { dynamic_variables: { name: 'Ada' } })
    const call = connect(url)
    await call.opened
    const twilio: Frame[] = []
    let marked: (() => void) | undefined
    const mark = new Promise<void>((resolve) => (marked = resolve))
    call.ws.on('message', (data) => {
      const frame = JSON.parse((data as Buffer).toString()) as Frame
      twilio.push(frame)
      if (frame['event'] === 'mark') marked?.()
    })
    call.send({ event: 'connected', protocol: 'Call', version: '1.0.0' })
    call.send(twilioStart(id))
    const conversation = await simulator.nextConversation()
    expect(conversation.conversationId).toBe(id)
    expect(conversation.dynamicVariables).toEqual({ name: 'Ada' })
    const heard = new Promise((resolve) => conversation.once('heard', resolve))
    await speak(call.ws, Buffer.concat([Buffer.alloc(8000, 0xff), speech['move-request'].audio, Buffer.alloc(8000, 0xff)]), clock, (payload) => ({ event: 'media', streamSid: 'MZ1', media: { track: 'inbound', payload } })) // prettier-ignore
    await heard
    await mark
    expect(conversation.heard).toMatchObject([{ text: speech['move-request'].text, hasInterrupted: true }])
    expect(twilio.map(({ event }) => String(event))).toContain('clear')
    for (const frame of twilio) expect(frame['streamSid']).toBe('MZ1')
    call.send({ event: 'mark', streamSid: 'MZ1', mark: twilio.at(-1)?.['mark'] })
    expect((await call.closed).code).toBe(1000)
    const detail = (await (await get(simulator, `/v1/convai/conversations/${id}`)).json()) as Frame
    expect(detail['metadata'].phone_call).toMatchObject({ type: 'twilio', direction: 'inbound', call_sid: 'CA1', external_number: '+15550100' }) // prettier-ignore
  })

  test('connects once, and only when it was registered', async () => {
    const simulator = await start()
    const { url, id } = await register(simulator)
    const first = connect(url)
    await first.opened
    first.send(twilioStart(id))
    await simulator.nextConversation()
    for (const other of [id, 'conv_unknown']) {
      const again = connect(url)
      await again.opened
      again.send(twilioStart(other))
      expect((await again.closed).code).toBe(1008)
    }
  })
})

describe('hostile sockets', () => {
  test.each([
    ['no initiation', 'agent_id=agent_public', ['null', '1', '"x"', '[]', '{', '']],
    [
      'a Twilio stream of nothing',
      'x=1',
      ['null', '1', '[]', '{', '{"event":"start"}', '{"event":"start","start":{"customParameters":[]}}'],
    ],
    [
      'a Twilio stream out of order',
      'x=1',
      [
        '{"event":"media","media":{"payload":"//8="}}',
        '{"event":"stop"}',
        '{"event":"mark","mark":null}',
        '{"event":"start","start":null}',
      ],
    ],
  ])('%s closes that socket and nothing else', async (_, query, messages) => {
    const simulator = await start()
    for (const message of messages) {
      const call = connect(socketUrl(simulator, query))
      await call.opened
      call.ws.send(message)
      call.ws.send(message)
      call.ws.send(Buffer.from([1, 2, 3]))
      expect((await call.closed).code).toBeGreaterThan(1000)
    }
    expect((await get(simulator, '/v1/user')).status).toBe(200)
  })
})

describe('the webhooks after a call', () => {
  interface Delivery {
    readonly event: Frame
    readonly hasLength: boolean
    readonly verdict: ReturnType<typeof verifyElevenLabsWebhook>
  }

  /** A server that takes webhooks, answering with each status in turn and then 200. */
  async function receiver(secret: string, statuses: number[] = []) {
    const deliveries: Delivery[] = []
    const server: Server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const body = Buffer.concat(parts)
        const signature = request.headers['elevenlabs-signature']
        deliveries.push({
          event: JSON.parse(body.toString()) as Frame,
          hasLength: request.headers['content-length'] !== undefined,
          verdict: verifyElevenLabsWebhook({ secret, signature, body, toleranceMs: 1e9, futureToleranceMs: 1e9 }),
        })
        response.writeHead(statuses.shift() ?? 200).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    toClose.push(server)
    return { deliveries, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` }
  }

  const call = async (simulator: ElevenLabsSimulator): Promise<string> => {
    const client = connect(socketUrl(simulator, 'agent_id=agent_public'))
    await client.opened
    client.send({ ...INITIATION, user_id: 'crm-4711', dynamic_variables: { name: 'Ada' } })
    await client.next('agent_response')
    client.ws.close(1000)
    const conversation = await simulator.nextConversation()
    await conversation.ended
    return conversation.conversationId
  }
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  test('the transcript comes signed and equals what the REST API tells, the audio apart from it and without a length', async () => {
    const secret = 'wsec_0123456789abcdef'
    const { deliveries, url } = await receiver(secret)
    const simulator = await start({ clock: steppedClock(), webhook: { url, secret, events: ['transcript', 'audio'] } })
    const id = await call(simulator)
    const early = (await (await get(simulator, `/v1/convai/conversations/${id}`)).json()) as Frame
    expect(early).toMatchObject({ status: 'processing', analysis: null })
    await until(() => simulator.webhookDeliveries.length === 2)
    expect(deliveries.map(({ verdict }) => verdict.ok)).toEqual([true, true])
    expect(deliveries.map(({ event }) => event['type'] as string)).toEqual([
      'post_call_transcription',
      'post_call_audio',
    ])
    expect(deliveries.map(({ hasLength }) => hasLength)).toEqual([true, false])
    const detail = (await (await get(simulator, `/v1/convai/conversations/${id}`)).json()) as Frame
    expect(deliveries[0]?.event['data']).toEqual(detail)
    expect(detail).toMatchObject({
      status: 'done',
      user_id: 'crm-4711',
      transcript: [{ role: 'agent', message: 'Hello.' }],
      metadata: { termination_reason: 'Client disconnected: 1000', authorization_method: 'public', phone_call: null },
      analysis: { call_successful: 'success' },
      conversation_initiation_client_data: { dynamic_variables: { name: 'Ada', system__conversation_id: id } },
    })
    const audio = deliveries[1]?.event['data']
    expect(Object.keys(audio as object).sort()).toEqual(['agent_id', 'conversation_id', 'full_audio'])
    expect(Buffer.from(audio.full_audio as string, 'base64').readUInt16BE(0) >> 5).toBe(0x7ff)
  })

  test('comes twice on demand', async () => {
    const { deliveries, url } = await receiver('s')
    const simulator = await start({ clock: steppedClock(), webhook: { url, secret: 's', copies: 2 } })
    await call(simulator)
    await until(() => simulator.webhookDeliveries.length === 2)
    expect(deliveries[1]?.event).toEqual(deliveries[0]?.event)
  })

  test('is sent again after 503 when retries are on, 30 s and 2 min later, and never after 400', async () => {
    const { deliveries, url } = await receiver('s', [503, 429, 200, 400])
    const clock = new ManualClock()
    const simulator = await start({ clock, webhook: { url, secret: 's', retryEnabled: true } })
    const advance = async (ms: number, deliveriesAfter: number): Promise<void> => {
      await until(() => clock.pendingTimers > 0)
      clock.advance(ms)
      await until(() => simulator.webhookDeliveries.length === deliveriesAfter)
    }
    await call(simulator)
    await advance(500, 1)
    clock.advance(29_000)
    expect(deliveries).toHaveLength(1)
    await advance(1000, 2)
    await advance(120_000, 3)
    await call(simulator)
    await advance(500, 4)
    clock.advance(3_600_000)
    expect(simulator.webhookDeliveries).toHaveLength(4)
    expect(simulator.webhookDeliveries.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 503],
      [2, 429],
      [3, 200],
      [1, 400],
    ])
  })

  test('a call that never came about is told with Twilio’s parameters', async () => {
    const { deliveries, url } = await receiver('s')
    const simulator = await start({ webhook: { url, secret: 's', events: ['call_initiation_failure'] } })
    await simulator.sendCallInitiationFailure({
      agentId: 'agent_public',
      reason: 'no-answer',
      twilio: { CallSid: 'CA1' },
    })
    expect(deliveries[0]?.verdict.ok).toBe(true)
    expect(deliveries[0]?.event).toMatchObject({
      type: 'call_initiation_failure',
      data: { failure_reason: 'no-answer', metadata: { type: 'twilio', body: { CallSid: 'CA1' } } },
    })
  })

  test('a receiver that is not there is noted, and nothing else happens', async () => {
    const simulator = await start({ clock: steppedClock(), webhook: { url: 'http://127.0.0.1:1/', secret: 's' } })
    await call(simulator)
    await until(() => simulator.webhookDeliveries.length === 1)
    expect(simulator.webhookDeliveries[0]?.status).toBeUndefined()
  })
})

/** A GET whose path goes over the wire as it is. */
function rawRequest(simulator: ElevenLabsSimulator, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(simulator.port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nxi-api-key: ${simulator.apiKey}\r\nConnection: close\r\n\r\n`)
    })
    socket.once('data', (data) => resolve(Number(data.toString().split(' ')[1])))
    socket.once('error', reject)
  })
}

/** Sends audio in 20 ms frames, as a telephone does, by the simulator's own clock. */
async function speak(
  ws: WebSocket,
  audio: Buffer,
  clock: SteppedClock,
  frame: (payload: string) => object,
): Promise<void> {
  const startMs = clock.monotonicMs()
  for (let at = 0; at < audio.length && ws.readyState === ws.OPEN; at += 160) {
    const aheadMs = at / 8 - (clock.monotonicMs() - startMs)
    if (aheadMs > 0) await clock.sleep(aheadMs)
    ws.send(JSON.stringify(frame(audio.subarray(at, at + 160).toString('base64'))))
  }
}

test('the whole call of the dental practice: barge-in, two tools, a goodbye', async () => {
  const clock = steppedClock()
  const simulator = await start({
    clock,
    speech: known,
    agents: [
      {
        agentId: 'agent_public',
        firstMessage: speech.greeting,
        script: [
          { after: speech['move-request'].text, reply: speech['ask-confirmation'] },
          {
            after: speech['confirmation-number'].text,
            reply: [
              speech['one-moment'],
              {
                callTool: { name: 'find_appointment', parameters: { confirmation: 'A17' } },
                onResult: ({ isError }) => (isError ? [speech.apology, { endCall: {} }] : speech.offer),
              },
            ],
          },
          {
            after: speech.accept.text,
            reply: [{ callTool: { name: 'move_appointment' } }, speech.goodbye, { endCall: {} }],
          },
        ],
      },
    ],
  })
  const call = connect(socketUrl(simulator, 'agent_id=agent_public'))
  await call.opened
  call.ws.on('message', (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as Frame
    if (frame['type'] !== 'client_tool_call') return
    const { tool_call_id, tool_name } = frame['client_tool_call']
    call.send({ type: 'client_tool_result', tool_call_id, result: `${tool_name} done`, is_error: false })
  })
  call.send(INITIATION)
  const conversation = await simulator.nextConversation()
  const silence = (ms: number): Buffer => Buffer.alloc(ms * 8, 0xff)
  const line = Buffer.concat([
    silence(3000),
    speech['move-request'].audio, // over the greeting
    silence(4500),
    speech['confirmation-number'].audio,
    silence(9500),
    speech.accept.audio,
    silence(4000),
  ])
  await Promise.race([speak(call.ws, line, clock, (payload) => ({ user_audio_chunk: payload })), call.closed])
  expect((await call.closed).code).toBe(1000)
  simulator.verify()
  expect(conversation.heard.map(({ text, hasInterrupted }) => [text, hasInterrupted])).toEqual([
    [speech['move-request'].text, true],
    [speech['confirmation-number'].text, false],
    [speech.accept.text, false],
  ])
  expect(call.of('client_tool_call').map((frame) => frame['client_tool_call'].tool_name as string)).toEqual([
    'find_appointment',
    'move_appointment',
  ])
  expect(call.frames.at(-1)?.['agent_tool_response']).toMatchObject({ tool_name: 'end_call' })
})

test('verify tells violations and problems of scripts, without a word of what was said', async () => {
  const simulator = await start({ agents: [{ agentId: 'agent_public', script: [{ after: 'yes', reply: 'Fine.' }] }] })
  expect(() => simulator.verify()).not.toThrow()
  const call = connect(socketUrl(simulator, 'agent_id=agent_public'))
  await call.opened
  call.send(INITIATION)
  await call.next('conversation_initiation_metadata')
  call.send({ type: 'user_message', text: 'my secret is 42' })
  await call.next('agent_response')
  call.send({ type: 'nonsense' })
  await call.closed
  const error = await Promise.resolve().then(() => simulator.verify()).catch((reason: unknown) => reason as Error) // prettier-ignore
  expect(error).toMatchObject({ code: 'simulator_scenario_failed' })
  expect((error as Error).message).toMatch(/message_invalid.*turn 0: something else was heard/)
  expect((error as Error).message).not.toMatch(/secret|yes/)
})

test('two hundred conversations at once each hear their own caller', async () => {
  const clock = steppedClock()
  const simulator = await start({
    clock,
    speech: known,
    agents: [{ agentId: 'agent_public', firstMessage: speech['one-moment'], script: (heard) => heard.text }],
  })
  const callers = ['move-request', 'confirmation-number', 'accept'] as const
  const replies = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const { audio, text } = speech[callers[i % 3]!]
      const call = connect(socketUrl(simulator, 'agent_id=agent_public'))
      await call.opened
      call.send(INITIATION)
      await call.next('agent_response_complete')
      const line = Buffer.concat([Buffer.alloc(16_000, 0xff), audio, Buffer.alloc(8000, 0xff)])
      const replied = call.next('agent_response')
      await speak(call.ws, line, clock, (payload) => ({ user_audio_chunk: payload }))
      const reply = await replied
      return [reply['agent_response_event'].agent_response as string, text]
    }),
  )
  for (const [reply, text] of replies) expect(reply).toBe(text)
  expect(simulator.violations).toEqual([])
}, 90_000)
