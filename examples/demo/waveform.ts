/**
 * A waveform as inline SVG that stretches to its box.
 *
 * @module
 */
import { html, tag, type Html } from './html.js'

const BIN_SAMPLES = 160 // 20 ms at 8000 Hz
const HALF_HEIGHT = 100

/** Draws one channel: its peaks, and inside them its mean loudness. `peak` is the sample that fills the height. */
export function waveform(pcm: Int16Array, peak: number): Html {
  const bins = Math.ceil(pcm.length / BIN_SAMPLES)
  const peaks: number[] = []
  const means: number[] = []
  for (let bin = 0; bin < bins; bin++) {
    let highest = 0
    let power = 0
    const samples = pcm.subarray(bin * BIN_SAMPLES, (bin + 1) * BIN_SAMPLES)
    for (const sample of samples) {
      highest = Math.max(highest, Math.abs(sample))
      power += sample * sample
    }
    peaks.push(Math.round((highest / peak) * HALF_HEIGHT))
    means.push(Math.round((Math.sqrt(power / Math.max(1, samples.length)) / peak) * HALF_HEIGHT))
  }
  return html(
    `<svg class="wave" viewBox="0 ${-HALF_HEIGHT} ${Math.max(1, bins)} ${HALF_HEIGHT * 2}" preserveAspectRatio="none" aria-hidden="true">`,
    tag('path', { class: 'peaks', d: envelope(peaks) }),
    tag('path', { class: 'means', d: envelope(means) }),
    tag('path', { class: 'zero', d: `M0 0H${bins}` }),
    '</svg>',
  )
}

/** The outline of loudness, above and below the middle. Silence draws nothing. */
function envelope(heights: readonly number[]): string {
  let path = ''
  let bin = 0
  while (bin < heights.length) {
    if ((heights[bin] ?? 0) === 0) {
      bin++
      continue
    }
    const from = bin
    while ((heights[bin] ?? 0) > 0) bin++
    const loud = heights.slice(from, bin)
    const upper = loud.map((height, index) => `${from + index + 0.5} ${-height}`)
    const lower = loud.map((height, index) => `${from + index + 0.5} ${height}`).reverse()
    path += `M${from} 0L${upper.join('L')}L${bin} 0L${lower.join('L')}Z`
  }
  return path
}
