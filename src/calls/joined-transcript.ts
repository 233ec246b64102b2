/**
 * What an agent said, as ElevenLabs wrote it down after the call, next to what the caller heard of it, as the playback ledger knows it.
 *
 * @module
 */
import type { TranscriptRecord } from '../records/transcript.js'
import type { ElevenLabsWebhook } from '../webhooks/elevenlabs-payloads.js'

/** One turn of a transcript: `agent` or `caller`, the words, and when, in milliseconds into the call. */
export type TranscriptTurn = TranscriptRecord['turns'][number]

/** The transcript that ElevenLabs sends after a call. */
export type PostCallConversation = Extract<ElevenLabsWebhook, { type: 'post_call_transcription' }>['data']

/** Turns of one conversation that are taken; later ones are left out. */
const MAX_TURNS = 5000

/** The turns of a post-call transcript that have words, 5000 at most; its `user` is our `caller`. */
export function postCallTurns({ transcript = [] }: Pick<PostCallConversation, 'transcript'>): TranscriptTurn[] {
  return transcript.slice(0, MAX_TURNS).flatMap(({ role, message, time_in_call_secs: seconds }) => {
    if (message === undefined || message === '') return []
    return [{ speaker: role === 'user' ? 'caller' : role, text: message, atMs: seconds === undefined ? null : seconds * 1000 }] // prettier-ignore
  })
}

/** One turn from both sides. */
export interface JoinedTurn {
  readonly speaker: string
  /** The words as ElevenLabs has them. `undefined`: it has no such turn. */
  readonly said: string | undefined
  /** The words that the ledger has as heard. `undefined`: nothing of the turn was heard. */
  readonly heard: string | undefined
  /** Whether all that was said was heard. A turn that only one side has was not. */
  readonly isWhole: boolean
  /** In milliseconds into the call: by the ledger where it has the turn, else by ElevenLabs, to the second. */
  readonly atMs: number | null
}

/** So far ahead, on both sides together, a turn is looked for that the other side has now. */
const LOOK_AHEAD = 16

/**
 * Pairs the turns of both sides in their order. Turns are one turn when the same speaker has them and one begins as the other does, whatever
 * its capitals and marks: what was heard of a turn is its beginning.
 *
 * Every turn of both sides is in the result once.
 *
 * @param transcripts - `said`: from {@link postCallTurns}. `heard`: from the ledger, that is from `callerTurn` and the `heardText` of
 * `agentTurnEnded` of a bridge, or the stored transcript of source `playback-ledger`.
 *
 * @example
 * ```ts
 * const turns = joinTranscript({ said: postCallTurns(event.data), heard })
 * const neverHeard = turns.filter(({ speaker, heard }) => speaker === 'agent' && heard === undefined)
 * ```
 */
export function joinTranscript({
  said,
  heard,
}: {
  readonly said: readonly TranscriptTurn[]
  readonly heard: readonly TranscriptTurn[]
}): JoinedTurn[] {
  const saidKeys = said.map(keyOf)
  const heardKeys = heard.map(keyOf)
  const turns: JoinedTurn[] = []
  let [i, j] = [0, 0]
  /** How many turns of each side come before the next that both have; the fewest. */
  const gap = (): readonly [number, number] | undefined => {
    for (let total = 0; total <= LOOK_AHEAD; total++) {
      for (let ahead = 0; ahead <= total; ahead++) {
        if (isSame(saidKeys[i + ahead], heardKeys[j + total - ahead])) return [ahead, total - ahead]
      }
    }
    return undefined
  }
  while (i < said.length || j < heard.length) {
    const next = gap()
    const [onlySaid, onlyHeard] = next ?? [1, 1]
    for (const until = Math.min(said.length, i + onlySaid); i < until; i++) turns.push(joined(said[i], undefined))
    for (const until = Math.min(heard.length, j + onlyHeard); j < until; j++) turns.push(joined(undefined, heard[j]))
    if (next) turns.push(joined(said[i++], heard[j++]))
  }
  return turns
}

interface TurnKey {
  readonly speaker: string
  readonly words: string
}

function keyOf({ speaker, text }: TranscriptTurn): TurnKey {
  return { speaker, words: lettersOf(text) }
}

function lettersOf(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '')
}

function isSame(said: TurnKey | undefined, heard: TurnKey | undefined): boolean {
  if (!said || !heard || said.speaker !== heard.speaker) return false
  // A turn without a letter in it begins as anything does: it is only the like of another such.
  if (said.words === '' || heard.words === '') return said.words === heard.words
  return said.words.startsWith(heard.words) || heard.words.startsWith(said.words)
}

function joined(said: TranscriptTurn | undefined, heard: TranscriptTurn | undefined): JoinedTurn {
  return {
    speaker: (heard ?? said)?.speaker ?? '',
    said: said?.text,
    heard: heard?.text,
    isWhole: said !== undefined && heard !== undefined && lettersOf(heard.text).startsWith(lettersOf(said.text)),
    atMs: heard?.atMs ?? said?.atMs ?? null,
  }
}
