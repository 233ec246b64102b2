import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CallWebhooks } from '../../src/calls/call-webhooks.js'
import { WorkLoop } from '../../src/calls/work-loop.js'
import { WEBHOOK_QUEUE } from '../../src/calls/work-queues.js'
import { setup, TO } from './setup.js'

async function placed(over: Parameters<ReturnType<typeof setup>['place']>[0] = {}) {
  const made = setup()
  const result = await made.place({ attemptId: 'a', ...over })
  if (result.outcome !== 'placed') throw new Error(result.outcome)
  return { ...made, callSid: result.callSid, current: () => made.call(result.callSid) }
}

const script = [
  ['initiated', 0, {}],
  ['ringing', 1, {}],
  ['in-progress', 2, { Timestamp: 'Mon, 05 Jan 2026 15:00:10 +0000' }],
  ['completed', 3, { Timestamp: 'Mon, 05 Jan 2026 15:02:10 +0000', CallDuration: '120', Duration: '2' }],
] as const

test('a call is followed to its end: times, length, cost, outcome, and its attempt is settled', async () => {
  const { status, pass, callSid, current, attempt, statuses } = await placed()
  for (const [callStatus, sequence, more] of script) {
    await status(callSid, callStatus, sequence, more)
    await pass(0)
  }
  expect(await current()).toMatchObject({
    callStatus: 'completed',
    sequenceNumber: 3,
    answeredAt: Date.UTC(2026, 0, 5, 15, 0, 10),
    endedAt: Date.UTC(2026, 0, 5, 15, 2, 10),
    durationS: 120,
    durationMinutes: 2,
    cost: { totalCost: 0.2, costPerMinute: 0.1 },
    outcome: { kind: 'answered' },
  })
  expect(await attempt('a')).toMatchObject({ state: 'placed', disposition: 'answered' })
  expect(statuses.map(({ call, isEnd }) => [call.callStatus, isEnd])).toEqual([['initiated', false], ['ringing', false], ['in-progress', false], ['completed', true]]) // prettier-ignore
})

test('in whatever order and however often they are delivered, the end is the same and comes once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(
        [0, 1, 2, 3, 0, 1, 2, 3].map((i, at) => [i, at] as const),
        { minLength: 8 },
      ),
      fc.boolean(),
      async (order, isHurried) => {
        const { status, pass, callSid, current, statuses } = await placed()
        for (const [i] of order) {
          const [callStatus, sequence, more] = script[i]!
          await status(callSid, callStatus, sequence, more)
          if (!isHurried) await pass(0)
        }
        await pass(0)
        expect(await current()).toMatchObject({ callStatus: 'completed', durationS: 120 })
        expect(statuses.filter(({ isEnd }) => isEnd)).toHaveLength(1)
      },
    ),
    { numRuns: 60 },
  )
})

test('a repeat that comes after everything is done does nothing', async () => {
  const { status, pass, callSid, statuses } = await placed()
  await status(callSid, 'completed', 3, { CallDuration: '9' })
  await pass(0)
  await status(callSid, 'completed', 3, { CallDuration: '9' })
  await pass(60_000)
  expect(statuses).toHaveLength(1)
})

test('a handler that fails is told again, and nothing is doubled', async () => {
  const made = await placed()
  let failures = 2
  const told: string[] = []
  await made.loop.close()
  const webhooks = new CallWebhooks({
    store: made.store,
    telephone: made.telephone,
    clock: made.clock,
    onStatus: ({ call }) => {
      if (failures-- > 0) throw new Error('down')
      told.push(call.callStatus)
    },
  })
  const loop = new WorkLoop({ store: made.store, clock: made.clock, handlers: { [WEBHOOK_QUEUE]: webhooks.process } })
  await webhooks.accept({ kind: 'status', tenantId: 't', params: { CallSid: made.callSid, CallStatus: 'completed', SequenceNumber: '3', CallDuration: '4' } }) // prettier-ignore
  for (let i = 0; i < 8; i++) {
    loop.kick()
    await loop.idle()
    made.clock.advance(2000)
  }
  expect(told).toEqual(['completed'])
  expect(await made.current()).toMatchObject({ callStatus: 'completed', durationS: 4 })
})

describe('the end of a call', () => {
  test.each([
    ['completed', { CallDuration: '2' }, null, 'short'],
    ['completed', { CallDuration: '40' }, 'machine_end_beep', 'voicemail'],
    ['completed', { Duration: '1' }, null, 'answered'],
    ['busy', {}, null, 'failed'],
    ['no-answer', {}, null, 'failed'],
    ['canceled', {}, null, 'failed'],
    ['failed', {}, null, 'failed'],
  ])('%s %j %s is %s', async (callStatus, more, answeredBy, kind) => {
    const { status, pass, callSid, current } = await placed()
    await status(callSid, callStatus, 3, { ...more, ...(answeredBy === null ? {} : { AnsweredBy: answeredBy }) })
    await pass(0)
    const call = await current()
    expect(call?.outcome?.kind).toBe(kind)
    expect(call?.callStatus).toBe(callStatus)
    if ('Duration' in more) expect(call?.durationS).toBe(60)
  })
})

describe('a call that reached nobody', () => {
  test('is tried three times in all, half an hour apart, each through the gate', async () => {
    const { status, pass, telephone, store } = await placed()
    for (let i = 0; i < 5; i++) {
      const callSid = [...telephone.calls.keys()].at(-1)!
      await status(callSid, 'no-answer', 3)
      await pass(0)
      await pass(1_800_000)
    }
    expect(telephone.dialled).toHaveLength(3)
    const { items } = await store.listAttempts({ tenantId: 't', filter: { leadId: 'lead-1' } })
    expect(items.map(({ attemptId }) => attemptId)).toEqual(['a~try3', 'a~try2', 'a'])
  })

  test('is not tried again when it was busy, answered or cancelled', async () => {
    for (const callStatus of ['busy', 'completed', 'canceled']) {
      const { status, pass, telephone, callSid } = await placed()
      await status(callSid, callStatus, 3)
      await pass(7_200_000)
      expect(telephone.dialled).toHaveLength(1)
    }
  })

  test('waits for the lawful moment when the gate says no for now, and gives up when only a person can help', async () => {
    const { status, pass, telephone, callSid, refusals, clock } = await placed()
    refusals.push({ nextAllowedAt: clock.now() + 10_800_000 })
    await status(callSid, 'no-answer', 3)
    await pass(0)
    await pass(3_600_000)
    expect(telephone.dialled).toHaveLength(1)
    refusals.push({ nextAllowedAt: null })
    await pass(10_800_000)
    await pass(86_400_000)
    expect(telephone.dialled).toHaveLength(1)
  })
})

describe('a machine that answers', () => {
  const accept = (made: Awaited<ReturnType<typeof placed>>, AnsweredBy: string) =>
    made.webhooks.accept({ kind: 'machine-detection', tenantId: 't', params: { CallSid: made.callSid, AnsweredBy } })

  test.each([
    ['human', {}, []],
    ['unknown', {}, []],
    ['machine_start', {}, [{ status: 'completed' }]],
    ['fax', { onMachine: 'go-on' as const }, [{ status: 'completed' }]],
    ['machine_start', { onMachine: 'go-on' as const }, []],
    ['machine_start', { waitForBeep: true, onMachine: 'message' as const, message: 'Call <us> back.' }, []],
    ['machine_end_beep', { waitForBeep: true, onMachine: 'message' as const, message: 'Call <us> back.' }, [{ twiml: '<?xml version="1.0" encoding="UTF-8"?><Response><Say>Call &lt;us&gt; back.</Say><Hangup/></Response>' }]],
  ])('%s with %j', async (answeredBy, machineDetection, updates) => {
    const made = await placed({ machineDetection })
    await accept(made, answeredBy)
    await accept(made, answeredBy)
    await made.pass(0)
    expect(made.telephone.updates.map(([, update]) => update)).toEqual(updates)
    expect(await made.current()).toMatchObject({ answeredBy })
  }) // prettier-ignore
})

test('a recording is kept once it is there', async () => {
  const { webhooks, pass, store, callSid } = await placed()
  const params = { CallSid: callSid, RecordingSid: 'RE1', RecordingStatus: 'completed', RecordingUrl: 'https://api.twilio.com/RE1', RecordingDuration: '31', RecordingChannels: '2' } // prettier-ignore
  await webhooks.accept({ kind: 'recording', tenantId: 't', params })
  await pass(0)
  expect(await store.findRecording({ tenantId: 't', recordingSid: 'RE1' })).toMatchObject({ callSid, status: 'completed', durationS: 31, channels: 2 }) // prettier-ignore
})

test('a status of a call that nobody recorded is kept, under the number that was called', async () => {
  const { status, pass, call } = setup()
  await status('CA-foreign', 'completed', 0, { CallDuration: '7', Direction: 'inbound', CallbackSource: '' })
  await pass(60_000)
  expect(await call('CA-foreign')).toMatchObject({
    direction: 'inbound',
    to: TO,
    callStatus: 'completed',
    durationS: 7,
  })
})

test('a call whose end was never told is asked about and closed', async () => {
  const { pass, telephone, reconciler, callSid, current, attempt, statuses, place, call } = await placed()
  const forgotten = await place({ attemptId: 'b' })
  telephone.end(callSid, 'completed', 33)
  if (forgotten.outcome === 'placed') telephone.calls.delete(forgotten.callSid)
  expect(await reconciler.reap('t')).toBe(0)
  await pass(4_600_000)
  expect(await reconciler.reap('t')).toBe(2)
  expect(await current()).toMatchObject({ callStatus: 'completed', durationS: 33, outcome: { kind: 'answered' } })
  expect(await attempt('a')).toMatchObject({ disposition: 'answered' })
  if (forgotten.outcome === 'placed') expect(await call(forgotten.callSid)).toMatchObject({ callStatus: 'failed' })
  expect(statuses.filter(({ isEnd }) => isEnd)).toHaveLength(2)
  expect(await reconciler.reap('t')).toBe(0)
})
