import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalAscii } from '../../src/webhooks/secrets.js'
import { signPlain, verifyPlainSignature, verifySharedSecret } from '../../src/webhooks/index.js'
import { corpus } from './setup.js'

const request = corpus('elevenlabs/initiation-request')
const body = JSON.stringify(request)

describe('verifySharedSecret', () => {
  test('the right header proves the sender and gives the body', () => {
    expect(verifySharedSecret({ secret: 's3cret', header: 's3cret', body })).toEqual({
      ok: true,
      json: request,
      secretIndex: 0,
    })
    expect(verifySharedSecret({ secret: ['new', 'Bearer old'], header: ['Bearer old'] })).toEqual({
      ok: true,
      json: undefined,
      secretIndex: 1,
    })
  })

  test.each([
    ['absent', undefined, 'webhook_signature_missing'],
    ['empty', '', 'webhook_signature_missing'],
    ['wrong', 's3cres', 'webhook_signature_mismatch'],
    ['a beginning of it', 's3cre', 'webhook_signature_mismatch'],
    ['longer', 's3cret ', 'webhook_signature_mismatch'],
    ['in another case', 'S3CRET', 'webhook_signature_mismatch'],
    ['not ASCII', 's3crét', 'webhook_signature_mismatch'],
    ['sent twice', ['s3cret', 's3cret'], 'webhook_signature_malformed'],
  ])('a header that is %s is refused', (_, header, code) => {
    const verdict = verifySharedSecret({ secret: 's3cret', header, body })
    expect(verdict).toMatchObject({ ok: false, code })
    expect(JSON.stringify(verdict)).not.toMatch(/s3cr/i)
  })

  test.each(['', [], ['a', ''], 'schlüssel', ' a', 'a ', 'a\nb'])(
    'the secret %j is a mistake that is told at once',
    (secret) => {
      expect(() => verifySharedSecret({ secret, header: 'a' })).toThrow(TypeError)
    },
  )

  test('a body that is no JSON, was parsed, or is too large is refused', () => {
    const ask = { secret: 'a', header: 'a' }
    expect(verifySharedSecret({ ...ask, body: '{' })).toMatchObject({ code: 'webhook_payload_invalid' })
    expect(verifySharedSecret({ ...ask, body: request as unknown as string })).toMatchObject({
      code: 'webhook_body_already_parsed',
    })
    expect(verifySharedSecret({ ...ask, body, maxBodyBytes: 10 })).toMatchObject({ code: 'webhook_body_too_large' })
  })

  test('only the secret is the secret', () => {
    const ascii = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.'), minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(ascii, ascii, (secret, header) => {
        expect(verifySharedSecret({ secret, header }).ok).toBe(secret === header)
      }),
    )
  })
})

test('equalAscii is equality, whatever is compared with whatever came before', () => {
  const expected = fc.string({ unit: fc.constantFrom('a', 'b', '=', '0'), maxLength: 64 })
  const given = fc.oneof(
    expected,
    fc.string({ unit: fc.constantFrom('a', 'b', 'á', 'š', '\u0130', '😀', '\ud800'), maxLength: 64 }),
  )
  fc.assert(
    fc.property(given, expected, fc.boolean(), (a, b, isSame) => {
      expect(equalAscii(isSame ? b : a, b)).toBe(isSame || a === b)
    }),
    { numRuns: 5000 },
  )
})

describe('verifyPlainSignature', () => {
  test('a body, or the query of a GET, is proven by its HMAC', () => {
    const query = 'date=2026-08-30&service=cut'
    for (const signed of [body, query, Buffer.from(body), '']) {
      const signature = signPlain({ secret: 'old', body: signed })
      expect(verifyPlainSignature({ secret: ['new', 'old'], signature, body: signed })).toEqual({
        ok: true,
        body: signed,
        secretIndex: 1,
      })
    }
    // RFC 4231, test case 2
    expect(signPlain({ secret: 'Jefe', body: 'what do ya want for nothing?' })).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  test.each([
    [undefined, 'webhook_signature_missing'],
    ['abc', 'webhook_signature_malformed'],
    [['a', 'b'], 'webhook_signature_malformed'],
    ['0'.repeat(64), 'webhook_signature_mismatch'],
  ])('the signature %j is refused', (signature, code) => {
    expect(verifyPlainSignature({ secret: 'x', signature, body })).toMatchObject({ ok: false, code })
  })
})
