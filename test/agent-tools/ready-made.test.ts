import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { appointmentTools } from '../../src/agent-tools/appointment-tools.js'
import { MemoryScheduling } from '../../src/agent-tools/memory-scheduling.js'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import { telephoneTools, type TelephoneActions } from '../../src/agent-tools/telephone-tools.js'

const NOW = Date.UTC(2026, 0, 5, 15)
const day = { open: '09:00', close: '17:00', enabled: true }

function receptionist() {
  const clock = new ManualClock(NOW)
  const scheduling = new MemoryScheduling({
    clock,
    tenants: {
      salon: {
        name: 'Test Salon',
        timeZone: 'America/New_York',
        businessHours: { monday: day, tuesday: day, wednesday: day, thursday: day, friday: day },
        services: ['Haircut', 'Styling', 'Coloring', 'Washing', 'Shaving'].map((name, i) => ({ id: `s${i + 1}`, name, price: 50, durationMinutes: 60 })), // prettier-ignore
        employees: [{ id: 'ann', name: 'Ann' }],
      },
    },
  })
  const tools = new ToolRegistry(appointmentTools({ scheduling, clock }), { clock })
  const call = { callSid: 'CA1', remoteNumber: '+12025550101' }
  return (toolName: string, parameters: unknown = {}, tenantId = 'salon') => tools.run({ toolName, parameters, context: { call, tenantId } }) // prettier-ignore
}

describe('the receptionist', () => {
  test('says what is offered', async () => {
    expect(await receptionist()('get_services', { limit: '3' })).toMatchObject({
      success: true,
      data: { services: [{ id: 's1', name: 'Haircut', price: 50, duration: 60 }, {}, {}], message: 'We offer: Haircut, Styling, Coloring.' }, // prettier-ignore
    })
    expect(await receptionist()('get_service_details', { serviceId: 'styling' })).toMatchObject({
      data: { service: { id: 's2' }, message: 'Styling takes 60 minutes and costs 50.' },
    })
  })

  test('says when it is open, and who it is', async () => {
    const run = receptionist()
    expect(await run('get_hours')).toMatchObject({ data: { message: "We're open Monday through Friday from 09:00 to 17:00." } }) // prettier-ignore
    expect(await run('get_tenant_info')).toMatchObject({ data: { message: 'You have reached Test Salon.' } })
    expect(await run('get_hours', {}, 'nobody')).toMatchObject({ success: false, code: 'UNKNOWN_TENANT' })
  })

  test('plays a whole booking: asks for the service, offers times, books once, finds, moves, cancels', async () => {
    const run = receptionist()
    expect(await run('check_availability', { date: '2026-01-06' })).toEqual({
      success: false,
      code: 'SERVICE_REQUIRED',
      error: 'Which service is it for? We offer: Haircut, Styling, Coloring, Washing…',
    })
    const free = await run('check_availability', { date: '2026-01-06', serviceId: 'Haircut' })
    expect(free).toMatchObject({ data: { serviceId: 's1', message: 'On 2026-01-06 we have Haircut at 09:00, 09:15, 09:30, 09:45, and more.' } }) // prettier-ignore
    const request = { customerName: 'John Doe', serviceId: 'haircut', startTime: '2026-01-06T10:00' }
    const booked = await run('book_appointment', request)
    expect(booked).toMatchObject({
      success: true,
      data: {
        message: 'Appointment created successfully',
        appointment: {
          startTime: '2026-01-06T15:00:00.000Z',
          endTime: '2026-01-06T16:00:00.000Z',
          customerPhone: '+12025550101',
          status: 'scheduled',
          notes: 'Created via AI assistant',
        },
      },
    })
    expect(await run('create_appointment', request)).toEqual(booked)
    const { id } = (booked as unknown as { data: { appointment: { id: string } } }).data.appointment
    expect(await run('find_appointment')).toMatchObject({ data: { appointments: [{ id }], message: 'There is one appointment.' } }) // prettier-ignore
    expect(await run('reschedule_appointment', { appointmentId: id, startTime: '2026-01-06T16:00:00-05:00' })).toMatchObject({ data: { appointment: { startTime: '2026-01-06T21:00:00.000Z' } } }) // prettier-ignore
    expect(await run('cancel_appointment', { appointmentId: id, reason: 'ill' })).toMatchObject({ data: { appointment: { status: 'cancelled' } } }) // prettier-ignore
    expect(await run('find_appointment')).toMatchObject({ data: { appointments: [] } })
  })

  test.each([
    ['book_appointment', { serviceId: 's1', startTime: '2026-01-06T10:00' }, 'VALIDATION_ERROR', 'customerName is required'],
    ['book_appointment', {}, 'VALIDATION_ERROR', 'customerName, serviceId, and startTime are required'],
    ['book_appointment', { customerName: 'A', serviceId: 's1', startTime: 'tomorrow at ten' }, 'VALIDATION_ERROR', 'startTime: must be a time such as 2026-03-14T09:30'],
    ['book_appointment', { customerName: 'A', serviceId: 's1', startTime: '2026-01-06T03:00' }, 'CLOSED', 'We are closed at that time.'],
    ['book_appointment', { customerName: 'A', serviceId: 's1', startTime: '2025-01-06T10:00' }, 'IN_THE_PAST', 'That time has passed already.'],
    ['check_availability', { date: 'soon', serviceId: 's1' }, 'VALIDATION_ERROR', 'date: must be a day such as 2026-03-14'],
    ['cancel_appointment', { appointmentId: 'appt-404' }, 'UNKNOWN_APPOINTMENT', 'There is no such appointment.'],
  ])('%s with %j is refused with %s', async (tool, parameters, code, error) => {
    expect(await receptionist()(tool, parameters)).toEqual({ success: false, code, error })
  }) // prettier-ignore
})

describe('telephone tools', () => {
  const call = { callSid: 'CA1', remoteNumber: '+12025550101' }
  const run = (actions: TelephoneActions, toolName: string, parameters: unknown = {}) =>
    new ToolRegistry(telephoneTools({ actions, destinations: { sales: 'for new customers' } })).run({
      toolName,
      parameters,
      context: { call, tenantId: 't' },
    })

  test('exist only for what the host can do', () => {
    expect(telephoneTools({ actions: {} })).toEqual([])
    expect(telephoneTools({ actions: { transfer: async () => 'transferred' } })).toEqual([])
  })

  test('a transfer goes to a name that the host gave, never to a number that the model wrote', async () => {
    const went: string[] = []
    const actions: TelephoneActions = { transfer: async (_context, to) => (went.push(to), 'transferred') }
    expect(await run(actions, 'transfer_call', { destination: '+19005550123' })).toMatchObject({ code: 'VALIDATION_ERROR' })
    expect(await run(actions, 'transfer_call', { destination: 'sales' })).toMatchObject({ success: true })
    expect(went).toEqual(['sales'])
    expect(await run({ transfer: async () => 'nobody-available' }, 'transfer_call', { destination: 'sales' })).toMatchObject({ code: 'NOBODY_AVAILABLE' }) // prettier-ignore
  }) // prettier-ignore

  test('an opt-out is confirmed only once it is written', async () => {
    const written: unknown[] = []
    expect(await run({ optOut: async ({ call: { remoteNumber } }) => void written.push(remoteNumber) }, 'opt_out')).toEqual({ success: true, data: { message: 'You have been removed from our call list. Thank you.' } }) // prettier-ignore
    expect(written).toEqual(['+12025550101'])
    expect(await run({ optOut: () => Promise.reject(new Error('down')) }, 'opt_out')).toMatchObject({ success: false, code: 'TOOL_FAILED' }) // prettier-ignore
  })

  test('digits are keys, and nothing else is sent', async () => {
    const sent: string[] = []
    const actions: TelephoneActions = { sendDigits: async (_context, digits) => sent.push(digits) > 0 }
    expect(await run(actions, 'send_digits', { digits: '12#w' })).toMatchObject({ success: true })
    expect(await run(actions, 'send_digits', { digits: '1;2' })).toMatchObject({ code: 'VALIDATION_ERROR' })
    expect(await run({ sendDigits: async () => false }, 'send_digits', { digits: '1' })).toMatchObject({ code: 'NOT_POSSIBLE' }) // prettier-ignore
    expect(sent).toEqual(['12#w'])
  })

  test('a callback that the law forbids is said so', async () => {
    expect(await run({ scheduleCallback: async () => ({ refused: 'We cannot call you at that time.' }) }, 'schedule_callback')).toMatchObject({ code: 'NOT_ALLOWED' }) // prettier-ignore
    expect(await run({ scheduleCallback: async () => ({ scheduledFor: '2026-01-06T15:00:00Z' }) }, 'schedule_callback', { when: '' })).toMatchObject({ data: { scheduledFor: '2026-01-06T15:00:00Z' } }) // prettier-ignore
  })

  test('a note and a hang-up reach the host', async () => {
    const did: unknown[] = []
    const actions: TelephoneActions = { leaveNote: async (_c, note) => void did.push(note), hangUpAfterPlayback: async () => void did.push('bye') } // prettier-ignore
    await run(actions, 'leave_note', { note: 'call Ann' })
    await run(actions, 'hang_up')
    expect(did).toEqual(['call Ann', 'bye'])
  })
})
