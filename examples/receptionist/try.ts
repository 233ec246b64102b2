/**
 * Plays a whole booking at the receptionist: a closed day, another day, a booking that the model asks for twice, a goodbye, and the transcript
 * afterwards. Exits with 1 when it went otherwise.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ElevenLabsSimulator, syntheticSpeech, TwilioSimulator, type Heard, type Reply } from 'callweave/simulator'
import { createReceptionist } from './server.js'
import { stepClock } from '../step-clock.js'

const clock = stepClock(Date.UTC(2026, 2, 5, 16)) // a Thursday
const WEBHOOK_SECRET = 'wsec_simulated_workspace'
const TOOL_SECRET = 'simulated-tool-secret'

const wish = syntheticSpeech('I would like a haircut on Sunday.')
const correction = syntheticSpeech('Oh, I meant Monday.')
const choice = syntheticSpeech('Nine is good. My name is Dana Reyes.')
const thanks = syntheticSpeech('That is all, thank you.')

const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** What the agent reads in a tool's answer. */
interface Answer {
  readonly success: boolean
  readonly data: { readonly message: string; readonly slots: readonly { readonly startTime: string }[] }
}
const read = (result: string): Answer => JSON.parse(result) as Answer

let startTime = ''
function reply({ text }: Heard): Reply {
  switch (text) {
    case wish.text: // a client tool, over the agent's socket
      return {
        callTool: { name: 'check_availability', parameters: { date: '2026-03-08', serviceId: 'haircut' } },
        onResult: ({ result }) => read(result).data.message,
      }
    case correction.text: // a server tool, over HTTP, by its older name and with the service by its name
      return {
        callTool: { road: 'http', name: 'get_availability', parameters: { date: '2026-03-09', serviceId: 'Haircut' } },
        onResult: ({ result }) => {
          startTime = read(result).data.slots[0]?.startTime ?? ''
          return read(result).data.message
        },
      }
    case choice.text: // the model asks twice; the appointment is made once
      return {
        callTool: {
          name: 'book_appointment',
          parameters: { customerName: 'Dana Reyes', serviceId: 'haircut', startTime },
          times: 2,
        },
        onResult: ({ result }) => (read(result).success ? 'You are booked for Monday at nine.' : 'That did not work.'),
      }
    case thanks.text: // the older event, with parameters as text
      return [
        { callTool: { road: 'event', name: 'leave_note', parameters: { note: 'Asked for Ann' }, garble: 'text' } },
        { endCall: { message: 'See you on Monday. Goodbye.' } },
      ]
    default:
      return 'Could you say that again?'
  }
}

const elevenlabs = await ElevenLabsSimulator.start({
  clock,
  speech: [wish, correction, choice, thanks],
  agents: [
    {
      agentId: 'agent_receptionist',
      firstMessage: 'Hello! Welcome to {{business_name}}. How can I help?',
      prompt: 'You are the receptionist of {{business_name}}. {{business_hours_summary}}',
      script: reply,
      serverTools: { url: `${origin}/voice/elevenlabs/tools`, headers: { 'X-Tool-Secret': TOOL_SECRET } },
      toolEvents: { url: `${origin}/voice/elevenlabs/events`, secret: WEBHOOK_SECRET },
    },
  ],
  webhook: {
    url: `${origin}/voice/elevenlabs/events`,
    secret: WEBHOOK_SECRET,
    events: ['transcript', 'audio'],
    copies: 2, // everything comes twice …
    first: 'audio', // … and in the other order
  },
})
const twilio = await TwilioSimulator.start({ clock, publicHosts: { 'desk.example': origin } })

const { voice, store, scheduling } = createReceptionist({
  server,
  clock,
  webhookSecret: WEBHOOK_SECRET,
  toolSecret: TOOL_SECRET,
  config: {
    publicUrl: 'https://desk.example/voice',
    twilio: { accountSid: twilio.accountSid, authToken: twilio.authToken },
    elevenlabs: { apiKey: elevenlabs.apiKey, agentId: 'agent_receptionist', baseUrl: elevenlabs.baseUrl },
  },
  allowInsecure: true, // the simulated ElevenLabs is on http
})

const pause = { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs: 30_000 } as const
const call = twilio.placeCall({
  from: '+12025550143',
  to: '+12025550199', // the salon's number
  voiceUrl: 'https://desk.example/voice/inbound',
  statusCallback: { url: 'https://desk.example/voice/status' },
  script: [
    pause,
    { step: 'speak', utterance: wish },
    pause,
    { step: 'speak', utterance: correction },
    pause,
    { step: 'speak', utterance: choice },
    pause,
    { step: 'speak', utterance: thanks },
    { step: 'expect-hang-up', withinMs: 30_000 },
  ],
})
await call.verify()
elevenlabs.verify()

// One appointment, at the salon and nowhere else, on the day that was meant, for the number that called.
const caller = { phone: '+12025550143' }
const appointments = await scheduling.find('salon', caller)
assert.equal(appointments.length, 1)
assert.equal(appointments[0]?.startTime, '2026-03-09T14:00:00.000Z') // nine in Chicago, a day after the clocks changed
assert.equal(appointments[0].customerName, 'Dana Reyes')
assert.deepEqual(await scheduling.find('dentist', caller), [])

// Both webhooks came twice and were answered; the transcript is kept once, next to what was heard.
while (elevenlabs.webhookDeliveries.length < 4) await new Promise((resolve) => clock.setTimeout(() => resolve(0), 50))
assert.deepEqual(
  elevenlabs.webhookDeliveries.map(({ type, status }) => `${type} ${status}`),
  ['post_call_audio 200', 'post_call_audio 200', 'post_call_transcription 200', 'post_call_transcription 200'],
)
const { items } = await store.listTranscripts({ tenantId: 'salon', filter: { callSid: call.sid } })
assert.deepEqual(items.map(({ source }) => source).sort(), ['elevenlabs', 'playback-ledger'])
const said = [
  'Hello! Welcome to Bella Salon. How can I help?',
  wish.text,
  'There is nothing free for Haircut on 2026-03-08.',
  correction.text,
  'On 2026-03-09 we have Haircut at 09:00, 09:15, 09:30, 09:45, and more.',
  choice.text,
  'You are booked for Monday at nine.',
  thanks.text,
  'See you on Monday. Goodbye.',
]
for (const { source, turns } of items) {
  assert.deepEqual(turns.map(({ text }) => text), said, source) // prettier-ignore
}

// Another agent asks for its variables as ElevenLabs does, and as agents did before.
const url = `${origin}/voice/elevenlabs/initiation`
const headers = { 'X-Tool-Secret': TOOL_SECRET }
const question = { url, headers, agentId: 'agent_receptionist', calledNumber: '+12025550177' }
const reply1 = await elevenlabs.askInitiation(question)
const reply2 = await elevenlabs.askInitiation({
  ...question,
  shape: 'older',
  dynamicVariables: { tenant_id: 'dentist' },
})
for (const { body } of [reply1, reply2]) {
  assert.equal((body as { dynamic_variables: { business_name: string } }).dynamic_variables.business_name, 'Riverside Dental') // prettier-ignore
}
assert.equal((await elevenlabs.askInitiation({ ...question, headers: {} })).status, 401)

await voice.close({ drainMs: 0 })
await twilio.close()
await elevenlabs.close()
server.closeAllConnections()
server.close()
clock.stop()
console.log('The booking went as scripted.')
