/**
 * Calls that the office places, whole: the policy, Twilio's REST API, the answered call, the agent, status callbacks, the record.
 */
import { describe, expect, test } from 'vitest'
import { VendorError } from '../../src/core/errors.js'
import type { Span, Tracer } from '../../src/telemetry/tracer.js'
import { ACCOUNT_SID, speech } from '../scenarios/phone-line.js'
import { LEAD_NUMBER, OFFICE_NUMBER, officeLine, REQUEST, verbsOf } from './office-line.js'

const heardThenHangsUp = [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }] as const

test('a call is allowed, dialled, answered by its agent, followed to its end, and written down with what was heard', async () => {
  const line = await officeLine({ twilio: { callee: { script: heardThenHangsUp } } })
  const result = await line.voice.calls.place({
    ...REQUEST,
    attemptId: 'a-1',
    answer: { initiation: { dynamicVariables: { lead_name: 'Ada' } } },
  })
  expect(result).toMatchObject({ outcome: 'placed', attemptId: 'a-1', isRecorded: true })
  const call = line.placed()
  expect(call).toMatchObject({ to: LEAD_NUMBER, from: OFFICE_NUMBER })
  await call.verify()
  await line.clock.sleep(2000)

  const [conversation] = line.elevenlabs.conversations
  expect(conversation!.dynamicVariables).toEqual({ lead_name: 'Ada', call_sid: call.sid })
  const record = await line.voice.calls.find({ callSid: call.sid })
  expect(record).toMatchObject({
    direction: 'outbound', via: 'bridge', callStatus: 'completed', attemptId: 'a-1', leadId: 'lead-1', conversationId: conversation!.conversationId,
  }) // prettier-ignore
  expect(record!.streamSid).toMatch(/^MZ/)
  expect(await line.store.findAttempt({ tenantId: 'default', attemptId: 'a-1' })).toMatchObject({ state: 'placed', callSid: call.sid }) // prettier-ignore
  const { items } = await line.store.listTranscripts({ tenantId: 'default', filter: { callSid: call.sid } })
  expect(items).toMatchObject([{ source: 'playback-ledger', turns: [{ speaker: 'agent' }] }])
  expect(speech.greeting.text).toContain(items[0]!.turns[0]!.text.slice(0, 5)) // cut where the person hung up
  const counts = line.voice.metrics.toPrometheus()
  expect(counts).toContain('twilio_calls_initiated_total{direction="outbound"} 1')
  expect(counts).toContain('twilio_calls_completed_total 1')
  await line.expectNothingLeft()
})

test('what the policy refuses is not dialled, and says why', async () => {
  const line = await officeLine()
  await line.store.putLead({ tenantId: 'default', leadId: 'lead-2', phoneNumber: '+12025550188', automatedCallsAllowed: true }) // prettier-ignore
  const result = await line.voice.calls.place({ ...REQUEST, leadId: 'lead-2', purpose: 'marketing' })
  expect(result).toMatchObject({ outcome: 'refused' })
  expect(result.outcome === 'refused' && result.decision.failedChecks).toContain('hasWrittenConsent')
  expect(line.twilio.calls).toEqual([])
  expect(line.voice.metrics.toPrometheus()).toContain('callweave_calls_refused_total{check="hasWrittenConsent"} 1')
})

test('without a policy of the host the shipped rules decide, in their strictest reading', async () => {
  const line = await officeLine({ voice: { policy: undefined as never } })
  const result = await line.voice.calls.place(REQUEST)
  // The lists that nobody was asked about stand in the way, whatever the hour.
  expect(result.outcome === 'refused' && result.decision.failedChecks).toContain('notOnDNC')
  expect(line.twilio.calls).toEqual([])
})

test('the same attempt asked for twice is one call', async () => {
  const line = await officeLine({ twilio: { callee: { script: heardThenHangsUp } } })
  const results = await Promise.all([1, 2].map(() => line.voice.calls.place({ ...REQUEST, attemptId: 'a' })))
  expect(results.map(({ outcome }) => outcome).sort()).toEqual(['in-progress', 'placed'])
  expect(line.twilio.calls).toHaveLength(1)
  await line.placed().verify()
})

test('a call of which nobody knew whether it was made is recognised when it is answered, and not dialled again', async () => {
  const line = await officeLine({ twilio: { callee: { script: heardThenHangsUp } } })
  line.telephone.afterCreate = () => {
    throw new VendorError('telephone_outcome_unknown', 'Twilio did not answer: the call may have been made')
  }
  expect(await line.voice.calls.place({ ...REQUEST, attemptId: 'a' })).toMatchObject({ outcome: 'submission-unknown' })
  const call = line.placed()
  await call.verify()
  await line.clock.sleep(1000)
  expect(await line.store.findAttempt({ tenantId: 'default', attemptId: 'a' })).toMatchObject({ state: 'placed', callSid: call.sid }) // prettier-ignore
  await line.clock.sleep(3000)
  expect(await line.voice.calls.find({ callSid: call.sid })).toMatchObject({ callStatus: 'completed', attemptId: 'a' })
  expect(line.twilio.calls).toHaveLength(1)
})

describe('a store that is down', () => {
  test('before the dial: nothing is dialled', async () => {
    const line = await officeLine()
    line.database.isDown = true
    await expect(line.voice.calls.place(REQUEST)).rejects.toThrow()
    expect(line.twilio.calls).toEqual([])
  })

  test('when the call is picked up: the agent talks all the same', async () => {
    const line = await officeLine({ twilio: { callee: { script: heardThenHangsUp, expectViolations: [15003] } } })
    await line.voice.calls.place(REQUEST)
    line.database.isDown = true // status callbacks cannot be kept either: the reaper closes the books later
    await line.placed().verify()
    expect(line.elevenlabs.conversations).toHaveLength(1)
    line.database.isDown = false
  })
})

test('an agent that cannot be had when the call is picked up: a sentence and the end, never silence', async () => {
  const line = await officeLine({
    twilio: { callee: { script: [{ step: 'wait-for-agent-speech', withinMs: 20_000 }, { step: 'expect-hang-up', withinMs: 20_000 }] } }, // prettier-ignore
  })
  await line.elevenlabs.close()
  await line.voice.calls.place(REQUEST)
  const call = line.placed()
  await call.verify()
  expect(verbsOf(call)).toContain('Say')
  await line.clock.sleep(1500)
  expect(await line.voice.calls.find({ callSid: call.sid })).toMatchObject({ callStatus: 'completed' })
})

test('a simple message is the same operation, by another way', async () => {
  const line = await officeLine({ twilio: { callee: { script: [{ step: 'expect-hang-up', withinMs: 30_000 }] } } })
  await line.voice.calls.place({ ...REQUEST, via: 'say', answer: { message: 'Your order is ready.' } })
  const call = line.placed()
  await call.verify()
  expect(verbsOf(call)).toEqual(['Say', 'Pause', 'Say'])
  expect(line.elevenlabs.conversations).toEqual([])
})

test('by text the call is the same: one record, one conversation, what was heard', async () => {
  const line = await officeLine({
    agent: { allowedOverrides: { conversation: { text_only: true } }, firstMessage: 'Hello there.' },
    twilio: { callee: { script: [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }] } },
  })
  await line.voice.calls.place({ ...REQUEST, via: 'conversation-relay' })
  const call = line.placed()
  await call.verify()
  await line.clock.sleep(3000)
  const [conversation] = line.elevenlabs.conversations
  expect(conversation!.record.textOnly).toBe(true)
  expect(await line.voice.calls.find({ callSid: call.sid })).toMatchObject({ via: 'conversation-relay', callStatus: 'completed', conversationId: conversation!.conversationId }) // prettier-ignore
  const { items } = await line.store.listTranscripts({ tenantId: 'default', filter: { callSid: call.sid } })
  expect(items).toMatchObject([{ source: 'playback-ledger', turns: [{ speaker: 'agent' }] }])
})

test('placing is one span, with ids and no number', async () => {
  const attributes: Record<string, unknown> = {}
  const names: string[] = []
  const span: Span = { setAttribute: (name, value) => (attributes[name] = value), setStatus: () => undefined, recordException: () => undefined, end: () => void names.push('end') } // prettier-ignore
  const tracer: Tracer = { startActiveSpan: (name, work) => (names.push(name), work(span)) }
  const line = await officeLine({ voice: { tracer }, twilio: { callee: { script: heardThenHangsUp } } })
  await line.voice.calls.place(REQUEST)
  expect(names).toEqual(['twilio.make-call', 'end'])
  expect(attributes).toMatchObject({ service: 'twilio', lead_id: 'lead-1', outcome: 'placed', call_sid: line.placed().sid }) // prettier-ignore
  expect(JSON.stringify(attributes)).not.toContain(LEAD_NUMBER.slice(1))
  await line.placed().verify()
})

test('while the process stops nothing is dialled', async () => {
  const line = await officeLine()
  await line.voice.close({ drainMs: 0 })
  await expect(line.voice.calls.place(REQUEST)).rejects.toMatchObject({ code: 'voice_closed' })
})

test('no number to call from is a mistake that is told at once', async () => {
  const line = await officeLine({ voice: { fromNumbers: [] } })
  await expect(line.voice.calls.place(REQUEST)).rejects.toThrow(TypeError)
})

test('health says that Twilio, ElevenLabs and the store are there, and which is not', async () => {
  const line = await officeLine()
  expect(await line.voice.health()).toMatchObject({ status: 'ok', checks: { twilio: 'ok', elevenLabs: 'ok', storage: 'ok' } }) // prettier-ignore
  expect(ACCOUNT_SID).toMatch(/^AC/)
  line.database.isDown = true
  await line.clock.sleep(6000)
  expect(await line.voice.health()).toMatchObject({ status: 'degraded', checks: { twilio: 'ok', storage: 'failed' } })
})
