/**
 * `<Stream>`: the call's audio to a WebSocket.
 *
 * @see https://www.twilio.com/docs/voice/twiml/stream (read 2026-11-21)
 * @module
 */
import { kind, make, type Extra } from './element.js'
import { parameterElements, type Parameters } from './parameters.js'
import { method, oneOf, text } from './rules.js'
import { checkStreamUrl } from './socket-url.js'
import type { TwimlElement } from './xml.js'

/** Which side of the call is streamed. Under `<Connect>` Twilio takes `inbound_track` only (31941). */
export type StreamTrack = 'inbound_track' | 'outbound_track' | 'both_tracks'

/** A stream, whose type remembers the track, so that `connect` can refuse what Twilio would. */
export interface StreamElement<Track extends StreamTrack = StreamTrack> extends TwimlElement<'Stream'> {
  readonly attributes: Readonly<Record<string, string>> & { readonly track?: Track }
}

interface StreamSettings<Track extends StreamTrack> extends Extra {
  /** Unique in the call; needed to stop a stream that `<Start>` started. */
  readonly name?: string
  /** Default: what the caller says. Leave it out for an agent. */
  readonly track?: Track
  readonly statusCallback?: string
  /** Default `POST`. */
  readonly statusCallbackMethod?: 'GET' | 'POST'
  /** Typed by the `twilio` package and not documented. */
  readonly audioFormat?: string
  /** Typed by the `twilio` package and not documented. */
  readonly sampleRate?: string
  /** Arrive in `start.customParameters`. Name and value have fewer than 500 characters together. Never a lasting secret. */
  readonly parameters?: Parameters
}

/** A stream goes to a `url` of yours or through a connector that is installed at Twilio. */
export type StreamAttributes<Track extends StreamTrack = StreamTrack> = StreamSettings<Track> &
  (
    | {
        /** `wss://…` without a query string, or relative to the document. `ws:` only on this machine. */
        readonly url: string
        readonly connectorName?: string
      }
    | { readonly url?: undefined; readonly connectorName: string }
  )

/** The tracks that may be streamed. */
export const track = oneOf('inbound_track', 'outbound_track', 'both_tracks')

const STREAM = kind<StreamSettings<StreamTrack> & { url?: string; connectorName?: string }, 'Stream', 'parameters'>(
  'Stream',
  {
    url: text,
    name: text,
    track,
    statusCallback: text,
    statusCallbackMethod: method,
    connectorName: text,
    audioFormat: text,
    sampleRate: text,
  },
  { children: 'Parameter', aside: ['parameters'] },
)

/** A media stream to a WebSocket. Under `connect` it goes both ways, under `start` one way. */
export function stream<const Track extends StreamTrack = 'inbound_track'>(
  attributes: StreamAttributes<Track>,
): StreamElement<Track> {
  const element = make(STREAM, attributes, parameterElements(attributes.parameters))
  const { url, connectorName }: { readonly url?: string | undefined; readonly connectorName?: string } = attributes
  if (url !== undefined) checkStreamUrl(url)
  else if (connectorName === undefined) throw new TypeError('<Stream> needs a url or a connectorName')
  return element
}

/** A stream that is to be stopped, by its name. */
export function namedStream(name: string): TwimlElement<'Stream'> {
  return make(STREAM, { name })
}
