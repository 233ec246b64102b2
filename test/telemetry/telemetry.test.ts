import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { CallMetrics } from '../../src/telemetry/call-metrics.js'
import { Metrics } from '../../src/telemetry/metrics.js'
import { withinSpan, type Span } from '../../src/telemetry/tracer.js'

describe('metrics', () => {
  test('read as Prometheus wants them', () => {
    const metrics = new Metrics()
    const calls = metrics.counter('calls_total', 'Calls\nof all kinds')
    calls.add({ direction: 'inbound' })
    calls.add({ direction: 'inbound' }, 2)
    calls.add({ direction: 'a"b\\c\nd' })
    metrics.histogram('seconds', 'Length', [1, 10]).observe(0.5)
    metrics.histogram('seconds', 'Length', [1, 10]).observe(7)
    metrics.histogram('seconds', 'Length', [1, 10]).observe(70)
    expect(metrics.toPrometheus()).toBe(`# HELP calls_total Calls\\nof all kinds
# TYPE calls_total counter
calls_total{direction="inbound"} 3
calls_total{direction="a\\"b\\\\c\\nd"} 1
# HELP seconds Length
# TYPE seconds histogram
seconds_bucket{le="1"} 1
seconds_bucket{le="10"} 2
seconds_bucket{le="+Inf"} 3
seconds_sum 77.5
seconds_count 3
`)
    expect(metrics.snapshot()[0]).toEqual({ name: 'calls_total', labels: { direction: 'inbound' }, value: 3 })
  })

  test('are bounded, and bad names are mistakes', () => {
    const metrics = new Metrics()
    const counter = metrics.counter('c_total', 'c')
    for (let i = 0; i < 1500; i++) counter.add({ id: String(i) })
    expect(metrics.snapshot()).toHaveLength(1000)
    expect(metrics.toPrometheus()).toContain('callweave_metric_series_dropped_total 500')
    expect(() => metrics.counter('no-dashes', '')).toThrow(TypeError)
    expect(() => metrics.histogram('c_total', '', [])).toThrow(TypeError)
  })

  test('of calls count by day, and the day turns', () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 5, 23))
    const calls = new CallMetrics(new Metrics({ clock }))
    calls.initiated('outbound')
    calls.initiated('inbound')
    calls.ended('completed', 30)
    calls.ended('busy', null)
    expect(calls.today()).toEqual({
      initiatedToday: 2,
      completedToday: 1,
      failedToday: 1,
      appointmentsScheduledToday: 0,
    })
    clock.advance(3_600_000)
    expect(calls.today()).toEqual({
      initiatedToday: 0,
      completedToday: 0,
      failedToday: 0,
      appointmentsScheduledToday: 0,
    })
  })
})

describe('a span', () => {
  function tracer() {
    const told: unknown[] = []
    const span: Span = {
      setAttribute: (name, value) => told.push([name, value]),
      setStatus: (status) => told.push(status),
      recordException: (error) => told.push(error.message),
      end: () => told.push('end'),
    }
    return { told, startActiveSpan: <T>(name: string, work: (span: Span) => T): T => (told.push(name), work(span)) }
  }

  test('tells what was done and ends', async () => {
    const made = tracer()
    await withinSpan(made, 'twilio.make-call', { service: 'twilio', nothing: undefined }, async (add) => add({ call_sid: 'CA1' })) // prettier-ignore
    expect(made.told).toEqual(['twilio.make-call', ['service', 'twilio'], ['call_sid', 'CA1'], { code: 1 }, 'end'])
  })

  test('of something that fails tells its kind and none of its words', async () => {
    const made = tracer()
    await expect(withinSpan(made, 's', {}, () => Promise.reject(new TypeError('+12025550101')))).rejects.toThrow(
      '+1202',
    )
    expect(made.told).toEqual(['s', 'TypeError', { code: 2, message: 'TypeError' }, 'end'])
  })

  test('is not needed', async () => {
    expect(await withinSpan(undefined, 's', {}, async () => 7)).toBe(7)
  })
})
