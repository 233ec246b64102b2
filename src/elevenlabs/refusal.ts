/**
 * What a refusal over HTTP means: the four shapes of ElevenLabs' error body, and the typed error made of them.
 *
 * @see https://elevenlabs.io/docs/api-reference/errors (read 2026-11-21)
 * @module
 */
import { z } from 'zod'
import { VendorError, type VendorErrorOptions, type VoiceErrorCode } from '../core/errors.js'
import { retryAfterMs } from '../core/http.js'
import { cleanVendorText } from './vendor-text.js'

/** An answer that is not what was asked for. */
export interface Refusal {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly text: string
}

/** What an error body says, whatever its shape. */
export interface RefusalBody {
  /** The vendor's word for what happened: `quota_exceeded`, `invalid_api_key`, … */
  readonly vendorCode: string | undefined
  readonly message: string
  readonly requestId: string | undefined
}

const word = z.string().nullish().catch(undefined)
const structured = z.object({ code: word, status: word, type: word, message: word, request_id: word })
const validation = z.array(
  z.object({ loc: z.array(z.union([z.string(), z.number()])).catch([]), msg: word, type: word }),
)
const errorBody = z.object({ detail: z.union([structured, validation, z.string()]) })

/** Reads an error body: structured, legacy, a list of invalid fields, or text of any kind. */
export function parseRefusalBody(text: string): RefusalBody {
  const parsed = errorBody.safeParse(jsonOrUndefined(text))
  if (!parsed.success) {
    const isMarkup = /^\s*</.test(text)
    return { vendorCode: undefined, message: isMarkup ? '' : cleanVendorText(text), requestId: undefined }
  }
  const { detail } = parsed.data
  if (typeof detail === 'string')
    return { vendorCode: undefined, message: cleanVendorText(detail), requestId: undefined }
  if (Array.isArray(detail)) {
    const fields = detail.slice(0, 5).map(({ loc, msg, type }) => `${loc.join('.')}: ${msg ?? type ?? 'invalid'}`)
    return { vendorCode: 'validation_error', message: cleanVendorText(fields.join('; ')), requestId: undefined }
  }
  return {
    vendorCode: vendorWord(detail.code ?? detail.status ?? detail.type),
    message: cleanVendorText(detail.message ?? ''),
    requestId: vendorWord(detail.request_id),
  }
}

const QUOTA = /quota_exceeded|insufficient_credits|payment_required/
const SCOPE = /missing_permissions|insufficient_permissions/

/**
 * The error for an answer that refuses.
 *
 * @param what - What was asked for, to begin the message with: `get-signed-url`.
 * @param nowMs - The time, to read a `Retry-After` date against.
 */
export function refusalError(what: string, { status, headers, text }: Refusal, nowMs: number): VendorError {
  const { vendorCode, message, requestId: bodyRequestId } = parseRefusalBody(text)
  const requestId = bodyRequestId ?? requestIdOf(headers)
  const waitMs = retryAfterMs(headers.get('retry-after'), nowMs)
  const { code, retry, remedy } = verdictOn(status, vendorCode ?? '', message)
  const named = vendorCode === undefined ? '' : `, ${vendorCode}`
  return new VendorError(code, `${what}: ElevenLabs answered ${status}${named}${message && `: ${message}`}`, {
    status,
    retry,
    ...(vendorCode === undefined ? {} : { vendorCode }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    ...(remedy === undefined ? {} : { remedy }),
  })
}

/** The id to quote in a support ticket. Which header carries it differs from route to route. */
export function requestIdOf(headers: { get(name: string): string | null }): string | undefined {
  for (const name of ['request-id', 'x-request-id', 'x-trace-id']) {
    const value = vendorWord(headers.get(name))
    if (value !== undefined) return value
  }
  return undefined
}

interface Verdict {
  readonly code: VoiceErrorCode
  readonly retry: NonNullable<VendorErrorOptions['retry']>
  readonly remedy?: string
}

function verdictOn(status: number, vendorCode: string, message: string): Verdict {
  if (QUOTA.test(vendorCode) || status === 402) return { code: 'elevenlabs_quota_exceeded', retry: 'never' }
  if (SCOPE.test(vendorCode)) {
    const remedy = 'The API key is valid but has no permission for this. Give it the permission that the message names.'
    return { code: 'elevenlabs_unauthorized', retry: 'never', remedy }
  }
  if (status === 401 || status === 403) return { code: 'elevenlabs_unauthorized', retry: 'never' }
  if (status === 404) {
    const isAgent = /agent/i.test(`${vendorCode} ${message}`)
    if (isAgent) return { code: 'elevenlabs_agent_not_found', retry: 'never' }
    const remedy = 'Check the id and the base URL. A conversation that has just ended may take a moment to appear.'
    return { code: 'elevenlabs_request_failed', retry: 'backoff', remedy }
  }
  if (status === 429) return { code: 'elevenlabs_rate_limited', retry: 'backoff' }
  if (status === 408 || status === 425 || status >= 500) return { code: 'elevenlabs_server_error', retry: 'backoff' }
  return { code: 'elevenlabs_request_failed', retry: 'never' }
}

/** Codes and ids are short words; anything else in their place is not repeated. */
function vendorWord(value: string | null | undefined): string | undefined {
  return typeof value === 'string' && /^[\w.+:-]{1,128}$/.test(value) ? value : undefined
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
