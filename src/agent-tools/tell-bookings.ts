/**
 * A calendar that tells of each appointment that is made in it.
 *
 * @module
 */
import type { Appointment, Scheduling } from './scheduling.js'

/**
 * The same calendar, telling of appointments as they are made: by a tool, by the appointments route, by whoever books. A repeat that finds its
 * appointment made already, a move and a cancellation are none.
 *
 * @param onBooked - Must not wait. What it throws harms nobody: the appointment is made.
 *
 * @example
 * ```ts
 * const metrics = new Metrics()
 * const calls = new CallMetrics(metrics)
 * const scheduling = tellBookings(calendar, () => calls.appointmentScheduled())
 * const voice = createVoice({ ...settings, metrics, tools: new ToolRegistry(appointmentTools({ scheduling })) })
 * ```
 */
export function tellBookings(scheduling: Scheduling, onBooked: (appointment: Appointment) => void): Scheduling {
  return {
    tenant: (...args) => scheduling.tenant(...args),
    services: (...args) => scheduling.services(...args),
    employees: (...args) => scheduling.employees(...args),
    openings: (...args) => scheduling.openings(...args),
    cancel: (...args) => scheduling.cancel(...args),
    reschedule: (...args) => scheduling.reschedule(...args),
    find: (...args) => scheduling.find(...args),
    book: async (...args) => {
      const made = await scheduling.book(...args)
      if (typeof made === 'object') {
        try {
          onBooked(made)
        } catch {
          // Whoever listens is not the caller's business.
        }
      }
      return made
    },
  }
}
