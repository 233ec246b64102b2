import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock, systemClock } from '../../src/core/clock.js'
import { cloudEventOf, isVoiceEvent } from '../../src/events/cloud-event.js'
import { signEventWebhook, verifyEventWebhook } from '../../src/events/webhook-signature.js'
import { webhookSink } from '../../src/events/webhook-sink.js'
import { setup } from './setup.js'

const secretOf = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`
const SECRET = secretOf(1)
const event = cloudEventOf(
  {
    tenantId: 't',
    eventId: 'e1',
    key: 'k',
    type: 'call.ended',
    data: { callSid: 'CA1', name: 'Zoë ☎' },
    occurredAt: 0,
  },
  'https://voice.example.com',
)
const body = JSON.stringify(event)
const clock = new ManualClock()
const sign = (over: { secret?: string | string[]; id?: string; body?: string; at?: number } = {}) =>
  signEventWebhook(over.secret ?? SECRET, { id: over.id ?? event.id, body: over.body ?? body, signedAtMs: over.at ?? clock.now() }) // prettier-ignore
const verify = (headers: object, over: object = {}) =>
  verifyEventWebhook({ secret: SECRET, headers: headers as Record<string, string>, body, clock, ...over })
const codeOf = (verdict: ReturnType<typeof verifyEventWebhook>): string => (verdict.ok ? 'ok' : verdict.code)

describe('a signed webhook', () => {
  test('is proven with the event in it, from text and from bytes', () => {
    for (const given of [body, Buffer.from(body)]) {
      expect(verify(sign(), { body: given })).toEqual({
        ok: true,
        event,
        signedAtMs: Math.floor(clock.now() / 1000) * 1000,
        secretIndex: 0,
      })
    }
    const verdict = verify(sign())
    expect(verdict.ok && isVoiceEvent(verdict.event, 'call.ended') && verdict.event.data.callSid).toBe('CA1')
    expect(verdict.ok && isVoiceEvent(verdict.event, 'call.placed')).toBe(false)
  })

  test('is taken by the reference library of the scheme, and the other way round', () => {
    const theirs = new Webhook(SECRET)
    const now = Date.now()
    const headers = sign({ at: now })
    expect(theirs.verify(body, { ...headers })).toEqual(event)
    const signature = theirs.sign(event.id, new Date(now), body)
    expect(codeOf(verify({ ...headers, 'webhook-signature': signature }, { clock: systemClock }))).toBe('ok')
  })

  test.each([
    ['another secret', () => sign({ secret: secretOf(2) }), {}, 'webhook_signature_mismatch'],
    ['another body', () => sign(), { body: `${body} ` }, 'webhook_signature_mismatch'],
    ['another id', () => ({ ...sign(), 'webhook-id': 'evt_other' }), {}, 'webhook_signature_mismatch'],
    ['a fresh time put on an old one', () => ({ ...sign({ at: clock.now() - 600_000 }), 'webhook-timestamp': String(clock.now() / 1000) }), {}, 'webhook_signature_mismatch'],
    ['an old one, as it was', () => sign({ at: clock.now() - 301_000 }), {}, 'webhook_timestamp_out_of_tolerance'],
    ['one from the future', () => sign({ at: clock.now() + 301_000 }), {}, 'webhook_timestamp_out_of_tolerance'],
    ['no signature', () => ({ ...sign(), 'webhook-signature': undefined }), {}, 'webhook_signature_missing'],
    ['two headers of one name', () => ({ ...sign(), 'webhook-id': ['a', 'b'] }), {}, 'webhook_signature_malformed'],
    ['a time that is none', () => ({ ...sign(), 'webhook-timestamp': '1e9' }), {}, 'webhook_signature_malformed'],
    ['another scheme', () => ({ ...sign(), 'webhook-signature': 'v1a,AAAA' }), {}, 'webhook_signature_malformed'],
    ['more signatures than anyone needs', () => ({ ...sign(), 'webhook-signature': Array.from({ length: 17 }, () => 'v1,A').join(' ') }), {}, 'webhook_signature_malformed'],
    ['headers without end', () => ({ ...sign(), 'webhook-signature': `v1,${'A'.repeat(5000)}` }), {}, 'webhook_signature_malformed'],
    ['a parsed body', () => sign(), { body: event }, 'webhook_body_already_parsed'],
    ['too large a body', () => sign(), { maxBodyBytes: 10 }, 'webhook_body_too_large'],
    ['signed, but no JSON', () => sign({ body: '{' }), { body: '{' }, 'webhook_payload_invalid'],
    ['signed, but no event', () => sign({ body: '{"id":"x"}', id: 'x' }), { body: '{"id":"x"}' }, 'webhook_payload_invalid'],
    ['signed, but under another id', () => sign({ id: 'evt_other' }), {}, 'webhook_payload_invalid'],
  ] as const)('with %s is refused', (_, headers, over, code) => {
    expect(codeOf(verify(headers(), over))).toBe(code)
  }) // prettier-ignore

  test('is proven while one secret replaces another, whichever side is first', () => {
    const [older, newer] = [secretOf(1), secretOf(2)]
    expect(verify(sign({ secret: [older, newer] }), { secret: newer })).toMatchObject({ ok: true, secretIndex: 0 })
    expect(verify(sign({ secret: older }), { secret: [newer, older] })).toMatchObject({ ok: true, secretIndex: 1 })
  })

  test('of any content is proven, and not when any one character of it changes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, at) => {
        const given = JSON.stringify({ ...event, data: { text } })
        const headers = sign({ body: given })
        expect(codeOf(verify(headers, { body: given }))).toBe('ok')
        const i = at % given.length
        const changed = `${given.slice(0, i)}${given[i] === 'x' ? 'y' : 'x'}${given.slice(i + 1)}`
        expect(codeOf(verify(headers, { body: changed }))).toBe('webhook_signature_mismatch')
      }),
      { numRuns: 200 },
    )
  })

  test.each(['', 'secret', 'whsec_', `whsec_${Buffer.alloc(23).toString('base64')}`, `whsec_${'*'.repeat(40)}`])(
    'a secret that is none is refused at once: %j',
    (secret) => {
      expect(() => sign({ secret: [secret] })).toThrow(TypeError)
      expect(() => verify(sign(), { secret })).toThrow(TypeError)
      expect(() => webhookSink({ endpoint: { url: 'https://a.example', secret } })).toThrow(TypeError)
    },
  )
})

test.each(['http://a.example/', 'ftp://a.example', '/events', 'http://127.0.0.1.a.example/'])(
  'an endpoint must be https, or this machine: %s',
  (url) => {
    expect(() => webhookSink({ endpoint: { url, secret: SECRET } })).toThrow(TypeError)
  },
)

interface Got {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A receiver that answers as it is told, and notes what it proved. */
async function receiver() {
  const got: Got[] = []
  const state = { answer: ((_, res) => res.writeHead(204).end()) as RequestListener }
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      got.push({ headers: req.headers, body: Buffer.concat(chunks).toString() })
      state.answer(req, res)
    })
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  await listen(0)
  const { port } = server.address() as AddressInfo
  closing.push(() => void stop())
  return { got, state, stop, start: () => listen(port), url: `http://127.0.0.1:${port}/events` }
}

describe('the webhook sink', () => {
  test('posts a CloudEvent that the receiver can prove', async () => {
    const { got, url } = await receiver()
    const clock = new ManualClock()
    const { addCall, pass } = setup({ web: webhookSink({ endpoint: { url, secret: SECRET }, clock }) }, { clock })
    await addCall('CA1')
    await pass()
    expect(got[0]?.headers['content-type']).toBe('application/cloudevents+json')
    const verdict = verifyEventWebhook({ secret: SECRET, headers: got[0]!.headers, body: got[0]!.body, clock })
    expect(verdict.ok && verdict.event.data).toEqual({ callSid: 'CA1', n: 1 })
  })

  test('keeps each call’s order over a receiver that is down, slow, answers 500, redirects, and is up again', async () => {
    const { got, state, stop, start, url } = await receiver()
    // Sockets are real, and so is the receiver's time limit; the pauses between the tries pass at once.
    const { addCall, tell, pass, store } = setup({
      web: webhookSink({ endpoint: { url, secret: SECRET }, timeoutMs: 100 }),
    })
    const failures: RequestListener[] = [
      () => undefined, // never answers
      (_, res) => res.writeHead(500).end('no'),
      (_, res) => res.writeHead(302, { location: 'https://elsewhere.example/' }).end(),
      (_, res) => void res.socket?.destroy(),
    ]
    const proven: string[] = []
    state.answer = (req, res) => {
      const fail = failures.shift()
      if (fail) {
        fail(req, res)
        return
      }
      const { headers, body } = got.at(-1)!
      const verdict = verifyEventWebhook({ secret: SECRET, headers, body })
      if (verdict.ok) proven.push(`${verdict.event.subject}:${(verdict.event.data as { n: number }).n}`)
      res.writeHead(200).end()
    }
    await stop()
    for (const callSid of ['CA1', 'CA2']) {
      await addCall(callSid)
      await tell(callSid, 2)
    }
    await pass()
    await start()
    for (let tries = 0; tries < 12; tries++) await pass(60_000)
    expect(failures).toEqual([])
    expect(proven.filter((one) => one.startsWith('CA1'))).toEqual(['CA1:1', 'CA1:2'])
    expect(proven.filter((one) => one.startsWith('CA2'))).toEqual(['CA2:1', 'CA2:2'])
    expect(await store.takeEvents({ tenantId: 't', limit: 1, visibilityMs: 1 })).toEqual([])
  })

  test('heeds Retry-After', async () => {
    const { got, state, url } = await receiver()
    state.answer = (_, res) => res.writeHead(429, { 'retry-after': '120' }).end()
    const clock = new ManualClock()
    const { addCall, pass } = setup({ web: webhookSink({ endpoint: { url, secret: SECRET }, clock }) }, { clock })
    await addCall('CA1')
    await pass()
    state.answer = (_, res) => res.writeHead(200).end()
    await pass(119_999)
    expect(got).toHaveLength(1)
    await pass(1)
    expect(got).toHaveLength(2)
  })

  test('asks for the endpoint of each event, and is done with one that nobody wants', async () => {
    const { got, url } = await receiver()
    const endpoint = ({ tenantid }: { tenantid: string }) => (tenantid === 'a' ? { url, secret: SECRET } : undefined)
    const { addCall, pass, store } = setup({ web: webhookSink({ endpoint }) })
    await addCall('CA1', 'a')
    await addCall('CA2', 'b')
    await pass()
    expect(got.map(({ body }) => (JSON.parse(body) as { subject: string }).subject)).toEqual(['CA1'])
    expect(await store.takeEvents({ tenantId: 'b', limit: 1, visibilityMs: 1 })).toEqual([])
  })

  test('says nothing of the address, the secret or the body when an event is parked', async () => {
    const { state, url } = await receiver()
    state.answer = (_, res) => res.writeHead(410).end()
    const { addCall, pass, lines, parked } = setup(
      { web: webhookSink({ endpoint: { url, secret: SECRET } }) },
      { maxTries: 1 },
    )
    await addCall('CA1')
    await pass()
    expect(parked[0]?.[1]).toBe('event_not_taken: The receiver of a webhook answered 410')
    expect(JSON.stringify(lines)).not.toMatch(/whsec_|\/events|CA1:/)
  })
})
