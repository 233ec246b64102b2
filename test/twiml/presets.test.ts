import { expect, test } from 'vitest'
import {
  PRESET_TEXTS,
  agentFailureResponse,
  inboundProblemResponse,
  mediaStreamResponse,
  menuResponse,
  messageResponse,
  technicalDifficultyResponse,
  type TwimlDocument,
} from '../../src/twiml/index.js'

function body(document: TwimlDocument): string {
  const xml = document.toString()
  expect(xml).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?><Response>.*<\/Response>$/s)
  return xml.replace(/^.*?<Response>|<\/Response>$/gs, '')
}

const url = 'wss://voice.example.com/media-stream'

test('a media stream with words before it', () => {
  expect(body(mediaStreamResponse({ url }))).toBe(
    `<Say>Please wait while we connect your call.</Say><Connect><Stream url="${url}"/></Connect>`,
  )
  expect(body(mediaStreamResponse({ url, hasLeadIn: false, action: '/ended', parameters: { token: 't' } }))).toBe(
    `<Connect action="/ended"><Stream url="${url}"><Parameter name="token" value="t"/></Stream></Connect>`,
  )
  expect(body(mediaStreamResponse({ url, texts: { leadIn: 'Un momento.' }, say: { language: 'es-ES' } }))).toBe(
    `<Say language="es-ES">Un momento.</Say><Connect><Stream url="${url}"/></Connect>`,
  )
})

test('a message', () => {
  expect(body(messageResponse('Hi & bye'))).toBe(
    '<Say voice="Polly.Matthew">Hi &amp; bye</Say><Pause length="2"/><Say>Thank you for your time. Goodbye.</Say>',
  )
  expect(
    body(
      messageResponse('Hola', { pauseSeconds: 1, messageSay: { voice: 'Polly.Lupe' }, texts: { closing: 'Adiós.' } }),
    ),
  ).toBe('<Say voice="Polly.Lupe">Hola</Say><Pause length="1"/><Say>Adiós.</Say>')
})

test('a menu with a key to be taken off the list', () => {
  expect(body(menuResponse({ action: '/twiml/process-input' }))).toBe(
    '<Gather action="/twiml/process-input" method="POST" timeout="10" numDigits="1"><Say>Press 1 to schedule a property viewing. ' +
      'Press 2 to speak with an agent. Press 3 to be removed from our list.</Say></Gather>' +
      "<Say>We didn't receive any input. Goodbye.</Say>",
  )
  expect(body(menuResponse({ action: '/m', numDigits: 2, timeout: 4, texts: { menu: 'M', noInput: 'N' } }))).toBe(
    '<Gather action="/m" method="POST" timeout="4" numDigits="2"><Say>M</Say></Gather><Say>N</Say>',
  )
})

test.each([
  [429, 'Service is busy. Please call back in a few minutes.'],
  [401, 'Configuration error. Please contact support.'],
  [500, 'Technical difficulties. Please try again later.'],
  [403, 'Technical difficulties. Please try again later.'],
  [undefined, 'Technical difficulties. Please try again later.'],
])('ElevenLabs answered %s: %s', (status, text) => {
  expect(body(agentFailureResponse(status))).toBe(`<Say>${text}</Say><Hangup/>`)
})

test.each([
  ['tenantNotFound', 'This number is not in service.'],
  ['agentNotConfigured', 'Our AI assistant is temporarily unavailable.'],
  ['agentIdMissing', 'Our AI assistant is not properly configured.'],
  ['connectionError', 'We encountered an error. Please try again later.'],
] as const)('%s: %s', (problem, text) => {
  expect(body(inboundProblemResponse(problem))).toBe(`<Say>${text}</Say><Hangup/>`)
  expect(body(inboundProblemResponse(problem, { texts: { [problem]: 'Other.' } }))).toBe('<Say>Other.</Say><Hangup/>')
})

test('technical difficulties', () => {
  expect(body(technicalDifficultyResponse())).toBe(
    '<Say>Technical difficulties. Please try again later.</Say><Hangup/>',
  )
  expect(body(technicalDifficultyResponse({ texts: { technicalDifficulty: 'Oops.' }, say: { voice: 'alice' } }))).toBe(
    '<Say voice="alice">Oops.</Say><Hangup/>',
  )
})

test('every text can be replaced, so that nothing is left in English', () => {
  const texts = Object.fromEntries(Object.keys(PRESET_TEXTS).map((key) => [key, `«${key}»`]))
  const problems = ['tenantNotFound', 'agentNotConfigured', 'agentIdMissing', 'connectionError'] as const
  const all = [
    mediaStreamResponse({ url, texts }),
    messageResponse('x', { texts }),
    menuResponse({ action: '/m', texts }),
    technicalDifficultyResponse({ texts }),
    ...[429, 401, 500].map((status) => agentFailureResponse(status, { texts })),
    ...problems.map((problem) => inboundProblemResponse(problem, { texts })),
  ].join('\n')
  for (const key of Object.keys(PRESET_TEXTS)) expect(all).toContain(`«${key}»`)
  for (const text of Object.values(PRESET_TEXTS)) expect(all).not.toContain(text)
})
