/**
 * Tells which of the utterances it knows some audio is, by the shape of the sound.
 *
 * This is no speech recognition: it proves that the right sound arrived, whole, in order and in the right format.
 *
 * @module
 */
import { decodeMulaw } from '../../audio/mulaw.js'
import type { Utterance } from './utterance.js'

const FRAME_SAMPLES = 160
/** Loudness is measured from this far below the loudest frame upward. */
const RANGE_DB = 40
/** Audio that is less alike than this is not taken for the utterance. */
const MIN_SIMILARITY = 0.65
/** How much longer or shorter the audio may be than the utterance. */
const LENGTH_TOLERANCE = 0.3

/** Loudness (0 to 1) and brightness (zero crossings, 0 to 1) of each 20 ms, one after the other. */
type Shape = Float64Array

interface Known {
  readonly text: string
  readonly shape: Shape
}

/** What the recogniser made of some audio. */
export interface Recognised {
  /** The words of the utterance it is. */
  readonly text: string
  /** How alike the two are, 0 to 1. */
  readonly similarity: number
}

/** Knows a list of utterances by their sound. */
export class Recogniser {
  readonly #known: readonly Known[]

  constructor(utterances: readonly Utterance[]) {
    this.#known = utterances.map(({ text, audio }) => ({ text, shape: shapeOf(audio) }))
  }

  /** The utterance that `audio` (mu-law, 8000 Hz) is, or `undefined` when it is none of them. */
  recognise(audio: Uint8Array): Recognised | undefined {
    const heard = shapeOf(audio)
    return this.#best(heard, ({ shape }) => {
      return Math.abs(shape.length - heard.length) > LENGTH_TOLERANCE * shape.length + 20 ? undefined : shape
    })
  }

  /** The words that were probably said so far in audio that may still go on. */
  recogniseBeginning(audio: Uint8Array): string | undefined {
    const heard = shapeOf(audio)
    const best = this.#best(heard, ({ shape }) => {
      return shape.length < heard.length ? undefined : shape.subarray(0, heard.length)
    })
    const known = best && this.#known.find(({ text }) => text === best.text)
    if (!known) return undefined
    const words = known.text.split(' ')
    return words.slice(0, Math.max(1, Math.floor((words.length * heard.length) / known.shape.length))).join(' ')
  }

  #best(heard: Shape, candidate: (known: Known) => Shape | undefined): Recognised | undefined {
    let best: Recognised | undefined
    for (const known of this.#known) {
      const shape = candidate(known)
      const similarity = shape && shape.length > 0 && heard.length > 0 ? similarityOf(heard, shape) : 0
      if (similarity >= MIN_SIMILARITY && similarity > (best?.similarity ?? 0)) best = { text: known.text, similarity }
    }
    return best
  }
}

function shapeOf(mulaw: Uint8Array): Shape {
  const pcm = decodeMulaw(mulaw)
  const frames = Math.floor(pcm.length / FRAME_SAMPLES)
  const db = new Float64Array(frames)
  const crossings = new Float64Array(frames)
  let loudestDb = -Infinity
  for (let frame = 0; frame < frames; frame++) {
    let power = 1
    let previous = 0
    for (let i = frame * FRAME_SAMPLES; i < (frame + 1) * FRAME_SAMPLES; i++) {
      const sample = pcm[i] ?? 0
      power += sample * sample
      if (sample >= 0 !== previous >= 0) crossings[frame] = (crossings[frame] ?? 0) + 1
      previous = sample
    }
    const level = 10 * Math.log10(power)
    db[frame] = level
    loudestDb = Math.max(loudestDb, level)
  }
  const floorDb = loudestDb - RANGE_DB
  let first = 0
  let last = frames
  while (first < last && (db[first] ?? 0) <= floorDb) first++
  while (last > first && (db[last - 1] ?? 0) <= floorDb) last--
  const shape = new Float64Array((last - first) * 2)
  for (let frame = first; frame < last; frame++) {
    const loudness = Math.max(0, ((db[frame] ?? 0) - floorDb) / RANGE_DB)
    shape[(frame - first) * 2] = loudness
    // The crossings of near silence are noise, so they count as much as the frame is loud.
    shape[(frame - first) * 2 + 1] = (loudness * (crossings[frame] ?? 0)) / (FRAME_SAMPLES / 2)
  }
  return shape
}

/**
 * Dynamic time warping in a narrow band, so that lost or repeated frames cost little: 1 is the same sound, and two
 * different utterances stay well below {@link MIN_SIMILARITY}.
 */
function similarityOf(a: Shape, b: Shape): number {
  const rows = a.length / 2
  const columns = b.length / 2
  const band = Math.max(8, Math.abs(rows - columns) + 4, Math.round(columns * 0.08))
  let previous = new Float64Array(columns + 1).fill(Infinity)
  let current = new Float64Array(columns + 1)
  previous[0] = 0
  for (let row = 1; row <= rows; row++) {
    current.fill(Infinity)
    const centre = Math.round((row * columns) / rows)
    for (let column = Math.max(1, centre - band); column <= Math.min(columns, centre + band); column++) {
      const cost =
        Math.abs((a[row * 2 - 2] ?? 0) - (b[column * 2 - 2] ?? 0)) +
        Math.abs((a[row * 2 - 1] ?? 0) - (b[column * 2 - 1] ?? 0))
      const straight = previous[column - 1] ?? Infinity
      // A step aside costs a little of its own, or any sound could be stretched into any other.
      const aside = Math.min(previous[column] ?? Infinity, current[column - 1] ?? Infinity) + 0.08
      current[column] = cost + Math.min(straight, aside)
    }
    ;[previous, current] = [current, previous]
  }
  const mean = (previous[columns] ?? Infinity) / Math.max(rows, columns)
  return Math.max(0, 1 - mean * 2)
}
