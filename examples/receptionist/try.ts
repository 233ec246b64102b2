/**
 * Plays two calls at the same time, at two businesses of one server. At the salon a whole booking: a closed day, another day, a booking that the model
 * asks for twice, a goodbye, and the transcript afterwards. At the dentist somebody asks whether they are open. What is one's is not there for the other.
 *
 *     npx tsx examples/receptionist/try.ts
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  ElevenLabsSimulator,
  syntheticSpeech,
  TwilioSimulator,
  type Heard,
  type Reply,
  type ScriptContext,
  type Utterance,
} from 'callweave/simulator'
import { play } from '../play.js'
import { stepClock } from '../step-clock.js'
import { createReceptionist } from './server.js'

const WEBHOOK_SECRET = 'wsec_simulated_workspace'
const TOOL_SECRET = 'simulated-tool-secret'
const API_KEYS = { salon: 'the-key-of-the-salon', dentist: 'the-key-of-the-dentist' }
const SALON = '+12025550199'
const DENTIST = '+12025550177'
const CALLER = '+12025550143'

const wish = syntheticSpeech('I would like a haircut on Sunday.')
const correction = syntheticSpeech('Oh, I meant Monday.')
const choice = syntheticSpeech('Nine is good. My name is Dana Reyes.')
const thanks = syntheticSpeech('That is all, thank you.')
const question = syntheticSpeech('Are you open today?')

/** What the agent reads in a tool's answer. */
interface Answer {
  readonly success: boolean
  readonly data: { readonly message: string; readonly slots: readonly { readonly startTime: string }[] }
}
const read = (result: string): Answer => JSON.parse(result) as Answer

let startTime = ''
function atTheSalon({ text }: Heard): Reply {
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

function atTheDentist({ text }: Heard, { dynamicVariables }: ScriptContext): Reply {
  if (text !== question.text) return 'Could you say that again?'
  const isOpen = dynamicVariables.is_open === true
  return { endCall: { message: `${isOpen ? 'Yes, we are' : 'No, not today'}. Goodbye.` } }
}

await play(async () => {
  const clock = stepClock(Date.UTC(2026, 2, 5, 16)) // a Thursday
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  // The other side: two agents in one workspace at ElevenLabs, and Twilio.
  const shared = {
    allowedOverrides: { agent: { first_message: true } }, // each business has its own greeting
    serverTools: { url: `${origin}/voice/elevenlabs/tools`, headers: { 'X-Tool-Secret': TOOL_SECRET } },
    toolEvents: { url: `${origin}/voice/elevenlabs/events`, secret: WEBHOOK_SECRET },
    prompt: 'You are the receptionist of {{business_name}}. {{business_hours_summary}}',
  }
  const elevenlabs = await ElevenLabsSimulator.start({
    clock,
    speech: [wish, correction, choice, thanks, question],
    agents: [
      { ...shared, agentId: 'agent_salon', firstMessage: 'Hello.', script: atTheSalon },
      { ...shared, agentId: 'agent_dentist', firstMessage: 'Hello.', script: atTheDentist },
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

  // Our app.
  const { voice, store, scheduling } = await createReceptionist({
    server,
    clock,
    toolSecret: TOOL_SECRET,
    apiKeys: API_KEYS,
    config: {
      publicUrl: 'https://desk.example/voice',
      twilio: { accountSid: twilio.accountSid, authToken: twilio.authToken },
      elevenlabs: { apiKey: elevenlabs.apiKey, baseUrl: elevenlabs.baseUrl, webhookSecret: WEBHOOK_SECRET },
    },
  })

  // Somebody calls both, at the same time.
  const pause = { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs: 30_000 } as const
  const dial = (to: string, says: readonly Utterance[]) =>
    twilio.placeCall({
      from: CALLER,
      to,
      voiceUrl: 'https://desk.example/voice/inbound',
      statusCallback: { url: 'https://desk.example/voice/status' },
      script: [
        ...says.flatMap((utterance) => [pause, { step: 'speak', utterance } as const]),
        { step: 'expect-hang-up', withinMs: 30_000 },
      ],
    })
  const calls = {
    salon: dial(SALON, [wish, correction, choice, thanks]),
    dentist: dial(DENTIST, [question]),
  }
  await calls.salon.verify()
  await calls.dentist.verify()
  elevenlabs.verify()

  // One appointment, at the salon and nowhere else, on the day that was meant, for the number that called.
  const caller = { phone: CALLER }
  const appointments = await scheduling.find('salon', caller)
  assert.equal(appointments.length, 1, 'it was booked twice, or not at all')
  assert.equal(appointments[0]?.startTime, '2026-03-09T14:00:00.000Z', 'it was booked at another time') // nine in Chicago, a day after the clocks changed
  assert.equal(appointments[0].customerName, 'Dana Reyes', 'it was booked for somebody else')
  assert.deepEqual(await scheduling.find('dentist', caller), [], 'the booking is at the dentist as well')

  // Both webhooks of both calls came twice and were answered; what was said is kept once, next to what was heard.
  while (elevenlabs.webhookDeliveries.length < 8) await clock.sleep(50)
  await clock.sleep(5000)
  const answers = new Set(elevenlabs.webhookDeliveries.map(({ status }) => status))
  assert.deepEqual([...answers], [200], 'a webhook of ElevenLabs was not taken')
  const expected = {
    salon: [
      'Hello! Welcome to Bella Salon. How can I help?',
      wish.text,
      'There is nothing free for Haircut on 2026-03-08.',
      correction.text,
      'On 2026-03-09 we have Haircut at 09:00, 09:15, 09:30, 09:45, and more.',
      choice.text,
      'You are booked for Monday at nine.',
      thanks.text,
      'See you on Monday. Goodbye.',
    ],
    dentist: ['Riverside Dental, good day.', question.text, 'No, not today. Goodbye.'],
  }
  for (const tenantId of ['salon', 'dentist'] as const) {
    const { items } = await store.listTranscripts({ tenantId })
    assert.deepEqual(items.map(({ source }) => source).sort(), ['elevenlabs', 'playback-ledger'], 'not kept once each')
    for (const { source, callSid, turns } of items) {
      assert.equal(callSid, calls[tenantId].sid, `the ${tenantId} has the transcript of another call`)
      assert.deepEqual(turns.map(({ text }) => text), expected[tenantId], `${tenantId}, ${source}: something else was said`) // prettier-ignore
    }
    console.log(`${tenantId}:`)
    for (const text of expected[tenantId]) console.log(`  ${text}`)
  }

  // What is one's is not there for the other.
  const look = async (callSid: string, key?: string): Promise<number> => {
    const headers = key === undefined ? {} : { 'x-api-key': key }
    return (await fetch(`${origin}/voice/calls/${callSid}`, { headers })).status
  }
  assert.equal(await look(calls.salon.sid, API_KEYS.salon), 200, 'the salon cannot see its own call')
  assert.equal(await look(calls.salon.sid, API_KEYS.dentist), 404, 'the dentist can see a call of the salon')
  assert.equal(await look(calls.dentist.sid, API_KEYS.salon), 404, 'the salon can see a call of the dentist')
  assert.equal(await look(calls.salon.sid), 401, 'anyone can see a call')
  const ofDentist = elevenlabs.conversations.find(({ agentId }) => agentId === 'agent_dentist')
  const tool = await fetch(`${origin}/voice/elevenlabs/tools/check_availability?tenantId=salon`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'X-Tool-Secret': TOOL_SECRET },
    body: JSON.stringify({ conversation_id: ofDentist?.conversationId, date: '2026-03-09', serviceId: 'haircut' }),
  })
  assert.equal(tool.status, 403, 'a call of the dentist may look into the salon’s calendar')

  // Another agent asks for its variables as ElevenLabs does, and as agents did before.
  const url = `${origin}/voice/elevenlabs/initiation`
  const headers = { 'X-Tool-Secret': TOOL_SECRET }
  const asked = { url, headers, agentId: 'agent_dentist', calledNumber: DENTIST }
  const replies = [
    await elevenlabs.askInitiation(asked),
    await elevenlabs.askInitiation({ ...asked, shape: 'older', dynamicVariables: { tenant_id: 'dentist' } }),
  ]
  for (const { body } of replies) {
    const { dynamic_variables: variables } = body as { dynamic_variables: { business_name: string } }
    assert.equal(variables.business_name, 'Riverside Dental', 'the agent was told of another business')
  }
  assert.equal((await elevenlabs.askInitiation({ ...asked, headers: {} })).status, 401, 'anyone may ask for variables')

  await voice.close({ drainMs: 0 })
  await twilio.close()
  await elevenlabs.close()
  server.closeAllConnections()
  server.close()
  clock.stop()
  console.log('as it should be')
})
