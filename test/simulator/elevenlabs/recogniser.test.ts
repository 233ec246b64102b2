import { describe, expect, test } from 'vitest'
import { fromTelephone, telephoneDecoder } from '../../../src/simulator/elevenlabs/audio-format.js'
import { Recogniser } from '../../../src/simulator/elevenlabs/recogniser.js'
import { syntheticSpeech } from '../../../src/simulator/elevenlabs/utterance.js'
import { loadSpeech } from '../../support/speech.js'

const speech = loadSpeech()
const recogniser = new Recogniser(Object.values(speech))

describe('the recogniser', () => {
  test.each(Object.entries(speech))('knows %s, and nothing else, by its sound', (_, { text, audio }) => {
    const recognised = recogniser.recognise(audio)
    expect(recognised?.text).toBe(text)
    expect(recognised?.similarity).toBeGreaterThan(0.99)
    const others = new Recogniser(Object.values(speech).filter((other) => other.text !== text))
    expect(others.recognise(audio)).toBeUndefined()
  })

  test.each(Object.entries(speech))(
    'knows %s with frames lost, and after a journey through 16 kHz PCM',
    (_, { text, audio }) => {
      const pcm = Buffer.from(fromTelephone(audio, 'pcm_16000'))
      const decoded = telephoneDecoder('pcm_16000')(pcm)
      expect(recogniser.recognise(decoded)?.text).toBe(text)
      const frames = Array.from({ length: Math.floor(audio.length / 160) }, (_, i) =>
        audio.subarray(i * 160, i * 160 + 160),
      )
      const thinned = Buffer.concat(frames.filter((_, i) => i % 15 !== 7))
      expect(recogniser.recognise(thinned)?.text).toBe(text)
      const padded = Buffer.concat(frames.map((frame, i) => (i % 15 === 7 ? Buffer.alloc(160, 0xff) : frame)))
      expect(recogniser.recognise(padded)?.text).toBe(text)
    },
  )

  test.each(Object.entries(speech))('does not know half of %s, nor the whole of it backwards', (_, { text, audio }) => {
    expect(recogniser.recognise(audio.subarray(0, audio.length / 2))?.text).not.toBe(text)
    expect(recogniser.recognise(audio.slice().reverse())?.text).not.toBe(text)
  })

  test('does not know sound in the wrong format', () => {
    const { audio } = speech['move-request']
    const pcm = Buffer.from(fromTelephone(audio, 'pcm_16000'))
    expect(recogniser.recognise(pcm)).toBeUndefined() // PCM taken for mu-law
    expect(recogniser.recognise(telephoneDecoder('pcm_16000')(Buffer.from(audio)))).toBeUndefined() // and the reverse
    expect(recogniser.recognise(new Uint8Array(8000).fill(0xff))).toBeUndefined()
    expect(recogniser.recognise(new Uint8Array(0))).toBeUndefined()
  })

  test('tells hums apart', () => {
    const texts = ['Good morning', 'My number is seventeen', 'My number is seventy', 'No', 'Yes']
    const hums = new Recogniser(texts.map(syntheticSpeech))
    for (const text of texts) expect(hums.recognise(syntheticSpeech(text).audio)?.text).toBe(text)
  })

  test('guesses the beginning of what is being said', () => {
    const { audio, text } = speech['move-request']
    const words = recogniser.recogniseBeginning(audio.subarray(0, audio.length / 2))
    expect(text.startsWith(words!)).toBe(true)
    expect(words).not.toBe(text)
  })
})
