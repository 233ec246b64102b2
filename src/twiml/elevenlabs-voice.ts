/**
 * An ElevenLabs voice as Twilio writes it: `VoiceId[-Model[-speed_stability_similarity]]`.
 *
 * No ElevenLabs API key is involved; Twilio has the voice spoken and bills it.
 *
 * @see https://www.twilio.com/docs/voice/conversationrelay/voice-configuration (read 2026-11-21)
 * @module
 */

/** A voice and how it speaks. */
export interface ElevenLabsVoice {
  /** For example `UgBBYS2sOqTuMpoF3BR0`. */
  readonly voiceId: string
  /** For example `flash_v2_5`, with or without `eleven_` before it. Default: Twilio's; `flash_v2_5` when a number is given. */
  readonly model?: string
  /** 0.7 to 1.2. Default 1. */
  readonly speed?: number
  /** 0 to 1. Default 0.5. */
  readonly stability?: number
  /** 0 to 1. Default 0.75. */
  readonly similarity?: number
}

const DEFAULT_MODEL = 'flash_v2_5'

/**
 * Writes a voice for the `voice` attribute of a conversation relay or a language.
 *
 * @throws TypeError for an id or a model that could not be one, RangeError for a number out of bounds.
 * @example
 * ```ts
 * elevenLabsVoice({ voiceId: 'NYC9WEgkq1u4jiqBseQ9', model: 'eleven_turbo_v2_5', speed: 0.8, stability: 0.8, similarity: 0.6 })
 * // NYC9WEgkq1u4jiqBseQ9-turbo_v2_5-0.8_0.8_0.6
 * ```
 */
export function elevenLabsVoice({ voiceId, model, speed, stability, similarity }: ElevenLabsVoice): string {
  if (!/^[A-Za-z0-9]{8,64}$/.test(voiceId)) throw new TypeError('voiceId must be 8 to 64 letters and digits')
  const name = model?.replace(/^eleven_/, '')
  if (name !== undefined && !/^[a-z0-9_]+$/.test(name)) {
    throw new TypeError('model must be lower-case letters, digits and _, as in flash_v2_5')
  }
  const numbers = [
    within('speed', speed ?? 1, 0.7, 1.2),
    within('stability', stability ?? 0.5, 0, 1),
    within('similarity', similarity ?? 0.75, 0, 1),
  ]
  const isTuned = speed !== undefined || stability !== undefined || similarity !== undefined
  if (isTuned) return `${voiceId}-${name ?? DEFAULT_MODEL}-${numbers.join('_')}`
  return name === undefined ? voiceId : `${voiceId}-${name}`
}

function within(name: string, value: number, min: number, max: number): string {
  if (!(value >= min && value <= max)) throw new RangeError(`${name} must be ${min} to ${max}, and is ${value}`)
  return Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value * 1000) / 1000)
}
