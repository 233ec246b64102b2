/**
 * `<Connect><ConversationRelay>`: opens the host's socket, relays text until the session is over, and asks `action` how to go on.
 *
 * @see https://www.twilio.com/docs/voice/twiml/connect/conversationrelay (read 2026-11-21)
 * @module
 */
import { decodeSoundFile } from './prompt-audio.js'
import { resolveAddress } from './relative-address.js'
import { RelayLeg, type RelayLegEnd } from './relay-leg.js'
import { readRelaySettings } from './relay-settings.js'
import { makeSid } from './sids.js'
import { openStreamSocket } from './stream-socket.js'
import type { TwimlElement } from './twiml-document.js'
import type { AfterVerb, TwimlAddress, TwimlHost } from './twiml-host.js'

const CONNECT_TIMEOUT_MS = 10_000

/** Runs the session. `action` is where Twilio goes on afterwards; without one the next verb runs, or after a failure nothing. */
export async function runRelay(
  relay: TwimlElement,
  action: TwimlAddress | undefined,
  host: TwimlHost,
  documentUrl: string | undefined,
  signal: AbortSignal,
): Promise<AfterVerb> {
  const after = (params: Record<string, string>): AfterVerb =>
    action ? { ...action, params } : params.SessionStatus === 'failed' ? 'end' : 'next'
  const sessionId = makeSid('VX')
  const settings = readRelaySettings(relay)
  if ('refused' in settings) {
    host.report(64101, settings.refused)
    return after({ SessionId: sessionId, SessionStatus: 'failed', SessionDuration: '0', ErrorCode: '64101', ErrorMessage: 'Invalid parameter' }) // prettier-ignore
  }
  const { line, clock, authToken, publicHosts } = host
  const url = resolveAddress(relay.attributes.url ?? '', documentUrl?.replace(/^http/i, 'ws')).replace(/#.*$/, '')
  const opened = /^wss:\/\//i.test(url)
    ? await openStreamSocket({ url, authToken, publicHosts, clock, signal, connectTimeoutMs: CONNECT_TIMEOUT_MS })
    : ({ ok: false, seen: 'the URL must begin with wss://' } as const)
  if (!opened.ok) {
    signal.throwIfAborted()
    host.report(64102, opened.seen) // the caller hears a busy tone
    return 'end'
  }
  const { direction, from, to } = host.identity
  const leg = new RelayLeg({
    connection: opened,
    settings,
    setup: {
      sessionId,
      accountSid: host.accountSid,
      parentCallSid: '',
      callSid: host.sid,
      from,
      to,
      forwardedFrom: '',
      callType: 'PSTN',
      callerName: '',
      direction,
      callStatus: host.hadRelay() || direction !== 'inbound' ? 'IN_PROGRESS' : 'RINGING',
      customParameters: parametersOf(relay),
    },
    speakText: host.speakText,
    clock,
    nowMs: () => line.nowMs,
    timeline: line.timeline,
    sound: (audio, atMs) => line.hear(audio, atMs),
    report: (code, seen) => host.report(code, seen),
    fetchSound: async (source) => {
      const answer = await host.request('play', source, 'GET')
      if (answer.ok) return decodeSoundFile(answer.body, answer.contentType).audio
      host.report(answer.code, `play: ${answer.seen}`)
      return undefined
    },
  })
  host.relayOpened(leg)
  const takeBack =
    action &&
    host.onHangUp(async () => host.request('connect-action', action.url, action.method, paramsOf(leg, await leg.ended)))
  const detach = line.attach(leg)
  const stopListening = line.listen({ digit: () => false, speech: (text, isFinal) => leg.callerSpeech(text, isFinal) })
  let end: RelayLegEnd | undefined
  void leg.ended.then((how) => (end = how))
  try {
    await line.until(() => end !== undefined, signal)
    return after(paramsOf(leg, end))
  } finally {
    takeBack?.()
    stopListening()
    detach()
    leg.stop()
  }
}

function paramsOf(leg: RelayLeg, end: RelayLegEnd | undefined): Record<string, string> {
  const { status = 'failed', durationMs = 0, handoffData, errorCode } = end ?? {}
  return {
    SessionId: leg.sessionId,
    SessionStatus: status,
    SessionDuration: String(Math.round(durationMs / 1000)),
    ...(handoffData === undefined ? {} : { HandoffData: handoffData }),
    ...(errorCode === undefined ? {} : { ErrorCode: String(errorCode), ErrorMessage: 'Websocket ended' }),
  }
}

function parametersOf(relay: TwimlElement): Record<string, string> {
  const parameters: Record<string, string> = {}
  for (const { name: element, attributes } of relay.children) {
    if (element === 'Parameter' && attributes.name) parameters[attributes.name] = attributes.value ?? ''
  }
  return parameters
}
