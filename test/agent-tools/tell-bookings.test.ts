import { expect, test } from 'vitest'
import { appointmentTools } from '../../src/agent-tools/appointment-tools.js'
import { MemoryScheduling } from '../../src/agent-tools/memory-scheduling.js'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import { tellBookings } from '../../src/agent-tools/tell-bookings.js'
import { ManualClock } from '../../src/core/clock.js'
import { createElevenLabsHandler } from '../../src/middleware/elevenlabs-handler.js'
import { createMetricsHandler } from '../../src/middleware/watch-handlers.js'
import { CallMetrics } from '../../src/telemetry/call-metrics.js'
import { Metrics } from '../../src/telemetry/metrics.js'

const NOW = Date.UTC(2026, 0, 5, 15) // a Monday
const day = { open: '09:00', close: '17:00', enabled: true }

function setup() {
  const clock = new ManualClock(NOW)
  const metrics = new Metrics({ clock })
  const calls = new CallMetrics(metrics)
  const calendar = new MemoryScheduling({
    clock,
    tenants: {
      salon: {
        name: 'Test Salon',
        timeZone: 'UTC',
        businessHours: { monday: day, tuesday: day },
        services: [{ id: 's1', name: 'Haircut', durationMinutes: 60 }],
        employees: [{ id: 'ann', name: 'Ann' }],
      },
    },
  })
  const scheduling = tellBookings(calendar, () => calls.appointmentScheduled())
  const registry = new ToolRegistry(appointmentTools({ scheduling, clock }), { clock })
  const run = (toolName: string, parameters: object) =>
    registry.run({ toolName, parameters, context: { tenantId: 'salon', call: { callSid: 'CA1', remoteNumber: '+12025550101' } } }) // prettier-ignore
  const route = createElevenLabsHandler({ clock, auth: { sharedSecret: { header: 'x-s', secret: 's' } }, findCall: ({ tenantId }) => ({ tenantId: tenantId ?? '' }), scheduling }) // prettier-ignore
  const post = (body: object) =>
    route({ method: 'POST', target: '/elevenlabs/appointments', header: (name) => (name === 'x-s' ? 's' : undefined), readBody: async () => ({ bytes: JSON.stringify(body) }) }) // prettier-ignore
  const page = async () => {
    const answer = await createMetricsHandler({ metrics, calls, clock })({ method: 'GET', target: '/metrics?format=json', header: () => undefined, readBody: async () => ({ bytes: '' }) }) // prettier-ignore
    return (JSON.parse(answer!.body) as { calls: Record<string, number> }).calls.appointmentsScheduledToday
  }
  return { clock, calendar, run, post, page, metrics }
}

test('each appointment that is made is counted once, by whatever road, and the count begins anew with the day', async () => {
  const { clock, run, post, page, metrics } = setup()
  const request = { customerName: 'Ada', serviceId: 's1', startTime: '2026-01-06T10:00' }
  expect(await page()).toBe(0)
  const booked = await run('book_appointment', request)
  await run('create_appointment', request) // a retry
  await run('book_appointment', { ...request, customerName: 'Bob' }) // taken
  await run('book_appointment', { ...request, startTime: '2026-01-06T03:00' }) // closed
  expect(await page()).toBe(1)
  const { id } = (booked as unknown as { data: { appointment: { id: string } } }).data.appointment
  await run('reschedule_appointment', { appointmentId: id, startTime: '2026-01-06T12:00' })
  await run('cancel_appointment', { appointmentId: id })
  expect(await page()).toBe(1)
  const plain = { tenantId: 'salon', employeeId: 'ann', serviceId: 's1', customerName: 'Cy', customerPhone: '+12025550102', startTime: '2026-01-06T14:00:00Z' } // prettier-ignore
  for (let i = 0; i < 2; i++) expect(await post(plain)).toMatchObject({ status: 200 })
  expect(await page()).toBe(2)
  expect(metrics.toPrometheus()).toContain('callweave_appointments_scheduled_total 2')
  clock.advance(9 * 3_600_000) // past midnight UTC
  expect(await page()).toBe(0)
  expect(metrics.toPrometheus()).toContain('callweave_appointments_scheduled_total 2')
})

test('a listener that throws does not lose the appointment', async () => {
  const { calendar } = setup()
  const scheduling = tellBookings(calendar, () => {
    throw new Error('no')
  })
  const made = await scheduling.book('salon', {
    serviceId: 's1',
    customerName: 'Ada',
    startMs: Date.UTC(2026, 0, 6, 10),
  })
  expect(made).toMatchObject({ status: 'scheduled' })
  expect(await scheduling.services('salon')).toHaveLength(1)
})
