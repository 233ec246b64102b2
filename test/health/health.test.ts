import { expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { createHealth, type HealthCheck } from '../../src/health/checks.js'

const ok: HealthCheck = { run: async () => 'ok' }
const broken: HealthCheck = { run: () => Promise.reject(new Error('hunter2')) }
const clock = () => new ManualClock(Date.UTC(2026, 0, 5))

test.each<[string, Record<string, HealthCheck>, object]>([
  ['all is well', { twilio: ok, storage: ok }, { status: 'ok', checks: { twilio: 'ok', storage: 'ok' } }],
  ['a vendor is down', { twilio: broken, storage: ok }, { status: 'degraded', checks: { twilio: 'failed', storage: 'ok' } }],
  ['the store is down', { twilio: ok, storage: { ...broken, whenFailed: 'failed' } }, { status: 'failed', checks: { twilio: 'ok', storage: 'failed' } }],
  ['an account is suspended', { twilio: { run: async () => 'degraded' } }, { status: 'degraded', checks: { twilio: 'degraded' } }],
])('when %s it says so', async (_name, checks, report) => {
  expect(await createHealth({ checks, clock: clock() })()).toEqual({ timestamp: '2026-01-05T00:00:00.000Z', ...report })
}) // prettier-ignore

test('a check that hangs has failed, and is told to stop', async () => {
  const time = clock()
  let signal: AbortSignal | undefined
  const health = createHealth({ clock: time, checks: { slow: { run: (options) => new Promise(() => (signal = options.signal)) } } }) // prettier-ignore
  const report = health()
  await time.advanceAsync(3000)
  expect(await report).toMatchObject({ status: 'degraded', checks: { slow: 'failed' } })
  expect(signal?.aborted).toBe(true)
  expect(time.pendingTimers).toBe(0)
})

test('asked often, it looks seldom', async () => {
  const time = clock()
  let looks = 0
  const health = createHealth({ clock: time, checks: { one: { run: async () => (looks++, 'ok') } } })
  await Promise.all([health(), health(), health()])
  expect(looks).toBe(1)
  time.advance(5000)
  await health()
  expect(looks).toBe(2)
})
