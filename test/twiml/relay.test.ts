import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  LANGUAGES,
  PHASE_PROFILES,
  PROPERTY_FIRST_MESSAGE,
  chooseLanguage,
  connect,
  conversationRelay,
  elevenLabsVoice,
  fillTemplate,
  findLanguage,
  relayProfile,
  resolveLanguage,
  response,
  type ConversationRelayAttributes,
} from '../../src/twiml/index.js'
import { parseTree } from './tree.js'

const url = 'wss://voice.example.com/relay'
const business = 'Next Level Real Estate'
const written = (attributes: Omit<ConversationRelayAttributes, 'url'>): Readonly<Record<string, string>> =>
  conversationRelay({ url, ...attributes }).attributes

describe('<ConversationRelay>', () => {
  test('hears keys unless told otherwise, and writes nothing else of its own', () => {
    expect(response(connect({}, conversationRelay({ url }))).toString()).toBe(
      `<?xml version="1.0" encoding="UTF-8"?><Response><Connect><ConversationRelay url="${url}" dtmfDetection="true"/></Connect></Response>`,
    )
    expect(written({ dtmfDetection: false })).toEqual({ url, dtmfDetection: 'false' })
  })

  test('writes every documented attribute in its documented case', () => {
    expect(
      written({
        welcomeGreeting: 'Hello.',
        welcomeGreetingInterruptible: false,
        language: 'en-US',
        ttsLanguage: 'en-GB',
        transcriptionLanguage: 'es-ES',
        ttsProvider: 'Google',
        voice: 'en-US-Journey-O',
        transcriptionProvider: 'Deepgram',
        speechModel: 'nova-3-general',
        interruptible: 'any',
        interruptSensitivity: 'low',
        dtmfDetection: true,
        reportInputDuringAgentSpeech: 'dtmf',
        preemptible: true,
        partialPrompts: true,
        profanityFilter: false,
        hints: ['Main Street', 'duplex'],
        debug: ['debugging'],
        events: ['speaker-events', 'tokens-played', 'config-updated'],
        elevenlabsTextNormalization: 'on',
        intelligenceService: 'GA1',
        backgroundNoiseReduction: true,
        deepgramSmartFormat: false,
        ignoreBackchannel: true,
        speechTimeout: 700,
        eotThreshold: 0.7,
        conversationConfiguration: 'c',
        conversationId: 'd',
        echoPromptFiltering: true,
        applicationReconnect: true,
        turnDetection: 'on',
      }),
    ).toEqual({
      url,
      welcomeGreeting: 'Hello.',
      welcomeGreetingInterruptible: 'none',
      language: 'en-US',
      ttsLanguage: 'en-GB',
      transcriptionLanguage: 'es-ES',
      ttsProvider: 'Google',
      voice: 'en-US-Journey-O',
      transcriptionProvider: 'Deepgram',
      speechModel: 'nova-3-general',
      interruptible: 'any',
      interruptSensitivity: 'low',
      dtmfDetection: 'true',
      reportInputDuringAgentSpeech: 'dtmf',
      preemptible: 'true',
      partialPrompts: 'true',
      profanityFilter: 'false',
      hints: 'Main Street,duplex',
      debug: 'debugging',
      events: 'speaker-events tokens-played config-updated',
      elevenlabsTextNormalization: 'on',
      intelligenceService: 'GA1',
      backgroundNoiseReduction: 'true',
      deepgramSmartFormat: 'false',
      ignoreBackchannel: 'true',
      speechTimeout: '700',
      eotThreshold: '0.7',
      conversationConfiguration: 'c',
      conversationId: 'd',
      echoPromptFiltering: 'true',
      applicationReconnect: 'true',
      turnDetection: 'on',
    })
  })

  test('takes true and false for what may interrupt, and one value only', () => {
    expect(written({ interruptible: true })).toMatchObject({ interruptible: 'any' })
    expect(written({ interruptible: false })).toMatchObject({ interruptible: 'none' })
    expect(() => written({ interruptible: 'sometimes' as never })).toThrow(TypeError)
    expect(() => written({ interruptible: ['speech', 'any'] as never })).toThrow(TypeError)
  })

  test.each([
    'wss://api.elevenlabs.io/v1/convai/conversation?conversation_id=abc',
    'wss://api.us.elevenlabs.io/x',
    'wss://API.ElevenLabs.io/x',
    'wss://elevenlabs.io',
  ])('refuses a url at ElevenLabs and says what to use instead: %s', (address) => {
    const run = (): unknown => conversationRelay({ url: address })
    expect(run).toThrow(expect.objectContaining({ code: 'twiml_invalid' }))
    expect(run).toThrow(
      expect.objectContaining({
        remedy: expect.stringMatching(/MediaStreamBridge.*register-call.*ttsProvider/) as string,
      }),
    )
    expect(conversationRelay({ url: address, allowUnsafeUrl: true }).attributes['url']).toBe(address)
  })

  test.each(['wss://elevenlabs.io.example.com/x', 'wss://notelevenlabs.io/x', 'ws://localhost:3000/relay'])(
    'takes %s',
    (address) => {
      expect(conversationRelay({ url: address }).attributes['url']).toBe(address)
    },
  )

  test.each(['ws://h.example.com/x', 'https://h.example.com/x', '/relay', ''])('refuses the url %j', (address) => {
    expect(() => conversationRelay({ url: address })).toThrow(expect.objectContaining({ code: 'twiml_invalid' }))
  })

  test('writes languages flat, each code once, then parameters', () => {
    const relay = conversationRelay({
      url,
      languages: [
        { code: 'en-US', voice: { voiceId: 'abcdefgh1234' } },
        {
          code: 'es-ES',
          ttsProvider: 'Google',
          voice: 'es-ES-Wavenet-B',
          transcriptionProvider: 'Google',
          speechModel: 'long',
        },
      ],
      parameters: { lead_id: '42', lead_name: `O'Brien & "Söhne" <b> 🚲` },
    })
    expect(parseTree(response(connect({}, relay)).toString()).children).toMatchObject([
      {
        children: [
          {
            children: [
              { name: 'Language', attributes: { code: 'en-US', ttsProvider: 'ElevenLabs', voice: 'abcdefgh1234' } },
              {
                name: 'Language',
                attributes: {
                  code: 'es-ES',
                  ttsProvider: 'Google',
                  voice: 'es-ES-Wavenet-B',
                  transcriptionProvider: 'Google',
                  speechModel: 'long',
                },
              },
              { name: 'Parameter', attributes: { name: 'lead_id', value: '42' } },
              { name: 'Parameter', attributes: { name: 'lead_name', value: `O'Brien & "Söhne" <b> 🚲` } },
            ],
          },
        ],
      },
    ])
    expect(() => written({ languages: [{ code: 'en-US' }, { code: 'en-us' }] })).toThrow('stands twice')
  })

  test('"auto" is written as multi, and asks for providers that can do it', () => {
    expect(written({ language: 'auto' })).toMatchObject({ language: 'multi' })
    expect(
      written({
        language: 'multi',
        ttsProvider: 'ElevenLabs',
        transcriptionProvider: 'Deepgram',
        speechModel: 'nova-2-general',
      }),
    ).toBeDefined()
    expect(() => written({ language: 'auto', ttsProvider: 'Google' })).toThrow('needs ttsProvider ElevenLabs')
    expect(() => written({ transcriptionLanguage: 'multi', transcriptionProvider: 'Google' })).toThrow('needs Deepgram')
    expect(() => written({ language: 'auto', speechModel: 'flux' })).toThrow('nova-2-general or nova-3-general')
    expect(written({ language: 'auto', ttsLanguage: 'en-US', ttsProvider: 'Google' })).toBeDefined()
  })

  test('an ElevenLabs voice names its provider, and does not stand beside another', () => {
    expect(written({ voice: { voiceId: 'abcdefgh1234', speed: 1.1 } })).toMatchObject({
      ttsProvider: 'ElevenLabs',
      voice: 'abcdefgh1234-flash_v2_5-1.1_0.5_0.75',
    })
    expect(() => written({ voice: { voiceId: 'abcdefgh1234' }, ttsProvider: 'Amazon' })).toThrow(
      'ttsProvider is Amazon',
    )
  })

  test('a greeting with mark-up in it stays text', () => {
    const greeting = 'Hi <break time="9s"/> Ana & "Co" 🚲'
    expect(written({ welcomeGreeting: greeting })['welcomeGreeting']).toBe(greeting)
    const xml = response(connect({}, conversationRelay({ url, welcomeGreeting: greeting }))).toString()
    expect(xml).toContain('welcomeGreeting="Hi &lt;break time=&quot;9s&quot;/&gt; Ana &amp; &quot;Co&quot; 🚲"')
  })

  test('a phrase with a comma is refused, since it would become two', () => {
    expect(() => written({ hints: ['a,b'] })).toThrow('comma')
  })
})

describe('elevenLabsVoice', () => {
  test.each([
    [{}, 'NYC9WEgkq1u4jiqBseQ9'],
    [{ model: 'eleven_flash_v2_5' }, 'NYC9WEgkq1u4jiqBseQ9-flash_v2_5'],
    [
      { model: 'turbo_v2_5', speed: 0.8, stability: 0.8, similarity: 0.6 },
      'NYC9WEgkq1u4jiqBseQ9-turbo_v2_5-0.8_0.8_0.6',
    ],
    [{ model: 'flash_v2_5', speed: 1 }, 'NYC9WEgkq1u4jiqBseQ9-flash_v2_5-1.0_0.5_0.75'],
    [{ stability: 0 }, 'NYC9WEgkq1u4jiqBseQ9-flash_v2_5-1.0_0.0_0.75'],
  ])('%j → %s', (settings, voice) => {
    expect(elevenLabsVoice({ voiceId: 'NYC9WEgkq1u4jiqBseQ9', ...settings })).toBe(voice)
  })

  test.each([
    { speed: 0.69 },
    { speed: 1.21 },
    { stability: -0.1 },
    { stability: 1.1 },
    { similarity: 2 },
    { speed: NaN },
  ])('%j is a RangeError', (settings) => {
    expect(() => elevenLabsVoice({ voiceId: 'NYC9WEgkq1u4jiqBseQ9', ...settings })).toThrow(RangeError)
  })

  test.each([
    { voiceId: '' },
    { voiceId: 'a-b_c-d_e-f' },
    { voiceId: 'NYC9WEgkq1u4', model: 'flash-v2' },
    { voiceId: 'NYC9WEgkq1u4', model: '' },
  ])('%j is a TypeError', (voice) => {
    expect(() => elevenLabsVoice(voice)).toThrow(TypeError)
  })
})

describe('profiles', () => {
  test.each([
    ['coldOutreach', 'speech', true, 10, 45, 0.4],
    ['rapportBuilding', 'speech', false, 15, 30, 0.6],
    ['dataGathering', 'speech', true, 12, 40, 0.5],
    ['objectionHandling', 'speech', true, 8, 60, 0.3],
    ['closing', 'any', true, 8, 25, 0.5],
  ])('%s: %s, greeting %s, %d s, %d s, %d', (phase, interruptible, greeting, turn, agentTurn, frequency) => {
    expect(relayProfile(phase)).toEqual({
      phase,
      relay: { interruptible, welcomeGreetingInterruptible: greeting },
      session: { turnTimeoutMs: turn * 1000, agentTurnTimeoutMs: agentTurn * 1000 },
      agent: { turnTimeoutSeconds: turn, backchannelFrequency: frequency },
    })
  })

  test('are five, and coldOutreach is the default', () => {
    expect(Object.keys(PHASE_PROFILES)).toHaveLength(5)
    expect(relayProfile().phase).toBe('coldOutreach')
  })

  test('only relay attributes reach the TwiML', () => {
    expect(written(relayProfile('rapportBuilding').relay)).toEqual({
      url,
      welcomeGreetingInterruptible: 'none',
      interruptible: 'speech',
      dtmfDetection: 'true',
    })
  })

  test('are extended by the host', () => {
    const profiles = { ...PHASE_PROFILES, wrapUp: { ...PHASE_PROFILES.closing, turnTimeout: 5 } }
    expect(relayProfile('wrapUp', profiles).session.turnTimeoutMs).toBe(5000)
    expect(() => relayProfile('x', { x: { ...PHASE_PROFILES.closing, turnTimeout: 0 } })).toThrow(RangeError)
    expect(() => relayProfile('x', { x: { ...PHASE_PROFILES.closing, backchannelFrequency: 1.5 } })).toThrow(RangeError)
  })

  test.each(['cold', '', 'constructor', '__proto__', 'toString'])('an unknown phase is a typed error: %j', (phase) => {
    expect(() => relayProfile(phase)).toThrow(expect.objectContaining({ code: 'relay_profile_unknown' }))
  })
})

describe('languages', () => {
  test.each([
    ['english', 'en', 'en-US'],
    ['English', 'en', 'en-US'],
    ['en', 'en', 'en-US'],
    ['en-US', 'en', 'en-US'],
    ['EN_us', 'en', 'en-US'],
    ['en-GB', 'en', 'en-GB'],
    ['spanish', 'es', 'es-ES'],
    ['Español', 'es', 'es-ES'],
    ['es', 'es', 'es-ES'],
    ['es_mx', 'es', 'es-MX'],
    ['portuguese', 'pt', 'pt-BR'],
    ['pt-PT', 'pt', 'pt-PT'],
    ['mandarin', 'zh', 'zh-CN'],
    ['chinese', 'zh', 'zh-CN'],
    ['zh', 'zh', 'zh-CN'],
    ['cmn', 'zh', 'zh-CN'],
    ['zh-hans-cn', 'zh', 'zh-Hans-CN'],
    [' 中文 ', 'zh', 'zh-CN'],
  ])('%s is %s, for Twilio %s', (asked, language, relayCode) => {
    expect(findLanguage(asked)).toMatchObject({ language, relayCode })
    expect(resolveLanguage(asked)).toEqual(findLanguage(asked))
  })

  test.each(['klingon', '', 'e', 'constructor', '__proto__', 'fr-FR', 'en-', 'english-US-', '<b>'])(
    '%j is a typed error',
    (asked) => {
      expect(findLanguage(asked)).toBeUndefined()
      expect(() => resolveLanguage(asked)).toThrow(expect.objectContaining({ code: 'relay_language_unknown' }))
    },
  )

  test('the lead’s preference comes first, then what was detected, then English', () => {
    expect(chooseLanguage(['spanish', 'pt']).language).toBe('es')
    expect(chooseLanguage([undefined, 'pt-BR']).language).toBe('pt')
    expect(chooseLanguage([null, '']).language).toBe('en')
    expect(chooseLanguage(['klingon', 'zh']).language).toBe('zh')
    expect(chooseLanguage(['klingon'], { fallback: 'spanish' }).language).toBe('es')
    expect(() => chooseLanguage([], { fallback: 'klingon' })).toThrow(
      expect.objectContaining({ code: 'relay_language_unknown' }),
    )
  })

  test('are extended and replaced by the host', () => {
    const french = { names: ['français'], language: 'fr', relayCode: 'fr-FR', firstMessage: 'Bonjour {{name}}.' }
    const languages = { ...LANGUAGES, french, spanish: { ...LANGUAGES.spanish, relayCode: 'es-US' } }
    expect(resolveLanguage('Français', languages)).toBe(french)
    expect(resolveLanguage('fr-CA', languages).relayCode).toBe('fr-CA')
    expect(resolveLanguage('es', languages).relayCode).toBe('es-US')
  })
})

describe('first messages', () => {
  test.each([
    ['english', 'Hi Ana, this is calling from Next Level Real Estate.'],
    ['spanish', 'Hola Ana, te llamo de Next Level Real Estate.'],
    ['portuguese', 'Oi Ana, estou ligando da Next Level Real Estate.'],
    ['mandarin', '您好 Ana，我是Next Level Real Estate的。'],
  ])('%s: %s', (language, message) => {
    expect(fillTemplate(resolveLanguage(language).firstMessage, { name: 'Ana', business })).toBe(message)
  })

  test('about a property', () => {
    expect(fillTemplate(PROPERTY_FIRST_MESSAGE, { name: 'Ana', business, address: '12 Elm St' })).toBe(
      'Hi Ana, this is calling from Next Level Real Estate about your property at 12 Elm St. Do you have a moment to chat?',
    )
  })

  test('every placeholder of every language is replaced, wherever and however often it stands', () => {
    expect(fillTemplate('[Name] [Nombre] [Nome] {{name}} {{ name }} [Name]', { name: 'Ana' })).toBe(
      'Ana Ana Ana Ana Ana Ana',
    )
    expect(fillTemplate('[name] [Address] {name} {{}}', {})).toBe('[name] [Address] {name} {{}}')
  })

  test('what looks like a placeholder or a pattern in a value stays as it is', () => {
    const hostile = fc.oneof(fc.string(), fc.constantFrom('[Name]', '{{business}}', '$&', '$1', "$'", '<b>&"\'', '🚲'))
    fc.assert(
      fc.property(hostile, hostile, (name, shop) => {
        fc.pre(name.trim() !== '' && shop.trim() !== '')
        expect(fillTemplate('Hi [Name], {{business}}.', { name, business: shop })).toBe(`Hi ${name}, ${shop}.`)
      }),
    )
  })

  test.each([[{}], [{ name: undefined }], [{ name: '' }], [{ name: '  ' }]])(
    'a missing value is a typed error: %j',
    (values) => {
      expect(() => fillTemplate('Hi [Name].', values)).toThrow(
        expect.objectContaining({ code: 'template_value_missing' }),
      )
      expect(() => fillTemplate('{{constructor}}', values)).toThrow(
        expect.objectContaining({ code: 'template_value_missing' }),
      )
    },
  )
})
