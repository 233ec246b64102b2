/**
 * Twilio's end of one call: 20 ms frames up, playback and marks as Twilio does.
 *
 * @module
 */
import type { WebSocket } from 'ws'
import type { BenchCall } from './bench-call.js'
import { CALLER_FRAMES, PIECE_CHARS, playsMs } from './speech.js'
import { ACCOUNT_SID } from './account.js'
import { readStamp, writeStamp } from './stamp.js'

const FRAME_MS = 20

/** One media socket. */
export class CallerEnd {
  readonly #call: BenchCall
  readonly #socket: WebSocket
  readonly #frameHead: string
  #frames = 0
  #messages = 1
  #nextFrameMs = Infinity
  /** Marks that wait for the audio before them to be played. */
  #marks: { readonly name: string; readonly dueMs: number }[] = []

  constructor(call: BenchCall, socket: WebSocket) {
    this.#call = call
    this.#socket = socket
    this.#frameHead = `"},"streamSid":"${call.streamSid}"}`
    socket.on('message', (data) => this.#receive((data as Buffer).toString('latin1'), performance.now()))
  }

  /** Says hello, and sends frames from now on whenever {@link tick} finds one due. */
  start(token: string | undefined): void {
    const { callSid, streamSid } = this.#call
    const mediaFormat = { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 }
    const customParameters = token === undefined ? {} : { token }
    const start = { accountSid: ACCOUNT_SID, streamSid, callSid, tracks: ['inbound'], mediaFormat, customParameters }
    this.#socket.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
    this.#socket.send(JSON.stringify({ event: 'start', sequenceNumber: '1', start, streamSid }))
    this.#call.startSentMs = performance.now()
    this.#nextFrameMs = this.#call.startSentMs + Math.random() * FRAME_MS // calls do not speak in step
  }

  /** Sends the frames and marks that are due. */
  tick(nowMs: number): void {
    while (nowMs >= this.#nextFrameMs) {
      this.#call.measured()?.lateness.add(nowMs - this.#nextFrameMs)
      this.#nextFrameMs += FRAME_MS
      this.#sendFrame()
    }
    while (this.#marks[0] && nowMs >= this.#marks[0].dueMs) this.#echo(this.#marks.shift()?.name ?? '')
  }

  /** No more frames. */
  pause(): void {
    this.#nextFrameMs = Infinity
  }

  /** Hangs up, as Twilio does: with a `stop`. */
  hangUp(): void {
    const { callSid, streamSid } = this.#call
    this.#send({ event: 'stop', streamSid, stop: { accountSid: ACCOUNT_SID, callSid } })
    this.#socket.close()
  }

  #sendFrame(): void {
    const { up, number } = this.#call
    const n = ++this.#frames
    const speech = CALLER_FRAMES[n % CALLER_FRAMES.length] ?? ''
    const stamp = writeStamp({ call: number, piece: up.next(), sentMs: performance.now() })
    this.#socket.send(
      `{"event":"media","sequenceNumber":"${++this.#messages}","media":{"track":"inbound","chunk":"${n}","timestamp":"${
        (n - 1) * FRAME_MS
      }","payload":"${stamp}${speech}${this.#frameHead}`,
    )
  }

  #receive(text: string, nowMs: number): void {
    const at = text.indexOf('"payload":"')
    if (at >= 0) this.#play(text, at + 11, nowMs)
    else if (text.startsWith('{"event":"mark"')) {
      const name = /"name":"([^"]+)"/.exec(text)?.[1] ?? ''
      this.#marks.push({ name, dueMs: Math.max(nowMs, this.#call.playedOutMs) })
    } else if (text.startsWith('{"event":"clear"')) this.#clear(nowMs)
    else this.#receiveRelayed(text, nowMs)
  }

  /** What only the bare relay lets through: the agent's own messages. It answers them as a bridge does. */
  #receiveRelayed(text: string, nowMs: number): void {
    const at = text.indexOf('"audio_base_64":"')
    if (at >= 0) this.#play(text, at + 17, nowMs)
    else if (text.startsWith('{"type":"interruption"')) this.#clear(nowMs)
    else if (text.startsWith('{"type":"ping"')) {
      const eventId = /"event_id":(\d+)/.exec(text)?.[1] ?? '0'
      this.#socket.send(`{"type":"pong","event_id":${eventId}}`)
    }
  }

  #play(text: string, from: number, nowMs: number): void {
    const call = this.#call
    const to = text.indexOf('"', from)
    if (!call.hasHeard) {
      call.hasHeard = true
      call.measured()?.greeting.add(nowMs - call.startSentMs)
    }
    for (let at = from; at < to; at += PIECE_CHARS) {
      const stamp = readStamp(text, at)
      if (!stamp) continue
      call.down.receive(stamp)
      if (at > from) continue
      const isPrompt = stamp.piece >= call.promptFrom && stamp.piece < call.promptTo
      if (isPrompt) call.measured()?.down.add(nowMs - stamp.sentMs)
      if (stamp.piece !== call.promptFrom) call.starvedMs += Math.max(0, nowMs - call.playedOutMs)
    }
    const padding = text.charCodeAt(to - 1) !== 61 ? 0 : text.charCodeAt(to - 2) !== 61 ? 1 : 2
    call.playedOutMs = Math.max(nowMs, call.playedOutMs) + playsMs(to - from, padding)
  }

  #clear(nowMs: number): void {
    const call = this.#call
    if (call.interruptedMs !== undefined) call.measured()?.clear.add(nowMs - call.interruptedMs)
    call.interruptedMs = undefined
    call.playedOutMs = nowMs
    call.down.excuseMissing()
    for (const { name } of this.#marks.splice(0)) this.#echo(name) // a clear sends every waiting mark back
  }

  #echo(name: string): void {
    this.#send({ event: 'mark', streamSid: this.#call.streamSid, mark: { name } })
  }

  #send({ event, ...rest }: { readonly event: string; readonly [key: string]: unknown }): void {
    this.#socket.send(JSON.stringify({ event, sequenceNumber: String(++this.#messages), ...rest }))
  }
}
