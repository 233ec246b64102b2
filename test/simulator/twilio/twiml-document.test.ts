import fc from 'fast-check'
import twilio from 'twilio'
import { expect, test } from 'vitest'
import { parseTwiml, type TwimlDocument } from '../../../src/simulator/twilio/twiml-document.js'

function verbsOf(document: TwimlDocument) {
  if (!document.ok) throw new Error(`${document.code} ${document.seen}`)
  return document.verbs
}

test('a document of the twilio package is read with its verbs, attributes, text and children', () => {
  const response = new twilio.twiml.VoiceResponse()
  response.say({ voice: 'alice' }, 'Tom & Jerry <3')
  const stream = response.connect({ action: 'https://h/after?a=1&b=2' }).stream({ url: 'wss://h/media', name: 'agent' })
  stream.parameter({ name: 'token', value: 'a"b' })
  const [say, connect] = verbsOf(parseTwiml(response.toString()))
  expect(say).toMatchObject({ name: 'Say', attributes: { voice: 'alice' }, text: 'Tom & Jerry <3' })
  expect(connect).toMatchObject({
    name: 'Connect',
    attributes: { action: 'https://h/after?a=1&b=2' },
    children: [
      {
        name: 'Stream',
        attributes: { url: 'wss://h/media' },
        children: [{ attributes: { name: 'token', value: 'a"b' } }],
      },
    ],
  })
})

test.each<[string, number]>([
  ['', 11770],
  ['   \n', 11770],
  ['<Response>', 12100],
  ['<Response><Say>a & b</Say></Response>', 12100],
  ['<Response/><Response/>', 12100],
  ['<Response><Say>\u0001</Say></Response>', 12100],
  ['{"a":1}', 12100],
  ['<!DOCTYPE x [<!ENTITY a "b">]><Response/>', 12100],
  ['<response/>', 12102],
  ['<html><body/></html>', 12102],
])('%j is refused with %i', (xml, code) => {
  expect(parseTwiml(xml)).toMatchObject({ ok: false, code })
})

test('a document over 64 kB and one nested without end are refused', () => {
  expect(parseTwiml(`<Response><Say>${'x'.repeat(65_536)}</Say></Response>`)).toMatchObject({ ok: false, code: 11750 })
  const nested = `<Response>${'<Gather>'.repeat(50)}${'</Gather>'.repeat(50)}</Response>`
  expect(parseTwiml(nested)).toMatchObject({ ok: false, code: 12100 })
})

test.each<[string, string[], number]>([
  ['<Response><say>x</say><Hangup/></Response>', ['Hangup'], 1],
  ['<Response><Say Voice="alice">x</Say></Response>', ['Say'], 1],
  ['<Response><Gather><Dial>1</Dial></Gather></Response>', ['Gather'], 1],
  ['<Response>stray<Hangup/></Response>', ['Hangup'], 1],
  ['<Response><Pause>text</Pause></Response>', ['Pause'], 1],
  ['<Response><Say>one <break time="1s"/><emphasis>two</emphasis></Say></Response>', ['Say'], 0],
  ['<Response><Record maxLength="3"/><Hangup/></Response>', ['Record', 'Hangup'], 0],
])('%s runs %j and warns %i times', (xml, names, warnings) => {
  const document = parseTwiml(xml)
  expect(verbsOf(document).map((verb) => verb.name)).toEqual(names)
  expect(document.ok && document.warnings.length).toBe(warnings)
})

test('words inside speech mark-up are spoken with the rest', () => {
  const [say] = verbsOf(parseTwiml('<Response><Say>one <emphasis level="strong">two</emphasis></Say></Response>'))
  expect(say?.text).toBe('one two')
})

test('verbs that are known and not played say so', () => {
  const [record] = verbsOf(parseTwiml('<Response><Enqueue workflowSid="WW1"><Task>{}</Task></Enqueue></Response>'))
  expect(record).toMatchObject({ name: 'Enqueue', isPlayed: false })
})

test('no text, however broken, does more than give a code', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '/',
    'Response',
    'Say',
    '<Response>',
    '</Response>',
    '"',
    '=',
    '&',
    ';',
    ' ',
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    '<?xml',
    '?>',
    'é',
    '\u0000',
    '\ud800',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 40 }), (pieces) => {
      const document = parseTwiml(pieces.join(''))
      if (!document.ok) expect([11750, 11770, 12100, 12102]).toContain(document.code)
    }),
    { numRuns: 2000 },
  )
})

test('what is wrong is named without quoting the document', () => {
  const document = parseTwiml('<Response><Say>secret-words</Sya></Response>')
  expect(JSON.stringify(document)).not.toContain('secret')
})
