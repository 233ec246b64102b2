import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  proven,
  signTwilioBody,
  signTwilioRequest,
  verifyTwilioRequest,
  verifyTwilioUpgrade,
} from '../../src/webhooks/index.js'
import { SignatureError } from '../../src/core/errors.js'
import { AUTH_TOKEN, corpus, FORM, vendor } from './setup.js'

interface Vector {
  readonly name: string
  readonly rule: 'form' | 'query' | 'json' | 'upgrade'
  readonly url: string
  readonly params?: Record<string, string | string[]>
  readonly body?: string
  readonly signature: string
}

const { authToken: VECTOR_TOKEN, vectors } = corpus<{ authToken: string; vectors: Vector[] }>(
  'twilio/signature-vectors',
)
const URL_ = 'https://voice.example.com/twilio/voice?tenant=7'
const PARAMS = { CallSid: 'CA1', From: '+15005550001', Digits: '1234' }

const JSON_BODY = '{"property":"value","boolean":true}'

function verifyForm(url: string, signature: string | undefined, body: string | Uint8Array = encode(PARAMS)) {
  return verifyTwilioRequest({ authToken: AUTH_TOKEN, signature, url, contentType: FORM, body })
}

function encode(params: Record<string, string>): string {
  return new URLSearchParams(params).toString()
}

describe('vectors', () => {
  test.each(vectors)('$name', ({ rule, url, params, body, signature }) => {
    const asked = { authToken: VECTOR_TOKEN, signature, url }
    const verdict =
      rule === 'upgrade'
        ? verifyTwilioUpgrade(asked)
        : rule === 'query'
          ? verifyTwilioRequest({ ...asked, method: 'GET' })
          : rule === 'json'
            ? verifyTwilioRequest({ ...asked, contentType: 'application/json', body })
            : verifyTwilioRequest({ ...asked, contentType: FORM, params })
    expect(verdict).toMatchObject({ ok: true, kind: rule, matchedUrl: url, tokenIndex: 0 })
    const resigned = signTwilioRequest({ authToken: VECTOR_TOKEN, url, ...(params && { params }) })
    expect(resigned).toBe(signature)
  })
})

describe('what a proven request gives', () => {
  test('a form gives its parameters, decoded', () => {
    const params = { Body: 'a b+c&d=é', Empty: '', To: '+15005550006' }
    const verdict = verifyForm(URL_, signTwilioRequest({ authToken: AUTH_TOKEN, url: URL_, params }), encode(params))
    expect(verdict).toMatchObject({ ok: true, kind: 'form', params })
  })

  test('a GET gives the parameters of its query', () => {
    const url = 'https://voice.example.com/voice?CallSid=CA1&From=%2B15005550001'
    const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url })
    const verdict = verifyTwilioRequest({ authToken: AUTH_TOKEN, signature, url, method: 'GET' })
    expect(verdict).toMatchObject({ kind: 'query', params: { CallSid: 'CA1', From: '+15005550001' } })
  })

  test('JSON is parsed after it was proven; another type with a hash comes back raw', () => {
    const signed = signTwilioBody({ authToken: AUTH_TOKEN, url: URL_, body: JSON_BODY })
    const ask = { authToken: AUTH_TOKEN, ...signed, body: JSON_BODY }
    expect(verifyTwilioRequest({ ...ask, contentType: 'application/cloudevents+json; charset=utf-8' })).toMatchObject({
      kind: 'json',
      json: { property: 'value', boolean: true },
    })
    expect(verifyTwilioRequest({ ...ask, contentType: 'text/csv' })).toMatchObject({ kind: 'raw', body: JSON_BODY })
  })

  test('JSON that was signed and cannot be parsed is a payload problem, not a forgery', () => {
    const signed = signTwilioBody({ authToken: AUTH_TOKEN, url: URL_, body: '{' })
    const verdict = verifyTwilioRequest({
      authToken: AUTH_TOKEN,
      ...signed,
      body: '{',
      contentType: 'application/json',
    })
    expect(verdict).toMatchObject({ ok: false, code: 'webhook_payload_invalid' })
  })

  test('a key with several values gives them sorted, since their order is not signed', () => {
    const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url: URL_, form: 'A=2&A=1&A=2&B=3&B=3' })
    for (const body of ['A=2&A=1&A=2&B=3&B=3', 'A=1&A=2&B=3']) {
      expect(verifyForm(URL_, signature, body)).toMatchObject({ params: { A: ['1', '2'], B: '3' } })
    }
  })

  test('a parameter named __proto__ is a parameter and nothing more', () => {
    const body = '__proto__=x&constructor=y&toString=z'
    const verdict = proven(verifyForm(URL_, signTwilioRequest({ authToken: AUTH_TOKEN, url: URL_, form: body }), body))
    if (verdict.kind !== 'form') throw new Error('not a form')
    expect(Object.entries(verdict.params)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['toString', 'z'],
    ])
    expect(Object.getPrototypeOf(verdict.params)).toBe(Object.prototype)
  })

  test.each([
    ['a record', PARAMS],
    ['URLSearchParams', new URLSearchParams(PARAMS)],
    ['a Map', new Map(Object.entries(PARAMS))],
    ['FormData', formData(PARAMS)],
  ])('parsed parameters may be %s', (_, params) => {
    const signature = vendor.getExpectedTwilioSignature(AUTH_TOKEN, URL_, PARAMS)
    const verdict = verifyTwilioRequest({ authToken: AUTH_TOKEN, signature, url: URL_, contentType: FORM, params })
    expect(verdict).toMatchObject({ ok: true, kind: 'form', params: PARAMS })
  })
})

function formData(params: Record<string, string>): Iterable<readonly [string, unknown]> {
  const data = new FormData()
  for (const [key, value] of Object.entries(params)) data.append(key, value)
  return data
}

describe('addresses', () => {
  const cases: readonly [claim: string, signed: string, seen: string][] = [
    ['a port that Twilio dropped', 'https://h.example/v', 'https://h.example:8443/v'],
    ['a port that Twilio kept', 'https://h.example:8443/v', 'https://h.example:8443/v'],
    ['the default port, written', 'https://h.example:443/v', 'https://h.example/v'],
    ['the default port, dropped', 'https://h.example/v', 'https://h.example:443/v'],
    ['the default port of http', 'http://h.example:80/v', 'http://h.example/v'],
    ['user information', 'https://h.example/v', 'https://user:pass@h.example/v'],
    ['a fragment', 'https://h.example/v?a=1', 'https://h.example/v?a=1#rc=2&rp=all'],
    ['an IPv6 host', 'https://[2001:db8::1]/v', 'https://[2001:db8::1]:8443/v'],
    ['a root without a slash', 'https://h.example', 'https://h.example/'],
    ['an apostrophe that a URL parser escaped', "https://h.example/v?n=O'Hara", 'https://h.example/v?n=O%27Hara'],
    ['escapes, spelled as they came', 'https://h.example/v?a=%2f%2B+x', 'https://h.example/v?a=%2f%2B+x'],
  ]
  test.each(cases)('%s does not stand in the way', (_, signed, seen) => {
    const signature = vendor.getExpectedTwilioSignature(AUTH_TOKEN, signed, PARAMS)
    expect(verifyForm(seen, signature)).toMatchObject({ ok: true, matchedUrl: signed })
  })

  test.each([
    ['another path', 'https://h.example/v', 'https://h.example/w'],
    ['another host', 'https://h.example/v', 'https://i.example/v'],
    ['another query', 'https://h.example/v?a=1', 'https://h.example/v?a=2'],
    ['another scheme', 'https://h.example/v', 'http://h.example/v'],
    ['a slash at the end of a webhook', 'https://h.example/v', 'https://h.example/v/'],
    ['a path that only a URL parser calls equal', 'https://h.example/v', 'https://h.example/tenants/../v'],
    ['escapes that only a decoder calls equal', 'https://h.example/v?a=%2F', 'https://h.example/v?a=%2f'],
  ])('%s is refused', (_, signed, seen) => {
    const signature = vendor.getExpectedTwilioSignature(AUTH_TOKEN, signed, PARAMS)
    expect(verifyForm(seen, signature)).toMatchObject({ ok: false, code: 'webhook_signature_mismatch' })
  })

  test('a socket is tried with and without a slash and port, and https means wss', () => {
    for (const signed of [
      'wss://h.example/m',
      'wss://h.example/m/',
      'wss://h.example:443/m',
      'wss://h.example:8443/m/',
    ]) {
      const signature = vendor.getExpectedTwilioSignature(AUTH_TOKEN, signed, {})
      for (const url of ['https://h.example:8443/m', 'wss://h.example:8443/m/']) {
        expect(verifyTwilioUpgrade({ authToken: AUTH_TOKEN, signature, url })).toMatchObject({
          ok: true,
          matchedUrl: signed,
        })
      }
    }
    const signature = vendor.getExpectedTwilioSignature(AUTH_TOKEN, 'https://h.example/m', {})
    expect(verifyTwilioUpgrade({ authToken: AUTH_TOKEN, signature, url: 'https://h.example/m' }).ok).toBe(false)
  })

  test('an address that is none is refused and not thrown', () => {
    for (const url of ['', '/voice', 'ftp://h.example/v', 'https://', 'https://user@/v']) {
      expect(verifyForm(url, `${'A'.repeat(27)}=`)).toMatchObject({ ok: false, code: 'webhook_signature_mismatch' })
    }
  })
})

describe('tokens', () => {
  test('any of several tokens may have signed, and the verdict says which', () => {
    const signature = signTwilioRequest({ authToken: 'next', url: URL_, params: PARAMS })
    const ask = { signature, url: URL_, contentType: FORM, params: PARAMS }
    expect(verifyTwilioRequest({ ...ask, authToken: ['current', 'next'] })).toMatchObject({ ok: true, tokenIndex: 1 })
    expect(verifyTwilioRequest({ ...ask, authToken: ['current', 'older'] })).toMatchObject({ ok: false })
  })

  test.each([[''], [[]], [['a', '']], [undefined]])('no token (%j) is a mistake and never a pass', (authToken) => {
    const ask = { authToken: authToken as string, signature: `${'A'.repeat(27)}=`, url: URL_ }
    expect(() => verifyTwilioRequest(ask)).toThrow(TypeError)
    expect(() => verifyTwilioUpgrade(ask)).toThrow(TypeError)
  })

  test('a token that is not ASCII, or longer than a hash block, signs like any other', () => {
    for (const authToken of ['schlüssel', 'k'.repeat(64), 'k'.repeat(65), '\u0000']) {
      const signature = vendor.getExpectedTwilioSignature(authToken, URL_, PARAMS)
      expect(verifyTwilioRequest({ authToken, signature, url: URL_, contentType: FORM, params: PARAMS }).ok).toBe(true)
    }
  })
})

describe('attacks', () => {
  const good = vendor.getExpectedTwilioSignature(AUTH_TOKEN, URL_, PARAMS)

  test.each([
    ['absent', undefined, 'webhook_signature_missing'],
    ['empty', '', 'webhook_signature_missing'],
    ['truncated', good.slice(0, -1), 'webhook_signature_malformed'],
    ['too long', `${good}=`, 'webhook_signature_malformed'],
    ['in URL-safe base64', '-_'.repeat(13) + 'A=', 'webhook_signature_malformed'],
    ['not ASCII', `é${good.slice(1)}`, 'webhook_signature_malformed'],
    ['of another length of bytes', Buffer.alloc(19).toString('base64'), 'webhook_signature_malformed'],
    ['joined from two headers', `${good}, ${good}`, 'webhook_signature_malformed'],
    ['sent twice', [good, good], 'webhook_signature_malformed'],
    ['no header at all, as a list', [], 'webhook_signature_missing'],
    ['forged', `${'A'.repeat(27)}=`, 'webhook_signature_mismatch'],
    ['with its unused bits set', good.slice(0, 26) + nextLetter(good[26]!) + '=', 'webhook_signature_mismatch'],
  ])('a signature that is %s is refused', (_, signature, code) => {
    const verdict = verifyTwilioRequest({
      authToken: AUTH_TOKEN,
      signature,
      url: URL_,
      contentType: FORM,
      params: PARAMS,
    })
    expect(verdict).toMatchObject({ ok: false, code })
  })

  test('a list of one header is that header', () => {
    const ask = { authToken: AUTH_TOKEN, signature: [good], url: URL_, contentType: FORM, params: PARAMS }
    expect(verifyTwilioRequest(ask).ok).toBe(true)
  })

  test('a parameter that was added, dropped or changed is refused', () => {
    for (const body of ['CallSid=CA1', `${encode(PARAMS)}&Extra=1`, encode({ ...PARAMS, Digits: '1235' }), '']) {
      expect(verifyForm(URL_, good, body)).toMatchObject({ ok: false, code: 'webhook_signature_mismatch' })
    }
  })

  test.each([
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    undefined,
    null,
    'application/x-www-form-urlencodedx',
  ])('a signed form sent again as %s is refused', (contentType) => {
    const ask = { authToken: AUTH_TOKEN, signature: good, url: URL_, contentType }
    expect(verifyTwilioRequest({ ...ask, body: encode(PARAMS) })).toMatchObject({ code: 'webhook_body_unsigned' })
    expect(verifyTwilioRequest({ ...ask, params: PARAMS })).toMatchObject({ code: 'webhook_body_unsigned' })
  })

  test('a signature over the address alone covers no body', () => {
    const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url: URL_ })
    const ask = { authToken: AUTH_TOKEN, signature, url: URL_, body: JSON_BODY }
    expect(verifyTwilioRequest({ ...ask, contentType: 'application/json' })).toMatchObject({
      code: 'webhook_body_unsigned',
    })
    expect(verifyTwilioRequest({ ...ask, method: 'GET' })).toMatchObject({ code: 'webhook_body_unsigned' })
  })

  test('a signed JSON request is held to its body, whatever it is sent again as', () => {
    const signed = { authToken: AUTH_TOKEN, ...signTwilioBody({ authToken: AUTH_TOKEN, url: URL_, body: JSON_BODY }) }
    const mismatch = { ok: false, code: 'webhook_body_hash_mismatch' }
    const reserialised = JSON.stringify(JSON.parse(JSON_BODY), null, 1)
    expect(verifyTwilioRequest({ ...signed, contentType: 'application/json', body: reserialised })).toMatchObject(
      mismatch,
    )
    expect(verifyTwilioRequest({ ...signed, contentType: 'application/json' })).toMatchObject(mismatch)
    expect(verifyTwilioRequest({ ...signed, contentType: FORM })).toMatchObject(mismatch)
    expect(verifyTwilioRequest({ ...signed, method: 'GET' })).toMatchObject(mismatch)
    const asParams = verifyTwilioRequest({ ...signed, contentType: FORM, params: {} })
    expect(asParams).toMatchObject({ ok: false, code: 'webhook_body_already_parsed' })
  })

  test('a hash that an attacker writes into the address breaks the signature', () => {
    const sha = createHash('sha256').update(JSON_BODY).digest('hex')
    const ask = { authToken: AUTH_TOKEN, signature: good, url: `${URL_}&bodySHA256=${sha}`, body: JSON_BODY }
    expect(verifyTwilioRequest({ ...ask, contentType: 'application/json' })).toMatchObject({
      code: 'webhook_signature_mismatch',
    })
  })

  test('of two hashes in the address both must fit', () => {
    const url = `${URL_}&bodySHA256=${'0'.repeat(64)}`
    const signed = signTwilioBody({ authToken: AUTH_TOKEN, url, body: JSON_BODY })
    const ask = { authToken: AUTH_TOKEN, ...signed, body: JSON_BODY, contentType: 'application/json' }
    expect(verifyTwilioRequest(ask)).toMatchObject({ code: 'webhook_body_hash_mismatch' })
  })

  test('what a nested parser made of a form is named as that', () => {
    const ask = { authToken: AUTH_TOKEN, signature: good, url: URL_, contentType: FORM }
    expect(verifyTwilioRequest({ ...ask, params: { A: { b: '1' } } })).toMatchObject({
      code: 'webhook_body_already_parsed',
    })
    const parsed = { ...ask, body: PARAMS as unknown as string }
    expect(verifyTwilioRequest(parsed)).toMatchObject({ code: 'webhook_body_already_parsed' })
  })

  test('body and params together are a mistake', () => {
    const ask = { authToken: AUTH_TOKEN, signature: good, url: URL_, contentType: FORM, body: '', params: {} }
    expect(() => verifyTwilioRequest(ask)).toThrow(TypeError)
  })

  test('too large a body, or too many parameters, is refused before it costs anything', () => {
    const ask = { authToken: AUTH_TOKEN, signature: good, url: URL_, contentType: FORM }
    const code = 'webhook_body_too_large'
    expect(verifyTwilioRequest({ ...ask, body: 'é'.repeat(6), maxBodyBytes: 11 })).toMatchObject({ code })
    expect(verifyTwilioRequest({ ...ask, body: 'é'.repeat(6), maxBodyBytes: 12 })).toMatchObject({
      code: 'webhook_signature_mismatch',
    })
    expect(verifyTwilioRequest({ ...ask, body: Buffer.alloc(1024 * 1024 + 1) })).toMatchObject({ code })
    expect(verifyTwilioRequest({ ...ask, body: 'a&'.repeat(1001) })).toMatchObject({ code })
    expect(() => verifyTwilioRequest({ ...ask, body: '', maxBodyBytes: 0 })).toThrow(RangeError)
  })

  test('bytes and text are the same body', () => {
    const body = encode({ Name: 'Zoë' })
    const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url: URL_, form: body })
    const padded = Buffer.from(`xx${body}xx`)
    expect(verifyForm(URL_, signature, new Uint8Array(padded.buffer, padded.byteOffset + 2, body.length)).ok).toBe(true)
  })
})

function nextLetter(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return alphabet[alphabet.indexOf(letter) + 1]!
}

describe('what a refusal says', () => {
  const url = 'https://voice.example.com:8443/call/15005550001?From=%2B15005550001&key=hunter2'
  const verdict = verifyTwilioRequest({
    authToken: AUTH_TOKEN,
    signature: `${'B'.repeat(27)}=`,
    url,
    contentType: FORM,
    params: PARAMS,
  })

  test('it names every spelling that was tried, how many tokens and how many parameters', () => {
    if (verdict.ok) throw new Error('accepted')
    expect(verdict.tried).toHaveLength(3)
    expect(verdict.tried[0]).toContain('https://voice.example.com:8443/call/')
    expect(verdict.reason).toContain('3 form parameters and 1 auth token')
  })

  test('it holds no secret, no signature, no number and no query value', () => {
    const text = JSON.stringify(verdict)
    for (const secret of [AUTH_TOKEN, 'BBBB', '5005550001', 'hunter2', '1234']) expect(text).not.toContain(secret)
  })

  test('proven() throws it as a SignatureError and passes a proven request through', () => {
    expect(() => proven(verdict)).toThrow(SignatureError)
    const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url, params: PARAMS })
    expect(proven(verifyForm(url, signature)).tokenIndex).toBe(0)
  })
})
