/**
 * Silence as MP3: what stands in for a recording, since the real one is an MP3 and we bring no encoder.
 *
 * @module
 */

/** MPEG-1 layer III, 32 kbit/s, 44 100 Hz, mono: 1152 samples in 104 bytes, and all-zero side information is silence. */
const HEADER = Buffer.from([0xff, 0xfb, 0x10, 0xc4])
const FRAME_BYTES = 104
const FRAME_MS = (1152 * 1000) / 44_100

/** A valid MP3 that is silent for about `durationMs`. At most one hour. */
export function silentMp3(durationMs: number): Buffer {
  const frames = Math.min(Math.max(1, Math.round(durationMs / FRAME_MS)), Math.ceil(3_600_000 / FRAME_MS))
  const mp3 = Buffer.alloc(frames * FRAME_BYTES)
  for (let i = 0; i < frames; i++) HEADER.copy(mp3, i * FRAME_BYTES)
  return mp3
}
