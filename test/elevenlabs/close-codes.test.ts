import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ERROR_REMEDIES } from '../../src/core/errors.js'
import { conversationError } from '../../src/elevenlabs/close-codes.js'

describe('what a close means', () => {
  test.each([
    [1002, 'This request exceeds your quota limit.', 'elevenlabs_quota_exceeded', 'never'],
    [1008, 'This request exceeds your quota limit.', 'elevenlabs_quota_exceeded', 'never'],
    [
      1002,
      'The AI agent you are trying to reach appears to be misconfigured',
      'elevenlabs_agent_misconfigured',
      'never',
    ],
    [1002, 'llm_timeout', 'elevenlabs_operational_failure', 'once'],
    [1008, "Override for field 'first_message' is not allowed by config.", 'elevenlabs_override_not_allowed', 'never'],
    [1008, 'Override is not allowed for this AI agent', 'elevenlabs_override_not_allowed', 'never'],
    [
      1008,
      "Missing required dynamic variables in first message: {'name'}",
      'elevenlabs_dynamic_variable_missing',
      'never',
    ],
    [1008, 'Missing dynamic variable after agent transfer', 'elevenlabs_dynamic_variable_missing', 'never'],
    [1008, 'Agent has exceeded its daily call limit of 100', 'elevenlabs_rate_limited', 'never'],
    [1008, 'Host example.com is not allowed to connect to this agent', 'elevenlabs_unauthorized', 'never'],
    [1008, 'Invalid message', 'elevenlabs_contract_violation', 'never'],
    [1007, '', 'elevenlabs_contract_violation', 'never'],
    [1009, '', 'elevenlabs_message_too_large', 'never'],
    [1011, '', 'elevenlabs_server_error', 'backoff'],
    [1012, '', 'elevenlabs_server_error', 'backoff'],
    [1006, '', 'elevenlabs_connection_lost', 'once'],
    [1005, '', 'elevenlabs_connection_lost', 'once'],
    [1001, 'going away', 'elevenlabs_connection_lost', 'once'],
    [3000, 'Could not authorize the conversation.', 'elevenlabs_unauthorized', 'never'],
    [3000, 'The AI agent you are trying to reach does not exist.', 'elevenlabs_agent_not_found', 'never'],
    [3000, 'Request error', 'elevenlabs_unauthorized', 'never'],
    [4300, '', 'elevenlabs_queue_timeout', 'never'],
    [4999, 'who knows', 'elevenlabs_operational_failure', 'never'],
  ] as const)('%i %j is %s, to be retried %s', (closeCode, reason, code, retry) => {
    const error = conversationError(closeCode, reason)
    expect({ code: error.code, retry: error.retry, closeCode: error.closeCode }).toEqual({ code, retry, closeCode })
    expect(error.message).toContain(String(closeCode))
    if (reason) expect(error.message).toContain(reason)
  })

  test.each([
    ['first_message', 'First message'],
    ['language', 'Agent language'],
    ['prompt', 'System prompt'],
    ['agent.prompt.llm', 'LLM'],
    ['voice_id', 'Voice'],
    ['something_new', 'something_new'],
    ['constructor', 'constructor'],
  ])('an override of %s that is not enabled names the setting in the dashboard', (field, setting) => {
    const { remedy } = conversationError(1008, `Override for field '${field}' is not allowed by config.`)
    expect(remedy).toContain('Security, Overrides')
    expect(remedy).toContain(setting)
    expect(remedy).toContain(field)
  })

  test('an override error that names no field keeps the general remedy', () => {
    const error = conversationError(1008, '', { code: 1008, errorType: 'override_error' })
    expect(error.code).toBe('elevenlabs_override_not_allowed')
    expect(error.remedy).toBe(ERROR_REMEDIES.elevenlabs_override_not_allowed)
    expect(error.vendorCode).toBe('override_error')
  })

  test('missing dynamic variables are named in the remedy', () => {
    const { remedy } = conversationError(1008, "Missing required dynamic variables in tools: {'name', 'order_id'}")
    expect(remedy).toContain("'name', 'order_id'")
  })

  test('silence towards ElevenLabs, unsafe talk and a broken custom model come again', () => {
    for (const errorType of ['transport_receive_timeout', 'safety_violation', 'custom_llm_error']) {
      expect(conversationError(1002, '', { code: 1002, errorType }).retry).toBe('never')
    }
    expect(conversationError(1002, '', { code: 1002, errorType: 'transport_receive_timeout' }).remedy).toContain(
      '60 seconds',
    )
    expect(conversationError(1002, '', { code: 1002, errorType: 'llm_timeout' }).retry).toBe('once')
  })

  test('a line that breaks after an error was announced has that error', () => {
    const frame = {
      code: 1008,
      errorType: 'override_error',
      reason: "Override for field 'language' is not allowed by config.",
    }
    const error = conversationError(1006, '', frame)
    expect(error.code).toBe('elevenlabs_override_not_allowed')
    expect(error.closeCode).toBe(1006)
    expect(error.remedy).toContain('Agent language')
  })

  test('an announced error fills in a close without a reason, and does not change a close that has its own code', () => {
    const error = conversationError(1011, '', { code: 1002, message: 'the model was slow' })
    expect(error.code).toBe('elevenlabs_server_error')
    expect(error.message).toContain('the model was slow')
  })

  test('numbers, secrets and addresses in the vendor\u2019s words are not repeated', () => {
    const { message } = conversationError(
      1008,
      'Caller +1 (555) 010-4477 with key sk_0123456789abcdef at wss://x.example/?conversation_signature=abc\r\nforged: line',
    )
    expect(message).not.toMatch(/4477|sk_01|conversation_signature|\n|\r/)
    expect(message).toContain('[number]')
  })

  test('whatever is said, it is an error with a code, on one short line', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1001, max: 4999 }),
        fc.string({ unit: 'binary' }),
        fc.string(),
        (code, reason, kind) => {
          const error = conversationError(code, reason.repeat(9), { errorType: kind, message: reason })
          expect(Object.keys(ERROR_REMEDIES)).toContain(error.code)
          expect(error.message.length).toBeLessThan(300)

          expect(error.message).not.toMatch(/[\u0000-\u001f]/)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
