import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonResponse, textResponse, twimlResponse, type HostHandler, type HostRequest } from '../../src/middleware/host-request.js' // prettier-ignore
import { createWebhookHandler } from '../../src/middleware/webhook-handler.js'
import { signTwilioRequest } from '../../src/webhooks/twilio-signing.js'
import { HOSTS, sendHalf, type HostKind, type Mounted, type Parsing } from './hosts.js'

const PUBLIC_URL = 'https://app.example.com/voice'
const AUTH_TOKEN = 'auth-token-3be1'
const AWKWARD = 'a=%7e&b=%C3%A9+x&c=[1]&d=%2B1'

const rejections: unknown[] = []
const onRejection = (reason: unknown): void => void rejections.push(reason)
beforeEach(() => {
  rejections.length = 0
  process.on('unhandledRejection', onRejection)
})
const open: Mounted[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
  process.off('unhandledRejection', onRejection)
  expect(rejections).toEqual([])
})

/** A handler that tells what it was given, and one that checks signatures. */
function handlers() {
  const seen: { method: string; target: string; body: string; header: unknown; remoteAddress: string | undefined }[] =
    []
  const echo: HostHandler = async (request: HostRequest) => {
    if (request.target.startsWith('/empty')) return { status: 204, contentType: 'text/plain', body: '' }
    if (request.target.startsWith('/twiml')) return twimlResponse('<Response/>')
    if (!request.target.startsWith('/echo')) return undefined
    const body = await request.readBody(1000)
    if ('problem' in body) return textResponse(body.problem === 'too-large' ? 413 : 400, body.problem)
    const { method, target, remoteAddress } = request
    seen.push({ method, target, body: Buffer.from(body.bytes).toString('latin1'), header: request.header('x-mine'), remoteAddress }) // prettier-ignore
    return { ...jsonResponse(200, { ok: true }), headers: { 'x-answer': 'yes' } }
  }
  const signed = createWebhookHandler({
    publicUrl: PUBLIC_URL,
    authToken: AUTH_TOKEN,
    routes: { '/inbound': ({ params }) => textResponse(200, `hello ${params.CallSid ?? ''}`) },
  })
  const handle: HostHandler = async (request) => (await signed(request)) ?? echo(request)
  return { handle, seen }
}

describe.each(HOSTS)('$name', (host: HostKind) => {
  async function mount(parsing: Parsing = 'none') {
    const made = handlers()
    const mounted = await host.mount(made.handle, parsing)
    open.push(mounted)
    return { ...made, ...mounted }
  }
  const params = { CallSid: 'CA1', From: '+12025550143', City: 'São José', Empty: '' }
  const form = (origin: string, over: Record<string, string> = {}, body = new URLSearchParams(params).toString()) =>
    fetch(`${origin}/voice/inbound`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url: `${PUBLIC_URL}/inbound`, params }), ...over }, // prettier-ignore
      body,
    })

  test('hands over every byte of the body, and the path and query as they came', async () => {
    const { origin, seen } = await mount()
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'application/octet-stream']) {
      const answer = await fetch(`${origin}/voice/echo/x?${AWKWARD}`, { method: 'POST', body: bytes, headers: { 'content-type': type, 'x-mine': 'v' } }) // prettier-ignore
      expect(answer.status).toBe(200)
      expect(seen.at(-1)).toMatchObject({ method: 'POST', target: `/echo/x?${AWKWARD}`, header: 'v' })
      expect(seen.at(-1)?.body).toBe(Buffer.from(bytes).toString('latin1'))
    }
  })

  test('answers with status, type, headers and what keeps answers from being kept or framed', async () => {
    const { origin } = await mount()
    const answer = await fetch(`${origin}/voice/echo`)
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(answer.headers.get('x-answer')).toBe('yes')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(await answer.json()).toEqual({ ok: true })
    const twiml = await fetch(`${origin}/voice/twiml`)
    expect([twiml.headers.get('content-type'), await twiml.text()]).toEqual(['text/xml; charset=utf-8', '<Response/>'])
    const empty = await fetch(`${origin}/voice/empty`)
    expect([empty.status, await empty.text()]).toEqual([204, ''])
  })

  test('proves a signed form, and refuses a forged one', async () => {
    const { origin } = await mount()
    const good = await form(origin)
    expect([good.status, await good.text()]).toEqual([200, 'hello CA1'])
    expect((await form(origin, { 'x-twilio-signature': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' })).status).toBe(403)
    expect((await form(origin, {}, 'CallSid=CA2')).status).toBe(403)
    expect((await form(origin, { 'content-type': 'application/json' })).status).toBe(403)
  })

  test('takes two hundred at once', async () => {
    const { origin } = await mount()
    const answers = await Promise.all(Array.from({ length: 200 }, () => form(origin)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })

  test('refuses a body that is too large, told or not', async () => {
    const { origin, seen } = await mount()
    const told = await fetch(`${origin}/voice/echo`, { method: 'POST', body: 'x'.repeat(1001) })
    expect(told.status).toBe(413)
    const stream = new ReadableStream({
      start: (controller) => {
        for (let i = 0; i < 20; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(100)))
        controller.close()
      },
    })
    const untold = await fetch(`${origin}/voice/echo`, { method: 'POST', body: stream, duplex: 'half' }).then(({ status }) => status, () => 'cut') // prettier-ignore
    expect([413, 'cut']).toContain(untold)
    expect(seen).toEqual([])
    expect((await fetch(`${origin}/voice/echo`)).status).toBe(200)
  })

  test('survives a body of which half is sent', async () => {
    const { origin, port, seen } = await mount()
    for (let i = 0; i < 5; i++) await sendHalf(port, '/voice/echo')
    expect((await fetch(`${origin}/voice/echo`)).status).toBe(200)
    expect(seen).toHaveLength(1)
  })

  test('leaves what is not ours alone', async () => {
    const { origin } = await mount()
    for (const path of ['/voice/nothing', '/elsewhere', '/voices/echo']) {
      const answer = await fetch(origin + path)
      expect(answer.status).toBe(404)
      if (host.fallsThrough) expect(await answer.text()).toBe('the host’s own 404')
    }
  })

  test('says so when a parser ran first', async () => {
    if (!host.canParseFirst) {
      // The plugin keeps its own bodies raw, and the host's parsed.
      const { origin } = await mount()
      const own = await fetch(`${origin}/own`, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }) // prettier-ignore
      expect(await own.json()).toEqual({ seen: { a: 1 } })
      return
    }
    const { origin } = await mount('json-and-form')
    const json = await fetch(`${origin}/voice/inbound`, { method: 'POST', body: '{"a":{"b":1}}', headers: { 'content-type': 'application/json' } }) // prettier-ignore
    expect([json.status, await json.text()]).toEqual([400, 'The body was parsed before its signature was checked: mount callweave before the body parser']) // prettier-ignore
    const flat = await form(origin)
    expect(flat.status).toBe(host.rebuildsForms ? 200 : 400)
  })
})
