/**
 * Audio formats of an agent that does not speak the telephone's own: PCM at any of the announced rates ⇄ μ-law 8000 Hz.
 *
 * An agent set to `ulaw_8000` both ways costs nothing and sounds best; this is for the agent that is not set so.
 *
 * @module
 */
import { decodeMulaw, encodeMulaw } from '../audio/mulaw.js'
import { Resampler } from '../audio/resample.js'
import type { AudioFormats, AudioTranscoder } from '../elevenlabs/conversation.js'

const TELEPHONE_HZ = 8000
const PCM = /^pcm_(8000|16000|22050|24000|44100|48000)$/

/**
 * Makes the transcoder between a telephone leg and an agent that announced `formats`. One per conversation: the
 * resamplers keep their state from chunk to chunk.
 *
 * @returns `undefined` when a format is neither `ulaw_8000` nor 16-bit little-endian PCM at a known rate.
 */
export function createTelephoneTranscoder(formats: AudioFormats): AudioTranscoder | undefined {
  const toAgent = encoderTo(formats.input)
  const fromAgent = decoderFrom(formats.output)
  return toAgent && fromAgent ? { toAgent, fromAgent } : undefined
}

function encoderTo(format: string): ((payload: string) => string) | undefined {
  if (format === 'ulaw_8000') return (payload) => payload
  const rateHz = pcmRateOf(format)
  if (!rateHz) return undefined
  const resampler = new Resampler(TELEPHONE_HZ, rateHz)
  return (payload) => {
    const pcm = resampler.process(decodeMulaw(Buffer.from(payload, 'base64')))
    const bytes = Buffer.alloc(pcm.length * 2)
    pcm.forEach((sample, i) => bytes.writeInt16LE(sample, i * 2))
    return bytes.toString('base64')
  }
}

function decoderFrom(format: string): ((payload: string) => string) | undefined {
  if (format === 'ulaw_8000') return (payload) => payload
  const rateHz = pcmRateOf(format)
  if (!rateHz) return undefined
  const resampler = new Resampler(rateHz, TELEPHONE_HZ)
  let oddByte: Buffer | undefined // a chunk may end in the middle of a sample
  return (payload) => {
    let bytes: Buffer = Buffer.from(payload, 'base64')
    if (oddByte) bytes = Buffer.concat([oddByte, bytes])
    const samples = bytes.length >> 1
    oddByte = bytes.length % 2 === 1 ? Buffer.from(bytes.subarray(-1)) : undefined
    const pcm = new Int16Array(samples)
    for (let i = 0; i < samples; i++) pcm[i] = bytes.readInt16LE(i * 2)
    return Buffer.from(encodeMulaw(resampler.process(pcm))).toString('base64')
  }
}

function pcmRateOf(format: string): number | undefined {
  const rate = PCM.exec(format)?.[1]
  return rate === undefined ? undefined : Number(rate)
}
