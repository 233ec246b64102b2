/**
 * What can go wrong on the way of a media stream, on demand and with a seed.
 *
 * @module
 */
import { seededRandom, type Random } from './seeded-random.js'

/** A message of the stream after which the connection can be cut. `host-…` are those that the host sent. */
export type StreamMoment =
  'open' | 'connected' | 'start' | 'media' | 'mark' | 'dtmf' | 'stop' | `host-${'media' | 'mark' | 'clear'}`

/** Faults of one stream. Chances are from 0 to 1, for each 20 ms packet of the caller. */
export interface StreamFaults {
  /** The packet never arrives; the time stamp of the next one shows the gap. */
  readonly lostFrames?: number
  /** The packet changes places with the next one. */
  readonly reorderedFrames?: number
  /** This packet and all after it are held back for `byMs`, then come at once. */
  readonly lateFrames?: { readonly chance: number; readonly byMs: number }
  /** A message that breaks the protocol comes before the packet. */
  readonly malformedFrames?: number
  /** A message of `bytes` comes before the packet. */
  readonly oversizedFrames?: { readonly chance: number; readonly bytes: number }
  /** Nothing is read from the host from `atMs` of the stream on, for `forMs`. */
  readonly slowReader?: { readonly atMs: number; readonly forMs: number }
  /** The connection breaks, without a closing handshake: after the `count`th (default first) message of a kind, or at a time. */
  readonly drop?: { readonly after: StreamMoment; readonly count?: number } | { readonly atMs: number }
}

/** What happens to one packet. */
export interface FrameFate {
  readonly isLost: boolean
  readonly isSwapped: boolean
  readonly heldMs: number
  /** Messages that come before the packet. */
  readonly extra: readonly string[]
}

const UNTOUCHED: FrameFate = { isLost: false, isSwapped: false, heldMs: 0, extra: [] }

/** Throws the dice for one stream. */
export class FaultDice {
  readonly #faults: StreamFaults
  readonly #random: Random
  readonly #touchesFrames: boolean
  #moments = 0

  constructor(faults: StreamFaults, seed: number) {
    this.#faults = faults
    this.#random = seededRandom(seed)
    const { lostFrames, reorderedFrames, lateFrames, malformedFrames, oversizedFrames } = faults
    this.#touchesFrames = [lostFrames, reorderedFrames, lateFrames, malformedFrames, oversizedFrames].some(Boolean)
  }

  /** What happens to the next packet. */
  frame(streamSid: string): FrameFate {
    if (!this.#touchesFrames) return UNTOUCHED
    const { lostFrames = 0, reorderedFrames = 0, lateFrames, malformedFrames = 0, oversizedFrames } = this.#faults
    const extra: string[] = []
    if (this.#hits(malformedFrames)) extra.push(malformedMessage(this.#random, streamSid))
    if (oversizedFrames && this.#hits(oversizedFrames.chance))
      extra.push(oversizedMessage(oversizedFrames.bytes, streamSid))
    return {
      isLost: this.#hits(lostFrames),
      isSwapped: this.#hits(reorderedFrames),
      heldMs: lateFrames && this.#hits(lateFrames.chance) ? lateFrames.byMs : 0,
      extra,
    }
  }

  /** Whether the connection breaks now, after a message of this kind. */
  dropsAfter(moment: StreamMoment): boolean {
    const { drop } = this.#faults
    if (!drop || !('after' in drop) || drop.after !== moment) return false
    return ++this.#moments === (drop.count ?? 1)
  }

  /** Whether the connection breaks now, so long after the start. */
  dropsAt(streamMs: number): boolean {
    const { drop } = this.#faults
    return drop !== undefined && 'atMs' in drop && streamMs >= drop.atMs
  }

  /** Whether nothing is read now. */
  readsNothing(streamMs: number): boolean {
    const { slowReader } = this.#faults
    return slowReader !== undefined && streamMs >= slowReader.atMs && streamMs < slowReader.atMs + slowReader.forMs
  }

  #hits(chance: number): boolean {
    return chance > 0 && this.#random() < chance
  }
}

/** One of several ways to break the protocol. */
function malformedMessage(random: Random, streamSid: string): string {
  const media = { track: 'inbound', chunk: '1', timestamp: '0' }
  const messages = [
    '{"event":"media","media":{',
    '',
    'null',
    '[]',
    JSON.stringify({ event: 'media', sequenceNumber: '1', streamSid, media }),
    JSON.stringify({ event: 'media', sequenceNumber: '1', streamSid, media: { ...media, payload: '*not base64*' } }),
    JSON.stringify({ event: 'media', sequenceNumber: '1', streamSid, media: { ...media, payload: 17 } }),
    JSON.stringify({ event: 'dtmf', sequenceNumber: '1', streamSid, dtmf: { track: 'inbound_track', digit: 'seven' } }),
    JSON.stringify({ event: 'mark', sequenceNumber: '1', streamSid }),
    JSON.stringify({ event: 42 }),
  ]
  return messages[Math.floor(random() * messages.length)] ?? ''
}

function oversizedMessage(bytes: number, streamSid: string): string {
  const payload = '/'.repeat(Math.ceil(bytes / 4) * 4)
  return JSON.stringify({
    event: 'media',
    sequenceNumber: '1',
    streamSid,
    media: { track: 'inbound', chunk: '1', timestamp: '0', payload },
  })
}
