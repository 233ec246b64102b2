/**
 * Plays an afternoon in the studio: a test call, a live call to somebody who agreed, and what is refused.
 *
 *     npx tsx examples/agent-studio/try.ts
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createMemoryStore } from 'callweave/storage'
import { ElevenLabsSimulator, syntheticSpeech, TwilioSimulator } from 'callweave/simulator'
import { signedConsent } from '../consent.js'
import { play } from '../play.js'
import { stepClock } from '../step-clock.js'
import { studio } from './server.js'

const HOST = 'studio.example'
const DAY_MS = 86_400_000
const OUR_PHONE = '+12125550100'
const JOHN = '+12125550123'
const STRANGER = '+12125550124'

const answer = syntheticSpeech('I am interested in a demo.')

/** What the routes answer, as far as the studio's page reads it. */
interface Answer {
  readonly callId?: string
  readonly leadId?: string
  readonly failedChecks?: readonly string[]
  readonly call?: {
    readonly status: string
    readonly duration: number
    readonly agentId: { readonly _id: string }
    readonly leadId: { readonly _id: string; readonly name: string }
    readonly metadata: { readonly testCall?: boolean; readonly liveCall?: boolean }
  }
}

await play(async () => {
  const clock = stepClock(Date.UTC(2026, 2, 5, 16)) // a Thursday, eleven in New York

  // The studio's database: who is logged in, whose agent is whose, who agreed to be called.
  const store = createMemoryStore({ clock })
  const tenantId = 'acme'
  const users = new Map([
    ['Bearer session-of-mia', { tenantId, ownerId: 'mia', sellerId: 'acme' }],
    ['Bearer session-of-tom', { tenantId, ownerId: 'tom', sellerId: 'acme' }],
  ])
  await store.grantConsent(
    signedConsent({
      tenantId,
      leadId: 'john',
      phoneNumber: JOHN,
      sellerId: 'acme',
      sellerName: 'Acme',
      obtainedAt: clock.now() - 3 * DAY_MS,
    }),
  )
  await store.putLead({ tenantId, leadId: 'john', phoneNumber: JOHN, ownerId: 'mia', automatedCallsAllowed: true })

  // The other side: Mia's agent at ElevenLabs, and whoever picks up.
  const publicHosts: Record<string, string> = {} // where our app is, is put in once it listens
  const webhook = { url: '', secret: 'wsec_simulated_workspace' }
  const elevenlabs = await ElevenLabsSimulator.start({
    clock,
    webhook,
    speech: [answer],
    agents: [
      {
        agentId: 'agent_at_elevenlabs',
        isPrivate: true,
        firstMessage: 'Hello, this is the assistant of Acme. What can I do for you?',
        script: [{ after: answer.text, reply: { endCall: { message: 'We will be in touch. Goodbye.' } } }],
      },
    ],
  })
  const twilio = await TwilioSimulator.start({
    clock,
    publicHosts,
    callee: {
      script: [
        { step: 'wait-for-agent-quiet', quietMs: 700, afterSpeech: true, withinMs: 30_000 },
        { step: 'speak', utterance: answer },
        { step: 'expect-hang-up', withinMs: 30_000 },
      ],
    },
  })

  // Our app.
  const { voice, app } = await studio({
    publicUrl: `https://${HOST}`,
    twilio: { accountSid: twilio.accountSid, authToken: twilio.authToken, from: '+12125550199', baseUrl: twilio.url },
    elevenlabs: { apiKey: elevenlabs.apiKey, baseUrl: elevenlabs.baseUrl, webhookSecret: webhook.secret },
    store,
    national: { findNational: () => ({ isListed: false, copiedAt: clock.now() - DAY_MS }) },
    findUser: (authorization) => users.get(authorization),
    agents: new Map([['sales', { ownerId: 'mia', elevenLabsAgentId: 'agent_at_elevenlabs' }]]),
    testNumbers: [OUR_PHONE],
    clock,
  })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  publicHosts[HOST] = origin
  webhook.url = `${origin}/api/webhooks/elevenlabs/conversation-event`

  /** As the studio's page asks. */
  const ask = async (path: string, body?: object, as = 'mia') => {
    const response = await fetch(`${origin}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer session-of-${as}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const json = (await response.json()) as Answer
    console.log(`${as} ${body ? 'POST' : 'GET'} ${path.replace(/CA\w+/, 'CA…')} ${response.status} ${JSON.stringify(json).replaceAll(/CA[0-9a-f]{32}/g, 'CA…')}`) // prettier-ignore
    return { status: response.status, json }
  }
  const heardOut = async (callId?: string) => {
    const call = twilio.find(callId ?? '')
    assert.ok(call, 'the answer names a call that is not there')
    await call.verify()
    await clock.sleep(5000) // the last webhook is taken in after it is answered
    return call.sid
  }

  // "Test call": our own telephone, no consent needed; and no other telephone.
  const test = await ask('/agents/test-call', { agentId: 'sales', phoneNumber: OUR_PHONE })
  assert.deepEqual(Object.keys(test.json), ['success', 'callId'], 'the test call is not answered as the studio expects')
  const testSid = await heardOut(test.json.callId)
  const { json: tested } = await ask(`/api/call-initiation/status/${testSid}`)
  assert.equal(tested.call?.status, 'completed', 'the test call is not over')
  assert.ok(tested.call.duration > 0, 'the test call has no length')
  assert.equal(tested.call.agentId._id, 'agent_at_elevenlabs', 'the test call was another agent’s')
  assert.equal(tested.call.metadata.testCall, true, 'the test call is not marked as one')
  const elsewhere = await ask('/agents/test-call', { agentId: 'sales', phoneNumber: STRANGER })
  assert.deepEqual(
    [elsewhere.status, elsewhere.json.failedChecks],
    [403, ['ownNumber']],
    'a test call may ring anywhere',
  )

  // "Live call": the lead is made or updated by its number, and the law is asked.
  const live = await ask('/api/call-initiation/live-call', { agentId: 'sales', phoneNumber: '(212) 555-0123', leadName: 'John Doe', leadNotes: 'Interested in demo' }) // prettier-ignore
  assert.deepEqual(Object.keys(live.json), ['success', 'callId', 'callLogId', 'leadId'], 'the live call is not answered as the studio expects') // prettier-ignore
  assert.equal(live.json.leadId, 'john', 'the lead was made a second time')
  const liveSid = await heardOut(live.json.callId)
  const lead = await store.findStoredLead({ tenantId, leadId: 'john' })
  assert.deepEqual([lead?.name, lead?.notes], ['John Doe', 'Interested in demo'], 'the lead was not updated')
  const { json: done } = await ask(`/api/call-initiation/status/${liveSid}`)
  assert.equal(done.call?.status, 'completed', 'the live call is not over')
  assert.deepEqual(done.call.leadId, { _id: 'john', name: 'John Doe' }, 'the live call is not the lead’s')
  assert.equal(done.call.metadata.liveCall, true, 'the live call is not marked as one')
  const { items } = await store.listTranscripts({ tenantId, filter: { callSid: liveSid } })
  const sources = items.map(({ source }) => source).sort()
  assert.deepEqual(sources, ['elevenlabs', 'playback-ledger'], 'what was said and what was heard is not kept')
  const unknown = await ask('/api/call-initiation/live-call', { agentId: 'sales', phoneNumber: STRANGER })
  assert.equal(unknown.status, 403, 'somebody who never agreed was called')

  // What is Mia's is not there for Tom, nor for nobody.
  assert.equal((await ask('/agents/test-call', { agentId: 'sales', phoneNumber: OUR_PHONE }, 'tom')).status, 404, 'an agent is open to others') // prettier-ignore
  assert.equal((await ask(`/api/call-initiation/status/${liveSid}`, undefined, 'tom')).status, 404, 'a call is open to others') // prettier-ignore
  assert.equal((await ask(`/api/call-initiation/status/${liveSid}`, undefined, 'nobody')).status, 401, 'a call is open to anyone') // prettier-ignore

  assert.equal(twilio.calls.length, 2, 'other telephones rang than those that may')
  elevenlabs.verify()
  await voice.close({ drainMs: 0 })
  await app.close()
  await twilio.close()
  await elevenlabs.close()
  clock.stop()
  console.log('as it should be')
})
