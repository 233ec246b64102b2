/**
 * The receptionist's plain routes: services as data, an appointment by POST, with the bodies and errors that its agents are set up for.
 *
 * @module
 */
import type { Appointment, Booking, BookingRefusal, Scheduling } from '../agent-tools/scheduling.js'
import { failure, jsonResponse, type HostResponse } from './host-request.js'
import { admittedCall, inTime, type ElevenLabsRouteContext } from './elevenlabs-options.js'

/** `GET …/services?tenantId=…` */
export async function servicesRoute(query: URLSearchParams, context: ElevenLabsRouteContext): Promise<HostResponse> {
  const { scheduling } = context.options
  const tenantId = query.get('tenantId') ?? ''
  if (tenantId === '') return jsonResponse(400, failure('tenantId is required', 'VALIDATION_ERROR'))
  const hints = { tenantId }
  const call = await admittedCall(context, hints)
  if ('status' in call) return call
  if (!scheduling) return jsonResponse(404, failure('Not found', 'NOT_FOUND'))
  const offered = await inTime(context, 'services', () => scheduling.services(tenantId))
  if ('status' in offered) return offered
  const services = offered.map(({ durationMinutes, ...service }) => ({
    ...service,
    duration: durationMinutes,
  }))
  return jsonResponse(200, { success: true, data: { services, total: services.length, tenantId } })
}

const REQUIRED = ['employeeId', 'serviceId', 'customerName', 'startTime'] as const
const OPTIONAL = ['customerEmail', 'customerPhone', 'notes'] as const
const REQUIRED_ERROR = failure('employeeId, serviceId, customerName, and startTime are required', 'VALIDATION_ERROR')
const NOT_A_TIME = failure('startTime must be an ISO 8601 time with its zone', 'VALIDATION_ERROR')
const MAX_TEXT = 2000

const REFUSALS: Readonly<Record<BookingRefusal, readonly [status: number, error: string, code: string]>> = {
  'unknown-service': [404, 'Service not found', 'UNKNOWN_SERVICE'],
  'unknown-employee': [404, 'Employee not found', 'UNKNOWN_EMPLOYEE'],
  'in-the-past': [400, 'startTime is in the past', 'IN_THE_PAST'],
  closed: [409, 'The business is closed at that time', 'CLOSED'],
  taken: [409, 'That time is not free any more', 'SLOT_TAKEN'],
}

/** `POST …/appointments`, the tenant in the body or in the query; where both name one they must agree. */
export async function appointmentRoute(
  json: unknown,
  query: URLSearchParams,
  context: ElevenLabsRouteContext,
): Promise<HostResponse> {
  const { scheduling } = context.options
  const body = (typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {}) as Record<
    string,
    unknown
  >
  const inQuery = query.get('tenantId') ?? undefined
  const inBody = textOf(body.tenantId)
  if (inQuery !== undefined && inBody !== undefined && inQuery !== inBody) {
    return jsonResponse(400, failure('tenantId in the body and in the query differ', 'TENANT_MISMATCH'))
  }
  const tenantId = inBody ?? inQuery
  if (tenantId === undefined) return jsonResponse(400, failure('tenantId is required', 'VALIDATION_ERROR'))
  const values = Object.fromEntries([...REQUIRED, ...OPTIONAL].map((name) => [name, textOf(body[name])]))
  const { employeeId, serviceId, customerName, startTime } = values
  if (!employeeId || !serviceId || !customerName || !startTime) return jsonResponse(400, REQUIRED_ERROR)
  const startMs = /(Z|[+-]\d{2}:?\d{2})$/.test(startTime) ? Date.parse(startTime) : NaN
  if (Number.isNaN(startMs)) return jsonResponse(400, NOT_A_TIME)
  const hints = { tenantId, conversationId: textOf(body.conversation_id) }
  const call = await admittedCall(context, hints)
  if ('status' in call) return call
  if (!scheduling) return jsonResponse(404, failure('Not found', 'NOT_FOUND'))
  const booking = {
    employeeId,
    serviceId,
    customerName,
    startMs,
    customerEmail: values.customerEmail,
    customerPhone: values.customerPhone,
    notes: values.notes ?? 'Created via ElevenLabs AI',
  }
  const appointment = await inTime(context, 'book', async () => {
    const made = await scheduling.book(tenantId, booking)
    return made === 'taken' ? ((await bookedBefore(scheduling, tenantId, booking)) ?? made) : made
  })
  if (typeof appointment === 'object' && 'contentType' in appointment) return appointment
  if (typeof appointment === 'string') {
    const [status, error, code] = REFUSALS[appointment]
    return jsonResponse(status, failure(error, code))
  }
  return jsonResponse(200, { success: true, data: { appointment, message: 'Appointment created successfully' } })
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' && value.length <= MAX_TEXT ? value.trim() : undefined
}

/** The same booking, when a retry finds its time taken by itself. */
async function bookedBefore(
  scheduling: Scheduling,
  tenantId: string,
  { employeeId, serviceId, customerName, customerPhone, customerEmail, startMs }: Booking,
): Promise<Appointment | undefined> {
  const theirs = await scheduling.find(tenantId, { phone: customerPhone, email: customerEmail })
  return theirs.find(
    (one) =>
      one.employeeId === employeeId &&
      one.serviceId === serviceId &&
      one.customerName === customerName &&
      Date.parse(one.startTime) === startMs,
  )
}
