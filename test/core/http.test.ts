import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { VoiceError } from '../../src/core/errors.js'
import { retryAfterMs, sendRequest, type Fetch } from '../../src/core/http.js'

const open: Server[] = []

afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
})

/** A real server on loopback. @returns Its address. */
async function serverThat(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer)
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a request was refused with. */
async function failureOf(request: Promise<unknown>): Promise<VoiceError> {
  const error: unknown = await request.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof VoiceError) return error
  throw new Error('it did not fail with a VoiceError', { cause: error })
}

describe('a request over a real connection', () => {
  test('sends what it was given and gives back what came, refusals included', async () => {
    const seen: unknown[] = []
    const url = await serverThat((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        seen.push([request.method, request.url, request.headers['content-type'], request.headers['x-key'], body])
        response.writeHead(418, { 'x-request-id': 'r1' }).end('teapot \u2615')
      })
    })
    const response = await sendRequest({
      method: 'POST',
      url: `${url}/a?b=c`,
      headers: { 'x-key': 'k' },
      json: { n: 1 },
      timeoutMs: 5000,
    })
    expect(seen).toEqual([['POST', '/a?b=c', 'application/json', 'k', '{"n":1}']])
    expect([response.status, response.text, response.headers.get('X-Request-Id')]).toEqual([418, 'teapot \u2615', 'r1'])
  })

  test('keeps its connection for the next one', async () => {
    const sockets = new Set<unknown>()
    const url = await serverThat((request, response) => {
      sockets.add(request.socket)
      response.end('ok')
    })
    for (let i = 0; i < 5; i++) await sendRequest({ url, timeoutMs: 5000 })
    expect(sockets.size).toBeLessThanOrEqual(2) // the next request may begin before the last connection is free again
  })

  test('follows no redirect, so that its headers reach nobody else', async () => {
    let followed = 0
    const elsewhere = await serverThat((_request, response) => {
      followed++
      response.end()
    })
    const url = await serverThat((_request, response) => response.writeHead(307, { location: elsewhere }).end())
    expect((await sendRequest({ url, timeoutMs: 5000, headers: { 'xi-api-key': 'k' } })).status).toBe(307)
    expect(followed).toBe(0)
  })

  test('that nobody takes is a connection that failed', async () => {
    const url = await serverThat(() => undefined)
    open[0]?.close()
    const error = await failureOf(sendRequest({ url: `${url}/secret-path?token=s3cret`, timeoutMs: 5000 }))
    expect([error.code, error.details.reason]).toEqual(['http_connection_failed', 'ECONNREFUSED'])
    expect(error.message).not.toMatch(/s3cret|secret-path/)
    expect(error.cause).toBeInstanceOf(Error)
  })

  test('that breaks off in the middle of the answer is a connection that failed', async () => {
    const url = await serverThat((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('half', () => response.destroy())
    })
    expect((await failureOf(sendRequest({ url, timeoutMs: 5000 }))).code).toBe('http_connection_failed')
  })

  test.each(['before the head', 'in the middle of the body'])(
    'that gets no answer is given up at its limit: %s',
    async (when) => {
      const clock = new ManualClock()
      const url = await serverThat((_request, response) => {
        if (when === 'before the head') clock.advance(700)
        else response.write('half', () => clock.advance(700))
      })
      const error = await failureOf(sendRequest({ url, timeoutMs: 700, clock }))
      expect([error.code, error.message.includes('700 ms')]).toEqual(['http_timeout', true])
      expect(clock.pendingTimers).toBe(0)
    },
  )

  test('is aborted by its signal, before and while it runs', async () => {
    const clock = new ManualClock()
    const abort = new AbortController()
    let asked = 0
    const url = await serverThat(() => {
      asked++
      abort.abort(new Error('hung up'))
    })
    for (let i = 0; i < 2; i++) {
      expect((await failureOf(sendRequest({ url, timeoutMs: 5000, clock, signal: abort.signal }))).code).toBe(
        'http_aborted',
      )
    }
    expect(asked).toBe(1)
    expect(clock.pendingTimers).toBe(0)
  })

  test.each(['announced', 'streamed', 'packed'])('with an answer over the limit is given up, %s', async (how) => {
    const url = await serverThat((_request, response) => {
      const body = 'x'.repeat(100_000)
      if (how === 'announced') response.end(body)
      else if (how === 'packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(body))
      else for (let i = 0; i < 10; i++) response.write(body)
    })
    const error = await failureOf(sendRequest({ url, timeoutMs: 5000, maxResponseBytes: 50_000 }))
    expect(error.code).toBe('http_response_too_large')
  })

  test('with an answer of exactly the limit is read', async () => {
    const url = await serverThat((_request, response) => response.end('x'.repeat(50_000)))
    expect((await sendRequest({ url, timeoutMs: 5000, maxResponseBytes: 50_000 })).text).toHaveLength(50_000)
  })
})

describe('the fetch that is used', () => {
  const server = setupServer()
  beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
  afterEach(() => server.resetHandlers())
  afterAll(() => server.close())

  test('is the global one as it is at the call, so that a mock that came later is heard', async () => {
    server.use(http.get('https://api.example/thing', () => HttpResponse.json({ from: 'mock' })))
    const { text } = await sendRequest({ url: 'https://api.example/thing', timeoutMs: 5000 })
    expect(text).toBe('{"from":"mock"}')
  })

  test('is the one that was handed in, without a pool of ours', async () => {
    const seen: object[] = []
    const fetch: Fetch = async (url, init) => {
      seen.push({ url, ...init })
      return new Response('mine')
    }
    expect((await sendRequest({ url: 'https://x.example', timeoutMs: 5000, fetch })).text).toBe('mine')
    expect(seen).toEqual([
      {
        url: 'https://x.example',
        method: 'GET',
        headers: {},
        redirect: 'manual',
        signal: expect.any(AbortSignal) as AbortSignal,
      },
    ])
  })

  test('may be the platform\u2019s own', () => {
    const fetch: Fetch = globalThis.fetch
    expect(fetch).toBeTypeOf('function')
  })

  test('may ignore the signal: the limit holds all the same, and its late failure is nobody\u2019s', async () => {
    const clock = new ManualClock()
    let fail: (error: Error) => void = () => undefined
    const fetch: Fetch = () => {
      queueMicrotask(() => clock.advance(100))
      return new Promise((_resolve, reject) => (fail = reject))
    }
    const error = await failureOf(sendRequest({ url: 'https://x.example', timeoutMs: 100, fetch, clock }))
    expect(error.code).toBe('http_timeout')
    fail(new Error('late'))
    await new Promise((resolve) => setImmediate(resolve))
  })

  test.each([new Error('boom'), 'text', undefined])('may fail with %s', async (thrown) => {
    const fetch: Fetch = async () => {
      throw thrown // eslint-disable-line @typescript-eslint/only-throw-error -- other people's code does
    }
    expect((await failureOf(sendRequest({ url: 'https://x.example', timeoutMs: 5000, fetch }))).code).toBe(
      'http_connection_failed',
    )
  })

  test('may answer without a body', async () => {
    const fetch: Fetch = async () => new Response(null, { status: 204 })
    expect(await sendRequest({ url: 'https://x.example', timeoutMs: 5000, fetch })).toMatchObject({
      status: 204,
      text: '',
    })
  })
})

test.each(['nonsense', 'ftp://x.example', '/path'])('%s is no address for a request', async (url) => {
  await expect(sendRequest({ url, timeoutMs: 5000 })).rejects.toBeInstanceOf(TypeError)
})

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 21, 12, 0, 0)
  test.each([
    [null, undefined],
    ['3', 3000],
    [' 0 ', 0],
    ['1.5', 1500],
    ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
    ['Sat, 21 Nov 2026 11:59:00 GMT', 0],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    ['9999999999999', undefined],
  ])('%j is %s ms', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms)
  })
})
