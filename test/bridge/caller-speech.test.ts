import { describe, expect, test } from 'vitest'
import { CallerSpeech } from '../../src/bridge/caller-speech.js'
import { loadSpeech } from '../support/speech.js'

const STOPPED = { monotonicMs: () => 7 }
const SILENT = Buffer.alloc(160, 0xff).toString('base64')
const LOUD = Buffer.from(Uint8Array.from({ length: 160 }, (_, i) => (i % 2 ? 0x10 : 0x90))).toString('base64')

describe('CallerSpeech', () => {
  test('three loud frames in a row are speech, two are a click', () => {
    let nowMs = 0
    const speech = new CallerSpeech({ monotonicMs: () => nowMs })
    expect([LOUD, LOUD, SILENT, LOUD, LOUD].map((frame) => speech.receive(frame))).not.toContain(true)
    expect(speech.lastMs).toBeUndefined()
    nowMs = 5
    expect(speech.receive(LOUD)).toBe(true)
    expect(speech.lastMs).toBe(5)
    nowMs = 6
    expect(speech.receive(SILENT)).toBe(false)
    expect(speech.lastMs).toBe(5)
  })

  test('a frame says the same as text and as bytes between other bytes', () => {
    const noises = [0x00, 0x10, 0x55, 0x7e, 0x90, 0xaa, 0xf0, 0xff].map((byte) =>
      Buffer.from(Uint8Array.from({ length: 160 }, (_, i) => byte ^ (i % 3))).toString('base64'),
    )
    const [asText, asBytes] = [new CallerSpeech(STOPPED), new CallerSpeech(STOPPED)]
    const heard = noises.flatMap((noise) => [noise, noise, noise, '', 'AAA=', SILENT].map((frame) => {
      const bytes = Buffer.from(`AAAAAAAA${frame}AAAAAAAA`)
      expect(asBytes.receiveBytes(bytes, 8, 8 + frame.length)).toBe(asText.receive(frame))
      return asText.lastMs
    })) // prettier-ignore
    expect(heard).toContain(7)
    expect(heard).toContain(undefined)
  })

  test('the noise of a line is not speech', () => {
    const speech = new CallerSpeech(STOPPED)
    // ±1 and ±2 steps around silence, as a quiet line has them.
    for (let i = 0; i < 200; i++) {
      const noise = Buffer.from(Uint8Array.from({ length: 160 }, (_, j) => (j % 2 ? 0xff : 0x7e) - ((i + j) % 3)))
      expect(speech.receive(noise.toString('base64'))).toBe(false)
    }
  })

  test('a recorded voice is speech from its first word to its last', () => {
    const { audio, durationMs } = loadSpeech().accept
    let at = 0
    const speech = new CallerSpeech({ monotonicMs: () => at / 8 })
    let first: number | undefined
    for (; at < audio.length; at += 160) {
      const spoke = speech.receive(Buffer.from(audio.subarray(at, at + 160)).toString('base64'))
      if (spoke) first ??= at / 8
    }
    expect(first).toBeLessThan(400)
    expect(speech.lastMs).toBeGreaterThan(durationMs - 500)
  })

  test('an empty frame, and one that is no base64, is silence', () => {
    const speech = new CallerSpeech(STOPPED)
    for (const frame of ['', '!!!!', '=']) expect(speech.receive(frame)).toBe(false)
  })
})
