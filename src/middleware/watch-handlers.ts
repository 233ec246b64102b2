/**
 * What a monitor asks for: metrics and health.
 *
 * @module
 */
import type { HealthReport } from '../health/checks.js'
import type { CallMetrics } from '../telemetry/call-metrics.js'
import type { Metrics } from '../telemetry/metrics.js'
import { systemClock, type Clock } from '../core/clock.js'
import { jsonResponse, textResponse, type HostHandler } from './host-request.js'

export interface MetricsHandlerOptions {
  readonly metrics: Metrics
  /** Counts of the day for the JSON page. */
  readonly calls: Pick<CallMetrics, 'today'>
  /** Appointments that were made today, where the host counts them itself. Default: as `calls` has them. */
  readonly appointmentsToday?: () => number
  /** Default `/metrics`. */
  readonly path?: string
  readonly clock?: Clock
}

/**
 * `GET /metrics`: Prometheus text, or JSON for whoever accepts `application/json` or asks for `?format=json`. Keep it from the public: put your
 * own authentication around it.
 */
export function createMetricsHandler(options: MetricsHandlerOptions): HostHandler {
  const { metrics, calls, appointmentsToday, path = '/metrics', clock = systemClock } = options
  return async ({ method, target, header }) => {
    const [own, query = ''] = target.split('?', 2)
    if (own !== path) return undefined
    if (method !== 'GET') return textResponse(405, 'Method not allowed')
    const accept = String(header('accept') ?? '')
    if (new URLSearchParams(query).get('format') === 'json' || accept.includes('application/json')) {
      const appointments = appointmentsToday ? { appointmentsScheduledToday: appointmentsToday() } : {}
      return jsonResponse(200, {
        calls: { ...calls.today(), ...appointments },
        metrics: metrics.snapshot(),
        timestamp: new Date(clock.now()).toISOString(),
      })
    }
    return { status: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8', body: metrics.toPrometheus() }
  }
}

export interface HealthHandlerOptions {
  /** What `createHealth` made. */
  readonly health: () => Promise<HealthReport>
  /** Which reports are answered with 503. Default `['failed']`; give none to answer 200 always, as older monitors expect. */
  readonly unavailableWhen?: readonly HealthReport['status'][]
  /** Default `/health`. */
  readonly path?: string
}

/** `GET /health`: the report as JSON. It names checks and nothing else. */
export function createHealthHandler(options: HealthHandlerOptions): HostHandler {
  const { health, unavailableWhen = ['failed'], path = '/health' } = options
  return async ({ method, target }) => {
    if (target.split('?', 1)[0] !== path) return undefined
    if (method !== 'GET' && method !== 'HEAD') return textResponse(405, 'Method not allowed')
    const report = await health()
    return jsonResponse(unavailableWhen.includes(report.status) ? 503 : 200, report)
  }
}
