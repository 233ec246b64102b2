/** Workers that die, sleep, stumble and overtake each other: one attempt is one dial, and a call that exists counts. */
import { describe, expect, test } from 'vitest'
import { VoiceError } from '../../src/core/errors.js'
import { retryHandler } from '../../src/calls/retry-calls.js'
import { retryWork } from '../../src/calls/retry-work.js'
import type { CallStatusTaken } from '../../src/calls/call-end.js'
import { Reconciler } from '../../src/calls/reconcile.js'
import { refusedWith, setup, TO, unknownOutcome } from './setup.js'

const later = async (times = 8): Promise<void> => {
  for (let i = 0; i < times; i++) await new Promise(setImmediate)
}

test('a worker that sleeps past its lease between the reservation and the dial does not dial after all', async () => {
  let wake = (): void => undefined
  const asleep = new Promise<void>((resolve) => (wake = resolve))
  let isFirst = true
  const made = setup({ hooks: { beforeDial: () => (isFirst ? ((isFirst = false), asleep) : undefined) } })
  const sleeper = made.place({ attemptId: 'a' })
  await later()
  made.clock.advance(130_000)
  // Another takes over: it cannot know whether the sleeper dialled, and does not dial either.
  expect(await made.place({ attemptId: 'a' })).toMatchObject({ outcome: 'submission-unknown' })
  wake()
  expect(await sleeper).toMatchObject({ outcome: 'submission-unknown' })
  expect(made.telephone.dialled).toEqual([])
  await made.pass(300_000)
  expect(await made.attempt('a')).toMatchObject({ state: 'released', disposition: 'not-created' })
})

test('an attempt is one dial even when its result is long forgotten', async () => {
  const { place, clock, telephone } = setup()
  const first = await place({ attemptId: 'a' })
  clock.advance(3 * 86_400_000)
  expect(await place({ attemptId: 'a' })).toMatchObject({ outcome: 'placed', callSid: (first as { callSid: string }).callSid }) // prettier-ignore
  expect(telephone.dialled).toHaveLength(1)
})

test('an attempt that gave its place back and is asked for again is counted like any other', async () => {
  let isBroken = true
  const { place, store, telephone } = setup({
    hooks: { beforeDial: () => (isBroken ? Promise.reject(new Error('no')) : undefined) },
  })
  await expect(place({ attemptId: 'a' })).rejects.toThrow('no')
  isBroken = false
  expect(await place({ attemptId: 'a' })).toMatchObject({ outcome: 'placed' })
  expect(telephone.dialled).toHaveLength(1)
  expect(await store.attemptsAfter({ tenantId: 't', phoneNumber: TO, afterAt: 0 })).toHaveLength(1)
})

test('a worker that dies right before the dial leaves somebody to look, and nothing stays reserved', async () => {
  const { place, telephone, attempt, pass, store } = setup()
  telephone.createCall = () => new Promise(() => undefined) // killed: it never comes back
  void place({ attemptId: 'a' })
  await later()
  expect(await attempt('a')).toMatchObject({ state: 'reserved' })
  await pass(600_000)
  expect(await attempt('a')).toMatchObject({ state: 'released' })
  expect(await store.attemptsAfter({ tenantId: 't', phoneNumber: TO, afterAt: 0 })).toEqual([])
})

describe('a call of which the answer never came', () => {
  test('is known by its first webhook when that names the attempt', async () => {
    const { place, telephone, webhooks, pass, call, attempt } = setup()
    telephone.failures.push({ error: unknownOutcome(), isMade: true })
    await place({ attemptId: 'a', answer: { agentId: 'g' } })
    const [callSid = ''] = telephone.calls.keys()
    await webhooks.accept({ kind: 'status', tenantId: 't', attemptId: 'a', params: { CallSid: callSid, CallStatus: 'ringing', SequenceNumber: '1', CallbackSource: 'call-progress-events', Direction: 'outbound-api', From: '+12025550199', To: TO } }) // prettier-ignore
    await pass(0)
    expect(await call(callSid)).toMatchObject({ attemptId: 'a', agentId: 'g', callStatus: 'ringing' })
    expect(await attempt('a')).toMatchObject({ state: 'placed', callSid })
  })

  test('is found even when a webhook that names nobody has made its record', async () => {
    const { place, telephone, status, pass, call, attempt } = setup()
    telephone.failures.push({ error: unknownOutcome(), isMade: true })
    await place({ attemptId: 'a' })
    const [callSid = ''] = telephone.calls.keys()
    await status(callSid, 'ringing', 1)
    await pass(16_000)
    await pass(300_000)
    expect(await call(callSid)).toMatchObject({ attemptId: 'a', leadId: 'lead-1' })
    expect(await attempt('a')).toMatchObject({ state: 'placed', callSid })
  })

  test('and that was never made is tried again later, as any failure of a vendor', async () => {
    const { place, telephone, pass } = setup()
    telephone.failures.push({ error: unknownOutcome() })
    await place({ attemptId: 'a' })
    await pass(400_000)
    expect(telephone.dialled).toHaveLength(1)
    await pass(3_700_000)
    expect(telephone.dialled).toHaveLength(2)
  })
})

test('one end found by two is told once', async () => {
  const made = setup()
  const placed = await made.place({ attemptId: 'a' })
  const callSid = placed.outcome === 'placed' ? placed.callSid : ''
  made.telephone.end(callSid, 'completed', 33)
  made.clock.advance(4_600_000)
  await made.reconciler.reap('t')
  await made.status(callSid, 'completed', 3, { CallDuration: '33' })
  await made.pass(60_000)
  expect(made.statuses.filter(({ isEnd }) => isEnd)).toHaveLength(1)
})

test('a handler that fails at an end which the reaper found hears of it again', async () => {
  const made = setup()
  const placed = await made.place({ attemptId: 'a' })
  made.telephone.end(placed.outcome === 'placed' ? placed.callSid : '', 'completed', 33)
  made.clock.advance(4_600_000)
  const reaper = new Reconciler({
    store: made.store,
    telephone: made.telephone,
    clock: made.clock,
    onStatus: () => Promise.reject(new Error('down')),
  })
  expect(await reaper.reap('t')).toBe(0)
  await made.pass(60_000)
  expect(made.statuses.map(({ isEnd }: CallStatusTaken) => isEnd)).toEqual([true])
})

test('the reaper goes on when one call cannot be asked about, and a call of which nobody knows is not tried again', async () => {
  const { place, telephone, reconciler, clock, call, pass } = setup()
  const [a, b] = [await place({ attemptId: 'a' }), await place({ attemptId: 'b' })]
  const sids = [a, b].map((one) => (one.outcome === 'placed' ? one.callSid : ''))
  const fetchCall = telephone.fetchCall.bind(telephone)
  telephone.calls.delete(sids[0]!)
  telephone.fetchCall = (sid) => (sid === sids[1] ? Promise.reject(refusedWith(500, '20500')) : fetchCall(sid))
  clock.advance(4_600_000)
  expect(await reconciler.reap('t')).toBe(1)
  expect(await call(sids[0]!)).toMatchObject({ callStatus: 'failed' })
  await pass(7_200_000)
  expect(telephone.dialled).toHaveLength(2)
})

describe('machine detection and the end overtake each other', () => {
  test.each([['before'], ['after']])('%s the end, the outcome is a machine', async (when) => {
    const made = setup()
    const placed = await made.place({ attemptId: 'a', machineDetection: {} })
    const callSid = placed.outcome === 'placed' ? placed.callSid : ''
    const detect = () => made.webhooks.accept({ kind: 'machine-detection', tenantId: 't', params: { CallSid: callSid, AnsweredBy: 'machine_start' } }) // prettier-ignore
    if (when === 'before') await detect()
    await made.status(callSid, 'completed', 3, { CallDuration: '20' })
    await made.pass(0)
    if (when === 'after') await detect()
    await made.pass(0)
    expect(await made.call(callSid)).toMatchObject({ outcome: { kind: 'voicemail' } })
    expect(await made.attempt('a')).toMatchObject({ disposition: 'voicemail' })
  })
})

test('a recording of which nothing is known yet says -1, and is kept', async () => {
  const { webhooks, pass, store } = setup()
  await webhooks.accept({ kind: 'recording', tenantId: 't', params: { CallSid: 'CA1', RecordingSid: 'RE1', RecordingStatus: 'absent', RecordingDuration: '-1' } }) // prettier-ignore
  await pass(0)
  expect(await store.findRecording({ tenantId: 't', recordingSid: 'RE1' })).toMatchObject({ status: 'absent', durationS: null }) // prettier-ignore
})

test('what a hook throws after the call was placed hides nothing', async () => {
  const { place } = setup({ hooks: { afterPlace: () => Promise.reject(new Error('late')) } })
  expect(await place()).toMatchObject({ outcome: 'placed' })
})

test('a vendor that asks for more time than one request may wait is asked again with the whole call, no earlier', async () => {
  const { place, telephone, clock } = setup({ retries: { vendorFailure: { maxTries: 3, delayMs: 1000 } } })
  telephone.failures.push({ error: refusedWith(429, '20429', { retryAfterMs: 7_200_000 }) })
  expect(await place()).toMatchObject({ outcome: 'failed', retryAt: clock.now() + 7_200_000 })
  expect(telephone.dialled).toHaveLength(1)
})

test('refusals of the policy neither open nor close the circuit', async () => {
  const { place, telephone, refusals, clock } = setup()
  for (let i = 0; i < 5; i++) {
    telephone.failures.push({ error: refusedWith(503, '20503') })
    await place({ attemptId: `a${i}` })
    if (i < 4) {
      refusals.push({ nextAllowedAt: null })
      await place({ attemptId: `r${i}` })
    }
  }
  clock.advance(60_000)
  refusals.push({ nextAllowedAt: null })
  expect(await place({ attemptId: 'half-open' })).toMatchObject({ outcome: 'refused' })
  telephone.failures.push({ error: refusedWith(503, '20503') })
  await place({ attemptId: 'b' })
  expect(await place({ attemptId: 'c' })).toMatchObject({ failure: { code: 'circuit-open' } })
})

describe('a try that waits', () => {
  const work = (made: ReturnType<typeof setup>) => ({ ...retryWork({ ...made.request, attemptId: 'a' }, made.clock.now()) }) // prettier-ignore
  const take = (made: ReturnType<typeof setup>) => ({ work: work(made), takes: 1, receipt: { tenantId: 't', id: '', version: 1 } }) // prettier-ignore

  test('ends when its lead is gone, and when no lawful moment comes within a week', async () => {
    const made = setup()
    const handle = retryHandler(made.placer, made.clock)
    made.refusals.push(new VoiceError('compliance_lead_unknown', 'gone'))
    expect(await handle(take(made))).toBe('done')
    made.refusals.push({ nextAllowedAt: made.clock.now() + 8 * 86_400_000 })
    expect(await handle(take(made))).toBe('done')
    made.refusals.push({ nextAllowedAt: made.clock.now() + 6 * 86_400_000 })
    expect(await handle(take(made))).toEqual({ againAt: made.clock.now() + 6 * 86_400_000 })
    expect(made.telephone.dialled).toEqual([])
  })

  test('is forgotten with the person, and so is the plan of the call', async () => {
    const { place, telephone, status, pass, store } = setup()
    await store.putLead({ tenantId: 't', leadId: 'lead-1', phoneNumber: TO })
    const placed = await place({ attemptId: 'a', answer: { name: 'Ann' } })
    await status(placed.outcome === 'placed' ? placed.callSid : '', 'no-answer', 3)
    await pass(0)
    expect(await store.getCached({ tenantId: 't', key: 'call-plan:a' })).toBeDefined()
    await store.erasePerson({ tenantId: 't', phoneNumber: TO })
    expect(await store.getCached({ tenantId: 't', key: 'call-plan:a' })).toBeUndefined()
    expect(await store.cancelWork({ tenantId: 't', workId: 'retry:a~try2' })).toBe(false)
    await pass(7_200_000)
    expect(telephone.dialled).toHaveLength(1)
  })
})
