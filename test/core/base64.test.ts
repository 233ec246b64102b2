import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { base64ByteLength, isBase64 } from '../../src/core/base64.js'

const STANDARD = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

describe('isBase64', () => {
  test('says of any text what the definition says', () => {
    const near = fc.string({
      unit: fc.constantFrom('A', '/', '+', '=', ' ', '\n', '-', '_', 'é', '\u0141'),
      maxLength: 12,
    })
    const real = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    fc.assert(
      fc.property(fc.oneof(near, real, fc.string()), (text) => {
        expect(isBase64(text)).toBe(STANDARD.test(text))
      }),
      { numRuns: 5000, seed: 20261127, examples: [['AAAA    '], ['AA==    '], ['====']] },
    )
  })
})

test('base64ByteLength is what decoding gives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      expect(base64ByteLength(Buffer.from(bytes).toString('base64'))).toBe(bytes.length)
    }),
    { numRuns: 500 },
  )
})
