import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.js'
import { ConfigError } from '../../src/core/errors.js'
import { loadConfigFromEnv } from '../../src/from-env.js'

const ACCOUNT = `AC${'0'.repeat(32)}`
const ENV = {
  PUBLIC_URL: 'https://calls.example.com/',
  TWILIO_ACCOUNT_SID: ACCOUNT,
  TWILIO_AUTH_TOKEN: 'token-one',
  TWILIO_PHONE_NUMBER: '+15551234567',
  ELEVENLABS_API_KEY: 'key-one',
  ELEVENLABS_AGENT_ID: 'agent_1',
}

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('loadConfigFromEnv', () => {
  test('reads the canonical names and drops the slash at the end of the address', () => {
    expect(loadConfigFromEnv(ENV)).toEqual({
      publicUrl: 'https://calls.example.com',
      twilio: { accountSid: ACCOUNT, authToken: 'token-one', from: '+15551234567' },
      elevenlabs: { apiKey: 'key-one', agentId: 'agent_1' },
    })
  })

  test('a bare DOMAIN is the address when no other is set', () => {
    const account = { TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 't', ELEVENLABS_API_KEY: 'k' }
    expect(loadConfigFromEnv({ ...account, DOMAIN: 'calls.example.com' }).publicUrl).toBe('https://calls.example.com')
    expect(loadConfigFromEnv({ ...account, DOMAIN: 'x.example', API_URL: 'https://y.example' }).publicUrl).toBe(
      'https://y.example',
    )
  })

  test.each(['WEBHOOK_BASE_URL', 'WEBHOOK_URL', 'NGROK_URL', 'API_URL', 'APP_BASE_URL', 'NEXT_PUBLIC_APP_URL'])(
    'accepts the address under the older name %s',
    (name) => {
      const { PUBLIC_URL: url, ...rest } = ENV
      expect(loadConfigFromEnv({ ...rest, [name]: url }).publicUrl).toBe('https://calls.example.com')
    },
  )

  test('the canonical name wins over an older one', () => {
    expect(loadConfigFromEnv({ ...ENV, WEBHOOK_URL: 'https://other.example.com' }).publicUrl).toContain('calls.')
  })

  test('reads several secrets, separated by commas, for rotation', () => {
    const config = loadConfigFromEnv({ ...ENV, TWILIO_AUTH_TOKEN: 'old, new', ELEVENLABS_WEBHOOK_SECRET: 'a,b' })
    expect(config.twilio.authToken).toEqual(['old', 'new'])
    expect(config.elevenlabs.webhookSecret).toEqual(['a', 'b'])
  })

  test('adds the path that the app is mounted at', () => {
    expect(loadConfigFromEnv(ENV, { mountPath: '/voice' }).publicUrl).toBe('https://calls.example.com/voice')
  })

  test('lists every problem at once, by the variable and never by its value', () => {
    const problems = problemsOf(() =>
      loadConfigFromEnv({
        TWILIO_ACCOUNT_SID: 'nonsense-sid',
        TWILIO_PHONE_NUMBER: '555-wrong',
        WEBHOOK_URL: 'http://localhost:3000',
      }),
    )
    const text = problems.join('\n')
    for (const name of [
      'TWILIO_ACCOUNT_SID',
      'TWILIO_AUTH_TOKEN',
      'TWILIO_PHONE_NUMBER',
      'ELEVENLABS_API_KEY',
      'WEBHOOK_URL',
    ]) {
      expect(text).toContain(name)
    }
    expect(text).not.toMatch(/nonsense-sid|555-wrong/)
  })

  test('reads process.env only when it is called, and by default', () => {
    expect(problemsOf(() => loadConfigFromEnv({}))).toHaveLength(4)
  })
})

describe('parseConfig', () => {
  const config = (publicUrl: string, accountSid = ACCOUNT) => ({
    publicUrl,
    twilio: { accountSid, authToken: 't' },
    elevenlabs: { apiKey: 'k' },
  })

  test.each([
    ['not a url', /absolute URL/],
    ['http://calls.example.com', /https/],
    ['https://localhost:3000', /public/],
    ['https://127.0.0.1', /public/],
    ['https://192.168.1.5', /public/],
    ['https://calls.example.com/?a=1', /no query/],
    ['https://user:pass@calls.example.com', /credentials/],
    ['wss://calls.example.com', /https/],
  ])('refuses %s as public address', (url, expected) => {
    expect(problemsOf(() => parseConfig(config(url))).join()).toMatch(expected)
  })

  test('accepts a local address and any account id for the simulator when told so', () => {
    const options = { allowInsecure: true }
    expect(parseConfig(config('http://127.0.0.1:3000/voice/', 'ACsim'), options).publicUrl).toBe(
      'http://127.0.0.1:3000/voice',
    )
  })

  test.each([undefined, null, 7, 'text', [], {}])('refuses %s whole', (input) => {
    expect(problemsOf(() => parseConfig(input)).length).toBeGreaterThan(0)
  })
})
