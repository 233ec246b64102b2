/**
 * A calendar in the memory of this process, for tests, examples and a first day.
 *
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'
import {
  employeesFor,
  openingsOn,
  phoneKey,
  placeBooking,
  type Appointment,
  type Booking,
  type BookingRefusal,
  type Employee,
  type Opening,
  type OpeningsQuery,
  type Scheduling,
  type Service,
  type TenantInfo,
} from './scheduling.js'

/** A tenant as the calendar starts with it. */
export interface MemoryTenant extends Omit<TenantInfo, 'id'> {
  readonly services: readonly Service[]
  readonly employees: readonly Employee[]
}

export interface MemorySchedulingOptions {
  readonly tenants: Readonly<Record<string, MemoryTenant>>
  readonly clock?: Clock
  /** Appointments kept for each tenant. Default 10 000; beyond it a booking is refused as `taken`. */
  readonly maxAppointments?: number
}

/** A calendar that forgets when the process ends. */
export class MemoryScheduling implements Scheduling {
  readonly #tenants: ReadonlyMap<string, MemoryTenant>
  readonly #clock: Clock
  readonly #maxAppointments: number
  readonly #appointments = new Map<string, Map<string, Appointment>>()
  #ids = 0

  constructor({ tenants, clock = systemClock, maxAppointments = 10_000 }: MemorySchedulingOptions) {
    this.#tenants = new Map(Object.entries(tenants))
    this.#clock = clock
    this.#maxAppointments = maxAppointments
  }

  async tenant(tenantId: string): Promise<TenantInfo | undefined> {
    const found = this.#tenants.get(tenantId)
    if (!found) return undefined
    const { services: _services, employees: _employees, ...info } = found
    return { id: tenantId, ...info }
  }

  async services(tenantId: string): Promise<readonly Service[]> {
    return this.#tenants.get(tenantId)?.services ?? []
  }

  async employees(tenantId: string): Promise<readonly Employee[]> {
    return this.#tenants.get(tenantId)?.employees ?? []
  }

  async openings(tenantId: string, query: OpeningsQuery): Promise<readonly Opening[]> {
    const plan = this.#plan(tenantId, query.serviceId, query.employeeId)
    return typeof plan === 'string' ? [] : openingsOn(query.date, query.limit, plan)
  }

  async book(tenantId: string, booking: Booking): Promise<Appointment | BookingRefusal> {
    const plan = this.#plan(tenantId, booking.serviceId, booking.employeeId)
    if (typeof plan === 'string') return plan
    const employee = placeBooking(booking.startMs, plan)
    if (typeof employee === 'string') return employee
    const appointments = this.#of(tenantId)
    if (appointments.size >= this.#maxAppointments) return 'taken'
    const { customerEmail, customerPhone, notes } = booking
    const appointment: Appointment = {
      id: `appt-${++this.#ids}`,
      tenantId,
      employeeId: employee.id,
      serviceId: booking.serviceId,
      customerName: booking.customerName,
      ...(customerEmail === undefined ? {} : { customerEmail }),
      ...(customerPhone === undefined ? {} : { customerPhone }),
      ...timesOf(booking.startMs, plan.service),
      status: 'scheduled',
      ...(notes === undefined ? {} : { notes }),
    }
    appointments.set(appointment.id, appointment)
    return appointment
  }

  async cancel(tenantId: string, appointmentId: string): Promise<Appointment | undefined> {
    const found = this.#of(tenantId).get(appointmentId)
    if (!found) return undefined
    const cancelled: Appointment = { ...found, status: 'cancelled' }
    this.#of(tenantId).set(appointmentId, cancelled)
    return cancelled
  }

  async reschedule(
    tenantId: string,
    appointmentId: string,
    startMs: number,
  ): Promise<Appointment | BookingRefusal | undefined> {
    const found = this.#of(tenantId).get(appointmentId)
    if (found?.status !== 'scheduled') return undefined
    const plan = this.#plan(tenantId, found.serviceId, found.employeeId)
    if (typeof plan === 'string') return plan
    const employee = placeBooking(startMs, plan, appointmentId)
    if (typeof employee === 'string') return employee
    const moved: Appointment = { ...found, ...timesOf(startMs, plan.service) }
    this.#of(tenantId).set(appointmentId, moved)
    return moved
  }

  async find(
    tenantId: string,
    { phone, email }: { readonly phone?: string | undefined; readonly email?: string | undefined },
  ): Promise<readonly Appointment[]> {
    const nowMs = this.#clock.now()
    const wanted = phoneKey(phone)
    return [...this.#of(tenantId).values()]
      .filter(
        (one) =>
          one.status === 'scheduled' &&
          Date.parse(one.endTime) > nowMs &&
          ((wanted !== undefined && phoneKey(one.customerPhone) === wanted) ||
            (email !== undefined && one.customerEmail?.toLowerCase() === email.toLowerCase())),
      )
      .sort((a, b) => (a.startTime < b.startTime ? -1 : 1))
      .slice(0, 20)
  }

  #plan(tenantId: string, serviceId: string, employeeId: string | undefined) {
    const tenant = this.#tenants.get(tenantId)
    const service = tenant?.services.find(({ id }) => id === serviceId)
    if (!tenant || !service) return 'unknown-service'
    const employees = employeesFor(service, tenant.employees, employeeId)
    if (employees.length === 0) return 'unknown-employee'
    const taken = [...this.#of(tenantId).values()]
      .filter(({ status }) => status === 'scheduled')
      .map((one) => ({
        id: one.id,
        employeeId: one.employeeId,
        startMs: Date.parse(one.startTime),
        endMs: Date.parse(one.endTime),
      }))
    return { tenant: { id: tenantId, ...tenant }, service, employees, taken, nowMs: this.#clock.now() }
  }

  #of(tenantId: string): Map<string, Appointment> {
    let appointments = this.#appointments.get(tenantId)
    if (!appointments) {
      appointments = new Map<string, Appointment>()
      if (this.#tenants.has(tenantId)) this.#appointments.set(tenantId, appointments)
    }
    return appointments
  }
}

function timesOf(startMs: number, service: Service): { startTime: string; endTime: string } {
  return {
    startTime: new Date(startMs).toISOString(),
    endTime: new Date(startMs + service.durationMinutes * 60_000).toISOString(),
  }
}
