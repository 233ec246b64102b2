import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type VoiceError } from '../../src/core/errors.js'
import {
  connect,
  conversationRelay,
  dial,
  echo,
  enqueue,
  extraElement,
  gather,
  hangup,
  namedStream,
  number,
  pause,
  pay,
  play,
  playDigits,
  prompt,
  record,
  redirect,
  response,
  say,
  sayAs,
  sentence,
  speechBreak,
  start,
  stop,
  stream,
  task,
  toInlineTwiml,
  withoutSecrets,
  type TwimlElement,
  type Verb,
} from '../../src/twiml/index.js'
import { parseTree } from './tree.js'

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'

function errorOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('a document', () => {
  test('starts with the declaration and a <Response>', () => {
    expect(response().toString()).toBe(`${DECLARATION}<Response/>`)
    expect(response(say('Hi'), hangup()).toString()).toBe(`${DECLARATION}<Response><Say>Hi</Say><Hangup/></Response>`)
  })

  test('is the same text whatever order the attributes were given in', () => {
    const one = gather({ action: '/a', timeout: 3, input: ['dtmf', 'speech'], extra: { b: 1, a: true } })
    const other = gather({ extra: { b: 1, a: true }, input: ['dtmf', 'speech'], timeout: 3, action: '/a' })
    expect(response(one).toString()).toBe(response(other).toString())
    expect(response(one).toString()).toContain('<Gather input="dtmf speech" action="/a" timeout="3" b="1" a="true"/>')
  })

  test('cannot be changed after it was checked', () => {
    const verb = say('Hi', { voice: 'alice' })
    expect(() => ((verb as { name: string }).name = 'Script')).toThrow(TypeError)
    expect(() => ((verb.attributes as { voice: string }).voice = '"')).toThrow(TypeError)
    expect(() => (verb.children as string[]).push('more')).toThrow(TypeError)
    expect(() => ((response(verb) as { root: unknown }).root = 1)).toThrow(TypeError)
  })

  test('may be 64 kB and no more', () => {
    const verbs = Array.from({ length: 16 }, () => say('x'.repeat(4070)))
    expect(response(...verbs).toString().length).toBeGreaterThan(65_000)
    expect(() => response(...verbs, say('x'.repeat(400))).toString()).toThrow('Twilio reads 65536')
    const chinese = Array.from({ length: 6 }, () => say('中'.repeat(4000))) // 24 000 characters, 72 000 bytes
    expect(() => response(...chinese).toString()).toThrow('65536')
  })

  test('may have 4000 characters when it is inlined in a call', () => {
    const frame = response(say('')).toString().length
    expect(toInlineTwiml(response(say('x'.repeat(4000 - frame))))).toHaveLength(4000)
    const error = errorOf(() => toInlineTwiml(response(say('x'.repeat(4001 - frame)))))
    expect(error).toMatchObject({ code: 'twiml_invalid', details: { chars: 4001 } })
    expect((error as VoiceError).remedy).toContain('Url')
  })
})

describe('hostile values', () => {
  test('come back from a parser as they were, in text and in attributes, whatever they are', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 })
    fc.assert(
      fc.property(text, text, (spoken, voice) => {
        let xml
        try {
          xml = response(say(spoken, { voice }), redirect(spoken)).toString()
        } catch (error) {
          expect(error).toMatchObject({ code: 'twiml_invalid' })
          expect(spoken + voice).toMatch(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/)
          return
        }
        const { children } = parseTree(xml)
        const written = spoken === '' ? [] : [spoken]
        expect(children).toEqual([
          { name: 'Say', attributes: { voice }, children: written },
          { name: 'Redirect', attributes: {}, children: written },
        ])
      }),
      { numRuns: 2000 },
    )
  }, 120_000)

  test('a name cannot end the tag, nor the document', () => {
    const name = `</Say><Hangup/>]]><!-- &amp; "O'Brien" 🚲`
    const { children } = parseTree(response(say(`Hi ${name}`), dial({ callerId: name }, number(name))).toString())
    expect(children).toEqual([
      { name: 'Say', attributes: {}, children: [`Hi ${name}`] },
      {
        name: 'Dial',
        attributes: { callerId: name },
        children: [{ name: 'Number', attributes: {}, children: [name] }],
      },
    ])
  })

  test.each([
    ['\u0000', 'U+0000'],
    ['\u000B', 'U+000B'],
    ['\u001F', 'U+001F'],
    ['\uD800', 'U+D800'],
    ['\uDC00', 'U+DC00'],
    ['\uFFFF', 'U+FFFF'],
  ])('%j is refused, and the message says where', (character, code) => {
    const texts = errorOf(() => say(`ab${character}c`))
    expect(texts).toMatchObject({
      code: 'twiml_invalid',
      message: `The text of <Say> has the character ${code} at 2, which XML cannot carry`,
    })
    const attributes = errorOf(() => gather({ hints: character }))
    expect((attributes as Error).message).toContain(`The attribute hints of <Gather> has the character ${code} at 0`)
    expect(() => stream({ url: '/m', parameters: { a: character } })).toThrow(
      `value of <Parameter> has the character ${code}`,
    )
    expect(() => stream({ url: '/m', parameters: { [`a${character}`]: 'b' } })).toThrow('name of <Parameter>')
  })

  test('a pair of surrogates, a tab and a line end are carried', () => {
    const text = '\u{1F600}\t\r\n\uD7FF\uE000\uFFFD'
    expect(parseTree(response(say(text, { voice: text })).toString()).children).toEqual([
      { name: 'Say', attributes: { voice: text }, children: [text] },
    ])
  })

  test('an object that only looks like an element is refused', () => {
    const forged = JSON.parse(JSON.stringify(say('Hi'))) as Verb
    expect(() => response(forged)).toThrow('was not made by a function of callweave/twiml')
    expect(() => response({ ...say('Hi') })).toThrow(TypeError)
    expect(() => response(null as never)).toThrow(TypeError)
    expect(() => response(undefined as never)).toThrow(TypeError)
  })
})

describe('children', () => {
  const children: [string, () => unknown, string][] = [
    [
      'Dial in Gather',
      () => gather({}, dial({}, '+1') as never),
      '<Gather> cannot hold <Dial>; it holds <Say>, <Play>, <Pause>',
    ],
    ['text in Gather', () => gather({}, 'Press 1' as never), '<Gather> holds no text'],
    ['text in Response', () => response('Hi' as never), '<Response> holds no text'],
    ['Number in Response', () => response(number('+1') as never), '<Response> cannot hold <Number>'],
    ['Stream in Response', () => response(stream({ url: '/m' }) as never), '<Response> cannot hold <Stream>'],
    ['Say in Say', () => say([say('x') as never]), '<Say> cannot hold <Say>'],
    ['break in Response', () => response(speechBreak() as never), '<Response> cannot hold <break>'],
    ['sentence in sentence', () => sentence([sentence('x') as never]), '<s> cannot hold <s>'],
    ['Say in Connect', () => connect({}, say('x') as never), '<Connect> cannot hold <Say>'],
    [
      'relay in Start',
      () => start({}, conversationRelay({ url: 'wss://h/r' }) as never),
      '<Start> cannot hold <ConversationRelay>',
    ],
    ['Say in Dial', () => dial({}, say('x') as never), '<Dial> cannot hold <Say>'],
    ['Gather in Prompt', () => prompt({}, gather({}) as never), '<Prompt> cannot hold <Gather>'],
    ['Say in Pay', () => pay({}, say('x') as never), '<Pay> cannot hold <Say>'],
    ['Say in Enqueue', () => enqueue(say('x') as never), '<Enqueue> cannot hold <Say>'],
  ]
  test.each(children)('%s is refused at run time too', (_, run, message) => {
    const error = errorOf(run)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toContain(message)
  })
})

describe('attributes', () => {
  test.each([
    [
      'an unknown one',
      () => say('x', { speed: 2 } as object),
      '<Say> has no attribute "speed". What Twilio added since goes into extra',
    ],
    ['one in the wrong case', () => record({ maxlength: 3 } as object), 'Write maxLength: TwiML is case-sensitive'],
    [
      'one that every object has',
      () => record({ constructor: 'x' } as object),
      '<Record> has no attribute "constructor"',
    ],
    [
      'a number as text',
      () => pause({ length: '2' } as never),
      'length of <Pause> must be a number; it was given as string',
    ],
    ['a flag as text', () => record({ playBeep: 'true' } as never), 'playBeep of <Record> must be true or false'],
    ['a method', () => redirect('/x', { method: 'PUT' as never }), 'method of <Redirect> must be one of "GET", "POST"'],
    ['an object', () => say('x', { voice: {} as never }), 'voice of <Say> must be a string; it was given as object'],
    [
      'a list with white space',
      () => pay({ validCardTypes: ['visa amex'] }),
      'has an entry that is empty or has white space',
    ],
  ])('%s is a TypeError at once', (_, run, message) => {
    const error = errorOf(run)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toContain(message)
  })

  test.each([
    ['Pause length', () => pause({ length: -1 })],
    ['Pause length', () => pause({ length: 1.5 })],
    ['Dial timeout', () => dial({ timeout: 601 }, '+1')],
    ['Dial timeLimit', () => dial({ timeLimit: 86_401 }, '+1')],
    ['Gather numDigits', () => gather({ numDigits: 0 })],
    ['Say loop', () => say('x', { loop: 1001 })],
    ['machine detection', () => number('+1', { machineDetectionSilenceTimeout: 1999 })],
    ['Pause length', () => pause({ length: Infinity })],
  ])('%s out of its range is a RangeError', (_, run) => {
    expect(errorOf(run)).toBeInstanceOf(RangeError)
  })

  test('tones have their alphabet', () => {
    expect(playDigits('1w2W*#').attributes).toEqual({ digits: '1w2W*#' })
    expect(number('+1', { sendDigits: '12' }).attributes).toEqual({ sendDigits: '12' })
    for (const digits of ['', '12 3', '1,2', 'A', '1\n', 'one']) {
      expect(() => number('+1', { sendDigits: digits })).toThrow('may have only 0-9 * # w W')
      expect(() => playDigits(digits)).toThrow('may have only')
    }
  })

  test('a message never quotes the digits that were refused', () => {
    expect((errorOf(() => playDigits('4242 4242')) as Error).message).not.toContain('4242')
  })
})

describe('extra', () => {
  test('writes what this version does not know, escaped, after the rest', () => {
    expect(
      response(say('x', { extra: { 'new:thing': '"<&', level: 3, fast: false }, voice: 'v' })).toString(),
    ).toContain('<Say voice="v" new:thing="&quot;&lt;&amp;" level="3" fast="false">x</Say>')
  })

  test.each(['voice', 'Voice', 'VOICE', 'loop'])('cannot shadow %s', (key) => {
    expect(() => say('x', { extra: { [key]: 'y' } })).toThrow('is known: give it outside extra')
  })

  test.each(['', ' ', 'a b', 'a"b', 'a=b', 'a>', '1a', '__proto__', 'a\u0000', 'é', ':a', 'a:', 'onload="x" y'])(
    'refuses the name %j',
    (key) => {
      const extra = JSON.parse(`{${JSON.stringify(key)}:"x"}`) as Record<string, string>
      expect(() => say('x', { extra })).toThrow('is no name of an attribute')
      expect(() => extraElement(key)).toThrow('is no name of an element')
    },
  )

  test.each([[{}], [[]], [null], [NaN], [() => 1]])('refuses the value %j', (value) => {
    expect(() => say('x', { extra: { a: value as never } })).toThrow(TypeError)
  })

  test('refuses characters that XML cannot carry', () => {
    expect(() => say('x', { extra: { a: '\u0001' } })).toThrow('The attribute a of <Say>')
  })

  test('an element of tomorrow may stand anywhere, and cannot shadow one of today', () => {
    const failover = extraElement('Failover', { ttsProvider: 'Google' })
    const relay = conversationRelay({ url: 'wss://h/relay' }, failover)
    expect(parseTree(response(connect({}, relay)).toString())).toMatchObject({
      children: [{ children: [{ children: [{ name: 'Failover', attributes: { ttsProvider: 'Google' } }] }] }],
    })
    expect(response(extraElement('Sing', {}, 'la & la')).toString()).toContain('<Sing>la &amp; la</Sing>')
    for (const name of ['Say', 'say', 'CONVERSATIONRELAY', 'say-as']) {
      expect(() => extraElement(name)).toThrow('is known: use its function')
    }
  })
})

describe('what a voice speaks', () => {
  test.each([
    ['Polly.Matthew', 3000],
    ['Google.en-US-Chirp3-HD-Aoede', 5000],
    ['alice', 4096],
    [undefined, 4096],
  ])('%s speaks %d characters, mark-up not counted', (voice, limit) => {
    const attributes = voice === undefined ? {} : { voice }
    say(['x'.repeat(limit - 3), speechBreak({ time: '1s' }), sayAs('123', { 'interpret-as': 'digits' })], attributes)
    expect(() => say(['x'.repeat(limit - 2), sayAs('123', { 'interpret-as': 'digits' })], attributes)).toThrow(
      `<Say> has ${limit + 1} characters; this voice speaks ${limit}`,
    )
  })
})

describe('<Stream>', () => {
  test.each([
    'wss://h.example.com/media',
    'wss://h:8443',
    '/media',
    'media/x',
    'ws://127.0.0.1:3000/m',
    'ws://localhost/m',
    'wss://é.example/x',
  ])('takes %s', (url) => {
    expect(stream({ url }).attributes).toEqual({ url })
  })

  test.each([
    ['ws://h.example.com/media', 'must be wss:'],
    ['https://h.example.com/media', 'must be wss:'],
    ['javascript:alert(1)', 'must be wss:'],
    ['wss://h.example.com/media?token=1', 'has a query string'],
    ['wss://h.example.com/media?', 'has a query string'],
    ['/media?token=1', 'has a query string'],
    ['wss://h.example.com/media#x', 'fragment or white space'],
    ['wss://h.example.com/media\n', 'fragment or white space'],
    ['wss://', 'is no URL'],
  ])('refuses %j', (url, message) => {
    const error = errorOf(() => stream({ url }))
    expect(error).toMatchObject({ code: 'twiml_invalid' })
    expect((error as Error).message).toContain(message)
  })

  test('under <Connect> has the caller’s track only; under <Start> any', () => {
    const url = 'wss://h/media'
    expect(connect({}, stream({ url, track: 'inbound_track' })).name).toBe('Connect')
    for (const track of ['outbound_track', 'both_tracks'] as const) {
      expect(errorOf(() => connect({}, stream({ url, track }) as never))).toMatchObject({ code: 'twiml_invalid' })
      expect(response(start({}, stream({ url, track, name: 'monitor' }))).toString()).toContain(`track="${track}"`)
    }
  })

  test('is stopped by its name', () => {
    expect(response(stop(namedStream('monitor'))).toString()).toContain('<Stop><Stream name="monitor"/></Stop>')
  })

  test('needs a url or a connector', () => {
    expect(stream({ connectorName: 'vendor' }).attributes).toEqual({ connectorName: 'vendor' })
    expect(() => stream({} as never)).toThrow(TypeError)
  })
})

describe('parameters', () => {
  const one = (name: string, value: string): TwimlElement => stream({ url: '/m', parameters: { [name]: value } })

  test('have fewer than 500 characters, name and value together', () => {
    expect(one('a'.repeat(99), 'b'.repeat(400)).children).toHaveLength(1)
    expect(() => one('a'.repeat(100), 'b'.repeat(400))).toThrow('has with its value 500 characters')
  })

  test.each([
    'api_key',
    'apiKey',
    'xi-api-key',
    'ELEVENLABS_API_KEY',
    'auth_token',
    'authToken',
    'client_secret',
    'Password',
    'access_token',
    'privateKey',
    'Bearer',
  ])('are refused when named %s, without their value in the message', (name) => {
    const error = errorOf(() => one(name, 'hunter2-hunter2'))
    expect(error).toMatchObject({ code: 'twiml_invalid' })
    expect((error as Error).message).toContain('named like')
    expect((error as Error).message).not.toContain('hunter2')
  })

  test.each([`sk_${'a1'.repeat(24)}`, 'sk-proj-abcdefghijklmnop', 'Bearer abcdefgh123'])(
    'are refused when their value looks like a key: %s',
    (value) => {
      const error = errorOf(() => one('note', value)) as Error
      expect(error.message).toContain('has the form of')
      expect(error.message).not.toContain(value)
    },
  )

  test.each([
    ['token', 'b8a1c5f0-one-time'],
    ['secretary', 'Ana'],
    ['call_objective', 'qualify_wholesale_property'],
    ['conversation_id', 'conv_0123456789abcdef0123456789abcdef'],
    ['lead_id', '0123456789abcdef0123456789abcdef'],
    ['key', 'A minor'],
  ])('%s=%s is taken', (name, value) => {
    expect(one(name, value).children).toMatchObject([{ attributes: { name, value } }])
  })

  test('must be strings', () => {
    expect(() => one('n', 7 as never)).toThrow(TypeError)
  })

  test('a configured secret is found wherever it stands in a document, and is not quoted', () => {
    const authToken = '0123456789abcdef0123456789abcdef'
    const documents = [
      response(connect({}, stream({ url: '/m', parameters: { lead_id: authToken } }))),
      response(say(`Your code is ${authToken}`)),
      response(redirect(`https://h/x?t=${authToken}`)),
      response(gather({ action: `/x?${authToken}` })),
      response(enqueue(task({ note: authToken }))),
    ]
    for (const document of documents) {
      const error = errorOf(() => withoutSecrets(document, ['another-secret', authToken])) as Error
      expect(error).toMatchObject({ code: 'twiml_invalid' })
      expect(error.message).toContain('has a secret in it')
      expect(error.message).not.toContain(authToken)
      expect(withoutSecrets(document, ['another-secret', '', '0123'])).toBe(document)
    }
  })
})

test('verbs without attributes are written short', () => {
  expect(response(echo(), pause(), play('https://h/a.mp3')).toString()).toContain(
    '<Echo/><Pause/><Play>https://h/a.mp3</Play>',
  )
})
