/**
 * What a close of the agent socket means: the typed error, whether a repeat can help, and what to change.
 *
 * ElevenLabs documents 1000, 1002, 1008 and 1011; 3000 and the texts are what integrators see. A code that nobody has
 * described is an error with its code and reason.
 *
 * @see https://github.com/elevenlabs/packages `agent.asyncapi.yaml` (read 2026-11-21)
 * @module
 */
import { VendorError, type VendorErrorOptions, type VoiceErrorCode } from '../core/errors.js'
import { cleanVendorText } from './vendor-text.js'

/** What an `error` message says; it often comes just before the close and says more than it. */
export interface ErrorFrame {
  readonly code?: number | undefined
  readonly errorType?: string | undefined
  readonly reason?: string | undefined
  readonly message?: string | undefined
}

interface Verdict {
  readonly code: VoiceErrorCode
  readonly retry: NonNullable<VendorErrorOptions['retry']>
  readonly remedy?: string
}

/** What each overridable field is called in the dashboard, under Security, Overrides. */
const OVERRIDE_SETTINGS: Readonly<Record<string, string>> = {
  first_message: 'First message',
  language: 'Agent language',
  prompt: 'System prompt',
  llm: 'LLM',
  voice_id: 'Voice',
  stability: 'Voice stability',
  speed: 'Voice speed',
  similarity_boost: 'Voice similarity',
  text_only: 'Text only',
  tool_ids: 'Tools',
  knowledge_base: 'Knowledge base',
  custom_llm_extra_body: 'Custom LLM extra body',
}

const OVERRIDE = /override for field ['"]?([\w.]+)['"]?/i
const OVERRIDE_AT_ALL = /overrid(?:e|ing|es).{0,40}not (?:allowed|permitted)/i
const VARIABLES_MISSING = /missing (?:required )?dynamic variables?/i
const VARIABLE_NAMES = /\{([^}]*)\}/

/** Kinds of 1002 that come again: the same conversation would be stopped once more. */
const LASTING_1002 = new Set(['safety_violation', 'custom_llm_error', 'transport_receive_timeout'])

/**
 * The error for a close that was not normal.
 *
 * @param lastError - The last `error` message before the close, when it was recent. It fills in what the close leaves out.
 */
export function conversationError(closeCode: number, reason: string, lastError?: ErrorFrame): VendorError {
  const text = [reason, lastError?.reason, lastError?.message].filter(Boolean).join(' / ')
  // A connection that just ends says nothing; what was announced before does.
  const hasNoCode = closeCode === 1005 || closeCode === 1006
  const code = hasNoCode && lastError?.code !== undefined && lastError.code !== 1000 ? lastError.code : closeCode
  const verdict = verdictOn(code, text, lastError?.errorType)
  const said = cleanVendorText(reason || lastError?.reason || lastError?.message)
  const { errorType } = lastError ?? {}
  return new VendorError(verdict.code, `ElevenLabs ended the conversation (${closeCode})${said && `: ${said}`}`, {
    closeCode,
    retry: verdict.retry,
    ...(verdict.remedy === undefined ? {} : { remedy: verdict.remedy }),
    ...(errorType === undefined ? {} : { vendorCode: cleanVendorText(errorType) }),
  })
}

function verdictOn(code: number, text: string, errorType: string | undefined): Verdict {
  // What lies in the account or the agent is told by the text, under more than one code.
  if (/quota/i.test(text)) return { code: 'elevenlabs_quota_exceeded', retry: 'never' }
  if (/misconfigured/i.test(text)) return { code: 'elevenlabs_agent_misconfigured', retry: 'never' }
  switch (code) {
    case 1002:
      return operationalVerdict(errorType)
    case 1003:
    case 1007:
    case 1008:
      return contractVerdict(text, errorType)
    case 1009:
      return { code: 'elevenlabs_message_too_large', retry: 'never' }
    case 1011:
    case 1012:
    case 1013:
    case 1014:
      return { code: 'elevenlabs_server_error', retry: 'backoff' }
    case 1001:
    case 1005:
    case 1006:
      return { code: 'elevenlabs_connection_lost', retry: 'once' }
    case 3000:
    case 3003:
      return admissionVerdict(text)
    case 4300:
      return { code: 'elevenlabs_queue_timeout', retry: 'never' }
    default:
      return { code: 'elevenlabs_operational_failure', retry: 'never' }
  }
}

function operationalVerdict(errorType: string | undefined): Verdict {
  const code = 'elevenlabs_operational_failure'
  if (errorType === 'transport_receive_timeout') {
    const remedy =
      'ElevenLabs heard nothing for 60 seconds. Send the caller\u2019s audio without a gap, silence included.'
    return { code, retry: 'never', remedy }
  }
  if (errorType === 'custom_llm_error') {
    return { code, retry: 'never', remedy: 'The agent\u2019s custom model failed. Look at that server\u2019s log.' }
  }
  return { code, retry: LASTING_1002.has(errorType ?? '') ? 'never' : 'once' }
}

function contractVerdict(text: string, errorType: string | undefined): Verdict {
  const field = OVERRIDE.exec(text)?.[1]
  if (field !== undefined || errorType === 'override_error' || OVERRIDE_AT_ALL.test(text)) {
    return { code: 'elevenlabs_override_not_allowed', retry: 'never', ...overrideRemedy(field) }
  }
  if (VARIABLES_MISSING.test(text) || errorType?.startsWith('missing_dynamic_variable')) {
    const names = cleanVendorText(VARIABLE_NAMES.exec(text)?.[1])
    const remedy = `Send these dynamic variables with the initiation: ${names}. The dashboard\u2019s placeholders are not used.`
    return { code: 'elevenlabs_dynamic_variable_missing', retry: 'never', ...(names ? { remedy } : {}) }
  }
  if (/daily call limit/i.test(text)) {
    const remedy = 'The agent has had its calls for today. Raise its daily limit in the dashboard, under Security.'
    return { code: 'elevenlabs_rate_limited', retry: 'never', remedy }
  }
  if (/\bhost\b.*not allowed|origin/i.test(text)) {
    const remedy = 'The agent has an allowlist of hosts. Set the origin option to one of them, or use a signed URL.'
    return { code: 'elevenlabs_unauthorized', retry: 'never', remedy }
  }
  return { code: 'elevenlabs_contract_violation', retry: 'never' }
}

function overrideRemedy(field: string | undefined): { remedy?: string } {
  if (field === undefined) return {}
  const name = field.split('.').at(-1) ?? field
  const setting = Object.hasOwn(OVERRIDE_SETTINGS, name) ? OVERRIDE_SETTINGS[name] : undefined
  const where = setting === undefined ? `the setting for ${field}` : `\u201c${setting}\u201d`
  return {
    remedy: `In the ElevenLabs dashboard open the agent, Security, Overrides, and enable ${where}; or stop sending the override ${field}.`,
  }
}

function admissionVerdict(text: string): Verdict {
  if (/not exist|not found/i.test(text)) return { code: 'elevenlabs_agent_not_found', retry: 'never' }
  return { code: 'elevenlabs_unauthorized', retry: 'never' }
}
