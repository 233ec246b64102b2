/** What must not compile. The compiler reads this file in `npm run check:types`; run, it only says that the run-time checks agree. */
import { expect, expectTypeOf, test } from 'vitest'
import {
  connect,
  conversationRelay,
  dial,
  enqueue,
  gather,
  lang,
  namedStream,
  number,
  prompt,
  redirect,
  response,
  say,
  sentence,
  speechBreak,
  start,
  stop,
  stream,
  type StreamElement,
  type TwimlElement,
} from '../../src/twiml/index.js'

test('a child that Twilio would not take there does not compile', () => {
  const media = stream({ url: 'wss://h/m' })
  const refused: (() => unknown)[] = [
    // @ts-expect-error a noun is no verb
    () => response(media),
    // @ts-expect-error text is no verb
    () => response('Hi'),
    // @ts-expect-error speech mark-up stands in <Say>
    () => response(speechBreak()),
    // @ts-expect-error <Gather> holds Say, Play, Pause
    () => gather({}, dial({}, '+1')),
    // @ts-expect-error <Gather> holds no text
    () => gather({}, 'Press 1'),
    // @ts-expect-error <Prompt> holds no <Gather>
    () => prompt({}, gather({})),
    // @ts-expect-error <Dial> holds nouns
    () => dial({}, say('Hi')),
    // @ts-expect-error <Connect> holds nouns
    () => connect({}, say('Hi')),
    // @ts-expect-error a number is dialled, not connected
    () => connect({}, number('+1')),
    // @ts-expect-error a relay is connected, not started
    () => start({}, conversationRelay({ url: 'wss://h/r' })),
    // @ts-expect-error a sentence in a sentence
    () => sentence([sentence('x')]),
    // @ts-expect-error a verb is no speech mark-up
    () => say([redirect('/x')]),
    // @ts-expect-error what is stopped has a name
    () => stop(say('x')),
    // @ts-expect-error neither a queue nor a task
    () => enqueue(say('x')),
    // @ts-expect-error an object that looks like an element
    () => response({ name: 'Say', attributes: {}, children: [] }),
    // @ts-expect-error under <Connect> a stream has the caller's track only (31941)
    () => connect({}, stream({ url: 'wss://h/m', track: 'both_tracks' })),
    // @ts-expect-error the same, by a variable
    () => connect({}, outbound()),
    // @ts-expect-error neither url nor connector
    () => stream({ name: 'x' }),
    // @ts-expect-error the case that the twilio package writes
    () => conversationRelay({ url: 'wss://h/r', backgroundnoisereduction: true }),
    // @ts-expect-error the type that the twilio package has
    () => conversationRelay({ url: 'wss://h/r', reportInputDuringAgentSpeech: true }),
    // @ts-expect-error no such method
    () => redirect('/x', { method: 'PUT' }),
  ]
  for (const run of refused) expect(run, run.toString()).toThrow()
})

function outbound(): StreamElement<'outbound_track'> {
  return stream({ url: 'wss://h/m', track: 'outbound_track' })
}

test('what Twilio takes compiles, and its type says what it is', () => {
  expectTypeOf(stream({ url: 'wss://h/m' })).toEqualTypeOf<StreamElement<'inbound_track'>>()
  expectTypeOf(stream({ url: 'wss://h/m', track: 'both_tracks' })).toEqualTypeOf<StreamElement<'both_tracks'>>()
  expectTypeOf(say('x')).toEqualTypeOf<TwimlElement<'Say'>>()
  connect({}, stream({ url: 'wss://h/m', track: 'inbound_track' }))
  start({}, outbound())
  stop(namedStream('x'))
  say(['Hola ', lang('amigo', { 'xml:lang': 'es-ES' }), speechBreak({ time: '1s' })])
  expect(response(gather({}, say('Press 1')), dial({}, '+1', number('+2')))).toBeDefined()
})
