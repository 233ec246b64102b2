/**
 * Marks audio so that whoever receives it knows which piece it is, whose it is, and when it was sent.
 *
 * Eighteen bytes at the head of a piece, which is 24 characters of base64: three letters, the call, the number of the piece, the
 * moment. The rest of the piece is speech. A piece goes through a bridge as audio does, so nothing about it has to be assumed.
 *
 * @module
 */

/** What a piece of audio says of itself. */
export interface Stamp {
  readonly call: number
  readonly piece: number
  /** When it was sent, on the generator's monotonic clock. */
  readonly sentMs: number
}

const LETTERS = 'CWB'
const STAMP_BYTES = 18
/** Characters of base64 that a stamp takes. */
export const STAMP_CHARS = 24
/** What a stamped piece begins with. */
export const STAMP_START = Buffer.from(LETTERS).toString('base64')

const scratch = Buffer.alloc(STAMP_BYTES)
scratch.write(LETTERS, 'latin1')

/** A stamp as base64. */
export function writeStamp({ call, piece, sentMs }: Stamp): string {
  scratch.writeUIntBE(call, 3, 3)
  scratch.writeUInt32BE(piece, 6)
  scratch.writeDoubleBE(sentMs, 10)
  return scratch.toString('base64')
}

/** The stamp at `at` of a text, or `undefined` when there is none. */
export function readStamp(text: string, at: number): Stamp | undefined {
  if (!text.startsWith(STAMP_START, at)) return undefined
  if (scratch.write(text.slice(at, at + STAMP_CHARS), 'base64') !== STAMP_BYTES) return undefined
  return { call: scratch.readUIntBE(3, 3), piece: scratch.readUInt32BE(6), sentMs: scratch.readDoubleBE(10) }
}
