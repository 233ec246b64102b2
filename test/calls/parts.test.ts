import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { CircuitBreaker } from '../../src/core/circuit-breaker.js'
import { costOf } from '../../src/calls/cost.js'
import { explainFailure, FAILURES, twilioErrorUrl } from '../../src/calls/failures.js'
import { fromNumberFor } from '../../src/calls/from-numbers.js'
import { requestDelayMs } from '../../src/calls/retry-policy.js'
import { WorkLoop } from '../../src/calls/work-loop.js'
import { createMemoryStore } from '../../src/storage/memory.js'

describe('cost', () => {
  test.each([
    [120, {}, 2, 0.2],
    [61, {}, 1.02, 0.1017],
    [61, { rounding: 'started-minute' as const }, 2, 0.2],
    [0, { rounding: 'started-minute' as const }, 0, 0],
    [90, { costPerMinute: 0.02, currency: 'EUR' }, 1.5, 0.03],
    [-5, {}, 0, 0],
  ])('%s seconds with %j', (seconds, options, durationMinutes, totalCost) => {
    expect(costOf(seconds, options)).toMatchObject({ durationMinutes, cost: { totalCost } })
  })
})

describe('the catalogue', () => {
  test('names each failure once, and says what each means', () => {
    expect(new Set(FAILURES.map(({ vendor, code }) => `${vendor}:${code}`)).size).toBe(FAILURES.length)
    for (const { meaning } of FAILURES) expect(meaning.length).toBeGreaterThan(8)
  })

  test.each([
    ['20003', 'credentials', 'trial account'],
    ['13227', 'country', 'funds'],
    ['21608', 'verified', 'TWILIO_PHONE_NUMBER'],
    ['11200', 'fetch', 'E.164'],
  ])('gives %s its true meaning and keeps what older documents say as a hint', (code, meaning, hint) => {
    expect(explainFailure('twilio', code)?.meaning).toContain(meaning)
    expect(explainFailure('twilio', code)?.hint).toContain(hint)
  })

  test('knows where Twilio explains a code', () => {
    expect(twilioErrorUrl(21211)).toBe('https://www.twilio.com/docs/api/errors/21211')
    expect(explainFailure('twilio', 1)).toBeUndefined()
  })
})

test('waiting doubles with jitter up to a limit, and heeds what the vendor asks', () => {
  const policy = { baseMs: 1000, maxMs: 20_000 }
  expect([0, 1, 2, 9].map((retry) => requestDelayMs(retry, policy, 1))).toEqual([1000, 2000, 4000, 20_000])
  expect(requestDelayMs(0, policy, 0)).toBe(500)
  expect(requestDelayMs(0, policy, 0, 7000)).toBe(7000)
  expect(requestDelayMs(0, policy, 0, 7_000_000)).toBe(20_000)
})

test('a breaker opens after failures in a row, lets one through after its time, and goes by how that one fares', () => {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker({ clock, maxFailures: 2, openMs: 1000 })
  breaker.failed()
  breaker.succeeded()
  breaker.failed()
  expect(breaker.tryPass()).toBe(true)
  breaker.failed()
  expect([breaker.state, breaker.tryPass()]).toEqual(['open', false])
  clock.advance(1000)
  expect([breaker.tryPass(), breaker.tryPass()]).toEqual([true, false])
  breaker.failed()
  expect(breaker.tryPass()).toBe(false)
  clock.advance(1000)
  expect(breaker.tryPass()).toBe(true)
  breaker.succeeded()
  expect([breaker.state, breaker.tryPass(), breaker.tryPass()]).toEqual(['closed', true, true])
})

test('a lead is always called from the same number, and few move when one joins', () => {
  const pool = ['+12025550110', '+12025550111', '+12025550112']
  const leads = Array.from({ length: 900 }, (_, i) => `lead-${i}`)
  const before = leads.map((lead) => fromNumberFor(lead, pool))
  expect(leads.map((lead) => fromNumberFor(lead, [...pool].reverse()))).toEqual(before)
  for (const number of pool) expect(before.filter((one) => one === number).length).toBeGreaterThan(200)
  const after = leads.map((lead) => fromNumberFor(lead, [...pool, '+12025550113']))
  const moved = after.filter((number, i) => number !== before[i])
  expect(new Set(moved)).toEqual(new Set(['+12025550113']))
  expect(moved.length).toBeLessThan(350)
  expect(() => fromNumberFor('lead', [])).toThrow(TypeError)
})

describe('a work loop', () => {
  const work = (workId: string, dueAt: number) => ({ tenantId: 't', workId, queue: 'q', dueAt, payload: {} })

  test('does what is due and not what is not, a bounded number at a time', async () => {
    const clock = new ManualClock()
    const store = createMemoryStore({ clock })
    let atOnce = 0
    let most = 0
    const done: string[] = []
    const loop = new WorkLoop({
      store,
      clock,
      concurrency: 3,
      handlers: {
        q: async ({ work: { workId } }) => {
          most = Math.max(most, ++atOnce)
          await new Promise(setImmediate)
          atOnce--
          done.push(workId)
          return 'done'
        },
      },
    })
    for (let i = 0; i < 10; i++) await store.scheduleWork(work(`w${i}`, clock.now()))
    await store.scheduleWork(work('later', clock.now() + 5000))
    loop.start()
    await loop.idle()
    expect(done).toHaveLength(10)
    expect(most).toBe(3)
    clock.advance(5000)
    await loop.idle()
    expect(done.at(-1)).toBe('later')
    await loop.close()
    expect(clock.pendingTimers).toBe(0)
  })

  test('does again what failed, later each time, and what another left when it died', async () => {
    const clock = new ManualClock()
    const store = createMemoryStore({ clock })
    const at: number[] = []
    const start = clock.now()
    const loop = new WorkLoop({ store, clock, handlers: { q: async ({ takes }) => { at.push(clock.now() - start); if (takes < 4) throw new Error('no'); return 'done' } } }) // prettier-ignore
    await store.scheduleWork(work('w', start))
    await store.takeDueWork({ tenantId: 't', queue: 'q', limit: 1, visibilityMs: 10_000 })
    loop.start()
    for (let i = 0; i < 60; i++) {
      clock.advance(1000)
      await loop.idle()
    }
    expect(at).toEqual([10_000, 14_000, 22_000])
    await loop.close()
  })
})
