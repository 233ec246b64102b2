/**
 * What `<Say>` and `<Play>` sound like on the line.
 *
 * @module
 */
import { encodeMulaw } from '../../audio/mulaw.js'

/** The sound of text that Twilio would speak: μ-law, 8000 Hz, mono. */
export type SpeakText = (text: string) => Uint8Array

const SAMPLES_PER_MS = 8
const HUM_HZ = 180
const HUM_PEAK = 7000
const MS_PER_LETTER = 65
const MIN_WORD_MS = 160
const MAX_TEXT_LENGTH = 5000 // what Twilio speaks at most (https://www.twilio.com/docs/voice/twiml/say, read 2026-11-21)

/** A hum that swells once a word and lasts about as long as the words would. */
export const humText: SpeakText = (text) => {
  const words = text.slice(0, MAX_TEXT_LENGTH).split(/\s+/).filter(Boolean)
  const lengths = words.map((word) => Math.max(MIN_WORD_MS, word.length * MS_PER_LETTER) * SAMPLES_PER_MS)
  const pcm = new Int16Array(lengths.reduce((sum, length) => sum + length, 0))
  let at = 0
  for (const length of lengths) {
    for (let i = 0; i < length; i++, at++) {
      const swell = Math.sin((Math.PI * i) / length)
      pcm[at] = HUM_PEAK * swell * Math.sin((2 * Math.PI * HUM_HZ * i) / (SAMPLES_PER_MS * 1000))
    }
  }
  return encodeMulaw(pcm)
}

/** A second of sound for a file that cannot be decoded here. */
const STAND_IN = 'a sound of one second'

/** The sound of a file: raw μ-law and WAV (μ-law or 16-bit, 8000 Hz, mono) as they are, anything else as a hum. */
export function decodeSoundFile(body: Uint8Array, contentType: string): { audio: Uint8Array; isStandIn: boolean } {
  const kind = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (/^audio\/(basic|x-mulaw|mulaw|pcmu|ulaw|x-ulaw)$/.test(kind)) return { audio: body, isStandIn: false }
  const audio = decodeWav(body)
  return audio ? { audio, isStandIn: false } : { audio: humText(STAND_IN), isStandIn: true }
}

const WAV_PCM = 1
const WAV_MULAW = 7

function decodeWav(body: Uint8Array): Uint8Array | undefined {
  const file = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (file.byteLength < 12 || file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE')
    return
  let format: number | undefined
  for (let at = 12; at + 8 <= file.byteLength;) {
    const name = file.toString('latin1', at, at + 4)
    const length = file.readUInt32LE(at + 4)
    const chunk = file.subarray(at + 8, at + 8 + length)
    if (name === 'fmt ' && chunk.byteLength >= 16) {
      const isMono8k = chunk.readUInt16LE(2) === 1 && chunk.readUInt32LE(4) === 8000
      if (!isMono8k) return undefined
      format = chunk.readUInt16LE(0)
      if (format === WAV_PCM && chunk.readUInt16LE(14) !== 16) return undefined
    }
    if (name === 'data') {
      if (format === WAV_MULAW) return new Uint8Array(chunk)
      if (format === WAV_PCM) return encodeMulaw(samplesOf(chunk))
      return undefined
    }
    at += 8 + length + (length % 2)
  }
  return undefined
}

function samplesOf(bytes: Buffer): Int16Array {
  const samples = new Int16Array(Math.floor(bytes.byteLength / 2))
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(i * 2)
  return samples
}
