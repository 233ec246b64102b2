/** The vendor's package as a second opinion, over requests that nobody thought of; and the points where it is wrong. */
import { createHash, createHmac } from 'node:crypto'
import { stringify } from 'node:querystring'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  signTwilioBody,
  signTwilioRequest,
  verifyTwilioRequest,
  verifyTwilioUpgrade,
} from '../../src/webhooks/index.js'
import { hmacSha1 } from '../../src/webhooks/hmac-sha1.js'
import { AUTH_TOKEN, FORM, vendor } from './setup.js'

const host = fc.constantFrom('example.com', 'a.b.example.co.uk', 'xn--bcher-kva.example', '10.0.0.1', '[2001:db8::1]')
const port = fc.constantFrom('', '', ':443', ':80', ':8443')
// What stands in a request line: escapes in both cases, characters that need none, no dot segments.
const urlPart = fc
  .array(fc.constantFrom('a', 'Z', '7', '-', '~', '%20', '%2F', '%c3%a9', '+', '*', '(', ')', '!', ':', '@'), {
    minLength: 1,
    maxLength: 8,
  })
  .map((pieces) => pieces.join(''))
const query = fc.option(fc.array(fc.tuple(urlPart, urlPart), { minLength: 1, maxLength: 4 }), { nil: [] })
const url = fc
  .tuple(fc.constantFrom('https', 'http'), host, port, fc.array(urlPart, { minLength: 1, maxLength: 3 }), query)
  .map(
    ([scheme, h, p, path, q]) =>
      `${scheme}://${h}${p}/${path.join('/')}${q.length > 0 ? '?' : ''}${q.map((kv) => kv.join('=')).join('&')}`,
  )
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', ' ', '+1', '%', '&=', 'a+b', '\u0000', '\ufeff'),
)
const key = fc.oneof(fc.constantFrom('CallSid', 'From', 'a', 'A', 'AA', 'A[b]', 'toString', 'hasOwnProperty'), text)
const pairs = fc.array(fc.tuple(key, text), { maxLength: 30 })
const token = fc.oneof(fc.constant(AUTH_TOKEN), fc.string({ minLength: 1, maxLength: 80 }))
const RUNS = { numRuns: 3000 }

function isWellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text
}

/** As the vendor's package wants them: a repeated key's values as a list. */
function grouped(list: readonly (readonly [string, string])[]): Record<string, string | string[]> {
  const out = new Map<string, string[]>()
  for (const [k, v] of list) out.set(k, [...(out.get(k) ?? []), v])
  return Object.fromEntries([...out].map(([k, v]) => [k, v.length === 1 ? v[0]! : v]))
}

describe('agrees with the twilio package', () => {
  test('on the signature of any form, parsed or raw, in any order', () => {
    fc.assert(
      fc.property(token, url, pairs, fc.boolean(), (authToken, address, list, asParams) => {
        const params = grouped(list)
        const signature = vendor.getExpectedTwilioSignature(authToken, address, params)
        const payload = asParams ? { params } : { body: new URLSearchParams(list).toString() }
        // A lone surrogate cannot be written in UTF-8: the form's encoder replaces it.
        fc.pre(asParams || list.flat().every((s) => isWellFormed(s)))
        const verdict = verifyTwilioRequest({ authToken, signature, url: address, contentType: FORM, ...payload })
        expect(verdict).toMatchObject({ ok: true, matchedUrl: address })
      }),
      RUNS,
    )
  })

  test('on accepting and refusing: signed as is, without port, with port, or for something else', () => {
    const signedUrl = (address: string, how: string): string => {
      const parsed = /^(https?):\/\/(\[[^\]]*\]|[^/:]*)(:\d+)?(.*)$/.exec(address)!
      if (how === 'no port') return `${parsed[1]}://${parsed[2]}${parsed[4]}`
      if (how === 'default port')
        return `${parsed[1]}://${parsed[2]}${parsed[1] === 'https' ? ':443' : ':80'}${parsed[4]}`
      if (how === 'other path') return `${address}x`
      return address
    }
    const how = fc.constantFrom('as is', 'no port', 'default port', 'other path', 'other token', 'other params')
    fc.assert(
      fc.property(url, pairs, how, (address, list, change) => {
        const params = grouped(list)
        const signed = change === 'other params' ? { ...params, Added: '1' } : params
        const by = change === 'other token' ? 'another token' : AUTH_TOKEN
        const signature = vendor.getExpectedTwilioSignature(by, signedUrl(address, change), signed)
        const ours = verifyTwilioRequest({
          authToken: AUTH_TOKEN,
          signature,
          url: address,
          contentType: FORM,
          params,
        }).ok
        const theirs = vendor.validateRequest(AUTH_TOKEN, signature, address, params)
        // In place of a port that is written, ours tries the default one as well; the package does not.
        if (change === 'default port' && /:(8443|80|443)\//.test(address)) return
        expect(ours).toBe(theirs)
      }),
      RUNS,
    )
  })

  test('on JSON bodies, whole and altered', () => {
    fc.assert(
      fc.property(url, fc.json(), fc.boolean(), (address, body, isAltered) => {
        const signed = signTwilioBody({ authToken: AUTH_TOKEN, url: address.replace(/:\d+\//, '/'), body })
        const sent = isAltered ? `${body} ` : body
        const ask = { authToken: AUTH_TOKEN, ...signed, contentType: 'application/json', body: Buffer.from(sent) }
        expect(verifyTwilioRequest(ask).ok).toBe(
          vendor.validateRequestWithBody(AUTH_TOKEN, signed.signature, signed.url, sent),
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('on the parameters that a form body holds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', '=', '&', '+', '%', '%41', '%zz', '%c3%a9', '%ff', 'é', '%2B'), {
          maxLength: 30,
        }),
        (pieces) => {
          const body = pieces.join('')
          const signature = vendor.getExpectedTwilioSignature(
            AUTH_TOKEN,
            'https://h.example/v',
            grouped([...new URLSearchParams(body)]),
          )
          const ask = { authToken: AUTH_TOKEN, signature, url: 'https://h.example/v', contentType: FORM }
          expect(verifyTwilioRequest({ ...ask, body: Buffer.from(body) }).ok).toBe(true)
        },
      ),
      RUNS,
    )
  })

  test('the short form of HMAC-SHA1 is HMAC-SHA1', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 130, unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        (k, message) => {
          expect(hmacSha1(k, message)).toBe(createHmac('sha1', k).update(message).digest('base64'))
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('what we sign, it accepts', () => {
    fc.assert(
      fc.property(url, pairs, (address, list) => {
        const params = grouped(list)
        const form = stringify(params)
        fc.pre(list.flat().every((s) => isWellFormed(s)))
        const signature = signTwilioRequest({ authToken: AUTH_TOKEN, url: address, params })
        expect(signTwilioRequest({ authToken: AUTH_TOKEN, url: address, form })).toBe(signature)
        expect(vendor.validateRequest(AUTH_TOKEN, signature, address, params)).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test('nothing that can be sent makes the check throw', () => {
    const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), url)
    fc.assert(
      fc.property(
        fc.record({
          signature: fc.oneof(
            anything,
            fc.array(anything, { maxLength: 3 }),
            fc.constant(undefined),
            fc.base64String({ minLength: 28, maxLength: 28 }),
          ),
          url: anything,
          method: fc.constantFrom('GET', 'POST', 'PUT', 'x'),
          contentType: fc.oneof(anything, fc.constantFrom(FORM, 'application/json', '; charset', undefined)),
          body: fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array()),
        }),
        (request) => {
          expect(verifyTwilioRequest({ authToken: AUTH_TOKEN, ...request }).ok).toBe(false)
          expect(verifyTwilioUpgrade({ authToken: AUTH_TOKEN, ...request }).ok).toBe(false)
        },
      ),
      RUNS,
    )
  })
})

describe('differs from the twilio package where that is wrong', () => {
  const address = 'https://h.example/v'
  const params = { CallSid: 'CA1', Digits: '1' }
  const formSignature = signTwilioRequest({ authToken: AUTH_TOKEN, url: address, params })
  const jsonBody = JSON.stringify(params)

  /** A request as Express hands it to the package. */
  function expressRequest(signature: string, body: object | undefined, path = '/v') {
    return {
      protocol: 'https',
      headers: { host: 'h.example' },
      originalUrl: path,
      body,
      header: (name: string) => (name === 'X-Twilio-Signature' ? signature : undefined),
    }
  }

  const ask = { authToken: AUTH_TOKEN, url: address }
  const socket = (url: string) => createHmac('sha1', AUTH_TOKEN).update(url).digest('base64')
  const signedJson = signTwilioBody({ authToken: AUTH_TOKEN, url: address, body: jsonBody })
  const sha = createHash('sha256').update(jsonBody).digest('hex')

  const rows: readonly {
    claim: string
    theirs: () => boolean
    ours: () => boolean
    right: boolean
  }[] = [
    {
      claim: 'a signed form sent again as JSON with the same pairs',
      theirs: () =>
        vendor.validateExpressRequest(expressRequest(formSignature, JSON.parse(jsonBody) as object), AUTH_TOKEN),
      ours: () =>
        verifyTwilioRequest({ ...ask, signature: formSignature, contentType: 'application/json', body: jsonBody }).ok,
      right: false,
    },
    {
      claim: 'a body that no parser read, under a signature over the address alone',
      theirs: () => vendor.validateExpressRequest(expressRequest(socket(address), undefined), AUTH_TOKEN),
      ours: () =>
        verifyTwilioRequest({ ...ask, signature: socket(address), contentType: 'text/xml', body: '<evil/>' }).ok,
      right: false,
    },
    {
      claim: 'a JSON body where only parsed values are at hand: the package hashes "{}", ours takes the raw bytes',
      theirs: () =>
        vendor.validateExpressRequest(expressRequest(signedJson.signature, params, `/v?bodySHA256=${sha}`), AUTH_TOKEN),
      ours: () =>
        verifyTwilioRequest({ authToken: AUTH_TOKEN, ...signedJson, contentType: 'application/json', body: jsonBody })
          .ok,
      right: true,
    },
    {
      claim: 'a socket signed with the port of https',
      theirs: () => vendor.validateRequest(AUTH_TOKEN, socket('wss://h.example:443/m'), 'wss://h.example/m', {}),
      ours: () =>
        verifyTwilioUpgrade({
          authToken: AUTH_TOKEN,
          signature: socket('wss://h.example:443/m'),
          url: 'wss://h.example/m',
        }).ok,
      right: true,
    },
    {
      claim: 'a secure socket signed with port 80',
      theirs: () => vendor.validateRequest(AUTH_TOKEN, socket('wss://h.example:80/m'), 'wss://h.example/m', {}),
      ours: () =>
        verifyTwilioUpgrade({
          authToken: AUTH_TOKEN,
          signature: socket('wss://h.example:80/m'),
          url: 'wss://h.example/m',
        }).ok,
      right: false,
    },
    {
      claim: 'a socket signed with a slash at its end',
      theirs: () => vendor.validateRequest(AUTH_TOKEN, socket('wss://h.example/m/'), 'wss://h.example/m', {}),
      ours: () =>
        verifyTwilioUpgrade({
          authToken: AUTH_TOKEN,
          signature: socket('wss://h.example/m/'),
          url: 'wss://h.example/m',
        }).ok,
      right: true,
    },
    {
      claim: 'an address with user information, which Twilio drops before it signs',
      theirs: () => vendor.validateRequest(AUTH_TOKEN, formSignature, 'https://user:pass@h.example/v', params),
      ours: () =>
        verifyTwilioRequest({
          ...ask,
          url: 'https://user:pass@h.example/v',
          signature: formSignature,
          contentType: FORM,
          params,
        }).ok,
      right: true,
    },
    {
      claim: 'an address with connection overrides in its fragment, which is never signed',
      theirs: () => vendor.validateRequest(AUTH_TOKEN, formSignature, `${address}#rc=2`, params),
      ours: () =>
        verifyTwilioRequest({ ...ask, url: `${address}#rc=2`, signature: formSignature, contentType: FORM, params }).ok,
      right: true,
    },
    {
      claim: 'a path with dot segments, served as it came and proven as something else',
      theirs: () => vendor.validateRequest(AUTH_TOKEN, formSignature, 'https://h.example/tenants/../v', params),
      ours: () =>
        verifyTwilioRequest({
          ...ask,
          url: 'https://h.example/tenants/../v',
          signature: formSignature,
          contentType: FORM,
          params,
        }).ok,
      right: false,
    },
    {
      claim: 'a query that fits only after it was decoded and encoded again',
      theirs: () => vendor.validateRequest(AUTH_TOKEN, socket(`${address}?a=%3A`), `${address}?a=:`, {}),
      ours: () =>
        verifyTwilioRequest({ ...ask, url: `${address}?a=:`, signature: socket(`${address}?a=%3A`), method: 'GET' }).ok,
      right: false,
    },
    {
      claim: 'parameters as FormData',
      theirs: () => vendor.validateRequest(AUTH_TOKEN, formSignature, address, formDataOf(params)),
      ours: () =>
        verifyTwilioRequest({ ...ask, signature: formSignature, contentType: FORM, params: formDataOf(params) }).ok,
      right: true,
    },
  ]

  test.each(rows)('$claim', ({ theirs, ours, right }) => {
    expect(ours()).toBe(right)
    expect(theirs()).toBe(!right)
  })

  test('an address that is none: the package throws, ours refuses', () => {
    expect(() => vendor.validateRequest(AUTH_TOKEN, formSignature, '/v', params)).toThrow('Invalid URL')
    expect(verifyTwilioRequest({ ...ask, url: '/v', signature: formSignature, contentType: FORM, params }).ok).toBe(
      false,
    )
  })
})

function formDataOf(params: Record<string, string>): Iterable<readonly [string, unknown]> {
  const data = new FormData()
  for (const [k, v] of Object.entries(params)) data.append(k, v)
  return data
}
