/**
 * A phone line on this machine for the relay scenarios: our voice behind Express, and both simulators.
 *
 * @module
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterEach } from 'vitest'
import { voiceRouter } from '../../src/middleware/express.js'
import {
  ElevenLabsSimulator,
  syntheticSpeech,
  TwilioSimulator,
  type CallerStep,
  type InboundCallOptions,
  type SimulatedAgentOptions,
  type SimulatedCall,
} from '../../src/simulator/index.js'
import { createVoice, type VoiceOptions } from '../../src/voice.js'
import { steppedClock } from '../support/stepped-clock.js'

export const HOST = 'phone.example.com'
const AGENT_HOST = 'agents.example.com'
export const ACCOUNT_SID = `AC${'0'.repeat(32)}`
export const AUTH_TOKEN = 'the-simulated-account-has-this-token'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export const speak = (text: string): CallerStep<SimulatedCall> => ({ step: 'speak', utterance: syntheticSpeech(text) })
/** Waits until the other side has said something and is quiet again. */
export const listen: CallerStep<SimulatedCall> = { step: 'wait-for-agent-quiet', quietMs: 600, afterSpeech: true }

/** As fast as this machine can, and no busier machine changes what happens. */
export async function line(
  options: Partial<VoiceOptions>,
  agent: Partial<SimulatedAgentOptions> = {},
  onSaid: (text: string) => void = () => {},
) {
  const clock = steppedClock()
  const elevenlabs = await ElevenLabsSimulator.start({
    clock,
    publicHost: AGENT_HOST,
    agents: [
      { agentId: 'agent_1', isPrivate: true, allowedOverrides: { conversation: { text_only: true } }, ...agent },
    ],
  })
  const voice = createVoice({
    publicUrl: `https://${HOST}/voice`,
    twilio: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN },
    elevenlabs: { apiKey: elevenlabs.apiKey, agentId: 'agent_1', baseUrl: elevenlabs.baseUrl },
    allowInsecure: true,
    clock,
    ...options,
  })
  const app = express()
  app.use('/voice', voiceRouter(voice))
  const server = createServer(app)
  voice.attach(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const twilio = await TwilioSimulator.start({
    clock,
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    speakText: (text) => {
      onSaid(text)
      return syntheticSpeech(text).audio
    },
    publicHosts: {
      [HOST]: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      [AGENT_HOST]: elevenlabs.baseUrl,
    },
  })
  closers.push(async () => {
    await voice.close({ drainMs: 0 })
    await twilio.close()
    await elevenlabs.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const call = (script: CallerStep<SimulatedCall>[], more: Partial<InboundCallOptions> = {}): SimulatedCall =>
    twilio.placeCall({
      from: '+12025550143',
      to: '+12025550199',
      voiceUrl: `https://${HOST}/voice/inbound`,
      statusCallback: { url: `https://${HOST}/voice/status` },
      script,
      ...more,
    })
  return { clock, voice, twilio, elevenlabs, call, port: (server.address() as AddressInfo).port }
}

/** What the caller heard of a relay session, stretch by stretch. */
export const heard = (call: SimulatedCall): string[] =>
  call.relays.flatMap((relay) => relay.heard.map(({ text }) => text.trim()))
