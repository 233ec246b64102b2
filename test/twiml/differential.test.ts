import fc from 'fast-check'
import twilio from 'twilio'
import { expect, test } from 'vitest'
import * as ours from '../../src/twiml/index.js'
import { parseTree } from './tree.js'
import { readVendorTypes, type VendorType } from './vendor-types.js'

/** One element, as both builders can make it. */
interface Model {
  /** The class of the package. */
  readonly type: string
  readonly attributes: Record<string, unknown>
  readonly children: (Model | string)[]
  readonly parameters?: Record<string, string>
  readonly config?: Record<string, string>
  readonly headers?: Record<string, string>
}

interface VendorNode {
  [method: string]: (...args: unknown[]) => VendorNode
}

const vendor = readVendorTypes()
const RUNS = 3000

/** Where the package is wrong, or has what no longer exists: not compared. `wrong-in-package.test.ts` pins each. */
const LEFT_OUT_ATTRIBUTES = new Set([
  'ConversationRelay.backgroundnoisereduction',
  'ConversationRelay.deepgramsmartformat',
  'ConversationRelay.ignorebackchannel',
  'ConversationRelay.speechtimeout',
  'ConversationRelay.reportInputDuringAgentSpeech',
])
const LEFT_OUT_ELEMENTS = new Set(['Autopilot'])

// Ours: one function an element.
const loose = ours as unknown as Record<keyof typeof ours, (...args: unknown[]) => ours.TwimlElement>
type Make = (attributes: Record<string, unknown>, children: unknown[], model: Model) => ours.TwimlElement
const withParameters = (attributes: object, { parameters, config }: Model): object => ({
  ...attributes,
  ...(parameters && { parameters }),
  ...(config && { config }),
})
const MAKE: Record<string, Make> = {
  AiSession: (a) => loose.aiSession(a),
  Application: (a, [sid], model) => loose.application(sid, withParameters(a, model)),
  Client: (a, [identity], model) => loose.client(identity, withParameters(a, model)),
  Conference: (a, [name]) => loose.conference(name, a),
  Connect: (a, [noun]) => loose.connect(a, noun),
  Conversation: (a) => loose.conversation(a),
  ConversationRelay: (a, _, model) =>
    loose.conversationRelay({
      ...withParameters(a, model),
      languages: model.children.map((child) => (child as Model).attributes),
    }),
  ConversationRelaySession: (a) => loose.conversationRelaySession(a),
  Dial: (a, nouns) => loose.dial(a, ...nouns),
  Echo: () => loose.echo(),
  Enqueue: (a, [content]) => loose.enqueue(content, a),
  Gather: (a, children) => loose.gather(a, ...children),
  Hangup: (a, _, model) => loose.hangup(withParameters(a, model)),
  Leave: () => loose.leave(),
  Number: (a, [number]) => loose.number(number, a),
  Pause: (a) => loose.pause(a),
  Pay: (a, prompts, model) => loose.pay(withParameters(a, model), ...prompts),
  Play: (a, [url]) => (url === undefined ? loose.playDigits(a.digits, a) : loose.play(url, a)),
  Prompt: (a, children) => loose.prompt(a, ...children),
  Queue: (a, [name]) => loose.queue(name, a),
  Record: (a) => loose.record(a),
  Recording: (a) => loose.recording(a),
  Redirect: (a, [url]) => loose.redirect(url, a),
  Refer: (a, _, model) => loose.refer((model.children[0] as Model).children[0], a),
  ReferSip: () => loose.echo(), // made by refer
  Reject: (a, _, model) => loose.reject(withParameters(a, model)),
  Room: (a, [name]) => loose.room(name, a),
  Say: (a, content) => loose.say(content, a),
  Sim: (a, [sid]) => loose.sim(sid, a),
  Sip: (a, [uri, ...more], { headers }) =>
    loose.sip(typeof uri === 'string' ? uri : [uri, ...more], headers ? { ...a, headers } : a),
  SipUri: (a, [uri]) => loose.sipUri(uri, a),
  Siprec: (a, _, model) => loose.siprec(withParameters(a, model)),
  Sms: (a, [message]) => loose.sms(message, a),
  SsmlBreak: (a) => loose.speechBreak(a),
  SsmlEmphasis: (a, content) => loose.emphasis(content, a),
  SsmlLang: (a, content) => loose.lang(content, a),
  SsmlP: (a, content) => loose.paragraph(content, a),
  SsmlPhoneme: (a, [words]) => loose.phoneme(words, a),
  SsmlProsody: (a, content) => loose.prosody(content, a),
  SsmlS: (a, content) => loose.sentence(content, a),
  SsmlSayAs: (a, [words]) => loose.sayAs(words, a),
  SsmlSub: (a, [words]) => loose.substitute(words, a),
  SsmlW: (a, content) => loose.word(content, a),
  Start: (a, nouns) => loose.start(a, ...nouns),
  Stop: (_, nouns) => loose.stop(...nouns),
  Stream: (a, _, model) => (a.url === undefined ? loose.namedStream(a.name) : loose.stream(withParameters(a, model))),
  Task: (a, [json]) => loose.task(JSON.parse(json as string), a),
  Transcription: (a, _, model) => loose.transcription(withParameters(a, model)),
  VirtualAgent: (a, _, model) => loose.virtualAgent(withParameters(a, model)),
  WhatsApp: (a, [number]) => loose.whatsApp(number, a),
}

function makeOurs(model: Model): ours.TwimlElement {
  const children = model.children.map((child) =>
    typeof child === 'string' || model.type === 'ConversationRelay' ? child : makeOurs(child),
  )
  return MAKE[model.type]!(model.attributes, children, model)
}

// Theirs: by the methods of the declarations, text first where the element has text.
function makeTheirs(parent: VendorNode, parentType: string, model: Model): void {
  const method = vendor.children.get(parentType)!.get(model.type)!
  const { attributes, parameters = {}, config = {}, headers } = model
  let children = model.children
  let node: VendorNode
  const [first] = children
  const asChild = { Client: 'identity', Application: 'applicationSid' }[model.type]
  if (asChild !== undefined && model.parameters) {
    node = parent[method]!(attributes)
    node[asChild]!(first)
    children = []
  } else if (model.type === 'Sip' && headers) {
    node = parent[method]!(attributes)
    const list = node['headers']!()
    for (const [name, value] of Object.entries(headers)) list['header']!({ name, value })
    if (typeof first === 'string') node['uri']!({}, first)
    if (typeof first === 'string') children = []
  } else if (typeof first === 'string') {
    node = parent[method]!(attributes, first)
    children = children.slice(1)
  } else if (model.type.startsWith('Ssml') || model.type === 'Say') {
    node = parent[method]!(attributes, '')
  } else node = parent[method]!(attributes)
  for (const child of children) {
    if (typeof child === 'string') node['addText']!(child)
    else makeTheirs(node, model.type, child)
  }
  for (const [name, value] of Object.entries(config)) node['config']!({ name, value })
  for (const [name, value] of Object.entries(parameters)) node['parameter']!({ name, value })
}

function both(verbs: readonly Model[]): { ours: string; theirs: string } {
  const theirs = new twilio.twiml.VoiceResponse()
  for (const verb of verbs) makeTheirs(theirs, 'VoiceResponse', verb)
  const document = ours.response(...(verbs.map(makeOurs) as ours.Verb[]))
  return { ours: document.toString(), theirs: theirs.toString() }
}

// Values, by the declared type; what Twilio restricts further is named here.
const text = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('a', 'Ana', ' ', 'https://h.example.com/x?a=1&b=2') },
      fc.constantFrom('&', '<', '>', '"', "'", ']]>', '&amp;', '<!--', '\t', '\n', '\r', '\r\n', '\u0085', '\u2028'),
      fc.constantFrom('é', '中文', '\u{1F600}', '\uD7FF', '\uE000', '\uFFFD', '\u00A0'),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''))
const spokenText = text.filter((value) => value !== '')
const tones = fc
  .array(fc.constantFrom(...'0123456789*#wW'), { minLength: 1, maxLength: 8 })
  .map((keys) => keys.join(''))
const methods = fc.constantFrom('GET', 'POST')
const interruptible = fc.constantFrom('none', 'dtmf', 'speech', 'any')

const NARROWER: Record<string, fc.Arbitrary<unknown>> = {
  'Stream.url': fc.constantFrom('wss://h.example.com/media', '/media', 'media', 'wss://h.example.com:8443/a/b'),
  'Play.digits': tones,
  'Number.sendDigits': tones,
  'Gather.finishOnKey': fc.constantFrom('', '#', '*', '0'),
  'Gather.speechTimeout': fc.constantFrom('auto', 3),
  'Conference.beep': fc.constantFrom(true, false, 'onEnter', 'onExit'),
  'Conference.maxParticipants': fc.integer({ min: 2, max: 250 }),
  'Conversation.record': fc.constantFrom(true, false, 'record-from-answer', 'do-not-record'),
  'Dial.timeout': fc.integer({ min: 1, max: 600 }),
  'ConversationRelay.url': fc.constantFrom('wss://h.example.com/relay', 'wss://h.example.com/relay?a=1&b=2'),
  'ConversationRelay.dtmfDetection': fc.boolean(),
  'ConversationRelay.interruptible': interruptible,
  'ConversationRelay.welcomeGreetingInterruptible': interruptible,
  'ConversationRelay.interruptSensitivity': fc.constantFrom('low', 'medium', 'high'),
  'ConversationRelay.elevenlabsTextNormalization': fc.constantFrom('on', 'auto', 'off'),
  'ConversationRelay.ttsProvider': fc.constantFrom('ElevenLabs', 'Google', 'Amazon'),
  'ConversationRelay.transcriptionProvider': fc.constantFrom('Deepgram', 'Google'),
  'ConversationRelay.events': fc.subarray(['speaker-events', 'tokens-played'], { minLength: 1 }),
  'ConversationRelay.debug': fc.subarray(['debugging', 'speaker-events', 'tokens-played'], { minLength: 1 }),
  'ConversationRelay.hints': spokenText.filter((value) => !value.includes(',')).map((phrase) => [phrase]),
  'Language.ttsProvider': fc.constantFrom('ElevenLabs', 'Google', 'Amazon'),
  'Language.transcriptionProvider': fc.constantFrom('Deepgram', 'Google'),
}
for (const type of ['Number', 'Sip']) {
  NARROWER[`${type}.machineDetectionSpeechEndThreshold`] = fc.integer({ min: 500, max: 5000 })
  NARROWER[`${type}.machineDetectionSilenceTimeout`] = fc.integer({ min: 2000, max: 10_000 })
}

function valueOf(type: string, key: string, declared: VendorType): fc.Arbitrary<unknown> {
  const narrower = NARROWER[`${type}.${key}`]
  if (narrower) return narrower
  if (/method$/i.test(key) && declared.kind !== 'words') return methods
  if (declared.kind === 'boolean') return fc.boolean()
  if (declared.kind === 'number') return fc.integer({ min: 1, max: 1000 })
  if (declared.kind === 'numbers') return fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 })
  if (declared.kind !== 'words') return text
  return declared.isList ? fc.subarray([...declared.words], { minLength: 1 }) : fc.constantFrom(...declared.words)
}

/** The attributes of an element that both have, as arbitraries. */
function attributesOf(type: string): Record<string, fc.Arbitrary<unknown>> {
  const found: Record<string, fc.Arbitrary<unknown>> = {}
  for (const [key, declared] of vendor.attributes.get(type) ?? []) {
    if (!LEFT_OUT_ATTRIBUTES.has(`${type}.${key}`)) found[key] = valueOf(type, key, declared)
  }
  return found
}

const REQUIRED: Record<string, string[]> = {
  Stream: ['url'],
  ConversationRelay: ['url', 'dtmfDetection'],
  Language: ['code'],
}

function anyAttributes(type: string, without: readonly string[] = []): fc.Arbitrary<Record<string, unknown>> {
  const all = Object.fromEntries(Object.entries(attributesOf(type)).filter(([key]) => !without.includes(key)))
  return fc.record(all, { requiredKeys: (REQUIRED[type] ?? []) as never[] })
}

const parameters = fc.option(fc.dictionary(fc.constantFrom('id', 'tenant', 'a&b', 'x"y', 'emoji \u{1F600}'), text), {
  nil: undefined,
})
const settings = fc.dictionary(fc.constantFrom('id', 'tenant', 'a&b'), text)
const TEXT_ONLY = new Set(
  'Conference Number Queue Redirect Room Sim Sms SsmlPhoneme SsmlSayAs SsmlSub WhatsApp SipUri Application Client'.split(
    ' ',
  ),
)
const MIXED = new Set('Say SsmlEmphasis SsmlLang SsmlP SsmlProsody SsmlS SsmlW'.split(' '))
const PARAMETERS_ONLY = new Set(['Parameter', 'Config', 'Headers', 'Identity', 'ApplicationSid', 'Autopilot'])

/** Any element of a class, with children down to a depth. */
function anyElement(type: string, depth: number): fc.Arbitrary<Model> {
  const childTypes = [...(vendor.children.get(type)?.keys() ?? [])].filter((name) => !PARAMETERS_ONLY.has(name))
  const hasParameters = vendor.children.get(type)?.has('Parameter') === true
  const hasConfig = vendor.children.get(type)?.has('Config') === true
  const child = (): fc.Arbitrary<Model> => fc.oneof(...childTypes.map((name) => anyElement(name, depth - 1)))
  const few: fc.Arbitrary<(Model | string)[]> =
    childTypes.length > 0 && depth > 0 ? fc.array(child(), { maxLength: 3 }) : fc.constant<(Model | string)[]>([])
  let children: fc.Arbitrary<(Model | string)[]> = few
  let without: string[] = []
  if (TEXT_ONLY.has(type)) children = spokenText.map((value) => [value])
  else if (MIXED.has(type)) {
    const part = depth > 0 ? fc.oneof(spokenText, child()) : spokenText
    children = fc.array(part, { maxLength: 4 })
  } else if (type === 'Play') {
    without = ['digits']
    children = spokenText.map((value) => [value])
  } else if (type === 'Enqueue') {
    const data = fc.dictionary(fc.constantFrom('kind', 'size', 'note'), fc.oneof(text, fc.integer(), fc.boolean()))
    const task = fc.record({
      type: fc.constant('Task'),
      attributes: anyAttributes('Task'),
      children: data.map((value) => [JSON.stringify(value)]),
    })
    children = fc.oneof(spokenText, task).map((value) => [value])
  } else if (type === 'Dial') {
    children = fc.oneof(
      spokenText.map((value) => [value]),
      few,
    )
  } else if (type === 'Refer') {
    children = spokenText.map((value) => [{ type: 'ReferSip', attributes: {}, children: [value] }])
  } else if (type === 'Connect') {
    children = child().map((value) => [
      value.type === 'Stream' ? { ...value, attributes: { ...value.attributes, track: 'inbound_track' } } : value,
    ])
  } else if (type === 'ConversationRelay') {
    children = fc
      .uniqueArray(anyAttributes('Language'), {
        maxLength: 3,
        selector: ({ code }) => (code as string).toLowerCase(),
      })
      .map((list) => list.map((attributes) => ({ type: 'Language', attributes, children: [] })))
  } else if (type === 'Stop') {
    children = few.map((list) =>
      list.map((item) =>
        typeof item !== 'string' && item.type === 'Stream'
          ? { type: 'Stream', attributes: { name: 'x&y' }, children: [] }
          : item,
      ),
    )
  } else if (type === 'Sip') {
    children = fc.oneof(
      spokenText.map((value) => [value]),
      fc.array(anyElement('SipUri', 0), { minLength: 1, maxLength: 2 }),
    )
  }
  const general = fc
    .record({
      type: fc.constant(type),
      attributes: anyAttributes(type, without),
      children,
      parameters: hasParameters ? parameters : fc.constant(undefined),
      config: hasConfig ? settings : fc.constant(undefined),
      headers:
        type === 'Sip'
          ? fc.option(fc.dictionary(fc.constantFrom('x-id', 'x-"q"'), text, { minKeys: 1 }), { nil: undefined })
          : fc.constant(undefined),
    })
    .map((model) => JSON.parse(JSON.stringify(model)) as Model)
  if (type !== 'Play') return general
  const digits = fc.record({ digits: tones, loop: fc.integer({ min: 0, max: 1000 }) }, { requiredKeys: ['digits'] })
  return fc.oneof(
    general,
    digits.map((attributes) => ({ type, attributes, children: [] })),
  )
}

const seen = new Set<string>()

function note(model: Model | string): void {
  if (typeof model === 'string') return
  seen.add(model.type)
  for (const key of Object.keys(model.attributes)) seen.add(`${model.type}.${key}`)
  model.children.forEach(note)
}

const VERBS = [...vendor.children.get('VoiceResponse')!.keys()]

test(`reads the same as the document of the twilio package, over ${RUNS} generated trees of all its verbs`, () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(...VERBS.map((verb) => anyElement(verb, 3))), { maxLength: 4 }), (verbs) => {
      verbs.forEach(note)
      const { ours, theirs } = both(verbs)
      expect(parseTree(ours)).toEqual(parseTree(theirs))
    }),
    { numRuns: RUNS },
  )
}, 120_000)

const everyAttribute = [...vendor.attributes.keys()]
  .filter((type) => !PARAMETERS_ONLY.has(type) && type !== 'Header')
  .flatMap((type) => Object.keys(attributesOf(type)).map((key) => `${type}.${key}`))

test('every element and every attribute that the package declares was in one of those trees', () => {
  const declared = [...vendor.children.values()].flatMap((children) => [...children.keys()])
  const known = (type: string): boolean => PARAMETERS_ONLY.has(type) || type === 'Header' || LEFT_OUT_ELEMENTS.has(type)
  expect(declared.filter((type) => !seen.has(type) && !known(type))).toEqual([])
  expect(everyAttribute.length).toBeGreaterThan(200)
  expect(everyAttribute.filter((name) => !seen.has(name))).toEqual([])
})
