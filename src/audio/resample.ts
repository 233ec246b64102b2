/**
 * Changes the sample rate of a stream, chunk by chunk, without a click where chunks meet.
 *
 * @module
 */

/** Zero crossings of the kernel on each side: 2 ms of delay at 8000 Hz, and aliases some 60 dB down. */
const ZERO_CROSSINGS = 16
/** The pass band ends a little below the Nyquist rate, so that the kernel's slope lies below it too. */
const ROLL_OFF = 0.92

/** Resamples one stream by windowed-sinc interpolation. Its state is the end of what it was given so far. */
export class Resampler {
  readonly #step: number
  readonly #phases: readonly Float64Array[]
  readonly #reach: number
  #history: Float64Array
  /** Where the next output sample lies: whole input samples into the history, and the phase between two of them. */
  #position: number
  #phase = 0

  /** Rates in hertz, whole numbers. */
  constructor(fromHz: number, toHz: number) {
    for (const hz of [fromHz, toHz]) {
      if (!Number.isInteger(hz) || hz < 1000 || hz > 192_000) throw new RangeError(`not a sample rate: ${hz}`)
    }
    const divisor = greatestCommonDivisor(fromHz, toHz)
    const phaseCount = toHz / divisor
    this.#step = fromHz / divisor
    const cutoff = Math.min(1, toHz / fromHz) * ROLL_OFF
    this.#reach = Math.ceil(ZERO_CROSSINGS / cutoff)
    this.#phases = Array.from({ length: phaseCount }, (_, phase) => kernel(phase / phaseCount, this.#reach, cutoff))
    this.#history = new Float64Array(this.#reach * 2)
    this.#position = this.#reach
  }

  /** Takes in a chunk of any length and returns what can be said of the output so far. */
  process(pcm: Int16Array): Int16Array {
    const input = new Float64Array(this.#history.length + pcm.length)
    input.set(this.#history)
    input.set(pcm, this.#history.length)
    const reach = this.#reach
    const phaseCount = this.#phases.length
    const output = new Int16Array(Math.ceil((pcm.length * phaseCount) / this.#step) + 1)
    let length = 0
    let position = this.#position
    let phase = this.#phase
    while (position + reach < input.length) {
      const taps = this.#phases[phase] ?? new Float64Array()
      const first = position - reach + 1
      let sum = 0
      for (let i = 0; i < taps.length; i++) sum += (taps[i] ?? 0) * (input[first + i] ?? 0)
      output[length++] = Math.max(-32_768, Math.min(32_767, Math.round(sum)))
      phase += this.#step
      position += Math.floor(phase / phaseCount)
      phase %= phaseCount
    }
    const keepFrom = Math.min(input.length, Math.max(0, position - reach))
    this.#history = input.slice(keepFrom)
    this.#position = position - keepFrom
    this.#phase = phase
    return output.subarray(0, length)
  }
}

/** The taps for an output sample that lies `offset` (0 to 1) behind an input sample. */
function kernel(offset: number, reach: number, cutoff: number): Float64Array {
  const taps = new Float64Array(reach * 2)
  let sum = 0
  for (let i = 0; i < taps.length; i++) {
    const x = i - reach + 1 - offset
    const window = 0.42 + 0.5 * Math.cos((Math.PI * x) / reach) + 0.08 * Math.cos((2 * Math.PI * x) / reach) // Blackman
    const angle = Math.PI * x * cutoff
    taps[i] = (angle === 0 ? 1 : Math.sin(angle) / angle) * Math.max(0, window)
    sum += taps[i] ?? 0
  }
  return taps.map((tap) => tap / sum) // a constant stays that constant
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
