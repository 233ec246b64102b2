/**
 * Sends the signed webhooks that follow a call.
 *
 * @see https://elevenlabs.io/docs/eleven-agents/workflows/post-call-webhooks (read 2026-11-21)
 * @module
 */
import type { Clock, TimerHandle } from '../../core/clock.js'
import { signElevenLabsWebhook } from '../../webhooks/elevenlabs-signature.js'

/** Where the webhooks of a simulated workspace go. */
export interface PostCallWebhookOptions {
  readonly url: string
  readonly secret: string
  /** Default: the transcript only. */
  readonly events?: readonly ('transcript' | 'audio' | 'call_initiation_failure')[]
  /** Whether a transcript that was not taken is sent again. Default false, as with a real new webhook. */
  readonly retryEnabled?: boolean
  /** How often each delivery is made. Default 1; 2 sends everything twice, as the real thing may. */
  readonly copies?: number
  /** Which of a conversation's webhooks comes first. Default `transcript`; ElevenLabs promises no order. */
  readonly first?: 'transcript' | 'audio'
  /** From the end of the conversation to `status: "done"` and the webhooks, in milliseconds. Default 500. */
  readonly processingMs?: number
  /** Headers that are sent as well. */
  readonly headers?: Readonly<Record<string, string>>
}

/** How one webhook is to be signed, other than well. */
export interface WebhookSigning {
  /** Another secret than the workspace's; `'unsigned'` leaves the header out. */
  readonly secret?: string
  /** How long ago it was signed, in milliseconds; below zero: in the future. Default 0. */
  readonly ageMs?: number
  /** When it says that it happened, in seconds since 1970. Default: now. */
  readonly eventTimestamp?: number
  /** How often it is delivered. Default: as all are. */
  readonly copies?: number
}

/** One webhook that was sent, or that could not be. */
export interface WebhookDelivery {
  readonly type: string
  /** Counts from 1. */
  readonly attempt: number
  /** The answer's HTTP status; `undefined` when nobody answered. */
  readonly status: number | undefined
}

/** From one attempt to the next (ElevenLabs adds up to a tenth of chance, we do not). */
const RETRY_DELAYS_MS = [30_000, 120_000, 480_000, 1_800_000]
const MAX_KEPT = 1000

/** Delivers for one simulated workspace. */
export class PostCallWebhooks {
  /** What was sent, oldest first. */
  readonly deliveries: WebhookDelivery[] = []
  readonly #options: PostCallWebhookOptions
  readonly #clock: Clock
  readonly #timers = new Set<TimerHandle>()
  readonly #abort = new AbortController()

  constructor(options: PostCallWebhookOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** Whether the workspace wants webhooks of this kind. */
  wants(event: 'transcript' | 'audio' | 'call_initiation_failure'): boolean {
    return (this.#options.events ?? ['transcript']).includes(event)
  }

  /** Sends one event. Resolves after the first attempt. */
  async send(type: string, data: Readonly<Record<string, unknown>>, signing: WebhookSigning = {}): Promise<void> {
    const { eventTimestamp = Math.floor(this.#clock.now() / 1000), copies = this.#options.copies ?? 1 } = signing
    const body = JSON.stringify({ type, event_timestamp: eventTimestamp, data })
    for (let copy = 0; copy < copies; copy++) await this.#attempt(type, body, 1, signing)
  }

  /** Stops what waits and aborts what is under way. */
  close(): void {
    this.#abort.abort()
    for (const timer of this.#timers) this.#clock.clear(timer)
    this.#timers.clear()
  }

  async #attempt(type: string, body: string, attempt: number, signing: WebhookSigning): Promise<void> {
    const status = await this.#post(type, body, signing)
    if (this.#abort.signal.aborted) return
    this.deliveries.push({ type, attempt, status })
    if (this.deliveries.length > MAX_KEPT) this.deliveries.shift()
    const canRetry = this.#options.retryEnabled === true && type === 'post_call_transcription'
    const delayMs = RETRY_DELAYS_MS[attempt - 1]
    const isTransient = status !== undefined && (status >= 500 || status === 429 || status === 408)
    if (!canRetry || !isTransient || delayMs === undefined) return
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer)
      void this.#attempt(type, body, attempt + 1, signing)
    }, delayMs)
    this.#timers.add(timer)
  }

  async #post(type: string, body: string, { secret, ageMs = 0 }: WebhookSigning): Promise<number | undefined> {
    const { url, headers } = this.#options
    const clock = { now: () => this.#clock.now() - ageMs }
    const key = secret ?? this.#options.secret
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          ...headers,
          'content-type': 'application/json',
          ...(key === 'unsigned'
            ? {}
            : { 'elevenlabs-signature': signElevenLabsWebhook({ secret: key, body, clock }) }),
        },
        // The recording comes in chunks without a length, as it does from ElevenLabs.
        ...(type === 'post_call_audio' ? { body: streamOf(body), duplex: 'half' as const } : { body }),
        redirect: 'manual',
        signal: this.#abort.signal,
      })
      await response.arrayBuffer()
      return response.status
    } catch {
      return undefined
    }
  }
}

const STREAM_CHUNK_BYTES = 65_536

function streamOf(body: string): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(body)
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close()
        return
      }
      controller.enqueue(new Uint8Array(bytes.subarray(at, at + STREAM_CHUNK_BYTES)))
      at += STREAM_CHUNK_BYTES
    },
  })
}
