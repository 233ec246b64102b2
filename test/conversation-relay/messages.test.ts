import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/core/errors.js'
import {
  codeOfRelayError,
  encodeRelayMessage,
  encodeTextTail,
  encodeToken,
  outboundRelayMessageSchema,
  parseRelayMessage,
  type OutboundRelayMessage,
} from '../../src/conversation-relay/messages.js'

function corpus(folder: string): (readonly [string, string])[] {
  const at = new URL(`../corpus/twilio-conversation-relay/${folder}/`, import.meta.url)
  return readdirSync(at).map((name) => [name, readFileSync(new URL(name, at), 'utf8').trimEnd()] as const)
}

describe('what comes from Twilio', () => {
  test.each(corpus('inbound'))('%s is read as what it is', (name, text) => {
    expect(parseRelayMessage(text).type).toBe(name.replace(/(-.*)?\.json$/, ''))
  })

  test.each(corpus('inbound'))('%s, cut anywhere, is refused and never crashes', (_, text) => {
    for (let length = 0; length < text.length; length++) {
      expect(() => parseRelayMessage(text.slice(0, length))).toThrow(ProtocolError)
    }
  })

  test('whatever arrives is a message or a ProtocolError, and the error repeats nothing of it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), jsonLikeMessage()), (text) => {
        try {
          expect(typeof parseRelayMessage(text).type).toBe('string')
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
          expect((error as Error).message).not.toContain('4111')
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('a type that is not known is named, not refused', () => {
    expect(parseRelayMessage('{"type":"heartbeat"}')).toEqual({ type: 'unknown', name: 'heartbeat' })
    expect(parseRelayMessage('{"type":"constructor"}')).toEqual({ type: 'unknown', name: 'constructor' })
  })

  test('absent places are empty, a duration may be text, and a prompt without last is whole', () => {
    const [, setup] = corpus('inbound').find(([name]) => name === 'setup-future-field.json')!
    expect(parseRelayMessage(setup)).toMatchObject({ from: '', callerName: '', customParameters: {} })
    const duration = '{"type":"interrupt","utteranceUntilInterrupt":"a","durationUntilInterruptMs":"460"}'
    expect(parseRelayMessage(duration)).toMatchObject({ durationUntilInterruptMs: 460 })
    expect(parseRelayMessage('{"type":"prompt","voicePrompt":"a"}')).toMatchObject({ last: true })
  })

  test.each([
    ['Invalid message received, code: 64107, {…}', '64107'],
    ['code 64101: invalid values', '64101'],
    ['Something without a code, 12 of them', undefined],
  ])('the code in %j is %s', (description, code) => {
    expect(codeOfRelayError(description)).toBe(code)
  })
})

describe('what goes to Twilio', () => {
  test.each(corpus('outbound'))('%s is written to the letter', (_, text) => {
    expect(encodeRelayMessage(JSON.parse(text) as OutboundRelayMessage)).toBe(text)
  })

  test.each(corpus('refused'))('%s is refused', (_, text) => {
    expect(outboundRelayMessageSchema.safeParse(JSON.parse(text)).success).toBe(false)
  })

  test('a mistake is a TypeError that names the field and not the digits', () => {
    const wrong = () => encodeRelayMessage({ type: 'sendDigits', digits: '4111 1111' })
    expect(wrong).toThrow(TypeError)
    expect(wrong).toThrow(/sendDigits.*digits/)
    expect(wrong).not.toThrow(/4111/)
  })

  test('a token around a ready tail is the same message as one written whole, whatever the token', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), fc.boolean(), (token, last, interruptible) => {
        const fields = { last, lang: 'es-ES', interruptible }
        const written = encodeToken(token, encodeTextTail(fields))
        expect(JSON.parse(written)).toEqual({ type: 'text', token, ...fields })
      }),
    )
  })
})

/** Messages that are nearly right. */
function jsonLikeMessage(): fc.Arbitrary<string> {
  const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean(), fc.constant('4111-1111'))
  const keys = fc.constantFrom('voicePrompt', 'digit', 'last', 'lang', 'sessionId', 'callSid', 'customParameters', 'value', 'name') // prettier-ignore
  const type = fc.constantFrom('setup', 'prompt', 'interrupt', 'dtmf', 'error', 'info')
  return fc.tuple(type, fc.dictionary(keys, value)).map(([name, fields]) => JSON.stringify({ ...fields, type: name }))
}
