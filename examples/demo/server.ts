/**
 * The dental practice's phone line: what you would deploy.
 *
 * @module
 */
import { createServer, type Server } from 'node:http'
import express from 'express'
import { createVoice, type Voice, type VoiceOptions } from 'callweave'
import { voiceRouter } from 'callweave/express'

/** Everything but the tools comes from the caller, so that the same line runs on real accounts and on simulated ones. */
export function dentalLine(options: Omit<VoiceOptions, 'tools'>): { voice: Voice; server: Server } {
  // Stands for the practice's own system.
  const appointments = new Map([['A17', { day: 'Monday', time: '09:00' }]])

  const voice = createVoice({
    ...options,
    tools: {
      find_appointment: async ({ confirmation }) => {
        const found = appointments.get(String(confirmation))
        if (!found) throw new Error('There is no appointment with that number')
        return { ...found, free: [{ day: 'Thursday', time: '10:30' }] }
      },
      move_appointment: async ({ confirmation, day, time }) => {
        appointments.set(String(confirmation), { day: String(day), time: String(time) })
        return { booked: true }
      },
    },
  })
  const app = express()
  app.use('/voice', voiceRouter(voice)) // before any body parser: signatures are over bytes
  const server = createServer(app)
  voice.attach(server)
  return { voice, server }
}
