/**
 * Plays four calls: a message, a menu with a call back, a menu with a transfer, and one with an opt-out, after which that number is not called again.
 *
 *     npx tsx examples/message-and-menu/try.ts [express | fastify]
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createMemoryStore } from 'callweave/storage'
import { syntheticSpeech, TwilioSimulator, type CallerStep, type SimulatedCall } from 'callweave/simulator'
import { startHost } from '../host.js'
import { signedConsent } from '../consent.js'
import { play } from '../play.js'
import { stepClock } from '../step-clock.js'
import { announcements, SELLER_ID } from './server.js'

const HOST = 'announcements.example'
const API_KEY = 'the-key-of-our-own-backend'
const DAY_MS = 86_400_000

const REMINDER = 'Riverside Homes reminds you of your viewing on Monday at ten. To stop these calls, call 8 0 0, 5 5 5, 0 1 9 9.' // prettier-ignore

/** Who is called, and the key that they press. */
const ADA = '+12125550123'
const BEN = '+12125550124'
const CLEO = '+12125550125'
const DAN = '+12125550126'
const KEYS: Readonly<Record<string, string>> = { [BEN]: '1', [CLEO]: '2', [DAN]: '3' }

/** What somebody does who is called by a menu, or by a message. */
function scriptOf(to: string): CallerStep<SimulatedCall>[] {
  const key = KEYS[to]
  const listens: CallerStep<SimulatedCall> = { step: 'wait-for-agent-speech', forMs: 2000 }
  const untilTheEnd: CallerStep<SimulatedCall> = { step: 'expect-hang-up', withinMs: 60_000 }
  return key === undefined ? [untilTheEnd] : [listens, { step: 'press', digits: key }, untilTheEnd]
}

await play(async () => {
  const clock = stepClock(Date.UTC(2026, 2, 5, 16)) // a Thursday, eleven in New York
  const store = createMemoryStore({ clock })
  const tenantId = 'default'
  for (const [i, phoneNumber] of [ADA, BEN, CLEO, DAN].entries()) {
    await store.putLead({ tenantId, leadId: `lead-${i}`, phoneNumber, automatedCallsAllowed: true })
    await store.grantConsent(
      signedConsent({
        tenantId,
        leadId: `lead-${i}`,
        phoneNumber,
        sellerId: SELLER_ID,
        sellerName: 'Riverside Homes',
        purposes: ['marketing', 'informational'],
        obtainedAt: clock.now() - 3 * DAY_MS,
      }),
    )
  }
  const national = { findNational: () => ({ isListed: false, copiedAt: clock.now() - DAY_MS }) }

  // Twilio, and the people whom it calls. What its voice says is written down.
  let said: string[] = []
  const publicHosts: Record<string, string> = {} // ours is put in once it listens
  const twilio = await TwilioSimulator.start({
    clock,
    publicHosts,
    speakText: (text) => {
      said.push(text)
      return syntheticSpeech(text).audio
    },
    callee: ({ to }) => ({ script: scriptOf(to), ...(to === CLEO ? { dials: [{ status: 'completed', talkMs: 5000 }] } : {}) }), // prettier-ignore
  })

  // Our app.
  const callbacks: string[] = []
  const app = await announcements({
    publicUrl: `https://${HOST}`,
    twilio: { accountSid: twilio.accountSid, authToken: twilio.authToken, from: '+12125550111', baseUrl: twilio.url },
    elevenlabs: { apiKey: 'not-used-on-these-calls' },
    store,
    national,
    apiKey: API_KEY,
    onCallback: (phoneNumber, reason) => callbacks.push(`${phoneNumber} ${reason}`),
    clock,
  })
  const host = await startHost(app, process.argv[2])
  publicHosts[HOST] = host.origin

  const ask = async (path: string, body: object) => {
    const answer = await fetch(`${host.origin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': API_KEY },
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  /** Asks for a call, waits until it is over, and tells it. */
  const playCall = async (path: string, body: { toNumber: string; message?: string }) => {
    said = []
    const { status, body: answer } = await ask(path, body)
    assert.equal(status, 200, `the call was not placed: ${JSON.stringify(answer)}`)
    const call = twilio.find(String(answer.callSid))
    assert.ok(call, 'the answer names a call that is not there')
    await call.verify()
    await clock.sleep(5000) // the last webhook is taken in after it is answered
    const record = await store.findCall({ tenantId, callSid: call.sid })
    assert.equal(record?.outcome?.kind, 'answered', 'the record of a call does not say how it ended')
    const key = KEYS[body.toNumber]
    console.log(`${path}${key === undefined ? '' : `, key ${key}`}`)
    for (const text of said) console.log(`  ${text}`)
    return call
  }

  await playCall('/api/calls/simple', { toNumber: ADA, message: REMINDER })
  assert.deepEqual(
    said,
    [REMINDER, 'Thank you for your time. Goodbye.'],
    'the message was not said as it was asked for',
  )

  await playCall('/api/calls/menu', { toNumber: BEN })
  assert.equal(said.at(-1), 'Thank you. We will call you to find a time.', 'key 1 did not do what it does')
  assert.deepEqual(callbacks, [`${BEN} viewing`], 'nobody was told who wants to be called back')

  const transferred = await playCall('/api/calls/menu', { toNumber: CLEO })
  assert.equal(said.at(-1), 'Connecting you to an agent now.', 'key 2 did not do what it does')
  assert.ok(transferred.timeline.some(({ kind }) => kind === 'dial'), 'key 2 did not reach the agent') // prettier-ignore

  await playCall('/api/calls/menu', { toNumber: DAN })
  assert.equal(said.at(-1), 'You have been removed from our call list. Thank you.', 'key 3 was not confirmed')
  const entry = await store.findDoNotCall({ tenantId, phoneNumber: DAN })
  assert.equal(entry?.channel, 'keypress', 'the opt-out is not on the list')

  const again = await ask('/api/calls/simple', { toNumber: DAN, message: REMINDER })
  assert.equal(again.status, 403, 'somebody who opted out was called again')
  assert.deepEqual(again.body.failedChecks, ['consentNotRevoked', 'notOnDNC'], 'the refusal names other reasons')
  console.log(`/api/calls/simple, to the number that opted out\n  refused: ${again.body.failedChecks.join(', ')}`)
  assert.equal(twilio.calls.length, 4, 'other telephones rang than those that may')

  await app.voice.close({ drainMs: 0 })
  await host.close()
  await twilio.close()
  clock.stop()
  console.log('as it should be')
})
