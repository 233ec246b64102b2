/**
 * Telephone audio in each of the formats that an agent can be set to.
 *
 * @module
 */
import { decodeMulaw, encodeMulaw } from '../../audio/mulaw.js'
import { Resampler } from '../../audio/resample.js'

/** Every audio format of an agent, for either direction (ElevenLabs API reference, read 2026-11-21). */
export const AGENT_AUDIO_FORMATS = [
  'ulaw_8000',
  'pcm_8000',
  'pcm_16000',
  'pcm_22050',
  'pcm_24000',
  'pcm_44100',
  'pcm_48000',
] as const

/** PCM is signed 16-bit little-endian mono without a header. */
export type AgentAudioFormat = (typeof AGENT_AUDIO_FORMATS)[number]

const TELEPHONE_HZ = 8000

/** How many bytes one sample has in `format`. */
export function sampleBytes(format: AgentAudioFormat): number {
  return format === 'ulaw_8000' ? 1 : 2
}

/** How many samples one second has in `format`. */
export function sampleRateHz(format: AgentAudioFormat): number {
  return Number(format.split('_')[1])
}

/** A whole utterance, mu-law 8000 Hz, in `format`. */
export function fromTelephone(mulaw: Uint8Array, format: AgentAudioFormat): Uint8Array {
  if (format === 'ulaw_8000') return mulaw
  const rateHz = sampleRateHz(format)
  const pcm = decodeMulaw(mulaw)
  const samples = rateHz === TELEPHONE_HZ ? pcm : new Resampler(TELEPHONE_HZ, rateHz).process(pcm)
  const bytes = Buffer.alloc(samples.length * 2)
  samples.forEach((sample, i) => bytes.writeInt16LE(sample, i * 2))
  return bytes
}

/** Turns a stream of audio in `format` into mu-law 8000 Hz, message by message. */
export function telephoneDecoder(format: AgentAudioFormat): (bytes: Buffer) => Uint8Array {
  if (format === 'ulaw_8000') return (bytes) => bytes
  const rateHz = sampleRateHz(format)
  const resampler = rateHz === TELEPHONE_HZ ? undefined : new Resampler(rateHz, TELEPHONE_HZ)
  return (bytes) => {
    const samples = new Int16Array(bytes.length >> 1)
    for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(i * 2)
    return encodeMulaw(resampler ? resampler.process(samples) : samples)
  }
}
