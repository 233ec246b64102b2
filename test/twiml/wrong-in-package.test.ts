/**
 * The table of docs/guides/twiml.md, row by row: what the `twilio` package 6.2.0 does, and what this one does instead. When a release
 * of the package mends a row, its test fails: take the row out.
 */
import twilio from 'twilio'
import { expect, test } from 'vitest'
import * as ours from '../../src/twiml/index.js'
import { parseTree } from './tree.js'

type Loose = Record<string, (...args: unknown[]) => Loose>

/** A document of the package, made without its types. */
function theirs(build: (response: Loose) => void): string {
  const response = new twilio.twiml.VoiceResponse()
  build(response)
  return response.toString()
}

const relay = (attributes: object): string =>
  ours.response(ours.connect({}, ours.conversationRelay({ url: 'wss://h/relay', ...attributes }))).toString()

test.each([
  ['backgroundnoisereduction', 'backgroundNoiseReduction', true],
  ['deepgramsmartformat', 'deepgramSmartFormat', true],
  ['ignorebackchannel', 'ignoreBackchannel', true],
  ['speechtimeout', 'speechTimeout', 700],
])('%s: the package writes lower case, TwiML is case-sensitive (12200)', (lower, camel, value) => {
  expect(theirs((r) => r['connect']!()['conversationRelay']!({ url: 'wss://h/relay', [lower]: value }))).toContain(
    ` ${lower}=`,
  )
  expect(relay({ [camel]: value })).toContain(` ${camel}="${value}"`)
  expect(() => relay({ [lower]: value })).toThrow(`Write ${camel}`)
})

test('reportInputDuringAgentSpeech: the package types a boolean, Twilio takes four words', () => {
  expect(relay({ reportInputDuringAgentSpeech: 'dtmf' })).toContain(' reportInputDuringAgentSpeech="dtmf"')
  expect(() => relay({ reportInputDuringAgentSpeech: true })).toThrow(TypeError)
})

test('parameters given as an object: the package writes [object Object]', () => {
  const attributes = { url: 'wss://h/media', parameters: { tenant: '42' } }
  expect(theirs((r) => r['connect']!()['stream']!(attributes))).toContain('parameters="[object Object]"')
  const xml = ours.response(ours.connect({}, ours.stream(attributes))).toString()
  expect(xml).toContain('<Parameter name="tenant" value="42"/>')
})

test.each([
  ['a control character', 'a\u0001b'],
  ['half of a surrogate pair', 'a\uD800b'],
  ['a non-character', 'a\uFFFEb'],
])('%s in an attribute: the package writes it, and Twilio fails to parse the document (12100)', (_, voice) => {
  expect(theirs((r) => r['say']!({ voice }, 'x'))).toContain(voice)
  expect(() => ours.say('x', { voice })).toThrow('which XML cannot carry')
})

test('U+FFFE in text, and U+0085: the package refuses what it need not, or the other way round', () => {
  expect(parseTree(ours.response(ours.say('a\u0085b')).toString()).children).toEqual([
    { name: 'Say', attributes: {}, children: ['a\u0085b'] },
  ])
  expect(() => theirs((r) => r['say']!('a\uFFFEb'))).toThrow('Invalid character')
})

test('an attribute that does not exist: the package writes it', () => {
  expect(theirs((r) => r['gather']!({ numdigits: 1 }))).toContain('numdigits="1"')
  expect(() => ours.gather({ numdigits: 1 } as object)).toThrow('Write numDigits')
})

test('a number that is none: the package writes NaN', () => {
  expect(theirs((r) => r['pause']!({ length: NaN }))).toContain('length="NaN"')
  expect(() => ours.pause({ length: NaN })).toThrow(RangeError)
})

test('null: the package leaves the attribute out, as we do with undefined only', () => {
  expect(theirs((r) => r['pause']!({ length: null }))).toContain('<Pause/>')
  expect(() => ours.pause({ length: null } as object)).toThrow(TypeError)
  expect(ours.response(ours.pause({ length: undefined } as object)).toString()).toContain('<Pause/>')
})

test('both_tracks under <Connect>: the package writes it, Twilio ends the stream (31941)', () => {
  const attributes = { url: 'wss://h/media', track: 'both_tracks' } as const
  expect(theirs((r) => r['connect']!()['stream']!(attributes))).toContain('both_tracks')
  expect(() => ours.connect({}, ours.stream(attributes) as never)).toThrow('31941')
})

test('a query string on <Stream url>: the package writes it, Twilio strips it', () => {
  expect(theirs((r) => r['connect']!()['stream']!({ url: 'wss://h/media?token=1' }))).toContain('token=1')
  expect(() => ours.stream({ url: 'wss://h/media?token=1' })).toThrow('use parameters')
})

test('<Autopilot>: the package still has it', () => {
  expect(theirs((r) => r['connect']!()['autopilot']!('x'))).toContain('<Autopilot>')
  expect(ours).not.toHaveProperty('autopilot')
})
