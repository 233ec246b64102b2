import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRefusalBody, refusalError } from '../../src/elevenlabs/refusal.js'

const NOW = Date.UTC(2026, 10, 21)
const refusal = (
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): ReturnType<typeof refusalError> =>
  refusalError(
    'get agent',
    { status, headers: new Headers(headers), text: typeof body === 'string' ? body : JSON.stringify(body) },
    NOW,
  )

describe('the body of a refusal', () => {
  test.each([
    [
      'structured',
      {
        detail: {
          type: 'rate_limit_error',
          code: 'rate_limit_exceeded',
          message: 'Slow down',
          status: 'x',
          request_id: 'req_1',
          param: null,
        },
      },
      { vendorCode: 'rate_limit_exceeded', message: 'Slow down', requestId: 'req_1' },
    ],
    [
      'legacy',
      { detail: { status: 'invalid_api_key', message: 'Invalid API key' } },
      { vendorCode: 'invalid_api_key', message: 'Invalid API key', requestId: undefined },
    ],
    [
      'validation',
      {
        detail: [
          { loc: ['body', 'agent_id'], msg: 'Field required', type: 'missing' },
          { loc: ['query', 0], type: 'int' },
        ],
      },
      { vendorCode: 'validation_error', message: 'body.agent_id: Field required; query.0: int', requestId: undefined },
    ],
    [
      'text in JSON',
      { detail: 'Unauthenticated' },
      { vendorCode: undefined, message: 'Unauthenticated', requestId: undefined },
    ],
    [
      'plain text',
      'upstream timed out',
      { vendorCode: undefined, message: 'upstream timed out', requestId: undefined },
    ],
    ['HTML', '<!doctype html><h1>502</h1>', { vendorCode: undefined, message: '', requestId: undefined }],
    ['nothing', '', { vendorCode: undefined, message: '', requestId: undefined }],
  ])('is read when it is %s', (_shape, body, read) => {
    expect(parseRefusalBody(typeof body === 'string' ? body : JSON.stringify(body))).toEqual(read)
  })

  test('of any kind becomes an error on one short line', () => {
    const detail = fc.oneof(
      fc.jsonValue(),
      fc.record({ code: fc.jsonValue(), status: fc.jsonValue(), message: fc.jsonValue() }),
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 300, max: 599 }),
        fc.oneof(
          fc.string(),
          detail.map((d) => JSON.stringify({ detail: d })),
        ),
        (status, text) => {
          const error = refusal(status, text)
          expect(error.status).toBe(status)
          expect(error.message).not.toMatch(/[\r\n]/)
          expect(error.message.length).toBeLessThan(450)
        },
      ),
      { numRuns: 3000, seed: 1 },
    )
  })
})

describe('a refusal', () => {
  test.each([
    [400, 'quota_exceeded', 'elevenlabs_quota_exceeded', 'never'],
    [401, 'quota_exceeded', 'elevenlabs_quota_exceeded', 'never'],
    [402, 'whatever', 'elevenlabs_quota_exceeded', 'never'],
    [401, 'invalid_api_key', 'elevenlabs_unauthorized', 'never'],
    [401, 'missing_permissions', 'elevenlabs_unauthorized', 'never'],
    [403, 'only_for_creator+', 'elevenlabs_unauthorized', 'never'],
    [404, 'agent_not_found', 'elevenlabs_agent_not_found', 'never'],
    [404, 'conversation_not_found', 'elevenlabs_request_failed', 'backoff'],
    [409, 'conflict', 'elevenlabs_request_failed', 'never'],
    [422, 'validation_error', 'elevenlabs_request_failed', 'never'],
    [408, 'x', 'elevenlabs_server_error', 'backoff'],
    [425, 'too_early', 'elevenlabs_server_error', 'backoff'],
    [429, 'too_many_concurrent_requests', 'elevenlabs_rate_limited', 'backoff'],
    [500, 'x', 'elevenlabs_server_error', 'backoff'],
    [503, 'system_busy', 'elevenlabs_server_error', 'backoff'],
    [302, 'x', 'elevenlabs_request_failed', 'never'],
  ])('%i %s is %s, to be retried %s', (status, vendorCode, code, retry) => {
    const error = refusal(status, { detail: { code: vendorCode, message: 'm' } })
    expect({ code: error.code, retry: error.retry, vendorCode: error.vendorCode }).toEqual({ code, retry, vendorCode })
  })

  test('of a key without permission says so, and not that the key is wrong', () => {
    const { remedy } = refusal(401, {
      detail: { status: 'missing_permissions', message: 'missing the permission user_read' },
    })
    expect(remedy).toMatch(/valid.*permission/)
  })

  test.each([
    [{ 'request-id': 'a', 'x-trace-id': 'b' }, 'a'],
    [{ 'x-request-id': 'b' }, 'b'],
    [{ 'x-trace-id': 'c' }, 'c'],
    [{ 'x-trace-id': 'not an id <script>' }, undefined],
    [{}, undefined],
  ])('carries the id of the request from whichever header has it: %j', (headers, requestId) => {
    expect(refusal(500, '', headers).requestId).toBe(requestId)
    expect(refusal(500, { detail: { request_id: 'in-body' } }, headers).requestId).toBe('in-body')
  })

  test('carries how long to wait', () => {
    expect(refusal(429, '', { 'retry-after': '7' }).retryAfterMs).toBe(7000)
    expect(refusal(429, '').retryAfterMs).toBeUndefined()
  })
})
