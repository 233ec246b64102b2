import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { textResponse, type HostRequest } from '../../src/middleware/host-request.js'
import { limitByIp, type IpLimiterOptions } from '../../src/middleware/ip-limiter.js'

function setup(options: IpLimiterOptions = {}) {
  const clock = new ManualClock()
  const handle = limitByIp(async () => textResponse(200, 'OK'), { clock, ...options })
  const from = async (remoteAddress: string | undefined, forwarded?: string | string[], target = '/') => {
    const request: HostRequest = { method: 'POST', target, header: (name) => (name === 'x-forwarded-for' ? forwarded : undefined), readBody: () => Promise.resolve({ bytes: '' }), remoteAddress } // prettier-ignore
    return handle(request)
  }
  return { clock, from }
}

test('ten an hour, and not eleven; then again as they grow old, one by one', async () => {
  const { clock, from } = setup()
  for (let i = 0; i < 10; i++) {
    expect((await from('192.0.2.1'))?.status).toBe(200)
    clock.advance(60_000)
  }
  expect(await from('192.0.2.1')).toEqual({
    status: 429,
    contentType: 'application/json; charset=utf-8',
    body: '{"error":"Too many calls. Please try again later."}',
    headers: { 'retry-after': '3000' },
  })
  expect((await from('192.0.2.2'))?.status).toBe(200)
  clock.advance(3_000_000)
  expect((await from('192.0.2.1'))?.status).toBe(200)
  expect((await from('192.0.2.1'))?.status).toBe(429)
})

test('where paths are named, requests for others are not counted, and never refused', async () => {
  const { from } = setup({ maxRequests: 1, paths: ['/calls', '/status/'] })
  const at = async (target: string) => (await from('192.0.2.1', undefined, target))?.status
  expect([await at('/page'), await at('/page'), await at('/calls/more')]).toEqual([200, 200, 200])
  expect([await at('/calls?x=1'), await at('/status/7'), await at('/page')]).toEqual([200, 429, 200])
})

describe('behind proxies', () => {
  test('a header that anyone can write is not looked at unless proxies of one’s own write it', async () => {
    const { from } = setup({ maxRequests: 1 })
    await from('192.0.2.1', '203.0.113.1')
    expect((await from('192.0.2.1', '203.0.113.2'))?.status).toBe(429)
  })

  test('the entry of the outermost trusted one counts, whatever the client wrote before it', async () => {
    const { from } = setup({ maxRequests: 1, trustedProxies: 2 })
    await from('10.0.0.1', 'spoofed, 203.0.113.9, 10.0.0.2')
    expect((await from('10.0.0.1', 'other, 203.0.113.9, 10.0.0.2'))?.status).toBe(429)
    expect((await from('10.0.0.1', ['spoofed', '203.0.113.8, 10.0.0.2']))?.status).toBe(200)
    expect((await from('10.0.0.1'))?.status).toBe(200)
    expect((await from('10.0.0.1'))?.status).toBe(429)
  })
})

test('addresses are bounded, and nonsense is a mistake', async () => {
  const { from } = setup({ maxRequests: 1, maxAddresses: 2 })
  await from('a')
  await from('b')
  await from('c')
  expect((await from('a'))?.status).toBe(200)
  expect((await from('c'))?.status).toBe(429)
  expect(() => setup({ maxRequests: 0 })).toThrow(RangeError)
})
