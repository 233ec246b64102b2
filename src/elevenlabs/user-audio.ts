/**
 * Caller audio as the agent's socket takes it: fifty messages a second and call, so no JSON is written for them.
 *
 * @module
 */

/** What stands before the base64 … */
export const USER_AUDIO_HEAD = '{"user_audio_chunk":"'
/** … and behind it. */
export const USER_AUDIO_TAIL = '"}'

/** Writes caller audio. `payloadBase64` has to be base64 in the announced input format; it is not looked at. */
export function encodeUserAudio(payloadBase64: string): string {
  return USER_AUDIO_HEAD + payloadBase64 + USER_AUDIO_TAIL
}

const HEAD_BYTES = Buffer.from(USER_AUDIO_HEAD)
const TAIL_BYTES = Buffer.from(USER_AUDIO_TAIL)
/** Bytes that {@link encodeUserAudioInPlace} overwrites before the audio, and behind it. */
export const USER_AUDIO_MARGINS = { before: HEAD_BYTES.length, after: TAIL_BYTES.length }

/**
 * {@link encodeUserAudio} around base64 that lies in `bytes` from `start` to `end`, without a copy: what stood on either side of
 * it is overwritten.
 */
export function encodeUserAudioInPlace(bytes: Buffer, start: number, end: number): Buffer {
  const from = start - HEAD_BYTES.length
  for (let i = 0; i < HEAD_BYTES.length; i++) bytes[from + i] = HEAD_BYTES[i] ?? 0
  for (let i = 0; i < TAIL_BYTES.length; i++) bytes[end + i] = TAIL_BYTES[i] ?? 0
  return bytes.subarray(from, end + TAIL_BYTES.length)
}
