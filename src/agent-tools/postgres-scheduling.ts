/**
 * A calendar in PostgreSQL, for `pg` and for PGlite: the client is handed in.
 *
 * No two appointments of one person overlap, however many book at once: every change of a person’s day takes the next number of
 * that person’s version, and of those that read the same version one wins and the others look again.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { BusinessHours } from '../core/business-hours.js'
import { systemClock, type Clock } from '../core/clock.js'
import { VoiceError } from '../core/errors.js'
import { wallTimeAt } from '../core/wall-clock.js'
import {
  daySpan,
  employeesFor,
  openingsOn,
  phoneKey,
  placeBooking,
  type Appointment,
  type Booking,
  type BookingRefusal,
  type DayPlan,
  type Employee,
  type Opening,
  type OpeningsQuery,
  type Scheduling,
  type Service,
  type TakenTime,
  type TenantInfo,
} from './scheduling.js'

/** The member that we need of `pg.Pool` (https://node-postgres.com/apis/pool) or PGlite (https://pglite.dev/docs/api), read 2026-11-27. */
export interface SchedulingSqlClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

export interface PostgresSchedulingOptions {
  readonly client: SchedulingSqlClient
  readonly clock?: Clock
}

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS callweave_schedule_tenant (
    tenant_id text PRIMARY KEY, name text NOT NULL, time_zone text NOT NULL, business_hours jsonb NOT NULL,
    phone text, address text)`,
  `CREATE TABLE IF NOT EXISTS callweave_schedule_service (
    tenant_id text NOT NULL, id text NOT NULL, position integer NOT NULL, name text NOT NULL, description text, price double precision,
    duration_minutes integer NOT NULL CHECK (duration_minutes > 0), category text, PRIMARY KEY (tenant_id, id))`,
  `CREATE TABLE IF NOT EXISTS callweave_schedule_employee (
    tenant_id text NOT NULL, id text NOT NULL, position integer NOT NULL, name text NOT NULL, service_ids jsonb,
    version bigint NOT NULL DEFAULT 0, PRIMARY KEY (tenant_id, id))`,
  `CREATE TABLE IF NOT EXISTS callweave_schedule_appointment (
    tenant_id text NOT NULL, id text NOT NULL, employee_id text NOT NULL, service_id text NOT NULL, customer_name text NOT NULL,
    customer_email text, customer_phone text, phone_key text, start_ms bigint NOT NULL, end_ms bigint NOT NULL,
    status text NOT NULL, cancel_reason text, notes text, PRIMARY KEY (tenant_id, id))`,
  `CREATE INDEX IF NOT EXISTS callweave_schedule_appointment_time
    ON callweave_schedule_appointment (tenant_id, end_ms) WHERE status = 'scheduled'`,
  `CREATE INDEX IF NOT EXISTS callweave_schedule_appointment_phone ON callweave_schedule_appointment (tenant_id, phone_key)`,
  `CREATE INDEX IF NOT EXISTS callweave_schedule_appointment_email
    ON callweave_schedule_appointment (tenant_id, lower(customer_email))`,
]

/** The appointment that was to be moved was cancelled in between. */
const CANCELLED_MEANWHILE = Symbol('cancelled meanwhile')

/** So often a booking looks again because somebody else was quicker; far more than happens. */
const MAX_ROUNDS = 100

interface EmployeeRow {
  readonly id: string
  readonly name: string
  readonly service_ids: readonly string[] | null
  readonly version: string | number | bigint
}

interface AppointmentRow {
  readonly id: string
  readonly tenant_id: string
  readonly employee_id: string
  readonly service_id: string
  readonly customer_name: string
  readonly customer_email: string | null
  readonly customer_phone: string | null
  readonly start_ms: string | number | bigint
  readonly end_ms: string | number | bigint
  readonly status: Appointment['status']
  readonly notes: string | null
}

/** A calendar that lasts. */
export class PostgresScheduling implements Scheduling {
  readonly #client: SchedulingSqlClient
  readonly #clock: Clock

  constructor({ client, clock = systemClock }: PostgresSchedulingOptions) {
    this.#client = client
    this.#clock = clock
  }

  /** Creates what is not there. Safe to run again. */
  async migrate(): Promise<void> {
    for (const statement of SCHEMA) await this.#client.query(statement)
  }

  /** Writes a tenant, its services and its people, over what was there. Appointments stay. */
  async putTenant(tenant: TenantInfo, services: readonly Service[], employees: readonly Employee[]): Promise<void> {
    await this.#client.query(
      `INSERT INTO callweave_schedule_tenant (tenant_id, name, time_zone, business_hours, phone, address)
       VALUES ($1, $2, $3, $4::jsonb, $5, $6)
       ON CONFLICT (tenant_id) DO UPDATE SET name = $2, time_zone = $3, business_hours = $4::jsonb, phone = $5, address = $6`,
      [tenant.id, tenant.name, tenant.timeZone, JSON.stringify(tenant.businessHours), tenant.phone, tenant.address],
    )
    for (const [position, one] of services.entries()) {
      await this.#client.query(
        `INSERT INTO callweave_schedule_service (tenant_id, id, position, name, description, price, duration_minutes, category)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, id) DO UPDATE
           SET position = $3, name = $4, description = $5, price = $6, duration_minutes = $7, category = $8`,
        [tenant.id, one.id, position, one.name, one.description, one.price, one.durationMinutes, one.category],
      )
    }
    for (const [position, one] of employees.entries()) {
      await this.#client.query(
        `INSERT INTO callweave_schedule_employee (tenant_id, id, position, name, service_ids) VALUES ($1, $2, $3, $4, $5::jsonb)
         ON CONFLICT (tenant_id, id) DO UPDATE SET position = $3, name = $4, service_ids = $5::jsonb`,
        [tenant.id, one.id, position, one.name, one.serviceIds ? JSON.stringify(one.serviceIds) : null],
      )
    }
    for (const [table, kept] of [
      ['service', services],
      ['employee', employees],
    ] as const) {
      await this.#client.query(
        `DELETE FROM callweave_schedule_${table} WHERE tenant_id = $1 AND NOT (id = ANY($2::text[]))`,
        [tenant.id, kept.map(({ id }) => id)],
      )
    }
  }

  async tenant(tenantId: string): Promise<TenantInfo | undefined> {
    const [row] = await this.#rows<{
      name: string
      time_zone: string
      business_hours: BusinessHours
      phone: string | null
      address: string | null
    }>('SELECT name, time_zone, business_hours, phone, address FROM callweave_schedule_tenant WHERE tenant_id = $1', [
      tenantId,
    ])
    if (!row) return undefined
    return {
      id: tenantId,
      name: row.name,
      timeZone: row.time_zone,
      businessHours: row.business_hours,
      ...(row.phone === null ? {} : { phone: row.phone }),
      ...(row.address === null ? {} : { address: row.address }),
    }
  }

  async services(tenantId: string): Promise<readonly Service[]> {
    const rows = await this.#rows<{
      id: string
      name: string
      description: string | null
      price: number | null
      duration_minutes: number
      category: string | null
    }>(
      'SELECT id, name, description, price, duration_minutes, category FROM callweave_schedule_service WHERE tenant_id = $1 ORDER BY position',
      [tenantId],
    )
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      ...(row.description === null ? {} : { description: row.description }),
      ...(row.price === null ? {} : { price: row.price }),
      durationMinutes: row.duration_minutes,
      ...(row.category === null ? {} : { category: row.category }),
    }))
  }

  async employees(tenantId: string): Promise<readonly Employee[]> {
    return (await this.#employeeRows(tenantId)).map(employeeOf)
  }

  async openings(tenantId: string, query: OpeningsQuery): Promise<readonly Opening[]> {
    const read = await this.#plan(tenantId, query.serviceId, query.employeeId, query.date)
    return typeof read === 'string' ? [] : openingsOn(query.date, query.limit, read.plan)
  }

  async book(tenantId: string, booking: Booking): Promise<Appointment | BookingRefusal> {
    const { serviceId, employeeId, startMs, customerName, customerEmail, customerPhone, notes } = booking
    return this.#untilSettled(tenantId, serviceId, employeeId, startMs, undefined, async (employee, version, endMs) => {
      const id = `appt-${randomUUID()}`
      const [row] = await this.#rows<AppointmentRow>(
        `WITH won AS (
           UPDATE callweave_schedule_employee SET version = version + 1 WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING id)
         INSERT INTO callweave_schedule_appointment
           (tenant_id, id, employee_id, service_id, customer_name, customer_email, customer_phone, phone_key, start_ms, end_ms, status, notes)
         SELECT $1, $4, $2, $5, $6, $7, $8, $9, $10::bigint, $11::bigint, 'scheduled', $12 FROM won RETURNING *`,
        [tenantId, employee.id, version, id, serviceId, customerName, customerEmail ?? null, customerPhone ?? null,
          phoneKey(customerPhone) ?? null, startMs, endMs, notes ?? null], // prettier-ignore
      )
      return row && appointmentOf(row)
    })
  }

  async reschedule(
    tenantId: string,
    appointmentId: string,
    startMs: number,
  ): Promise<Appointment | BookingRefusal | undefined> {
    const [found] = await this.#rows<AppointmentRow>(
      `SELECT * FROM callweave_schedule_appointment WHERE tenant_id = $1 AND id = $2 AND status = 'scheduled'`,
      [tenantId, appointmentId],
    )
    if (!found) return undefined
    const { service_id: serviceId, employee_id: employeeId } = found
    const moved = await this.#untilSettled(
      tenantId,
      serviceId,
      employeeId,
      startMs,
      appointmentId,
      async (employee, version, endMs) => {
        const [row] = await this.#rows<AppointmentRow>(
          `WITH won AS (
             UPDATE callweave_schedule_employee SET version = version + 1 WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING id)
           UPDATE callweave_schedule_appointment SET start_ms = $5::bigint, end_ms = $6::bigint
           WHERE tenant_id = $1 AND id = $4 AND status = 'scheduled' AND EXISTS (SELECT 1 FROM won) RETURNING *`,
          [tenantId, employee.id, version, appointmentId, startMs, endMs],
        )
        if (row) return appointmentOf(row)
        const [still] = await this.#rows(
          `SELECT 1 FROM callweave_schedule_appointment WHERE tenant_id = $1 AND id = $2 AND status = 'scheduled'`,
          [tenantId, appointmentId],
        )
        return still ? undefined : CANCELLED_MEANWHILE
      },
    )
    return moved === CANCELLED_MEANWHILE ? undefined : moved
  }

  async cancel(tenantId: string, appointmentId: string, reason?: string): Promise<Appointment | undefined> {
    const [row] = await this.#rows<AppointmentRow>(
      `UPDATE callweave_schedule_appointment SET status = 'cancelled', cancel_reason = coalesce(cancel_reason, $3)
       WHERE tenant_id = $1 AND id = $2 RETURNING *`,
      [tenantId, appointmentId, reason ?? null],
    )
    return row && appointmentOf(row)
  }

  async find(
    tenantId: string,
    { phone, email }: { readonly phone?: string | undefined; readonly email?: string | undefined },
  ): Promise<readonly Appointment[]> {
    const rows = await this.#rows<AppointmentRow>(
      `SELECT * FROM callweave_schedule_appointment
       WHERE tenant_id = $1 AND status = 'scheduled' AND end_ms > $2 AND (phone_key = $3 OR lower(customer_email) = lower($4))
       ORDER BY start_ms LIMIT 20`,
      [tenantId, this.#clock.now(), phoneKey(phone) ?? null, email ?? null],
    )
    return rows.map(appointmentOf)
  }

  /** Reads, decides, writes; and again while somebody else was quicker. */
  async #untilSettled<Settled extends Appointment | symbol>(
    tenantId: string,
    serviceId: string,
    employeeId: string | undefined,
    startMs: number,
    movedId: string | undefined,
    write: (employee: Employee, version: string, endMs: number) => Promise<Settled | undefined>,
  ): Promise<Settled | BookingRefusal> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const read = await this.#plan(tenantId, serviceId, employeeId, startMs)
      if (typeof read === 'string') return read
      const employee = placeBooking(startMs, read.plan, movedId)
      if (typeof employee === 'string') return employee
      const endMs = startMs + read.plan.service.durationMinutes * 60_000
      const settled = await write(employee, read.versions.get(employee.id) ?? '0', endMs)
      if (settled) return settled
    }
    throw new VoiceError('agent_tool_failed', `A calendar did not come to rest in ${MAX_ROUNDS} rounds`)
  }

  async #plan(
    tenantId: string,
    serviceId: string,
    employeeId: string | undefined,
    when: string | number,
  ): Promise<{ readonly plan: DayPlan; readonly versions: ReadonlyMap<string, string> } | BookingRefusal> {
    const tenant = await this.tenant(tenantId)
    const service = (await this.services(tenantId)).find(({ id }) => id === serviceId)
    if (!tenant || !service) return 'unknown-service'
    // Versions first: what is taken is read after, so that a version that still holds proves that nothing was missed.
    const rows = await this.#employeeRows(tenantId)
    const employees = employeesFor(service, rows.map(employeeOf), employeeId)
    if (employees.length === 0) return 'unknown-employee'
    const date = typeof when === 'string' ? when : wallTimeAt(when, tenant.timeZone).date
    const { fromMs, untilMs } = daySpan(date, tenant.timeZone)
    const taken = await this.#rows<AppointmentRow>(
      `SELECT id, employee_id, start_ms, end_ms FROM callweave_schedule_appointment
       WHERE tenant_id = $1 AND status = 'scheduled' AND end_ms > $2 AND start_ms < $3`,
      [tenantId, fromMs, untilMs],
    )
    return {
      plan: { tenant, service, employees, taken: taken.map(takenOf), nowMs: this.#clock.now() },
      versions: new Map(rows.map(({ id, version }) => [id, String(version)])),
    }
  }

  #employeeRows(tenantId: string): Promise<readonly EmployeeRow[]> {
    return this.#rows<EmployeeRow>(
      'SELECT id, name, service_ids, version FROM callweave_schedule_employee WHERE tenant_id = $1 ORDER BY position',
      [tenantId],
    )
  }

  async #rows<Row>(text: string, values: unknown[]): Promise<readonly Row[]> {
    return (await this.#client.query(text, values)).rows as readonly Row[]
  }
}

function employeeOf({ id, name, service_ids: serviceIds }: EmployeeRow): Employee {
  return { id, name, ...(serviceIds === null ? {} : { serviceIds }) }
}

function takenOf(row: AppointmentRow): TakenTime {
  return { id: row.id, employeeId: row.employee_id, startMs: Number(row.start_ms), endMs: Number(row.end_ms) }
}

function appointmentOf(row: AppointmentRow): Appointment {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    employeeId: row.employee_id,
    serviceId: row.service_id,
    customerName: row.customer_name,
    ...(row.customer_email === null ? {} : { customerEmail: row.customer_email }),
    ...(row.customer_phone === null ? {} : { customerPhone: row.customer_phone }),
    startTime: new Date(Number(row.start_ms)).toISOString(),
    endTime: new Date(Number(row.end_ms)).toISOString(),
    status: row.status,
    ...(row.notes === null ? {} : { notes: row.notes }),
  }
}
