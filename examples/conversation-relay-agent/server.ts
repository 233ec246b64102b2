/**
 * A dental practice's phone line with an ElevenLabs agent behind Twilio's ears and voice: text only, no sound in this process. What you
 * would deploy.
 *
 * @module
 */
import { createServer, type Server } from 'node:http'
import express from 'express'
import { createVoice, type Voice, type VoiceOptions } from 'callweave'
import { voiceRouter } from 'callweave/express'

/** Everything but the tools comes from the caller, so that the same line runs on real accounts and on simulated ones. */
export function agentLine(options: Omit<VoiceOptions, 'tools' | 'answer'>): { voice: Voice; server: Server } {
  const voice = createVoice({
    ...options,
    tools: {
      find_appointment: ({ confirmation }) => ({ confirmation, day: 'Monday', free: ['Thursday 10:30'] }),
    },
    answer: () => ({
      via: 'conversation-relay',
      relay: { language: 'en-US', ttsProvider: 'ElevenLabs' },
      fallback: { via: 'say', text: 'We cannot take your call right now. Please call again later.' },
    }),
  })
  const app = express()
  app.use('/voice', voiceRouter(voice))
  const server = createServer(app)
  voice.attach(server)
  return { voice, server }
}
