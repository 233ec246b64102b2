/**
 * G.711 μ-law ⇄ 16-bit linear PCM, by table.
 *
 * @see https://www.itu.int/rec/T-REC-G.711 (read 2026-11-21)
 * @module
 */

/** One byte a sample, 8000 samples a second. */
export const MULAW_BYTES_PER_MS = 8
/** The byte of silence. */
export const MULAW_SILENCE = 0xff

const BIAS = 0x84
const CLIP = 32_635

let encodeTable: Uint8Array | undefined
let decodeTable: Int16Array | undefined

/** Encodes 16-bit samples, one byte each. */
export function encodeMulaw(pcm: Int16Array): Uint8Array {
  const table = (encodeTable ??= makeEncodeTable())
  const mulaw = new Uint8Array(pcm.length)
  for (let i = 0; i < pcm.length; i++) mulaw[i] = table[(pcm[i] ?? 0) & 0xffff] ?? MULAW_SILENCE
  return mulaw
}

/** Decodes μ-law bytes to 16-bit samples. */
export function decodeMulaw(mulaw: Uint8Array): Int16Array {
  const table = (decodeTable ??= Int16Array.from({ length: 256 }, (_, byte) => decodeSample(byte)))
  const pcm = new Int16Array(mulaw.length)
  for (let i = 0; i < mulaw.length; i++) pcm[i] = table[mulaw[i] ?? MULAW_SILENCE] ?? 0
  return pcm
}

/** Decodes one byte, by arithmetic. */
export function decodeSample(byte: number): number {
  const bits = ~byte
  const magnitude = ((((bits & 0x0f) << 3) + BIAS) << ((bits & 0x70) >> 4)) - BIAS
  return bits & 0x80 ? -magnitude : magnitude
}

function makeEncodeTable(): Uint8Array {
  const table = new Uint8Array(65_536)
  for (let word = 0; word < table.length; word++) {
    const sample = word < 0x8000 ? word : word - 0x1_0000
    const magnitude = Math.min(Math.abs(sample) + BIAS, CLIP)
    const exponent = 31 - Math.clz32(magnitude >> 7)
    const mantissa = (magnitude >> (exponent + 3)) & 0x0f
    table[word] = ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | mantissa)
  }
  return table
}
