import { describe, expect, test } from 'vitest'
import { VoiceError } from '../../src/core/errors.js'
import type { PlaceCallRequest } from '../../src/calls/plan.js'
import { FROM, refusedWith, setup, TO, unknownOutcome } from './setup.js'

test('what is admitted is dialled once, settled and recorded', async () => {
  const { place, telephone, call, attempt } = setup()
  const result = await place({ attemptId: 'a', metadata: { testCall: true }, answer: { agentId: 'agent_1' } })
  expect(result).toMatchObject({ outcome: 'placed', attemptId: 'a', isRecorded: true, status: 'queued' })
  expect(telephone.dialled).toEqual([{ to: TO, from: FROM, url: 'https://a.example/voice?attempt=a', statusCallback: 'https://a.example/status?tenant=t', ringSeconds: 30, maxSeconds: 3600 }]) // prettier-ignore
  const callSid = result.outcome === 'placed' ? result.callSid : ''
  expect(await call(callSid)).toMatchObject({ direction: 'outbound', to: TO, from: FROM, attemptId: 'a', leadId: 'lead-1', agentId: 'agent_1', via: 'bridge', metadata: { testCall: true } }) // prettier-ignore
  expect(await attempt('a')).toMatchObject({ state: 'placed', callSid })
})

test('recording, ringing, length and machine detection are what was asked for', async () => {
  const { place, telephone } = setup()
  await place({ recording: 'dual', ringSeconds: 20, maxSeconds: 600, machineDetection: { waitForBeep: true, onMachine: 'message', message: 'Hello.' } }) // prettier-ignore
  expect(telephone.dialled[0]).toMatchObject({
    ringSeconds: 20,
    maxSeconds: 600,
    recording: { statusCallback: 'https://a.example/recording?tenant=t' },
    machineDetection: { waitForBeep: true, statusCallback: 'https://a.example/amd?tenant=t' },
  })
})

test.each<[string, Partial<PlaceCallRequest>, typeof TypeError]>([
  ['no choice about recording', { recording: undefined as never }, TypeError],
  ['ringing too short for the law', { ringSeconds: 10 }, RangeError],
  ['a call that never ends', { maxSeconds: Infinity }, RangeError],
  [
    'a message that does not wait for the beep',
    { machineDetection: { onMachine: 'message', message: 'x' } },
    TypeError,
  ],
])('%s is a mistake at once', async (_name, over, kind) => {
  const { place, telephone } = setup()
  await expect(place(over)).rejects.toThrow(kind)
  expect(telephone.dialled).toEqual([])
})

test('what is refused is not dialled, and may be asked for again', async () => {
  const { place, telephone, refusals } = setup()
  refusals.push({ outcome: 'refuse', failedChecks: ['withinCallingHours'], nextAllowedAt: 5 })
  expect(await place({ attemptId: 'a' })).toMatchObject({ outcome: 'refused', decision: { nextAllowedAt: 5 }, isLeadFlagged: true }) // prettier-ignore
  expect(telephone.dialled).toEqual([])
  expect(await place({ attemptId: 'a' })).toMatchObject({ outcome: 'placed' })
})

test('a gate that cannot decide lets nobody through, and holds nothing back afterwards', async () => {
  const { place, telephone, refusals } = setup()
  refusals.push(new VoiceError('compliance_facts_unavailable', 'down'))
  await expect(place({ attemptId: 'a' })).rejects.toMatchObject({ code: 'compliance_facts_unavailable' })
  expect(telephone.dialled).toEqual([])
  expect(await place({ attemptId: 'a' })).toMatchObject({ outcome: 'placed' })
})

describe('the same attempt', () => {
  test('asked for fifty times at once and once more later is one call', async () => {
    const { place, telephone } = setup()
    const results = await Promise.all(Array.from({ length: 50 }, () => place({ attemptId: 'a' })))
    expect(results.filter(({ outcome }) => outcome === 'placed')).toHaveLength(1)
    expect(results.filter(({ outcome }) => outcome === 'in-progress')).toHaveLength(49)
    expect(await place({ attemptId: 'a' })).toEqual(results.find(({ outcome }) => outcome === 'placed'))
    expect(telephone.dialled).toHaveLength(1)
  })

  test('left behind by a process that died after its reservation is not dialled again but looked for', async () => {
    const { place, telephone, store, clock, attempt, pass, call } = setup()
    // The other process: reserved, dialled, and gone before it could write anything down.
    await store.claimKey({ tenantId: 't', key: 'place-call:a', leaseMs: 1000 })
    await store.reserveAttempt({ attempt: { tenantId: 't', attemptId: 'a', phoneNumber: TO, leadId: 'lead-1', campaignId: null, decisionId: 'd', attemptedAt: clock.now(), state: 'reserved', callSid: null, disposition: null }, caps: [] }) // prettier-ignore
    const { callSid } = await telephone.createCall({ to: TO, from: FROM, url: 'u', statusCallback: 's', ringSeconds: 30, maxSeconds: 60 }) // prettier-ignore
    clock.advance(2000)
    expect(await place({ attemptId: 'a' })).toMatchObject({ outcome: 'submission-unknown' })
    expect(telephone.dialled).toHaveLength(1)
    await pass(20_000)
    expect(await attempt('a')).toMatchObject({ state: 'placed', callSid })
    expect(await call(callSid)).toMatchObject({ attemptId: 'a' })
  })
})

describe('an outcome that nobody knows', () => {
  test('is never dialled again; the call is found and written down', async () => {
    const { place, telephone, attempt, pass, call } = setup()
    telephone.failures.push({ error: unknownOutcome(), isMade: true })
    expect(await place({ attemptId: 'a', answer: { agentId: 'agent_1' } })).toMatchObject({ outcome: 'submission-unknown' }) // prettier-ignore
    expect(await attempt('a')).toMatchObject({ state: 'submission-unknown' })
    await pass(20_000)
    expect(telephone.dialled).toHaveLength(1)
    const [callSid = ''] = telephone.calls.keys()
    expect(await attempt('a')).toMatchObject({ state: 'placed', callSid })
    expect(await call(callSid)).toMatchObject({ attemptId: 'a', agentId: 'agent_1', leadId: 'lead-1' })
  })

  test('frees its place once it is certain that there is no call', async () => {
    const { place, telephone, attempt, pass } = setup()
    telephone.failures.push({ error: unknownOutcome() })
    await place({ attemptId: 'a' })
    await pass(60_000)
    expect(await attempt('a')).toMatchObject({ state: 'submission-unknown' })
    await pass(300_000)
    expect(await attempt('a')).toMatchObject({ state: 'released', disposition: 'not-created' })
    expect(telephone.dialled).toHaveLength(1)
  })

  test('does not take another attempt’s call for its own', async () => {
    const { place, telephone, attempt, pass } = setup()
    await place({ attemptId: 'other' })
    telephone.failures.push({ error: unknownOutcome() })
    await place({ attemptId: 'a' })
    await pass(400_000)
    expect(await attempt('a')).toMatchObject({ state: 'released' })
    expect(await attempt('other')).toMatchObject({ state: 'placed' })
  })
})

describe('a vendor that refuses', () => {
  test('for too many requests is asked again, three times, after the time that it names', async () => {
    const { clock, place, telephone } = setup()
    telephone.failures.push({ error: refusedWith(429, '20429', { retryAfterMs: 2000 }) }, { error: refusedWith(429, '20429') }) // prettier-ignore
    const result = place({ attemptId: 'a' })
    for (let i = 0; i < 8; i++) {
      await new Promise(setImmediate)
      clock.advance(1000)
    }
    expect(await result).toMatchObject({ outcome: 'placed' })
    expect(telephone.dialled).toHaveLength(3)
  })

  test.each([
    ['21211', 'flag-lead', undefined],
    ['21215', 'ask-person', undefined],
    ['20003', 'alert', undefined],
    ['21216', 'give-up', undefined],
    ['10004', 'retry-later', 3_600_000],
  ])('with %s: %s', async (code, action, delayMs) => {
    const alerts: unknown[] = []
    const { clock, place, telephone, attempt, store } = setup({ onAlert: (failure) => alerts.push(failure.code) })
    await store.putLead({ tenantId: 't', leadId: 'lead-1', phoneNumber: TO })
    telephone.failures.push({ error: refusedWith(400, code) })
    expect(await place({ attemptId: 'a' })).toMatchObject({
      outcome: 'failed',
      failure: { action },
      retryAt: delayMs === undefined ? undefined : clock.now() + delayMs,
    })
    expect(await attempt('a')).toMatchObject({ state: 'released' })
    expect(telephone.dialled).toHaveLength(1)
    expect(alerts).toEqual(action === 'alert' || action === 'ask-person' ? [code] : [])
    expect((await store.findStoredLead({ tenantId: 't', leadId: 'lead-1' }))?.isPhoneInvalid).toBe(
      action === 'flag-lead',
    )
  })

  test('and fails again and again is left alone for a minute', async () => {
    const { clock, place, telephone } = setup()
    for (let i = 0; i < 5; i++) telephone.failures.push({ error: refusedWith(503, '20503') })
    for (let i = 0; i < 5; i++) await place({ attemptId: `a${i}` })
    expect(await place({ attemptId: 'b' })).toMatchObject({ outcome: 'failed', failure: { code: 'circuit-open' }, attemptId: undefined }) // prettier-ignore
    expect(telephone.dialled).toHaveLength(5)
    clock.advance(60_000)
    expect(await place({ attemptId: 'c' })).toMatchObject({ outcome: 'placed' })
    expect(await place({ attemptId: 'd' })).toMatchObject({ outcome: 'placed' })
  })
})

describe('hooks', () => {
  test('one that throws before the dial stops the call and gives its place back', async () => {
    const { place, telephone, attempt } = setup({ hooks: { beforeDial: () => Promise.reject(new Error('no')) } })
    await expect(place({ attemptId: 'a' })).rejects.toThrow('no')
    expect(telephone.dialled).toEqual([])
    expect(await attempt('a')).toMatchObject({ state: 'released' })
  })

  test('the last one is told once, of every outcome', async () => {
    const told: string[] = []
    const { place, refusals } = setup({ hooks: { afterPlace: (_request, { outcome }) => void told.push(outcome) } })
    refusals.push({ nextAllowedAt: null })
    await place({ attemptId: 'a' })
    await place({ attemptId: 'b' })
    expect(told).toEqual(['refused', 'placed'])
  })
})

test('a store that fails after the dial does not hide the call, and what is missing is written later', async () => {
  const { place, store, pass, telephone, call } = setup()
  const addCall = store.addCall.bind(store)
  let isDown = true
  Object.assign(store, { addCall: (...args: Parameters<typeof addCall>) => (isDown ? Promise.reject(new Error('down')) : addCall(...args)) }) // prettier-ignore
  const result = await place({ attemptId: 'a' })
  expect(result).toMatchObject({ outcome: 'placed', isRecorded: false })
  isDown = false
  await pass(20_000)
  expect(await call([...telephone.calls.keys()][0]!)).toMatchObject({ attemptId: 'a' })
})

test('nothing that is logged tells whom', async () => {
  const { place, telephone, status, pass, lines } = setup()
  telephone.failures.push({ error: refusedWith(400, '21211') })
  await place({ attemptId: 'a' })
  const result = await place({ attemptId: 'b' })
  if (result.outcome === 'placed') await status(result.callSid, 'completed', 3, { CallDuration: '5' })
  await pass(5000)
  expect(lines.length).toBeGreaterThan(1)
  expect(JSON.stringify(lines)).not.toMatch(/2025550/)
})
