/**
 * Where a failed schema becomes an error that names the field and never the value.
 *
 * @module
 */
import type { ZodType } from 'zod'
import { ProtocolError, type VoiceErrorCode } from './errors.js'

/**
 * Checks `value` against `schema`.
 *
 * @throws {@link ProtocolError} with `code`; the message lists the paths that failed and what was expected there. Values
 * are left out: they may be speech, digits or numbers.
 */
export function parseWith<T>(schema: ZodType<T>, value: unknown, code: VoiceErrorCode, what: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issues = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.code}`)
  throw new ProtocolError(code, `${what} is malformed (${issues.join('; ')})`)
}

/** Parses JSON text. @throws {@link ProtocolError} with `code` when it is not JSON. */
export function parseJson(text: string, code: VoiceErrorCode, what: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new ProtocolError(code, `${what} is not JSON (${text.length} characters)`)
  }
}
