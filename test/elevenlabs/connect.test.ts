import { createServer, type IncomingMessage, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { ManualClock } from '../../src/core/clock.js'
import { ElevenLabsApi } from '../../src/elevenlabs/api.js'
import { connectConversation } from '../../src/elevenlabs/connect.js'
import { corpusJson } from './corpus.js'

const METADATA = corpusJson('server', 'metadata')
const AUDIO = corpusJson('server', 'audio')
const LONG = 'much '.repeat(4000)
const open: Server[] = []
const raw: Duplex[] = []

afterEach(async () => {
  for (const socket of raw.splice(0)) socket.destroy()
  for (const server of open.splice(0)) {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
})

interface Agent {
  readonly port: number
  /** Address of a public agent. */
  readonly url: string
  readonly requests: IncomingMessage[]
}

/** A real server on loopback whose socket end does what `converse` says. */
async function agentThat(converse: (ws: WebSocket, request: IncomingMessage) => void): Promise<Agent> {
  const requests: IncomingMessage[] = []
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (ws, request) => {
    requests.push(request)
    ws.on('error', () => undefined)
    converse(ws, request)
  })
  return { ...(await listening(server)), requests }
}

/** A real server on loopback that does with an upgrade request what `answer` says. */
async function hostThat(answer: (socket: Duplex) => void): Promise<Agent> {
  const requests: IncomingMessage[] = []
  const server = createServer()
  server.on('upgrade', (request, socket) => {
    requests.push(request)
    raw.push(socket)
    socket.on('error', () => undefined)
    answer(socket)
  })
  return { ...(await listening(server)), requests }
}

async function listening(server: Server): Promise<{ port: number; url: string }> {
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, url: `ws://127.0.0.1:${port}/v1/convai/conversation?agent_id=a&conversation_signature=top-secret` }
}

const startAtOnce = (ws: WebSocket): void => {
  ws.once('message', () => ws.send(METADATA))
}

describe('connecting', () => {
  test('opens the socket, sends the initiation first, and talks both ways', async () => {
    const said: string[] = []
    const agent = await agentThat((ws) => {
      ws.on('message', (data: Buffer) => {
        said.push(data.toString())
        if (said.length === 1) ws.send(METADATA)
        else if (said.length === 2) ws.send(AUDIO)
        else ws.close(1000, 'bye')
      })
    })
    const heard: string[] = []
    const conversation = await connectConversation({
      url: agent.url,
      initiation: { userId: 'u' },
      onAudio: (payload) => {
        heard.push(payload)
        conversation.sendAudio('BBBB')
      },
    })
    await conversation.ready
    conversation.sendAudio('AAAA')
    expect(await conversation.ended).toMatchObject({
      reason: 'agent-ended',
      closeReason: 'bye',
      conversationId: 'conv_0101k5',
    })
    expect(said).toEqual([
      '{"type":"conversation_initiation_client_data","user_id":"u"}',
      '{"user_audio_chunk":"AAAA"}',
      '{"user_audio_chunk":"BBBB"}',
    ])
    expect(heard).toEqual(['f39/f39/f39/'])
  })

  test('asks for no subprotocol and no compression, and sends an origin only when told', async () => {
    const agent = await agentThat(startAtOnce)
    const plain = await connectConversation({ url: agent.url })
    const fromHost = await connectConversation({ url: agent.url, origin: 'https://app.example' })
    const [first, second] = agent.requests
    expect(first?.headers).not.toHaveProperty('sec-websocket-protocol')
    expect(first?.headers).not.toHaveProperty('sec-websocket-extensions')
    expect(first?.headers.origin).toBeUndefined()
    expect(second?.headers.origin).toBe('https://app.example')
    plain.close()
    fromHost.close()
    await Promise.all([plain.ended, fromHost.ended])
  })

  test('reaches a public agent by its id at any base URL', async () => {
    const agent = await agentThat(startAtOnce)
    const conversation = await connectConversation({ agentId: 'agent 1&x', baseUrl: `http://127.0.0.1:${agent.port}/` })
    await conversation.ready
    expect(agent.requests[0]?.url).toBe('/v1/convai/conversation?agent_id=agent%201%26x')
    await conversation[Symbol.asyncDispose]()
  })

  test('fetches a signed URL for a private agent, for its branch and environment', async () => {
    const agent = await agentThat(startAtOnce)
    const asked: string[] = []
    const api = new ElevenLabsApi({
      apiKey: 'key',
      fetch: async (url) => {
        asked.push(url)
        return new Response(JSON.stringify({ signed_url: agent.url }))
      },
    })
    const initiation = { branchId: 'b1', environment: 'staging' }
    const conversation = await connectConversation({ api, agentId: 'a', initiation })
    await conversation.ready
    expect(asked[0]).toContain('agent_id=a&include_conversation_id=true&branch_id=b1&environment=staging')
    conversation.close()
    await conversation.ended
  })

  test('what a signed URL is refused with comes through', async () => {
    const fetch = async (): Promise<Response> =>
      new Response('{"detail":{"status":"invalid_api_key"}}', { status: 401 })
    const api = new ElevenLabsApi({ apiKey: 'key', fetch })
    await expect(connectConversation({ api, agentId: 'a' })).rejects.toMatchObject({
      code: 'elevenlabs_unauthorized',
      status: 401,
    })
  })

  test.each([
    { url: 'nonsense' },
    { url: 'http://x.example' },
    { url: 'ws://x.example/#a' },
    { agentId: '' },
    { agentId: 'a', baseUrl: 'x' },
  ])('an address that cannot be right is a TypeError that does not repeat it: %j', async (address) => {
    const error: unknown = await connectConversation(address).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TypeError)
    if ('url' in address) expect((error as Error).message).not.toContain(address.url)
  })

  test('an initiation that cannot be sent leaves no socket open', async () => {
    const closed = deferred<number>()
    const agent = await agentThat((ws) => ws.on('close', (code) => closed.resolve(code)))
    const initiation = { dynamicVariables: { system__time: 1 } }
    await expect(connectConversation({ url: agent.url, initiation })).rejects.toBeInstanceOf(TypeError)
    expect(await closed.promise).toBe(1006)
  })
})

describe('a refusal before the upgrade', () => {
  test.each([
    [
      401,
      '{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}',
      'elevenlabs_unauthorized',
      'Invalid API key',
    ],
    [403, '{"detail":"Forbidden"}', 'elevenlabs_unauthorized', 'Forbidden'],
    [
      404,
      '{"detail":{"code":"agent_not_found","message":"Agent not found"}}',
      'elevenlabs_agent_not_found',
      'agent_not_found',
    ],
    [429, '{"detail":{"code":"concurrent_limit_exceeded"}}', 'elevenlabs_rate_limited', 'concurrent_limit_exceeded'],
    [502, '<html><body>Bad gateway</body></html>', 'elevenlabs_server_error', '502'],
    [200, '<html>captive portal</html>', 'elevenlabs_request_failed', '200'],
    [500, LONG, 'elevenlabs_server_error', '500'],
    [302, '', 'elevenlabs_request_failed', '302'],
  ] as const)('refusal %$: %i', async (status, body, code, part) => {
    const head = `HTTP/1.1 ${status} No\r\nrequest-id: req_7\r\nretry-after: 3\r\ncontent-length: ${body.length}\r\n\r\n`
    const host = await hostThat((socket) => socket.end(head + body))
    const error: unknown = await connectConversation({ url: host.url }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'VendorError', code, status, requestId: 'req_7', retryAfterMs: 3000 })
    expect((error as Error).message).toContain(part)
    expect((error as Error).message.length).toBeLessThan(400)
    expect(JSON.stringify(error) + (error as Error).message).not.toContain('top-secret')
  })

  test('nobody there is a connection that failed, with the network\u2019s word for it', async () => {
    const agent = await agentThat(startAtOnce)
    open[0]?.close()
    await expect(connectConversation({ url: agent.url })).rejects.toMatchObject({
      code: 'elevenlabs_connect_failed',
      message: expect.stringContaining('ECONNREFUSED') as string,
      retry: 'once',
    })
  })

  test('a host that says nothing is given up at the limit', async () => {
    const clock = new ManualClock()
    const host = await hostThat(() => clock.advance(1500))
    await expect(connectConversation({ url: host.url, clock, connectTimeoutMs: 1500 })).rejects.toMatchObject({
      code: 'elevenlabs_connect_timeout',
    })
    expect(clock.pendingTimers).toBe(0)
  })

  test('an abort while connecting gives up, and one before connects nowhere', async () => {
    const clock = new ManualClock()
    const abort = new AbortController()
    const host = await hostThat(() => abort.abort(new Error('caller hung up')))
    await expect(connectConversation({ url: host.url, clock, signal: abort.signal })).rejects.toMatchObject({
      code: 'http_aborted',
    })
    await expect(connectConversation({ url: host.url, clock, signal: abort.signal })).rejects.toMatchObject({
      code: 'http_aborted',
    })
    expect(host.requests).toHaveLength(1)
    expect(clock.pendingTimers).toBe(0)
  })

  test('an abort after it opened changes nothing', async () => {
    const agent = await agentThat(startAtOnce)
    const abort = new AbortController()
    const conversation = await connectConversation({ url: agent.url, signal: abort.signal })
    abort.abort()
    await conversation.ready
    conversation.close()
    expect((await conversation.ended).reason).toBe('closed-by-us')
  })
})

describe('an open line', () => {
  test('that drops in the middle of a word is a lost connection', async () => {
    const agent = await agentThat((ws) => {
      ws.once('message', () => {
        ws.send(METADATA)
        ws.send(AUDIO, () => ws.terminate())
      })
    })
    const heard: string[] = []
    const conversation = await connectConversation({ url: agent.url, onAudio: (payload) => heard.push(payload) })
    expect(await conversation.ended).toMatchObject({
      reason: 'failed',
      closeCode: 1006,
      error: { code: 'elevenlabs_connection_lost', retry: 'once' },
    })
    expect(heard).toHaveLength(1)
  })

  test('closed with 3000 the moment it opened is told by ready and ended', async () => {
    const agent = await agentThat((ws) => ws.close(3000, 'Could not authorize the conversation.'))
    const conversation = await connectConversation({ url: agent.url })
    await expect(conversation.ready).rejects.toMatchObject({ code: 'elevenlabs_unauthorized', closeCode: 3000 })
    expect((await conversation.ended).closeReason).toBe('Could not authorize the conversation.')
  })

  test('closed with 1008 right after the metadata is a refused override', async () => {
    const agent = await agentThat((ws) => {
      ws.once('message', () => {
        ws.send(METADATA)
        ws.send(AUDIO)
        ws.close(1008, "Override for field 'first_message' is not allowed by config.")
      })
    })
    const conversation = await connectConversation({ url: agent.url })
    const { error } = await conversation.ended
    expect(error?.code).toBe('elevenlabs_override_not_allowed')
    expect(error?.remedy).toContain('First message')
  })

  test('with a message over the limit is closed and says so', async () => {
    const agent = await agentThat((ws) => {
      ws.once('message', () => {
        ws.send(METADATA)
        ws.send(`{"type":"x","y":"${'z'.repeat(5000)}"}`)
      })
    })
    const conversation = await connectConversation({ url: agent.url, maxMessageBytes: 4096 })
    expect((await conversation.ended).error?.code).toBe('elevenlabs_message_too_large')
  })

  test('with binary messages is closed after ten', async () => {
    const agent = await agentThat((ws) => {
      ws.once('message', () => {
        for (let i = 0; i < 12; i++) ws.send(Buffer.alloc(4))
      })
    })
    const conversation = await connectConversation({ url: agent.url })
    expect((await conversation.ended).error?.code).toBe('elevenlabs_message_invalid')
  })

  test('whose peer vanished without a word is noticed by its silence', async () => {
    const clock = new ManualClock()
    const agent = await agentThat((ws) => {
      ws.once('message', () => ws.send(METADATA))
      ;(ws as unknown as { pong: () => void }).pong = () => undefined // a peer that answers no ping
    })
    const conversation = await connectConversation({ url: agent.url, clock })
    await conversation.ready
    clock.advance(45_000)
    expect((await conversation.ended).error?.code).toBe('elevenlabs_connection_lost')
    expect(clock.pendingTimers).toBe(0)
  })

  test('whose peer answers pings stays open', async () => {
    const clock = new ManualClock()
    let pings = 0
    const beat = deferred<undefined>()
    const agent = await agentThat((ws) => {
      ws.once('message', () => ws.send(METADATA))
      ws.on('ping', () => {
        if (++pings === 5) beat.resolve(undefined)
        // The ping's own answer is on its way before this message.
        ws.send(corpusJson('server', 'vad-score'))
      })
    })
    const conversation = await connectConversation({ url: agent.url, clock })
    await conversation.ready
    conversation.on('vadScore', () => clock.advance(15_000))
    clock.advance(15_000)
    await beat.promise
    expect(conversation.state).toBe('active')
    conversation.removeAllListeners('vadScore')
    conversation.close()
    await conversation.ended
  })
})

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => (resolve = settle))
  return { promise, resolve }
}
