/**
 * Something that is said, as words and as sound.
 *
 * @module
 */
import { encodeMulaw } from '../../audio/mulaw.js'

/** What is said, and the sound of it. */
export interface Utterance {
  /** The words. */
  readonly text: string
  /** G.711 mu-law, 8000 Hz, mono, no header: eight bytes a millisecond. */
  readonly audio: Uint8Array
}

const SAMPLES_PER_MS = 8
const MS_PER_CHARACTER = 65

/**
 * An utterance for words of which no recording is at hand: a hum with one syllable a vowel, about as long as the words
 * would take. The same words give the same sound, different words a different one, so it can be recognised again.
 */
export function syntheticSpeech(text: string): Utterance {
  const syllables = syllablesOf(text)
  const pcm = new Int16Array(syllables.reduce((sum, { ms }) => sum + ms, 0) * SAMPLES_PER_MS)
  let at = 0
  for (const { ms, hz, gain } of syllables) {
    const length = ms * SAMPLES_PER_MS
    for (let i = 0; i < length; i++) {
      const envelope = Math.sin((Math.PI * i) / length)
      const phase = (2 * Math.PI * hz * i) / (SAMPLES_PER_MS * 1000)
      pcm[at++] = 9000 * gain * envelope * (Math.sin(phase) + 0.4 * Math.sin(3 * phase))
    }
  }
  return { text, audio: encodeMulaw(pcm) }
}

function syllablesOf(text: string): { ms: number; hz: number; gain: number }[] {
  const parts = text.toLowerCase().match(/[^aeiouy]*[aeiouy]+|[^aeiouy]+$/g) ?? ['a']
  return parts.map((part) => {
    let hash = 0
    for (const character of part) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
    const ms = Math.round(Math.max(60, part.length * MS_PER_CHARACTER) / 20) * 20
    return { ms, hz: 140 + (hash % 24) * 40, gain: 0.6 + ((hash >>> 8) % 5) / 10 }
  })
}
