/**
 * What the agent may ask the host to do: typed tools, one registry for every road, ready-made ones.
 *
 * @module
 */
export { appointmentTools, type AppointmentToolsOptions } from './appointment-tools.js'
export {
  CONVERSATION_ID_PARAMETER,
  toolDefinitions,
  type ClientToolConfig,
  type DefinitionsOptions,
  type PlainToolDefinition,
  type WebhookToolConfig,
} from './definitions.js'
export { MemoryScheduling, type MemorySchedulingOptions, type MemoryTenant } from './memory-scheduling.js'
export { PostgresScheduling, type PostgresSchedulingOptions, type SchedulingSqlClient } from './postgres-scheduling.js'
export { ToolRegistry, type ToolRegistryOptions, type ToolRequest } from './registry.js'
export { memoryToolRepeats, type MemoryToolRepeatsOptions, type ToolRepeats } from './repeats.js'
export { storeToolRepeats, type StoreToolRepeatsOptions } from './store-repeats.js'
export type { ClaimOutcome, ClaimPort, HeldClaim } from '../core/claims.js'
export type {
  Appointment,
  Booking,
  BookingRefusal,
  Employee,
  Opening,
  OpeningsQuery,
  Scheduling,
  Service,
  TenantInfo,
} from './scheduling.js'
export type { JsonSchema, SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js'
export { tellBookings } from './tell-bookings.js'
export { telephoneTools, type TelephoneActions, type TelephoneToolsOptions } from './telephone-tools.js'
export {
  defineTool,
  refuse,
  ToolRefusal,
  type AgentTool,
  type AgentToolContext,
  type AgentToolDefinition,
  type ToolAnswer,
} from './tool.js'
export {
  businessHoursSummary,
  isOpenAt,
  type BusinessHours,
  type DayHours,
  type Weekday,
} from '../core/business-hours.js'
