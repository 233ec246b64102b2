/**
 * Where each of our routes is, below the mount point.
 *
 * @module
 */

/** Our routes by name; the last two are sockets. */
export type VoiceRoute =
  /** The voice webhook of a number: somebody calls. */
  | 'inbound'
  /** The voice webhook of a number that no agent answers. */
  | 'voice'
  /** Asked when a call that we placed is answered. */
  | 'outbound'
  | 'status'
  | 'recording'
  | 'machineDetection'
  | 'streamEnded'
  | 'relayEnded'
  /** The menu by keypad, and where its keys go. */
  | 'menu'
  | 'gather'
  /** Asked when a transfer is over, and by whoever is called for one. */
  | 'transferEnded'
  | 'transferWhisper'
  /** Twilio's `FallbackUrl`: asked when another of our answers failed. */
  | 'fallback'
  | 'stream'
  | 'relay'

/** A path for each route. */
export type VoicePaths = Readonly<Record<VoiceRoute, string>>

/** Where the routes are unless something else is said. */
export const DEFAULT_PATHS: VoicePaths = {
  inbound: '/inbound',
  voice: '/voice',
  outbound: '/outbound',
  status: '/status',
  recording: '/recording',
  machineDetection: '/machine-detection',
  streamEnded: '/stream-ended',
  relayEnded: '/relay-ended',
  menu: '/menu',
  gather: '/gather',
  transferEnded: '/transfer-ended',
  transferWhisper: '/transfer-whisper',
  fallback: '/fallback',
  stream: '/stream',
  relay: '/relay',
}

/**
 * The paths of older systems, so that numbers and dashboards that point at them need not be changed. Mount at the root, with a `publicUrl` without
 * a path. What a system had no path for stays where it is by default.
 */
export const PATH_PRESETS = {
  nextLevel: { status: '/webhooks/twilio/call-status', recording: '/webhooks/twilio/recording-status' },
  voiceApi: {
    outbound: '/twiml/media-stream',
    menu: '/twiml/gather-input',
    gather: '/twiml/process-input',
    status: '/webhooks/twilio/status',
    recording: '/webhooks/twilio/recording',
    stream: '/media-stream',
  },
  voiceNow: { outbound: '/api/webhooks/twilio/elevenlabs-outbound', status: '/api/webhooks/twilio/call-status' },
  tonris: {
    inbound: '/api/webhooks/twilio/elevenlabs',
    voice: '/api/webhooks/twilio/voice',
    status: '/api/webhooks/twilio/status',
    stream: '/media-stream',
  },
  /** One address for both directions: our own calls name their attempt. */
  closeLoop: {
    inbound: '/api/twilio/voice',
    outbound: '/api/twilio/voice',
    status: '/api/twilio/status',
    recording: '/api/twilio/recording',
  },
} as const satisfies Readonly<Record<string, Partial<VoicePaths>>>

/** The name of an older system's paths. */
export type PathPreset = keyof typeof PATH_PRESETS

/** Fills in what is not given. @throws TypeError for a preset that does not exist, a path without a slash, or two routes at one path. */
export function pathsOf(given: PathPreset | Partial<VoicePaths> = {}): VoicePaths {
  if (typeof given === 'string' && !Object.hasOwn(PATH_PRESETS, given)) {
    throw new TypeError(`paths must be one of ${Object.keys(PATH_PRESETS).join(', ')}, or paths by route`)
  }
  const paths: VoicePaths = { ...DEFAULT_PATHS, ...(typeof given === 'string' ? PATH_PRESETS[given] : given) }
  const taken = new Map<string, string>()
  for (const [route, path] of Object.entries(paths)) {
    if (!/^\/[\w/.~-]*$/.test(path)) throw new TypeError(`paths.${route} must be a path that begins with a slash`)
    const other = taken.get(path)
    const isPair = route === 'outbound' && other === 'inbound'
    if (other !== undefined && !isPair) throw new TypeError(`paths.${route} and paths.${other} must differ`)
    taken.set(path, route)
  }
  return paths
}

/** Addresses of our routes. */
export class FrontUrls {
  readonly paths: VoicePaths
  readonly #publicUrl: string

  constructor(publicUrl: string, paths: VoicePaths) {
    this.#publicUrl = publicUrl
    this.paths = paths
  }

  /** The absolute address of a route; what is `undefined` is left out of the query. */
  of(route: VoiceRoute, query: Readonly<Record<string, string | undefined>> = {}): string {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value)
    const text = search.toString()
    return `${this.#publicUrl}${this.paths[route]}${text === '' ? '' : `?${text}`}`
  }

  /** The address of a socket. Twilio drops its query. */
  socket(route: 'stream' | 'relay'): string {
    return this.of(route).replace(/^http/, 'ws')
  }
}
