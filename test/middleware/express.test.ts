import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express, type RequestHandler } from 'express'
import { afterEach, describe, expect, test } from 'vitest'
import { voiceRouter } from '../../src/middleware/express.js'
import { createWebhookHandler, type ProvenRequest } from '../../src/middleware/webhook-handler.js'
import { signTwilioRequest } from '../../src/webhooks/twilio-signing.js'

const PUBLIC_URL = 'https://app.example.com/voice'
const AUTH_TOKEN = 'auth-token-3be1'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function serve(prepare: (app: Express) => void = () => undefined) {
  const seen: ProvenRequest[] = []
  const voice = {
    handle: createWebhookHandler({
      publicUrl: PUBLIC_URL,
      authToken: AUTH_TOKEN,
      routes: {
        '/inbound': (request) => {
          seen.push(request)
          return { status: 200, contentType: 'text/xml; charset=utf-8', body: '<Response/>' }
        },
      },
    }),
  }
  const app = express()
  prepare(app)
  app.use('/voice', voiceRouter(voice))
  app.use((_request, response) => void response.status(404).send('the host\u2019s own 404'))
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const PARAMS = { CallSid: 'CA1', From: '+12025550143', FromCity: 'S\u00e3o Jos\u00e9', Empty: '', 'A[b]': 'c & d' }

const post = (origin: string, body = new URLSearchParams(PARAMS).toString(), headers: Record<string, string> = {}) =>
  fetch(`${origin}/voice/inbound`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url: `${PUBLIC_URL}/inbound`, params: PARAMS }),
      ...headers,
    },
    body,
  })

describe('voiceRouter in Express', () => {
  test('answers a signed webhook, with its content type', async () => {
    const { origin, seen } = await serve()
    const answer = await post(origin)
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, 'text/xml; charset=utf-8', '<Response/>']) // prettier-ignore
    expect(seen[0]!.params).toEqual(PARAMS)
  })

  test.each<[string, RequestHandler, Record<string, string>]>([
    ['urlencoded({ extended: false })', express.urlencoded({ extended: false }), PARAMS],
    ['text()', express.text({ type: '*/*' }), PARAMS],
    ['raw()', express.raw({ type: '*/*' }), PARAMS],
    ['json(), which leaves a form alone', express.json(), PARAMS],
  ])('works behind the body parser %s', async (_, parser, params) => {
    const { origin, seen } = await serve((app) => app.use(parser))
    expect((await post(origin)).status).toBe(200)
    expect(seen[0]!.params).toEqual(params)
  })

  test('works behind urlencoded({ extended: true }) that kept rawBody', async () => {
    const { origin, seen } = await serve((app) =>
      app.use(
        express.urlencoded({
          extended: true,
          verify: (request, _response, bytes) => void Object.assign(request, { rawBody: bytes }),
        }),
      ),
    )
    expect((await post(origin)).status).toBe(200)
    expect(seen[0]!.params).toEqual(PARAMS)
  })

  test('behind urlencoded({ extended: true }) a key that it rewrote is refused with the reason, not with a riddle', async () => {
    const { origin, seen } = await serve((app) => app.use(express.urlencoded({ extended: true })))
    const answer = await post(origin)
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringMatching(/before the body parser/)])
    expect(seen).toEqual([])
  })

  test('behind urlencoded({ extended: true }) a form of plain keys is proven all the same', async () => {
    const { origin, seen } = await serve((app) => app.use(express.urlencoded({ extended: true })))
    const params = { CallSid: 'CA1', To: '+1' }
    const answer = await post(origin, new URLSearchParams(params).toString(), {
      'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url: `${PUBLIC_URL}/inbound`, params }),
    })
    expect([answer.status, seen[0]!.params]).toEqual([200, params])
  })

  test('a GET with its query', async () => {
    const { origin, seen } = await serve()
    const query = '?CallSid=CA1&FromCity=S%C3%A3o%20Jos%C3%A9'
    const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url: `${PUBLIC_URL}/inbound${query}` })
    const answer = await fetch(`${origin}/voice/inbound${query}`, { headers: { 'x-twilio-signature': signature } })
    expect([answer.status, seen[0]!.params['CallSid']]).toEqual([200, 'CA1'])
  })

  test('a signature that is wrong, and a body that was changed, get 403 and nothing else', async () => {
    const { origin, seen } = await serve()
    for (const answer of [
      await post(origin, undefined, { 'x-twilio-signature': 'AAAA' }),
      await post(origin, 'CallSid=CA2'),
    ])
      expect([answer.status, await answer.text()]).toEqual([403, 'Forbidden'])
    expect(seen).toEqual([])
  })

  test('what is not ours goes on to the host, with nothing said', async () => {
    const { origin } = await serve()
    const answer = await fetch(`${origin}/voice/other`)
    expect([answer.status, await answer.text()]).toEqual([404, 'the host\u2019s own 404'])
    expect((await fetch(`${origin}/voice`)).status).toBe(404)
  })

  test('a body over 256 KiB is refused: with 413 where its length is told, else by the end of the connection', async () => {
    const { origin, seen } = await serve()
    const big = `CallSid=${'x'.repeat(300_000)}`
    expect((await post(origin, big)).status).toBe(413)
    const { port } = new URL(origin)
    const outcome = await new Promise<string>((resolve) => {
      const sending = httpRequest({ port, host: '127.0.0.1', path: '/voice/inbound', method: 'POST', headers: { 'transfer-encoding': 'chunked' } }, (answer) => resolve(String(answer.statusCode))) // prettier-ignore
      sending.on('error', () => resolve('gone'))
      for (let i = 0; i < 30; i++) sending.write('x'.repeat(20_000))
    })
    expect(['gone', '413']).toContain(outcome)
    expect(seen).toEqual([])
  })

  test('a peer that goes away in the middle of its body is an error of the host\u2019s chain, and no crash', async () => {
    const errors: unknown[] = []
    const { origin, seen } = await serve((app) => {
      app.use((_request, response, next) => {
        response.on('error', () => undefined)
        next()
      })
    })
    const { port } = new URL(origin)
    await new Promise<void>((resolve) => {
      const sending = httpRequest({ port, host: '127.0.0.1', path: '/voice/inbound', method: 'POST', headers: { 'content-length': '1000' } }) // prettier-ignore
      sending.on('error', (error) => {
        errors.push(error)
        resolve()
      })
      sending.on('close', () => resolve())
      sending.write('CallSid=CA1')
      setImmediate(() => sending.destroy())
    })
    expect((await post(origin)).status).toBe(200)
    expect(seen).toHaveLength(1)
  })

  test('an answer that the host has begun itself is left alone', async () => {
    const { origin } = await serve((app) =>
      app.use((_request, response, next) => {
        response.status(202).send('taken')
        next()
      }),
    )
    const answer = await post(origin)
    expect([answer.status, await answer.text()]).toEqual([202, 'taken'])
  })
})
