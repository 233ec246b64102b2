/**
 * ElevenLabs' end of one call: turns of real speech in chunks of hundreds of milliseconds, three times as fast as they are spoken;
 * pings; and on every second turn an interruption.
 *
 * @module
 */
import type { WebSocket } from 'ws'
import type { BenchCall } from './bench-call.js'
import { AGENT_PIECES, PIECE_MS } from './speech.js'
import { readStamp, writeStamp } from './stamp.js'

const PING_EVERY_MS = 2000
const SPEED = 3
/** What a bridge may send ahead of the caller's ear, in milliseconds: audio up to here need not wait. */
const LEAD_MS = 1200
const TEXT = 'Good morning, this is the front desk. I can move your appointment to Thursday at ten, if that suits you.'
const WORDS = TEXT.split('')

/** One agent socket, from its first message on. */
export class AgentEnd {
  readonly #call: BenchCall
  readonly #socket: WebSocket
  readonly #random: () => number
  #eventId = 0
  #turns = 0
  #leftMs = 0
  #spokenMs = 0
  #nextChunkMs = Infinity
  #interruptAtMs = Infinity
  #nextTurnMs = Infinity
  #nextPingMs: number
  #isPaused = false

  constructor(call: BenchCall, socket: WebSocket) {
    this.#call = call
    this.#socket = socket
    this.#random = seededRandom(call.number)
    const nowMs = performance.now()
    this.#nextPingMs = nowMs + this.#random() * PING_EVERY_MS
    this.#send('conversation_initiation_metadata', 'conversation_initiation_metadata_event', {
      conversation_id: `conv_${call.number}`,
      agent_output_audio_format: 'ulaw_8000',
      user_input_audio_format: 'ulaw_8000',
    })
    this.#beginTurn(nowMs)
    this.tick(nowMs)
    socket.on('message', (data) => this.receive((data as Buffer).toString('latin1')))
  }

  /** Does what is due. */
  tick(nowMs: number): void {
    if (this.#isPaused) return
    if (nowMs >= this.#nextPingMs) {
      this.#nextPingMs += PING_EVERY_MS
      this.#call.unansweredPings++
      this.#send('ping', 'ping_event', { event_id: ++this.#eventId, ping_ms: 40 })
    }
    if (nowMs >= this.#nextTurnMs) this.#beginTurn(nowMs)
    while (nowMs >= this.#nextChunkMs) this.#sendChunk()
    if (nowMs >= this.#interruptAtMs) this.#interrupt(nowMs)
  }

  /** Says nothing new any more; what was said may still be heard out. */
  pause(): void {
    this.#isPaused = true
  }

  hangUp(): void {
    this.#socket.close(1000)
  }

  receive(text: string): void {
    const at = text.startsWith('{"user_audio_chunk":"') ? 21 : text.indexOf('"payload":"') + 11
    const stamp = at > 10 ? readStamp(text, at) : undefined
    if (stamp) {
      this.#call.up.receive(stamp)
      this.#call.measured()?.up.add(performance.now() - stamp.sentMs)
    } else if (text.startsWith('{"type":"pong"')) this.#call.unansweredPings--
  }

  #beginTurn(nowMs: number): void {
    const random = this.#random
    const turnMs = 2500 + Math.round(random() * 175) * 20
    const isInterrupted = this.#turns++ % 2 === 1
    this.#leftMs = turnMs
    this.#spokenMs = 0
    this.#nextChunkMs = nowMs
    this.#nextTurnMs = Infinity
    this.#interruptAtMs = isInterrupted ? nowMs + turnMs * (0.2 + random() * 0.6) : Infinity
    this.#call.promptFrom = this.#call.down.sent
    this.#call.promptTo = Infinity
    if (this.#turns > 1) {
      this.#send('user_transcript', 'user_transcription_event', { user_transcript: TEXT, event_id: ++this.#eventId })
    }
    this.#send('agent_response', 'agent_response_event', { agent_response: TEXT, event_id: ++this.#eventId })
  }

  #sendChunk(): void {
    const chunkMs = Math.min(this.#leftMs, 300 + Math.round(this.#random() * 20) * 20)
    const parts = []
    for (let atMs = 0; atMs < chunkMs; atMs += PIECE_MS) {
      if (this.#spokenMs + atMs >= LEAD_MS) this.#call.promptTo = Math.min(this.#call.promptTo, this.#call.down.sent)
      parts.push(this.#piece(Math.min(PIECE_MS, chunkMs - atMs) as 20 | 40 | 60))
    }
    const event = {
      audio_base_64: parts.join(''),
      event_id: ++this.#eventId,
      alignment: alignmentOf(chunkMs, Math.floor(this.#spokenMs / 70)),
    }
    this.#send('audio', 'audio_event', event)
    this.#spokenMs += chunkMs
    this.#leftMs -= chunkMs
    this.#nextChunkMs += chunkMs / SPEED
    if (this.#leftMs > 0) return
    this.#send('agent_response_complete', 'agent_response_complete_event', { event_id: this.#eventId })
    const heardOutMs = this.#nextChunkMs + this.#spokenMs * (1 - 1 / SPEED)
    this.#nextChunkMs = Infinity
    this.#nextTurnMs = heardOutMs + this.#pauseMs()
  }

  #interrupt(nowMs: number): void {
    this.#interruptAtMs = Infinity
    this.#nextChunkMs = Infinity
    this.#leftMs = 0
    this.#nextTurnMs = nowMs + this.#pauseMs()
    this.#call.interruptedMs = performance.now()
    this.#send('interruption', 'interruption_event', { event_id: this.#eventId })
    this.#send('agent_response_correction', 'agent_response_correction_event', {
      original_agent_response: TEXT,
      corrected_agent_response: TEXT.slice(0, 40),
      event_id: this.#eventId,
    })
  }

  #pauseMs(): number {
    return 2000 + this.#random() * 2000
  }

  #piece(pieceMs: 20 | 40 | 60): string {
    const piece = this.#call.down.next()
    const speech = AGENT_PIECES[pieceMs]
    return (
      writeStamp({ call: this.#call.number, piece, sentMs: performance.now() }) + (speech[piece % speech.length] ?? '')
    )
  }

  #send(type: string, key: string, event: Readonly<Record<string, unknown>>): void {
    this.#socket.send(JSON.stringify({ type, [key]: event }))
  }
}

/** About fourteen characters a second, as people speak. */
function alignmentOf(chunkMs: number, fromChar: number): Readonly<Record<string, unknown>> {
  const count = Math.floor(chunkMs / 70)
  const times = Array.from({ length: count }, (_, i) => i * 70)
  return {
    chars: times.map((_, i) => WORDS[(fromChar + i) % WORDS.length]),
    char_start_times_ms: times,
    char_durations_ms: times.map(() => 70),
  }
}

/** The same calls in every round and for every candidate (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
