/**
 * The agent's speech on its way out: cut into chunks, sent faster than it is heard, and the estimate of what was heard.
 *
 * The estimate is all that ElevenLabs has, too: no message tells it what the caller's telephone really played.
 *
 * @module
 */
import type { Clock } from '../../core/clock.js'
import { fromTelephone, sampleBytes, sampleRateHz, type AgentAudioFormat } from './audio-format.js'
import type { Utterance } from './utterance.js'

/** When each character of a chunk is heard, in milliseconds from the chunk's start. */
export interface Alignment {
  readonly chars: readonly string[]
  readonly char_start_times_ms: readonly number[]
  readonly char_durations_ms: readonly number[]
}

/** One message's worth of speech. */
export interface Chunk {
  readonly audioBase64: string
  readonly durationMs: number
  readonly alignment: Alignment
}

export interface VoiceOptions {
  readonly clock: Clock
  readonly format: AgentAudioFormat
  /** Length of a chunk, in milliseconds of audio. */
  readonly chunkMs: number
  /** How many times faster than real time chunks are sent. */
  readonly pace: number
  readonly onChunk: (chunk: Chunk) => void
}

/** One utterance that was cut short. */
export interface CutShort {
  /** What it was called when it was said. */
  readonly id: number
  readonly text: string
  /** The words that were heard by the time of the cut, by the estimate. */
  readonly heardText: string
}

interface Saying {
  readonly id: number
  readonly utterance: Utterance
  readonly chunks: readonly Chunk[]
  nextChunk: number
  startsAtMs: number
  endsAtMs: number
  readonly sent: () => void
}

/** Speaks for one conversation. {@link tick} must be called every few milliseconds. */
export class Voice {
  readonly #options: VoiceOptions
  /** What is being sent or is still being heard, oldest first. */
  #sayings: Saying[] = []
  #nextChunkAtMs = 0
  #playsUntilMs = -Infinity

  constructor(options: VoiceOptions) {
    this.#options = options
  }

  /** Whether the caller hears the agent now, by the estimate. */
  get isSpeaking(): boolean {
    return this.#options.clock.monotonicMs() < this.#playsUntilMs
  }

  /** How much was sent and is not heard yet, in milliseconds, by the estimate. */
  get unheardMs(): number {
    return Math.max(0, this.#playsUntilMs - this.#options.clock.monotonicMs())
  }

  /** Says something after what is being said. Resolves when all of it was sent, or was cut. */
  say(utterance: Utterance, id: number): Promise<void> {
    return new Promise((sent) => {
      const chunks = chunksOf(utterance, this.#options.format, this.#options.chunkMs)
      this.#sayings.push({ id, utterance, chunks, nextChunk: 0, startsAtMs: Infinity, endsAtMs: Infinity, sent })
      this.tick()
    })
  }

  /** Sends what is due. */
  tick(): void {
    const nowMs = this.#options.clock.monotonicMs()
    this.#sayings = this.#sayings.filter(({ endsAtMs }) => endsAtMs > nowMs)
    for (const saying of [...this.#sayings]) {
      while (saying.nextChunk < saying.chunks.length) {
        if (this.#nextChunkAtMs > nowMs) return
        this.#send(saying, nowMs)
        if (!this.#sayings.includes(saying)) return // it was cut by whoever got the chunk
      }
      if (saying.endsAtMs === Infinity) saying.endsAtMs = nowMs
      saying.sent()
    }
  }

  /** Stops at once. Tells which utterances were not heard to their end, oldest first. */
  cut(): CutShort[] {
    const nowMs = this.#options.clock.monotonicMs()
    const sayings = this.#sayings.filter(({ endsAtMs }) => endsAtMs > nowMs)
    this.#sayings = []
    this.#playsUntilMs = -Infinity
    this.#nextChunkAtMs = 0
    for (const { sent } of sayings) sent()
    return sayings.map(({ id, utterance, chunks, startsAtMs }) => {
      return { id, text: utterance.text, heardText: heardText(utterance.text, chunks, nowMs - startsAtMs) }
    })
  }

  #send(saying: Saying, nowMs: number): void {
    const chunk = saying.chunks[saying.nextChunk++]
    if (!chunk) return
    this.#playsUntilMs = Math.max(this.#playsUntilMs, nowMs)
    if (saying.startsAtMs === Infinity) saying.startsAtMs = this.#playsUntilMs
    this.#playsUntilMs += chunk.durationMs
    this.#nextChunkAtMs = Math.max(this.#nextChunkAtMs, nowMs - 40) + chunk.durationMs / this.#options.pace
    if (saying.nextChunk === saying.chunks.length) saying.endsAtMs = this.#playsUntilMs
    this.#options.onChunk(chunk)
  }
}

function heardText(text: string, chunks: readonly Chunk[], heardMs: number): string {
  const totalMs = chunks.reduce((sum, { durationMs }) => sum + durationMs, 0)
  if (heardMs <= 0 || totalMs === 0) return ''
  const reached = Math.floor((text.length * heardMs) / totalMs)
  const words = text.slice(0, reached).replace(/\s*\S*$/, '')
  return words === '' ? '' : `${words}...`
}

/** Chunks by the sound they are made of, so that a hundred conversations that say the same encode it once. */
const cache = new WeakMap<Uint8Array, Map<string, readonly Chunk[]>>()

function chunksOf(utterance: Utterance, format: AgentAudioFormat, chunkMs: number): readonly Chunk[] {
  let ofAudio = cache.get(utterance.audio)
  if (!ofAudio) cache.set(utterance.audio, (ofAudio = new Map<string, readonly Chunk[]>()))
  const key = `${format} ${chunkMs} ${utterance.text}`
  let chunks = ofAudio.get(key)
  if (!chunks) ofAudio.set(key, (chunks = cutIntoChunks(utterance, format, chunkMs)))
  return chunks
}

function cutIntoChunks({ text, audio }: Utterance, format: AgentAudioFormat, chunkMs: number): Chunk[] {
  const bytes = Buffer.from(fromTelephone(audio, format))
  const bytesPerSecond = sampleRateHz(format) * sampleBytes(format)
  const chunkBytes = Math.max(1, Math.round((sampleRateHz(format) * chunkMs) / 1000)) * sampleBytes(format)
  const characters = Array.from(text)
  const msPerCharacter = (bytes.length * 1000) / bytesPerSecond / Math.max(1, characters.length)
  const chunks: Chunk[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const part = bytes.subarray(at, at + chunkBytes)
    const startMs = (at * 1000) / bytesPerSecond
    const durationMs = (part.length * 1000) / bytesPerSecond
    const first = Math.ceil(startMs / msPerCharacter)
    const chars = characters.slice(first, Math.ceil((startMs + durationMs) / msPerCharacter))
    chunks.push({
      audioBase64: part.toString('base64'),
      durationMs,
      alignment: {
        chars,
        char_start_times_ms: chars.map((_, i) => Math.round((first + i) * msPerCharacter - startMs)),
        char_durations_ms: chars.map(() => Math.round(msPerCharacter)),
      },
    })
  }
  return chunks
}
