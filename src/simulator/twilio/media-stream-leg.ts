/**
 * Twilio's end of one bidirectional media stream: speaks the protocol to the host and plays what the host sends.
 *
 * @see https://www.twilio.com/docs/voice/media-streams/websocket-messages (read 2026-11-21)
 * @module
 */
import { outboundMessageSchema, type OutboundMessage } from '../../media-stream/messages.js'
import type { Clock, TimerHandle } from '../../core/clock.js'
import { MULAW_SILENCE } from '../../audio/mulaw.js'
import { isLoud } from './ear.js'
import { FRAME_BYTES, FRAME_MS, Player } from './player.js'
import { FaultDice, type StreamFaults, type StreamMoment } from './stream-faults.js'
import type { StreamSocket } from './stream-socket.js'
import type { Timeline } from './timeline.js'
import type { ViolationCode } from './violations.js'

/** Why a stream is over. */
export interface StreamEnd {
  /** `host` closed the socket, `twilio` stopped the stream, the `network` broke. */
  readonly by: 'host' | 'twilio' | 'network'
  /** WebSocket close code; 1006 when there was no closing handshake. */
  readonly closeCode: number
  /** Speech that was queued and not heard when it ended, in milliseconds, loud packets only. */
  readonly unheardMs: number
}

/** What went over one stream. */
export interface StreamCounters {
  mediaSent: number
  mediaLost: number
  mediaReceived: number
  marksReceived: number
  clearsReceived: number
  /** Messages that Twilio would drop; the first of a kind is a violation. */
  dropped: number
}

export interface MediaStreamLegOptions {
  readonly connection: StreamSocket
  readonly streamSid: string
  readonly callSid: string
  readonly accountSid: string
  readonly customParameters: Readonly<Record<string, string>>
  readonly faults: StreamFaults
  readonly seed: number
  readonly clock: Clock
  /** Milliseconds since the call was made. */
  readonly nowMs: () => number
  readonly timeline: Timeline
  /** Hears what the caller hears. */
  readonly heard: (audio: Uint8Array, atMs: number) => void
  readonly report: (code: ViolationCode, seen: string) => void
}

const SILENT_PAYLOAD = Buffer.alloc(FRAME_BYTES, MULAW_SILENCE).toString('base64')

/** How many of the caller's packets may wait while they are held back. */
const MAX_HELD_FRAMES = 3000

/** How long the host may take to answer the closing handshake, in milliseconds. */
const CLOSE_GRACE_MS = 2000

/** One media stream. Construct it on an open socket; it says `connected` and `start` at once. */
export class MediaStreamLeg {
  readonly streamSid: string
  readonly customParameters: Readonly<Record<string, string>>
  readonly counters: StreamCounters = {
    mediaSent: 0,
    mediaLost: 0,
    mediaReceived: 0,
    marksReceived: 0,
    clearsReceived: 0,
    dropped: 0,
  }
  /** Resolves once the socket is closed. Never rejects. */
  readonly ended: Promise<StreamEnd>

  readonly #options: MediaStreamLegOptions
  readonly #player: Player
  readonly #dice: FaultDice
  readonly #startMs: number
  readonly #reported = new Set<ViolationCode>()
  #held: string[] = []
  #heldUntilMs = 0
  #swapped: string | undefined
  #sequence = 0
  #chunk = 0
  #frames = 0
  #isReading = true
  #isStopped = false
  #closeTimer: TimerHandle | undefined
  #end: StreamEnd | undefined
  #resolveEnded: (end: StreamEnd) => void = () => undefined

  constructor(options: MediaStreamLegOptions) {
    this.#options = options
    this.streamSid = options.streamSid
    this.customParameters = options.customParameters
    this.#startMs = options.nowMs()
    this.#dice = new FaultDice(options.faults, options.seed)
    this.#player = new Player({
      played: options.heard,
      marked: (name) => this.#echo(name, false),
    })
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
    options.timeline.add('stream-open', { streamSid: this.streamSid })
    options.connection.socket.listen({
      message: (text) => this.#receive(text),
      binary: (bytes) => this.#drop(31950, `binary message of ${bytes} bytes`),
      close: (code) => this.#closed(code),
    })
    this.#begin()
  }

  /** Whether the socket still carries messages. */
  get isLive(): boolean {
    return !this.#isStopped && this.#end === undefined
  }

  /** Audio that Twilio holds and the caller has not heard, in milliseconds. */
  get queuedMs(): number {
    return this.#player.queuedMs
  }

  /** Sends the caller's next 20 ms; `undefined` is silence. */
  callerFrame(audio: Uint8Array | undefined): void {
    if (!this.isLive) return
    const streamMs = this.#frames++ * FRAME_MS
    const fate = this.#dice.frame(this.streamSid)
    for (const message of fate.extra) {
      this.#options.timeline.add('fault', { name: 'malformed-or-oversized', bytes: message.length })
      this.#write(message)
    }
    if (fate.heldMs > 0) {
      this.#options.timeline.add('fault', { name: 'late', ms: fate.heldMs })
      this.#heldUntilMs = Math.max(this.#heldUntilMs, this.#options.nowMs() + fate.heldMs)
    }
    if (fate.isLost) {
      this.counters.mediaLost++
      return
    }
    const payload = audio ? base64Of(audio) : SILENT_PAYLOAD
    const message = `{"event":"media","sequenceNumber":"${++this.#sequence}","streamSid":"${this.streamSid}","media":{"track":"inbound","chunk":"${++this.#chunk}","timestamp":"${streamMs}","payload":"${payload}"}}`
    const swapped = this.#swapped
    if (fate.isSwapped && swapped === undefined) {
      this.#swapped = message
      return
    }
    this.#swapped = undefined
    this.#sendMedia(message)
    if (swapped !== undefined) this.#sendMedia(swapped)
  }

  /** Tells the host that a key was pressed. */
  digit(digit: string): void {
    this.#send('dtmf', `"dtmf":{"track":"inbound_track","digit":"${digit}"}`)
  }

  /** Plays what is due, and does what was held back. */
  advanceTo(nowMs: number): void {
    if (!this.isLive) return
    this.#player.advanceTo(nowMs)
    const streamMs = nowMs - this.#startMs
    if (this.#dice.dropsAt(streamMs)) {
      this.drop()
      return
    }
    const isReading = !this.#dice.readsNothing(streamMs)
    if (isReading !== this.#isReading) this.#setReading(isReading)
    if (nowMs >= this.#heldUntilMs) this.#releaseHeld()
  }

  /** Twilio ends the stream: says `stop`, then closes the socket. */
  stop(): void {
    if (!this.isLive) return
    this.#setReading(true)
    this.#heldUntilMs = 0
    this.#releaseHeld()
    const { accountSid, callSid, clock, connection } = this.#options
    this.#send('stop', `"stop":{"accountSid":"${accountSid}","callSid":"${callSid}"}`)
    this.#isStopped = true
    if (this.#end) return // dropped after the stop, as was asked
    this.#closeTimer = clock.setTimeout(() => connection.socket.terminate(), CLOSE_GRACE_MS)
    connection.socket.close(1000)
  }

  /** The network breaks: no `stop`, no closing handshake. */
  drop(): void {
    if (this.#end) return
    this.#options.timeline.add('fault', { name: 'dropped-socket' })
    this.#finish('network', 1006)
    this.#options.connection.socket.terminate()
  }

  /** Sends text as it is, e.g. to see what the host makes of it. */
  sendRaw(text: string): void {
    if (this.isLive) this.#write(text)
  }

  #begin(): void {
    if (this.#dropsAfter('open')) return
    this.#write('{"event":"connected","protocol":"Call","version":"1.0.0"}')
    if (this.#dropsAfter('connected')) return
    const { accountSid, callSid } = this.#options
    const start = JSON.stringify({
      accountSid,
      streamSid: this.streamSid,
      callSid,
      tracks: ['inbound'],
      mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
      customParameters: this.customParameters,
    })
    this.#send('start', `"start":${start}`)
  }

  #send(event: 'start' | 'dtmf' | 'mark' | 'stop', body: string): void {
    if (!this.isLive) return
    this.#write(`{"event":"${event}","sequenceNumber":"${++this.#sequence}","streamSid":"${this.streamSid}",${body}}`)
    this.#dropsAfter(event)
  }

  #sendMedia(message: string): void {
    if (!this.isLive) return
    this.counters.mediaSent++
    this.#write(message)
    this.#dropsAfter('media')
  }

  #write(message: string): void {
    const { socket } = this.#options.connection
    if (this.#options.nowMs() >= this.#heldUntilMs && this.#held.length === 0) socket.send(message)
    else if (this.#held.length < MAX_HELD_FRAMES) this.#held.push(message)
  }

  #dropsAfter(moment: StreamMoment): boolean {
    if (!this.#dice.dropsAfter(moment)) return false
    this.drop()
    return true
  }

  #releaseHeld(): void {
    const held = this.#held
    if (held.length === 0) return
    this.#held = []
    for (const message of held) this.#write(message)
  }

  #setReading(isReading: boolean): void {
    if (isReading === this.#isReading) return
    this.#isReading = isReading
    this.#options.timeline.add('fault', { name: isReading ? 'reads-again' : 'reads-nothing' })
    if (isReading) this.#options.connection.resumeReading()
    else this.#options.connection.pauseReading()
  }

  #receive(text: string): void {
    if (!this.isLive) return // what was on its way when the stream stopped
    this.#player.advanceTo(this.#options.nowMs())
    const message = readMessage(text)
    if (typeof message === 'string') this.#drop(31951, message)
    else if (message.streamSid !== this.streamSid) this.#drop(31951, 'another streamSid')
    else {
      if (message.event === 'media') this.#receiveMedia(message.media.payload)
      else if (message.event === 'mark') this.#receiveMark(message.mark.name)
      else this.#receiveClear()
      this.#dropsAfter(`host-${message.event}`)
    }
  }

  #receiveMedia(payload: string): void {
    this.counters.mediaReceived++
    if (!this.#player.enqueue(Buffer.from(payload, 'base64'), this.#options.nowMs())) this.#drop(31931, 'audio')
  }

  #receiveMark(name: string): void {
    this.counters.marksReceived++
    this.#options.timeline.add('mark-queued', { name })
    if (!this.#player.mark(name)) this.#drop(31931, 'marks')
  }

  #receiveClear(): void {
    this.counters.clearsReceived++
    this.#options.timeline.add('clear', { unheardMs: this.#player.queuedMs })
    for (const name of this.#player.clear()) this.#echo(name, true)
  }

  #echo(name: string, cleared: boolean): void {
    this.#options.timeline.add('mark-echoed', { name, cleared })
    this.#send('mark', `"mark":${JSON.stringify({ name })}`)
  }

  /** Drops a message; the first of a kind is reported, as Twilio warns once per stream. */
  #drop(code: ViolationCode, seen: string): void {
    this.counters.dropped++
    if (this.#reported.has(code)) return
    this.#reported.add(code)
    this.#options.report(code, seen)
  }

  #closed(code: number): void {
    if (this.#end) return
    if (this.#isStopped) this.#finish('twilio', code)
    else if (code === 1006) {
      this.#options.report(31921, 'without a closing handshake')
      this.#finish('network', code)
    } else {
      if (code > 1001 && code !== 1005) this.#options.report(31921, `close code ${code}`)
      this.#finish('host', code)
    }
  }

  #finish(by: StreamEnd['by'], closeCode: number): void {
    this.#options.clock.clear(this.#closeTimer)
    let unheardMs = 0
    for (const audio of this.#player.unplayed()) {
      for (let at = 0; at < audio.byteLength; at += FRAME_BYTES) {
        if (isLoud(audio.subarray(at, at + FRAME_BYTES))) unheardMs += FRAME_MS
      }
    }
    this.#player.clear()
    this.#end = { by, closeCode, unheardMs }
    this.#options.timeline.add('stream-stop', { streamSid: this.streamSid, by, closeCode, unheardMs })
    this.#resolveEnded(this.#end)
  }
}

/** The message, or what is wrong with it. Exact keys, as Twilio asks (31951). */
function readMessage(text: string): OutboundMessage | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'not JSON'
  }
  const result = outboundMessageSchema.safeParse(value)
  if (result.success) return result.data
  const event = (value as { event?: unknown } | null)?.event
  const known = event === 'media' || event === 'mark' || event === 'clear' ? event : 'unknown event'
  const issue = result.error.issues[0]
  return `${known}: ${issue?.path.join('.') || 'message'} ${issue?.code ?? ''}`
}

function base64Of(audio: Uint8Array): string {
  return Buffer.from(audio.buffer, audio.byteOffset, audio.byteLength).toString('base64')
}
