/**
 * `<Dial>`: calls somebody else, who behaves as scripted.
 *
 * @see https://www.twilio.com/docs/voice/twiml/dial (read 2026-11-21)
 * @module
 */
import { wholeNumber } from './prompts.js'
import { makeSid } from './sids.js'
import type { TwimlElement } from './twiml-document.js'
import { actionSource, type AfterVerb, type DialOutcome, type TwimlHost } from './twiml-host.js'

const DEFAULT_RING_MS = 500
const DEFAULT_TALK_MS = 1000

/** Rings every number at once; the first that answers talks with the caller. */
export async function runDial(
  verb: TwimlElement,
  host: TwimlHost,
  documentUrl: string | undefined,
  signal: AbortSignal,
): Promise<AfterVerb> {
  const { line } = host
  const numbers = numbersOf(verb, host)
  const timeoutMs = Math.min(wholeNumber(verb.attributes.timeout, 30), 600) * 1000
  const outcome = firstToAnswer(
    numbers.map((number) => (isDialable(number) ? host.nextDialOutcome(number) : invalidNumber(host))),
    timeoutMs,
  )
  await line.wait(Math.min(outcome.ringMs ?? DEFAULT_RING_MS, timeoutMs), signal)
  let talkedMs = 0
  if (outcome.status === 'completed') {
    talkedMs = Math.min(outcome.talkMs ?? DEFAULT_TALK_MS, wholeNumber(verb.attributes.timeLimit, 14_400) * 1000)
    await line.wait(talkedMs, signal)
  }
  line.timeline.add('dial', { status: outcome.status })
  if (verb.attributes.action === undefined) return 'next'
  return actionSource('dial-action', verb.attributes.action, verb.attributes.method, documentUrl, {
    DialCallStatus: outcome.status,
    DialCallSid: makeSid('CA'),
    DialBridged: outcome.status === 'completed' ? 'true' : 'false',
    ...(outcome.status === 'completed' ? { DialCallDuration: String(Math.round(talkedMs / 1000)) } : {}),
  })
}

function numbersOf(verb: TwimlElement, host: TwimlHost): string[] {
  const numbers = verb.text === '' ? [] : [verb.text]
  for (const child of verb.children) {
    if (child.name === 'Number') numbers.push(child.text)
    else host.line.timeline.add('not-simulated', { name: child.name })
  }
  return numbers
}

const isDialable = (number: string): boolean => /^\+?[0-9]{2,15}$/.test(number.replaceAll(/[\s().-]/g, ''))

function invalidNumber(host: TwimlHost): DialOutcome {
  host.report(13223, 'a number that cannot be dialled')
  return { status: 'failed', ringMs: 0 }
}

function firstToAnswer(outcomes: readonly DialOutcome[], timeoutMs: number): DialOutcome {
  let best: DialOutcome = { status: 'failed', ringMs: 0 }
  for (const outcome of outcomes) {
    const ringMs = outcome.ringMs ?? DEFAULT_RING_MS
    const heard: DialOutcome = ringMs > timeoutMs ? { status: 'no-answer', ringMs: timeoutMs } : outcome
    const isSooner = best.status !== 'completed' || ringMs < (best.ringMs ?? DEFAULT_RING_MS)
    if (heard.status === 'completed' ? isSooner : best.status !== 'completed') best = heard
  }
  return best
}
