/**
 * Plays one call against the line and checks how it went: streamed, interrupted, continued in Spanish, handed to a person. Exits with 1
 * when anything is otherwise.
 *
 *     npx tsx examples/conversation-relay/try.ts
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import type { LiveRelayCall } from 'callweave'
import { syntheticSpeech, TwilioSimulator } from 'callweave/simulator'
import { stepClock } from '../step-clock.js'
import type { Model } from './models.js'
import { relayLine } from './server.js'

const HOST = 'phone.riverside-dental.example'
const account = { accountSid: `AC${'0'.repeat(32)}`, authToken: 'the-simulated-account-has-this-token' }
const clock = stepClock(Date.now())

/** In place of a language model: it knows two sentences, and writes them word by word as a model does. */
const model: Model = async function* (turn, signal) {
  const text = /español/i.test(turn.text)
    ? 'Con mucho gusto. El jueves a las diez y media está libre.'
    : 'We are open from Monday to Friday, from nine in the morning until five in the afternoon, and on Saturdays as well, but only until noon.'
  for (const word of text.match(/\S+\s*/g) ?? []) {
    await clock.sleep(50)
    signal.throwIfAborted()
    yield word
  }
}

const elevenlabs = { apiKey: 'not-used-on-this-line' }
const { voice, server } = relayLine(
  { publicUrl: `https://${HOST}/voice`, twilio: account, elevenlabs, allowInsecure: true, clock },
  model,
)
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
    dials: [{ status: 'completed', talkMs: 1000 }],
    script: [
      { step: 'wait-for-agent-quiet', quietMs: 600, afterSpeech: true },
      { step: 'speak', utterance: syntheticSpeech('when are you open') },
      { step: 'barge-in', afterMs: 1800, utterance: syntheticSpeech('en español por favor') },
      { step: 'wait-for-agent-quiet', quietMs: 1000, afterSpeech: true },
      { step: 'speak', utterance: syntheticSpeech('una persona por favor') },
      { step: 'expect-hang-up', withinMs: 30_000 },
    ],
  })
  const { session } = await begun
  const firstTokenMs: number[] = []
  session.on('agentTurnStarted', ({ latencyMs }) => {
    if (latencyMs !== undefined) firstTokenMs.push(latencyMs)
  })
  const end = await session.ended
  await call.verify()

  const [relay] = call.relays
  const heard = relay?.heard.map(({ text, lang }) => [text.trim(), lang]) ?? []
  for (const turn of session.transcript) {
    if (turn.speaker === 'caller') console.log(`caller  «${turn.text}»`)
    else console.log(`agent   «${turn.heardText}»${turn.interrupted ? ' … cut' : ''}`)
  }
  console.log(`first tokens after ${firstTokenMs.map((ms) => Math.round(ms)).join(', ')} ms; ended: ${end.reason}`)

  assert.equal(heard.length, 4, 'four stretches of speech were heard')
  assert.deepEqual(heard[0], ['Riverside Dental, how can I help you?', 'en-US'])
  assert.match(heard[1]?.[0] ?? '', /^We are open from Monday/)
  assert.doesNotMatch(heard[1]?.[0] ?? '', /noon/, 'the caller cut the answer')
  assert.equal(session.counts.interruptions, 1)
  assert.deepEqual(heard[2], ['Con mucho gusto. El jueves a las diez y media está libre.', 'es-ES'])
  assert.deepEqual(heard[3], ['Le comunico con un colega.', 'es-ES'])
  assert.deepEqual(relay?.languages, { tts: 'es-ES', transcription: 'es-ES' })
  assert.equal(end.reason, 'ended')
  const action = call.webhooks.find(({ purpose }) => purpose === 'connect-action')
  assert.equal(action?.params.HandoffData, '{"reasonCode":"live-agent","language":"es-ES"}')
  assert.ok(
    call.timeline.some(({ kind }) => kind === 'dial'),
    'a colleague was called',
  )
  const said = session.transcript.map((turn) => (turn.speaker === 'agent' ? turn.heardText.trim() : turn.text))
  const asked = ['when are you open', 'en español por favor', 'una persona por favor']
  const expected = heard.flatMap(([text], i) => (i === 0 ? [text] : [asked[i - 1], text]))
  assert.deepEqual(said, expected, 'the transcript is what was heard')
  console.log('as it should be')
} finally {
  await voice.close({ drainMs: 0 })
  await twilio.close()
  server.closeAllConnections()
  server.close()
  clock.stop()
}
