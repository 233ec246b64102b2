/**
 * Asks for a call to each of five leads, of whom one may be called now, and plays that call.
 *
 *     npx tsx examples/outbound-lead/try.ts [express | fastify]
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createMemoryStore } from 'callweave/storage'
import { ElevenLabsSimulator, syntheticSpeech, TwilioSimulator } from 'callweave/simulator'
import { startHost } from '../host.js'
import { play } from '../play.js'
import { stepClock } from '../step-clock.js'
import { leadCalls, SELLER_ID } from './server.js'

const HOST = 'leads.example'
const API_KEY = 'the-key-of-our-own-backend'
const DAY_MS = 86_400_000

/** Whom we would like to call, on a Thursday at eleven in New York, and what stands in the way. */
const LEADS = [
  { leadId: 'ada', name: 'Ada Morris', phoneNumber: '+12125550123' },
  { leadId: 'ben', name: 'Ben Ortiz', phoneNumber: '+12125550124', refusedBy: ['hasWrittenConsent'] }, // never agreed
  { leadId: 'cleo', name: 'Cleo Park', phoneNumber: '+12125550125', refusedBy: ['notOnDNC'] }, // on the national list
  { leadId: 'dan', name: 'Dan Weiss', phoneNumber: '+12125550126', refusedBy: ['notOnDNC'] }, // told us to stop
  { leadId: 'eve', name: 'Eve Kahale', phoneNumber: '+18085550127', refusedBy: ['withinCallingHours'] }, // in Honolulu it is six
] satisfies { leadId: string; name: string; phoneNumber: string; refusedBy?: string[] }[]

const agreement = {
  signatureMethod: 'web-form',
  disclosureText: 'I agree that Next Level Homes may call me with an artificial voice. This is no condition of a sale.',
  disclosureVersion: '2026-01',
  isArtificialVoiceDisclosed: true,
  isNotConditionDisclosed: true,
  formUrl: 'https://next-level.example/offer',
  ipAddress: null,
  userAgent: null,
  reference: null,
} as const

await play(async () => {
  const clock = stepClock(Date.UTC(2026, 2, 5, 16))

  // What the office knows.
  const store = createMemoryStore({ clock })
  const tenantId = 'default'
  for (const { leadId, name, phoneNumber } of LEADS) {
    const metadata = { property: '12 Elm Street' }
    await store.putLead({ tenantId, leadId, name, phoneNumber, automatedCallsAllowed: true, metadata })
    if (leadId === 'ben') continue
    await store.grantConsent({
      tenantId,
      consentId: `consent-${leadId}`,
      phoneNumber,
      sellerId: SELLER_ID,
      leadId,
      kind: 'express-written',
      purposes: ['marketing'],
      obtainedAt: clock.now() - 3 * DAY_MS,
      expiresAt: null,
      source: 'form',
      evidence: agreement,
    })
  }
  const addedAt = clock.now() - DAY_MS
  await store.addDoNotCall({
    tenantId,
    phoneNumber: '+12125550126',
    channel: 'speech',
    addedAt,
    leadId: 'dan',
    callSid: null,
    note: null,
  })
  const national = {
    findNational: (phoneNumber: string) => ({ isListed: phoneNumber === '+12125550125', copiedAt: addedAt }),
  }

  // The other side: an agent at ElevenLabs, and Ada at her telephone.
  const elevenlabs = await ElevenLabsSimulator.start({
    clock,
    agents: [
      {
        agentId: 'agent_acquisitions',
        isPrivate: true,
        allowedOverrides: { conversation: { text_only: true } },
        firstMessage: 'Hi {{lead_name}}, are you still thinking of selling {{property}}?',
        script: [
          {
            after: 'Yes, call me next week.',
            reply: { endCall: { message: 'We will. Have a good day, goodbye.' } },
          },
        ],
      },
    ],
  })
  const publicHosts: Record<string, string> = {} // ours is put in once it listens
  const twilio = await TwilioSimulator.start({
    clock,
    publicHosts,
    callee: {
      script: [
        { step: 'wait-for-agent-quiet', quietMs: 1000, afterSpeech: true, withinMs: 60_000 },
        { step: 'speak', utterance: syntheticSpeech('Yes, call me next week.') },
        { step: 'expect-hang-up', withinMs: 30_000 },
      ],
    },
  })

  // Our app.
  const app = await leadCalls({
    publicUrl: `https://${HOST}`,
    twilio: { accountSid: twilio.accountSid, authToken: twilio.authToken, from: '+12125550199', baseUrl: twilio.url },
    elevenlabs: { apiKey: elevenlabs.apiKey, agentId: 'agent_acquisitions', baseUrl: elevenlabs.baseUrl },
    store,
    national,
    apiKey: API_KEY,
    clock,
  })
  const host = await startHost(app, process.argv[2])
  publicHosts[HOST] = host.origin

  const ask = async (leadId: string, key = API_KEY) => {
    const answer = await fetch(`${host.origin}/api/calls/start-conversationrelay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ leadId }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  assert.equal((await ask('ada', 'a-guess')).status, 401, 'a call was asked for with a wrong key, and not refused')
  for (const { leadId, name, refusedBy } of LEADS) {
    const { status, body } = await ask(leadId)
    const lead = await store.findStoredLead({ tenantId, leadId })
    if (!refusedBy) {
      assert.equal(status, 200, `${name} may be called, and was not: ${JSON.stringify(body)}`)
      console.log(`${name.padEnd(11)} dialled`)
      continue
    }
    assert.deepEqual([status, body.failedChecks], [403, refusedBy], `${name} was refused for other reasons, or called`)
    assert.deepEqual(lead?.review?.failedChecks, refusedBy, `${name} was not put before a person`)
    const later = typeof body.nextAllowedAt === 'string' ? `; not before ${body.nextAllowedAt}` : ''
    console.log(`${name.padEnd(11)} refused: ${lead.review.reason}${later}`)
  }

  // One call, and what is kept of it.
  assert.equal(twilio.calls.length, 1, 'other telephones rang than the one that may')
  const [call] = twilio.calls
  assert.equal(call?.to, '+12125550123', 'a wrong number was dialled')
  await call.verify()
  elevenlabs.verify()
  await clock.sleep(5000) // the last webhook is taken in after it is answered

  const record = await store.findCall({ tenantId, callSid: call.sid })
  assert.equal(record?.callStatus, 'completed', 'the record of the call does not say that it is over')
  assert.equal(record.outcome?.kind, 'answered', 'the disposition of the call is wrong')
  assert.equal(record.leadId, 'ada', 'the call is not the lead’s')
  assert.ok(record.durationS, 'the call has no length')
  const attempt = await store.findAttempt({ tenantId, attemptId: record.attemptId ?? '' })
  assert.equal(attempt?.state, 'placed', 'the attempt does not count')
  assert.equal(attempt.disposition, 'answered', 'the attempt does not say how it ended')
  const { items } = await store.listTranscripts({ tenantId, filter: { callSid: call.sid } })
  const turns = items.find(({ source }) => source === 'playback-ledger')?.turns ?? []
  assert.match(turns[0]?.text ?? '', /^Hello, this is an automated call .* To stop these calls/, 'the opening was not heard') // prettier-ignore
  assert.deepEqual(
    turns.slice(1).map(({ speaker, text }) => `${speaker}: ${text.trim()}`),
    [
      'agent: Hi Ada Morris, are you still thinking of selling 12 Elm Street?',
      'caller: Yes, call me next week.',
      'agent: We will. Have a good day, goodbye.',
    ],
    'the transcript is not what was said',
  )
  console.log()
  for (const { speaker, text } of turns) console.log(`${speaker.padEnd(6)}  ${text.trim()}`)
  console.log(`\n${record.callStatus} after ${record.durationS} s: ${record.outcome.kind}; the attempt: ${attempt.disposition}`) // prettier-ignore

  await app.voice.close({ drainMs: 0 })
  await host.close()
  await twilio.close()
  await elevenlabs.close()
  clock.stop()
  console.log('as it should be')
})
