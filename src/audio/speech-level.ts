/**
 * How loud a stretch of μ-law is, read from its base64 without decoding it.
 *
 * Three bytes make four characters, and the first character of each four holds the upper six bits of one byte: of a μ-law
 * sample its sign, its exponent and half its mantissa. A look-up for every sixth sample is a good measure of loudness, costs
 * a fraction of a microsecond a frame, and allocates nothing.
 *
 * @module
 */
import { decodeSample } from './mulaw.js'

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

let levels: Float64Array | undefined

/** One sample in so many characters is looked at. */
const STEP = 8

/** Mean loudness from 0 (silence) to 1 (full scale), of base64 μ-law. 0 for an empty payload. */
export function speechLevel(payloadBase64: string): number {
  const table = (levels ??= makeLevels())
  const { length } = payloadBase64
  let sum = 0
  for (let i = 0; i < length; i += STEP) sum += table[payloadBase64.charCodeAt(i) & 0x7f] ?? 0
  return length === 0 ? 0 : sum / Math.ceil(length / STEP)
}

/** The same of base64 that lies in `bytes` from `start` to `end`. */
export function speechLevelOfBytes(bytes: Uint8Array, start: number, end: number): number {
  const table = (levels ??= makeLevels())
  let sum = 0
  for (let i = start; i < end; i += STEP) sum += table[(bytes[i] ?? 0) & 0x7f] ?? 0
  return end <= start ? 0 : sum / Math.ceil((end - start) / STEP)
}

function makeLevels(): Float64Array {
  const table = new Float64Array(128)
  for (let bits = 0; bits < 64; bits++) {
    const isQuietest = bits === 0x3f || bits === 0x1f // 0xFC–0xFF and 0x7C–0x7F: line silence, on either side of zero
    table[BASE64.charCodeAt(bits)] = isQuietest ? 0 : Math.abs(decodeSample((bits << 2) | 2)) / 32_768
  }
  return table
}
