/**
 * What Twilio would refuse of a WebSocket's address later, said at once.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/
const PLAIN = /^wss:\/\/[\w-]+(?:\.[\w-]+)*(?::\d{1,5})?(?:\/[\w./~-]*)?$/
const ELEVENLABS_HOST = /(?:^|\.)elevenlabs\.io$/

/**
 * Checks the address of a media stream.
 *
 * @throws {@link VoiceError} `twiml_invalid`: not `wss:` (31922), or with a query string, which Twilio strips.
 */
export function checkStreamUrl(url: string): void {
  if (PLAIN.test(url)) return
  const parsed = parseSocketUrl(url, 'Stream', 'wss://relative.invalid')
  if (parsed.search !== '' || url.includes('?')) {
    throw new VoiceError('twiml_invalid', 'The url of <Stream> has a query string, which Twilio strips: use parameters')
  }
}

/**
 * Checks the address of a conversation relay.
 *
 * @throws {@link VoiceError} `twiml_invalid`: not `wss:`, or at ElevenLabs, whose agent socket speaks another protocol.
 */
export function checkRelayUrl(url: string): void {
  if (PLAIN.test(url) && !url.toLowerCase().includes('elevenlabs')) return
  const parsed = parseSocketUrl(url, 'ConversationRelay')
  if (!ELEVENLABS_HOST.test(parsed.hostname)) return
  throw new VoiceError(
    'twiml_invalid',
    'The url of <ConversationRelay> is at ElevenLabs, whose agent socket does not speak the relay protocol: the call would be silent and end after ten refused messages',
    {
      remedy:
        'To talk to an ElevenLabs agent: <Connect><Stream> to your server and MediaStreamBridge (callweave/bridge), or the TwiML of register-call. For an ElevenLabs voice: a url of your own, with ttsProvider "ElevenLabs" and a voice.',
    },
  )
}

function parseSocketUrl(url: string, element: string, base?: string): URL {
  let parsed: URL
  try {
    parsed = new URL(url, base)
  } catch (cause) {
    throw new VoiceError('twiml_invalid', `The url of <${element}> is no ${base ? '' : 'absolute '}URL`, { cause })
  }
  const isLoopback = parsed.protocol === 'ws:' && LOOPBACK.test(parsed.hostname)
  if (parsed.protocol !== 'wss:' && !isLoopback) {
    throw new VoiceError(
      'twiml_invalid',
      `The url of <${element}> must be wss: (ws: only on this machine), and is ${parsed.protocol}`,
    )
  }
  if (parsed.hash !== '' || /\s/.test(url)) {
    throw new VoiceError('twiml_invalid', `The url of <${element}> has a fragment or white space`)
  }
  return parsed
}
