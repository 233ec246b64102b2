import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { signElevenLabsWebhook, verifyElevenLabsWebhook } from '../../src/webhooks/index.js'
import { corpus } from './setup.js'

const vector = corpus<{ secret: string; timestamp: number; body: string; header: string }>(
  'elevenlabs/signature-vectors',
)
const SECRET = vector.secret
const BODY = vector.body
const HASH = vector.header.slice(vector.header.indexOf('v0=') + 3)
const T = `t=${vector.timestamp}`

function verify(
  signature: string | string[] | undefined,
  over: Partial<Parameters<typeof verifyElevenLabsWebhook>[0]> = {},
) {
  const clock = new ManualClock(vector.timestamp * 1000)
  return verifyElevenLabsWebhook({ secret: SECRET, signature, body: BODY, clock, ...over })
}

test('the published vector is proven, and gives its body and the moment it was signed', () => {
  expect(verify(vector.header)).toEqual({
    ok: true,
    json: JSON.parse(BODY) as unknown,
    signedAtMs: vector.timestamp * 1000,
    secretIndex: 0,
  })
  expect(verify(vector.header, { body: Buffer.from(BODY) }).ok).toBe(true)
  const clock = new ManualClock(vector.timestamp * 1000 + 999)
  expect(signElevenLabsWebhook({ secret: SECRET, body: BODY, clock })).toBe(vector.header)
})

test('whatever is signed is proven, and one bit less is not', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), fc.json(), fc.nat(255), (secret, body, at) => {
      const clock = new ManualClock()
      const signature = signElevenLabsWebhook({ secret, body, clock })
      expect(verifyElevenLabsWebhook({ secret, signature, body, clock }).ok).toBe(true)
      const bytes = Buffer.from(body)
      bytes[at % bytes.length]! ^= 1
      expect(verifyElevenLabsWebhook({ secret, signature, body: bytes, clock })).toMatchObject({
        code: 'webhook_signature_mismatch',
      })
    }),
    { numRuns: 1000 },
  )
})

describe('time', () => {
  test.each([
    ['as old as is allowed', 1_800_000, true],
    ['a millisecond older', 1_800_001, false],
    ['as far ahead as is allowed', -300_000, true],
    ['a millisecond further ahead', -300_001, false],
  ])('%s', (_, ageMs, isProven) => {
    const verdict = verify(vector.header, { clock: new ManualClock(vector.timestamp * 1000 + ageMs) })
    if (isProven) expect(verdict.ok).toBe(true)
    else expect(verdict).toMatchObject({ ok: false, code: 'webhook_timestamp_out_of_tolerance', tried: [T] })
  })

  test('both tolerances can be chosen, and zero means now', () => {
    const at = (ms: number) => ({
      clock: new ManualClock(vector.timestamp * 1000 + ms),
      toleranceMs: 0,
      futureToleranceMs: 0,
    })
    expect(verify(vector.header, at(0)).ok).toBe(true)
    expect(verify(vector.header, at(1)).ok).toBe(false)
    expect(verify(vector.header, at(-1)).ok).toBe(false)
  })

  test.each([-1, NaN, Infinity])('a tolerance of %d is a mistake and never "unchecked"', (value) => {
    expect(() => verify(vector.header, { toleranceMs: value })).toThrow(RangeError)
    expect(() => verify(vector.header, { futureToleranceMs: value })).toThrow(RangeError)
  })

  test('a forged request is told nothing about the clock', () => {
    const verdict = verify(`${T},v0=${'0'.repeat(64)}`, { clock: new ManualClock(0) })
    expect(verdict).toMatchObject({ code: 'webhook_signature_mismatch' })
  })
})

describe('header', () => {
  test.each([
    ['spaces around its parts', ` ${T} , v0=${HASH} `],
    ['its parts the other way round', `v0=${HASH},${T}`],
    ['an older signature beside it', `${T},v0=${'0'.repeat(64)},v0=${HASH}`],
    ['schemes and parts that nobody knows', `${T},v1=abc,v0=${HASH},x,=`],
  ])('%s is read', (_, header) => {
    expect(verify(header).ok).toBe(true)
    expect(verify([header]).ok).toBe(true)
  })

  test.each([
    ['no time', `v0=${HASH}`],
    ['a time that is no number', `t=NaN,v0=${HASH}`],
    ['a time with a fraction', `${T}.0,v0=${HASH}`],
    ['a negative time', `t=-1,v0=${HASH}`],
    ['a time in hex', `t=0x67AF3C11,v0=${HASH}`],
    ['an endless time', `t=${'1'.repeat(13)},v0=${HASH}`],
    ['two times', `${T},t=1,v0=${HASH}`],
    ['another scheme only', `${T},v1=${HASH}`],
    ['a truncated signature', `${T},v0=${HASH.slice(1)}`],
    ['an upper-case signature', `${T},v0=${HASH.toUpperCase()}`],
    ['a signature that is not ASCII', `${T},v0=${'é'.repeat(64)}`],
    ['too many signatures', `${T},${`v0=${HASH},`.repeat(17)}`],
    ['endless length', `${T},v0=${HASH},${'x'.repeat(5000)}`],
    ['a Twilio signature', `${'A'.repeat(27)}=`],
  ])('%s is refused', (_, header) => {
    expect(verify(header)).toMatchObject({ ok: false, code: 'webhook_signature_malformed' })
  })

  test('a header sent twice is refused, an absent one is named as absent', () => {
    expect(verify([vector.header, vector.header])).toMatchObject({ code: 'webhook_signature_malformed' })
    expect(verify(undefined)).toMatchObject({ code: 'webhook_signature_missing' })
    expect(verify('')).toMatchObject({ code: 'webhook_signature_missing' })
  })

  test('nothing that can stand in it makes the check throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.string()), fc.constantFrom(`${T},v0=`)),
        (header) => {
          expect(verify(header as string).ok).toBe(false)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('secrets and bodies', () => {
  test('any of several secrets may have signed, and the verdict says which', () => {
    expect(verify(vector.header, { secret: ['wsec_new', SECRET] })).toMatchObject({ ok: true, secretIndex: 1 })
    expect(verify(vector.header, { secret: 'wsec_new' })).toMatchObject({ code: 'webhook_signature_mismatch' })
    for (const secret of ['', [], [SECRET, '']]) expect(() => verify(vector.header, { secret })).toThrow(TypeError)
  })

  test('a body that was parsed and written again is refused', () => {
    expect(verify(vector.header, { body: JSON.stringify(JSON.parse(BODY), null, 2) })).toMatchObject({
      code: 'webhook_signature_mismatch',
    })
    const parsed = { body: JSON.parse(BODY) as string }
    expect(verify(vector.header, parsed)).toMatchObject({ code: 'webhook_body_already_parsed' })
  })

  test('a signature moved to another moment is refused', () => {
    expect(verify(`t=${vector.timestamp + 1},v0=${HASH}`)).toMatchObject({ code: 'webhook_signature_mismatch' })
  })

  test('a body beyond the limit is refused unread; 50 MiB is the limit unless another is chosen', () => {
    const clock = new ManualClock()
    const body = Buffer.alloc(50 * 1024 * 1024, 0x20)
    body.write('0')
    const signature = signElevenLabsWebhook({ secret: SECRET, body, clock })
    expect(verify(signature, { body, clock }).ok).toBe(true)
    expect(verify(signature, { body: Buffer.concat([body, body.subarray(0, 1)]), clock })).toMatchObject({
      code: 'webhook_body_too_large',
    })
    expect(verify(vector.header, { maxBodyBytes: BODY.length - 1 })).toMatchObject({ code: 'webhook_body_too_large' })
  })

  test('a signed body that is no JSON is a payload problem', () => {
    const clock = new ManualClock()
    const signature = signElevenLabsWebhook({ secret: SECRET, body: 'hello', clock })
    expect(verify(signature, { body: 'hello', clock })).toMatchObject({ code: 'webhook_payload_invalid' })
  })

  test('no refusal holds a secret, a signature or the body', () => {
    const refusals = [
      verify(`${T},v0=${'ab'.repeat(32)}`),
      verify(vector.header, { clock: new ManualClock(0) }),
      verify('nonsense'),
    ]
    for (const text of refusals.map((refusal) => JSON.stringify(refusal))) {
      for (const secret of [SECRET, HASH, 'abab', 'agent_test', 'nonsense']) expect(text).not.toContain(secret)
    }
  })
})
