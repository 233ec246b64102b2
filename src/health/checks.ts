/**
 * Named checks, made into one report that a load balancer and a person can read.
 *
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'

/** What one check found. `degraded`: it works, but somebody should look. */
export type CheckStatus = 'ok' | 'degraded' | 'failed'

/** Looks at one thing. A status, a word of the thing's own that is told as it is, or a rejection, which is a failure. */
export interface HealthCheck {
  readonly run: (options: { readonly signal: AbortSignal }) => Promise<CheckStatus>
  /** What the whole is when this fails: without it nothing works (`failed`), or less does (`degraded`, the default). */
  readonly whenFailed?: 'failed' | 'degraded'
}

/** The report. */
export interface HealthReport {
  readonly status: CheckStatus
  /** ISO 8601. */
  readonly timestamp: string
  readonly checks: Readonly<Record<string, CheckStatus>>
}

export interface HealthOptions {
  /** Name → check, e.g. `twilio`, `elevenLabs`, `storage`. */
  readonly checks: Readonly<Record<string, HealthCheck>>
  /** Longest time for one check, in milliseconds. Default 3000; then it has failed. */
  readonly timeoutMs?: number
  /** How long a report is given again, in milliseconds. Default 5000: a load balancer asks often, a vendor should not be. */
  readonly keepMs?: number
  readonly clock?: Clock
}

/** Makes the function that reports. Asked many times at once it looks once. */
export function createHealth(options: HealthOptions): () => Promise<HealthReport> {
  const { checks, timeoutMs = 3000, keepMs = 5000, clock = systemClock } = options
  let kept: { readonly untilMs: number; readonly report: Promise<HealthReport> } | undefined

  async function runOne({ run }: HealthCheck): Promise<CheckStatus> {
    const abort = new AbortController()
    let timer
    const late = new Promise<CheckStatus>((resolve) => {
      timer = clock.setTimeout(() => {
        resolve('failed')
        abort.abort()
      }, timeoutMs)
    })
    try {
      return await Promise.race([(async () => run({ signal: abort.signal }))().catch(() => 'failed' as const), late])
    } finally {
      clock.clear(timer)
    }
  }

  async function look(): Promise<HealthReport> {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await runOne(check), check] as const),
    )
    const found = results.map(([, status, check]) => (status === 'failed' ? (check.whenFailed ?? 'degraded') : status))
    const status = found.includes('failed') ? 'failed' : found.includes('degraded') ? 'degraded' : 'ok'
    return {
      status,
      timestamp: new Date(clock.now()).toISOString(),
      checks: Object.fromEntries(results.map(([name, one]) => [name, one])),
    }
  }

  return () => {
    const nowMs = clock.monotonicMs()
    if (!kept || kept.untilMs <= nowMs) kept = { untilMs: nowMs + keepMs, report: look() }
    return kept.report
  }
}
