/**
 * `<Gather>`: collects keys or speech and asks the host what to do with them.
 *
 * @see https://www.twilio.com/docs/voice/twiml/gather (read 2026-11-21)
 * @module
 */
import type { InputListener } from './line.js'
import { playPrompt, wholeNumber } from './prompts.js'
import type { TwimlElement } from './twiml-document.js'
import { actionSource, type AfterVerb, type TwimlHost } from './twiml-host.js'

interface Gathered {
  digits: string
  /** What was said, when speech is asked for. */
  speech: string
  /** When the last key or word came, in milliseconds of the call. */
  lastInputMs: number | undefined
  isSpeaking: boolean
  isComplete: boolean
}

/** Plays the prompts, collects until it is enough or too late, then goes to `action`, or on. */
export async function runGather(
  verb: TwimlElement,
  host: TwimlHost,
  documentUrl: string | undefined,
  signal: AbortSignal,
): Promise<AfterVerb> {
  const gathered: Gathered = { digits: '', speech: '', lastInputMs: undefined, isSpeaking: false, isComplete: false }
  const stopListening = host.line.listen(inputListener(verb, host, gathered))
  try {
    const hasInput = (): boolean => gathered.lastInputMs !== undefined || gathered.isComplete
    for (const prompt of verb.children) {
      if (!hasInput()) await playPrompt(prompt, host, documentUrl, signal, hasInput)
    }
    await collect(verb, host, gathered, signal)
  } finally {
    stopListening()
  }
  const params = parametersOf(gathered)
  if (!params && verb.attributes.actionOnEmptyResult !== 'true') return 'next'
  return actionSource(
    'gather-action',
    verb.attributes.action,
    verb.attributes.method,
    documentUrl,
    params ?? { Digits: '' },
  )
}

function inputListener(verb: TwimlElement, host: TwimlHost, gathered: Gathered): InputListener {
  const { input = 'dtmf', finishOnKey = '#', numDigits } = verb.attributes
  const wanted = wholeNumber(numDigits, 0)
  return {
    digit(digit) {
      if (gathered.isComplete || !input.includes('dtmf')) return false
      if (finishOnKey !== '' && finishOnKey.includes(digit)) {
        gathered.isComplete = gathered.digits !== '' // without a key before it, it finishes nothing
        return true
      }
      gathered.digits += digit
      gathered.lastInputMs = host.line.nowMs
      gathered.isComplete = wanted > 0 && gathered.digits.length >= wanted
      return true
    },
    speech(text, isFinal) {
      if (!input.includes('speech')) return
      gathered.isSpeaking = !isFinal
      gathered.lastInputMs = host.line.nowMs
      if (isFinal) gathered.speech = gathered.speech === '' ? text : `${gathered.speech} ${text}`
    },
  }
}

async function collect(verb: TwimlElement, host: TwimlHost, gathered: Gathered, signal: AbortSignal): Promise<void> {
  const { line } = host
  const { timeout, speechTimeout } = verb.attributes
  const timeoutMs = wholeNumber(timeout, 5) * 1000
  const speechTimeoutMs = wholeNumber(speechTimeout, speechTimeout === 'auto' ? 1 : timeoutMs / 1000) * 1000
  const promptedMs = line.nowMs
  await line.until(() => {
    if (gathered.isComplete) return true
    if (gathered.isSpeaking) return false
    const quietMs = line.nowMs - Math.max(promptedMs, gathered.lastInputMs ?? 0)
    return quietMs >= (gathered.speech !== '' && gathered.digits === '' ? speechTimeoutMs : timeoutMs)
  }, signal)
}

function parametersOf(gathered: Gathered): Record<string, string> | undefined {
  if (gathered.digits !== '') return { Digits: gathered.digits }
  if (gathered.speech !== '') return { SpeechResult: gathered.speech, Confidence: '0.9' }
  return undefined
}
