/**
 * Answers of the simulated REST API, failures in all the shapes that ElevenLabs gives them.
 *
 * @see https://elevenlabs.io/docs/api-reference/errors (read 2026-11-21)
 * @module
 */
import { randomUUID } from 'node:crypto'

/** One answer over HTTP. */
export interface RestAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** How a failure is written: the present form, the older one, a failed validation, bare text, a proxy's page. */
export type RestErrorShape = 'structured' | 'legacy' | 'validation' | 'text' | 'html'

/** What goes wrong with requests to the REST API. */
export interface RestFault {
  /** Only requests whose path contains this. Default: any. */
  readonly path?: string
  /** The HTTP status. Default: the request is answered as usual, only late. */
  readonly status?: number
  /** Default `structured`. */
  readonly shape?: RestErrorShape
  /** Default: what ElevenLabs says with that status. */
  readonly code?: string
  readonly message?: string
  /** The header `Retry-After`, in seconds. */
  readonly retryAfterSecs?: number
  /** The answer is so late, in milliseconds. Default 0. */
  readonly delayMs?: number
  /** To how many requests it happens. Default 1. */
  readonly times?: number
}

const KINDS: Readonly<Record<number, readonly [type: string, code: string]>> = {
  400: ['invalid_request_error', 'invalid_request'],
  401: ['authentication_error', 'invalid_api_key'],
  403: ['permission_error', 'insufficient_permissions'],
  404: ['not_found_error', 'not_found'],
  409: ['conflict_error', 'conflict'],
  422: ['validation_error', 'missing'],
  429: ['rate_limit_error', 'rate_limit_exceeded'],
}

/** A JSON answer. */
export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): RestAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}

/** A failure in one of its shapes. */
export function errorAnswer(fault: RestFault & { readonly status: number }): RestAnswer {
  const { status, shape = 'structured', retryAfterSecs } = fault
  const [type, kindCode] = KINDS[status] ?? ['internal_error', 'internal_server_error']
  const code = fault.code ?? kindCode
  const message = fault.message ?? `Simulated failure (${status})`
  const headers: Record<string, string> = retryAfterSecs === undefined ? {} : { 'retry-after': String(retryAfterSecs) }
  switch (shape) {
    case 'structured': {
      const request_id = randomUUID()
      return jsonAnswer(status, { detail: { type, code, message, status: code, request_id, param: null } }, headers)
    }
    case 'legacy':
      return jsonAnswer(status, { detail: { status: code, message } }, headers)
    case 'validation':
      return jsonAnswer(status, { detail: [{ loc: ['query', 'agent_id'], msg: message, type: code }] }, headers)
    case 'text':
      return jsonAnswer(status, { detail: message }, headers)
    case 'html': {
      const page = `<html><head><title>${status}</title></head><body><h1>${status}</h1></body></html>`
      return { status, headers: { ...headers, 'content-type': 'text/html' }, body: page }
    }
  }
}
