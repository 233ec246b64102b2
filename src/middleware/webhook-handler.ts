/**
 * Proves Twilio's webhooks and hands what was proven to a route.
 *
 * @module
 */
import { maskingLogger, silentLogger, type Logger } from '../core/logger.js'
import { verifyTwilioRequest } from '../webhooks/twilio-signature.js'
import { textResponse, type HostHandler, type HostResponse } from './host-request.js'

/** A request of which the signature was right. */
export interface ProvenRequest {
  /** The parameters that were signed. */
  readonly params: Readonly<Record<string, string>>
  /** What our own address said, which the signature covers too. */
  readonly query: URLSearchParams
  /** `I-Twilio-Idempotency-Token`: the same for every delivery of one webhook. */
  readonly idempotencyToken: string | undefined
}

/** What happens with a proven request. It may throw: the answer is then a 500 without details. */
export type WebhookRoute = (request: ProvenRequest) => HostResponse | Promise<HostResponse>

export interface WebhookHandlerOptions {
  /** The public address that requests below it were sent to, without a slash at the end. */
  readonly publicUrl: string
  readonly authToken: string | readonly string[]
  /** Path below the mount point → route. */
  readonly routes: Readonly<Record<string, WebhookRoute>>
  readonly logger?: Logger
}

/** Twilio's forms are a few kilobytes; no body larger than this is read, in bytes. */
export const MAX_WEBHOOK_BODY_BYTES = 256 * 1024

const BODY_PROBLEMS = {
  'too-large': textResponse(413, 'The body is too large'),
  'already-parsed': textResponse(
    400,
    'The body was parsed before its signature was checked: mount callweave before the body parser',
  ),
}

/**
 * Makes the handler for Twilio's webhooks.
 *
 * A request without a right signature is answered with 403 and nothing else; the reason goes to the logger.
 */
export function createWebhookHandler(options: WebhookHandlerOptions): HostHandler {
  const { publicUrl, authToken, routes } = options
  const logger = maskingLogger(options.logger ?? silentLogger)
  return async (request) => {
    const { method, target } = request
    const path = target.split('?', 1)[0] ?? '/'
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined
    if (!route) return undefined
    if (method !== 'POST' && method !== 'GET') return textResponse(405, 'Method not allowed')
    const body = await request.readBody(MAX_WEBHOOK_BODY_BYTES)
    if ('problem' in body) return BODY_PROBLEMS[body.problem]
    const contentType = single(request.header('content-type'))
    const verdict = verifyTwilioRequest({
      authToken,
      signature: request.header('x-twilio-signature'),
      url: publicUrl + target,
      method,
      ...(contentType === undefined ? {} : { contentType }),
      body: body.bytes,
    })
    if (!verdict.ok) {
      logger.warn('A webhook was refused', { path, code: verdict.code, reason: verdict.reason })
      return textResponse(403, 'Forbidden')
    }
    try {
      return await route({
        params: firstValues(verdict.params),
        query: new URLSearchParams(target.slice(path.length)),
        idempotencyToken: single(request.header('i-twilio-idempotency-token')),
      })
    } catch (error) {
      logger.error('A webhook route failed', { path, error })
      return textResponse(500, 'Internal error')
    }
  }
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

/** Twilio sends a parameter once, whatever the form may hold. */
function firstValues(params: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([k, v]) => [k, typeof v === 'string' ? v : (v[0] ?? '')]))
}
