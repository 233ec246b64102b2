/**
 * Real speech in stamped pieces: what a caller's frame and an agent's chunk are made of.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { STAMP_CHARS } from './stamp.js'

const BYTES_PER_MS = 8
const STAMP_BYTES = (STAMP_CHARS / 4) * 3
/** An agent's chunk is stamped at every 60 ms: wherever a bridge may cut base64 without decoding it. */
export const PIECE_MS = 60
/** Characters of a whole piece. */
export const PIECE_CHARS = (PIECE_MS * BYTES_PER_MS * 4) / 3

const speechOf = (name: string) => readFileSync(new URL(`../assets/speech/${name}.ulaw`, import.meta.url))

function cut(speech: Buffer, pieceMs: number): readonly string[] {
  const bytes = pieceMs * BYTES_PER_MS - STAMP_BYTES
  const pieces = []
  for (let at = 0; at + bytes <= speech.length; at += bytes) {
    pieces.push(speech.subarray(at, at + bytes).toString('base64'))
  }
  return pieces
}

const caller = speechOf('move-request')
const agent = speechOf('greeting')

/** What follows the stamp in a caller's frames of 20 ms: a sentence, and as much silence. */
export const CALLER_FRAMES: readonly string[] = cut(Buffer.concat([caller, Buffer.alloc(caller.length, 0xff)]), 20)

/** What follows the stamp in a piece of agent audio, by its length. */
export const AGENT_PIECES: Readonly<Record<20 | 40 | 60, readonly string[]>> = {
  20: cut(agent, 20),
  40: cut(agent, 40),
  60: cut(agent, 60),
}

/** How long base64 μ-law plays, in milliseconds. */
export function playsMs(base64Chars: number, padding: number): number {
  return ((base64Chars * 3) / 4 - padding) / BYTES_PER_MS
}
