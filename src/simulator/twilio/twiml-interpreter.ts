/**
 * Runs TwiML: fetches a document, does one verb after the other, goes where a verb sends it.
 *
 * @see https://www.twilio.com/docs/voice/twiml (read 2026-11-21)
 * @module
 */
import { runConnect } from './connect-verb.js'
import { runDial } from './dial-verb.js'
import { runGather } from './gather-verb.js'
import { playPrompt } from './prompts.js'
import { parseTwiml, type TwimlElement } from './twiml-document.js'
import { actionSource, type AfterVerb, type TwimlHost, type TwimlSource } from './twiml-host.js'
import type { ViolationCode } from './violations.js'

/** A document, and what relative addresses in it are relative to. */
interface LoadedDocument {
  readonly verbs: readonly TwimlElement[]
  readonly url: string | undefined
}

interface LoadFailure {
  readonly code: ViolationCode
  readonly url: string | undefined
}

/** A call that does nothing but redirect to itself ends here. Twilio states no limit. */
const MAX_DOCUMENTS = 500

/**
 * Runs TwiML until the call is to end, and hangs up.
 *
 * @throws Interrupted when the call ended, or other TwiML took over.
 */
export async function runTwiml(host: TwimlHost, source: TwimlSource, signal: AbortSignal): Promise<void> {
  let next = source
  for (let documents = 0; documents < MAX_DOCUMENTS; documents++) {
    const document = await loadOrFallBack(host, next, signal)
    if (!document) {
      host.hangUp('twilio')
      return
    }
    const after = await runVerbs(document, host, signal)
    if (!after) {
      host.hangUp('twiml')
      return
    }
    next = after
  }
  host.report(11215, `${MAX_DOCUMENTS} documents on one call`)
  host.hangUp('twilio')
}

async function runVerbs(
  document: LoadedDocument,
  host: TwimlHost,
  signal: AbortSignal,
): Promise<TwimlSource | undefined> {
  for (const [index, verb] of document.verbs.entries()) {
    host.line.timeline.add(verb.isPlayed ? 'verb' : 'not-simulated', { name: verb.name })
    if (!verb.isPlayed) continue
    // An unanswered call stays so through these: https://www.twilio.com/docs/voice/twiml/pause (read 2026-11-21)
    if (verb.name !== 'Reject' && verb.name !== 'Pause' && verb.name !== 'Redirect') host.answer()
    const after = await runVerb(verb, host, document.url, signal)
    if (after === 'end') return undefined
    if (after === 'next') continue
    if (index < document.verbs.length - 1)
      host.line.timeline.add('verb', { name: 'skipped', count: document.verbs.length - 1 - index })
    return after
  }
  return undefined
}

async function runVerb(
  verb: TwimlElement,
  host: TwimlHost,
  documentUrl: string | undefined,
  signal: AbortSignal,
): Promise<AfterVerb> {
  switch (verb.name) {
    case 'Say':
    case 'Play':
    case 'Pause':
      await playPrompt(verb, host, documentUrl, signal)
      return 'next'
    case 'Gather':
      return runGather(verb, host, documentUrl, signal)
    case 'Dial':
      return runDial(verb, host, documentUrl, signal)
    case 'Connect':
      return runConnect(verb, host, documentUrl, signal)
    case 'Redirect':
      return actionSource('redirect', verb.text, verb.attributes.method, documentUrl)
    case 'Reject':
      host.reject(verb.attributes.reason === 'busy' ? 'busy' : 'rejected')
      return 'end'
    default:
      return 'end' // Hangup
  }
}

async function loadOrFallBack(
  host: TwimlHost,
  source: TwimlSource,
  signal: AbortSignal,
): Promise<LoadedDocument | undefined> {
  const loaded = await load(host, source)
  signal.throwIfAborted()
  if ('verbs' in loaded) return loaded
  if (!host.fallback) return undefined
  const params = { ErrorCode: String(loaded.code), ErrorUrl: loaded.url ?? '' }
  const again = await load(host, { kind: 'url', purpose: 'fallback', ...host.fallback, params })
  signal.throwIfAborted()
  return 'verbs' in again ? again : undefined
}

async function load(host: TwimlHost, source: TwimlSource): Promise<LoadedDocument | LoadFailure> {
  if (source.kind === 'inline') return read(host, source.twiml, undefined)
  const answer = await host.request(source.purpose, source.url, source.method, source.params)
  if (!answer.ok) {
    host.report(answer.code, `${source.purpose}: ${answer.seen}`)
    return { code: answer.code, url: source.url }
  }
  const kind = answer.contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const url = answer.url
  const text = answer.body.toString('utf8')
  if (kind === 'text/plain') return { verbs: [standIn('Say', text)], url }
  if (kind.startsWith('audio/')) return { verbs: [standIn('Play', url)], url }
  if (kind === 'text/xml' || kind === 'application/xml' || kind === 'text/html') return read(host, text, url)
  host.report(12300, kind === '' ? 'no content type' : kind.slice(0, 60))
  return { code: 12300, url }
}

function read(host: TwimlHost, twiml: string, url: string | undefined): LoadedDocument | LoadFailure {
  const document = parseTwiml(twiml)
  if (!document.ok) {
    host.report(document.code, document.seen)
    return { code: document.code, url }
  }
  for (const warning of document.warnings) host.report(12200, warning)
  return { verbs: document.verbs, url }
}

function standIn(name: 'Say' | 'Play', text: string): TwimlElement {
  return { name, attributes: {}, children: [], text, isPlayed: true }
}
