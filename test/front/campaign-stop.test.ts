/**
 * Calls of a campaign, whole: what is written down of when a person answered and first heard the agent, and the stop that follows from it.
 */
import { expect, test } from 'vitest'
import { syntheticSpeech } from '../../src/simulator/index.js'
import type { VoiceCallRequest } from '../../src/front/voice-calls.js'
import { officeLine, REQUEST, type OfficeLine } from './office-line.js'

const waits = [{ step: 'pause', ms: 6000 }, { step: 'hang-up' }] as const
const CAMPAIGN = { ...REQUEST, campaignId: 'spring' }

async function call(line: OfficeLine, attemptId: string, more: Partial<VoiceCallRequest> = {}) {
  const result = await line.voice.calls.place({ ...CAMPAIGN, attemptId, ...more })
  expect(result).toMatchObject({ outcome: 'placed' })
  await line.placed().ended
  await line.clock.sleep(3000)
  const record = await line.voice.calls.find({ callSid: line.placed().sid })
  return record!
}

const nextOf = (line: OfficeLine, campaignId: string) => line.voice.calls.place({ ...REQUEST, campaignId })

test('an agent that speaks at once is written down so, and the campaign goes on', async () => {
  const line = await officeLine({ twilio: { callee: { script: waits } } })
  const record = await call(line, 'a-1')
  expect(record.answeredAt).not.toBeNull()
  const afterMs = record.messageStartedAt! - record.answeredAt!
  expect(afterMs).toBeGreaterThan(0)
  expect(afterMs).toBeLessThanOrEqual(2000)
  expect(await line.store.countCalls({ tenantId: 'default', filter: { answeredCampaignId: 'spring' } })).toBe(1)
  expect(await line.store.countCalls({ tenantId: 'default', filter: { abandonedCampaignId: 'spring' } })).toBe(0)
  expect(await nextOf(line, 'spring')).toMatchObject({ outcome: 'placed' })
})

test('an agent that says nothing to the person stops its campaign, and no other', async () => {
  const line = await officeLine({ agent: { firstMessage: '' }, twilio: { callee: { script: waits } } })
  expect(await call(line, 'a-1')).toMatchObject({ messageStartedAt: null, callStatus: 'completed' })
  expect(await nextOf(line, 'spring')).toMatchObject({
    outcome: 'refused',
    decision: { failedChecks: ['abandonmentOK'], nextAllowedAt: null, inputs: { campaignCalls: { answered: 1, abandoned: 1 } } },
  }) // prettier-ignore
  expect(line.twilio.calls).toHaveLength(1)
  expect(await nextOf(line, 'autumn')).toMatchObject({ outcome: 'placed' })
})

test('the agent that answers somebody who spoke first is counted from the end of their words', async () => {
  const line = await officeLine({
    agent: { firstMessage: '', script: () => ({ say: 'Good morning, this is Riverside.' }) },
    twilio: { callee: { script: [{ step: 'pause', ms: 3000 }, { step: 'speak', utterance: syntheticSpeech('Hello?') }, { step: 'pause', ms: 4000 }, { step: 'hang-up' }] } },
  }) // prettier-ignore
  const record = await call(line, 'a-1')
  expect(record.messageStartedAt! - record.answeredAt!).toBeGreaterThan(2000)
  expect(record.messageStartedAt! - record.greetingEndedAt!).toBeLessThanOrEqual(2000)
  expect(await nextOf(line, 'spring')).toMatchObject({ outcome: 'placed' })
})

test('words of ours begin when the call is answered, and a relay session when Twilio speaks', async () => {
  const line = await officeLine({
    twilio: { callee: { script: waits } },
    voice: { answerPlaced: ({ request }) => request?.attemptId === 'relay' ? { via: 'conversation-relay', brain: async function* () {}, relay: { welcomeGreeting: 'Good morning.' } } : { via: 'say', text: 'Your glasses are ready.' } },
  }) // prettier-ignore
  const said = await call(line, 'said', { via: 'say' })
  expect(said.messageStartedAt).toBe(said.answeredAt)
  const relayed = await call(line, 'relay', { via: 'conversation-relay' })
  expect(relayed.messageStartedAt! - relayed.answeredAt!).toBeGreaterThan(0)
  expect(relayed.messageStartedAt! - relayed.answeredAt!).toBeLessThanOrEqual(2000)
  expect(await nextOf(line, 'spring')).toMatchObject({ outcome: 'placed' })
})
