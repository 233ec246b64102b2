/**
 * Calls that are asked for over HTTP, whole: the API over the front door, the dial, the document, the key that is pressed.
 */
import { expect, test } from 'vitest'
import { createCallsApi } from '../../src/middleware/calls-api.js'
import { syntheticSpeech, type Callee, type CallerStep, type SimulatedCall } from '../../src/simulator/index.js'
import type { VoiceOptions } from '../../src/voice.js'
import { LEAD_NUMBER, officeLine, verbsOf, type OfficeLine } from './office-line.js'

type Step = CallerStep<SimulatedCall>

async function office(script: readonly Step[], more: Pick<Callee, 'dials'> = {}, voice: Partial<VoiceOptions> = {}) {
  const said: string[] = []
  const line = await officeLine({
    voice,
    twilio: {
      callee: { script, ...more },
      speakText: (text) => {
        said.push(text)
        return syntheticSpeech(text).audio
      },
    },
  })
  return { line, said, ask: askOf(line) }
}

function askOf({ voice, store }: OfficeLine) {
  const handle = createCallsApi({
    placer: voice.calls,
    store,
    authorize: () => ({ tenantId: 'default', sellerId: 'riverside' }),
    defaults: { via: 'bridge', recording: 'off', purpose: 'informational' },
  })
  return async (target: string, body: unknown) => {
    const answer = await handle({ method: 'POST', target, header: () => undefined, readBody: async () => ({ bytes: JSON.stringify(body) }) }) // prettier-ignore
    return { status: answer!.status, json: JSON.parse(answer!.body) as Record<string, unknown> }
  }
}

test('a message is said, and the call ends', async () => {
  const { line, said, ask } = await office([{ step: 'expect-hang-up', withinMs: 30_000 }])
  const answer = await ask('/api/calls/simple', { toNumber: LEAD_NUMBER, message: 'Your order is ready.' })
  const call = line.placed()
  expect(answer).toEqual({ status: 200, json: { success: true, callSid: call.sid, status: 'queued' } })
  await call.verify()
  expect(verbsOf(call)).toEqual(['Say', 'Pause', 'Say'])
  expect(said).toEqual(['Your order is ready.', 'Thank you for your time. Goodbye.'])
  await line.expectNothingLeft()
})

test('a menu: the key is taken, the opt-out is stored before it is confirmed, and the number is not called again', async () => {
  const { line, said, ask } = await office([
    { step: 'wait-for-agent-speech', forMs: 100 },
    { step: 'press', digits: '3' },
    { step: 'expect-hang-up', withinMs: 30_000 },
  ])
  expect(await ask('/api/calls/menu', { toNumber: LEAD_NUMBER })).toMatchObject({ status: 200 })
  const call = line.placed()
  await call.verify()
  expect(verbsOf(call)).toEqual(['Gather', 'Say', 'Hangup'])
  expect(said.at(-1)).toBe('You have been removed from our call list. Thank you.')
  expect(await line.store.findDoNotCall({ tenantId: 'default', phoneNumber: LEAD_NUMBER })).toMatchObject({ channel: 'keypress' }) // prettier-ignore

  const again = await ask('/api/calls/menu', { toNumber: LEAD_NUMBER })
  expect(again).toMatchObject({ status: 403, json: { code: 'CALL_REFUSED' } })
  expect(again.json.failedChecks).toContain('notOnDNC')
  expect(line.twilio.calls).toHaveLength(1)
  await line.expectNothingLeft()
})

test('a menu whose transfer reaches nobody comes back to the menu', async () => {
  const transfer = { action: 'transfer', transfer: { to: '+12025550166' } } as const
  const { line, said, ask } = await office(
    [
      { step: 'wait-for-agent-speech', forMs: 100 },
      { step: 'press', digits: '2' },
      { step: 'pause', ms: 20_000 },
      { step: 'hang-up' },
    ],
    { dials: [{ status: 'busy', ringMs: 500 }] },
    { menu: { keys: { '2': transfer } } },
  )
  await ask('/api/calls/menu', { toNumber: LEAD_NUMBER })
  const call = line.placed()
  await call.verify()
  expect(verbsOf(call).slice(0, 4)).toEqual(['Gather', 'Say', 'Dial', 'Gather'])
  expect(said.filter((text) => text.startsWith('Press 1'))).toHaveLength(2)
  expect(line.elevenlabs.conversations).toEqual([])
  await line.expectNothingLeft()
})
