/**
 * The demo's speech, read from `assets/speech`.
 *
 * @module
 */
import { readFileSync } from 'node:fs'

const FOLDER = new URL('../../assets/speech/', import.meta.url)

/** One recorded utterance: what was said, by whom, and the sound of it as the telephone carries it. */
export interface RecordedUtterance {
  readonly text: string
  readonly speaker: 'agent' | 'caller'
  readonly durationMs: number
  /** G.711 mu-law, 8000 Hz, mono, no header. */
  readonly audio: Uint8Array
}

export type UtteranceName =
  | 'greeting'
  | 'move-request'
  | 'ask-confirmation'
  | 'confirmation-number'
  | 'one-moment'
  | 'offer'
  | 'accept'
  | 'goodbye'
  | 'apology'

/** Reads every utterance. Call it once a file of tests. */
export function loadSpeech(): Readonly<Record<UtteranceName, RecordedUtterance>> {
  const listed = JSON.parse(readFileSync(new URL('utterances.json', FOLDER), 'utf8')) as Record<
    string,
    Omit<RecordedUtterance, 'audio'>
  >
  const entries = Object.entries(listed).map(([name, utterance]) => [
    name,
    { ...utterance, audio: new Uint8Array(readFileSync(new URL(`${name}.ulaw`, FOLDER))) },
  ])
  return Object.fromEntries(entries) as Record<UtteranceName, RecordedUtterance>
}
