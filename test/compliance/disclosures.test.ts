import { describe, expect, test } from 'vitest'
import {
  disclosureNotes,
  firstMessageWithDisclosures,
  judgeOpening,
  openingDisclosures,
  relayGreetingWithDisclosures,
  voicemailWithDisclosures,
  type DisclosureOptions,
} from '../../src/compliance/disclosures.js'
import { detectOptOut } from '../../src/compliance/opt-out/phrases.js'
import { loadRulePack } from '../../src/compliance/rule-pack.js'

const SELLER = { name: 'Acme Homes LLC', callbackNumber: '+12125550100' }
const SALES: DisclosureOptions = { seller: SELLER, purpose: { kind: 'marketing', goods: 'homes in Queens' } }

describe('the opening', () => {
  test('says in its first sentence what is calling, that it is recorded and for whom, then at once how to opt out', () => {
    const opening = openingDisclosures(SALES)
    expect(opening.map(({ discloses }) => discloses)).toEqual([
      ['ai', 'recording', 'seller'],
      ['opt-out'],
      ['sales'],
      ['callback-number'],
    ])
    expect(opening.map(({ text }) => text)).toEqual([
      'Hello, this is an automated call by an AI assistant, on a recorded line, for Acme Homes LLC.',
      'To stop these calls at any time, press 9 or say: stop calling.',
      'This is a sales call about homes in Queens.',
      'You can reach us at 2 1 2, 5 5 5, 0 1 0 0.',
    ])
    for (const { cite } of opening) expect(cite).toMatch(/^\d+ CFR/)
  })

  test('in Spanish says the same', () => {
    const opening = openingDisclosures({ ...SALES, language: 'es' })
    expect(opening.map(({ discloses }) => discloses)).toEqual(
      openingDisclosures(SALES).map(({ discloses }) => discloses),
    )
    expect(opening[0]?.text).toBe(
      'Hola, esta es una llamada automática de un asistente de inteligencia artificial, en una línea grabada, de parte de Acme Homes LLC.',
    )
  })

  test.each(['en', 'es'] as const)('in %s offers words that are then heard as a request', (language) => {
    const offer = openingDisclosures({ ...SALES, language })[1]?.text ?? ''
    expect(detectOptOut(offer.slice(offer.lastIndexOf(':')), { languages: [language] })).toBeDefined()
  })

  test('ends the first sentence with the name, also when that ends with a stop of its own', () => {
    const [first] = openingDisclosures({ ...SALES, seller: { ...SELLER, name: 'Acme Inc.' } })
    expect(first?.text.endsWith('for Acme Inc.')).toBe(true)
  })

  test('leaves out the recording where there is none, and the sale where nothing is sold', () => {
    const opening = openingDisclosures({ ...SALES, isRecorded: false, purpose: { kind: 'informational' } })
    expect(opening.flatMap(({ discloses }) => discloses)).toEqual(['ai', 'seller', 'opt-out', 'callback-number'])
    expect(opening[0]?.text).not.toContain('record')
  })

  test('names the key that was chosen', () => {
    expect(openingDisclosures({ ...SALES, optOutKey: '*' })[1]?.text).toContain('press star')
    expect(openingDisclosures({ ...SALES, optOutKey: '3' })[1]?.text).toContain('press 3')
  })

  test('stands in front of the first message and of the relay greeting, which speech may cut', () => {
    const message = firstMessageWithDisclosures(SALES, 'Do you have a minute?')
    expect(message.startsWith('Hello, this is an automated call by an AI assistant')).toBe(true)
    expect(message.endsWith('0 1 0 0. Do you have a minute?')).toBe(true)
    expect(relayGreetingWithDisclosures(SALES, 'Do you have a minute?')).toEqual({
      welcomeGreeting: message,
      welcomeGreetingInterruptible: 'any',
    })
  })
})

describe('what cannot be said truly is refused at once', () => {
  test.each([
    ['a seller without a name', { seller: { ...SELLER, name: ' ' } }],
    ['a name that is a book', { seller: { ...SELLER, name: 'A'.repeat(201) } }],
    ['a control character', { seller: { ...SELLER, name: 'Acme\u0000' } }],
    ['a callback number that is none', { seller: { ...SELLER, callbackNumber: '212 555 0100' } }],
    ['a premium number', { seller: { ...SELLER, callbackNumber: '+19005550100' } }],
    ['the number that dials', { fromNumber: SELLER.callbackNumber }],
    ['an opt-out number that costs', { seller: { ...SELLER, tollFreeOptOutNumber: '+12125550100' } }],
    ['two keys', { optOutKey: '99' }],
    ['nothing to sell', { purpose: { kind: 'marketing', goods: '' } as const }],
  ])('%s', (_, change) => {
    expect(() => openingDisclosures({ ...SALES, ...change })).toThrow(/^(?!.*5550100)/)
    expect(() => voicemailWithDisclosures({ ...SALES, ...change }, 'Call us.')).toThrow()
  })
})

describe('a message on a machine', () => {
  const tollFree = { ...SELLER, tollFreeOptOutNumber: '+18885550100' }

  test('that sells is not left without a toll-free opt-out number', () => {
    expect(voicemailWithDisclosures(SALES, 'We have a house for you.')).toEqual({
      outcome: 'leave-nothing',
      reason: 'no-toll-free-opt-out-number',
      cite: '47 CFR 64.1200(b)(3)',
    })
  })

  test('says who calls, how to opt out toll-free, that it sells, and where to call back', () => {
    expect(voicemailWithDisclosures({ ...SALES, seller: tollFree }, 'We have a house for you.')).toEqual({
      outcome: 'leave',
      text:
        'Hello, this is an automated call by an AI assistant, for Acme Homes LLC. ' +
        'To stop these calls, call toll-free 8 8 8, 5 5 5, 0 1 0 0. This is a sales call about homes in Queens. ' +
        'We have a house for you. You can reach us at 2 1 2, 5 5 5, 0 1 0 0.',
    })
  })

  test('that only informs may do without', () => {
    const message = voicemailWithDisclosures(
      { ...SALES, purpose: { kind: 'informational' } },
      'Your viewing is at five.',
    )
    expect(message).toMatchObject({ outcome: 'leave', text: expect.stringContaining('Your viewing is at five.') })
  })
})

describe('the opening of a call that was made', () => {
  const times = { greetingEndedAt: 1000, messageStartedAt: 3000, identifiedAt: 8000, optOutOfferedAt: 10_000 }
  const passed = (change: object) => judgeOpening({ ...times, ...change }).map((finding) => finding.passed)

  test('has two seconds to begin, and two from the name to the offer', () => {
    expect(passed({})).toEqual([true, true])
    expect(passed({ messageStartedAt: 3001 })).toEqual([false, true])
    expect(passed({ optOutOfferedAt: 10_001 })).toEqual([true, false])
  })

  test('fails where something was never heard', () => {
    expect(passed({ messageStartedAt: null, identifiedAt: null, optOutOfferedAt: null })).toEqual([false, false])
    expect(passed({ optOutOfferedAt: null })).toEqual([true, false])
  })
})

describe('the notes of the states', () => {
  test('tell of recording, of artificial voices and of a live voice that has to come first', async () => {
    const rules = await loadRulePack()
    const kinds = (state: string) => disclosureNotes([state], rules).map(({ kind }) => kind)
    expect(kinds('CA')).toEqual(['recording', 'ai', 'automated-voice'])
    expect(kinds('ME')).toContain('ai')
    expect(kinds('AK')).toEqual([])
    expect(kinds('ZZ')).toEqual([])
    for (const note of disclosureNotes([...rules.states.keys()], rules)) expect(note.summary).not.toBe('')
  })

  test('name every state that asks all parties', async () => {
    const rules = await loadRulePack()
    const notes = disclosureNotes([...rules.states.keys()], rules).filter(({ kind }) => kind === 'recording')
    expect(notes.map(({ state }) => state).sort()).toEqual(
      ['CA', 'CT', 'DE', 'FL', 'IL', 'MA', 'MD', 'MI', 'MT', 'NH', 'NV', 'PA', 'PR', 'WA'].sort(),
    )
  })
})
