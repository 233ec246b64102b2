/**
 * What the caller is made to listen to: `<Say>`, `<Play>`, `<Pause>`.
 *
 * @module
 */
import { decodeSoundFile } from './prompt-audio.js'
import { resolveAddress } from './relative-address.js'
import type { TwimlElement } from './twiml-document.js'
import type { TwimlHost } from './twiml-host.js'

/** `loop="0"` is for ever, which Twilio ends after so many times. */
const ENDLESS_LOOPS = 1000

/** A key of `<Play digits>` and the gap after it, in milliseconds; `w` waits half a second, `W` a whole one. */
const KEY_MS = 200

/** An attribute that is a whole number; anything else is the default. */
export function wholeNumber(text: string | undefined, fallback: number): number {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : fallback
}

/**
 * Plays one prompt to its end, or until `isCut` says so.
 *
 * @throws Interrupted when the call ended, or other TwiML took over.
 */
export async function playPrompt(
  prompt: TwimlElement,
  host: TwimlHost,
  documentUrl: string | undefined,
  signal: AbortSignal,
  isCut: () => boolean = () => false,
): Promise<void> {
  const { line } = host
  if (prompt.name === 'Pause') {
    await line.until(isCut, signal, wholeNumber(prompt.attributes.length, 1) * 1000)
    return
  }
  const loops = wholeNumber(prompt.attributes.loop, 1) || ENDLESS_LOOPS
  const digits = prompt.attributes.digits
  if (digits !== undefined) {
    await line.until(isCut, signal, keysMs(digits) * loops)
    return
  }
  const audio = await soundOf(prompt, host, documentUrl)
  signal.throwIfAborted()
  for (let loop = 0; loop < loops && audio && audio.byteLength > 0 && !isCut(); loop++) {
    line.prompts.enqueue(audio, line.nowMs)
    await line.until(() => line.prompts.queuedMs === 0 || isCut(), signal)
  }
  line.prompts.clear()
}

async function soundOf(
  prompt: TwimlElement,
  host: TwimlHost,
  documentUrl: string | undefined,
): Promise<Uint8Array | undefined> {
  if (prompt.name === 'Say') return prompt.text === '' ? undefined : host.speakText(prompt.text)
  const url = resolveAddress(prompt.text, documentUrl)
  const answer = await host.request('play', url, 'GET')
  if (!answer.ok) {
    host.report(answer.code, `play: ${answer.seen}`)
    return undefined
  }
  const { audio, isStandIn } = decodeSoundFile(answer.body, answer.contentType)
  if (isStandIn) host.line.timeline.add('not-simulated', { name: `audio of type ${answer.contentType.slice(0, 40)}` })
  return audio
}

function keysMs(digits: string): number {
  let ms = 0
  for (const key of digits) ms += key === 'w' ? 500 : key === 'W' ? 1000 : KEY_MS
  return ms
}
