/**
 * What the library can be told about accounts and addresses, as one schema with defaults.
 *
 * @module
 */
import { z } from 'zod'
import { ConfigError } from './core/errors.js'

/** Accounts and addresses of one deployment. */
export interface VoiceConfig {
  /**
   * The public address that Twilio reaches this app at, mount path included, e.g. `https://calls.example.com/voice`. Twilio
   * signs the address it was given, so this must be it to the letter; a slash at the end is dropped.
   */
  readonly publicUrl: string
  readonly twilio: {
    /** `AC` and 32 hexadecimal digits. */
    readonly accountSid: string
    /** The primary auth token. While you rotate, `[current, next]`: all are accepted. */
    readonly authToken: string | readonly string[]
    /** The number that calls come from, in E.164. */
    readonly from?: string
    /** Another region, e.g. `https://api.dublin.ie1.twilio.com`. Default `https://api.twilio.com`. */
    readonly baseUrl?: string
  }
  readonly elevenlabs: {
    readonly apiKey: string
    /** The agent that answers when nothing else names one. */
    readonly agentId?: string
    /** A voice to override the agent's, where its settings allow it. */
    readonly voiceId?: string
    /** The secret of ElevenLabs' webhooks; several while you rotate. */
    readonly webhookSecret?: string | readonly string[]
    /** Another region, e.g. `https://api.eu.residency.elevenlabs.io`. Default `https://api.elevenlabs.io`. */
    readonly baseUrl?: string
  }
}

export interface ParseConfigOptions {
  /**
   * Accepts `http:`, `localhost` and account SIDs that are not Twilio's, for tests and for the simulator. Default `false`:
   * Twilio reaches only public HTTPS addresses.
   */
  readonly allowInsecure?: boolean
  /** Names to report problems under, by path. Used for environment variables. */
  readonly names?: Readonly<Record<string, string>>
}

const secret = z.string().trim().min(1)
const secrets = z.union([secret, z.array(secret).min(1)])
const E164 = /^\+[1-9]\d{1,14}$/

const schema = z.object({
  publicUrl: z.string(),
  twilio: z.object({
    accountSid: z.string(),
    authToken: secrets,
    from: z.string().regex(E164, 'must be an E.164 number such as +15551234567').optional(),
    baseUrl: z.url({ protocol: /^https?$/ }).optional(),
  }),
  elevenlabs: z.object({
    apiKey: secret,
    agentId: z.string().min(1).optional(),
    voiceId: z.string().min(1).optional(),
    webhookSecret: secrets.optional(),
    baseUrl: z.url({ protocol: /^https?$/ }).optional(),
  }),
})

/**
 * Checks a configuration and normalises its address.
 *
 * @throws {@link ConfigError} `config_invalid` that lists every problem at once, by name and never by value.
 */
export function parseConfig(input: unknown, options: ParseConfigOptions = {}): VoiceConfig {
  const { allowInsecure = false, names = {} } = options
  const problems: string[] = []
  const result = schema.safeParse(input)
  if (!result.success) {
    for (const issue of result.error.issues) {
      const path = issue.path.join('.')
      const isMissing = valueAt(input, issue.path) === undefined
      problems.push(`${names[path] ?? path}: ${isMissing ? 'is missing' : issue.message}`)
    }
  }
  const { publicUrl, twilio } = (input ?? {}) as { publicUrl?: unknown; twilio?: { accountSid?: unknown } }
  const url = typeof publicUrl === 'string' ? publicUrlProblem(publicUrl, allowInsecure) : undefined
  if (url) problems.push(`${names.publicUrl ?? 'publicUrl'}: ${url}`)
  const accountSid = twilio?.accountSid
  if (typeof accountSid === 'string' && !allowInsecure && !/^AC[0-9a-fA-F]{32}$/.test(accountSid)) {
    problems.push(`${names['twilio.accountSid'] ?? 'twilio.accountSid'}: must be AC and 32 hexadecimal digits`)
  }
  if (!result.success || problems.length > 0) throw new ConfigError(problems)
  return { ...(result.data as VoiceConfig), publicUrl: result.data.publicUrl.trim().replace(/\/+$/, '') }
}

function publicUrlProblem(text: string, allowInsecure: boolean): string | undefined {
  let url: URL
  try {
    url = new URL(text.trim())
  } catch {
    return 'must be an absolute URL such as https://calls.example.com/voice'
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https:// URL'
  if (url.search || url.hash || url.username) return 'must have no query, fragment or credentials'
  if (allowInsecure) return undefined
  if (url.protocol !== 'https:') return 'must be https, as Twilio calls nothing else in production'
  if (/^(localhost|127\.|0\.0\.0\.0|\[::1\]|10\.|192\.168\.)/.test(url.hostname)) {
    return 'must be public: Twilio cannot reach this machine under that name'
  }
  return undefined
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], input)
}
