/**
 * The answer to ElevenLabs' question, at the start of a native call, for the variables and overrides of this caller.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/customization/personalization (read 2026-11-21)
 * @module
 */
import { businessHoursSummary, type BusinessHours } from '../core/business-hours.js'
import type { VariableValue } from './variables.js'

/** Whose call it is. */
export interface InitiationTenant {
  readonly tenantId: string
  readonly name: string
  /** What the agent says first. Default `Hello! Welcome to <name>.` */
  readonly greeting?: string | undefined
  readonly businessHours?: BusinessHours | undefined
  /** ISO code. Default `en`. */
  readonly language?: string | undefined
}

/** What is known of the call. */
export interface InitiationCall {
  readonly callerNumber?: string | undefined
  readonly callSid?: string | undefined
  readonly conversationId?: string | undefined
}

/** The body that ElevenLabs wants. */
export interface InitiationAnswer {
  readonly type: 'conversation_initiation_client_data'
  readonly dynamic_variables: Readonly<Record<string, VariableValue>>
  readonly conversation_config_override?: {
    readonly agent: { readonly language?: string; readonly first_message?: string }
  }
}

export interface InitiationAnswerOptions {
  readonly tenant: InitiationTenant
  readonly call: InitiationCall
  /** More variables; they win over ours. ElevenLabs wants every one that the agent uses, or the call does not start. */
  readonly variables?: Readonly<Record<string, VariableValue>>
  /**
   * Whether to override language and first message. Default `false`: an override that the agent's settings do not allow kills the call, so
   * allow both in the dashboard first (Security, Overrides).
   */
  readonly overrides?: boolean
}

/**
 * Seven variables (`tenant_id`, `tenant_name`, `business_name`, `caller_number`, `call_sid`, `conversation_id`,
 * `business_hours_summary`), the host's own, and on demand the greeting. Audio formats are not among the overrides: no such override
 * exists, they are settings of the agent.
 */
export function initiationAnswer({
  tenant,
  call,
  variables,
  overrides = false,
}: InitiationAnswerOptions): InitiationAnswer {
  const { tenantId, name, greeting = `Hello! Welcome to ${name}.`, language = 'en' } = tenant
  const own = Object.entries(variables ?? {}).filter(([key]) => !key.startsWith('system__'))
  return {
    type: 'conversation_initiation_client_data',
    dynamic_variables: {
      tenant_id: tenantId,
      tenant_name: name,
      business_name: name,
      caller_number: call.callerNumber ?? '',
      call_sid: call.callSid ?? '',
      conversation_id: call.conversationId ?? '',
      business_hours_summary: businessHoursSummary(tenant.businessHours ?? {}),
      ...Object.fromEntries(own),
    },
    ...(overrides ? { conversation_config_override: { agent: { language, first_message: greeting } } } : {}),
  }
}
