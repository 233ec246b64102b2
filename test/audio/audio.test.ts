import alawmulaw from 'alawmulaw'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMulaw, encodeMulaw } from '../../src/audio/mulaw.js'
import { Resampler } from '../../src/audio/resample.js'
import { speechLevel } from '../../src/audio/speech-level.js'
import { encodeWav } from '../../src/audio/wav.js'

const { mulaw } = alawmulaw

describe('mulaw', () => {
  test('encodes every 16-bit sample as the reference does, bit for bit', () => {
    const pcm = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768)
    const ours = encodeMulaw(pcm)
    const wrong = [...pcm].filter((sample, i) => ours[i] !== (mulaw.encodeSample(sample) & 0xff))
    expect(wrong).toEqual([])
  })

  test('decodes every byte as the reference does', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    expect([...decodeMulaw(bytes)]).toEqual([...bytes].map((byte) => mulaw.decodeSample(byte) + 0))
  })

  test('silence is 0xFF both ways', () => {
    expect([...encodeMulaw(new Int16Array(3))]).toEqual([0xff, 0xff, 0xff])
    expect([...decodeMulaw(Uint8Array.of(0xff))].map(Math.abs)).toEqual([0])
  })
})

const tone = (hz: number, rateHz: number, ms: number, amplitude = 10_000) =>
  Int16Array.from({ length: (rateHz * ms) / 1000 }, (_, i) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / rateHz)),
  )

/** Amplitude of one frequency in the middle of a signal, by correlation. */
function amplitudeAt(hz: number, rateHz: number, pcm: Int16Array): number {
  const middle = pcm.subarray(Math.floor(pcm.length / 4), Math.floor((pcm.length * 3) / 4))
  let re = 0
  let im = 0
  middle.forEach((sample, i) => {
    re += sample * Math.cos((2 * Math.PI * hz * i) / rateHz)
    im += sample * Math.sin((2 * Math.PI * hz * i) / rateHz)
  })
  return (2 * Math.hypot(re, im)) / middle.length
}

describe('Resampler', () => {
  const rates = [8000, 16_000, 22_050, 24_000, 44_100, 48_000]
  const pairs = rates.flatMap((rate) => [[8000, rate] as const, [rate, 8000] as const])

  test.each(pairs)('%i Hz to %i Hz keeps a tone of 1000 Hz, its loudness and its length', (fromHz, toHz) => {
    const out = new Resampler(fromHz, toHz).process(tone(1000, fromHz, 500))
    expect(amplitudeAt(1000, toHz, out)).toBeGreaterThan(9700)
    expect(amplitudeAt(1000, toHz, out)).toBeLessThan(10_300)
    expect(Math.abs(out.length - toHz / 2)).toBeLessThan(toHz * 0.01)
  })

  test.each([16_000, 24_000, 48_000])(
    'from %i Hz down, what 8000 Hz cannot hold is removed and not folded back',
    (fromHz) => {
      const out = new Resampler(fromHz, 8000).process(tone(6000, fromHz, 500))
      expect(amplitudeAt(2000, 8000, out)).toBeLessThan(20)
    },
  )

  test('chunks of any size give the same as the whole', () => {
    const whole = tone(700, 16_000, 300)
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(...pairs),
        (cuts, [a, b]) => {
          const atOnce = new Resampler(a, b).process(whole)
          const resampler = new Resampler(a, b)
          const parts: number[] = []
          let at = 0
          for (const cut of [...cuts, whole.length]) {
            parts.push(...resampler.process(whole.subarray(at, at + cut)))
            at = Math.min(whole.length, at + cut)
          }
          expect(parts).toEqual([...atOnce])
        },
      ),
      { numRuns: 40 },
    )
  })

  test.each([0, -8000, 8000.5, Number.NaN, 1e9])('refuses %d as a rate', (rate) => {
    expect(() => new Resampler(rate, 8000)).toThrow(RangeError)
  })
})

describe('speechLevel', () => {
  const level = (pcm: Int16Array) => speechLevel(Buffer.from(encodeMulaw(pcm)).toString('base64'))

  test('silence is 0, a quiet tone less than a loud one, full scale near its mean', () => {
    expect(speechLevel('')).toBe(0)
    expect(level(new Int16Array(160))).toBe(0)
    expect(level(tone(300, 8000, 20, 500))).toBeLessThan(level(tone(300, 8000, 20, 5000)))
    expect(level(tone(300, 8000, 20, 32_000))).toBeGreaterThan(0.5)
  })

  // Noise, as it has no period: of a pure tone every third sample can fall on its zeros.
  test('is near the mean amplitude that decoding gives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 30_000 }), fc.integer({ min: 1, max: 2 ** 31 - 2 }), (peak, seed) => {
        let state = seed
        const pcm = Int16Array.from({ length: 1600 }, () => {
          state = (state * 48_271) % 2_147_483_647
          return ((state / 2_147_483_647) * 2 - 1) * peak
        })
        const mean = pcm.reduce((sum, sample) => sum + Math.abs(sample), 0) / pcm.length / 32_768
        expect(level(pcm)).toBeGreaterThan(mean * 0.75)
        expect(level(pcm)).toBeLessThan(mean * 1.25)
      }),
    )
  })
})

test('a WAV file says what it holds, and shorter channels end in silence', () => {
  const wav = Buffer.from(encodeWav({ channels: [Int16Array.of(1, -2, 3), Int16Array.of(4)], sampleRateHz: 8000 }))
  expect(wav.toString('latin1', 0, 4) + wav.toString('latin1', 8, 16)).toBe('RIFFWAVEfmt ')
  expect([wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt32LE(28), wav.readUInt32LE(40)]).toEqual([
    2, 8000, 32_000, 12,
  ])
  expect([44, 46, 48, 50, 52, 54].map((at) => wav.readInt16LE(at))).toEqual([1, 4, -2, 0, 3, 0])
})
