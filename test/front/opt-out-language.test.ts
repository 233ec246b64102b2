/**
 * In which language somebody is told that they will not be called again.
 */
import { describe, expect, test } from 'vitest'
import type { CallUpdate, Telephone } from '../../src/calls/telephone.js'
import type { AnswerPlan, OptOutOptions } from '../../src/index.js'
import { syntheticSpeech } from '../../src/simulator/index.js'
import { LEAD_NUMBER, OFFICE_NUMBER, officeLine, REQUEST } from './office-line.js'

const ENGLISH = 'You have been removed from our call list. We will not call you again. Goodbye.'
const SPANISH = 'Su número ha sido eliminado de nuestra lista. No volveremos a llamarle. Adiós.'

/** A call that we placed and that is answered so; what Twilio is told afterwards. */
async function answered(plan: AnswerPlan, optOut: OptOutOptions = {}) {
  const updates: string[] = []
  const not = (): Promise<never> => Promise.reject(new Error('not in this test'))
  const telephone: Telephone = {
    createCall: not,
    fetchCall: not,
    findCalls: not,
    updateCall: async (_callSid, update: CallUpdate) => {
      updates.push('twiml' in update ? update.twiml.replace(/^<\?xml[^>]*>\s*/, '') : JSON.stringify(update))
      return 'updated'
    },
  }
  const line = await officeLine({
    agent: { allowedOverrides: { agent: { language: true } } },
    voice: { telephone, optOut, answerPlaced: () => plan },
  })
  await line.post('/outbound?tenant=default&attempt=a', { CallSid: 'CA1', From: OFFICE_NUMBER, To: LEAD_NUMBER, Direction: 'outbound-api' }) // prettier-ignore
  const { bridge } = line.voice.calls.get('CA1')!
  return {
    line,
    press: (digit: string) => bridge.emit('digit', digit),
    say: (text: string) => bridge.emit('callerTurn', { speaker: 'caller', turnId: 'c', text, at: 0 }),
    told: async (): Promise<string> => {
      await line.clock.until(() => updates.length > 0)
      return updates.join('')
    },
  }
}

const inLanguage = (language: string): AnswerPlan => ({ initiation: { overrides: { agent: { language } } } })
const sentence = (text: string, attributes = ''): string =>
  `<Response><Say${attributes}>${text}</Say><Hangup/></Response>`

describe('who opts out is told so', () => {
  test('in English where nothing else is known', async () => {
    const { press, told } = await answered({})
    press('9')
    expect(await told()).toBe(sentence(ENGLISH))
  })

  test.each([
    ['es', 'es-US'],
    ['es-MX', 'es-MX'],
  ])('in the language that the agent was set to: %s', async (language, spokenAs) => {
    const { press, told } = await answered(inLanguage(language))
    press('9')
    expect(await told()).toBe(sentence(SPANISH, ` language="${spokenAs}"`))
  })

  test('in the language in which they asked, whatever the call was in', async () => {
    const { say, told } = await answered(inLanguage('en-US'))
    say('Por favor, no me llame más.')
    expect(await told()).toBe(sentence(SPANISH, ' language="es-US"'))
  })

  test('in words of the host, and in languages that only the host has', async () => {
    const confirmations = { es: 'Listo. Adiós.', 'pt-BR': 'Pronto. Tchau.' }
    for (const [language, text] of [
      ['es', 'Listo. Adiós.'],
      ['pt-BR', 'Pronto. Tchau.'],
    ] as const) {
      // prettier-ignore
      const { press, told } = await answered(inLanguage(language), { confirmations })
      press('9')
      expect(await told()).toContain(`>${text}</Say>`)
    }
  })

  test('in English where there is no sentence for the language', async () => {
    const { press, told } = await answered(inLanguage('fi-FI'))
    press('9')
    expect(await told()).toBe(sentence(ENGLISH))
  })

  test('only once it is stored: else they hear goodbye, in their language too', async () => {
    const { line, press, told } = await answered(inLanguage('es'))
    line.database.isDown = true
    press('9')
    expect(await told()).toBe(sentence('Gracias por su tiempo. Adiós.', ' language="es-US"'))
  })
})

test('on a relay call the language is that of the relay', async () => {
  const said: string[] = []
  const line = await officeLine({
    voice: { answerPlaced: () => ({ via: 'conversation-relay', relay: { language: 'es-MX', welcomeGreeting: 'Hola.' }, brain: async function* () {} }) }, // prettier-ignore
    twilio: {
      speakText: (text) => {
        said.push(text)
        return syntheticSpeech(text).audio
      },
      callee: { script: [{ step: 'wait-for-agent-speech', forMs: 100 }, { step: 'pause', ms: 2000 }, { step: 'press', digits: '9' }, { step: 'expect-hang-up', withinMs: 30_000 }] }, // prettier-ignore
    },
  })
  await line.voice.calls.place(REQUEST)
  await line.placed().verify()
  expect(said).toEqual(['Hola.', SPANISH])
})
