/**
 * Plays one call against the line and checks how it went: the agent greets, uses a tool, is interrupted and told so, and ends the call. Exits
 * with 1 when anything is otherwise.
 *
 *     npx tsx examples/conversation-relay-agent/try.ts
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import type { LiveRelayCall } from 'callweave'
import { ElevenLabsSimulator, syntheticSpeech, TwilioSimulator } from 'callweave/simulator'
import { stepClock } from '../step-clock.js'
import { agentLine } from './server.js'

const HOST = 'phone.riverside-dental.example'
const account = { accountSid: `AC${'0'.repeat(32)}`, authToken: 'the-simulated-account-has-this-token' }
const clock = stepClock(Date.now())

const elevenlabs = await ElevenLabsSimulator.start({
  clock,
  agents: [
    {
      agentId: 'agent_riverside',
      isPrivate: true,
      allowedOverrides: { conversation: { text_only: true } },
      firstMessage: 'Riverside Dental, this is the virtual assistant. How can I help?',
      script: [
        {
          after: 'I need to move appointment A17',
          reply: [
            {
              callTool: { name: 'find_appointment', parameters: { confirmation: 'A17' } },
              onResult: ({ result }) => {
                const { day, free } = JSON.parse(result) as { day: string; free: string[] }
                return `You are booked on ${day}. I can offer you ${free[0]}, or I can look further into the following weeks for you.`
              },
            },
          ],
        },
        { after: 'Thursday is fine', reply: { endCall: { message: 'Done. Thank you for calling, goodbye.' } } },
      ],
    },
  ],
})
const { voice, server } = agentLine({
  publicUrl: `https://${HOST}/voice`,
  twilio: account,
  elevenlabs: { apiKey: elevenlabs.apiKey, agentId: 'agent_riverside', baseUrl: elevenlabs.baseUrl },
  allowInsecure: true, // the simulated ElevenLabs speaks plain HTTP
  clock,
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const twilio = await TwilioSimulator.start({
  ...account,
  clock,
  publicHosts: { [HOST]: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
})
try {
  const begun = new Promise<LiveRelayCall>((resolve) => voice.once('relayCall', resolve))
  const call = twilio.placeCall({
    from: '+12025550143',
    to: '+12025550199',
    voiceUrl: `https://${HOST}/voice/inbound`,
    statusCallback: { url: `https://${HOST}/voice/status` },
    script: [
      { step: 'wait-for-agent-quiet', quietMs: 600, afterSpeech: true },
      { step: 'speak', utterance: syntheticSpeech('I need to move appointment A17') },
      { step: 'barge-in', afterMs: 3500, utterance: syntheticSpeech('Thursday is fine') },
      { step: 'expect-hang-up', withinMs: 30_000 },
    ],
  })
  const { session, bridge } = await begun
  const end = await bridge?.ended
  await call.verify()
  elevenlabs.verify()

  for (const turn of session.transcript) {
    if (turn.speaker === 'caller') console.log(`caller  «${turn.text}»`)
    else console.log(`agent   «${turn.heardText}»${turn.interrupted ? ' … cut' : ''}`)
  }
  const [conversation] = elevenlabs.conversations
  const heard = call.relays[0]?.heard.map(({ text }) => text.trim()) ?? []
  assert.equal(end?.reason, 'agent-ended')
  assert.deepEqual({ ...end.stats, staleParts: 0 }, { userMessages: 2, agentResponses: 3, interruptions: 1, staleParts: 0, toolCalls: 1 }) // prettier-ignore
  assert.equal(heard[0], 'Riverside Dental, this is the virtual assistant. How can I help?')
  assert.match(heard[1] ?? '', /^You are booked on Monday\. I can/)
  assert.doesNotMatch(heard[1] ?? '', /weeks for you/, 'the caller cut the offer')
  assert.equal(heard[2], 'Done. Thank you for calling, goodbye.', 'the goodbye was heard to its end')
  assert.match(conversation?.contextualUpdates[0]?.text ?? '', /heard of your last message only: "You are booked/)
  assert.ok(conversation?.record.textOnly, 'no sound went to the agent')
  console.log(`${end.stats.toolCalls} tool, ${end.stats.interruptions} interruption; ended: ${end.reason}`)
  console.log('as it should be')
} finally {
  await voice.close({ drainMs: 0 })
  await twilio.close()
  await elevenlabs.close()
  server.closeAllConnections()
  server.close()
  clock.stop()
}
