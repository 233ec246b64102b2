import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { ManualClock, systemClock, type Clock } from '../../../src/core/clock.js'
import { deliveryRules } from '../../../src/simulator/twilio/connection-overrides.js'
import { checkPublicHosts, routeTo } from '../../../src/simulator/twilio/public-hosts.js'
import { rfc2822, voiceParameters } from '../../../src/simulator/twilio/voice-parameters.js'
import { WebhookSender, type WebhookOrder } from '../../../src/simulator/twilio/webhook-sender.js'
import { PUBLIC_HOST, startHost, type Route } from './small-host.js'

const AUTH_TOKEN = '12345'
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function setUp(routes: Record<string, Route>, clock: Clock = systemClock) {
  const host = await startHost({ authToken: AUTH_TOKEN, routes })
  const sender = new WebhookSender({ authToken: AUTH_TOKEN, publicHosts: { [PUBLIC_HOST]: host.origin }, clock })
  closers.push(host.close, () => sender.close())
  const send = (path: string, order: Partial<WebhookOrder> = {}) =>
    sender.send({
      purpose: 'voice',
      url: `https://${PUBLIC_HOST}${path}`,
      method: 'POST',
      params: { A: '1 & 2', B: '' },
      ...order,
    })
  return { host, send }
}

test('a form and a GET are signed as the twilio package expects, over the public address', async () => {
  const { host, send } = await setUp({ '/voice': () => '<Response/>' })
  expect(await send('/voice?x=1#rc=2')).toMatchObject({ ok: true, status: 200, contentType: 'text/xml' })
  expect(await send('/voice?x=1', { method: 'GET' })).toMatchObject({ ok: true })
  expect(host.requests.map(({ method, isSigned, params }) => ({ method, isSigned, params }))).toEqual([
    { method: 'POST', isSigned: true, params: { A: '1 & 2', B: '' } },
    { method: 'GET', isSigned: true, params: { x: '1', A: '1 & 2', B: '' } },
  ])
  expect(host.requests[0]!.headers).toMatchObject({ host: PUBLIC_HOST, 'x-forwarded-proto': 'https' })
})

test('each webhook has an idempotency token of its own, which retries share', async () => {
  let tries = 0
  const { host, send } = await setUp({ '/voice': () => ({ status: ++tries < 3 ? 503 : 200 }) })
  expect(await send('/voice#rc=3&rp=5xx')).toMatchObject({ ok: true })
  await send('/voice')
  const tokens = host.requests.map((request) => request.headers['i-twilio-idempotency-token'])
  expect(new Set(tokens.slice(0, 3)).size).toBe(1)
  expect(tokens[3]).not.toBe(tokens[0])
})

test('an error status is 11200 and is not tried again unless the address says so', async () => {
  const { host, send } = await setUp({ '/voice': () => ({ status: 500 }) })
  expect(await send('/voice')).toMatchObject({ ok: false, status: 500, code: 11200 })
  expect(host.requests).toHaveLength(1)
})

test('a host that is not there is 11205', async () => {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const { send } = await setUp({})
  expect(await send('', { url: `http://127.0.0.1:${port}/` })).toMatchObject({ ok: false, status: 0, code: 11205 })
})

test('an address that is not http is 21205', async () => {
  const { send } = await setUp({})
  for (const url of ['', '/relative', 'ftp://h/x', 'http://'])
    expect(await send('', { url })).toMatchObject({ code: 21205 })
})

test('an answer that does not come within 15 seconds is 11200', async () => {
  const clock = new ManualClock()
  let asked = (): void => {}
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const { send } = await setUp({ '/voice': () => (asked(), new Promise(() => {})) }, clock)
  const answer = send('/voice')
  await isAsked
  clock.advance(14_999)
  clock.advance(1)
  expect(await answer).toMatchObject({ ok: false, status: 0, code: 11200 })
  expect(clock.pendingTimers).toBe(0)
})

test('redirects are followed, signed anew, and end after ten', async () => {
  const { host, send } = await setUp({
    '/a': () => ({ status: 302, headers: { location: '/b' } }),
    '/b': () => '<Response/>',
    '/keep': () => ({ status: 307, headers: { location: '/b' } }),
    '/loop': () => ({ status: 302, headers: { location: '/loop' } }),
  })
  expect(await send('/a')).toMatchObject({ ok: true, url: `https://${PUBLIC_HOST}/b` })
  expect(await send('/keep')).toMatchObject({ ok: true })
  expect(host.to('/b').map((request) => [request.method, request.isSigned])).toEqual([
    ['GET', true],
    ['POST', true],
  ])
  expect(await send('/loop')).toMatchObject({ ok: false, code: 11215 })
  expect(host.to('/loop')).toHaveLength(11)
})

test('a body over 64 kB is 11750', async () => {
  const { send } = await setUp({ '/voice': () => 'x'.repeat(70_000) })
  expect(await send('/voice')).toMatchObject({ ok: false, code: 11750 })
})

test('the fragment sets limits and retries within their ranges', () => {
  expect(deliveryRules('https://h/x')).toEqual({
    totalMs: 15_000,
    readMs: 15_000,
    retries: 1,
    retryOn: new Set(['ct']),
  })
  expect(deliveryRules('https://h/x#tt=500&rt=100&rc=5&rp=all')).toEqual({
    totalMs: 500,
    readMs: 100,
    retries: 5,
    retryOn: new Set(['4xx', '5xx', 'ct', 'rt']),
  })
  expect(deliveryRules('https://h/x#tt=99999&rc=6&rp=sometimes')).toEqual({
    totalMs: 15_000,
    readMs: 15_000,
    retries: 1,
    retryOn: new Set(),
  })
})

test('a public address goes to where its host is on this machine, a socket to a socket, others as they stand', () => {
  const hosts = checkPublicHosts({ 'app.example.com': 'http://127.0.0.1:3000/base/' })
  expect(routeTo('https://app.example.com/voice?a=%20b', hosts).url).toBe('http://127.0.0.1:3000/base/voice?a=%20b')
  expect(routeTo('wss://app.example.com/media', hosts)).toEqual({
    url: 'ws://127.0.0.1:3000/base/media',
    headers: { host: 'app.example.com', 'x-forwarded-host': 'app.example.com', 'x-forwarded-proto': 'https' },
  })
  expect(routeTo('https://other.example.com/x#frag', hosts)).toEqual({
    url: 'https://other.example.com/x',
    headers: {},
  })
  expect(() => checkPublicHosts({ 'app.example.com': 'localhost' })).toThrow(TypeError)
  expect(() => checkPublicHosts({ 'https://app.example.com': 'http://h' })).toThrow(TypeError)
})

test('a date is written as RFC 2822 writes it', () => {
  expect(rfc2822(Date.UTC(2026, 7, 30, 8, 33, 12))).toBe('Sun, 30 Aug 2026 08:33:12 +0000')
})

test('every standard parameter is there, and a string', () => {
  const params = voiceParameters(
    { sid: 'CA1', accountSid: 'AC1', direction: 'inbound', from: '+12025550100', to: '+442071838750' },
    'ringing',
  )
  expect(params).toMatchObject({
    CallSid: 'CA1',
    AccountSid: 'AC1',
    ApiVersion: '2010-04-01',
    CallStatus: 'ringing',
    Direction: 'inbound',
    From: '+12025550100',
    Caller: '+12025550100',
    To: '+442071838750',
    Called: '+442071838750',
    FromCountry: 'US',
    ToCountry: '',
  })
  expect(Object.keys(params)).toHaveLength(25)
})
