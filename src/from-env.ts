/**
 * Reads the configuration from environment variables: the only place that does, and only when it is called.
 *
 * @module
 */
import { parseConfig, type ParseConfigOptions, type VoiceConfig } from './config.js'

/** The names that are looked for, in order; the first that is set and not empty counts. */
const VARIABLES = {
  publicUrl: [
    'PUBLIC_URL',
    'WEBHOOK_BASE_URL',
    'WEBHOOK_URL',
    'NGROK_URL',
    'API_URL',
    'APP_BASE_URL',
    'NEXT_PUBLIC_APP_URL',
    'DOMAIN', // a bare host
  ],
  'twilio.accountSid': ['TWILIO_ACCOUNT_SID'],
  'twilio.authToken': ['TWILIO_AUTH_TOKEN'],
  'twilio.from': ['TWILIO_PHONE_NUMBER'],
  'twilio.baseUrl': ['TWILIO_BASE_URL'],
  'elevenlabs.apiKey': ['ELEVENLABS_API_KEY'],
  'elevenlabs.agentId': ['ELEVENLABS_AGENT_ID'],
  'elevenlabs.voiceId': ['ELEVENLABS_VOICE_ID'],
  'elevenlabs.webhookSecret': ['ELEVENLABS_WEBHOOK_SECRET'],
  'elevenlabs.baseUrl': ['ELEVENLABS_BASE_URL'],
} as const

/** Variables that may hold several values, separated by commas, while a secret is rotated. */
const LISTS: ReadonlySet<string> = new Set(['twilio.authToken', 'elevenlabs.webhookSecret'])

export interface LoadConfigOptions extends Pick<ParseConfigOptions, 'allowInsecure'> {
  /** Added to {@link VoiceConfig.publicUrl}, e.g. `/voice` where the app mounts the router there. Default none. */
  readonly mountPath?: string
}

/**
 * Reads a {@link VoiceConfig} from `env`.
 *
 * @param env - Default `process.env`.
 * @throws ConfigError `config_invalid` that names every variable which is missing or wrong.
 */
export function loadConfigFromEnv(
  env: Readonly<Record<string, string | undefined>> = process.env,
  options: LoadConfigOptions = {},
): VoiceConfig {
  const values: Record<string, string | string[] | undefined> = {}
  const names: Record<string, string> = {}
  for (const [path, variables] of Object.entries(VARIABLES)) {
    const name = variables.find((variable) => env[variable]?.trim())
    names[path] = name ?? variables.join(' or ')
    const text = name === undefined ? undefined : env[name]?.trim()
    values[path] = text !== undefined && LISTS.has(path) && text.includes(',') ? splitList(text) : text
    if (name === 'DOMAIN' && text !== undefined && !text.includes('://')) values[path] = `https://${text}`
  }
  if (typeof values.publicUrl === 'string' && options.mountPath !== undefined) {
    values.publicUrl = `${values.publicUrl.replace(/\/+$/, '')}/${options.mountPath.replace(/^\/+/, '')}`
  }
  return parseConfig(
    { publicUrl: values.publicUrl, twilio: section(values, 'twilio'), elevenlabs: section(values, 'elevenlabs') },
    { ...(options.allowInsecure === undefined ? {} : { allowInsecure: options.allowInsecure }), names },
  )
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function section(
  values: Readonly<Record<string, string | string[] | undefined>>,
  name: string,
): Record<string, unknown> {
  const own = Object.entries(values).filter(([path, value]) => path.startsWith(`${name}.`) && value !== undefined)
  return Object.fromEntries(own.map(([path, value]) => [path.slice(name.length + 1), value]))
}
