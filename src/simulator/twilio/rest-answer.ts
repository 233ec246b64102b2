/**
 * Answers of the REST API: resources, and errors in Twilio's shape with Twilio's codes.
 *
 * @see https://www.twilio.com/docs/usage/twilios-response (read 2026-11-21)
 * @module
 */

/** What the REST API answers. */
export interface RestAnswer {
  readonly status: number
  /** `undefined` for an answer without a body. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** An error as the API words it. */
export function restError(status: number, code: number, message: string): RestAnswer {
  return {
    status,
    body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status },
  }
}

/** Wrong, missing or foreign credentials. */
export const UNAUTHENTICATED = restError(401, 20003, 'Authenticate')

/** No such resource. */
export function notFound(path: string): RestAnswer {
  return restError(404, 20404, `The requested resource ${path} was not found`)
}
