import { describe, expect, test } from 'vitest'
import { maskFields, maskingLogger, type Logger } from '../../src/core/logger.js'

describe('maskFields', () => {
  test.each([
    'from',
    'To',
    'digits',
    'auth_token',
    'authToken',
    'xi-api-key',
    'signedUrl',
    'transcript',
    'customParameters',
  ])('hides the value of %s', (name) => {
    expect(JSON.stringify(maskFields({ [name]: '+15551234567' }))).not.toContain('5551234567')
  })

  test('leaves ids and codes readable', () => {
    expect(maskFields({ callSid: 'CA1', code: 'bridge_closed', count: 3 })).toEqual({
      callSid: 'CA1',
      code: 'bridge_closed',
      count: 3,
    })
  })

  test('says of an error its name and code only, for a foreign message can carry anything', () => {
    const error = Object.assign(new Error('https://user:secret@host'), { code: 'ECONNREFUSED' })
    expect(maskFields({ error })).toEqual({ error: { name: 'Error', code: 'ECONNREFUSED' } })
  })
})

test('a logger that throws breaks nothing', () => {
  const broken = { warn: () => { throw new Error('disk full') } } as unknown as Logger // prettier-ignore
  expect(() => maskingLogger(broken).warn('x', { a: 1 })).not.toThrow()
})
