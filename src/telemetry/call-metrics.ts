/**
 * What is counted about calls, under the names that dashboards already have.
 *
 * @module
 */
import type { Metrics } from './metrics.js'

/** How long calls last: from a hang-up at once to an hour, in seconds. */
const DURATION_BOUNDS_S = [3, 10, 30, 60, 120, 300, 600, 1800, 3600]
/** From the caller's last word to the agent's first sound that is heard, in seconds. */
const LATENCY_BOUNDS_S = [0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5]

/** Tells metrics what happens to calls. */
export class CallMetrics {
  readonly #initiated
  readonly #completed
  readonly #failed
  readonly #duration
  readonly #refused
  readonly #latency
  readonly #tools
  readonly #parked
  readonly #appointments
  readonly #metrics: Metrics

  constructor(metrics: Metrics) {
    this.#metrics = metrics
    this.#initiated = metrics.counter('twilio_calls_initiated_total', 'Calls that were placed or answered')
    this.#completed = metrics.counter('twilio_calls_completed_total', 'Calls that were answered and are over')
    this.#failed = metrics.counter('twilio_calls_failed_total', 'Calls that reached nobody, by reason')
    this.#duration = metrics.histogram('twilio_call_duration_seconds', 'Length of calls', DURATION_BOUNDS_S)
    this.#refused = metrics.counter('callweave_calls_refused_total', 'Calls that the policy did not allow, by check')
    this.#latency = metrics.histogram('callweave_agent_latency_seconds', 'From the caller\u2019s last word to the first sound of the answer that was heard', LATENCY_BOUNDS_S) // prettier-ignore
    this.#tools = metrics.counter('callweave_agent_tools_total', 'Tools that agents called, by outcome')
    this.#parked = metrics.counter('callweave_events_parked_total', 'Events that no sink took and that were given up')
    this.#appointments = metrics.counter('callweave_appointments_scheduled_total', 'Appointments that were made')
  }

  initiated(direction: 'inbound' | 'outbound'): void {
    this.#initiated.add({ direction })
  }

  /** A call is over, by Twilio's word. */
  ended(callStatus: string, durationS: number | null): void {
    if (callStatus === 'completed') this.#completed.add()
    else this.#failed.add({ reason: callStatus })
    if (durationS !== null) this.#duration.observe(durationS)
  }

  refused(failedChecks: readonly string[]): void {
    for (const check of failedChecks) this.#refused.add({ check })
  }

  agentAnswered(latencyMs: number | undefined): void {
    if (latencyMs !== undefined) this.#latency.observe(latencyMs / 1000)
  }

  toolAnswered(isError: boolean): void {
    this.#tools.add({ outcome: isError ? 'failed' : 'answered' })
  }

  eventParked(): void {
    this.#parked.add()
  }

  /** An appointment was made: for `tellBookings` of `callweave/agent-tools`. */
  appointmentScheduled(): void {
    this.#appointments.add()
  }

  /** The day's counts, as the older JSON page has them. A day begins at midnight UTC. */
  today(): {
    readonly initiatedToday: number
    readonly completedToday: number
    readonly failedToday: number
    readonly appointmentsScheduledToday: number
  } {
    const today = this.#metrics.today()
    return {
      initiatedToday: today.twilio_calls_initiated_total ?? 0,
      completedToday: today.twilio_calls_completed_total ?? 0,
      failedToday: today.twilio_calls_failed_total ?? 0,
      appointmentsScheduledToday: today.callweave_appointments_scheduled_total ?? 0,
    }
  }
}
