/**
 * The port to a host’s calendar: services, people, hours, appointments. And the arithmetic of free times, which every
 * implementation shares.
 *
 * @module
 */
import { openingOn, type BusinessHours } from '../core/business-hours.js'
import { addDays, instantOfWallTime, wallTimeAt } from '../core/wall-clock.js'

export interface Service {
  readonly id: string
  readonly name: string
  readonly description?: string
  /** In the tenant’s currency. */
  readonly price?: number
  readonly durationMinutes: number
  readonly category?: string
}

export interface Employee {
  readonly id: string
  readonly name: string
  /** What this person does; absent: every service. */
  readonly serviceIds?: readonly string[]
}

/** What a tenant says of itself. */
export interface TenantInfo {
  readonly id: string
  readonly name: string
  /** An IANA zone; hours and appointments are in it. */
  readonly timeZone: string
  readonly businessHours: BusinessHours
  readonly phone?: string
  readonly address?: string
}

export interface Appointment {
  readonly id: string
  readonly tenantId: string
  readonly employeeId: string
  readonly serviceId: string
  readonly customerName: string
  readonly customerEmail?: string
  readonly customerPhone?: string
  /** ISO 8601, in UTC. */
  readonly startTime: string
  readonly endTime: string
  readonly status: 'scheduled' | 'cancelled'
  readonly notes?: string
}

export interface Booking {
  readonly serviceId: string
  /** Absent: whoever is free. */
  readonly employeeId?: string | undefined
  readonly customerName: string
  readonly customerEmail?: string | undefined
  readonly customerPhone?: string | undefined
  /** Milliseconds since 1970. */
  readonly startMs: number
  readonly notes?: string | undefined
}

/** Why an appointment was not made. */
export type BookingRefusal = 'unknown-service' | 'unknown-employee' | 'in-the-past' | 'closed' | 'taken'

/** A free time. */
export interface Opening {
  /** ISO 8601, in UTC. */
  readonly startTime: string
  /** As the tenant’s clock shows it: `09:30`. */
  readonly localTime: string
  readonly employeeId: string
}

export interface OpeningsQuery {
  readonly serviceId: string
  readonly employeeId?: string | undefined
  /** `YYYY-MM-DD` in the tenant’s zone. */
  readonly date: string
  readonly limit: number
}

/**
 * A calendar. Every method is given the tenant, and sees nothing of another’s; what is not there is `undefined` or an empty list.
 */
export interface Scheduling {
  tenant(tenantId: string): Promise<TenantInfo | undefined>
  services(tenantId: string): Promise<readonly Service[]>
  employees(tenantId: string): Promise<readonly Employee[]>
  /** Free times, earliest first. */
  openings(tenantId: string, query: OpeningsQuery): Promise<readonly Opening[]>
  /** Atomic: of any number of bookings at once that overlap for one person, exactly one is made. */
  book(tenantId: string, booking: Booking): Promise<Appointment | BookingRefusal>
  /** `undefined` when there is no such appointment. Cancelling twice gives the cancelled appointment again. */
  cancel(tenantId: string, appointmentId: string, reason?: string): Promise<Appointment | undefined>
  /** Atomic: the old time is free only once the new one is taken; refused, everything stays as it was. */
  reschedule(
    tenantId: string,
    appointmentId: string,
    startMs: number,
  ): Promise<Appointment | BookingRefusal | undefined>
  /** Appointments to come that have that phone or that e-mail address, earliest first, 20 at most. */
  find(
    tenantId: string,
    customer: { readonly phone?: string | undefined; readonly email?: string | undefined },
  ): Promise<readonly Appointment[]>
}

/** Free times are offered at every so many minutes. */
const GRID_MINUTES = 15

/** An interval that is taken, for one person. */
export interface TakenTime {
  readonly id: string
  readonly employeeId: string
  readonly startMs: number
  readonly endMs: number
}

/** What the arithmetic needs to know. */
export interface DayPlan {
  readonly tenant: TenantInfo
  readonly service: Service
  /** Who may do it. */
  readonly employees: readonly Employee[]
  readonly taken: readonly TakenTime[]
  readonly nowMs: number
}

/** Free times of one day, one for each start at which anybody is free. */
export function openingsOn(date: string, limit: number, plan: DayPlan): Opening[] {
  const day = openingOn(date, plan.tenant.businessHours, plan.tenant.timeZone)
  const openings: Opening[] = []
  if (!day) return openings
  for (let startMs = day.startMs; openings.length < limit; startMs += GRID_MINUTES * 60_000) {
    const endMs = startMs + plan.service.durationMinutes * 60_000
    if (endMs > day.endMs) break
    const employee = startMs > plan.nowMs ? freeEmployee(startMs, endMs, plan) : undefined
    if (employee) openings.push(openingAt(startMs, employee, plan.tenant))
  }
  return openings
}

/** Who takes a booking at that time, or why nobody does. `movedId` is an appointment whose own time counts as free. */
export function placeBooking(startMs: number, plan: DayPlan, movedId?: string): Employee | BookingRefusal {
  if (startMs <= plan.nowMs) return 'in-the-past'
  const { businessHours, timeZone } = plan.tenant
  const endMs = startMs + plan.service.durationMinutes * 60_000
  const day = openingOn(wallTimeAt(startMs, timeZone).date, businessHours, timeZone)
  if (!day || startMs < day.startMs || endMs > day.endMs) return 'closed'
  return freeEmployee(startMs, endMs, plan, movedId) ?? 'taken'
}

/** Those who do a service, and are the one that was asked for. */
export function employeesFor(
  service: Service,
  employees: readonly Employee[],
  employeeId?: string,
): readonly Employee[] {
  return employees.filter(
    (employee) =>
      (employeeId === undefined || employee.id === employeeId) &&
      (employee.serviceIds === undefined || employee.serviceIds.includes(service.id)),
  )
}

/** The days on which something that touches `date` in the zone can lie, as instants with a day to spare on either side. */
export function daySpan(date: string, zone: string): { fromMs: number; untilMs: number } {
  return {
    fromMs: instantOfWallTime(addDays(date, -1), 0, zone),
    untilMs: instantOfWallTime(addDays(date, 2), 0, zone),
  }
}

function freeEmployee(startMs: number, endMs: number, plan: DayPlan, movedId?: string): Employee | undefined {
  return plan.employees.find(
    ({ id }) =>
      !plan.taken.some(
        (one) => one.employeeId === id && one.id !== movedId && one.startMs < endMs && one.endMs > startMs,
      ),
  )
}

function openingAt(startMs: number, employee: Employee, tenant: TenantInfo): Opening {
  const { minutes } = wallTimeAt(startMs, tenant.timeZone)
  const localTime = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
  return { startTime: new Date(startMs).toISOString(), localTime, employeeId: employee.id }
}

/** Today’s date where the tenant is. */
export function todayOf(tenant: TenantInfo, nowMs: number): string {
  return wallTimeAt(nowMs, tenant.timeZone).date
}

/**
 * What two spellings of one phone number have in common: its last ten digits. Enough to find an appointment among one
 * tenant’s customers; `undefined` for what is too short to be a number.
 */
export function phoneKey(phone: string | undefined): string | undefined {
  const digits = phone?.replaceAll(/\D/g, '') ?? ''
  return digits.length < 7 ? undefined : digits.slice(-10)
}
