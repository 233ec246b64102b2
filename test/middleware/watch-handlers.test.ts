import { expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import type { HealthReport } from '../../src/health/checks.js'
import type { HostHandler } from '../../src/middleware/host-request.js'
import { createHealthHandler, createMetricsHandler } from '../../src/middleware/watch-handlers.js'
import { CallMetrics } from '../../src/telemetry/call-metrics.js'
import { Metrics } from '../../src/telemetry/metrics.js'

const ask = (handle: HostHandler, target: string, accept?: string, method = 'GET') =>
  handle({ method, target, header: (name) => (name === 'accept' ? accept : undefined), readBody: async () => ({ bytes: '' }) }) // prettier-ignore

test('metrics are Prometheus text, and JSON for whoever wants that', async () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 5))
  const metrics = new Metrics({ clock })
  const calls = new CallMetrics(metrics)
  calls.initiated('outbound')
  calls.ended('completed', 61)
  const handle = createMetricsHandler({ metrics, calls, appointmentsToday: () => 2, clock })
  const text = await ask(handle, '/metrics')
  expect(text?.contentType).toContain('version=0.0.4')
  expect(text?.body).toContain('twilio_calls_initiated_total{direction="outbound"} 1')
  for (const json of [await ask(handle, '/metrics?format=json'), await ask(handle, '/metrics', 'application/json')]) {
    expect(JSON.parse(json?.body ?? '')).toMatchObject({
      calls: { initiatedToday: 1, completedToday: 1, failedToday: 0, appointmentsScheduledToday: 2 },
      timestamp: '2026-01-05T00:00:00.000Z',
    })
  }
  expect((await ask(handle, '/metrics', undefined, 'POST'))?.status).toBe(405)
  expect(await ask(handle, '/metricsx')).toBeUndefined()
})

test('health answers 503 when nothing works, or when the host says so, or never', async () => {
  const report = (status: HealthReport['status']) => async (): Promise<HealthReport> => ({ status, timestamp: '', checks: { storage: status } }) // prettier-ignore
  const codes = async (unavailableWhen?: readonly HealthReport['status'][]) =>
    Promise.all(
      (['ok', 'degraded', 'failed'] as const).map(async (status) => {
        const handle = createHealthHandler({ health: report(status), ...(unavailableWhen && { unavailableWhen }) })
        return (await ask(handle, '/health'))?.status
      }),
    )
  expect(await codes()).toEqual([200, 200, 503])
  expect(await codes(['failed', 'degraded'])).toEqual([200, 503, 503])
  expect(await codes([])).toEqual([200, 200, 200])
  const handle = createHealthHandler({ health: report('ok') })
  expect(JSON.parse((await ask(handle, '/health'))?.body ?? '')).toEqual({ status: 'ok', timestamp: '', checks: { storage: 'ok' } }) // prettier-ignore
  expect((await ask(handle, '/health', undefined, 'POST'))?.status).toBe(405)
  expect(await ask(handle, '/healthz')).toBeUndefined()
})
