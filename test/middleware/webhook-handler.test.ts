import { describe, expect, test } from 'vitest'
import { createWebhookHandler, type ProvenRequest } from '../../src/middleware/webhook-handler.js'
import type { HostRequest } from '../../src/middleware/host-request.js'
import { signTwilioRequest } from '../../src/webhooks/twilio-signing.js'

const PUBLIC_URL = 'https://app.example.com/voice'
const AUTH_TOKEN = 'auth-token-3be1'

function setUp(
  route: (request: ProvenRequest) => unknown = () => ({ status: 204, contentType: 'text/plain', body: '' }),
) {
  const logged: string[] = []
  const log = (message: string, fields?: object): void => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const handle = createWebhookHandler({
    publicUrl: PUBLIC_URL,
    authToken: [AUTH_TOKEN, 'the-next-one'],
    logger: { debug: log, info: log, warn: log, error: log },
    routes: { '/inbound': route as never },
  })
  return { handle, logged }
}

const bytes = (text: string) => () => Promise.resolve({ bytes: text })

/** A form as Twilio posts it. */
function form(
  params: Record<string, string>,
  { target = '/inbound', authToken = AUTH_TOKEN, headers = {} } = {},
): HostRequest {
  // prettier-ignore
  const all: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
    'x-twilio-signature': signTwilioRequest({ authToken, url: PUBLIC_URL + target, params }),
    ...headers,
  }
  return {
    method: 'POST',
    target,
    header: (name) => all[name],
    readBody: bytes(new URLSearchParams(params).toString()),
  }
}

describe('createWebhookHandler', () => {
  test('hands on what was signed, and the idempotency token', async () => {
    let proven: ProvenRequest | undefined
    const { handle } = setUp((request) => {
      proven = request
      return { status: 200, contentType: 'text/xml', body: '<Response/>' }
    })
    const request = form({ CallSid: 'CA1', From: '+12025550143' }, { headers: { 'i-twilio-idempotency-token': 'i-1' } })
    expect(await handle(request)).toEqual({ status: 200, contentType: 'text/xml', body: '<Response/>' })
    expect(proven).toMatchObject({ params: { CallSid: 'CA1', From: '+12025550143' }, idempotencyToken: 'i-1' })
  })

  test('takes any of the tokens, while one is rotated', async () => {
    const { handle } = setUp()
    expect((await handle(form({ CallSid: 'CA1' }, { authToken: 'the-next-one' })))!.status).toBe(204)
  })

  test('takes a GET, of which the query is signed', async () => {
    let proven: ProvenRequest | undefined
    const { handle } = setUp((request) => {
      proven = request
      return { status: 204, contentType: 'text/plain', body: '' }
    })
    const target = '/inbound?CallSid=CA1&Digits=1'
    const header = (name: string): string | undefined =>
      name === 'x-twilio-signature' ? signTwilioRequest({ authToken: AUTH_TOKEN, url: PUBLIC_URL + target }) : undefined
    expect((await handle({ method: 'GET', target, header, readBody: bytes('') }))!.status).toBe(204)
    expect(proven!.params).toMatchObject({ CallSid: 'CA1', Digits: '1' })
  })

  test.each([
    ['no signature', form({ CallSid: 'CA1' }, { headers: { 'x-twilio-signature': '' } })],
    ['a wrong one', form({ CallSid: 'CA1' }, { authToken: 'wrong' })],
    ['a parameter that was not signed', { ...form({ CallSid: 'CA1' }), readBody: bytes('CallSid=CA1&From=%2B1') }],
    ['a query that was not signed', { ...form({ CallSid: 'CA1' }), target: '/inbound?x=1' }],
    ['the same pairs as JSON', { ...form({ CallSid: 'CA1' }, { headers: { 'content-type': 'application/json' } }), readBody: bytes('{"CallSid":"CA1"}') }], // prettier-ignore
  ])('%s: 403 and not a word why, which goes to the log without a value', async (_, request) => {
    let wasCalled = false
    const { handle, logged } = setUp(() => {
      wasCalled = true
    })
    expect(await handle(request)).toMatchObject({ status: 403, body: 'Forbidden' })
    expect(wasCalled).toBe(false)
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatch(/webhook_/)
    expect(logged[0]).not.toMatch(/CA1|%2B1|auth-token-3be1/)
  })

  test('a path that is not ours, or is a word of JavaScript, is left to the host', async () => {
    const { handle } = setUp()
    for (const target of ['/', '/other', '/inbound/', '/constructor', '/__proto__', '/toString'])
      expect(await handle(form({}, { target }))).toBeUndefined()
  })

  test('another method than GET and POST is refused', async () => {
    const { handle } = setUp()
    expect((await handle({ ...form({}), method: 'DELETE' }))!.status).toBe(405)
  })

  test.each([
    ['throws', () => { throw new Error('card number 4071') }], // prettier-ignore
    ['rejects', () => Promise.reject(new Error('card number 4071'))],
  ])('a route that %s: 500 without details', async (_, route) => {
    const { handle, logged } = setUp(route)
    expect(await handle(form({ CallSid: 'CA1' }))).toMatchObject({ status: 500, body: 'Internal error' })
    expect(logged.join()).toMatch(/A webhook route failed/)
    expect(logged.join()).not.toMatch(/4071/)
  })

  test('of a parameter that is repeated the route gets the first value', async () => {
    let proven: ProvenRequest | undefined
    const { handle } = setUp((request) => {
      proven = request
      return { status: 204, contentType: 'text/plain', body: '' }
    })
    const url = `${PUBLIC_URL}/inbound`
    const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url, params: { A: ['1', '2'] } as never })
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature } // prettier-ignore
    await handle({ method: 'POST', target: '/inbound', header: (name) => headers[name], readBody: bytes('A=1&A=2') })
    expect(proven?.params).toEqual({ A: '1' })
  })
})
