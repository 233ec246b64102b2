/**
 * The receptionist’s tools: what is offered, when it is free, book, move, cancel, find.
 *
 * @module
 */
import { z } from 'zod'
import { businessHoursSummary } from '../core/business-hours.js'
import { systemClock, type Clock } from '../core/clock.js'
import { instantOfWallTime } from '../core/wall-clock.js'
import { todayOf, type BookingRefusal, type Scheduling, type Service, type TenantInfo } from './scheduling.js'
import { defineTool, refuse, ToolRefusal, type AgentTool } from './tool.js'

export interface AppointmentToolsOptions {
  readonly scheduling: Scheduling
  readonly clock?: Clock
  /** Free times and services that are told at once. Default 4: nobody keeps more in mind on the phone. */
  readonly maxOptions?: number
  /** What stands in an appointment’s notes when the agent says nothing. Default `Created via AI assistant`. */
  readonly defaultNotes?: string
}

const REFUSALS: Readonly<Record<BookingRefusal, readonly [string, string]>> = {
  'unknown-service': ['UNKNOWN_SERVICE', 'We do not offer that service.'],
  'unknown-employee': ['UNKNOWN_EMPLOYEE', 'Nobody of that name does this.'],
  'in-the-past': ['IN_THE_PAST', 'That time has passed already.'],
  closed: ['CLOSED', 'We are closed at that time.'],
  taken: ['SLOT_TAKEN', 'That time is not free any more.'],
}

/**
 * Eight tools under all their names, and `reschedule_appointment`: `check_availability` (`get_availability`), `book_appointment`
 * (`create_appointment`), `get_services` (`list_services`), `get_business_hours` (`get_hours`), `cancel_appointment`,
 * `get_service_details`, `get_tenant_info`, `find_appointment`.
 *
 * Each answer has a `message` that the agent can say.
 */
export function appointmentTools(options: AppointmentToolsOptions): AgentTool[] {
  const { scheduling, clock = systemClock, maxOptions = 4, defaultNotes = 'Created via AI assistant' } = options

  async function tenantOf(tenantId: string): Promise<TenantInfo | ToolRefusal> {
    return (await scheduling.tenant(tenantId)) ?? refuse('UNKNOWN_TENANT', 'This business is not set up.')
  }

  /** By id, or by name: a model says the name as often as not. */
  async function serviceOf(tenantId: string, wanted: string | undefined): Promise<Service | ToolRefusal> {
    const services = await scheduling.services(tenantId)
    const [only] = services
    if (wanted === undefined) {
      if (only && services.length === 1) return only
      return refuse('SERVICE_REQUIRED', `Which service is it for? We offer: ${namesOf(services, maxOptions)}`)
    }
    const name = wanted.trim().toLowerCase()
    const found = services.find(({ id }) => id === wanted) ?? services.find((one) => one.name.toLowerCase() === name)
    return found ?? refuse(...REFUSALS['unknown-service'])
  }

  return [
    defineTool({
      name: 'check_availability',
      aliases: ['get_availability'],
      description: 'Check available appointment times for a service',
      parameters: z.object({
        date: z.string().optional().describe('Date to check (YYYY-MM-DD format)'),
        serviceId: z.string().optional().describe('Service ID to check availability for'),
      }),
      handler: async ({ date, serviceId }, { tenantId }) => {
        const tenant = await tenantOf(tenantId)
        if (tenant instanceof ToolRefusal) return tenant
        const service = await serviceOf(tenantId, serviceId)
        if (service instanceof ToolRefusal) return service
        const day = date?.slice(0, 10) ?? todayOf(tenant, clock.now())
        if (!isDate(day)) return refuse('VALIDATION_ERROR', 'date: must be a day such as 2026-03-14')
        const slots = await scheduling.openings(tenantId, { serviceId: service.id, date: day, limit: 24 })
        const times = slots.slice(0, maxOptions).map(({ localTime }) => localTime)
        const message =
          times.length === 0
            ? `There is nothing free for ${service.name} on ${day}.`
            : `On ${day} we have ${service.name} at ${times.join(', ')}${slots.length > times.length ? ', and more' : ''}.`
        return { date: day, serviceId: service.id, slots, message }
      },
    }),
    defineTool({
      name: 'book_appointment',
      aliases: ['create_appointment'],
      description: 'Book a new appointment',
      once: true,
      parameters: z.object({
        customerName: z.string().min(1).describe('Name of the customer'),
        customerPhone: z.string().optional().describe('Phone number of the customer'),
        customerEmail: z.string().optional().describe('E-mail address of the customer'),
        serviceId: z.string().min(1).describe('Service ID to book'),
        employeeId: z.string().optional().describe('Employee ID, when the customer asks for somebody'),
        startTime: z.string().min(1).describe('Start in ISO 8601, as check_availability gave it'),
        notes: z.string().optional().describe('Anything that the customer wants to be known'),
      }),
      handler: async ({ startTime, serviceId, customerPhone, notes, ...rest }, { tenantId, call }) => {
        const tenant = await tenantOf(tenantId)
        if (tenant instanceof ToolRefusal) return tenant
        const service = await serviceOf(tenantId, serviceId)
        if (service instanceof ToolRefusal) return service
        const startMs = instantOf(startTime, tenant.timeZone)
        if (startMs === undefined) return NOT_A_TIME
        const phone = customerPhone ?? call.remoteNumber
        // A model that repeats itself words its notes anew: whoever has this appointment has it, and not with somebody else as well.
        const theirs = await scheduling.find(tenantId, { phone, email: rest.customerEmail })
        const same = theirs.find(
          (one) =>
            one.serviceId === service.id &&
            Date.parse(one.startTime) === startMs &&
            one.customerName.toLowerCase() === rest.customerName.toLowerCase() &&
            (rest.employeeId === undefined || one.employeeId === rest.employeeId),
        )
        if (same) return { appointment: same, message: 'Appointment created successfully' }
        const appointment = await scheduling.book(tenantId, {
          ...rest,
          serviceId: service.id,
          startMs,
          customerPhone: phone,
          notes: notes ?? defaultNotes,
        })
        if (typeof appointment === 'string') return refuse(...REFUSALS[appointment])
        return { appointment, message: 'Appointment created successfully' }
      },
    }),
    defineTool({
      name: 'reschedule_appointment',
      description: 'Move an existing appointment to another time',
      once: true,
      parameters: z.object({
        appointmentId: z.string().min(1).describe('Appointment ID to move'),
        startTime: z.string().min(1).describe('New start in ISO 8601'),
      }),
      handler: async ({ appointmentId, startTime }, { tenantId }) => {
        const tenant = await tenantOf(tenantId)
        if (tenant instanceof ToolRefusal) return tenant
        const startMs = instantOf(startTime, tenant.timeZone)
        if (startMs === undefined) return NOT_A_TIME
        const appointment = await scheduling.reschedule(tenantId, appointmentId, startMs)
        if (!appointment) return NO_APPOINTMENT
        if (typeof appointment === 'string') return refuse(...REFUSALS[appointment])
        return { appointment, message: 'Appointment moved successfully' }
      },
    }),
    defineTool({
      name: 'cancel_appointment',
      description: 'Cancel an existing appointment',
      once: true,
      parameters: z.object({
        appointmentId: z.string().min(1).describe('Appointment ID to cancel'),
        reason: z.string().optional().describe('Why it is cancelled'),
      }),
      handler: async ({ appointmentId, reason }, { tenantId }) => {
        const appointment = await scheduling.cancel(tenantId, appointmentId, reason)
        return appointment ? { appointment, message: 'Appointment cancelled successfully' } : NO_APPOINTMENT
      },
    }),
    defineTool({
      name: 'get_services',
      aliases: ['list_services'],
      description: 'Get list of available services',
      parameters: z.object({ limit: z.number().int().positive().optional().describe('How many at most') }),
      handler: async ({ limit }, { tenantId }) => {
        const services = (await scheduling.services(tenantId)).slice(0, limit ?? 100).map(serviceForAgent)
        return { services, message: `We offer: ${namesOf(services, services.length)}` }
      },
    }),
    defineTool({
      name: 'get_service_details',
      description: 'Get specific service info',
      parameters: z.object({ serviceId: z.string().min(1).describe('Service ID to look up') }),
      handler: async ({ serviceId }, { tenantId }) => {
        const service = await serviceOf(tenantId, serviceId)
        if (service instanceof ToolRefusal) return service
        const { name, durationMinutes, price, description } = service
        const costs = price === undefined ? '' : ` and costs ${price}`
        const says = description === undefined ? '' : ` ${description}`
        return {
          service: serviceForAgent(service),
          message: `${name} takes ${durationMinutes} minutes${costs}.${says}`,
        }
      },
    }),
    defineTool({
      name: 'get_business_hours',
      aliases: ['get_hours'],
      description: 'Get business operating hours',
      handler: async (_none, { tenantId }) => {
        const tenant = await tenantOf(tenantId)
        if (tenant instanceof ToolRefusal) return tenant
        const { businessHours, timeZone } = tenant
        return { businessHours, timeZone, message: businessHoursSummary(businessHours) }
      },
    }),
    defineTool({
      name: 'get_tenant_info',
      description: 'Get tenant information',
      handler: async (_none, { tenantId }) => {
        const tenant = await tenantOf(tenantId)
        if (tenant instanceof ToolRefusal) return tenant
        return { tenant, message: `You have reached ${tenant.name}.` }
      },
    }),
    defineTool({
      name: 'find_appointment',
      description: 'Find appointments by customer',
      parameters: z.object({
        customerPhone: z.string().optional().describe('Phone number that the appointment was made with'),
        customerEmail: z.string().optional().describe('E-mail address that the appointment was made with'),
      }),
      handler: async ({ customerPhone, customerEmail }, { tenantId, call }) => {
        const phone = customerPhone ?? (customerEmail === undefined ? call.remoteNumber : undefined)
        if (phone === undefined && customerEmail === undefined) {
          return refuse('VALIDATION_ERROR', 'customerPhone or customerEmail is required')
        }
        const appointments = await scheduling.find(tenantId, { phone, email: customerEmail })
        const message =
          appointments.length === 0
            ? 'I cannot find an appointment with that.'
            : `There ${appointments.length === 1 ? 'is one appointment' : `are ${appointments.length} appointments`}.`
        return { appointments, message }
      },
    }),
  ]
}

const NO_APPOINTMENT = refuse('UNKNOWN_APPOINTMENT', 'There is no such appointment.')
const NOT_A_TIME = refuse('VALIDATION_ERROR', 'startTime: must be a time such as 2026-03-14T09:30')

function serviceForAgent({ durationMinutes, ...service }: Service): Record<string, unknown> & { name: string } {
  return { ...service, duration: durationMinutes }
}

function namesOf(services: readonly { readonly name: string }[], most: number): string {
  const names = services.slice(0, most).map(({ name }) => name)
  return `${names.join(', ')}${services.length > most ? '…' : '.'}`
}

function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))
}

/** A time that names its zone is that; one that does not is the tenant’s. */
function instantOf(text: string, zone: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/.exec(text.trim())
  if (!match) return undefined
  const [, date = '', hours = '', minutes = '', offset] = match
  const asUtcMs = Date.parse(`${date}T${hours}:${minutes}:00Z`)
  if (Number.isNaN(asUtcMs)) return undefined
  if (offset === undefined) return instantOfWallTime(date, Number(hours) * 60 + Number(minutes), zone)
  if (offset === 'Z') return asUtcMs
  const sign = offset.startsWith('-') ? 1 : -1
  return asUtcMs + sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2))) * 60_000
}
