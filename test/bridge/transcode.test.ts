import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMulaw, encodeMulaw } from '../../src/audio/mulaw.js'
import { createTelephoneTranscoder } from '../../src/bridge/transcode.js'

const RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000]
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64')

/** A tone as 16-bit little-endian PCM. */
function tone(rateHz: number, ms: number, hz = 440): Buffer {
  const samples = Math.round((rateHz * ms) / 1000)
  const pcm = Buffer.alloc(samples * 2)
  for (let i = 0; i < samples; i++)
    pcm.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * hz * i) / rateHz)), i * 2)
  return pcm
}

/** How strong `hz` is in telephone audio, 0 to 1 of the tone above. */
function strength(mulaw: Uint8Array, hz: number): number {
  const pcm = decodeMulaw(mulaw)
  let re = 0
  let im = 0
  pcm.forEach((sample, i) => {
    re += sample * Math.cos((2 * Math.PI * hz * i) / 8000)
    im += sample * Math.sin((2 * Math.PI * hz * i) / 8000)
  })
  return (2 * Math.hypot(re, im)) / pcm.length / 8000
}

describe('createTelephoneTranscoder', () => {
  test('touches nothing of an agent that speaks the telephone\u2019s own format', () => {
    const same = createTelephoneTranscoder({ input: 'ulaw_8000', output: 'ulaw_8000' })!
    expect(same.toAgent('not even base64')).toBe('not even base64')
    expect(same.fromAgent('not even base64')).toBe('not even base64')
  })

  test.each(RATES)('an agent that speaks PCM at %i Hz is heard at the same pitch and length', (rateHz) => {
    const { fromAgent } = createTelephoneTranscoder({ input: 'ulaw_8000', output: `pcm_${rateHz}` })!
    const pcm = tone(rateHz, 1000)
    const chunk = Math.round(rateHz / 10) * 2
    const heard = Buffer.concat(
      Array.from({ length: 10 }, (_, i) => bytesOf(fromAgent(base64(pcm.subarray(i * chunk, (i + 1) * chunk))))),
    )
    expect(Math.abs(heard.length - 8000)).toBeLessThan(40)
    expect(strength(heard, 440)).toBeGreaterThan(0.9)
    expect(strength(heard, 880)).toBeLessThan(0.05)
  })

  test.each(RATES)('an agent that hears PCM at %i Hz hears the caller at the same pitch and length', (rateHz) => {
    const { toAgent } = createTelephoneTranscoder({ input: `pcm_${rateHz}`, output: 'ulaw_8000' })!
    const caller = encodeMulaw(new Int16Array(tone(8000, 1000).buffer.slice(0)).slice(0, 8000))
    const frames = Array.from({ length: 50 }, (_, i) => base64(caller.subarray(i * 160, (i + 1) * 160)))
    const heard = Buffer.concat(frames.map((frame) => bytesOf(toAgent(frame))))
    expect(heard.length % 2).toBe(0)
    expect(Math.abs(heard.length / 2 - rateHz)).toBeLessThan(rateHz / 200)
    // Back again, to measure with the same instrument.
    const { fromAgent } = createTelephoneTranscoder({ input: 'ulaw_8000', output: `pcm_${rateHz}` })!
    expect(strength(bytesOf(fromAgent(base64(heard))), 440)).toBeGreaterThan(0.85)
  })

  test('what lies above the telephone\u2019s band is left out and does not fold back into it', () => {
    const { fromAgent } = createTelephoneTranscoder({ input: 'ulaw_8000', output: 'pcm_16000' })!
    const heard = bytesOf(fromAgent(base64(tone(16_000, 1000, 6000))))
    expect(strength(heard, 2000)).toBeLessThan(0.1)
  })

  test('a sample may be cut by the end of a chunk: nothing shifts', () => {
    const pcm = tone(16_000, 500)
    const whole = createTelephoneTranscoder({ input: 'ulaw_8000', output: 'pcm_16000' })!
    const expected = bytesOf(whole.fromAgent(base64(pcm)))
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 30 }), (sizes) => {
        const { fromAgent } = createTelephoneTranscoder({ input: 'ulaw_8000', output: 'pcm_16000' })!
        const parts: Buffer[] = []
        let at = 0
        for (const size of sizes) {
          parts.push(bytesOf(fromAgent(base64(pcm.subarray(at, at + size)))))
          at += size
        }
        parts.push(bytesOf(fromAgent(base64(pcm.subarray(at)))))
        expect(Buffer.concat(parts).equals(expected)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('the two directions are independent', () => {
    const mixed = createTelephoneTranscoder({ input: 'pcm_16000', output: 'ulaw_8000' })!
    expect(mixed.fromAgent('AAAA')).toBe('AAAA')
    expect(bytesOf(mixed.toAgent(base64(new Uint8Array(160).fill(0xff)))).length).toBe(640)
  })

  test.each([
    ['ulaw_8000', 'opus_48000'],
    ['mp3_44100', 'ulaw_8000'],
    ['pcm_12345', 'ulaw_8000'],
    ['none', 'none'],
    ['pcm_16000 ', 'ulaw_8000'],
    ['ulaw_16000', 'ulaw_8000'],
  ])('%s in and %s out is refused, and never passed through as noise', (input, output) => {
    expect(createTelephoneTranscoder({ input, output })).toBeUndefined()
  })
})
