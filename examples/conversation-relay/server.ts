/**
 * A dental practice's phone line with a language model behind it: Twilio hears and speaks, this process exchanges text. What you
 * would deploy.
 *
 * @module
 */
import { createServer, type Server } from 'node:http'
import express from 'express'
import { createVoice, type Voice, type VoiceOptions } from 'callweave'
import type { RelayBrainFunction } from 'callweave/conversation-relay'
import { voiceRouter } from 'callweave/express'
import { dial, response } from 'callweave/twiml'
import type { Model } from './models.js'

const GREETING = 'Riverside Dental, how can I help you?'
const RECEPTION = '+12025550111'

/** The model answers; what must not be left to it does not go to it. */
export function receptionist(model: Model): RelayBrainFunction {
  return async function* (turn, { signal, call }) {
    if (/\b(person|human|persona)\b/i.test(turn.text)) {
      yield call.language.startsWith('es') ? 'Le comunico con un colega.' : 'I will put you through to a colleague.'
      yield { end: { reasonCode: 'live-agent', language: call.language } }
      return
    }
    if (/español/i.test(turn.text)) yield { language: 'es-ES' }
    yield* model(turn, signal)
  }
}

/** Everything but the model comes from the caller, so that the same line runs on real accounts and on simulated ones. */
export function relayLine(options: Omit<VoiceOptions, 'answer'>, model: Model): { voice: Voice; server: Server } {
  const voice = createVoice({
    ...options,
    answer: () => ({
      via: 'conversation-relay',
      relay: {
        welcomeGreeting: GREETING,
        language: 'en-US',
        ttsProvider: 'ElevenLabs',
        languages: [{ code: 'es-ES' }],
      },
      brain: receptionist(model),
      session: {
        phrases: (language) =>
          language.startsWith('es') ? { filler: 'Un momento, por favor.', apology: 'Perdone, ¿puede repetirlo?' } : {},
      },
      afterwards: ({ handoffData }) =>
        typeof handoffData === 'object' && handoffData.reasonCode === 'live-agent'
          ? response(dial({ answerOnBridge: true }, RECEPTION)).toString()
          : undefined,
    }),
  })
  const app = express()
  app.use('/voice', voiceRouter(voice))
  const server = createServer(app)
  voice.attach(server)
  return { voice, server }
}
