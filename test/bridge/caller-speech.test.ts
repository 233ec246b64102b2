import { describe, expect, test } from 'vitest'
import { CallerSpeech } from '../../src/bridge/caller-speech.js'
import { loadSpeech } from '../support/speech.js'

const SILENT = Buffer.alloc(160, 0xff).toString('base64')
const LOUD = Buffer.from(Uint8Array.from({ length: 160 }, (_, i) => (i % 2 ? 0x10 : 0x90))).toString('base64')

describe('CallerSpeech', () => {
  test('three loud frames in a row are speech, two are a click', () => {
    const speech = new CallerSpeech()
    expect([LOUD, LOUD, SILENT, LOUD, LOUD].map((frame, i) => speech.receive(frame, i))).not.toContain(true)
    expect(speech.lastMs).toBeUndefined()
    expect(speech.receive(LOUD, 5)).toBe(true)
    expect(speech.lastMs).toBe(5)
    expect(speech.receive(SILENT, 6)).toBe(false)
    expect(speech.lastMs).toBe(5)
  })

  test('the noise of a line is not speech', () => {
    const speech = new CallerSpeech()
    // ±1 and ±2 steps around silence, as a quiet line has them.
    for (let i = 0; i < 200; i++) {
      const noise = Buffer.from(Uint8Array.from({ length: 160 }, (_, j) => (j % 2 ? 0xff : 0x7e) - ((i + j) % 3)))
      expect(speech.receive(noise.toString('base64'), i)).toBe(false)
    }
  })

  test('a recorded voice is speech from its first word to its last', () => {
    const { audio, durationMs } = loadSpeech().accept
    const speech = new CallerSpeech()
    let first: number | undefined
    for (let at = 0; at < audio.length; at += 160) {
      const spoke = speech.receive(Buffer.from(audio.subarray(at, at + 160)).toString('base64'), at / 8)
      if (spoke) first ??= at / 8
    }
    expect(first).toBeLessThan(400)
    expect(speech.lastMs).toBeGreaterThan(durationMs - 500)
  })

  test('an empty frame, and one that is no base64, is silence', () => {
    const speech = new CallerSpeech()
    for (const frame of ['', '!!!!', '=']) expect(speech.receive(frame, 0)).toBe(false)
  })
})
