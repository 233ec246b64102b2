/**
 * A store that fails for a while in the middle of calls: every call has one record with the right end, and nothing stays open.
 */
import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { CallRecord } from '../../src/records/call.js'
import type { CallerStep, SimulatedCall } from '../../src/simulator/index.js'
import { CALLED, CALLER, PUBLIC_URL } from '../scenarios/phone-line.js'
import { officeLine, REQUEST, type OfficeLine } from './office-line.js'

const EVENTS = ['initiated', 'ringing', 'answered', 'completed'] as const
const hungUpAfter = (ms: number): readonly CallerStep<SimulatedCall>[] => [{ step: 'pause', ms }, { step: 'hang-up' }]

/** Every record of every tenant. */
async function recordsOf(line: OfficeLine, tenantIds: readonly string[] = ['default']): Promise<CallRecord[]> {
  const pages = await Promise.all(tenantIds.map((tenantId) => line.store.listCalls({ tenantId, limit: 1000 })))
  return pages.flatMap(({ items }) => items)
}

/** Requests of Twilio's that were answered so. */
const answersOf = (call: SimulatedCall, purpose: string): number[] =>
  call.webhooks.filter((webhook) => webhook.purpose === purpose).map(({ status }) => status)

describe('a store that fails for a while in the middle of a call', () => {
  test.each([
    ['and is back before it ends', 3000, 9000],
    ['and is back after it ended', 12_000, 3000],
  ])('%s: one record, followed to its end', async (_, downMs, talkMs) => {
    const line = await officeLine({
      twilio: {
        callee: {
          script: hungUpAfter(talkMs),
          statusCallbackFaults: { twice: true, outOfOrder: true },
          expectViolations: [15003],
        },
      },
    })
    await line.voice.calls.place({ ...REQUEST, attemptId: 'a' })
    const call = line.placed()
    line.database.isDown = true // before it rings
    await line.clock.sleep(downMs)
    if (downMs > talkMs) await call.verify()
    expect(line.logged.join('\n')).toContain('what it should take is held in memory')
    line.database.isDown = false
    await call.verify()
    await line.clock.sleep(15_000)
    const [record, ...others] = await recordsOf(line)
    expect(others).toEqual([])
    expect(record).toMatchObject({ callSid: call.sid, attemptId: 'a', callStatus: 'completed', durationS: talkMs / 1000, outcome: { kind: 'answered' } }) // prettier-ignore
    expect(record!.conversationId).toBe(line.elevenlabs.conversations[0]!.conversationId)
    expect(await line.store.findAttempt({ tenantId: 'default', attemptId: 'a' })).toMatchObject({ state: 'placed', callSid: call.sid, disposition: 'answered' }) // prettier-ignore
    expect(await line.store.countCalls({ tenantId: 'default', filter: { isOpen: true } })).toBe(0)
    expect(await line.store.takeDueWork({ tenantId: 'default', queue: 'calls.webhooks', limit: 10, visibilityMs: 1000 })).toEqual([]) // prettier-ignore
  })

  test('many calls, of both directions and every length: none is lost, none is doubled', async () => {
    const line = await officeLine({
      twilio: { callee: { script: hungUpAfter(5000), expectViolations: [15003] } },
      voice: { answer: () => ({ twiml: '<Response><Say>One moment, please.</Say><Pause length="60"/></Response>' }) },
    })
    await line.voice.calls.place({
      ...REQUEST,
      attemptId: 'a',
      via: 'say',
      answer: { message: 'Your order is ready.' },
    })
    const outbound = line.placed()
    const lengthsMs = Array.from({ length: 24 }, (_, i) => 400 * (i + 1))
    const inbound = lengthsMs.map((ms, i) =>
      line.dial({
        from: `+120255501${10 + i}`,
        voiceUrl: `${PUBLIC_URL}/inbound`,
        statusCallback: { url: `${PUBLIC_URL}/status`, events: EVENTS },
        statusCallbackFaults: { twice: i % 2 === 0, outOfOrder: i % 3 === 0 },
        script: hungUpAfter(ms),
      }),
    )
    await line.clock.sleep(1500)
    line.database.isDown = true
    await line.clock.sleep(4000)
    line.database.isDown = false
    await Promise.all([...inbound, outbound].map(({ ended }) => ended))
    await line.clock.sleep(15_000)
    const records = await recordsOf(line)
    expect(records.map(({ callSid }) => callSid).sort()).toEqual([...inbound, outbound].map(({ sid }) => sid).sort())
    for (const { callStatus, endedAt } of records) expect([callStatus, endedAt !== null]).toEqual(['completed', true])
    expect(inbound.flatMap((call) => answersOf(call, 'status-callback')).includes(503)).toBe(true)
  })

  test('a webhook of a number says no tenant: it waits until it is known whose it is', async () => {
    let isKnown = false
    const line = await officeLine({
      voice: { tenants: () => (isKnown ? { tenantId: 'smile' } : Promise.reject(new Error('the directory is down'))) },
    })
    const params = { CallSid: `CA${'1'.repeat(32)}`, CallStatus: 'completed', CallDuration: '30', From: CALLER, To: CALLED, Direction: 'inbound' } // prettier-ignore
    expect((await line.post('/status', params)).status).toBe(503)
    expect((await line.post('/status', params)).status).toBe(503)
    isKnown = true
    await line.clock.sleep(30_000)
    expect(await recordsOf(line, ['smile', 'default'])).toMatchObject([{ tenantId: 'smile', callStatus: 'completed', durationS: 30 }]) // prettier-ignore
  })

  test('a webhook that can never be stored is not held', async () => {
    const line = await officeLine()
    expect((await line.post('/status?tenant=default', { CallSid: `CA${'1'.repeat(600)}`, CallStatus: 'completed', SequenceNumber: '3' })).status).toBe(500) // prettier-ignore
    expect(line.logged.join('\n')).not.toContain('held in memory')
  })
})

test('Twilio is asked to repeat what was not taken, and does', async () => {
  const line = await officeLine({ twilio: { callee: { script: hungUpAfter(500), expectViolations: [15003] } } })
  const tokens: unknown[] = []
  line.server.prependListener('request', ({ url, headers }: IncomingMessage) => {
    if (url?.startsWith('/voice/status') === true) tokens.push(headers['i-twilio-idempotency-token'])
  })
  await line.voice.calls.place({ ...REQUEST, via: 'say', answer: { message: 'Your order is ready.' } })
  line.database.isDown = true
  const call = line.placed()
  await call.verify()
  line.database.isDown = false
  expect(answersOf(call, 'status-callback')).toContain(503)
  expect(tokens.filter((token) => token === tokens.at(-1))).toHaveLength(3)
})

test('a process that died with webhooks in its memory is made up for by the next one, which looks soon and asks Twilio', async () => {
  const line = await officeLine()
  // A document of ours that writes no record: as if it had been lost with the process, or were as old as it is below.
  const call = line.dial({ voiceUrl: `${PUBLIC_URL}/menu`, statusCallback: { url: `${PUBLIC_URL}/nowhere` }, script: hungUpAfter(2000), expectViolations: [15003] }) // prettier-ignore
  await call.ended
  const createdAt = line.clock.now() - 4_600_000
  await line.store.addCall({ tenantId: 'default', callSid: call.sid, direction: 'inbound', from: CALLER, to: CALLED, callStatus: 'in-progress', createdAt }) // prettier-ignore
  line.voice.start()
  await line.clock.sleep(31_000)
  expect(await line.voice.calls.find({ callSid: call.sid })).toMatchObject({ callStatus: 'completed', durationS: 2 })
  expect(await line.store.countCalls({ tenantId: 'default', filter: { isOpen: true } })).toBe(0)
})
