/** Tests an app of one's own: a shop's phone line that looks up its opening hours. Exits with 1 when the call went otherwise. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createVoice, scaledClock } from 'callweave'
import { voiceRouter } from 'callweave/express'
import { ElevenLabsSimulator, TwilioSimulator, syntheticSpeech } from 'callweave/simulator'

const clock = scaledClock(4) // four times as fast as life
const question = syntheticSpeech('When do you close today?')

// ElevenLabs: an agent, and what it does with what it hears.
const elevenlabs = await ElevenLabsSimulator.start({
  clock,
  speech: [question], // what the agent can recognise by its sound
  agents: [
    {
      agentId: 'agent_shop',
      firstMessage: 'Hello, this is the shop.',
      script: [
        {
          after: question.text,
          reply: [
            { callTool: { name: 'opening_hours', parameters: { day: 'today' } }, onResult: ({ result }) => result },
            { endCall: { message: 'Goodbye.' } },
          ],
        },
      ],
    },
  ],
})

// Twilio: it calls this machine whenever your TwiML says shop.example.
const app = express()
const server = createServer(app).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const twilio = await TwilioSimulator.start({ clock, publicHosts: { 'shop.example': `http://127.0.0.1:${port}` } })

// Your app. In production these settings come from the environment.
const voice = createVoice({
  publicUrl: 'https://shop.example/voice',
  twilio: { accountSid: twilio.accountSid, authToken: twilio.authToken },
  elevenlabs: { apiKey: elevenlabs.apiKey, agentId: 'agent_shop', baseUrl: elevenlabs.baseUrl },
  tools: { opening_hours: ({ day }) => `We close at eight ${String(day)}.` },
  clock,
})
app.use('/voice', voiceRouter(voice))
voice.attach(server)

// The caller.
const call = twilio.placeCall({
  from: '+12025550143',
  to: '+12025550199',
  voiceUrl: 'https://shop.example/voice/inbound',
  statusCallback: { url: 'https://shop.example/voice/status' },
  script: [
    { step: 'wait-for-agent-quiet', quietMs: 500, afterSpeech: true },
    { step: 'speak', utterance: question },
    { step: 'expect-hang-up', withinMs: 15_000 },
  ],
})

await call.verify() // every step was met, Twilio has nothing to complain about, the goodbye was heard
elevenlabs.verify() // the agent heard what its script says, and ElevenLabs has nothing to complain about

const [conversation] = elevenlabs.conversations
const spoken = conversation?.record.transcript.filter(({ message }) => message !== null) // without the use of tools
assert.deepEqual(
  spoken?.map(({ role, message }) => `${role}: ${message}`),
  [
    'agent: Hello, this is the shop.',
    'user: When do you close today?',
    'agent: We close at eight today.',
    'agent: Goodbye.',
  ],
)
assert.ok(call.webhooks.every(({ status }) => status < 300))

await voice.close({ drainMs: 0 })
await twilio.close()
await elevenlabs.close()
server.close()
console.log('The call went as scripted.')
