/**
 * The raw body of a webhook, within a limit.
 *
 * @module
 */
import { VoiceError } from '../core/errors.js'
import { refuse, type WebhookRefusal } from './verdict.js'

/** A body as it came over the wire: bytes, or text that was decoded as UTF-8 and not touched otherwise. */
export type RawBody = string | Uint8Array

/** Twilio's bodies are a few kilobytes; the largest carry a transcript. 1 MiB. */
export const TWILIO_MAX_BODY_BYTES = 1024 * 1024

/** `post_call_audio` carries a whole call as base64 MP3: 50 MiB is about 40 minutes at 128 kbit/s. */
export const ELEVENLABS_MAX_BODY_BYTES = 50 * 1024 * 1024

/**
 * Reads a request's body to its end, and no further than the limit.
 *
 * @param source - A Node request, or the `body` of a Fetch `Request`.
 * @param options.maxBodyBytes - Beyond it reading stops and the source is destroyed or cancelled.
 * @throws {@link VoiceError} `webhook_body_too_large`.
 */
export async function readBody(
  source: AsyncIterable<Uint8Array>,
  { maxBodyBytes }: { readonly maxBodyBytes: number },
): Promise<Uint8Array> {
  checkLimit(maxBodyBytes)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of source) {
    length += chunk.byteLength
    if (length > maxBodyBytes) throw new VoiceError('webhook_body_too_large', tooLarge(maxBodyBytes))
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length)
}

/** Refuses what is no raw body, or too large a one. */
export function checkBody(body: unknown, maxBodyBytes: number): WebhookRefusal | undefined {
  checkLimit(maxBodyBytes)
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    return refuse(
      'webhook_body_already_parsed',
      `The body is ${body === null ? 'null' : `of type ${typeof body}`} where text or bytes were expected: a body parser ran before the signature was checked.`,
    )
  }
  // A UTF-16 unit is at least one byte, so most texts need no count.
  const isTooLarge =
    body.length > maxBodyBytes ||
    (typeof body === 'string' && body.length * 3 > maxBodyBytes && Buffer.byteLength(body) > maxBodyBytes)
  return isTooLarge ? refuse('webhook_body_too_large', tooLarge(maxBodyBytes)) : undefined
}

/** The body as text. */
export function bodyText(body: RawBody): string {
  if (typeof body === 'string') return body
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
}

/** A proven body as JSON, or the refusal that says it is none. */
export function readJson(body: RawBody): { readonly ok: true; readonly json: unknown } | WebhookRefusal {
  try {
    return { ok: true, json: JSON.parse(bodyText(body)) as unknown }
  } catch {
    return refuse('webhook_payload_invalid', `The body is proven but is not JSON (${body.length} bytes or characters).`)
  }
}

function tooLarge(maxBodyBytes: number): string {
  return `The body is larger than the limit of ${maxBodyBytes} bytes.`
}

function checkLimit(maxBodyBytes: number): void {
  if (!(maxBodyBytes > 0)) throw new RangeError(`maxBodyBytes must be a positive number, got ${maxBodyBytes}`)
}
