import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ConfigError, ERROR_REMEDIES, ProtocolError, VendorError, VoiceError } from '../../src/core/errors.js'

describe('VoiceError', () => {
  test('carries code, message and the remedy of its code', () => {
    const error = new VoiceError('bridge_closed', 'The call was over')
    expect(error).toMatchObject({ name: 'VoiceError', code: 'bridge_closed', message: 'The call was over' })
    expect(error.remedy).toBe(ERROR_REMEDIES.bridge_closed)
  })

  test('a remedy of its own replaces the general one, and the cause is kept', () => {
    const cause = new Error('reset')
    const error = new VoiceError('elevenlabs_connection_lost', 'Lost', { remedy: 'Wait a minute.', cause })
    expect(error.remedy).toBe('Wait a minute.')
    expect(error.cause).toBe(cause)
  })

  test('is matched by kind, so that an error of another copy of the package matches too', () => {
    const foreign = Object.defineProperty(new Error('x'), Symbol.for('callweave.error-kinds'), {
      value: new Set(['VendorError', 'VoiceError']),
    })
    expect(foreign instanceof VoiceError).toBe(true)
    expect(foreign instanceof VendorError).toBe(true)
    expect(foreign instanceof ProtocolError).toBe(false)
  })

  test.each([null, undefined, 'text', 7, {}, new Error('plain')])('does not match %s', (value) => {
    expect(value instanceof VoiceError).toBe(false)
  })

  test('a subclass matches its root and not its sibling', () => {
    const error = new ProtocolError('media_stream_message_invalid', 'No')
    expect(error instanceof VoiceError).toBe(true)
    expect(error instanceof VendorError).toBe(false)
    expect(error.name).toBe('ProtocolError')
  })

  test('a vendor error says never to retry unless told otherwise', () => {
    expect(new VendorError('elevenlabs_quota_exceeded', 'Quota').retry).toBe('never')
    expect(new VendorError('elevenlabs_server_error', 'Crash', { retry: 'backoff', closeCode: 1011 })).toMatchObject({
      retry: 'backoff',
      closeCode: 1011,
    })
  })

  test('a configuration error lists every problem', () => {
    const error = new ConfigError(['A: is missing', 'B: must be https'])
    expect(error.problems).toHaveLength(2)
    expect(error.message).toContain('A: is missing; B: must be https')
  })
})

test('every code has a remedy that is a sentence, and a paragraph in docs/errors.md', () => {
  const manual = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const missing = Object.keys(ERROR_REMEDIES).filter((code) => !manual.includes(`### \`${code}\``))
  expect(missing).toEqual([])
  for (const remedy of Object.values(ERROR_REMEDIES)) expect(remedy).toMatch(/^[A-Z\u2018\u201c`].*\.$/s)
})

test('docs/errors.md has no paragraph for a code that does not exist', () => {
  const manual = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const documented = [...manual.matchAll(/^### `([a-z_]+)`/gm)].map((match) => match[1]!)
  expect(documented.filter((code) => !(code in ERROR_REMEDIES))).toEqual([])
  expect(new Set(documented).size).toBe(documented.length)
})
