/**
 * `<Connect>`: hands the call to the host's socket until that is closed. Its audio, as `<Stream>`; for text see `relay-verb`.
 *
 * @see https://www.twilio.com/docs/voice/twiml/stream (read 2026-11-21)
 * @module
 */
import { MediaStreamLeg, type StreamEnd } from './media-stream-leg.js'
import { resolveAddress } from './relative-address.js'
import { runRelay } from './relay-verb.js'
import { makeSid } from './sids.js'
import { openStreamSocket } from './stream-socket.js'
import type { TwimlElement } from './twiml-document.js'
import { actionSource, type AfterVerb, type TwimlHost } from './twiml-host.js'
import type { ViolationCode } from './violations.js'

/** How long connecting may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000

/** Name and value of one `<Parameter>`, together, in characters. */
const MAX_PARAMETER_LENGTH = 500

/** Runs the stream, then goes to `action`, or on to the next verb. */
export async function runConnect(
  verb: TwimlElement,
  host: TwimlHost,
  documentUrl: string | undefined,
  signal: AbortSignal,
): Promise<AfterVerb> {
  const noun = verb.children[0]
  const { action, method } = verb.attributes
  const after = action === undefined ? undefined : actionSource('connect-action', action, method, documentUrl)
  if (noun?.name === 'ConversationRelay') return runRelay(noun, after, host, documentUrl, signal)
  const takeBack = after && host.onHangUp(() => host.request('connect-action', after.url, after.method))
  try {
    if (noun?.name === 'Stream') await runStream(noun, host, documentUrl, signal)
    else host.line.timeline.add('not-simulated', { name: noun?.name ?? 'an empty <Connect>' })
  } finally {
    takeBack?.()
  }
  return after ?? 'next'
}

async function runStream(
  stream: TwimlElement,
  host: TwimlHost,
  documentUrl: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const streamSid = makeSid('MZ')
  const notify = streamCallback(stream, host, streamSid, documentUrl)
  const fail = async (code: ViolationCode, seen: string): Promise<void> => {
    host.report(code, seen)
    await notify('stream-error', `${code}`)
  }
  const address = socketAddress(stream, host, documentUrl)
  if (!address.ok) return fail(address.code, address.seen)
  const { line, clock, authToken, publicHosts } = host
  const opened = await openStreamSocket({
    url: address.url,
    authToken,
    publicHosts,
    clock,
    signal,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  })
  if (!opened.ok) {
    signal.throwIfAborted()
    return fail(opened.code, opened.seen)
  }
  const leg = new MediaStreamLeg({
    connection: opened,
    streamSid,
    callSid: host.sid,
    accountSid: host.accountSid,
    customParameters: parametersOf(stream, host),
    faults: host.streamFaults,
    seed: host.seed,
    clock,
    nowMs: () => line.nowMs,
    timeline: line.timeline,
    heard: (audio, atMs) => line.hear(audio, atMs),
    report: (code, seen) => host.report(code, seen),
  })
  host.streamOpened(leg)
  const detach = line.attach(leg)
  void notify('stream-started')
  let end: StreamEnd | undefined
  void leg.ended.then(async (ended) => {
    end = ended
    if (ended.by === 'network') await notify('stream-error', '31921')
    else await notify('stream-stopped')
  })
  try {
    await line.until(() => end !== undefined, signal)
  } finally {
    detach()
    leg.stop()
  }
}

type SocketAddress =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly code: ViolationCode; readonly seen: string }

/** Where the socket is opened: the scheme must be `wss`; query, user and fragment are left out, as Twilio does. */
function socketAddress(stream: TwimlElement, host: TwimlHost, documentUrl: string | undefined): SocketAddress {
  const { url, connectorName, track } = stream.attributes
  if (connectorName !== undefined) return { ok: false, code: 31940, seen: 'connectors do not exist here' }
  if (track !== undefined && track !== 'inbound_track') return { ok: false, code: 31941, seen: 'track' }
  const base = documentUrl?.replace(/^http/i, 'ws')
  const written = url === undefined ? '' : resolveAddress(url, base)
  if (!URL.canParse(written)) return { ok: false, code: 31923, seen: url === undefined ? 'no url' : 'url' }
  if (!/^wss:\/\//i.test(written)) return { ok: false, code: 31922, seen: new URL(written).protocol }
  if (/[?#]/.test(written))
    host.line.timeline.add('not-simulated', { name: 'query of <Stream url>, which Twilio strips' })
  return { ok: true, url: written.replace(/[?#].*$/, '').replace(/^(wss:\/\/)[^/@]*@/i, '$1') }
}

function parametersOf(stream: TwimlElement, host: TwimlHost): Record<string, string> {
  const parameters: Record<string, string> = {}
  for (const child of stream.children) {
    const { name = '', value = '' } = child.attributes
    if (name === '') host.report(12200, '<Parameter> without a name')
    else if (name.length + value.length >= MAX_PARAMETER_LENGTH)
      host.report(12200, `a <Parameter> of ${name.length + value.length} characters`)
    else parameters[name] = value
  }
  return parameters
}

type StreamEvent = 'stream-started' | 'stream-stopped' | 'stream-error'

function streamCallback(
  stream: TwimlElement,
  host: TwimlHost,
  streamSid: string,
  documentUrl: string | undefined,
): (event: StreamEvent, error?: string) => Promise<void> {
  const { statusCallback, statusCallbackMethod, name } = stream.attributes
  if (statusCallback === undefined) return () => Promise.resolve()
  const url = resolveAddress(statusCallback, documentUrl)
  return async (event, error) => {
    const answer = await host.request(
      'stream-callback',
      url,
      statusCallbackMethod?.toUpperCase() === 'GET' ? 'GET' : 'POST',
      {
        StreamSid: streamSid,
        StreamName: name ?? streamSid,
        StreamEvent: event,
        Timestamp: new Date(host.clock.now()).toISOString(),
        ...(error === undefined ? {} : { StreamError: error }),
      },
    )
    if (!answer.ok) host.report(15003, `stream callback: ${answer.seen}`)
  }
}
