/**
 * Plays Next: hands each request to the route handler of its path. A call comes in, a call goes out, and what must not happen does not.
 *
 *     npx tsx examples/route-handlers/try.ts
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createMemoryStore } from 'callweave/storage'
import { ElevenLabsSimulator, syntheticSpeech, TwilioSimulator, type CallerStep, type SimulatedCall } from 'callweave/simulator' // prettier-ignore
import { signedConsent } from '../consent.js'
import { play } from '../play.js'
import { stepClock } from '../step-clock.js'
import * as makeCall from './app/api/make-call/route.js'
import * as fallback from './app/api/twilio/fallback/route.js'
import * as status from './app/api/twilio/status/route.js'
import * as voice from './app/api/twilio/voice/route.js'
import { setUp, theVoice } from './voice.js'

const HOST = 'close-loop.example'
const ELEVENLABS_HOST = 'agents.example' // Twilio takes encrypted sockets only, and so the agents have a public name too
const DAY_MS = 86_400_000

const ROUTES: Readonly<Record<string, { readonly POST: (request: Request) => Promise<Response> }>> = {
  '/api/make-call': makeCall,
  '/api/twilio/voice': voice,
  '/api/twilio/status': status,
  '/api/twilio/fallback': fallback,
}

await play(async () => {
  const clock = stepClock(Date.UTC(2026, 2, 5, 16)) // a Thursday, eleven in New York
  const listener = getRequestListener(async (request) => {
    const route = ROUTES[new URL(request.url).pathname]
    if (!route) return new Response('Not found', { status: 404 })
    return request.method === 'POST' ? route.POST(request) : new Response(null, { status: 405 })
  })
  const server = createServer((request, response) => void listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  // The other side: an agent at ElevenLabs, and people on the telephone.
  const question = syntheticSpeech('Are you open today?')
  const elevenlabs = await ElevenLabsSimulator.start({
    clock,
    publicHost: ELEVENLABS_HOST,
    speech: [question],
    agents: [
      {
        agentId: 'agent_close_loop',
        firstMessage: 'Hello, this is Close Loop.',
        script: [{ after: question.text, reply: { endCall: { message: 'Until six. Goodbye.' } } }],
      },
    ],
  })
  const script: CallerStep<SimulatedCall>[] = [
    { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs: 30_000 },
    { step: 'speak', utterance: question },
    { step: 'expect-hang-up', withinMs: 30_000 },
  ]
  const said: string[] = []
  const twilio = await TwilioSimulator.start({
    clock,
    publicHosts: { [HOST]: origin, [ELEVENLABS_HOST]: elevenlabs.baseUrl },
    speakText: (text) => {
      said.push(text)
      return syntheticSpeech(text).audio
    },
    callee: { script },
  })

  // Our app: its environment, and what it is made of.
  Object.assign(process.env, {
    NEXT_PUBLIC_APP_URL: `https://${HOST}`,
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN: twilio.authToken,
    TWILIO_PHONE_NUMBER: '+12125550199',
    TWILIO_BASE_URL: twilio.url,
    ELEVENLABS_API_KEY: elevenlabs.apiKey,
    ELEVENLABS_AGENT_ID: 'agent_close_loop',
    ELEVENLABS_BASE_URL: elevenlabs.baseUrl,
    MAKE_CALL_KEY: 'the-key-of-our-own-page',
  })
  const store = createMemoryStore({ clock })
  const tenantId = 'default'
  await store.putLead({ tenantId, leadId: 'ada', phoneNumber: '+12125550123', automatedCallsAllowed: true })
  await store.putLead({ tenantId, leadId: 'ben', phoneNumber: '+12125550124', automatedCallsAllowed: true })
  await store.grantConsent(
    signedConsent({
      tenantId,
      leadId: 'ada',
      phoneNumber: '+12125550123',
      sellerId: 'close-loop',
      sellerName: 'Close Loop',
      obtainedAt: clock.now() - 3 * DAY_MS,
    }),
  )
  setUp({ store, clock, national: { findNational: () => ({ isListed: false, copiedAt: clock.now() - DAY_MS }) } })
  const app = await theVoice()

  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await answer.text()
    return { status: answer.status, body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} }
  }
  /** Waits until a call is over, and tells what was kept of it. */
  const heardOut = async (call: SimulatedCall) => {
    await call.verify()
    await clock.sleep(5000) // the last webhook is taken in after it is answered
    const record = await store.findCall({ tenantId, callSid: call.sid })
    assert.equal(record?.callStatus, 'completed', 'the record of the call does not say that it is over')
    assert.equal(record.via, 'register-call', 'the call went another way')
    const conversation = elevenlabs.conversations.at(-1)
    assert.equal(record.conversationId, conversation?.conversationId, 'it is not known which conversation the call was')
    const lines = conversation?.record.transcript
      .filter(({ message }) => message !== null) // without the use of tools
      .map(({ role, message }) => `${role}: ${message}`)
    assert.deepEqual(lines, ['agent: Hello, this is Close Loop.', 'user: Are you open today?', 'agent: Until six. Goodbye.'], 'something else was said') // prettier-ignore
    console.log(`${record.direction}: ${record.callStatus} after ${record.durationS} s`)
    for (const line of lines) console.log(`  ${line}`)
  }

  assert.equal((await post('/api/twilio/voice', {})).status, 403, 'a webhook that nobody signed was answered')

  // Somebody calls.
  const from = { from: '+12025550143', to: '+12125550199', voiceUrl: `https://${HOST}/api/twilio/voice`, statusCallback: { url: `https://${HOST}/api/twilio/status` } } // prettier-ignore
  await heardOut(twilio.placeCall({ ...from, script }))

  // We call: only with the key, and only who agreed.
  const key = { 'x-api-key': 'the-key-of-our-own-page' }
  assert.equal((await post('/api/make-call', { leadId: 'ada' })).status, 401, 'anyone may start a call')
  const refused = await post('/api/make-call', { leadId: 'ben' }, key)
  assert.deepEqual([refused.status, refused.body.failedChecks], [403, ['hasWrittenConsent']], 'somebody who never agreed was called') // prettier-ignore
  console.log(`to Ben, who never agreed: refused, hasWrittenConsent`)
  const placed = await post('/api/make-call', { leadId: 'ada' }, key)
  assert.equal(placed.status, 200, `the call was not placed: ${JSON.stringify(placed.body)}`)
  const call = twilio.find(String(placed.body.callSid))
  assert.ok(call, 'the answer names a call that is not there')
  await heardOut(call)

  // ElevenLabs has no agent free: the caller hears why, and no silence.
  elevenlabs.failNextRequest({ status: 429 })
  await twilio.placeCall({ ...from, script: [{ step: 'expect-hang-up', withinMs: 30_000 }] }).verify()
  assert.deepEqual(said, ['Service is busy. Please call back in a few minutes.'], 'the caller was not told why')
  console.log(`ElevenLabs is busy:\n  ${said[0]}`)

  await app.close({ drainMs: 0 })
  server.closeAllConnections()
  server.close()
  await twilio.close()
  await elevenlabs.close()
  clock.stop()
  console.log('as it should be')
})
